package dml

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// TestKeyRange notes keys in batches on two workers, and compares with the set of them: what is called apart must hold no key
// twice, and pieces that ascend must be called apart whatever their order.
func TestKeyRange(t *testing.T) {
	field := types.Of(types.Int64)
	note := func(workers ...[][]int64) *keyRange {
		var rs []*keyRange
		for _, batches := range workers {
			r := &keyRange{single: true, lo: make([]types.Value, 1), hi: make([]types.Value, 1), open: make([]bool, 1)}
			for _, keys := range batches {
				v := vector.New(field, len(keys))
				copy(v.I64, keys)
				r.add([]*vector.Vector{v}, &vector.Batch{Cols: []*vector.Vector{v}, Len: len(keys)})
			}
			rs = append(rs, r)
		}
		return mergeRanges(rs)
	}
	for _, c := range []struct {
		name    string
		workers [][][]int64
		apart   bool
	}{
		{"one run", [][][]int64{{{1, 2, 3}, {4, 5}}}, true},
		{"pieces", [][][]int64{{{7, 8, 1, 2}, {3, 4}}, {{5, 6}, {-3, -2, -1, 0}}}, true},
		{"twice in a run", [][][]int64{{{1, 2, 2, 3}}}, false},
		{"twice at the seam", [][][]int64{{{1, 2}, {2, 3}}}, false},
		{"twice on two workers", [][][]int64{{{1, 5}}, {{2, 3, 5, 6}}}, false},
		{"gaps that others fill", [][][]int64{{{1, 3}, {10, 12}}, {{5, 6}}}, true},
		{"a gap in a batch that others fill", [][][]int64{{append(ascendingTo(100), 900, 901)}, {{500, 501, 502}}}, true},
		{"the greatest before the least", [][][]int64{{{5, math.MaxInt64}, {math.MinInt64, 5}}}, false},
	} {
		if got := note(c.workers...); got.apart() != c.apart {
			t.Errorf("%s: apart is %v", c.name, !c.apart)
		}
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var workers [2][][]int64
		seen, twice := map[int64]bool{}, false
		for w := range workers {
			for range rnd.IntN(4) {
				x := rnd.Int64N(40)
				var keys []int64
				for range 1 + rnd.IntN(4) {
					twice = twice || seen[x]
					seen[x] = true
					keys = append(keys, x)
					x += rnd.Int64N(4) - rnd.Int64N(2)
				}
				workers[w] = append(workers[w], keys)
			}
		}
		if r := note(workers[0], workers[1]); r.apart() && twice {
			t.Fatalf("%v is called apart", workers)
		}
	}
}

func ascendingTo(n int64) (keys []int64) {
	for k := range n {
		keys = append(keys, k)
	}
	return keys
}
