package scan_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/datasource/delta/scan"
	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// fixedLate is a late filter with bounds, and with a tester of one column if column is not negative.
type fixedLate struct {
	bounds expr.Expr
	column int
	keep   func(types.Value) bool
}

func (f *fixedLate) Columns() []int {
	if f.column < 0 {
		return nil
	}
	return []int{f.column}
}
func (f *fixedLate) Bounds() expr.Expr { return f.bounds }
func (f *fixedLate) Tester() exec.LateTester {
	if f.column < 0 {
		return nil
	}
	return f
}

func (f *fixedLate) Keep(cols []*vector.Vector, sel []uint16, n int) []uint16 {
	out := []uint16{}
	if sel == nil {
		for i := range n {
			sel = append(sel, uint16(i))
		}
	}
	for _, i := range sel {
		if f.keep(cols[0].Value(int(i))) {
			out = append(out, i)
		}
	}
	return out
}

// A scan with late filters leaves out no row that they need, and puts out none that its own filter does not let through.
func TestLateFiltersSpareOnlyUnneededRows(t *testing.T) {
	var seen exec.ScanStats
	rapid.Check(t, func(rt *rapid.T) {
		m := drawModel(rt, t.TempDir())
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		spec := exec.ScanSpec{Columns: []int{0, 1}, RowIDs: true, Env: env}
		if rapid.Bool().Draw(rt, "filtered") {
			spec.Filter = filterGen{rt, m, rng}.predicate(1)
		}
		all, err := m.expected(spec)
		if err != nil {
			rt.Fatal(err)
		}
		needed := filterGen{rt, m, rng}.predicate(1)
		both := spec
		if both.Filter = needed; spec.Filter != nil {
			both.Filter = expr.And(spec.Filter, needed)
		}
		must, err := m.expected(both)
		if err != nil {
			rt.Fatal(err)
		}
		spec.Late = []exec.LateFilter{&fixedLate{bounds: needed, column: -1}}
		opts := scan.Options{BatchRows: rapid.SampledFrom([]int{1, 3, vector.MaxRows}).Draw(rt, "batch"), MorselRows: int64(rapid.IntRange(1, 30).Draw(rt, "morsel"))}
		got, stats, err := collect(t.Context(), scan.New(m.table(), opts), spec, rapid.IntRange(1, 3).Draw(rt, "streams"), vector.MaxRows)
		if err != nil {
			rt.Fatal(err)
		}
		seen.LateFiles, seen.LateRowGroups = seen.LateFiles+stats.LateFiles, seen.LateRowGroups+stats.LateRowGroups
		for _, row := range must {
			if _, ok := slices.BinarySearch(got, row); !ok {
				rt.Fatalf("filter %v, late %v: %q is missing", spec.Filter, needed, row)
			}
		}
		for _, row := range got {
			if _, ok := slices.BinarySearch(all, row); !ok {
				rt.Fatalf("filter %v, late %v: %q is too much", spec.Filter, needed, row)
			}
		}
	})
	if seen.LateFiles == 0 || seen.LateRowGroups == 0 {
		t.Errorf("nothing was spared on one level: %+v", seen)
	}
}

func TestLateFilterReadsLittle(t *testing.T) {
	m := fixedModel(t, 8, 1000, parquet.WriterOptions{PageBytes: 1000})
	read := func(late ...exec.LateFilter) exec.ScanStats {
		rows, stats, err := collect(t.Context(), scan.New(m.table(), scan.Options{}), exec.ScanSpec{Columns: []int{0}, Late: late, Env: env}, 2, vector.MaxRows)
		if err != nil || !slices.Contains(rows, "3500") {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		return stats
	}
	id := &expr.Column{Index: 0, Name: "id", Typ: bigint, Null: true}
	is := mustNew("=", id, &expr.Literal{Val: types.IntValue(bigint, 3500)})
	all := read()
	if s := read(&fixedLate{bounds: is, column: -1}); s.LateFiles != 7 || s.FilesOpened != 1 || s.BytesRead > all.BytesRead/5 {
		t.Errorf("with bounds: %+v; without: %+v", s, all)
	}
	s := read(&fixedLate{column: 0, keep: func(v types.Value) bool { return v.I == 3500 }})
	if s.LateRows != 7999 || s.LateFiles != 0 {
		t.Errorf("with a tester: %+v", s)
	}
}
