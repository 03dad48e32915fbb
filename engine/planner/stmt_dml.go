package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"

	"github.com/featuresql/featuresql/engine/dml"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/parser"
	"github.com/featuresql/featuresql/engine/types"
)

// position returns where a column of the target is.
func (w *writing) position(column string) (int, error) {
	i := w.tbl.ColumnIndex(column)
	if i < 0 {
		return 0, sql.ErrTableColumnNotFound.New(w.tbl.Name(), column)
	}
	return i, nil
}

// store converts a value to the type of target column i, as strictly as the session's mode asks.
func (w *writing) store(e expr.Expr, i int) expr.Expr {
	return storeField(e, &w.tbl.Snapshot().Schema().Fields[i], w.fields[i].Type)
}

// stored is store for a new row of INSERT: where errors are warnings, NULL becomes the type's own default.
func (w *writing) stored(e expr.Expr, i int) (expr.Expr, error) {
	e = w.store(e, i)
	f := w.fields[i]
	instead, some := implicitDefault(f.Type)
	if f.Nullable || !w.ignores() || !some || !e.Nullable() {
		return e, nil
	}
	return expr.StoreNotNull(e, instead, expr.CodeNotNull, fmt.Sprintf("Column '%s' cannot be null", f.Name))
}

// ignores reports whether the statement is INSERT IGNORE.
func (w *writing) ignores() bool {
	ins, ok := w.s.stmt.(*parser.Insert)
	return ok && ins.Ignore
}

// implicitDefault is what MySQL stores in a NOT NULL column of type t without strictness; none for times, whose
// implicit default is no time.
func implicitDefault(t types.Type) (types.Value, bool) {
	switch {
	case t.IsNumeric():
		v, err := convertValue(types.Value{Type: types.Of(types.Int64), Valid: true}, t, defaultEnv())
		return v, err == nil
	case t.Kind == types.String || t.Kind == types.Binary:
		return types.Value{Type: t, Valid: true}, true
	}
	return types.Value{}, false
}

// NoDefaultError says that a statement gives no value to a NOT NULL column that has no default.
type NoDefaultError struct{ Column, Table string }

func (e *NoDefaultError) Error() string {
	return fmt.Sprintf("Field '%s' doesn't have a default value (table %s)", e.Column, e.Table)
}

// ColumnTwiceError says that an INSERT, or a clause of MERGE, names a column twice.
type ColumnTwiceError struct{ Column string }

func (e *ColumnTwiceError) Error() string { return "Column '" + e.Column + "' specified twice" }

// defaultOf is the value of a column that a statement does not mention.
func (w *writing) defaultOf(i int) (expr.Expr, error) {
	f := w.fields[i]
	text, ok := w.tbl.Snapshot().Schema().Fields[i].Default()
	if !ok && !f.Nullable {
		missing := &NoDefaultError{Column: f.Name, Table: w.target.Name}
		instead, some := implicitDefault(f.Type)
		if !w.c.env.Lenient || !some {
			return nil, missing
		}
		return expr.StoreNotNull(nullOf(f), instead, 1364, missing.Error())
	}
	if !ok {
		return nullOf(f), nil
	}
	e, err := w.s.rt.constant(w.c.ctx, text)
	if err != nil {
		return nil, fmt.Errorf("default of column %s: %w", w.fields[i].Name, err)
	}
	return w.store(e, i), nil
}

func nullOf(f exec.Field) expr.Expr { return expr.Cast(nullLiteral(), f.Type) }

