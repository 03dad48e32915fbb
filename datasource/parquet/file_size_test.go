package parquet_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// flatFile writes a file of as many columns, every other one of strings, with as many rows in each row group.
func flatFile(t *testing.T, columns, groups, groupRows int) (data []byte, fields []parquet.Field) {
	t.Helper()
	for c := range columns {
		typ := types.Type{Kind: types.Int64}
		if c%2 == 1 {
			typ = types.Type{Kind: types.String}
		}
		fields = append(fields, parquet.Field{Name: fmt.Sprintf("column_%d", c), Type: typ, Nullable: true})
	}
	var buf bytes.Buffer
	w, err := parquet.NewWriter(&buf, fields, parquet.WriterOptions{RowGroupRows: groupRows})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range groups {
		b := &vector.Batch{Len: groupRows}
		for _, f := range fields {
			v := vector.New(f.Type, 0)
			for range groupRows {
				v.AppendValue(types.Value{Type: f.Type, Valid: true, I: rng.Int64(), S: fmt.Sprintf("something happened %d", rng.IntN(1000))})
			}
			b.Cols = append(b.Cols, v)
		}
		if err := w.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes(), fields
}

// TestSizeOfFooter compares what a file says that it holds with what the heap says, once its statistics and offset indexes were used.
func TestSizeOfFooter(t *testing.T) {
	for _, shape := range []struct{ columns, groups, rows int }{{2, 1, 1}, {2, 1, 2000}, {2, 50, 100}, {30, 1, 10}, {30, 20, 100}} {
		data, fields := flatFile(t, shape.columns, shape.groups, shape.rows)
		ctx := context.Background()
		const n = 100
		files := make([]*parquet.File, n)
		heap := func() int64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.GC()
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc)
		}
		before := heap()
		for i := range files {
			f, err := parquet.Open(ctx, &memFile{data: data}, int64(len(data)), parquet.OpenOptions{})
			if err != nil {
				t.Fatal(err)
			}
			p, err := f.Project(fields, false)
			if err != nil {
				t.Fatal(err)
			}
			p.RowGroupStats().Column(0)
			for g := range f.NumRowGroups() {
				r, err := p.NewRowGroupReader(ctx, g, parquet.ReadOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if _, _, err := r.Next(ctx); err != nil {
					t.Fatal(err)
				}
				r.Close()
			}
			files[i] = f
		}
		held, says := (heap()-before)/n, files[0].SizeBytes()
		t.Logf("%v: holds %d bytes, says %d", shape, held, says)
		if says < held*3/4 || says > held*3/2 {
			t.Errorf("%v: holds %d bytes, says %d", shape, held, says)
		}
		runtime.KeepAlive(files)
	}
}
