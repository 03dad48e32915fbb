package wire

import (
	"math"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

func TestAppendUint(t *testing.T) {
	check := func(fatal func(string, ...any), n uint64) {
		if got, want := string(appendUint([]byte("x"), n)), "x"+strconv.FormatUint(n, 10); got != want {
			fatal("%s, want %s", got, want)
		}
	}
	for p := uint64(1); ; p *= 10 {
		check(t.Fatalf, p-1)
		check(t.Fatalf, p)
		check(t.Fatalf, p+1)
		if p > math.MaxUint64/10 {
			break
		}
	}
	check(t.Fatalf, math.MaxUint64)
	rapid.Check(t, func(t *rapid.T) {
		check(t.Fatalf, rapid.Uint64().Draw(t, "n")>>rapid.IntRange(0, 63).Draw(t, "shift"))
	})
}
