package planner

import (
	"fmt"
	"sort"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/mysql_db"
	"github.com/dolthub/go-mysql-server/sql/plan"
	hosttypes "github.com/dolthub/go-mysql-server/sql/types"

	"github.com/featuresql/featuresql/datasource/delta/schema"
	"github.com/featuresql/featuresql/engine/catalog"
	"github.com/featuresql/featuresql/engine/catalog/information"
)

// shownRows puts out the rows of a SHOW statement in place of the host's node.
type shownRows struct {
	statement
	name string
	rows func(ctx *sql.Context) ([]sql.Row, error)
}

func (n *shownRows) IsReadOnly() bool { return true }

// RowIter implements sql.ExecSourceRel.
func (n *shownRows) RowIter(ctx *sql.Context, _ sql.Row) (sql.RowIter, error) {
	rows, err := n.rows(ctx)
	return sql.RowsToRowIter(rows...), err
}

func (n *shownRows) String() string { return n.name }

// WithChildren implements sql.Node.
func (n *shownRows) WithChildren(...sql.Node) (sql.Node, error) { return n, nil }

func (rt *Runtime) shown(name string, schema sql.Schema, rows func(ctx *sql.Context) ([]sql.Row, error)) sql.Node {
	return &shownRows{statement: statement{rt: rt, schema: schema}, name: name, rows: rows}
}

// showTable replaces the statements that show tables, views and connections, and CREATE OR REPLACE VIEW; nil for any other node.
func (rt *Runtime) showTable(ctx *sql.Context, n sql.Node) (sql.Node, error) {
	switch n := n.(type) {
	case *plan.ShowCreateTable:
		return rt.showCreate(ctx, n)
	case *plan.ShowColumns:
		return rt.showColumns(ctx, n)
	case *plan.ShowIndexes:
		if t := tableOf(n.Child); t != nil {
			schema, rows := information.Indexes(t)
			return rt.shown("SHOW INDEX", schema, func(*sql.Context) ([]sql.Row, error) { return rows, nil }), nil
		}
	case *plan.AnalyzeTable:
		return rt.shown("ANALYZE TABLE", n.Schema(), func(*sql.Context) ([]sql.Row, error) { return analyzed(n.Tables), nil }), nil
	case *plan.ShowTableStatus:
		if db := databaseOf(n.Database()); db != nil {
			schema, rows, err := information.TableStatus(ctx, db)
			return rt.shown("SHOW TABLE STATUS", schema, func(*sql.Context) ([]sql.Row, error) { return rows, nil }), err
		}
	case *plan.ShowStatus:
		return rt.shown("SHOW STATUS", n.Schema(), func(ctx *sql.Context) ([]sql.Row, error) {
			return information.Status(rt.opts.Status).Rows(ctx, *n == *plan.NewShowStatus(true)), nil
		}), nil
	case *plan.CreateView:
		if n.IsReplace { // the host would drop the view first; the catalog replaces it at once
			c := *n
			c.IsReplace = false
			return &c, nil
		}
	case *plan.ShowProcessList:
		return rt.shown("SHOW PROCESSLIST", information.ProcessSchema, information.Processes), nil
	}
	return nil, nil
}

// showCreate shows a table or a view as a statement that makes it.
func (rt *Runtime) showCreate(ctx *sql.Context, n *plan.ShowCreateTable) (sql.Node, error) {
	if t := tableOf(n.Child); t != nil && !n.IsView {
		return rt.shown("SHOW CREATE TABLE", n.Schema(), func(*sql.Context) ([]sql.Row, error) {
			return []sql.Row{sql.NewRow(t.Name(), createStatement(t))}, nil
		}), nil
	}
	_, isView := n.Child.(*plan.SubqueryAlias) // SHOW CREATE TABLE of a view
	session, err := catalog.SessionOf(ctx)
	if err != nil || !n.IsView && !isView {
		return nil, nil
	}
	at := session.Viewed()
	db, err := rt.provider.Database(ctx, at.Database)
	if err != nil {
		return nil, err
	}
	v, err := databaseOf(db).View(ctx, at.Table)
	if v == nil || err != nil {
		return nil, err
	}
	return rt.shown("SHOW CREATE VIEW", createViewSchema, func(*sql.Context) ([]sql.Row, error) {
		return []sql.Row{information.CreateView(v)}, nil
	}), nil
}

var createViewSchema = sql.Schema{column("View", hosttypes.LongText), column("Create View", hosttypes.LongText),
	column("character_set_client", hosttypes.LongText), column("collation_connection", hosttypes.LongText)}

