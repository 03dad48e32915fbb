package dml

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// Kind says for which rows a clause is.
type Kind uint8

// The kinds of clauses.
const (
	Matched            Kind = iota
	NotMatched              // source rows without a target row
	NotMatchedBySource      // target rows without a source row
)

// Act is what a clause does.
type Act uint8

// The actions of clauses.
const (
	UpdateRow Act = iota
	DeleteRow
	InsertRow
	RejectRow // a duplicate key
)

// Clause is one WHEN … THEN …. For each row the first clause of its kind whose condition is true acts.
type Clause struct {
	Kind Kind
	Act  Act
	Cond expr.Expr // over source ++ target columns; nil: always
	Row  []expr.Expr
	// Row has one expression per column of the target, over source ++ target columns; UpdateRow and InsertRow.

	assigned []int // of UpdateRow, if rows that would stay as they are are not to be touched: the columns that may change
}

// Merge is a MERGE, or a keyed insert in the shape of one.
type Merge struct {
	Source  exec.Operator
	On      []expr.Expr // conjuncts over source ++ target columns
	Clauses []Clause

	distinct bool // no new key can be there already: On compares the keys and no two source rows share one
}

// Merge runs m against the table.
func (t *Table) Merge(ctx context.Context, q *exec.Query, m Merge) (Result, error) {
	r := &mergeRun{t: t, q: q, m: m, rows: newTouched(), keys: newKeys{seen: map[string]bool{}}, fields: t.fields(), width: len(m.Source.Fields())}
	if err := r.loadSource(ctx); err != nil {
		return Result{}, err
	}
	defer func() { q.Memory.Release(r.held) }()
	r.splitCondition()
	if err := r.joinTarget(ctx); err != nil {
		abort(ctx, r.apps)
		return Result{}, err
	}
	if err := r.insertUnmatched(ctx); err != nil {
		abort(ctx, r.apps)
		return Result{}, err
	}
	if err := t.stage(ctx, r.apps); err != nil {
		return Result{}, err
	}
	if err := t.remove(ctx, q, r.rows); err != nil {
		return Result{}, err
	}
	return r.result, r.checkNewKeys(ctx)
}

// mergeRun is the state of one execution.
type mergeRun struct {
	t      *Table
	q      *exec.Query
	m      Merge
	fields []exec.Field // of the target
	width  int          // of the source

	source []*vector.Batch // compact; the last column is the row's ordinal
	held   int64           // bytes of source reserved in the budget
	total  int

	sourceKeys, targetKeys []expr.Expr // equal pairs of the condition; target keys over the target's columns
	residual               []expr.Expr // over source ++ target
	targetOnly             []expr.Expr // over the target's columns
	needed                 []int       // target columns that clauses or conditions read

	mu      sync.Mutex
	rows    *touched
	keys    newKeys
	matched vector.Bitmap // source ordinals that met a target row
	apps    []*appender
	result  Result
}

// changesRows reports whether rows that are there may be changed.
func (r *mergeRun) changesRows() bool {
	return slices.ContainsFunc(r.m.Clauses, func(c Clause) bool { return c.Act == UpdateRow || c.Act == DeleteRow })
}

func (r *mergeRun) has(k Kind) bool {
	for _, c := range r.m.Clauses {
		if c.Kind == k {
			return true
		}
	}
	return false
}

// loadSource holds the source in memory with an ordinal a row, within the query's budget.
func (r *mergeRun) loadSource(ctx context.Context) error {
	err := exec.Run(ctx, r.q, r.m.Source, func(b *vector.Batch) error {
		c := b.Compact()
		ord := vector.New(types.Of(types.Int32), c.Len)
		for i := range ord.I32 {
			ord.I32[i] = int32(r.total + i)
		}
		c.Cols = append(c.Cols, ord)
		n := int64(c.SizeBytes())
		if err := r.q.Memory.Reserve("MERGE source", n); err != nil {
			return err
		}
		r.held += n
		r.total += c.Len
		r.source = append(r.source, c)
		return nil
	})
	if err != nil {
		r.q.Memory.Release(r.held)
		return err
	}
	r.matched = vector.NewBitmap(r.total)
	return nil
}

