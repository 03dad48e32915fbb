package exec_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// numbered puts numbers that differ, in any order, in place of column c.
func numbered(r *rapid.T, t *table, c int) {
	n := 0
	for _, b := range t.batches {
		n += b.Len
	}
	order := rapid.Permutation(makeRange(n)).Draw(r, "order")
	live := 0
	for _, b := range t.batches {
		v := vector.New(t.fields[c].Type, 0)
		for range b.Len {
			v.AppendValue(types.IntValue(t.fields[c].Type, int64(order[0])))
			order = order[1:]
		}
		b.Cols[c] = v
		for k := range b.Rows() {
			t.rows[live][c] = v.Value(b.Row(k))
			live++
		}
	}
	t.fields[c].Nullable = false
}

func makeRange(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func TestAsOfJoinHoldingLeftAgainstModel(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(r *rapid.T) {
		keyTypes := rapid.SliceOfN(rapid.SampledFrom(allType), 0, 2).Draw(r, "key types")
		when := rapid.SampledFrom([]types.Type{tTime, tInt, tFloat, tUint, tDec}).Draw(r, "time type")
		nk := len(keyTypes)
		ts := append(append([]types.Type(nil), keyTypes...), when, tBig, tString)
		left, right := drawTable(r, "l", 30, ts...), drawTable(r, "r", 60, ts...)
		numbered(r, right, nk+1)
		var lk, rk []expr.Expr
		for i := range keyTypes {
			lk, rk = append(lk, left.col(i)), append(rk, right.col(i))
		}
		strict, outer := rapid.Bool().Draw(r, "strict"), rapid.Bool().Draw(r, "outer")
		op, err := exec.NewAsOfJoin(left.op(), right.op(), lk, rk, left.col(nk), right.col(nk), strict, outer, exec.SortKey{Expr: right.col(nk + 1)})
		if err != nil {
			r.Fatalf("%v", err)
		}
		op.HoldLeft()
		q := drawQuery(r)
		q.Memory, q.TempDir = exec.NewBudget(rapid.SampledFrom([]int64{0, 0, 2, 100_000, 300_000, 500_000}).Draw(r, "memory"), nil), dir
		same(r, op.Describe(), collect(r, q, op), modelAsOf(left, right, nk, strict, outer))
	})
}

// Ascending times make every right row a candidate, descending ones few; both ways and by chance the rows must be those of the
// join that holds the right side, with memory and without.
func TestAsOfJoinHoldingLeftOfManyRows(t *testing.T) {
	const keys, rows = 40, 150_000
	for name, time := range map[string]func(i int) int64{
		"ascending":  func(i int) int64 { return int64(i) },
		"descending": func(i int) int64 { return int64(rows - i) },
		"by chance":  func(i int) int64 { return int64(i) * 7919 % rows },
		"few":        func(i int) int64 { return int64(i) * 7919 % 50 * 3000 },
	} {
		left := rowsOf(10_000, func(i int) []types.Value {
			return []types.Value{types.IntValue(tBig, int64(i%keys)), types.IntValue(tTime, int64(i)*2663%rows), types.IntValue(tBig, int64(i))}
		})
		right := rowsOf(rows, func(i int) []types.Value {
			return []types.Value{types.IntValue(tBig, int64(i*31%(keys+5))), types.IntValue(tTime, time(i)), types.IntValue(tBig, int64(i)), types.StringValue(string(rune('a' + i%7)))}
		})
		join := func(holdLeft bool) exec.Operator {
			op, err := exec.NewAsOfJoin(left.op(), right.op(), []expr.Expr{left.col(0)}, []expr.Expr{right.col(0)}, left.col(1), right.col(1), false, true, exec.SortKey{Expr: right.col(2)})
			if err != nil {
				t.Fatal(err)
			}
			if holdLeft {
				op.HoldLeft()
			}
			return op
		}
		want, _ := underBudget(t, 0, join(false))
		got, peak := underBudget(t, 0, join(true))
		same(t, name, got, want)
		if most := int64(8 << 20); peak > most {
			t.Errorf("%s: held %d bytes of %d left rows, more than %d", name, peak, 10_000, most)
		}
		for _, share := range []int64{2, 4, 8} {
			got, _ := underBudget(t, peak/share*(share-1), join(true))
			same(t, name+" with less memory", got, want)
		}
	}
}

// rowsOf makes a table of columns that are never NULL.
func rowsOf(n int, row func(i int) []types.Value) *table {
	t := &table{}
	for i := range n {
		vals := row(i)
		if i%5000 == 0 {
			b := &vector.Batch{}
			for c, v := range vals {
				if i == 0 {
					t.fields = append(t.fields, exec.Field{Name: string(rune('a' + c)), Type: v.Type})
				}
				b.Cols = append(b.Cols, vector.New(v.Type, 0))
			}
			t.batches = append(t.batches, b)
		}
		b := t.batches[len(t.batches)-1]
		for c, v := range vals {
			b.Cols[c].AppendValue(v)
		}
		b.Len++
		t.rows = append(t.rows, vals)
	}
	return t
}
