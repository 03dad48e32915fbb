package dml

import (
	"context"
	"errors"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/scan"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/vector"
)

// Read tells the transaction that the statement's result depends on the rows for which filter is true; nil is all.
func (t *Table) Read(filter expr.Expr, env *expr.Env) error {
	if filter == nil {
		t.Tx.ReadAll()
		return nil
	}
	cache := t.Cache
	return t.Tx.ReadRows(filter, func(ctx context.Context, base *delta.Snapshot, file int, rows *roaring64.Bitmap) (bool, error) {
		return anyRow(ctx, scan.NewSource(base, scan.Options{Cache: cache, Locate: base.Table().Locate}).WithFiles([]int{file}), rows, filter, env)
	})
}

// errFound ends a search.
var errFound = errors.New("found")

// anyRow says whether filter is true for any of some rows of src, which has one file.
func anyRow(ctx context.Context, src *scan.Source, rows *roaring64.Bitmap, filter expr.Expr, env *expr.Env) (bool, error) {
	in := exec.NewScan(src, exec.ScanSpec{Filter: filter, RowIDs: true, Env: env})
	err := exec.Run(ctx, &exec.Query{Workers: 1, Env: env}, in, func(b *vector.Batch) error {
		for k := range b.Rows() {
			if rows.Contains(uint64(b.Cols[1].Int(b.Row(k)))) {
				return errFound
			}
		}
		return nil
	})
	if errors.Is(err, errFound) {
		return true, nil
	}
	return false, err
}
