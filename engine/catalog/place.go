package catalog

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/txn"
)

// PlaceError says that nothing can be created at a location of the warehouse.
type PlaceError struct {
	Location, Reason string
	Busy             bool // others seem to create or drop a table there
}

func (e *PlaceError) Error() string { return fmt.Sprintf("location '%s' %s", e.Location, e.Reason) }

// CheckNewName reports that no table can be created under a name of d, since a view has it.
func (d *Database) CheckNewName(ctx *sql.Context, name string) error {
	_, isView, err := d.GetViewDefinition(ctx, name)
	if isView {
		return sql.ErrTableAlreadyExists.New(name)
	}
	return err
}

// CheckPlace reports why no table can be created at loc: it is hidden, not empty, or inside or around something else.
// Error: *PlaceError.
func (p *Provider) CheckPlace(ctx context.Context, loc string) error {
	parts := strings.Split(loc, "/")
	for i, part := range parts {
		if strings.HasPrefix(part, "_") || strings.HasPrefix(part, ".") {
			return &PlaceError{Location: loc, Reason: "has a part that begins with an underscore or a dot, which hide a folder"}
		}
		above := strings.Join(parts[:i], "/")
		if above == "" {
			continue
		}
		if table, err := p.isTable(ctx, above); table || err != nil {
			return errors.Join(err, &PlaceError{Location: loc, Reason: fmt.Sprintf("lies inside of the table at '%s'", above)})
		}
	}
	if strings.EqualFold(parts[0], SystemDatabase) {
		return &PlaceError{Location: loc, Reason: "is kept for featuresql's own tables"}
	}
	for obj, err := range p.store.List(ctx, loc+"/", "") {
		if err != nil {
			return err
		}
		rest := strings.TrimPrefix(obj.Key, loc+"/")
		switch {
		case rest == databaseMarker, strings.HasPrefix(rest, "_views/"), strings.HasPrefix(rest, "_links/"):
			return &PlaceError{Location: loc, Reason: "is a database"}
		case strings.Contains(rest, "/_delta_log/"):
			return &PlaceError{Location: loc, Reason: fmt.Sprintf("holds the table '%s'", obj.Key[:strings.LastIndex(obj.Key, "/_delta_log/")])}
		}
		return p.notEmpty(ctx, loc, obj)
	}
	return nil
}

// busyFor is for how long a new data file without a table counts as one of a statement that goes on.
const busyFor = time.Minute

// notEmpty says what is at a location that has no table, unless it has one by now.
func (p *Provider) notEmpty(ctx context.Context, loc string, obj objstore.Object) error {
	if table, err := p.isTable(ctx, loc); table || err != nil {
		return errors.Join(err, &txn.TableExistsError{Table: p.store.URL() + "/" + loc})
	}
	e := &PlaceError{Location: loc, Reason: fmt.Sprintf("is not empty: it holds '%s' and no table; remove what is there, or choose another", strings.TrimPrefix(obj.Key, loc+"/"))}
	if strings.HasPrefix(path.Base(obj.Key), "part-") && time.Since(obj.ModTime) < busyFor {
		e.Busy = true
		e.Reason += "; another statement may just be writing it"
	}
	return e
}

// checkNewDatabase reports why no database of a name can be created.
func (p *Provider) checkNewDatabase(ctx *sql.Context, name string) error {
	if err := checkName("database", name); err != nil {
		return err
	}
	if strings.EqualFold(name, SystemDatabase) || strings.EqualFold(name, PathDatabase) {
		return &NameError{"database", name, "is kept for featuresql itself"}
	}
	if table, err := p.hasLog(ctx, name); table || err != nil {
		return errors.Join(err, &NameError{"database", name, "is the folder of a table of the database " + DefaultDatabase})
	}
	_, exists, err := p.findDatabase(ctx, name)
	if exists {
		return sql.ErrDatabaseExists.New(name)
	}
	return err
}

func (p *Provider) deleteAll(ctx context.Context, keys []string) error {
	for _, key := range keys {
		if err := p.store.Delete(ctx, key); err != nil && !errors.Is(err, objstore.ErrNotFound) {
			return err
		}
	}
	return nil
}

func (p *Provider) keysBelow(ctx context.Context, prefix string) ([]string, error) {
	var keys []string
	for obj, err := range p.store.List(ctx, prefix, "") {
		if err != nil {
			return nil, err
		}
		keys = append(keys, obj.Key)
	}
	return keys, nil
}
