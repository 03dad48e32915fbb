package types

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestPlainDatetime: what is read the short way is what the rules make of it.
func TestPlainDatetime(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	taken := 0
	for range 200_000 {
		s := fmt.Appendf(nil, "%04d-%02d-%02d", rnd.IntN(10000), rnd.IntN(14), rnd.IntN(33))
		if rnd.IntN(2) == 0 {
			s = fmt.Appendf(s, " %02d:%02d:%02d", rnd.IntN(26), rnd.IntN(62), rnd.IntN(62))
		}
		if rnd.IntN(3) == 0 {
			s[rnd.IntN(len(s))] = "T0-: /9:a\xff"[rnd.IntN(10)]
		}
		want, okWant := relaxedDatetime(string(s))
		got, ok := plainDatetime(string(s))
		if ok && (!okWant || got != want) {
			t.Fatalf("%q: %+v, want %+v, %v", s, got, want, okWant)
		}
		if ok {
			taken++
		}
	}
	if taken < 50_000 {
		t.Error(taken, "of 200,000 were read the short way")
	}
}
