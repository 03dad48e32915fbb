package dml

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"sync"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"github.com/featuresql/featuresql/datasource/delta/dv"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/vector"
)

// touched holds the rows that a statement deletes or replaces, by file ordinal. Safe for concurrent use.
type touched struct {
	mu    sync.Mutex
	files map[int]*roaring64.Bitmap
}

func newTouched() *touched { return &touched{files: map[int]*roaring64.Bitmap{}} }

// add marks the rows of b that sel names; file and row ids are in the given columns. It returns the first row that was
// marked before, or -1, and how many were not.
func (t *touched) add(b *vector.Batch, sel []uint16, fileCol, rowCol int) (dup int, fresh int64) {
	dup = -1
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, i := range sel {
		f := int(b.Cols[fileCol].Int(int(i)))
		rows := t.files[f]
		if rows == nil {
			rows = roaring64.New()
			t.files[f] = rows
		}
		if rows.CheckedAdd(uint64(b.Cols[rowCol].Int(int(i)))) {
			fresh++
		} else if dup < 0 {
			dup = int(i)
		}
	}
	return dup, fresh
}

func (t *touched) ordinals() []int {
	out := make([]int, 0, len(t.files))
	for f := range t.files {
		out = append(out, f)
	}
	sort.Ints(out)
	return out
}

// remove takes the touched rows out of the table: whole files, deletion vectors, or files written anew.
func (t *Table) remove(ctx context.Context, q *exec.Query, rows *touched) error {
	files := t.Snapshot.Files()
	var rewrite []int
	var vectors []vectorChange
	for _, f := range rows.ordinals() {
		live, known := liveRows(t, f)
		switch {
		case known && int64(rows.files[f].GetCardinality()) == live:
			if err := t.Tx.RemoveFile(files.Add(f), true); err != nil {
				return err
			}
		case t.usesDeletionVectors():
			vectors = append(vectors, vectorChange{f, rows.files[f]})
		default:
			rewrite = append(rewrite, f)
		}
	}
	if err := t.writeVectors(ctx, vectors); err != nil {
		return err
	}
	return t.rewrite(ctx, q, rewrite, rows)
}

// liveRows is the number of rows of a file that are not deleted.
func liveRows(t *Table, f int) (int64, bool) {
	files := t.Snapshot.Files()
	n := files.NumRecords(f)
	if n < 0 {
		return 0, false
	}
	if d := files.DeletionVector(f); d != nil {
		n -= d.Cardinality
	}
	return n, true
}

type vectorChange struct {
	file int
	rows *roaring64.Bitmap
}

// writeVectors writes the deletion vectors of all changed files into one file.
func (t *Table) writeVectors(ctx context.Context, changes []vectorChange) error {
	if len(changes) == 0 {
		return nil
	}
	store := t.Snapshot.Table().Store()
	w := dv.NewWriter(store)
	files := t.Snapshot.Files()
	for _, c := range changes {
		if old := files.DeletionVector(c.file); old != nil {
			prev, err := dv.Load(ctx, store, old)
			if err != nil {
				return fmt.Errorf("table %s: deletion vector of %s: %w", t.Name, files.Path(c.file), err)
			}
			c.rows.Or(prev.Roaring())
		}
		w.Add(c.rows)
	}
	descs, err := w.Close(ctx)
	if err != nil {
		return fmt.Errorf("table %s: %w", t.Name, err)
	}
	for i, c := range changes {
		if err := t.Tx.ReplaceDV(files.Add(c.file), descs[i], looseBounds(files.Add(c.file).Stats)); err != nil {
			return err
		}
	}
	return nil
}

// looseBounds says in a file's statistics that its bounds may now be wider than its live rows (PROTOCOL.md, "tightBounds").
func looseBounds(stats string) string {
	var doc map[string]json.RawMessage
	if stats == "" || json.Unmarshal([]byte(stats), &doc) != nil || doc == nil {
		return stats
	}
	doc["tightBounds"] = json.RawMessage("false")
	out, err := json.Marshal(doc)
	if err != nil {
		return stats
	}
	return string(out)
}

// rewrite writes the untouched rows of the given files into new files.
func (t *Table) rewrite(ctx context.Context, q *exec.Query, ordinals []int, rows *touched) error {
	if len(ordinals) == 0 {
		return nil
	}
	src := t.source()
	cols := len(src.Fields())
	op := exec.NewScan(src.WithFiles(ordinals), exec.ScanSpec{Columns: upTo(cols), RowIDs: true, Env: q.Env})
	apps, err := t.collect(ctx, q, op, func(a *appender) worker {
		return func(ctx context.Context, b *vector.Batch) error {
			kept := untouched(b, rows, cols)
			return a.keep(ctx, &vector.Batch{Len: b.Len, Sel: kept, Cols: b.Cols[:cols]})
		}
	})
	if err != nil {
		return err
	}
	if err := t.stage(ctx, apps); err != nil {
		return err
	}
	files := t.Snapshot.Files()
	for _, f := range ordinals {
		if err := t.Tx.RemoveFile(files.Add(f), true); err != nil {
			return err
		}
	}
	return nil
}

// untouched selects the live rows of b that are not marked.
func untouched(b *vector.Batch, rows *touched, cols int) []uint16 {
	kept := make([]uint16, 0, b.Rows())
	for k := range b.Rows() {
		i := b.Row(k)
		marked := rows.files[int(b.Cols[cols].Int(i))]
		if marked == nil || !marked.Contains(uint64(b.Cols[cols+1].Int(i))) {
			kept = append(kept, uint16(i))
		}
	}
	return kept
}

// collect runs op with one appender per stream and returns the appenders; on error their files are gone.
func (t *Table) collect(ctx context.Context, q *exec.Query, op exec.Operator, use func(*appender) worker) ([]*appender, error) {
	var apps []*appender
	err := each(ctx, q, op, func() (worker, error) {
		a, err := t.newAppender(ctx, q.Env)
		if err != nil {
			return nil, err
		}
		apps = append(apps, a)
		return use(a), nil
	})
	if err != nil {
		abort(ctx, apps)
		return nil, err
	}
	return apps, nil
}

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}
