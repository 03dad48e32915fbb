package dml

import (
	"context"
	"fmt"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/feature"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// The change data feed (PROTOCOL.md, Change Data Files): where a version has a file of it, readers of changes read nothing else of that version.
// So a statement that changes rows writes all it does, and one that only adds rows, or removes all, writes nothing unless others may
// follow it in its transaction.

// change is what became of a row; the values are the protocol's.
type change string

const (
	inserted    change = "insert"
	deleted     change = "delete"
	updatedFrom change = "update_preimage"
	updatedTo   change = "update_postimage"
	untold      change = "" // files of data tell the change
)

// logs reports whether the table has a change data feed.
func (t *Table) logs() bool {
	return feature.Enabled(t.Snapshot.Protocol(), t.Snapshot.Metadata(), feature.ChangeDataFeed, "delta.enableChangeDataFeed")
}

// plainly is c in a transaction of several statements, which has to tell all of them alike; otherwise nothing.
func (t *Table) plainly(c change) change {
	if t.Only {
		return untold
	}
	return c
}

// note writes the live rows of b, whose columns begin with the table's, to the change data feed, if there is one.
func (a *appender) note(ctx context.Context, b *vector.Batch, as change) error {
	if as == untold || b.Rows() == 0 || !a.t.logs() {
		return nil
	}
	if a.log == nil {
		w, err := a.newLog()
		if err != nil {
			return fmt.Errorf("table %s: change data feed: %w", a.t.Name, err)
		}
		a.log = w
	}
	n := len(a.fields)
	kind := vector.NewConst(types.Value{Type: types.Of(types.String), Valid: true, S: string(as)}, b.Len)
	return a.log.Write(ctx, &vector.Batch{Len: b.Len, Sel: b.Sel, Cols: append(b.Cols[:n:n], kind)})
}

// stageLog adds the files of the change data feed to the transaction.
func (a *appender) stageLog(ctx context.Context) error {
	if a.log == nil {
		return nil
	}
	files, err := a.log.Close(ctx)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := a.t.Tx.AddCDC(action.CDC{Path: f.Path, PartitionValues: f.PartitionValues, Size: f.Size}); err != nil {
			return err
		}
	}
	return nil
}

// logRemoved writes what the touched rows were to the change data feed.
func (t *Table) logRemoved(ctx context.Context, q *exec.Query, rows *touched) error {
	if !t.logs() || len(rows.files) == 0 {
		return nil
	}
	src := t.source().WithFiles(rows.ordinals())
	cols := len(src.Fields())
	return t.logScan(ctx, q, exec.NewScan(src, exec.ScanSpec{Columns: upTo(cols), RowIDs: true, Env: q.Env}), func(a *appender) worker {
		return func(ctx context.Context, b *vector.Batch) error {
			sel := map[change][]uint16{}
			for k := range b.Rows() {
				i := b.Row(k)
				if as := rows.change(int(b.Cols[cols].Int(i)), uint64(b.Cols[cols+1].Int(i))); as != untold {
					sel[as] = append(sel[as], uint16(i))
				}
			}
			for as, rows := range sel {
				if err := a.note(ctx, &vector.Batch{Len: b.Len, Sel: rows, Cols: b.Cols}, as); err != nil {
					return err
				}
			}
			return nil
		}
	})
}

// logAll writes every row of the table to the change data feed as deleted.
func (t *Table) logAll(ctx context.Context, q *exec.Query) error {
	if !t.logs() || t.plainly(deleted) == untold {
		return nil
	}
	op := exec.NewScan(t.source(), exec.ScanSpec{Columns: upTo(len(t.fields())), Env: q.Env})
	return t.logScan(ctx, q, op, func(a *appender) worker {
		return func(ctx context.Context, b *vector.Batch) error { return a.note(ctx, b, deleted) }
	})
}

func (t *Table) logScan(ctx context.Context, q *exec.Query, op exec.Operator, use func(*appender) worker) error {
	apps, err := t.collect(ctx, q, op, use)
	if err != nil {
		return err
	}
	return t.stage(ctx, apps)
}
