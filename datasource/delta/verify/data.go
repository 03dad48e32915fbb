package verify

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/scan"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// data reads every file of a version.
func (c *check) data(ctx context.Context, snap *delta.Snapshot) error {
	for i := range snap.Files().Len() {
		c.report.Files++
		f := &fileCheck{check: c, snap: snap, file: i, path: snap.Files().Path(i)}
		if err := f.run(ctx); err != nil {
			return err
		}
	}
	return nil
}

// fileCheck is the verification of one data file.
type fileCheck struct {
	*check
	snap    *delta.Snapshot
	file    int
	path    string
	fields  []exec.Field
	columns []columnCheck
	rows    int64
}

// columnCheck is what the log says of a column of the file, and what was met.
type columnCheck struct {
	min, max types.Value // not valid: unknown
	nulls    int64       // by the log; -1: unknown
	met      int64       // NULLs
	outside  bool        // a value beyond min or max was reported
}

func (f *fileCheck) run(ctx context.Context) error {
	if there, err := f.size(ctx); !there || err != nil {
		return err
	}
	src := scan.NewSource(f.snap, scan.Options{Locate: f.snap.Table().Locate, NoSkipping: true}).WithFiles([]int{f.file})
	f.fields = src.Fields()
	spec := exec.ScanSpec{}
	for i := range f.fields {
		spec.Columns = append(spec.Columns, i)
		f.columns = append(f.columns, f.said(i))
		if f.snap.Files().Layout().Columns[i].Partition {
			if _, err := f.snap.Files().PartitionValue(f.file, i); err != nil {
				f.bad(f.path, "%v", err)
				return nil
			}
		}
	}
	err := exec.Run(ctx, &exec.Query{Workers: 1, Env: &expr.Env{}}, exec.NewScan(src, spec), func(b *vector.Batch) error {
		f.batch(b)
		return nil
	})
	f.report.Rows += f.rows
	if err != nil {
		return f.wrong(ctx, f.path, err, false)
	}
	f.compare()
	return nil
}

// size compares the size of the file with the log's; there is false if nothing more can be said.
func (f *fileCheck) size(ctx context.Context) (there bool, err error) {
	store, key, err := f.snap.Table().Locate(f.path)
	if err != nil {
		return false, f.wrong(ctx, f.path, err, false)
	}
	o, err := store.Head(ctx, key)
	switch {
	case errors.Is(err, objstore.ErrNotFound):
		f.bad(f.path, "the file is missing")
		return false, nil
	case err != nil:
		return false, f.wrong(ctx, f.path, err, false)
	case o.SizeBytes != f.snap.Files().Size(f.file):
		f.bad(f.path, "it has %d bytes, the log says %d", o.SizeBytes, f.snap.Files().Size(f.file))
		return false, nil
	}
	return true, nil
}

// said returns what the log says of a column.
func (f *fileCheck) said(column int) columnCheck {
	out := columnCheck{nulls: -1}
	stats := f.snap.Files().Column(column)
	if stats == nil || f.snap.Files().Layout().Columns[column].Partition {
		return out
	}
	if f.file < len(stats.NullCount) {
		out.nulls = stats.NullCount[f.file]
	}
	t := f.fields[column].Type
	if stats.Min != nil {
		out.min = bound(stats.Min.Value(f.file), t)
	}
	if stats.Max != nil {
		out.max = bound(stats.Max.Value(f.file), t)
	}
	return out
}

// bound returns a statistic as a value that those of the column can be compared with; not valid if it cannot be.
func bound(v types.Value, t types.Type) types.Value {
	switch {
	case v.Type.Kind == t.Kind, v.Type.IsInteger() && t.IsInteger(), v.Type.IsFloat() && t.IsFloat():
		return v
	}
	return types.NullOf(t)
}

func (f *fileCheck) batch(b *vector.Batch) {
	f.rows += int64(b.Rows())
	for j := range f.columns {
		c := &f.columns[j]
		col := b.Cols[j]
		known := !c.outside && (c.min.Valid || c.max.Valid)
		if !known && col.Valid == nil && col.Dict == nil {
			continue
		}
		for k := range b.Rows() {
			v := col.Value(b.Row(k))
			if !v.Valid {
				c.met++
				continue
			}
			if known && !c.holds(v) {
				known, c.outside = false, true
				f.bad(f.path, "column %s has the value %v; by the statistics its values lie from %v to %v", f.fields[j].Name, v, c.min, c.max)
			}
		}
	}
}

// holds reports whether the statistics allow v. NaN is in none.
func (c *columnCheck) holds(v types.Value) bool {
	if v.Type.IsFloat() && math.IsNaN(v.F) {
		return true
	}
	return (!c.min.Valid || types.Compare(v, c.min) >= 0) && (!c.max.Valid || types.Compare(v, c.max) <= 0)
}

// compare compares what was counted with what the log says.
func (f *fileCheck) compare() {
	files := f.snap.Files()
	deleted := files.DeletedRows(f.file)
	if want := files.NumRecords(f.file); want >= 0 && f.rows != want-deleted {
		f.bad(f.path, "it has %d rows that are not deleted, the log says %d", f.rows, want-deleted)
	}
	for j := range f.columns {
		c := &f.columns[j]
		name := f.fields[j].Name
		switch {
		case c.met > 0 && !f.fields[j].Nullable:
			f.bad(f.path, "column %s has %d NULL values, which its definition forbids", name, c.met)
		case c.nulls < 0:
		case deleted == 0 && c.met != c.nulls, c.met > c.nulls:
			f.bad(f.path, "column %s has %s, the log says %d", name, nullValues(c.met), c.nulls)
		}
	}
}

func nullValues(n int64) string {
	if n == 1 {
		return "1 NULL value"
	}
	return fmt.Sprintf("%d NULL values", n)
}
