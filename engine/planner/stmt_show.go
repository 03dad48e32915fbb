package planner

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"

	"github.com/featuresql/featuresql/datasource/delta/schema"
	"github.com/featuresql/featuresql/engine/catalog"
	"github.com/featuresql/featuresql/engine/parser"
)

// A clause that MySQL does not know is shown in a comment of a version that no MySQL has: clients and MySQL pass over
// it, and featuresql reads it.
const (
	openClause  = "/*!999999 "
	closeClause = " */"
)

// showCreate shows a table in place of the host's node.
type showCreate struct {
	statement
	table *catalog.Table
}

func (n *showCreate) IsReadOnly() bool { return true }

// RowIter implements sql.ExecSourceRel.
func (n *showCreate) RowIter(*sql.Context, sql.Row) (sql.RowIter, error) {
	return sql.RowsToRowIter(sql.NewRow(n.table.Name(), createStatement(n.table))), nil
}

func (n *showCreate) String() string { return "SHOW CREATE TABLE " + n.table.Name() }

// WithChildren implements sql.Node.
func (n *showCreate) WithChildren(...sql.Node) (sql.Node, error) { return n, nil }

// showTable replaces SHOW CREATE TABLE and SHOW COLUMNS of a table of ours; nil for any other node.
func (rt *Runtime) showTable(n sql.Node) (sql.Node, error) {
	switch n := n.(type) {
	case *plan.ShowCreateTable:
		if t := tableOf(n.Child); t != nil && !n.IsView {
			return &showCreate{statement: statement{rt: rt, schema: n.Schema()}, table: t}, nil
		}
	case *plan.ShowColumns:
		if t := tableOf(n.Child); t != nil {
			return n.WithTargetSchema(shownColumns(t, n.TargetSchema()))
		}
	}
	return nil, nil
}

func tableOf(n sql.Node) *catalog.Table {
	if r, ok := n.(*plan.ResolvedTable); ok {
		t, _ := underlying(r.Table).(*catalog.Table)
		return t
	}
	return nil
}

type hostType = sql.Type

// shownType is a type under the name by which it was declared.
type shownType struct {
	hostType
	text string
}

func (t shownType) String() string { return t.text }

// shownColumns gives the columns their declared types and defaults, for DESCRIBE.
func shownColumns(t *catalog.Table, columns sql.Schema) sql.Schema {
	out := make(sql.Schema, len(columns))
	conf := t.Snapshot().Metadata().Configuration
	for i, c := range columns {
		shown := *c
		f := &t.Snapshot().Schema().Fields[i]
		if _, _, isText := f.TextLimit(); !isText {
			if text, ok := f.Declared(conf); ok {
				shown.Type = shownType{c.Type, text}
			}
		}
		if text, ok := f.Default(); ok {
			text = shownDefault(text)
			now := strings.HasPrefix(text, "CURRENT_")
			shown.Default = &sql.ColumnDefaultValue{Expr: sql.UnresolvedColumnDefault{ExprString: strings.ReplaceAll(strings.Trim(text, "'"), "''", "'")}, OutType: c.Type, Literal: true}
			if now {
				shown.Extra = "DEFAULT_GENERATED"
			}
		}
		if _, ok := f.Generation(); ok {
			shown.Extra = "STORED GENERATED"
		}
		out[i] = &shown
	}
	return out
}

// createStatement writes the CREATE TABLE of a table: as MySQL lays it out, line by line, since clients read it so.
func createStatement(t *catalog.Table) string {
	meta := t.Snapshot().Metadata()
	var lines []string
	fields := t.Snapshot().Schema().Fields
	for i := range fields {
		lines = append(lines, columnText(&fields[i], meta.Configuration))
	}
	if key := t.Key(); len(key) > 0 {
		lines = append(lines, "PRIMARY KEY ("+quoteNames(key, ",")+")")
	}
	for _, k := range sortedKeys(meta.Configuration) {
		name, ok := strings.CutPrefix(k, schema.PropertyConstraints)
		if ok && !isTypeConstraint(name, fields, meta.Configuration) {
			lines = append(lines, "CONSTRAINT "+quoteName(name)+" CHECK ("+oneLine(parser.CheckCondition(meta.Configuration[k]))+")")
		}
	}
	out := "CREATE TABLE " + quoteName(t.Name()) + " (\n  " + strings.Join(lines, ",\n  ") +
		"\n) ENGINE=DELTA DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin"
	if c := t.Comment(); c != "" {
		out += " COMMENT=" + quoteValue(c)
	}
	var own []string
	if p := meta.PartitionColumns; len(p) > 0 {
		own = append(own, "PARTITIONED BY ("+quoteNames(p, ", ")+")")
	}
	if t.Linked() {
		own = append(own, "LOCATION "+quoteValue(t.Location()))
	}
	if p := shownProperties(meta.Configuration); p != "" {
		own = append(own, "TBLPROPERTIES ("+p+")")
	}
	if len(own) > 0 {
		out += " " + openClause + strings.Join(own, " ") + closeClause
	}
	return out
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func isTypeConstraint(name string, fields []schema.Field, conf map[string]string) bool {
	return slices.ContainsFunc(fields, func(f schema.Field) bool {
		_, declared := f.Declared(conf)
		return declared && schema.TypeConstraint(f.Name) == name
	})
}

// shownProperties are the properties that a statement would set; those that other clauses or writers set are left out.
func shownProperties(conf map[string]string) string {
	var out []string
	for _, k := range sortedKeys(conf) {
		if known, ok := deltaProperties[strings.ToLower(k)]; ok && known.check("") == keptByWriters {
			continue
		}
		if k == catalog.PrimaryKeyProperty || strings.HasPrefix(k, schema.PropertyConstraints) {
			continue
		}
		out = append(out, quoteValue(k)+" = "+quoteValue(conf[k]))
	}
	return strings.Join(out, ", ")
}

func quoteNames(names []string, between string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = quoteName(n)
	}
	return strings.Join(quoted, between)
}

