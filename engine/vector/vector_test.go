package vector_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

var vectorTypes = []types.Type{types.Of(types.Int32), types.Of(types.Int64), types.Of(types.Float64), types.Of(types.String), types.DecimalOf(10, 2), types.DecimalOf(38, 2)}

func drawValue(t *rapid.T, typ types.Type) types.Value {
	x := rapid.Int64Range(-5, 5).Draw(t, "x")
	switch {
	case rapid.IntRange(0, 4).Draw(t, "null") == 0:
		return types.NullOf(typ)
	case typ.Kind == types.Decimal && x == 5:
		return types.DecimalValue(typ, types.Pow10(30)) // too wide for a narrow vector
	case typ.Kind == types.Decimal:
		return types.DecimalValue(typ, types.Int128From(x))
	case typ.IsFloat():
		return types.FloatValue(typ, float64(x))
	case typ.IsBytes():
		return types.BytesValue(typ, string("abcdefghijk"[:x+5]))
	}
	return types.IntValue(typ, x)
}

// drawVector returns a vector, flat or dictionary-coded, and its values.
func drawVector(t *rapid.T, typ types.Type) (*vector.Vector, []types.Value) {
	n := rapid.SampledFrom([]int{0, 1, 3, 64, 70}).Draw(t, "n")
	var want []types.Value
	if rapid.Bool().Draw(t, "flat") {
		v := vector.New(typ, 0)
		for range n {
			want = append(want, drawValue(t, typ))
			v.AppendValue(want[len(want)-1])
		}
		return v, want
	}
	d := vector.New(typ, 0)
	for range 3 {
		x := drawValue(t, typ)
		if !x.Valid {
			x = types.IntValue(typ, 0)
		}
		d.AppendValue(x)
	}
	v := &vector.Vector{Type: typ, Phys: d.Phys, Len: n, Codes: make([]int32, n), Dict: d}
	for i := range n {
		v.Codes[i] = int32(rapid.IntRange(0, 2).Draw(t, "code"))
		if rapid.IntRange(0, 4).Draw(t, "null") == 0 {
			v.SetNull(i)
		}
		want = append(want, v.Value(i))
	}
	return v, want
}

func same(t *rapid.T, what string, v *vector.Vector, want []types.Value) {
	if v.Len != len(want) {
		t.Fatalf("%s: %d rows, want %d", what, v.Len, len(want))
	}
	for i, w := range want {
		if got := v.Value(i); got != w {
			t.Fatalf("%s: row %d is %v, want %v", what, i, got, w)
		}
	}
}

func TestVectorOperations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom(vectorTypes).Draw(t, "type")
		v, want := drawVector(t, typ)
		var sel []uint16
		picked := []types.Value{}
		for i := range want {
			if rapid.Bool().Draw(t, "live") {
				sel, picked = append(sel, uint16(i)), append(picked, want[i])
			}
		}
		if sel == nil {
			sel = []uint16{}
		}
		same(t, "vector", v, want)
		same(t, "flat", v.Flat(), want)
		same(t, "clone", v.Clone(), want)
		same(t, "gather", v.Gather(sel), picked)
		same(t, "compact", v.Compact(sel), picked)
		same(t, "compact all", v.Compact(nil), want)
		other, more := drawVector(t, typ)
		to := vector.New(typ, 0)
		to.AppendRows(v, sel)
		to.AppendRows(other, nil)
		same(t, "append", to, append(picked, more...))
		nulls := 0
		for _, x := range want {
			if !x.Valid {
				nulls++
			}
		}
		if v.AllNull() != (nulls == len(want) && v.Valid != nil) {
			t.Fatalf("AllNull of %v", want)
		}
	})
}

func TestConst(t *testing.T) {
	for _, val := range []types.Value{types.StringValue("abc"), types.NullOf(types.Of(types.Int64)), types.DecimalValue(types.DecimalOf(20, 2), types.Pow10(25))} {
		v := vector.NewConst(val, 70)
		if !v.IsConst() || v.Len != 70 || v.Value(69) != val {
			t.Errorf("%v repeated: %v", val, v.Value(69))
		}
	}
}

func TestBitmap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 200).Draw(t, "n")
		lo := rapid.IntRange(0, n).Draw(t, "lo")
		hi := rapid.IntRange(lo, n).Draw(t, "hi")
		b := vector.NewBitmap(n)
		b.SetRange(lo, hi)
		if b.Count(n) != hi-lo {
			t.Fatalf("%d bits from %d to %d", b.Count(n), lo, hi)
		}
		for i := range n {
			if b.Get(i) != (i >= lo && i < hi) {
				t.Fatalf("bit %d of %d to %d", i, lo, hi)
			}
		}
		all := vector.FullBitmap(n)
		if all.Count(n) != n || vector.And(all, b, n).Count(n) != hi-lo || vector.And(nil, b, n).Count(n) != hi-lo {
			t.Fatal("conjunction")
		}
	})
}

func TestBatchCompact(t *testing.T) {
	v := vector.New(types.Of(types.Int64), 4)
	for i := range 4 {
		v.I64[i] = int64(i)
	}
	b := &vector.Batch{Len: 4, Sel: []uint16{1, 3}, Cols: []*vector.Vector{v}}
	c := b.Compact()
	if b.Rows() != 2 || b.Row(1) != 3 || c.Len != 2 || c.Sel != nil || c.Cols[0].I64[1] != 3 {
		t.Errorf("%+v", c)
	}
}
