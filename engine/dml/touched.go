package dml

import (
	"context"
	"sort"
	"sync"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/txn"
)

// touched holds the rows that a statement deletes or replaces, by file ordinal. Safe for concurrent use.
type touched struct {
	mu      sync.Mutex
	files   map[int]*roaring64.Bitmap
	updated map[int]*roaring64.Bitmap // those of them that are replaced
}

func newTouched() *touched {
	return &touched{files: map[int]*roaring64.Bitmap{}, updated: map[int]*roaring64.Bitmap{}}
}

// change says what the statement does with a row.
func (t *touched) change(file int, row uint64) change {
	switch {
	case t.files[file] == nil || !t.files[file].Contains(row):
		return untold
	case t.updated[file] != nil && t.updated[file].Contains(row):
		return updatedFrom
	}
	return deleted
}

// add marks the rows of b that sel names as deleted or updatedFrom; file and row ids are in the given columns. It returns the first row that
// was marked before, or -1, and how many were not.
func (t *touched) add(b *vector.Batch, sel []uint16, fileCol, rowCol int, as change) (dup int, fresh int64) {
	dup = -1
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, i := range sel {
		f := int(b.Cols[fileCol].Int(int(i)))
		rows := t.files[f]
		if rows == nil {
			rows = roaring64.New()
			t.files[f] = rows
			t.updated[f] = roaring64.New()
		}
		if as == updatedFrom {
			t.updated[f].Add(uint64(b.Cols[rowCol].Int(int(i))))
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
	if err := t.logRemoved(ctx, q, rows); err != nil {
		return err
	}
	files := t.Snapshot.Files()
	var rewrite []int
	var vectors []txn.Deletion
	for _, f := range rows.ordinals() {
		records, err := t.records(ctx, f)
		if err != nil {
			return err
		}
		switch {
		case int64(rows.files[f].GetCardinality()) == records-files.DeletedRows(f):
			if err := t.Tx.RemoveFile(files.Add(f), true); err != nil {
				return err
			}
		case t.usesDeletionVectors():
			vectors = append(vectors, txn.Deletion{File: files.Add(f), Rows: rows.files[f], Records: records})
		default:
			rewrite = append(rewrite, f)
		}
	}
	if err := t.Tx.DeleteRows(ctx, vectors); err != nil {
		return err
	}
	return t.rewrite(ctx, q, rewrite, rows)
}

// records is the number of rows that a file holds, deleted ones included: as the log says, or else the file itself.
func (t *Table) records(ctx context.Context, f int) (int64, error) {
	if n := t.Snapshot.Files().NumRecords(f); n >= 0 {
		return n, nil
	}
	return t.source().Records(ctx, f)
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