// quoteValue writes a string literal as MySQL's SHOW CREATE TABLE does, on one line.
func quoteValue(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`, "\n", `\n`, "\r", `\r`, "\x00", `\0`).Replace(s) + "'"
}

func oneLine(s string) string { return strings.NewReplacer("\n", " ", "\r", " ").Replace(s) }

func columnText(f *schema.Field, conf map[string]string) string {
	text, declared := f.Declared(conf)
	if !declared {
		text = typeText(f.Type)
	}
	out := quoteName(f.Name) + " " + text
	if expr, ok := f.Generation(); ok {
		out += " GENERATED ALWAYS AS (" + oneLine(expr) + ") STORED"
	}
	if id := f.Identity(); id != nil {
		out += fmt.Sprintf(" GENERATED ALWAYS AS IDENTITY (START WITH %d INCREMENT BY %d)", id.Start, id.Step)
	}
	if !f.Nullable {
		out += " NOT NULL"
	}
	if d, ok := f.Default(); ok {
		out += " DEFAULT " + shownDefault(d)
	}
	if c := f.Comment(); c != "" {
		out += " COMMENT " + quoteValue(c)
	}
	return out
}

// shownDefault writes a default as MySQL does.
func shownDefault(text string) string {
	switch strings.ToLower(strings.TrimSuffix(text, "()")) {
	case "current_timestamp", "now":
		return "CURRENT_TIMESTAMP(6)"
	case "current_date":
		return "(CURRENT_DATE)"
	}
	if i := strings.IndexByte(text, '\''); i > 0 && strings.HasSuffix(text, "'") && !strings.EqualFold(text[:i], "x") { // DATE '…'
		text = text[i:]
	}
	return oneLine(strings.NewReplacer(`\\`, `\\`, `\'`, `''`).Replace(text))
}

// shownTypes are MySQL's names of the primitive types.
var shownTypes = map[schema.Name]string{
	schema.Byte: "tinyint", schema.Short: "smallint", schema.Integer: "int", schema.Long: "bigint", schema.Float: "float", schema.Double: "double",
	schema.Boolean: "tinyint(1)", schema.String: "longtext", schema.Binary: "longblob", schema.Date: "date",
	schema.Timestamp: "timestamp(6)", schema.TimestampNTZ: "datetime(6)", schema.Void: "longtext",
}

func typeText(t schema.Type) string {
	if p, ok := t.(schema.Primitive); ok {
		if name, ok := shownTypes[p.Name]; ok {
			return name
		}
		return p.String()
	}
	return "json " + openClause + nestedText(t) + closeClause
}

// nestedText writes a type as Spark does.
func nestedText(t schema.Type) string {
	switch t := t.(type) {
	case *schema.Struct:
		parts := make([]string, len(t.Fields))
		for i := range t.Fields {
			f := &t.Fields[i]
			parts[i] = quoteName(f.Name) + ": " + nestedText(f.Type)
			if !f.Nullable {
				parts[i] += " NOT NULL"
			}
			if c := f.Comment(); c != "" {
				parts[i] += " COMMENT " + quoteValue(c)
			}
		}
		return "STRUCT<" + strings.Join(parts, ", ") + ">"
	case *schema.Array:
		return "ARRAY<" + nestedText(t.Element) + ">"
	case *schema.Map:
		return "MAP<" + nestedText(t.Key) + ", " + nestedText(t.Value) + ">"
	}
	return strings.ToUpper(t.String())
}
