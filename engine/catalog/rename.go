package catalog

import (
	"errors"
	"fmt"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/featuresql/featuresql/datasource/objstore"
)

var _ sql.TableRenamer = (*Database)(nil)

// RenameError says that a table cannot be renamed where it lies.
type RenameError struct{ Table, To, Location string }

func (e *RenameError) Error() string {
	return fmt.Sprintf("table %s cannot be renamed: an object store has no atomic renaming of folders; CREATE TABLE %s LOCATION '%s' makes it known under another name", e.Table, e.To, e.Location)
}

// RenameTable implements sql.TableRenamer: the folder of a table, or the link to it, gets another name.
func (d *Database) RenameTable(ctx *sql.Context, from, to string) error {
	return d.MoveTable(ctx, from, d, to)
}

// MoveTable gives a table of d another name, in the same database or another one.
func (d *Database) MoveTable(ctx *sql.Context, from string, other *Database, to string) error {
	loc, exists, err := d.Location(ctx, from)
	if err != nil {
		return err
	}
	if !exists {
		return sql.ErrTableNotFound.New(from)
	}
	want, taken, err := other.Location(ctx, to)
	if err != nil {
		return err
	}
	if taken {
		return sql.ErrTableAlreadyExists.New(to)
	}
	if err := other.CheckNewName(ctx, to); err != nil {
		return err
	}
	p := d.provider
	if linked, err := p.Unlink(ctx, d.name, from); linked || err != nil {
		return errors.Join(err, p.Link(ctx, other.name, to, loc))
	}
	switch err := objstore.MoveFolder(ctx, p.store, loc, want); {
	case errors.Is(err, errors.ErrUnsupported):
		return &RenameError{Table: from, To: to, Location: loc}
	case err != nil:
		return fmt.Errorf("rename table %s: %w", from, err)
	}
	p.Forget(loc)
	s, err := SessionOf(ctx)
	if err == nil {
		s.Refresh(loc)
	}
	return err
}
