package planner

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/schema"
	"github.com/featuresql/featuresql/engine/catalog"
	"github.com/featuresql/featuresql/engine/dml"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/parser"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/txn"
)

// alterTable changes metadata, and protocol where a property needs a feature, in one commit.
func (s *statement) alterTable(ctx *sql.Context, stmt *parser.AlterTable) ([]sql.Row, error) {
	if stmt.Unsupported != "" {
		return nil, &UnsupportedError{What: "ALTER TABLE … " + stmt.Unsupported}
	}
	sess, err := catalog.SessionOf(ctx)
	if err != nil {
		return nil, err
	}
	if stmt.RenameTo != nil {
		return s.renameTable(ctx, stmt)
	}
	tbl, err := s.rt.target(ctx, stmt.Table)
	if err != nil {
		return nil, err
	}
	if reflect.DeepEqual(*stmt, parser.AlterTable{Table: stmt.Table, Indexes: stmt.Indexes}) { // also DISABLE KEYS of a dump: no version of its own
		return okRows(0), notIndexed(ctx, tbl, stmt.Indexes)
	}
	if len(stmt.Indexes) > 0 {
		return nil, &UnsupportedError{What: "ALTER TABLE … ADD INDEX together with other changes"}
	}
	tx, own, err := sess.Begin(ctx, tbl.Location())
	if err != nil {
		return nil, err
	}
	err = s.rt.inTransaction(ctx, tx, own, func() error { return s.stageAlter(ctx, tx, tbl, stmt) })
	sess.Refresh(tbl.Location())
	return okRows(0), overDropped(ctx, tbl, err)
}

// notIndexed warns that there are no indexes but a table's statistics, page indexes and bloom filters.
func notIndexed(ctx *sql.Context, tbl *catalog.Table, indexes []parser.Index) error {
	for _, x := range indexes {
		for _, c := range x.Columns {
			if tbl.ColumnIndex(c) < 0 {
				return &parser.MissingColumnError{Column: c, Table: tbl.Name()}
			}
		}
		ctx.Warn(1235, "index '%s' of table '%s' is not made: featuresql has no secondary indexes; statistics, page indexes and bloom filters serve instead", x.Name, tbl.Name())
	}
	return nil
}

// renameTable is ALTER TABLE … RENAME TO, which is no commit of the table and so stands alone.
func (s *statement) renameTable(ctx *sql.Context, stmt *parser.AlterTable) ([]sql.Row, error) {
	alone := parser.AlterTable{Table: stmt.Table, RenameTo: stmt.RenameTo}
	if !reflect.DeepEqual(*stmt, alone) {
		return nil, &UnsupportedError{What: "ALTER TABLE … RENAME TO together with other changes"}
	}
	to := *stmt.RenameTo
	if to.Database == "" {
		to.Database = stmt.Table.Database
	}
	return okRows(0), s.rename(ctx, stmt.Table, to)
}

// renameTables is RENAME TABLE. If one of several names cannot be given, those given before are taken back.
func (s *statement) renameTables(ctx *sql.Context, stmt *parser.RenameTables) ([]sql.Row, error) {
	for i, from := range stmt.From {
		err := s.rename(ctx, from, stmt.To[i])
		if err == nil {
			continue
		}
		for i--; i >= 0; i-- {
			err = errors.Join(err, s.rename(ctx, stmt.To[i], stmt.From[i]))
		}
		return nil, err
	}
	return okRows(0), nil
}

func (s *statement) rename(ctx *sql.Context, from, to parser.TableName) error {
	db, err := s.rt.database(ctx, from)
	if err != nil {
		return err
	}
	other, err := s.rt.database(ctx, to)
	if err != nil {
		return err
	}
	return db.MoveTable(ctx, from.Name, other, to.Name)
}

func (s *statement) stageAlter(ctx *sql.Context, tx *txn.Transaction, tbl *catalog.Table, stmt *parser.AlterTable) error {
	snap := tbl.Snapshot()
	meta := *snap.Metadata()
	meta.Configuration = maps.Clone(meta.Configuration)
	if meta.Configuration == nil {
		meta.Configuration = map[string]string{}
	}
	was, err := schema.Parse(meta.SchemaString)
	if err != nil {
		return fmt.Errorf("schema of %s: %w", tbl.Name(), err)
	}
	if err := alterProperties(stmt, was.Fields, &meta); err != nil {
		return err
	}
	ch := &columnChanges{s: s, ctx: ctx, tx: tx, tbl: tbl, meta: &meta, fields: was.Fields}
	if err := ch.applyAll(stmt.Columns, true); err != nil { // a name that is dropped can be added anew
		return err
	}
	fields, op, err := alterFields(ctx, tbl, stmt, ch.fields, &meta)
	if err != nil {
		return err
	}
	ch.fields = fields
	if err := ch.applyAll(stmt.Columns, false); err != nil {
		return err
	}
	fields = ch.fields
	if op = ch.operation(op); len(stmt.AddPrimaryKey) > 0 || stmt.DropPrimaryKey {
		if err := ch.primaryKey(stmt); err != nil {
			return err
		}
	}
	if err := s.alterChecks(ctx, tbl, stmt, &meta); err != nil {
		return err
	}
	if stmt.SetComment != nil {
		meta.Description = stmt.SetComment
	}
	proto, parsed, err := complete(fields, &meta, snap.Protocol())
	if err != nil {
		return err
	}
	if err := s.rt.checkDefaults(ctx, parsed, snap.Schema()); err != nil {
		return err
	}
	if len(stmt.AddChecks) > 0 {
		tx.ReadAll() // a row that another writer adds now could break the new rule
	}
	if strings.EqualFold(meta.Configuration[propertyRowTracking], "true") {
		if err := giveRowIDs(tx, tbl); err != nil {
			return err
		}
	}
	if proto != snap.Protocol() {
		if err := tx.SetProtocol(proto); err != nil {
			return err
		}
	}
	return errors.Join(tx.SetMetadata(&meta), tx.SetOperation(op, map[string]string{}, map[string]string{}))
}

