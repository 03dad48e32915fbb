package dml

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/vector"
)

// ascent takes the rows of a keyed insert of which a row with a key that is there is no error. As long as their keys ascend, beyond
// all that the table has, they are new whatever the statement does with others, and are written as they come; what follows is held.
type ascent struct {
	t    *Table
	q    *exec.Query
	ctx  context.Context //nolint:containedctx // of the statement, for the workers
	as   change
	held heldBatches
	rows int64

	decided, rising bool
	seen            *keyRange
	out             chan *vector.Batch
	wg              sync.WaitGroup
	mu              sync.Mutex
	apps            []*appender
	err             error
	failed          atomic.Bool
}

// ascending runs op. It returns the rows that were not written; those that were are staged, and t.Snapshot has them.
func (t *Table) ascending(ctx context.Context, q *exec.Query, op exec.Operator, mode KeyedMode) (a *ascent, err error) {
	a = &ascent{t: t, q: q, ctx: ctx, as: inserted, held: heldBatches{q: q}, seen: newKeyRange(t)}
	if mode == Ignore {
		a.as = t.plainly(inserted)
	}
	err = exec.Run(ctx, q, op, a.take)
	if a.out != nil {
		close(a.out)
		a.wg.Wait()
	}
	if a.err != nil {
		err = a.err
	}
	if err == nil && len(a.apps) > 0 {
		err = a.stage(ctx)
	}
	if err != nil {
		abort(ctx, a.apps)
		a.held.free()
		return nil, err
	}
	return a, nil
}

// written is the number of rows that were written.
func (a *ascent) written() int64 { return rowsOf(a.apps) }

func (a *ascent) take(b *vector.Batch) error {
	a.rows += int64(b.Rows())
	if !a.rising {
		if err := a.held.add(b); err != nil || a.decided || a.rows <= int64(bulkRows) {
			return err
		}
		return a.decide()
	}
	if a.seen.add(a.t.keyColumns(b), b); !a.seen.ascends() {
		a.rising = false
		return a.held.add(b)
	}
	return a.send(b.Compact())
}

// decide begins to write if the rows held so far ascend beyond the keys of the table.
func (a *ascent) decide() error {
	a.decided = true
	for _, b := range a.held.batches {
		a.seen.add(a.t.keyColumns(b), b)
	}
	if !a.seen.ascends() {
		return nil
	}
	k := a.t.Key[0]
	f := a.t.fields()[k]
	beyond, err := expr.New(">=", &expr.Column{Index: k, Name: f.Name, Typ: f.Type, Null: f.Nullable}, &expr.Literal{Val: a.seen.lo[0]})
	if err != nil {
		return err
	}
	scan, err := a.t.source().Scan(a.ctx, exec.ScanSpec{Filter: beyond, Env: a.q.Env})
	if err != nil {
		return err
	}
	if st := scan.Stats(); st.Files > st.FilesSkipped {
		return nil
	}
	a.rising = true
	a.out = make(chan *vector.Batch)
	for range max(1, a.q.Workers) {
		a.wg.Go(a.write)
	}
	for _, b := range a.held.batches {
		if err := a.send(b); err != nil {
			return err
		}
	}
	a.held.free()
	return nil
}

func (a *ascent) send(b *vector.Batch) error {
	if a.failed.Load() {
		return errStopped
	}
	select {
	case a.out <- b:
		return nil
	case <-a.ctx.Done():
		return context.Cause(a.ctx)
	}
}

// write is one worker. After an error it lets the others' rows pass.
func (a *ascent) write() {
	var app *appender
	for b := range a.out {
		if a.failed.Load() {
			continue
		}
		err := guard(func() (err error) {
			if app == nil {
				if app, err = a.t.newAppender(a.ctx, a.q.Env); err != nil {
					return err
				}
				a.mu.Lock()
				a.apps = append(a.apps, app)
				a.mu.Unlock()
			}
			return app.append(a.ctx, b, a.as)
		})
		if err != nil {
			a.mu.Lock()
			if a.err == nil {
				a.err = err
			}
			a.mu.Unlock()
			a.failed.Store(true)
		}
	}
}

func (a *ascent) stage(ctx context.Context) error {
	bounds, err := a.seen.bounds(a.t)
	if err != nil {
		return err
	}
	if err := a.t.Read(expr.And(bounds...), a.q.Env); err != nil {
		return err
	}
	if err := a.t.stage(ctx, a.apps); err != nil {
		return err
	}
	a.t.Snapshot, err = a.t.Tx.Effective()
	return err
}
