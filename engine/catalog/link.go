package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/featuresql/featuresql/datasource/objstore"
)

// A table whose LOCATION is another folder of the warehouse than its name says has a link: the object
// <database>/_links/<table>.json with that folder. Dropping such a table removes the link and leaves the data.

type linkObject struct {
	Name     string `json:"name"`
	Location string `json:"location"`
}

func linkPrefix(db string) string {
	if db == DefaultDatabase {
		return "_links/"
	}
	return db + "/_links/"
}

func linkKey(db, table string) string { return linkPrefix(db) + strings.ToLower(table) + ".json" }

// Link makes the table at loc known under a name.
func (p *Provider) Link(ctx context.Context, db, table, loc string) error {
	if err := checkName("table", table); err != nil {
		return err
	}
	doc, err := json.Marshal(linkObject{table, loc})
	if err != nil {
		return err
	}
	key := linkKey(db, table)
	if l, there, err := p.linked(ctx, key); err != nil {
		return err
	} else if there { // unless what it led to is gone
		if table, err := p.isTable(ctx, l.Location); err != nil || table {
			return errors.Join(err, sql.ErrTableAlreadyExists.New(l.Name))
		}
		if err := p.store.Delete(ctx, key); err != nil {
			return err
		}
	}
	err = p.store.PutIfAbsent(ctx, key, doc)
	if errors.Is(err, objstore.ErrAlreadyExists) {
		return sql.ErrTableAlreadyExists.New(table)
	}
	return err
}

// Unlink removes the link of a name and reports whether there was one.
func (p *Provider) Unlink(ctx context.Context, db, table string) (bool, error) {
	key := linkKey(db, table)
	if _, err := p.store.Head(ctx, key); err != nil {
		if errors.Is(err, objstore.ErrNotFound) {
			return false, nil
		}
		return false, err
	}
	return true, p.store.Delete(ctx, key)
}

// linked returns the link of a name, if there is one.
func (p *Provider) linked(ctx context.Context, key string) (linkObject, bool, error) {
	var l linkObject
	doc, err := p.store.Get(ctx, key, maxViewBytes)
	if errors.Is(err, objstore.ErrNotFound) {
		return l, false, nil
	}
	if err != nil {
		return l, false, err
	}
	if err := json.Unmarshal(doc, &l); err != nil {
		return l, false, fmt.Errorf("link %s: %w", key, err)
	}
	if l.Location, err = p.PathLocation(l.Location); err != nil {
		return l, false, fmt.Errorf("link %s: %w", key, err)
	}
	return l, true, nil
}

// links lists the links of a database that lead to a table.
func (p *Provider) links(ctx context.Context, db string) ([]linkObject, error) {
	var out []linkObject
	for obj, err := range p.store.List(ctx, linkPrefix(db), "") {
		if err != nil {
			return nil, err
		}
		l, ok, err := p.linked(ctx, obj.Key)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		there, err := p.isTable(ctx, l.Location)
		if err != nil {
			return nil, err
		}
		if there {
			out = append(out, l)
		}
	}
	return out, nil
}