// giveRowIDs adds the files anew that have no row ids yet; the commit gives them ids (PROTOCOL.md, Writer Requirements for Row Tracking).
func giveRowIDs(tx *txn.Transaction, tbl *catalog.Table) error {
	files := tbl.Snapshot().Files()
	for i := range files.Len() {
		a := files.Add(i)
		if a.BaseRowID != nil {
			continue
		}
		a.DataChange = false
		if err := tx.AddFile(a); err != nil {
			return err
		}
	}
	return nil
}

// alterFields adds columns; existing rows have NULL in them, so a new column is nullable.
func alterFields(ctx *sql.Context, tbl *catalog.Table, stmt *parser.AlterTable, fields []schema.Field, meta *action.Metadata) ([]schema.Field, string, error) {
	op := "SET TBLPROPERTIES"
	for _, d := range stmt.AddColumns {
		if d.Default != "" && !strings.EqualFold(d.Default, "NULL") && tbl.Snapshot().Files().Len() > 0 {
			ctx.Warn(1105, "rows that %s has already read NULL in the new column %s; its default is for rows to come", tbl.Name(), d.Name)
		}
		op = "ADD COLUMNS"
		if slices.ContainsFunc(fields, func(f schema.Field) bool { return strings.EqualFold(f.Name, d.Name) }) {
			if stmt.IfNotExists {
				continue
			}
			return nil, "", sql.ErrColumnExists.New(d.Name)
		}
		if d.NotNull {
			return nil, "", &UnsupportedError{What: "ADD COLUMN " + d.Name + " NOT NULL, since existing rows have no value for it,"}
		}
		f, err := columnField(d, meta)
		if err != nil {
			return nil, "", err
		}
		at := len(fields)
		if d.First {
			at = 0
		} else if d.After != "" {
			at = slices.IndexFunc(fields, func(x schema.Field) bool { return strings.EqualFold(x.Name, d.After) }) + 1
			if at == 0 {
				return nil, "", sql.ErrTableColumnNotFound.New(tbl.Name(), d.After)
			}
		}
		fields = slices.Insert(fields, at, f)
	}
	return fields, op, nil
}

// alterProperties sets and unsets properties. Column mapping can be switched on, once and for good: columns that are
// there keep their names in files.
func alterProperties(stmt *parser.AlterTable, fields []schema.Field, meta *action.Metadata) error {
	before := meta.Configuration[schema.PropertyMapping]
	if err := setProperties(stmt.SetProperties, fields, meta); err != nil {
		return err
	}
	for _, k := range stmt.UnsetProperties {
		if known, ok := deltaProperties[strings.ToLower(k)]; ok {
			k = known.name
		}
		if _, ok := meta.Configuration[k]; !ok && !stmt.UnsetIfExists {
			return &PropertyError{Name: k, Reason: "is not set; write UNSET TBLPROPERTIES IF EXISTS"}
		}
		if strings.HasPrefix(k, schema.PropertyConstraints) {
			return &PropertyError{Name: k, Reason: "is a constraint; use DROP CONSTRAINT"}
		}
		if isBound(k) {
			return &PropertyError{Name: k, Reason: "is kept by the writers of the table and cannot be unset"}
		}
		delete(meta.Configuration, k)
	}
	was := map[string]string{schema.PropertyMapping: before}
	mode := meta.Configuration[schema.PropertyMapping]
	switch {
	case isMapped(was) && !strings.EqualFold(mode, before):
		return &PropertyError{schema.PropertyMapping, mode, "cannot be changed once it is " + before}
	case !isMapped(was) && strings.EqualFold(mode, "id"):
		return &PropertyError{schema.PropertyMapping, mode, "cannot be given to a table that exists, since its files have no ids; use 'name'"}
	case !isMapped(was) && isMapped(meta.Configuration):
		mapFields(fields, meta.Configuration, func(name string) string { return name })
	}
	return nil
}

