package dml

import (
	"math"
	"testing"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// TestEncodeKeyFloats: every NaN is one key, and both zeros are one.
func TestEncodeKeyFloats(t *testing.T) {
	v := vector.New(types.Of(types.Float64), 0)
	for _, f := range []float64{0, math.Copysign(0, -1), math.NaN(), math.Float64frombits(0xfff8000000000001), math.Inf(1), 1} {
		v.AppendValue(types.FloatValue(types.Of(types.Float64), f))
	}
	key := func(row int) string {
		text, whole := encodeKey([]*vector.Vector{v}, row)
		if !whole {
			t.Errorf("row %d has no key", row)
		}
		return text
	}
	if key(0) != key(1) || key(2) != key(3) {
		t.Error("equal values have two keys")
	}
	if seen := map[string]bool{key(0): true, key(2): true, key(4): true, key(5): true}; len(seen) != 4 {
		t.Error("different values have one key")
	}
}
