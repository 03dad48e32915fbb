package exec_test

import (
	"os"
	"testing"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

// underBudget runs op with two workers and a limit, and checks that nothing is left of it.
func underBudget(t *testing.T, limit int64, op exec.Operator) (rows [][]types.Value, peak int64) {
	t.Helper()
	q := testQuery(2)
	q.Memory, q.TempDir = exec.NewBudget(limit, nil), t.TempDir()
	rows = collect(t, q, op)
	if entries, err := os.ReadDir(q.TempDir); err != nil || len(entries) > 0 {
		t.Fatalf("%d files left, %v", len(entries), err)
	}
	return rows, q.Memory.PeakBytes()
}

// spills fails unless op needs more than limit without a limit, and gives the same rows with it.
func spills(t *testing.T, limit int64, op func() exec.Operator) {
	t.Helper()
	want, peak := underBudget(t, 0, op())
	if peak <= limit {
		t.Fatalf("%s takes %d bytes: the limit of %d tests nothing", op().Describe(), peak, limit)
	}
	got, _ := underBudget(t, limit, op())
	same(t, op().Describe(), got, want)
}

func TestNestedLoopSpills(t *testing.T) {
	probe, build := countingTable(300, 400, tBig), countingTable(40_000, 40_000, tString)
	for _, kind := range joinKinds {
		spills(t, 300_000, func() exec.Operator {
			cond := call(t, "=", call(t, "%", build.after(2, 1), intLiteral(5_000)), probe.col(0))
			op, err := exec.NewNestedLoop(probe.op(), build.op(), kind, cond)
			if err != nil {
				t.Fatal(err)
			}
			return op
		})
	}
}

func TestMaterializedSpills(t *testing.T) {
	tab := countingTable(60_000, 60_000, tString)
	spills(t, 400_000, func() exec.Operator {
		m := exec.NewMaterialized(tab.op())
		return exec.NewUnion(m.Replay(), m.Replay())
	})
}

func TestAsOfJoinSpills(t *testing.T) {
	for _, typ := range []types.Type{tInt, tString} {
		for _, keys := range []int{0, 1} {
			for _, outer := range []bool{false, true} {
				left, right := countingTable(20_000, 600, typ), countingTable(40_000, 500, typ)
				lk, rk := []expr.Expr{left.col(0)}[:keys], []expr.Expr{right.col(0)}[:keys]
				spills(t, 500_000, func() exec.Operator {
					op, err := exec.NewAsOfJoin(left.op(), right.op(), lk, rk, left.col(1), right.col(1), outer, outer)
					if err != nil {
						t.Fatal(err)
					}
					return op
				})
			}
		}
	}
}

// No budget at all: what can go to files goes there with the first row.
func TestAsOfJoinWithoutMemoryAgainstModel(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(r *rapid.T) {
		keyTypes := rapid.SliceOfN(rapid.SampledFrom(allType), 0, 2).Draw(r, "key types")
		when := rapid.SampledFrom([]types.Type{tTime, tInt, tFloat, tUint, tDec}).Draw(r, "time type")
		nk := len(keyTypes)
		ts := append(append([]types.Type(nil), keyTypes...), when, tString)
		left, right := drawTable(r, "l", 30, ts...), drawTable(r, "r", 30, ts...)
		var lk, rk []expr.Expr
		for i := range keyTypes {
			lk, rk = append(lk, left.col(i)), append(rk, right.col(i))
			if keyTypes[i] == tInt && rapid.Bool().Draw(r, "widened") {
				rk[i] = expr.Cast(rk[i], tBig)
			}
		}
		strict, outer := rapid.Bool().Draw(r, "strict"), rapid.Bool().Draw(r, "outer")
		op, err := exec.NewAsOfJoin(left.op(), right.op(), lk, rk, left.col(nk), right.col(nk), strict, outer, exec.SortKey{Expr: right.col(nk + 1)})
		if err != nil {
			r.Fatalf("%v", err)
		}
		q := drawQuery(r)
		q.Memory, q.TempDir = exec.NewBudget(2, nil), dir
		same(r, op.Describe(), collect(r, q, op), modelAsOf(left, right, nk, strict, outer))
	})
}

func TestSemiJoinsSpill(t *testing.T) {
	for _, typ := range []types.Type{tBig, tString} {
		for _, kind := range []exec.JoinKind{exec.JoinSemi, exec.JoinAnti, exec.JoinBuildSemi, exec.JoinBuildAnti} {
			probe, build := countingTable(9_000, 60_000, typ), countingTable(80_000, 50_000, typ)
			spills(t, 400_000, func() exec.Operator {
				op, err := exec.NewHashJoin(probe.op(), build.op(), kind, []expr.Expr{probe.col(0)}, []expr.Expr{build.col(0)}, nil)
				if err != nil {
					t.Fatal(err)
				}
				return op
			})
		}
	}
}

func TestNotInSpills(t *testing.T) {
	for _, typ := range []types.Type{tBig, tString} {
		for _, nulls := range []bool{false, true} {
			probe, build := countingTable(9_000, 90_000, typ), countingTable(80_000, 50_000, typ)
			spills(t, 400_000, func() exec.Operator {
				in := build.op()
				if !nulls {
					in = exec.NewFilter(in, call(t, "not", call(t, "isnull", build.col(0))))
				}
				op, err := exec.NewHashJoin(probe.op(), in, exec.JoinAntiNullAware, []expr.Expr{probe.col(0)}, []expr.Expr{build.col(0)}, nil)
				if err != nil {
					t.Fatal(err)
				}
				return op
			})
		}
	}
}

// No hash tells the rows of one key apart.
func TestHashJoinOfHotKeySpills(t *testing.T) {
	probe, build := countingTable(30, 10, tString), countingTable(40_000, 3, tString)
	for _, kind := range hashKinds {
		spills(t, 300_000, func() exec.Operator {
			residual := call(t, "=", call(t, "%", build.after(2, 1), intLiteral(5_000)), probe.after(0, 1))
			op, err := exec.NewHashJoin(probe.op(), build.op(), kind, []expr.Expr{probe.col(0)}, []expr.Expr{build.col(0)}, residual)
			if err != nil {
				t.Fatal(err)
			}
			return op
		})
	}
}