// insert appends the source's rows, in table order, minding the declared key if there is one.
func (w *writing) insert(stmt *parser.Insert) (dml.Result, error) {
	src, err := w.insertSource(stmt)
	if err != nil {
		return dml.Result{}, err
	}
	op, err := w.s.rt.plan(w.c.ctx, w.c, src)
	if err != nil {
		return dml.Result{}, err
	}
	if stmt.Ignore {
		for _, c := range w.target.Checks {
			op = exec.NewFilter(op, expr.CheckIgnored(c.Expr, fmt.Sprintf("Check constraint '%s' is violated.", c.Name)))
		}
	}
	_, values := w.s.kids[0].(*plan.Values)
	w.target.Share = values && w.target.Only && (stmt.Mode == parser.InsertPlain || stmt.Mode == parser.InsertIgnore)
	if len(w.target.Key) == 0 {
		if stmt.Mode == parser.InsertUpsert || stmt.Mode == parser.InsertReplace {
			return dml.Result{}, &NoKeyError{Table: w.tbl.Name(), Statement: upsertName(stmt)}
		}
		return w.target.Append(w.c.ctx, w.q, op)
	}
	var onDuplicate []expr.Expr
	if stmt.Mode == parser.InsertUpsert {
		if onDuplicate, err = w.onDuplicate(stmt); err != nil {
			return dml.Result{}, err
		}
	}
	mode := map[parser.InsertMode]dml.KeyedMode{parser.InsertPlain: dml.Reject, parser.InsertReplace: dml.Replace,
		parser.InsertIgnore: dml.Ignore, parser.InsertUpsert: dml.Upsert}[stmt.Mode]
	assigned, err := w.assignedColumns(stmt.OnDuplicate)
	if err != nil {
		return dml.Result{}, err
	}
	w.target.Hopeful = stmt.File != nil && !w.s.careful
	if mode != dml.Reject && !w.target.Hopeful {
		op = exec.NewInOrder(op)
	}
	res, err := w.target.InsertKeyed(w.c.ctx, w.q, op, mode, onDuplicate, assigned)
	if err == nil && w.assignsKey(stmt.OnDuplicate) {
		err = w.target.CheckKeys(w.c.ctx, w.q, w.tbl.Snapshot())
	}
	if res.Ignored > 0 {
		w.c.ctx.Warn(1062, "%d rows with an existing key were ignored", res.Ignored)
	}
	return res, err
}

func upsertName(stmt *parser.Insert) string {
	if stmt.Mode == parser.InsertReplace {
		return "REPLACE"
	}
	return "INSERT … ON DUPLICATE KEY UPDATE"
}

// NoKeyError says that a statement needs a declared key.
type NoKeyError struct{ Table, Statement string }

func (e *NoKeyError) Error() string {
	return fmt.Sprintf("%s needs a table with a PRIMARY KEY, and %s declares none; declare one with ALTER TABLE %s ADD PRIMARY KEY (column), or use MERGE",
		e.Statement, e.Table, e.Table)
}

// insertSource brings the child's rows into the table's column order and types.
func (w *writing) insertSource(stmt *parser.Insert) (rel, error) {
	if stmt.File != nil {
		return w.loadSource(stmt)
	}
	targets, err := w.insertTargets(stmt.Columns)
	if err != nil {
		return nil, err
	}
	w.c.rowIDsFor = nil
	child := w.s.kids[0]
	w.c.defaults = func(i int) (expr.Expr, error) {
		if i >= len(targets) {
			return nullLiteral(), nil
		}
		return w.defaultOf(targets[i])
	}
	if v, ok := child.(*plan.Values); ok {
		if len(stmt.Columns) == 0 && len(v.ExpressionTuples[0]) == 0 {
			child, v = allDefaults(len(v.ExpressionTuples), len(targets))
		}
		for row, tuple := range v.ExpressionTuples {
			if len(tuple) != len(targets) {
				return nil, &ColumnCountError{Row: row + 1}
			}
		}
	}
	src, err := w.c.convert(child, nil)
	if err != nil {
		return nil, err
	}
	in := src.fields()
	if len(in) != len(targets) {
		return nil, &ColumnCountError{Row: 1}
	}
	p := &projectRel{input: src, out: w.fields}
	from := map[int]int{}
	for i, t := range targets {
		from[t] = i
	}
	for i := range w.fields {
		at, given := from[i]
		if given {
			e, err := w.stored(columnOf(in, at), i)
			if err != nil {
				return nil, err
			}
			p.exprs = append(p.exprs, e)
			continue
		}
		e, err := w.defaultOf(i)
		if err != nil {
			return nil, err
		}
		p.exprs = append(p.exprs, e)
	}
	return p, nil
}

