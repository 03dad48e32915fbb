package expr_test

import (
	"fmt"
	"testing"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// benchBatch is a full batch: an int, a price, a discount, a date, a word, a flag of three values, a float.
func benchBatch() *vector.Batch {
	const n = vector.MaxRows
	b := &vector.Batch{Len: n}
	qty, price, discount, day, words, f := vector.New(tInt, n), vector.New(types.DecimalOf(15, 2), n), vector.New(types.DecimalOf(15, 2), n), vector.New(tDate, n), vector.New(tStr, 0), vector.New(tFloat, n)
	codes := make([]int32, n)
	for i := range n {
		x := i * 7919 % n
		qty.I32[i], price.I64[i], discount.I64[i], day.I32[i], f.F64[i], codes[i] = int32(x%50), int64(x)*1000, int64(x%11), int32(8000+x%2500), float64(x), int32(x%3)
		words.AppendValue(types.StringValue(fmt.Sprintf("special packages %d requests", x)))
	}
	b.Cols = []*vector.Vector{qty, price, discount, day, words, coded(texts("A", "N", "R"), codes...), f}
	return b
}

func BenchmarkEval(b *testing.B) {
	batch := benchBatch()
	qty, price, discount, day, word, flag, f := column(0, tInt), column(1, types.DecimalOf(15, 2)), column(2, types.DecimalOf(15, 2)), column(3, tDate), column(4, tStr), column(5, tStr), column(6, tFloat)
	one := dec("1", 1, 0)
	net := mustNew(b, "*", price, mustNew(b, "-", one, discount))
	for _, e := range []expr.Expr{
		mustNew(b, "+", qty, num(1)), mustNew(b, "*", f, flt(1.5)), net, mustNew(b, "*", net, mustNew(b, "+", one, discount)),
		mustNew(b, "<", day, date("1994-01-01")), mustNew(b, "like", word, str("%special%9%")), mustNew(b, "=", flag, str("A")),
		mustNew(b, "case", mustNew(b, "=", flag, str("A")), price, num(0)), mustNew(b, "/", price, num(3)), mustNew(b, "in", qty, num(1), num(20), num(30)),
	} {
		b.Run(e.String(), func(b *testing.B) {
			ev := compile(b, e, nil)
			b.SetBytes(vector.MaxRows)
			for b.Loop() {
				if _, err := ev.Eval(batch); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkFilter(b *testing.B) {
	batch := benchBatch()
	qty, discount, day, word, flag := column(0, tInt), column(2, types.DecimalOf(15, 2)), column(3, tDate), column(4, tStr), column(5, tStr)
	for _, e := range []expr.Expr{
		mustNew(b, "<", day, date("1994-01-01")), mustNew(b, "=", flag, str("A")), mustNew(b, "like", word, str("%special%9%")),
		mustNew(b, "and", mustNew(b, ">=", day, date("1993-01-01")), mustNew(b, "<", day, date("1994-01-01")), mustNew(b, ">=", discount, dec("0.05", 2, 2)), mustNew(b, "<", qty, num(24))),
		mustNew(b, "or", mustNew(b, "=", flag, str("A")), mustNew(b, "<", qty, num(10))), mustNew(b, "in", qty, num(1), num(20), num(30)),
	} {
		b.Run(e.String(), func(b *testing.B) {
			f, err := expr.CompileFilter(e, nil)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(vector.MaxRows)
			for b.Loop() {
				if _, err := f.Apply(batch); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
