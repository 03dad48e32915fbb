package exec_test

import (
	"context"
	"testing"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// BenchmarkWindow computes sums of 100 rows, and a row number, over a million rows in 100,000 partitions.
func BenchmarkWindow(b *testing.B) {
	fields := []exec.Field{{Name: "k", Type: tBig}, {Name: "t", Type: tBig}, {Name: "v", Type: tFloat}}
	var batches []*vector.Batch
	const n = 1_000_000
	for from := 0; from < n; from += vector.MaxRows {
		cols := []*vector.Vector{vector.New(tBig, 0), vector.New(tBig, 0), vector.New(tFloat, 0)}
		for i := from; i < min(n, from+vector.MaxRows); i++ {
			cols[0].AppendValue(types.IntValue(tBig, int64(i)*7919%100_000))
			cols[1].AppendValue(types.IntValue(tBig, int64(i)))
			cols[2].AppendValue(types.FloatValue(tFloat, float64(i)/7))
		}
		batches = append(batches, &vector.Batch{Cols: cols, Len: cols[0].Len})
	}
	col := func(i int) *expr.Column { return &expr.Column{Index: i, Name: fields[i].Name, Typ: fields[i].Type} }
	sliding := exec.Frame{Start: exec.FrameBound{Kind: exec.Preceding, Rows: 99}, End: exec.FrameBound{Kind: exec.CurrentRow}}
	for _, c := range []exec.WindowCall{
		{Name: "sum", Args: []expr.Expr{col(2)}, Type: tFloat, OrderKeys: 1, Frame: sliding},
		{Name: "row_number", Type: tBig, OrderKeys: 1},
	} {
		b.Run(c.Name, func(b *testing.B) {
			for range b.N {
				op, err := exec.NewWindow(exec.NewValues(fields, batches), []expr.Expr{col(0)}, []exec.SortKey{{Expr: col(1)}}, []exec.WindowCall{c})
				if err != nil {
					b.Fatal(err)
				}
				if err := exec.Run(context.Background(), testQuery(1), op, func(*vector.Batch) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