// allDefaults is what VALUES () stands for.
func allDefaults(rows, columns int) (sql.Node, *plan.Values) {
	tuples := make([][]sql.Expression, rows)
	for r := range tuples {
		for range columns {
			tuples[r] = append(tuples[r], &parser.DefaultValue{})
		}
	}
	v := plan.NewValues(tuples)
	return v, v
}

// ColumnCountError says that a row has another number of values than the statement has columns.
type ColumnCountError struct{ Row int }

func (e *ColumnCountError) Error() string {
	return fmt.Sprintf("Column count doesn't match value count at row %d", e.Row)
}

func (w *writing) insertTargets(columns []string) ([]int, error) {
	if columns == nil {
		out := make([]int, len(w.fields))
		for i := range out {
			out[i] = i
		}
		return out, nil
	}
	seen := map[int]bool{}
	out := make([]int, len(columns))
	for k, name := range columns {
		i, err := w.position(name)
		if err != nil {
			return nil, err
		}
		if seen[i] {
			return nil, &ColumnTwiceError{name}
		}
		seen[i], out[k] = true, i
	}
	return out, nil
}

// onDuplicate computes the assignments over new ++ stored columns. Child 1 selects from stored JOIN new.
func (w *writing) onDuplicate(stmt *parser.Insert) ([]expr.Expr, error) {
	p, ok := unwrapProject(w.s.kids[1])
	if !ok {
		return nil, fmt.Errorf("ON DUPLICATE KEY UPDATE was bound to %T", w.s.kids[1])
	}
	n := len(w.fields)
	both := append(append([]exec.Field(nil), w.fields...), w.fields...) // stored, new
	row := make([]expr.Expr, n)
	for i := range row {
		row[i] = columnOf(both, i)
	}
	for _, a := range stmt.OnDuplicate {
		i, err := w.position(a.Column)
		if err != nil {
			return nil, err
		}
		e, err := w.assigned(a, p.Projections, scope{fields: both})
		if err != nil {
			return nil, err
		}
		row[i] = w.store(mapColumns(e, func(c *expr.Column) expr.Expr { // assigned before: read with the new value
			if c.Index < n {
				return row[c.Index]
			}
			return c
		}), i)
	}
	for i, e := range row {
		row[i] = mapColumns(e, func(c *expr.Column) expr.Expr { // stored, new → new, stored
			swapped := *c
			swapped.Index = (c.Index + n) % (2 * n)
			return &swapped
		})
	}
	return w.resolved(row)
}

// assigned converts the value of an assignment.
func (w *writing) assigned(a parser.Assignment, list []sql.Expression, s scope) (expr.Expr, error) {
	if !a.Default {
		return w.c.scalar(list[a.Expr], s)
	}
	i, err := w.position(a.Column)
	if err != nil {
		return nil, err
	}
	return w.defaultOf(i)
}

// assignedColumns lists the columns that are assigned to, each once.
func (w *writing) assignedColumns(as []parser.Assignment) ([]int, error) {
	var out []int
	for _, a := range as {
		i, err := w.position(a.Column)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, i) {
			out = append(out, i)
		}
	}
	return out, nil
}

