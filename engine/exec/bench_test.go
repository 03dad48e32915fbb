package exec_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// repeated yields the same few batches over and over until it has yielded rows rows, so that what is measured
// is the operators and not memory traffic of the input; keys are made from the row's number.
func repeated(fields []exec.Field, batches []*vector.Batch, rows int) exec.Operator {
	var all []*vector.Batch
	for n := 0; n < rows; {
		b := batches[len(all)%len(batches)]
		all = append(all, b)
		n += b.Len
	}
	return exec.NewValues(fields, all)
}

func runBench(b *testing.B, rows int, op func() exec.Operator) {
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				out := 0
				err := exec.Run(context.Background(), testQuery(workers), op(), func(x *vector.Batch) error {
					out += x.Rows()
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(rows), "ns/row")
		})
	}
}

// lineitem is Q1's input: two coded keys of 3 and 2 values, four decimals.
func lineitem(n int) ([]exec.Field, []*vector.Batch) {
	money := types.DecimalOf(15, 2)
	wide := types.DecimalOf(31, 4)
	fields := []exec.Field{{Name: "flag", Type: tString, Nullable: true}, {Name: "status", Type: tString, Nullable: true}}
	for _, c := range []string{"qty", "price", "disc", "tax"} {
		fields = append(fields, exec.Field{Name: c, Type: money, Nullable: true})
	}
	fields = append(fields, exec.Field{Name: "disc_price", Type: wide, Nullable: true})
	dict := func(s ...string) *vector.Vector {
		d := vector.New(tString, 0)
		for _, x := range s {
			d.AppendValue(types.StringValue(x))
		}
		return d
	}
	d1, d2 := dict("A", "N", "R"), dict("F", "O")
	r := rand.New(rand.NewPCG(1, 2))
	var batches []*vector.Batch
	for range n {
		b := &vector.Batch{Len: vector.MaxRows}
		for _, d := range []*vector.Vector{d1, d2} {
			v := &vector.Vector{Type: tString, Phys: types.PhysBytes, Len: b.Len, Dict: d}
			for range b.Len {
				v.Codes = append(v.Codes, int32(r.IntN(d.Len)))
			}
			b.Cols = append(b.Cols, v)
		}
		for range 4 {
			v := vector.New(money, b.Len)
			for i := range v.I64 {
				v.I64[i] = r.Int64N(10_000_000)
			}
			b.Cols = append(b.Cols, v)
		}
		v := vector.NewPhys(wide, types.PhysI64, b.Len)
		for i := range v.I64 {
			v.I64[i] = r.Int64N(1_000_000_000)
		}
		b.Cols = append(b.Cols, v)
		batches = append(batches, b)
	}
	return fields, batches
}

func BenchmarkAggregateQ1(b *testing.B) {
	const rows = 6_000_000
	fields, batches := lineitem(64)
	t := &table{fields: fields}
	runBench(b, rows, func() exec.Operator {
		arg := func(i int) []expr.Expr { return []expr.Expr{t.col(i)} }
		op, err := exec.NewAggregate(repeated(fields, batches, rows), []expr.Expr{t.col(0), t.col(1)}, []exec.Aggregate{
			{Name: "sum", Args: arg(2)}, {Name: "sum", Args: arg(3)}, {Name: "sum", Args: arg(6)}, {Name: "sum", Args: arg(5)},
			{Name: "avg", Args: arg(2)}, {Name: "avg", Args: arg(3)}, {Name: "avg", Args: arg(4)}, {Name: "count"}})
		if err != nil {
			b.Fatal(err)
		}
		return op
	})
}

// randomKeys has rows rows of a random key below groups, and a double.
func randomKeys(rows, groups int, keyed types.Type) *table {
	t := &table{fields: []exec.Field{{Name: "k", Type: keyed, Nullable: true}, {Name: "x", Type: tFloat, Nullable: true}}}
	r := rand.New(rand.NewPCG(3, 4))
	for at := 0; at < rows; at += vector.MaxRows {
		k, x := vector.New(keyed, 0), vector.New(tFloat, 0)
		for range min(vector.MaxRows, rows-at) {
			g := r.Int64N(int64(groups))
			if keyed == tString {
				k.AppendValue(types.StringValue(fmt.Sprintf("entity-%08d", g)))
			} else {
				k.AppendValue(types.IntValue(keyed, g*7919))
			}
			x.AppendValue(types.FloatValue(tFloat, r.Float64()))
		}
		t.batches = append(t.batches, &vector.Batch{Len: k.Len, Cols: []*vector.Vector{k, x}})
	}
	return t
}

