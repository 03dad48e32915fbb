package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/feature"
	"github.com/featuresql/featuresql/datasource/delta/schema"
	"github.com/featuresql/featuresql/engine/catalog"
	"github.com/featuresql/featuresql/engine/dml"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/parser"
	"github.com/featuresql/featuresql/txn"
)

// columnChanges applies what ALTER TABLE does with columns that exist to the fields and properties of a table.
type columnChanges struct {
	s      *statement
	ctx    *sql.Context
	tx     *txn.Transaction
	tbl    *catalog.Table
	meta   *action.Metadata
	fields []schema.Field
	did    string
}

// ColumnInUseError says that a column cannot be dropped or renamed, since something else of the table names it.
type ColumnInUseError struct{ Column, By string }

func (e *ColumnInUseError) Error() string {
	return fmt.Sprintf("column '%s' cannot be dropped or renamed: %s names it", e.Column, e.By)
}

// operation is the name under which DESCRIBE HISTORY shows the change; otherwise is for a change that is not of columns.
func (c *columnChanges) operation(otherwise string) string {
	if c.did == "" {
		return otherwise
	}
	return c.did
}

func (c *columnChanges) index(name string) int {
	return slices.IndexFunc(c.fields, func(f schema.Field) bool { return strings.EqualFold(f.Name, name) })
}

// applyAll applies the changes that drop a column, or the others.
func (c *columnChanges) applyAll(changes []parser.ColumnChange, drops bool) error {
	for _, ch := range changes {
		if ch.Drop != drops {
			continue
		}
		if err := c.apply(ch); err != nil {
			return err
		}
	}
	return nil
}

func (c *columnChanges) apply(ch parser.ColumnChange) error {
	i := c.index(ch.Name)
	if i < 0 {
		if ch.IfExists {
			return nil
		}
		if ch.Drop {
			return sql.ErrCantDropFieldOrKey.New(ch.Name)
		}
		return sql.ErrTableColumnNotFound.New(c.tbl.Name(), ch.Name)
	}
	if ch.Drop {
		return c.drop(i)
	}
	f := &c.fields[i]
	c.did = "CHANGE COLUMN"
	if ch.Def != nil {
		if err := c.redefine(f, ch.Def); err != nil {
			return err
		}
	}
	if err := c.attributes(f, ch); err != nil {
		return err
	}
	if ch.Rename != "" {
		if err := c.rename(i, ch.Rename); err != nil {
			return err
		}
	}
	return c.move(i, ch.First, ch.After)
}

// redefine makes a column what CHANGE or MODIFY says: attributes that it does not mention go.
func (c *columnChanges) redefine(f *schema.Field, d *parser.ColumnDef) error {
	if d.Generated != "" || d.Identity {
		return &UnsupportedError{What: "a generated or identity column (" + d.Name + ")"}
	}
	if err := c.retype(f, d.Type); err != nil {
		return err
	}
	setComment(f, d.Comment)
	setDefault(f, d.Default)
	return c.notNull(f, d.NotNull)
}

func (c *columnChanges) attributes(f *schema.Field, ch parser.ColumnChange) error {
	if ch.Type != nil {
		if err := c.retype(f, *ch.Type); err != nil {
			return err
		}
	}
	if ch.Default != nil {
		setDefault(f, *ch.Default)
	}
	if ch.Comment != nil {
		setComment(f, *ch.Comment)
	}
	if ch.NotNull != nil {
		return c.notNull(f, *ch.NotNull)
	}
	return nil
}

func setComment(f *schema.Field, text string) {
	if f.Metadata = f.Metadata.Without(schema.KeyComment); text != "" {
		f.Metadata = f.Metadata.WithStr(schema.KeyComment, text)
	}
}

// notNull sets or drops NOT NULL; no row may hold a NULL where it is set.
func (c *columnChanges) notNull(f *schema.Field, on bool) error {
	if f.Nullable == !on {
		return nil
	}
	if !on && slices.ContainsFunc(splitKey(c.meta), func(k string) bool { return strings.EqualFold(strings.TrimSpace(k), f.Name) }) {
		return &ColumnInUseError{Column: f.Name, By: "the PRIMARY KEY, which takes no NULL,"}
	}
	f.Nullable = !on
	if !on || c.tbl.ColumnIndex(f.Name) < 0 {
		return nil
	}
	return c.verify(f.Name, quoteName(f.Name)+" IS NOT NULL", "NOT NULL of "+f.Name)
}

