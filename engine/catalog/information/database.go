package information

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	host "github.com/dolthub/go-mysql-server/sql/information_schema"
	hosttypes "github.com/dolthub/go-mysql-server/sql/types"

	"github.com/featuresql/featuresql/engine/accounts"
	"github.com/featuresql/featuresql/engine/catalog"
)

// ViewColumns resolves the columns of a view.
type ViewColumns func(ctx *sql.Context, database, view string) (sql.Schema, error)

// Schema is the database information_schema: the host's, with own rows where the host's are not those of a warehouse.
type Schema struct {
	sql.Database
	provider *catalog.Provider
	columns  ViewColumns
}

// New returns information_schema over a warehouse.
func New(p *catalog.Provider, columns ViewColumns) *Schema {
	return &Schema{Database: host.NewInformationSchemaDatabase(), provider: p, columns: columns}
}

// ownTables are the tables whose rows are not the host's.
var ownTables = map[string]func(*reader) error{
	"tables": (*reader).tables, "columns": (*reader).columns, "statistics": (*reader).statistics,
	"table_constraints": (*reader).tableConstraints, "key_column_usage": (*reader).keyColumnUsage,
	"check_constraints": (*reader).checkConstraints, "views": (*reader).views, "engines": (*reader).engines,
	"processlist": (*reader).processlist, "column_statistics": (*reader).nothing, "user_privileges": (*reader).userPrivileges,
	"schema_privileges": (*reader).schemaPrivileges, "table_privileges": (*reader).tablePrivileges,
	"column_privileges": (*reader).columnPrivileges, "plugins": (*reader).plugins,
}

// UnknownTableError says that a system database has no table of a name.
type UnknownTableError struct{ Table, Database string }

func (e *UnknownTableError) Error() string {
	return "Unknown table '" + e.Table + "' in " + e.Database
}

// GetTableInsensitive implements sql.Database.
func (s *Schema) GetTableInsensitive(ctx *sql.Context, name string) (sql.Table, bool, error) {
	t, ok, err := s.Database.GetTableInsensitive(ctx, name)
	fill := ownTables[strings.ToLower(name)]
	if err == nil && !ok {
		err = &UnknownTableError{Table: strings.ToUpper(name), Database: s.Name()}
	}
	if err != nil {
		return nil, false, err
	}
	schema := asText(t.Schema())
	if fill == nil {
		if other, is := t.(*host.InformationSchemaTable); is {
			t = &host.InformationSchemaTable{TableName: other.TableName, TableSchema: schema, Reader: other.Reader}
		}
		return t, true, nil
	}
	return &host.InformationSchemaTable{TableName: strings.ToLower(name), TableSchema: schema, Reader: func(ctx *sql.Context, _ sql.Catalog) (sql.RowIter, error) {
		r, err := s.reader(ctx)
		if err == nil {
			err = fill(r)
		}
		return sql.RowsToRowIter(r.rows...), err
	}}, true, nil
}

// asText makes text of ENUM and SET columns: the rows have text.
func asText(s sql.Schema) sql.Schema {
	out := make(sql.Schema, len(s))
	for i, c := range s {
		shown := *c
		if hosttypes.IsEnum(c.Type) || hosttypes.IsSet(c.Type) {
			shown.Type = hosttypes.LongText
		}
		out[i] = &shown
	}
	return out
}

// reader collects the rows of one table for one statement.
type reader struct {
	*Schema
	ctx    *sql.Context
	access *accounts.Access
	rows   []sql.Row
}

func (s *Schema) reader(ctx *sql.Context) (*reader, error) {
	r := &reader{Schema: s, ctx: ctx, access: accounts.Everything(accounts.Root)}
	session, err := catalog.SessionOf(ctx)
	if err != nil {
		return r, err
	}
	r.access, err = session.Access(ctx)
	return r, err
}

func (r *reader) add(values ...any) { r.rows = append(r.rows, sql.Row(values)) }

func (r *reader) nothing() error { return nil }

// databases lists the databases that the session sees, and the one as of a time that it uses.
func (r *reader) databases() []*catalog.Database {
	var out []*catalog.Database
	for _, d := range r.provider.AllDatabases(r.ctx) {
		if own, ok := d.(*catalog.Database); ok {
			out = append(out, own)
		}
	}
	if current := r.ctx.GetCurrentDatabase(); strings.Contains(current, "@") {
		if d, err := r.provider.Database(r.ctx, current); err == nil {
			out = append(out, d.(*catalog.Database))
		}
	}
	return out
}

// eachTable calls f for every table that the session sees; err says why the table cannot be opened.
func (r *reader) eachTable(f func(db *catalog.Database, name string, t *catalog.Table, err error)) error {
	for _, db := range r.databases() {
		names, err := db.GetTableNames(r.ctx)
		if err != nil {
			return err
		}
		for _, name := range names {
			t, ok, err := db.GetTableInsensitive(r.ctx, name)
			if err := r.ctx.Err(); err != nil {
				return err
			}
			if own, isOwn := t.(*catalog.Table); err != nil || ok && isOwn {
				f(db, name, own, err)
			}
		}
	}
	return nil
}

// eachOpen calls f for every table that can be opened.
func (r *reader) eachOpen(f func(db *catalog.Database, t *catalog.Table)) error {
	return r.eachTable(func(db *catalog.Database, _ string, t *catalog.Table, err error) {
		if err == nil {
			f(db, t)
		}
	})
}
