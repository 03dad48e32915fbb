package scalar_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

func BenchmarkFunctions(b *testing.B) {
	const n = vector.MaxRows
	day, stamp, word := vector.New(types.Of(types.Date), n), vector.New(types.Of(types.Timestamp), n), vector.New(types.Of(types.String), 0)
	for i := range n {
		day.I32[i], stamp.I64[i] = int32(8000+i%2500), int64(i)*3_600_000_000
		word.AppendValue(types.StringValue(fmt.Sprintf("special packages %d requests", i)))
	}
	batch := &vector.Batch{Len: n, Cols: []*vector.Vector{day, stamp, word}}
	col := func(i int) expr.Expr { return &expr.Column{Index: i, Name: "c", Typ: batch.Cols[i].Type} }
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		b.Fatal(err)
	}
	i := func(x int64) expr.Expr { return &expr.Literal{Val: types.IntValue(types.Of(types.Int64), x)} }
	for _, f := range []struct {
		name string
		args []expr.Expr
	}{{"year", []expr.Expr{col(0)}}, {"year", []expr.Expr{col(1)}}, {"hour", []expr.Expr{col(1)}}, {"substring", []expr.Expr{col(2), i(1), i(2)}}, {"upper", []expr.Expr{col(2)}},
		{"concat", []expr.Expr{col(2), col(2)}}, {"char_length", []expr.Expr{col(2)}}} {
		e, err := expr.New(f.name, f.args...)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(f.name, "/", f.args[0].Type()), func(b *testing.B) {
			ev, err := expr.Compile(e, &expr.Env{Location: loc})
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(n)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ev.Eval(batch); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