// verify refuses the change if a stored row breaks a condition.
func (c *columnChanges) verify(column, condition, rule string) error {
	e, err := c.s.rt.tableExpr(c.ctx, c.tbl, condition)
	if err != nil {
		return fmt.Errorf("column %s: %w", column, err)
	}
	c.tx.ReadAll() // a row that another writer adds now could break the new rule
	return c.s.holds(c.ctx, c.tbl, dml.Check{Name: rule, Text: condition, Expr: e})
}

func quoteName(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }

// retype changes a column's type: to one that stores the same values, or a wider one where type widening is on.
func (c *columnChanges) retype(f *schema.Field, t parser.DataType) error {
	want, err := schema.ParseType(t.DeltaJSON())
	if err != nil {
		return err
	}
	if plainType(f.Type) != plainType(want) {
		if err := c.widen(f, f.Type, want); err != nil {
			return err
		}
		f.Type = want
	}
	declareType(f, t, c.meta.Configuration)
	condition := t.Condition(f.Name)
	if condition == "" && t.Length > 0 && t.Name == "string" {
		condition = fmt.Sprintf("char_length(trim(TRAILING ' ' FROM %s)) <= %d", quoteName(f.Name), t.Length)
	}
	if f.IsJSON() {
		condition = fmt.Sprintf("json_valid(%s)", quoteName(f.Name))
	}
	if condition == "" || c.tbl.ColumnIndex(f.Name) < 0 {
		return nil
	}
	return c.verify(f.Name, condition, "type "+t.Declared)
}

// plainType is a type without the metadata of its fields.
func plainType(t schema.Type) string {
	switch t := t.(type) {
	case *schema.Struct:
		var b strings.Builder
		for _, f := range t.Fields {
			fmt.Fprintf(&b, "%s:%s:%v,", strings.ToLower(f.Name), plainType(f.Type), f.Nullable)
		}
		return "struct<" + b.String() + ">"
	case *schema.Array:
		return "array<" + plainType(t.Element) + ">"
	case *schema.Map:
		return "map<" + plainType(t.Key) + "," + plainType(t.Value) + ">"
	}
	return t.String()
}

// widen notes a change of type (PROTOCOL.md, Type Widening).
func (c *columnChanges) widen(f *schema.Field, old, want schema.Type) error {
	change := fmt.Sprintf("changing the type of column %s from %s to %s", f.Name, plainType(old), plainType(want))
	if !feature.Widens(old.String(), want.String()) {
		return &UnsupportedError{What: change + ", which stored values need not fit; CREATE OR REPLACE TABLE … AS SELECT CAST(…) writes the table anew, so the change"}
	}
	if !strings.EqualFold(c.meta.Configuration["delta.enableTypeWidening"], "true") {
		return &UnsupportedError{What: change + " while 'delta.enableTypeWidening' is not 'true' (set it with SET TBLPROPERTIES)"}
	}
	list := fmt.Sprintf(`{"fromType":%q,"toType":%q}]`, old, want)
	if text, ok := f.Metadata.Get(schema.KeyTypeChanges); ok && text != "[]" {
		list = strings.TrimSuffix(text, "]") + "," + list
	} else {
		list = "[" + list
	}
	f.Metadata = f.Metadata.WithJSON(schema.KeyTypeChanges, list)
	return nil
}

// mapped refuses what changes a column's name, or its being there, while files know columns by their names.
func (c *columnChanges) mapped(what string) error {
	if isMapped(c.meta.Configuration) {
		return nil
	}
	return &UnsupportedError{What: what + " while columns are found in files by their names (ALTER TABLE " + c.tbl.Name() +
		" SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name') changes that, without writing the table anew)"}
}