// assignAll computes the assignments of an UPDATE over in, from left to right: a projection for each run of
// assignments that do not read what the run has assigned. An expression is computed once, also if others read it. The
// row ids follow the table's columns, and the old values of those that are assigned to.
func (w *writing) assignAll(in rel, as []parser.Assignment, list []sql.Expression, columns []int) (rel, error) {
	fields := in.fields()
	ids := len(fields) - len(rowIDFields)
	s := w.c.attachedScope(in, nil)
	stage := &projectRel{out: append(append([]exec.Field(nil), w.fields...), rowIDFields...)}
	for i := range w.fields {
		stage.exprs = append(stage.exprs, columnOf(fields, i))
	}
	for i := range rowIDFields {
		stage.exprs = append(stage.exprs, columnOf(fields, ids+i))
	}
	for _, i := range columns {
		stage.exprs, stage.out = append(stage.exprs, columnOf(fields, i)), append(stage.out, w.fields[i])
	}
	assigned := map[int]bool{}
	for _, a := range as {
		i, err := w.position(a.Column)
		if err != nil {
			return nil, err
		}
		before := s.attach.in
		e, err := w.assigned(a, list, s)
		if err == nil && len(assigned) > 0 && (readsAny(e, assigned) || s.attach.in != before) {
			stage.input = before
			next := &projectRel{out: stage.out}
			for k := range stage.out {
				next.exprs = append(next.exprs, columnOf(stage.out, k))
			}
			s.attach.in = stage
			stage, assigned = next, map[int]bool{}
			e, err = w.assigned(a, list, s)
		}
		if err != nil {
			return nil, err
		}
		stage.exprs[i], assigned[i] = w.store(e, i), true
	}
	stage.input = s.attach.in
	return stage, nil
}

// readsAny reports whether e reads one of the columns, or a subquery that may.
func readsAny(e expr.Expr, columns map[int]bool) bool {
	switch e := e.(type) {
	case *expr.Column:
		return columns[e.Index]
	case *expr.Literal:
		return false
	case *expr.Call, *expr.RowFunc:
		return slices.ContainsFunc(e.Children(), func(k expr.Expr) bool { return readsAny(k, columns) })
	}
	return true
}

func unwrapProject(n sql.Node) (*plan.Project, bool) {
	for {
		switch x := n.(type) {
		case *plan.Project:
			return x, true
		default:
			return nil, false
		}
	}
}

// targetRows takes the select list off the rows that an UPDATE or DELETE chooses, from under its LIMIT.
func targetRows(n sql.Node) (list *plan.Project, rows sql.Node, ok bool) {
	limit, limited := n.(*plan.Limit)
	if limited {
		n = limit.Child
	}
	list, ok = unwrapProject(n)
	switch {
	case !ok:
		return nil, nil, false
	case limited:
		return list, plan.NewLimit(limit.Limit, list.Child), true
	}
	return list, list.Child, true
}

// haveRowIDs reports whether a target's rows come with their ids, behind everything else.
func haveRowIDs(fields []exec.Field) bool {
	n := len(fields) - len(rowIDFields)
	return n >= 0 && slices.Equal(fields[n:], rowIDFields)
}

// update replaces the rows of the child select, which carry their row ids.
func (w *writing) update(stmt *parser.Update) (dml.Result, error) {
	p, rows, ok := targetRows(w.s.kids[0])
	if !ok {
		return dml.Result{}, fmt.Errorf("UPDATE was bound to %T", w.s.kids[0])
	}
	in, err := w.c.convert(rows, nil)
	if err != nil {
		return dml.Result{}, err
	}
	if !w.c.rowIDsFound || !haveRowIDs(in.fields()) {
		return dml.Result{}, &UnsupportedError{What: "UPDATE of " + w.tbl.Name() + " in this form"}
	}
	assigned, err := w.assignedColumns(stmt.Assignments)
	if err != nil {
		return dml.Result{}, err
	}
	out, err := w.assignAll(in, stmt.Assignments, p.Projections[len(p.Projections)-stmt.Exprs:], assigned)
	if err != nil {
		return dml.Result{}, err
	}
	op, err := w.s.rt.plan(w.c.ctx, w.c, out)
	if err != nil {
		return dml.Result{}, err
	}
	res, err := w.target.Update(w.c.ctx, w.q, op, assigned)
	if err == nil && w.assignsKey(stmt.Assignments) {
		err = w.target.CheckKeys(w.c.ctx, w.q, w.tbl.Snapshot())
	}
	return res, err
}

