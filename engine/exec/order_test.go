package exec_test

import (
	"sort"
	"testing"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/types"
)

func compareRows(keys []exec.SortKey, cols []int, a, b []types.Value) int {
	for i, c := range cols {
		d := compareNulls(a[c], b[c])
		if keys[i].Desc {
			d = -d
		}
		if d != 0 {
			return d
		}
	}
	return 0
}

func TestSortAgainstModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		ts := rapid.SliceOfN(rapid.SampledFrom(allType), 1, 4).Draw(r, "types")
		tab := drawTable(r, "c", 40, ts...)
		var keys []exec.SortKey
		var cols []int
		for i := range rapid.IntRange(1, len(ts)).Draw(r, "keys") {
			keys, cols = append(keys, exec.SortKey{Expr: tab.col(i), Desc: rapid.Bool().Draw(r, "desc")}), append(cols, i)
		}
		q := drawQuery(r)
		if rapid.IntRange(0, 3).Draw(r, "spill") == 0 {
			q.Memory = exec.NewBudget(int64(rapid.IntRange(2000, 20_000).Draw(r, "limit")), nil)
		}
		var op exec.Operator = exec.NewSort(tab.op(), keys)
		n, offset := -1, 0
		if rapid.Bool().Draw(r, "top") {
			n, offset = rapid.IntRange(0, 20).Draw(r, "n"), rapid.IntRange(0, 20).Draw(r, "offset")
			op = exec.NewTopN(tab.op(), keys, int64(n), int64(offset))
		}
		got := collect(r, q, op)
		checkOrder(r, tab.rows, got, keys, cols, n, offset)
	})
}

// checkOrder checks that got is rows in order, cut to n rows after offset (n < 0: all).
func checkOrder(t fataler, rows, got [][]types.Value, keys []exec.SortKey, cols []int, n, offset int) {
	t.Helper()
	want := append([][]types.Value(nil), rows...)
	sort.SliceStable(want, func(i, j int) bool { return compareRows(keys, cols, want[i], want[j]) < 0 })
	if n < 0 {
		same(t, "sorted rows", got, rows)
	} else {
		want = want[min(offset, len(want)):]
		want = want[:min(n, len(want))]
	}
	if len(got) != len(want) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	for i := range got {
		if compareRows(keys, cols, got[i], want[i]) != 0 {
			t.Fatalf("row %d is %s, want %s", i, rowText(got[i]), rowText(want[i]))
		}
	}
}

// TestSortManyRows reaches the radix sort, several chunks and runs, and the bound of top-N.
func TestSortManyRows(t *testing.T) {
	for _, typ := range []types.Type{tBig, tInt, tString} {
		tab := countingTable(25_000, 997, typ)
		rows := collect(t, testQuery(1), tab.op())
		for _, desc := range []bool{false, true} {
			keys := []exec.SortKey{{Expr: tab.col(0), Desc: desc}, {Expr: tab.col(1), Desc: !desc}}
			for _, c := range []struct {
				workers, n, offset int
				limit              int64
			}{{1, -1, 0, 0}, {3, -1, 0, 0}, {2, -1, 0, 1 << 20}, {1, 10, 5, 0}, {3, 1000, 0, 0}, {3, 12_000, 100, 0}} {
				q := testQuery(c.workers)
				q.Memory, q.TempDir = exec.NewBudget(c.limit, nil), t.TempDir()
				var op exec.Operator = exec.NewSort(tab.op(), keys)
				if c.n >= 0 {
					op = exec.NewTopN(tab.op(), keys, int64(c.n), int64(c.offset))
				}
				checkOrder(t, rows, collect(t, q, op), keys, []int{0, 1}, c.n, c.offset)
			}
		}
	}
}

// Equal rows of one stream stay in their order, also when they lie in many files.
func TestSpilledSortIsStable(t *testing.T) {
	for _, typ := range []types.Type{tBig, tString} {
		tab := countingTable(120_000, 7, typ)
		q := testQuery(1)
		q.Memory, q.TempDir = exec.NewBudget(300_000, nil), t.TempDir()
		got := collect(t, q, exec.NewSort(tab.op(), []exec.SortKey{{Expr: tab.col(0)}}))
		if len(got) != 120_000 || q.Memory.SpilledBytes() == 0 {
			t.Fatalf("%d rows, %d bytes in files", len(got), q.Memory.SpilledBytes())
		}
		for i := 1; i < len(got); i++ {
			switch c := compareNulls(got[i-1][0], got[i][0]); {
			case c > 0:
				t.Fatalf("%s: row %d: %s after %s", typ, i, rowText(got[i]), rowText(got[i-1]))
			case c == 0 && types.Compare(got[i-1][1], got[i][1]) >= 0:
				t.Fatalf("%s: row %d: %s after its equal %s", typ, i, rowText(got[i]), rowText(got[i-1]))
			}
		}
	}
}

func TestLimitAgainstModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		tab := drawTable(r, "c", 40, tInt, tString)
		n, offset := rapid.IntRange(-1, 20).Draw(r, "n"), rapid.IntRange(0, 20).Draw(r, "offset")
		got := collect(r, drawQuery(r), exec.NewLimit(tab.op(), int64(n), int64(offset)))
		want := max(0, len(tab.rows)-offset)
		if n >= 0 {
			want = min(n, want)
		}
		if len(got) != want {
			r.Fatalf("%d rows, want %d", len(got), want)
		}
		left := map[string]int{}
		for _, row := range tab.rows {
			left[rowText(row)]++
		}
		for _, row := range got {
			if left[rowText(row)]--; left[rowText(row)] < 0 {
				r.Fatalf("row %s is not of the input", rowText(row))
			}
		}
	})
}