func (c *columnChanges) drop(i int) error {
	f := &c.fields[i]
	if err := c.mapped("DROP COLUMN " + f.Name); err != nil {
		return err
	}
	delete(c.meta.Configuration, schema.PropertyConstraints+schema.TypeConstraint(f.Name))
	by := c.user(f.Name, true)
	if clustered, err := c.clusteredBy(f); err != nil {
		return err
	} else if clustered {
		by = "CLUSTER BY"
	}
	if by != "" {
		return &ColumnInUseError{Column: f.Name, By: by}
	}
	if len(c.fields) == 1+len(c.meta.PartitionColumns) {
		return &UnsupportedError{What: "dropping the last column of a table that is not a partition column"}
	}
	c.did = "DROP COLUMNS"
	c.fields = slices.Delete(slices.Clone(c.fields), i, i+1)
	return nil
}

// clusteredBy reports whether a column, or a field within it, is one by which the table's rows are clustered.
func (c *columnChanges) clusteredBy(f *schema.Field) (bool, error) {
	columns, err := feature.ClusteringColumns(c.tbl.Snapshot().DomainMetadata())
	return slices.ContainsFunc(columns, func(path []string) bool { return path[0] == f.PhysicalName(schema.MappingName) }), err
}

func (c *columnChanges) rename(i int, to string) error {
	f := &c.fields[i]
	from := f.Name
	if err := c.mapped("RENAME COLUMN " + from); err != nil {
		return err
	}
	if k := c.index(to); k >= 0 && k != i {
		return sql.ErrColumnExists.New(to)
	}
	conf := c.meta.Configuration
	condition, typed := conf[schema.PropertyConstraints+schema.TypeConstraint(from)]
	delete(conf, schema.PropertyConstraints+schema.TypeConstraint(from))
	if by := c.user(from, false); by != "" {
		return &ColumnInUseError{Column: from, By: by}
	}
	if typed {
		conf[schema.PropertyConstraints+schema.TypeConstraint(to)] = strings.ReplaceAll(condition, quoteName(from), quoteName(to))
	}
	for _, property := range []string{catalog.PrimaryKeyProperty, "delta.dataSkippingStatsColumns"} {
		if list, ok := conf[property]; ok {
			conf[property] = renamed(list, from, to)
		}
	}
	c.meta.PartitionColumns = slices.Clone(c.meta.PartitionColumns)
	for k, p := range c.meta.PartitionColumns {
		if p == from {
			c.meta.PartitionColumns[k] = to
		}
	}
	c.did = "RENAME COLUMN"
	f.Name = to
	return nil
}

// renamed replaces a name in a list of names.
func renamed(list, from, to string) string {
	names := strings.Split(list, ",")
	for i, n := range names {
		if strings.EqualFold(strings.Trim(strings.TrimSpace(n), "`"), from) {
			names[i] = to
		}
	}
	return strings.Join(names, ",")
}

// user names what refers to a column; key and partition columns can be renamed, but not dropped.
func (c *columnChanges) user(column string, drop bool) string {
	has := func(list []string) bool {
		return slices.ContainsFunc(list, func(n string) bool { return strings.EqualFold(strings.TrimSpace(n), column) })
	}
	switch {
	case drop && has(c.meta.PartitionColumns):
		return "PARTITIONED BY"
	case drop && has(splitKey(c.meta)):
		return "the PRIMARY KEY"
	}
	for key, text := range c.meta.Configuration {
		name, ok := strings.CutPrefix(key, schema.PropertyConstraints)
		if ok && !strings.HasPrefix(name, schema.TypeConstraint("")) && c.names(text, column) {
			return "the CHECK constraint " + name
		}
	}
	for _, f := range c.fields {
		if text, ok := f.Generation(); ok && f.Name != column && c.names(text, column) {
			return "the generated column " + f.Name
		}
	}
	return ""
}

// names reports whether an expression reads a column. One over a column that the statement has renamed cannot be
// bound; any mention of the name counts there.
func (c *columnChanges) names(text, column string) bool {
	e, err := c.s.rt.tableExpr(c.ctx, c.tbl, text)
	if err != nil {
		return strings.Contains(strings.ToLower(text), strings.ToLower(column))
	}
	i := c.tbl.ColumnIndex(column)
	return slices.Contains(expr.Columns(e), i)
}