// assignsKey reports whether a column of the declared key is among the assigned ones.
func (w *writing) assignsKey(as []parser.Assignment) bool {
	for _, a := range as {
		if i := w.tbl.ColumnIndex(a.Column); slices.Contains(w.target.Key, i) {
			return true
		}
	}
	return false
}

// delete removes the rows of the child select; without a condition it removes every file.
func (w *writing) delete() (dml.Result, error) {
	rows := w.s.kids[0]
	if _, chosen, ok := targetRows(rows); ok {
		rows = chosen
	}
	in, err := w.c.convert(rows, nil)
	if err != nil {
		return dml.Result{}, err
	}
	if s, ok := in.(*scanRel); ok && s.filter == nil {
		return w.target.Delete(w.c.ctx, w.q, nil)
	}
	fields := in.fields()
	if !w.c.rowIDsFound || !haveRowIDs(fields) {
		return dml.Result{}, &UnsupportedError{What: "DELETE from " + w.tbl.Name() + " in this form"}
	}
	out := &projectRel{input: in, out: rowIDFields}
	for i := range rowIDFields {
		out.exprs = append(out.exprs, columnOf(fields, len(fields)-len(rowIDFields)+i))
	}
	op, err := w.s.rt.plan(w.c.ctx, w.c, out)
	if err != nil {
		return dml.Result{}, err
	}
	return w.target.Delete(w.c.ctx, w.q, op)
}

// merge splits the bound select of a MERGE into source, condition and clauses.
func (w *writing) merge(stmt *parser.Merge) (dml.Result, error) {
	if stmt.SchemaEvolution {
		return dml.Result{}, &UnsupportedError{What: "MERGE WITH SCHEMA EVOLUTION"}
	}
	p, ok := unwrapProject(w.s.kids[0])
	if !ok {
		return dml.Result{}, fmt.Errorf("MERGE was bound to %T", w.s.kids[0])
	}
	join, ok := p.Child.(*plan.JoinNode)
	if !ok {
		return dml.Result{}, fmt.Errorf("MERGE was bound over %T", p.Child)
	}
	w.c.rowIDsFor = nil
	src, err := w.c.convert(join.Left(), nil)
	if err != nil {
		return dml.Result{}, err
	}
	sourceFields := src.fields()
	s := scope{fields: append(append([]exec.Field(nil), sourceFields...), w.fields...)}
	m := dml.Merge{}
	if join.Filter != nil {
		on, err := w.c.scalar(join.Filter, s)
		if err != nil {
			return dml.Result{}, err
		}
		if m.On, err = w.resolved(expr.Conjuncts(on)); err != nil {
			return dml.Result{}, err
		}
	}
	list, err := w.c.scalars(p.Projections[len(p.Projections)-stmt.Exprs:], s)
	if err != nil {
		return dml.Result{}, err
	}
	if list, err = w.resolved(list); err != nil {
		return dml.Result{}, err
	}
	for _, cl := range stmt.Clauses {
		if err := checkSides(cl, list, len(sourceFields), stmt); err != nil {
			return dml.Result{}, err
		}
		c, err := w.mergeClause(cl, list, sourceFields)
		if err != nil {
			return dml.Result{}, err
		}
		m.Clauses = append(m.Clauses, c)
	}
	if m.Source, err = w.s.rt.plan(w.c.ctx, w.c, src); err != nil {
		return dml.Result{}, err
	}
	return w.target.Merge(w.c.ctx, w.q, m)
}

// resolved runs the subqueries of expressions that are not part of a plan.
func (w *writing) resolved(es []expr.Expr) ([]expr.Expr, error) {
	l := &lowering{ctx: w.c.ctx, c: w.c, rt: w.s.rt}
	r, err := l.resolveSubqueries(&projectRel{exprs: es})
	if err != nil {
		return nil, err
	}
	return r.(*projectRel).exprs, nil //nolint:forcetypeassert // it is the projection with other expressions
}