func BenchmarkAggregateManyGroups(b *testing.B) {
	for _, c := range []struct {
		typ    types.Type
		groups int
	}{{tBig, 1_000_000}, {tBig, 1000}, {tString, 100_000}} {
		b.Run(fmt.Sprintf("%s/%d", c.typ, c.groups), func(b *testing.B) {
			const rows = 10_000_000
			t := randomKeys(rows, c.groups, c.typ)
			runBench(b, rows, func() exec.Operator {
				x := []expr.Expr{t.col(1)}
				op, err := exec.NewAggregate(t.op(), []expr.Expr{t.col(0)}, []exec.Aggregate{
					{Name: "count"}, {Name: "sum", Args: x}, {Name: "max", Args: x}})
				if err != nil {
					b.Fatal(err)
				}
				return op
			})
		})
	}
}

func BenchmarkHashJoin(b *testing.B) {
	const rows = 4_000_000
	for _, c := range []struct {
		typ   types.Type
		build int
	}{{tBig, 500_000}, {tBig, 1000}, {tString, 100_000}} {
		b.Run(fmt.Sprintf("%s/%d", c.typ, c.build), func(b *testing.B) {
			probe, build := randomKeys(rows, c.build, c.typ), countingTable(c.build, c.build, c.typ)
			if c.typ == tBig {
				build = randomKeys(c.build, 1<<40, c.typ)
				for i, x := range build.batches {
					for j := range x.Cols[0].I64 {
						x.Cols[0].I64[j] = int64(i*vector.MaxRows+j) * 7919
					}
				}
			}
			runBench(b, rows, func() exec.Operator {
				op, err := exec.NewHashJoin(probe.op(), build.op(), exec.JoinInner, []expr.Expr{probe.col(0)}, []expr.Expr{build.col(0)}, nil)
				if err != nil {
					b.Fatal(err)
				}
				return op
			})
		})
	}
}

func BenchmarkSort(b *testing.B) {
	const rows = 2_000_000
	t := randomKeys(rows, 1_000_000, tBig)
	b.Run("all", func(b *testing.B) {
		runBench(b, rows, func() exec.Operator { return exec.NewSort(t.op(), []exec.SortKey{{Expr: t.col(0)}}) })
	})
	b.Run("top", func(b *testing.B) {
		runBench(b, rows, func() exec.Operator { return exec.NewTopN(t.op(), []exec.SortKey{{Expr: t.col(1), Desc: true}}, 10, 0) })
	})
}

// Hundreds of runs are merged.
func BenchmarkSortInLittleMemory(b *testing.B) {
	const rows = 2_000_000
	t := randomKeys(rows, 1_000_000, tBig)
	b.SetBytes(rows)
	for b.Loop() {
		q := testQuery(2)
		q.Memory, q.TempDir = exec.NewBudget(1<<20, nil), b.TempDir()
		n := 0
		op := exec.NewSort(t.op(), []exec.SortKey{{Expr: t.col(0)}, {Expr: t.col(1)}})
		if err := exec.Run(b.Context(), q, op, func(batch *vector.Batch) error { n += batch.Rows(); return nil }); err != nil || n != rows {
			b.Fatalf("%d rows, %v", n, err)
		}
	}
}

func BenchmarkAsOfJoin(b *testing.B) {
	const labels, features = 1_000_000, 4_000_000
	left, right := randomKeys(labels, 100_000, tBig), randomKeys(features, 100_000, tBig)
	runBench(b, labels+features, func() exec.Operator {
		op, err := exec.NewAsOfJoin(left.op(), right.op(), []expr.Expr{left.col(0)}, []expr.Expr{right.col(0)}, left.col(1), right.col(1), false, true)
		if err != nil {
			b.Fatal(err)
		}
		return op
	})
}