// move puts a column first or after another one.
func (c *columnChanges) move(i int, first bool, after string) error {
	if !first && after == "" {
		return nil
	}
	f := c.fields[i]
	rest := slices.Delete(slices.Clone(c.fields), i, i+1)
	at := 0
	if after != "" {
		at = slices.IndexFunc(rest, func(x schema.Field) bool { return strings.EqualFold(x.Name, after) }) + 1
		if at == 0 {
			return sql.ErrTableColumnNotFound.New(c.tbl.Name(), after)
		}
	}
	c.fields = slices.Insert(rest, at, f)
	return nil
}

// primaryKey declares or drops the key. The rows of the table must have it.
func (c *columnChanges) primaryKey(stmt *parser.AlterTable) error {
	conf := c.meta.Configuration
	if stmt.DropPrimaryKey {
		if conf[catalog.PrimaryKeyProperty] == "" {
			return sql.ErrCantDropFieldOrKey.New("PRIMARY")
		}
		delete(conf, catalog.PrimaryKeyProperty)
	}
	if len(stmt.AddPrimaryKey) == 0 {
		return nil
	}
	if conf[catalog.PrimaryKeyProperty] != "" {
		return sql.ErrMultiplePrimaryKeysDefined.New()
	}
	target := &dml.Table{Name: c.tbl.Name(), Tx: c.tx, Snapshot: c.tbl.Snapshot(), Cache: c.s.rt.provider.Cache()}
	var names []string
	for _, k := range stmt.AddPrimaryKey {
		i := c.index(k)
		at := c.tbl.ColumnIndex(k)
		if i < 0 || at < 0 {
			return &parser.MissingColumnError{Column: k, Table: c.tbl.Name()}
		}
		if err := c.notNull(&c.fields[i], true); err != nil {
			return err
		}
		target.Key = append(target.Key, at)
		names = append(names, c.fields[i].Name)
	}
	env, err := c.s.rt.env(c.ctx)
	if err != nil {
		return err
	}
	conf[catalog.PrimaryKeyProperty] = strings.Join(names, ",")
	return target.CheckKeys(c.ctx, c.s.rt.query(c.ctx, env), nil)
}

// constant binds the text of a default; it has no columns.
func (rt *Runtime) constant(ctx *sql.Context, text string) (expr.Expr, error) {
	switch strings.ToLower(strings.TrimSuffix(strings.TrimSpace(text), "()")) {
	case "current_timestamp", "now":
		text = "now(6)"
	case "current_date":
		text = "curdate()"
	}
	n, err := rt.host.AnalyzeQuery(ctx, "SELECT ("+text+")")
	if err != nil {
		return nil, err
	}
	q, ok := n.(*queryNode)
	if !ok {
		return nil, &UnsupportedError{What: "the default " + text}
	}
	p, ok := q.rel.(*projectRel)
	if !ok || len(p.exprs) != 1 || len(expr.Columns(p.exprs[0])) > 0 {
		return nil, &UnsupportedError{What: "the default " + text}
	}
	return p.exprs[0], nil
}

// InvalidDefaultError says that a default is no value of its column.
type InvalidDefaultError struct {
	Column string
	Err    error
}

func (e *InvalidDefaultError) Error() string {
	return fmt.Sprintf("Invalid default value for '%s': %s", e.Column, e.Err)
}

// checkDefaults evaluates the defaults of the columns, but for those that were the same before.
func (rt *Runtime) checkDefaults(ctx *sql.Context, s, before *schema.Struct) error {
	env, err := rt.env(ctx)
	if err != nil {
		return err
	}
	for i := range s.Fields {
		f := &s.Fields[i]
		text, ok := f.Default()
		if k, had := before.Column(f.Name); had && ok {
			old, _ := before.Fields[k].Default()
			ok = old != text || before.Fields[k].Type != f.Type
		}
		if !ok {
			continue
		}
		e, err := rt.constant(ctx, text)
		if err == nil {
			_, err = expr.EvalConst(storeField(e, f, schema.EngineType(f.Type)), env)
		}
		if err != nil {
			return &InvalidDefaultError{Column: f.Name, Err: err}
		}
	}
	return nil
}
