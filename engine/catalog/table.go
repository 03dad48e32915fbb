package catalog

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/scan"
	"github.com/featuresql/featuresql/datasource/delta/schema"
	"github.com/featuresql/featuresql/engine/exec"
)

// PrimaryKeyProperty is the table property that declares a key: the column names, comma separated.
const PrimaryKeyProperty = "featuresql.primaryKey"

// Table is one version of a table, as the host binds it.
type Table struct {
	name     string
	database string
	loc      string
	snap     *delta.Snapshot
	source   *scan.Source
	schema   sql.Schema
	key      []string
	asOf     bool // another version than the newest: not writable
}

var (
	_ sql.Table           = (*Table)(nil)
	_ sql.PrimaryKeyTable = (*Table)(nil)
	_ sql.CommentedTable  = (*Table)(nil)
	_ sql.StatisticsTable = (*Table)(nil)
)

// TypeMapper gives the host's type of a column, which the engine and the table's schema describe; the planner sets it, being the package that knows both.
type TypeMapper func(exec.Field, *schema.Field) sql.Type

// hostType is set once, by SetTypeMapper, before any table is opened.
var hostType TypeMapper

// SetTypeMapper tells the catalog how to show the engine's types to the host.
func SetTypeMapper(m TypeMapper) { hostType = m }

func newTable(db *Database, name, loc string, snap *delta.Snapshot, asOf bool) *Table {
	t := &Table{name: name, database: db.name, loc: loc, snap: snap, asOf: asOf}
	t.source = scan.NewSource(snap, scan.Options{Cache: db.provider.cache, Locate: snap.Table().Locate, NoSkipping: db.provider.noSkipping})
	t.key = PrimaryKey(snap)
	for i, f := range t.source.Fields() {
		col := &sql.Column{Name: f.Name, Type: hostType(f, &snap.Schema().Fields[i]), Nullable: f.Nullable, Source: name, DatabaseSource: db.Name()}
		col.Comment = snap.Schema().Fields[i].Comment()
		for _, k := range t.key {
			col.PrimaryKey = col.PrimaryKey || strings.EqualFold(k, f.Name)
		}
		t.schema = append(t.schema, col)
	}
	return t
}

// PrimaryKey returns the names of the declared key columns of a table, nil without one.
func PrimaryKey(snap *delta.Snapshot) []string {
	v := snap.Metadata().Configuration[PrimaryKeyProperty]
	if v == "" {
		return nil
	}
	keys := strings.Split(v, ",")
	for i := range keys {
		keys[i] = strings.TrimSpace(keys[i])
	}
	return keys
}

// Name implements sql.Table.
func (t *Table) Name() string { return t.name }

// String implements sql.Table.
func (t *Table) String() string { return t.name }

// Schema implements sql.Table.
func (t *Table) Schema() sql.Schema { return t.schema }

// Collation implements sql.Table: strings compare by their bytes, as every other engine on the table does.
func (t *Table) Collation() sql.CollationID { return sql.Collation_utf8mb4_0900_bin }

// Comment implements sql.CommentedTable.
func (t *Table) Comment() string {
	if d := t.snap.Metadata().Description; d != nil {
		return *d
	}
	return ""
}

// PrimaryKeySchema implements sql.PrimaryKeyTable.
func (t *Table) PrimaryKeySchema() sql.PrimaryKeySchema { return sql.NewPrimaryKeySchema(t.schema) }

// DataLength implements sql.StatisticsTable.
func (t *Table) DataLength(*sql.Context) (uint64, error) {
	var n uint64
	files := t.snap.Files()
	for i := range files.Len() {
		n += uint64(files.Size(i))
	}
	return n, nil
}

// RowCount implements sql.StatisticsTable. It is never called exact: the host would put an exact count into the plan in
// place of COUNT(*), with a node of its own; the planner counts from the log itself.
func (t *Table) RowCount(*sql.Context) (uint64, bool, error) {
	n, _ := t.source.RowCount()
	return uint64(max(0, n)), false, nil
}

// Snapshot returns the version.
func (t *Table) Snapshot() *delta.Snapshot { return t.snap }

// SameDefinition reports whether a plan for one version of a table fits the other: the same table with the same metadata.
func (t *Table) SameDefinition(o *Table) bool {
	m, n := t.snap.Metadata(), o.snap.Metadata()
	return m == n || m.ID == n.ID && m.SchemaString == n.SchemaString &&
		slices.Equal(m.PartitionColumns, n.PartitionColumns) && maps.Equal(m.Configuration, n.Configuration)
}

// SameColumns reports whether the columns of two versions are the same, in the same order.
func (t *Table) SameColumns(o *Table) bool {
	return t.snap.Metadata() == o.snap.Metadata() || t.snap.Metadata().SchemaString == o.snap.Metadata().SchemaString
}

// Source returns the version as the executor reads it.
func (t *Table) Source() *scan.Source { return t.source }

// Location is the table's path under the warehouse.
func (t *Table) Location() string { return t.loc }

// Linked reports whether the table lies elsewhere than its name says.
func (t *Table) Linked() bool {
	return t.database != PathDatabase && !strings.EqualFold(t.loc, location(t.database, t.name))
}

// Database is the name of the table's database.
func (t *Table) Database() string { return t.database }

// AsOf reports whether the table is read at another version than the newest.
func (t *Table) AsOf() bool { return t.asOf }

// Key returns the declared key columns.
func (t *Table) Key() []string { return t.key }

// Label names the table and its version in EXPLAIN.
func (t *Table) Label() string {
	return fmt.Sprintf("%s.%s@v%d", t.database, t.name, t.snap.Version())
}

// ColumnIndex returns the position of a column by its name, case-insensitively, or -1.
func (t *Table) ColumnIndex(name string) int {
	for i, c := range t.schema {
		if c.Name == name {
			return i
		}
	}
	for i, c := range t.schema {
		if strings.EqualFold(c.Name, name) {
			return i
		}
	}
	return -1
}

// Partitions implements sql.Table. The host never reads tables itself: the planner replaces every scan.
func (t *Table) Partitions(*sql.Context) (sql.PartitionIter, error) {
	return nil, fmt.Errorf("table %s was not planned", t.name)
}

// PartitionRows implements sql.Table; see Partitions.
func (t *Table) PartitionRows(*sql.Context, sql.Partition) (sql.RowIter, error) {
	return nil, io.ErrUnexpectedEOF
}
