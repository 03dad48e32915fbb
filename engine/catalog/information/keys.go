package information

import (
	"slices"
	"sort"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	hosttypes "github.com/dolthub/go-mysql-server/sql/types"

	"github.com/featuresql/featuresql/datasource/delta/schema"
	"github.com/featuresql/featuresql/engine/catalog"
	"github.com/featuresql/featuresql/engine/parser"
)

const primary = "PRIMARY"

// indexSchema has the columns of SHOW INDEX.
var indexSchema = columns(hosttypes.LongText, "Table", hosttypes.Int64, "Non_unique", hosttypes.LongText, "Key_name", hosttypes.Int64, "Seq_in_index", hosttypes.LongText, "Column_name", "Collation",
	hosttypes.Int64, "Cardinality", "Sub_part", hosttypes.LongText, "Packed", "Null", "Index_type", "Comment", "Index_comment", "Visible", "Expression")

// Indexes returns the rows of SHOW INDEX of a table, and their columns. The declared key is its only index.
func Indexes(t *catalog.Table) (sql.Schema, []sql.Row) {
	var rows []sql.Row
	for i, k := range keyOf(t) {
		rows = append(rows, sql.NewRow(t.Name(), int64(0), primary, int64(i+1), k, "A", cardinality(t, i), nil, nil, "", "BTREE", "", "", "YES", nil))
	}
	return indexSchema, rows
}

// keyOf is the declared key, its columns spelled as the table has them.
func keyOf(t *catalog.Table) []string {
	key := slices.Clone(t.Key())
	for i, k := range key {
		if at := t.ColumnIndex(k); at >= 0 {
			key[i] = t.Schema()[at].Name
		}
	}
	return key
}

// cardinality is known for the whole key: the rows of the table.
func cardinality(t *catalog.Table, i int) any {
	if n, ok := t.Source().RowCount(); ok && i == len(t.Key())-1 {
		return n
	}
	return nil
}

func (r *reader) statistics() error {
	return r.eachOpen(func(db *catalog.Database, t *catalog.Table) {
		for i, k := range keyOf(t) {
			r.add("def", db.Name(), t.Name(), int32(0), db.Name(), primary, uint32(i+1), k, "A", cardinality(t, i), nil, nil, "", "BTREE", "", "", "YES", nil)
		}
	})
}

func (r *reader) keyColumnUsage() error {
	return r.eachOpen(func(db *catalog.Database, t *catalog.Table) {
		for i, k := range keyOf(t) {
			r.add("def", db.Name(), primary, "def", db.Name(), t.Name(), k, uint32(i+1), nil, nil, nil, nil)
		}
	})
}

func (r *reader) tableConstraints() error {
	return r.eachOpen(func(db *catalog.Database, t *catalog.Table) {
		if len(t.Key()) > 0 {
			r.add("def", db.Name(), primary, db.Name(), t.Name(), "PRIMARY KEY", "YES")
		}
		for _, c := range Checks(t) {
			r.add("def", db.Name(), c.Name, db.Name(), t.Name(), "CHECK", "YES")
		}
	})
}

func (r *reader) checkConstraints() error {
	return r.eachOpen(func(db *catalog.Database, t *catalog.Table) {
		for _, c := range Checks(t) {
			r.add("def", db.Name(), c.Name, "("+c.Condition+")")
		}
	})
}

// Check is a CHECK constraint.
type Check struct{ Name, Condition string }

// Checks returns the CHECK constraints of a table by their names, but for those that stand for declared types.
func Checks(t *catalog.Table) []Check {
	var out []Check
	properties := t.Snapshot().Metadata().Configuration
	for k, text := range properties {
		name, ok := strings.CutPrefix(k, schema.PropertyConstraints)
		ofType := slices.ContainsFunc(t.Snapshot().Schema().Fields, func(f schema.Field) bool {
			_, declared := f.Declared(properties)
			return declared && schema.TypeConstraint(f.Name) == name
		})
		if ok && !ofType {
			out = append(out, Check{name, OneLine(parser.CheckCondition(text))})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}
