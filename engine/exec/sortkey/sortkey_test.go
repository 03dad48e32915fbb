package sortkey_test

import (
	"bytes"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/engine/exec/sortkey"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

func drawValue(r *rapid.T, t types.Type) types.Value {
	if rapid.IntRange(0, 5).Draw(r, "null") == 0 {
		return types.NullOf(t)
	}
	switch t.Physical() {
	case types.PhysF64:
		return types.FloatValue(t, rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1, -1, math.NaN(), math.Inf(1), math.Inf(-1), 1e-300, -1e300}).Draw(r, "f"))
	case types.PhysI128:
		return types.DecimalValue(t, types.Int128{Lo: rapid.Uint64().Draw(r, "lo"), Hi: rapid.Int64Range(-2, 2).Draw(r, "hi")})
	case types.PhysBytes:
		return types.BytesValue(t, string(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 'a', 0xff}), 0, 4).Draw(r, "s")))
	case types.PhysI32:
		return types.IntValue(t, int64(rapid.Int32().Draw(r, "i")))
	}
	if t.Kind == types.Decimal {
		return types.DecimalValue(t, types.Int128From(rapid.Int64().Draw(r, "d")))
	}
	return types.IntValue(t, rapid.Int64().Draw(r, "i"))
}

func compare(a, b types.Value) int {
	switch {
	case !a.Valid && !b.Valid:
		return 0
	case !a.Valid:
		return -1
	case !b.Valid:
		return 1
	}
	return types.Compare(a, b)
}

// TestOrder compares the order of keys of two columns with that of the values.
func TestOrder(t *testing.T) {
	kinds := []types.Type{types.Of(types.Int32), types.Of(types.Int64), types.Of(types.Uint64), types.Of(types.Float64),
		types.DecimalOf(12, 2), types.DecimalOf(38, 2), types.Of(types.String)}
	rapid.Check(t, func(r *rapid.T) {
		var key [2][]byte
		want := 0
		for range 2 {
			typ := rapid.SampledFrom(kinds).Draw(r, "type")
			desc := rapid.Bool().Draw(r, "desc")
			v := vector.New(typ, 0)
			a, b := drawValue(r, typ), drawValue(r, typ)
			v.AppendValue(a)
			v.AppendValue(b)
			key[0], key[1] = sortkey.Append(key[0], v, 0, desc), sortkey.Append(key[1], v, 1, desc)
			c := compare(a, b)
			if desc {
				c = -c
			}
			if want == 0 {
				want = c
			}
		}
		if got := bytes.Compare(key[0], key[1]); got != want {
			r.Fatalf("keys %x and %x compare as %d, values as %d", key[0], key[1], got, want)
		}
	})
}