// splitCondition sorts the conjuncts of ON into equal keys, conditions on the target alone and the rest.
func (r *mergeRun) splitCondition() {
	need := make([]bool, len(r.fields))
	for _, p := range r.m.On {
		r.classify(p)
		r.markNeeded(need, p)
	}
	for _, c := range r.m.Clauses {
		if c.Kind == NotMatched {
			continue
		}
		if c.Cond != nil {
			r.markNeeded(need, c.Cond)
		}
		for _, e := range c.Row {
			r.markNeeded(need, e)
		}
		for _, i := range c.assigned {
			need[i] = true
		}
	}
	for i, n := range need {
		if n {
			r.needed = append(r.needed, i)
		}
	}
}

func (r *mergeRun) markNeeded(need []bool, e expr.Expr) {
	for _, c := range expr.Columns(e) {
		if c >= r.width {
			need[c-r.width] = true
		}
	}
}

// side tells which inputs e reads.
func (r *mergeRun) side(e expr.Expr) (source, target bool) {
	for _, c := range expr.Columns(e) {
		source = source || c < r.width
		target = target || c >= r.width
	}
	return source, target
}

func (r *mergeRun) classify(p expr.Expr) {
	if s, tg := r.side(p); tg && !s && !r.has(NotMatchedBySource) {
		r.targetOnly = append(r.targetOnly, moved(p, -r.width))
		return
	}
	if c, ok := p.(*expr.Call); ok && c.Name == "=" {
		a, b := c.Args[0], c.Args[1]
		as, at := r.side(a)
		bs, bt := r.side(b)
		switch {
		case as && !at && bt && !bs:
			r.sourceKeys, r.targetKeys = append(r.sourceKeys, a), append(r.targetKeys, moved(b, -r.width))
			return
		case at && !as && bs && !bt:
			r.sourceKeys, r.targetKeys = append(r.sourceKeys, b), append(r.targetKeys, moved(a, -r.width))
			return
		}
	}
	r.residual = append(r.residual, p)
}

func moved(e expr.Expr, by int) expr.Expr {
	return expr.MapColumns(e, func(c *expr.Column) expr.Expr {
		n := *c
		n.Index += by
		return &n
	})
}

// targetFilter is what a target row must fulfil to match at all: conditions on the target, and the range or the
// set of the source's keys.
func (r *mergeRun) targetFilter() ([]expr.Expr, error) {
	preds := append([]expr.Expr(nil), r.targetOnly...)
	for i, k := range r.targetKeys {
		if bareColumn(k) == nil {
			continue
		}
		ps, err := keyBounds(r.source, r.sourceKeys[i], k, r.q.Env)
		if err != nil {
			return nil, err
		}
		preds = append(preds, ps...)
	}
	return preds, nil
}

// joinTarget reads the target rows that can match (all, with NOT MATCHED BY SOURCE clauses) and applies the clauses.
func (r *mergeRun) joinTarget(ctx context.Context) error {
	bySource := r.has(NotMatchedBySource)
	var filter expr.Expr
	if !bySource {
		preds, err := r.targetFilter()
		if err != nil {
			return err
		}
		if len(preds) > 0 {
			filter = expr.And(preds...)
		}
	}
	if err := r.t.Read(filter, r.q.Env); err != nil {
		return err
	}
	if r.total == 0 && !bySource {
		return nil
	}
	join, layout, err := r.join(filter, bySource)
	if err != nil {
		return err
	}
	return each(ctx, r.q, join, func() (worker, error) { return r.newMatcher(ctx, layout) })
}

// layout says where the columns of source ++ target are in the join's output (target, row ids, source, ordinal).
type layout struct {
	position []int // of each source ++ target column; -1: not read
	file     int
	row      int
	ordinal  int
}

func (r *mergeRun) join(filter expr.Expr, outer bool) (exec.Operator, layout, error) {
	scan := exec.NewScan(r.t.source(), exec.ScanSpec{Columns: r.needed, Filter: filter, RowIDs: true, Env: r.q.Env})
	build := exec.NewValues(sourceFields(r.m.Source.Fields()), r.source)
	n := len(r.needed)
	l := layout{position: make([]int, r.width+len(r.fields)), file: n, row: n + 1, ordinal: n + 2 + r.width}
	for i := range l.position {
		l.position[i] = -1
	}
	for i := range r.width {
		l.position[i] = n + 2 + i
	}
	within := make([]int, len(r.fields))
	for at, c := range r.needed {
		l.position[r.width+c] = at
		within[c] = at
	}
	keys := make([]expr.Expr, len(r.targetKeys))
	for i, k := range r.targetKeys {
		keys[i] = placed(k, within)
	}
	var rest expr.Expr
	if len(r.residual) > 0 {
		all := make([]expr.Expr, len(r.residual))
		for i, p := range r.residual {
			all[i] = placed(p, l.position)
		}
		rest = expr.And(all...)
	}
	kind := exec.JoinInner
	if outer {
		kind = exec.JoinLeft
	}
	if len(keys) == 0 {
		op, err := exec.NewNestedLoop(scan, build, kind, rest)
		return op, l, err
	}
	op, err := exec.NewHashJoin(scan, build, kind, keys, r.sourceKeys, rest)
	return op, l, err
}

