package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/engine/accounts"
	"github.com/featuresql/featuresql/engine/parser"
)

// Views are objects <database>/_views/<name>.json: seen by every server on the warehouse at once, and hidden from
// engines that look for tables.

const maxViewBytes = 1 << 20

type viewObject struct {
	Name      string `json:"name"`
	Select    string `json:"select"`
	Statement string `json:"statement"`
	SQLMode   string `json:"sqlMode"`
	// Written is the statement as its user wrote it; empty in views of older servers.
	Written string `json:"written,omitempty"`
	// Definer is the account by whose privileges the view reads; empty: by those of who uses it.
	Definer string `json:"definer,omitempty"`
}

func (d *Database) viewPrefix() string {
	if d.name == DefaultDatabase {
		return "_views/"
	}
	return d.name + "/_views/"
}

func (d *Database) viewKey(name string) string {
	return d.viewPrefix() + strings.ToLower(name) + ".json"
}

// CreateView implements sql.ViewDatabase. OR REPLACE in the statement puts the view in place of another at once.
func (d *Database) CreateView(ctx *sql.Context, name, selectStatement, createViewStmt string) error {
	if err := commitBefore(ctx); err != nil {
		return err
	}
	if err := checkName("view", name); err != nil {
		return err
	}
	if d.asOf != nil || d.byPath {
		return &NameError{"database", d.Name(), "cannot hold views"}
	}
	if _, isTable, err := d.find(ctx, name); err != nil {
		return err
	} else if isTable {
		return sql.ErrTableAlreadyExists.New(name)
	}
	definer, err := definerOf(ctx, createViewStmt)
	if err != nil {
		return err
	}
	statement, written := parser.CutWritten(createViewStmt)
	doc, err := json.Marshal(viewObject{Name: name, Select: selectStatement, Statement: statement, SQLMode: sql.LoadSqlMode(ctx).String(), Written: written, Definer: definer})
	if err != nil {
		return err
	}
	if parser.ReplacesView(statement) {
		_, err = d.provider.store.Put(ctx, d.viewKey(name), bytes.NewReader(doc))
		return err
	}
	err = d.provider.store.PutIfAbsent(ctx, d.viewKey(name), doc)
	if errors.Is(err, objstore.ErrAlreadyExists) {
		return sql.ErrExistingView.New(d.name, name)
	}
	return err
}

// definerOf returns the account by whose privileges a view is to read, empty for SQL SECURITY INVOKER. Another account
// than one's own can be named with SUPER only.
func definerOf(ctx *sql.Context, statement string) (string, error) {
	s, err := SessionOf(ctx)
	if err != nil {
		return "", err
	}
	named, invoker, err := parser.ViewSecurity(statement)
	if err != nil || invoker {
		return "", err
	}
	own := s.Account().Plain()
	if named == "" || named == own {
		return own, nil
	}
	access, err := s.Access(ctx)
	if err != nil {
		return "", err
	}
	return named, access.Global(accounts.Super)
}

// DropView implements sql.ViewDatabase.
func (d *Database) DropView(ctx *sql.Context, name string) error {
	if err := commitBefore(ctx); err != nil {
		return err
	}
	_, err := d.provider.store.Head(ctx, d.viewKey(name))
	if errors.Is(err, objstore.ErrNotFound) {
		return sql.ErrViewDoesNotExist.New(d.name, name)
	}
	if err != nil {
		return fmt.Errorf("view %s.%s: %w", d.name, name, err)
	}
	return d.provider.store.Delete(ctx, d.viewKey(name))
}

// GetViewDefinition implements sql.ViewDatabase.
func (d *Database) GetViewDefinition(ctx *sql.Context, name string) (sql.ViewDefinition, bool, error) {
	if d.byPath || checkName("view", name) != nil {
		return sql.ViewDefinition{}, false, nil
	}
	v, ok, err := d.readView(ctx, d.viewKey(name))
	if s, own := ctx.Session.(*Session); own && ok && s.viewed.Table == "" {
		s.viewed, s.within = accounts.Place{Database: d.name, Table: name}, d.name
	}
	return v, ok, err
}

func (d *Database) readView(ctx context.Context, key string) (sql.ViewDefinition, bool, error) {
	v, err := d.viewObject(ctx, key)
	if v == nil || err != nil {
		return sql.ViewDefinition{}, false, err
	}
	return sql.ViewDefinition{Name: v.Name, TextDefinition: v.Select, CreateViewStatement: parser.QualifyView(parser.AsDefiner(v.Statement, v.Definer), d.name), SqlMode: v.SQLMode}, true, nil
}

// viewObject reads a view; nil without an error: there is none.
func (d *Database) viewObject(ctx context.Context, key string) (*viewObject, error) {
	doc, err := d.provider.store.Get(ctx, key, maxViewBytes)
	if errors.Is(err, objstore.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	v := &viewObject{}
	if err := json.NewDecoder(bytes.NewReader(doc)).Decode(v); err != nil {
		return nil, fmt.Errorf("view definition %s: %w", key, err)
	}
	return v, nil
}

// View is a view as it is shown.
type View struct {
	Name    string
	Columns []string // as CREATE VIEW names them in parentheses; nil: none
	Body    string   // the SELECT as its user wrote it
	Definer string   // user@host by whose privileges it reads; empty: SQL SECURITY INVOKER
}

// Views lists the views that the session may know of, by their names.
func (d *Database) Views(ctx *sql.Context) ([]*View, error) {
	if d.byPath {
		return nil, nil
	}
	access := visible(ctx)
	var out []*View
	for obj, err := range d.provider.store.List(ctx, d.viewPrefix(), "") {
		if err != nil {
			return nil, err
		}
		v, err := d.shownView(ctx, obj.Key)
		if err != nil {
			return nil, err
		}
		if v != nil && (access == nil || access.Sees(accounts.Place{Database: d.name, Table: v.Name})) {
			out = append(out, v)
		}
	}
	return out, nil
}

// View returns a view by its name; nil: there is none.
func (d *Database) View(ctx *sql.Context, name string) (*View, error) {
	if d.byPath || checkName("view", name) != nil {
		return nil, nil
	}
	return d.shownView(ctx, d.viewKey(name))
}

func (d *Database) shownView(ctx *sql.Context, key string) (*View, error) {
	v, err := d.viewObject(ctx, key)
	if v == nil || err != nil {
		return nil, err
	}
	text := v.Written
	if text == "" {
		text = v.Statement
	}
	parts := parser.ViewPartsOf(text, sql.NewSqlModeFromString(v.SQLMode).AnsiQuotes())
	return &View{Name: v.Name, Columns: parts.Columns, Body: parts.Body, Definer: v.Definer}, nil
}

// AllViews implements sql.ViewDatabase.
func (d *Database) AllViews(ctx *sql.Context) ([]sql.ViewDefinition, error) {
	if d.byPath {
		return nil, nil
	}
	access := visible(ctx)
	var out []sql.ViewDefinition
	for obj, err := range d.provider.store.List(ctx, d.viewPrefix(), "") {
		if err != nil {
			return nil, err
		}
		v, ok, err := d.readView(ctx, obj.Key)
		if err != nil {
			return nil, err
		}
		if ok && (access == nil || access.Sees(accounts.Place{Database: d.name, Table: v.Name})) {
			out = append(out, v)
		}
	}
	return out, nil
}