// showColumns shows the columns of a table or a view.
func (rt *Runtime) showColumns(ctx *sql.Context, n *plan.ShowColumns) (sql.Node, error) {
	session, err := catalog.SessionOf(ctx)
	if err != nil {
		return nil, nil
	}
	access, err := session.Access(ctx)
	if err != nil {
		return nil, err
	}
	at, columns := session.Viewed(), []information.Column(nil)
	if t := tableOf(n.Child); t != nil {
		at, columns = session.Place(ctx, t.Database(), t.Name()), information.Columns(t)
	} else {
		columns = information.ColumnsOf(n.TargetSchema())
	}
	return rt.shown("SHOW COLUMNS", n.Schema(), func(*sql.Context) ([]sql.Row, error) {
		var rows []sql.Row
		for _, c := range columns {
			rows = append(rows, c.Row(access, at, n.Full))
		}
		return rows, nil
	}), nil
}

// analyzed is the answer to ANALYZE TABLE, which has nothing to do: the statistics are in the log.
func analyzed(tables []sql.Table) []sql.Row {
	var rows []sql.Row
	for _, t := range tables {
		name := t.Name()
		if own, ok := underlying(t).(*catalog.Table); ok {
			name = own.Database() + "." + name
		}
		rows = append(rows, sql.NewRow(name, "analyze", "status", "OK"))
	}
	return rows
}

func databaseOf(db sql.Database) *catalog.Database {
	if p, ok := db.(mysql_db.PrivilegedDatabase); ok {
		db = p.Unwrap()
	}
	own, _ := db.(*catalog.Database)
	return own
}

// ViewColumns resolves the columns of a view.
func (rt *Runtime) ViewColumns(ctx *sql.Context, database, view string) (sql.Schema, error) {
	n, err := rt.host.AnalyzeQuery(ctx, "SELECT * FROM "+quoteName(database)+"."+quoteName(view))
	if err != nil {
		return nil, err
	}
	return n.Schema(), nil
}

func tableOf(n sql.Node) *catalog.Table {
	if r, ok := n.(*plan.ResolvedTable); ok {
		t, _ := underlying(r.Table).(*catalog.Table)
		return t
	}
	return nil
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
		lines = append(lines, "PRIMARY KEY ("+information.QuoteNames(key, ",")+")")
	}
	for _, c := range information.Checks(t) {
		lines = append(lines, "CONSTRAINT "+quoteName(c.Name)+" CHECK ("+c.Condition+")")
	}
	out := "CREATE TABLE " + quoteName(t.Name()) + " (\n  " + strings.Join(lines, ",\n  ") +
		"\n) ENGINE=" + information.Engine + " DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin"
	if c := t.Comment(); c != "" {
		out += " COMMENT=" + information.QuoteValue(c)
	}
	var own []string
	if p := meta.PartitionColumns; len(p) > 0 {
		own = append(own, "PARTITIONED BY ("+information.QuoteNames(p, ", ")+")")
	}
	if t.Linked() {
		own = append(own, "LOCATION "+information.QuoteValue(t.Location()))
	}
	if p := shownProperties(meta.Configuration); p != "" {
		own = append(own, "TBLPROPERTIES ("+p+")")
	}
	if len(own) > 0 {
		out += " " + information.OpenClause + strings.Join(own, " ") + information.CloseClause
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
		out = append(out, information.QuoteValue(k)+" = "+information.QuoteValue(conf[k]))
	}
	return strings.Join(out, ", ")
}

func columnText(f *schema.Field, conf map[string]string) string {
	out := quoteName(f.Name) + " " + information.TypeText(f, conf)
	if nested := information.NestedText(f); nested != "" {
		out += " " + information.OpenClause + nested + information.CloseClause
	}
	if expr, ok := f.Generation(); ok {
		out += " GENERATED ALWAYS AS (" + information.OneLine(expr) + ") STORED"
	}
	if id := f.Identity(); id != nil {
		out += fmt.Sprintf(" GENERATED ALWAYS AS IDENTITY (START WITH %d INCREMENT BY %d)", id.Start, id.Step)
	}
	if !f.Nullable {
		out += " NOT NULL"
	}
	if d, ok := f.Default(); ok {
		out += " DEFAULT " + information.DefaultText(d)
	}
	if c := f.Comment(); c != "" {
		out += " COMMENT " + information.QuoteValue(c)
	}
	return out
}
