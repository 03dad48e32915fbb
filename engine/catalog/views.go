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

// CreateView implements sql.ViewDatabase.
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
	doc, err := json.Marshal(viewObject{name, selectStatement, createViewStmt, sql.LoadSqlMode(ctx).String(), definer})
	if err != nil {
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
	doc, err := d.provider.store.Get(ctx, key, maxViewBytes)
	if errors.Is(err, objstore.ErrNotFound) {
		return sql.ViewDefinition{}, false, nil
	}
	if err != nil {
		return sql.ViewDefinition{}, false, err
	}
	var v viewObject
	if err := json.NewDecoder(bytes.NewReader(doc)).Decode(&v); err != nil {
		return sql.ViewDefinition{}, false, fmt.Errorf("view definition %s: %w", key, err)
	}
	return sql.ViewDefinition{Name: v.Name, TextDefinition: v.Select, CreateViewStatement: parser.QualifyView(parser.AsDefiner(v.Statement, v.Definer), d.name), SqlMode: v.SQLMode}, true, nil
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