func sourceFields(in []exec.Field) []exec.Field {
	return append(append([]exec.Field(nil), in...), exec.Field{Name: "ordinal", Type: types.Of(types.Int32)})
}

// placed gives the columns of e their positions in another row.
func placed(e expr.Expr, position []int) expr.Expr {
	return expr.MapColumns(e, func(c *expr.Column) expr.Expr {
		n := *c
		n.Index = position[c.Index]
		return &n
	})
}

// compiledClause is a clause of one worker.
type compiledClause struct {
	Clause
	cond *expr.Filter
	row  *rowProgram

	setsKey, stored bool // see setsKey
}

func (r *mergeRun) compileClause(c Clause, position []int) (compiledClause, error) {
	env := r.q.Env
	out := compiledClause{Clause: c}
	out.setsKey, out.stored = r.setsKey(&c)
	var err error
	if c.Cond != nil {
		if out.cond, err = expr.CompileFilter(placed(c.Cond, position), env); err != nil {
			return out, err
		}
	}
	if len(c.Row) > 0 {
		es := make([]expr.Expr, len(c.Row))
		for i, e := range c.Row {
			es[i] = placed(e, position)
		}
		out.row, err = compileRow(es, env)
	}
	return out, err
}

func (r *mergeRun) newAppender(ctx context.Context) (*appender, error) {
	a, err := r.t.newAppender(ctx, r.q.Env)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.apps = append(r.apps, a)
	r.mu.Unlock()
	return a, nil
}

// newMatcher returns the worker that applies the MATCHED and NOT MATCHED BY SOURCE clauses to joined rows.
func (r *mergeRun) newMatcher(ctx context.Context, l layout) (worker, error) {
	a, err := r.newAppender(ctx)
	if err != nil {
		return nil, err
	}
	var clauses []compiledClause
	for _, c := range r.m.Clauses {
		if c.Kind == NotMatched {
			continue
		}
		cc, err := r.compileClause(c, l.position)
		if err != nil {
			return nil, err
		}
		clauses = append(clauses, cc)
	}
	return func(ctx context.Context, b *vector.Batch) error {
		with, without := r.split(b, l)
		if err := r.apply(ctx, a, b, with, Matched, clauses, l); err != nil {
			return err
		}
		return r.apply(ctx, a, b, without, NotMatchedBySource, clauses, l)
	}, nil
}

// split tells joined rows with a source row from those without, and notes the former's ordinals.
func (r *mergeRun) split(b *vector.Batch, l layout) (with, without []uint16) {
	ord := b.Cols[l.ordinal]
	with = make([]uint16, 0, b.Rows())
	r.mu.Lock()
	defer r.mu.Unlock()
	for k := range b.Rows() {
		i := b.Row(k)
		if ord.IsNull(i) {
			without = append(without, uint16(i))
			continue
		}
		with = append(with, uint16(i))
		r.matched.Set(int(ord.Int(i)))
	}
	return with, without
}

// apply lets each row of sel be taken by the first clause of its kind that wants it.
func (r *mergeRun) apply(ctx context.Context, a *appender, b *vector.Batch, sel []uint16, kind Kind, clauses []compiledClause, l layout) error {
	for i := range clauses {
		c := &clauses[i]
		if c.Kind != kind || len(sel) == 0 {
			continue
		}
		taken, rest, err := take(c.cond, b, sel)
		if err != nil {
			return err
		}
		sel = rest
		if len(taken) == 0 {
			continue
		}
		if err := r.act(ctx, a, b, taken, c, l); err != nil {
			return err
		}
	}
	return nil
}

// take splits sel by a condition.
func take(cond *expr.Filter, b *vector.Batch, sel []uint16) (taken, rest []uint16, err error) {
	if cond == nil {
		return sel, nil, nil
	}
	got, err := cond.Apply(&vector.Batch{Len: b.Len, Sel: sel, Cols: b.Cols})
	if err != nil {
		return nil, nil, err
	}
	taken = append([]uint16(nil), got...)
	k := 0
	for _, i := range sel {
		if k < len(taken) && taken[k] == i {
			k++
		} else {
			rest = append(rest, i)
		}
	}
	return taken, rest, nil
}

