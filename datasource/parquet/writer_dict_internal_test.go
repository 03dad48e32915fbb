package parquet

import (
	"math/rand/v2"
	"testing"
)

// TestExpectedDistinct guesses from a page how many different values a whole chunk has.
func TestExpectedDistinct(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, domain := range []int{10, 1_000, 10_000, 50_000} {
		seen, first := map[int]bool{}, 0
		for i := range expectedValues {
			seen[random.IntN(domain)] = true
			if i == 8191 {
				first = len(seen)
			}
		}
		if got := expectedDistinct(first, 8192, expectedValues); got < len(seen)*8/10 || got > len(seen)*12/10 {
			t.Errorf("%d different values of %d: guessed %d from %d", len(seen), domain, got, first)
		}
	}
	if got := expectedDistinct(8192, 8192, expectedValues); got != expectedValues {
		t.Errorf("all different: %d", got)
	}
}

// TestEarlyDictionary codes numbers of which a page has nearly as many different ones as rows, but the chunk has not; others not.
func TestEarlyDictionary(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for domain, want := range map[int64]bool{10_000: true, 1 << 40: false} {
		d, codes, ok := newNumberDict[int64](), []int32(nil), true
		for range expectedValues / 8192 {
			page := make([]int64, 8192)
			for i := range page {
				page[i] = random.Int64N(domain)
			}
			if codes, ok = d.encode(codes[:0], page); ok {
				ok = d.pays(8192/8*14, len(page))
			}
			if !ok {
				break
			}
		}
		if ok != want {
			t.Errorf("%d: coded to the end: %t", domain, ok)
		}
	}
}