// alterChecks adds and drops CHECK constraints. A new one must hold for the rows that are there.
func (s *statement) alterChecks(ctx *sql.Context, tbl *catalog.Table, stmt *parser.AlterTable, meta *action.Metadata) error {
	for i, ch := range stmt.AddChecks {
		name := strings.ToLower(ch.Name)
		if name == "" {
			name = fmt.Sprintf("%s_chk_%d", strings.ToLower(tbl.Name()), i+1)
		}
		if _, dup := meta.Configuration["delta.constraints."+name]; dup {
			return sql.ErrDuplicateEntry.New(name)
		}
		e, err := s.rt.tableExpr(ctx, tbl, parser.CheckText(ch.Expr))
		if err != nil {
			return unknownIn(name, err)
		}
		if err := s.holds(ctx, tbl, dml.Check{Name: name, Text: ch.Expr, Expr: e}); err != nil {
			return err
		}
		meta.Configuration["delta.constraints."+name] = parser.CheckText(ch.Expr)
	}
	for _, name := range stmt.DropConstraints {
		key := "delta.constraints." + strings.ToLower(name)
		if _, ok := meta.Configuration[key]; !ok && !stmt.DropIfExists {
			return sql.ErrUnknownConstraint.New(name)
		}
		delete(meta.Configuration, key)
	}
	return nil
}

// holds looks for a row of the table that breaks the rule.
func (s *statement) holds(ctx *sql.Context, tbl *catalog.Table, ch dml.Check) error {
	c, err := s.rt.newConverter(ctx)
	if err != nil {
		return err
	}
	src := tbl.Source()
	scan := &scanRel{source: src, label: tbl.Label(), location: tbl.Location()}
	for i := range src.Fields() {
		scan.cols = append(scan.cols, i)
	}
	broken, err := expr.New("isfalse", ch.Expr)
	if err != nil {
		return err
	}
	bad := &limitRel{input: &filterRel{input: scan, pred: broken}, n: 1}
	return s.rt.run(ctx, c, bad, func(b *vector.Batch) error {
		var parts []string
		for _, col := range b.Cols {
			parts = append(parts, col.Value(b.Row(0)).String())
		}
		return &dml.ConstraintError{Table: tbl.Name(), Rule: ch.Name, Text: ch.Text, Row: "(" + strings.Join(parts, ", ") + ")"}
	})
}

// checks are the table's CHECK constraints and column invariants as expressions over its columns.
func (rt *Runtime) checks(ctx *sql.Context, tbl *catalog.Table) ([]dml.Check, error) {
	var out []dml.Check
	add := func(name, text string) error {
		text, err := parser.Shared(text)
		if err != nil {
			return fmt.Errorf("table %s cannot be written, due to its check constraint %s: %w", tbl.Name(), name, err)
		}
		e, err := rt.tableExpr(ctx, tbl, text)
		if err != nil {
			return &UnsupportedError{What: fmt.Sprintf("writing table %s, whose check constraint %s (%s) cannot be evaluated here (%v),", tbl.Name(), name, text, err)}
		}
		out = append(out, dml.Check{Name: name, Text: parser.CheckCondition(text), Expr: e})
		return nil
	}
	conf := tbl.Snapshot().Metadata().Configuration
	for key, text := range conf {
		if name, ok := strings.CutPrefix(key, schema.PropertyConstraints); ok {
			if err := add(name, text); err != nil {
				return nil, err
			}
		}
	}
	for i := range out {
		for _, f := range tbl.Snapshot().Schema().Fields {
			if declared, ok := f.Declared(conf); ok && schema.TypeConstraint(f.Name) == out[i].Name {
				out[i].Column, out[i].Type = f.Name, declared
			}
		}
	}
	for _, f := range tbl.Snapshot().Schema().Fields {
		text, ok, err := f.Invariant()
		if err != nil {
			return nil, err
		}
		if ok {
			if err := add(f.Name, text); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// tableExpr binds the text of an expression over a table's columns, as the host reads it.
func (rt *Runtime) tableExpr(ctx *sql.Context, tbl *catalog.Table, text string) (expr.Expr, error) {
	quote := func(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }
	n, err := rt.host.AnalyzeQuery(ctx, "SELECT ("+text+") FROM "+quote(tbl.Database())+"."+quote(tbl.Name()))
	if err != nil {
		return nil, err
	}
	q, ok := n.(*queryNode)
	if !ok {
		return nil, &UnsupportedError{What: "the expression " + text}
	}
	p, ok := q.rel.(*projectRel)
	if !ok || len(p.exprs) != 1 {
		return nil, &UnsupportedError{What: "the expression " + text}
	}
	scan, ok := p.input.(*scanRel)
	if !ok {
		return nil, &UnsupportedError{What: "the expression " + text}
	}
	all := scan.source.Fields()
	return mapColumns(p.exprs[0], func(c *expr.Column) expr.Expr { return columnOf(all, scan.cols[c.Index]) }), nil
}