func (r *mergeRun) act(ctx context.Context, a *appender, b *vector.Batch, rows []uint16, c *compiledClause, l layout) error {
	if c.Act == RejectRow {
		return &DuplicateKeyError{Table: r.t.Name, Key: keyText(b, int(rows[0]), l.position[:r.width], r.sourceKeys)}
	}
	as := deleted
	var out *vector.Batch
	if c.Act == UpdateRow {
		as = updatedFrom
		var err error
		if out, err = c.row.eval(b, rows); err != nil {
			return err
		}
		if len(c.assigned) > 0 {
			changed := differing(rows, c.assigned, out.Cols, func(k int) *vector.Vector { return b.Cols[l.position[r.width+c.assigned[k]]] })
			if err := r.count(&r.result.Same, int64(len(rows)-len(changed))); err != nil {
				return err
			}
			rows, out.Sel = changed, changed
		}
	}
	dup, n := r.rows.add(b, rows, l.file, l.row, as)
	if dup >= 0 && !r.onlyDeletes() {
		return &AmbiguousMergeError{Table: r.t.Name, Row: rowText(b, dup, len(r.needed))}
	}
	if c.Act == DeleteRow {
		return r.count(&r.result.Deleted, n)
	}
	if err := r.append(ctx, a, c, out); err != nil {
		return err
	}
	return r.count(&r.result.Updated, n)
}

// append writes the new rows of a clause and notes their keys.
func (r *mergeRun) append(ctx context.Context, a *appender, c *compiledClause, rows *vector.Batch) error {
	if c.setsKey {
		if err := r.keys.add(r, rows, c.stored); err != nil {
			return err
		}
	}
	as := inserted
	switch {
	case c.Act == UpdateRow:
		as = updatedTo
	case !r.changesRows():
		as = r.t.plainly(inserted)
	}
	return a.append(ctx, rows, as)
}

// onlyDeletes reports the one case in which several source rows may match a target row: MERGE does nothing to
// matched rows but delete them all.
func (r *mergeRun) onlyDeletes() bool {
	n := 0
	for _, c := range r.m.Clauses {
		if c.Kind == Matched {
			n++
			if c.Act != DeleteRow || c.Cond != nil {
				return false
			}
		}
	}
	return n == 1
}

func (r *mergeRun) count(counter *int64, n int64) error {
	r.mu.Lock()
	*counter += n
	r.mu.Unlock()
	return nil
}

// insertUnmatched applies the NOT MATCHED clauses to source rows that met no target row.
func (r *mergeRun) insertUnmatched(ctx context.Context) error {
	if !r.has(NotMatched) || r.total == 0 {
		return nil
	}
	position := upTo(r.width + len(r.fields))
	var clauses []compiledClause
	for _, c := range r.m.Clauses {
		if c.Kind != NotMatched {
			continue
		}
		cc, err := r.compileClause(c, position)
		if err != nil {
			return err
		}
		clauses = append(clauses, cc)
	}
	a, err := r.inserter(ctx)
	if err != nil {
		return err
	}
	for _, b := range r.source {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.insertBatch(ctx, a, b, clauses); err != nil {
			return err
		}
	}
	return nil
}

// inserter reuses an appender of the join, so that a small MERGE writes one file.
func (r *mergeRun) inserter(ctx context.Context) (*appender, error) {
	if len(r.apps) > 0 {
		return r.apps[0], nil
	}
	return r.newAppender(ctx)
}

func (r *mergeRun) insertBatch(ctx context.Context, a *appender, b *vector.Batch, clauses []compiledClause) error {
	ord := b.Cols[r.width]
	var sel []uint16
	for i := range b.Len {
		if !r.matched.Get(int(ord.I32[i])) {
			sel = append(sel, uint16(i))
		}
	}
	for i := range clauses {
		if len(sel) == 0 {
			return nil
		}
		taken, rest, err := take(clauses[i].cond, b, sel)
		if err != nil {
			return err
		}
		sel = rest
		if len(taken) == 0 {
			continue
		}
		out, err := clauses[i].row.eval(b, taken)
		if err != nil {
			return fmt.Errorf("table %s: %w", r.t.Name, err)
		}
		if err := r.append(ctx, a, &clauses[i], out); err != nil {
			return err
		}
		r.result.Inserted += int64(len(taken))
	}
	return nil
}