// checkSides refuses columns of the row that a clause of MERGE has none of. width is the number of the source's columns.
func checkSides(cl parser.MergeClause, list []expr.Expr, width int, stmt *parser.Merge) error {
	used := []int{cl.Cond}
	for _, a := range cl.Assignments {
		used = append(used, a.Expr)
	}
	table, clause := stmt.SourceAlias, "WHEN NOT MATCHED BY SOURCE"
	if cl.Kind == parser.WhenNotMatched {
		table, clause = stmt.TargetAlias, "WHEN NOT MATCHED"
	}
	var wrong error
	for _, i := range used {
		if i < 0 || cl.Kind == parser.WhenMatched {
			continue
		}
		expr.Walk(list[i], func(x expr.Expr) bool {
			if c, ok := x.(*expr.Column); ok && (c.Index < width) != (cl.Kind == parser.WhenNotMatched) {
				wrong = &parser.UnknownColumnError{Column: table + "." + c.Name, Clause: clause}
			}
			return wrong == nil
		})
	}
	return wrong
}

func (w *writing) mergeClause(cl parser.MergeClause, list []expr.Expr, source []exec.Field) (dml.Clause, error) {
	c := dml.Clause{
		Kind: map[parser.MergeKind]dml.Kind{parser.WhenMatched: dml.Matched, parser.WhenNotMatched: dml.NotMatched, parser.WhenNotMatchedBySource: dml.NotMatchedBySource}[cl.Kind],
		Act:  map[parser.MergeAction]dml.Act{parser.MergeUpdate: dml.UpdateRow, parser.MergeDelete: dml.DeleteRow, parser.MergeInsert: dml.InsertRow}[cl.Action],
	}
	if cl.Cond >= 0 {
		c.Cond = list[cl.Cond]
	}
	if c.Act == dml.DeleteRow {
		return c, nil
	}
	row := w.initialRow(c.Act, len(source))
	var err error
	c.Row = row
	if cl.Star {
		return c, w.starRow(row, source)
	}
	if n := len(cl.Assignments); c.Act == dml.InsertRow && n > 0 && cl.Assignments[0].Column == "" && n != len(w.fields) {
		return c, &ColumnCountError{Row: 1}
	}
	assigned := make([]bool, len(w.fields))
	for k, a := range cl.Assignments {
		i := k
		if a.Column != "" {
			if i, err = w.position(a.Column); err != nil {
				return c, err
			}
		}
		if assigned[i] {
			return c, &ColumnTwiceError{w.fields[i].Name}
		}
		assigned[i] = true
		if a.Default {
			row[i], err = w.defaultOf(i)
		} else {
			row[i] = w.store(list[a.Expr], i)
		}
		if err != nil {
			return c, err
		}
	}
	return c, w.withDefaults(row)
}

// initialRow is what an update keeps; of an insert nothing is known yet.
func (w *writing) initialRow(act dml.Act, width int) []expr.Expr {
	row := make([]expr.Expr, len(w.fields))
	for i, f := range w.fields {
		if act == dml.UpdateRow {
			row[i] = &expr.Column{Index: width + i, Name: f.Name, Typ: f.Type, Null: f.Nullable}
		}
	}
	return row
}

// withDefaults fills in what an insert leaves out.
func (w *writing) withDefaults(row []expr.Expr) (err error) {
	for i := range row {
		if row[i] == nil {
			if row[i], err = w.defaultOf(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// starRow takes every column from the source column of the same name; each target column needs one.
func (w *writing) starRow(row []expr.Expr, source []exec.Field) error {
	for i, f := range w.fields {
		at := -1
		for k, sf := range source {
			if sf.Name == f.Name || (at < 0 && strings.EqualFold(sf.Name, f.Name)) {
				at = k
			}
		}
		if at < 0 {
			return sql.ErrColumnNotFound.New(f.Name)
		}
		row[i] = w.store(columnOf(source, at), i)
	}
	return nil
}
