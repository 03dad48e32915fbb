package expr

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/featuresql/featuresql/engine/types"
)

// TestShortFloat: what is read the short way is the double next to the number.
func TestShortFloat(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	taken := 0
	for range 300_000 {
		s := []byte(strconv.FormatFloat((rnd.Float64()-0.5)*math.Pow10(rnd.IntN(12)), 'f', rnd.IntN(12), 64))
		if rnd.IntN(3) == 0 {
			s[rnd.IntN(len(s))] = "+-.0e 9x"[rnd.IntN(8)]
		}
		f, ok := shortFloat(s)
		if !ok {
			continue
		}
		taken++
		num, clean := types.NumberPrefix(s, false, true)
		want, err := strconv.ParseFloat(string(num), 64)
		if err != nil || !clean || math.Float64bits(f) != math.Float64bits(want) {
			t.Fatalf("%q: %v, want %v (%v, %v)", s, f, want, clean, err)
		}
	}
	if taken < 150_000 {
		t.Error(taken, "of 300,000 were read the short way")
	}
	for _, s := range []string{"", ".", "-", "-.", "1e1", "1234567890123456", "0x1", "1 "} {
		if f, ok := shortFloat([]byte(s)); ok {
			t.Errorf("%q is %v", s, f)
		}
	}
	for s, want := range map[string]string{"-0": "-0", "-.0": "-0", "5.": "5", ".5": "0.5", "+7": "7", "999999999999999": "9.99999999999999e+14"} {
		if f, ok := shortFloat([]byte(s)); !ok || fmt.Sprint(f) != want {
			t.Errorf("%q is %v, %v", s, f, ok)
		}
	}
}
