package dml

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/vector"
)

// Append inserts the rows of op, whose columns are the table's, without looking at keys.
func (t *Table) Append(ctx context.Context, q *exec.Query, op exec.Operator) (Result, error) {
	apps, err := t.collect(ctx, q, op, func(a *appender) worker {
		return func(ctx context.Context, b *vector.Batch) error { return a.append(ctx, b, t.plainly(inserted)) }
	})
	if err != nil {
		return Result{}, err
	}
	var n int64
	for _, a := range apps {
		n += a.rows
	}
	return Result{Inserted: n}, t.stage(ctx, apps)
}

// Delete removes the rows that op names by their row ids, its two columns; a nil op removes all rows.
func (t *Table) Delete(ctx context.Context, q *exec.Query, op exec.Operator) (Result, error) {
	if op == nil {
		return t.deleteAll(ctx, q)
	}
	rows := newTouched()
	var n atomic.Int64
	err := each(ctx, q, op, func() (worker, error) {
		return func(_ context.Context, b *vector.Batch) error {
			n.Add(int64(b.Rows()))
			if dup, _ := rows.add(b, live(b), 0, 1, deleted); dup >= 0 {
				return fmt.Errorf("table %s: DELETE met a row twice", t.Name)
			}
			return nil
		}, nil
	})
	if err != nil {
		return Result{}, err
	}
	return Result{Deleted: n.Load()}, t.remove(ctx, q, rows)
}

// deleteAll removes every file of the table; the number of rows is what the log says, or the files themselves.
func (t *Table) deleteAll(ctx context.Context, q *exec.Query) (Result, error) {
	t.Tx.ReadAll()
	if err := t.logAll(ctx, q); err != nil {
		return Result{}, err
	}
	files := t.Snapshot.Files()
	var res Result
	for f := range files.Len() {
		n, err := t.records(ctx, f)
		if err != nil {
			return Result{}, err
		}
		res.Deleted += n - files.DeletedRows(f)
		if err := t.Tx.RemoveFile(files.Add(f), true); err != nil {
			return Result{}, err
		}
	}
	return res, nil
}

// Update replaces rows: op puts out each row's new values, a column of the table each, its two row ids, and the old
// values of the columns that assigned names. A row all of whose values stay is not touched, unless assigned is empty.
func (t *Table) Update(ctx context.Context, q *exec.Query, op exec.Operator, assigned []int) (Result, error) {
	cols := len(t.fields())
	rows := newTouched()
	var same atomic.Int64
	apps, err := t.collect(ctx, q, op, func(a *appender) worker {
		return func(ctx context.Context, b *vector.Batch) error {
			sel := differing(live(b), assigned, b.Cols, func(k int) *vector.Vector { return b.Cols[cols+2+k] })
			same.Add(int64(b.Rows() - len(sel)))
			if dup, _ := rows.add(b, sel, cols, cols+1, updatedFrom); dup >= 0 {
				return fmt.Errorf("table %s: UPDATE met a row twice", t.Name)
			}
			return a.append(ctx, &vector.Batch{Len: b.Len, Sel: sel, Cols: b.Cols[:cols]}, updatedTo)
		}
	})
	if err != nil {
		return Result{}, err
	}
	var n int64
	for _, a := range apps {
		n += a.rows
	}
	if err := t.stage(ctx, apps); err != nil {
		return Result{}, err
	}
	return Result{Updated: n, Same: same.Load()}, t.remove(ctx, q, rows)
}

// differing returns the rows of sel in which one of the assigned columns, new[i] for column i, has another value than
// before, all if there are none; old gives the former values of the k-th of them.
func differing(sel []uint16, assigned []int, new []*vector.Vector, old func(k int) *vector.Vector) []uint16 {
	if len(assigned) == 0 {
		return sel
	}
	out := make([]uint16, 0, len(sel))
	for _, row := range sel {
		for k, i := range assigned {
			if new[i].Value(int(row)) != old(k).Value(int(row)) {
				out = append(out, row)
				break
			}
		}
	}
	return out
}

// live returns the live rows of b as a selection.
func live(b *vector.Batch) []uint16 {
	if b.Sel != nil {
		return b.Sel
	}
	all := make([]uint16, b.Len)
	for i := range all {
		all[i] = uint16(i)
	}
	return all
}

// rowProgram computes a whole row of the table.
type rowProgram struct{ evs []*expr.Evaluator }

func compileRow(es []expr.Expr, env *expr.Env) (*rowProgram, error) {
	p := &rowProgram{}
	for _, e := range es {
		ev, err := expr.Compile(e, env)
		if err != nil {
			return nil, err
		}
		p.evs = append(p.evs, ev)
	}
	return p, nil
}

// eval computes the rows of b that sel names (nil: all).
func (p *rowProgram) eval(b *vector.Batch, sel []uint16) (*vector.Batch, error) {
	in := &vector.Batch{Len: b.Len, Sel: sel, Cols: b.Cols}
	out := &vector.Batch{Len: b.Len, Sel: sel, Cols: make([]*vector.Vector, len(p.evs))}
	for i, ev := range p.evs {
		v, err := ev.Eval(in)
		if err != nil {
			return nil, err
		}
		out.Cols[i] = v
	}
	return out, nil
}
