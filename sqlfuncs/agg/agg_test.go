package agg_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/sqlfuncs/agg"
)

var (
	tBig   = types.Of(types.Int64)
	tFloat = types.Of(types.Float64)
)

// state is a function with room for groups 1 and 2.
type state struct {
	f agg.Func
	t agg.Table
}

func newState(t *rapid.T, spec *agg.Spec) *state {
	f, err := agg.New(spec)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return &state{f: f, t: agg.Table{Rows: make([]uint64, 3*(f.Words()+1)), Stride: f.Words() + 1, Offset: 1}}
}

func (s *state) update(t *rapid.T, v *vector.Vector, groups []uint32, counts []int64) {
	a := &agg.Arg{}
	a.Set(v, nil, v.Len, groups)
	if err := s.f.Update(s.t, &agg.Input{N: v.Len, Groups: groups, Counts: counts, Args: []*agg.Arg{a}}); err != nil {
		t.Fatalf("%v", err)
	}
}

func (s *state) result(t *rapid.T, typ types.Type) string {
	out := vector.New(typ, 1)
	if err := s.f.Result(s.t, []uint32{agg.Single}, out); err != nil {
		t.Fatalf("%v", err)
	}
	return out.Value(0).String()
}

// TestStatesAgree folds the same values as one group without keys, with groups, with counts of a few groups,
// and in two halves that are merged: all ways give the same result.
func TestStatesAgree(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		name := rapid.SampledFrom([]string{"count", "sum", "avg", "min", "max", "bit_and", "bit_or", "bit_xor"}).Draw(r, "name")
		v := vector.New(tBig, 0)
		for range rapid.IntRange(1, 30).Draw(r, "n") {
			if rapid.IntRange(0, 4).Draw(r, "null") == 0 {
				v.AppendNull()
				continue
			}
			large := rapid.SampledFrom([]int64{1, 1 << 40, 1 << 60}).Draw(r, "size")
			v.AppendValue(types.IntValue(tBig, large*rapid.Int64Range(-3, 3).Draw(r, "value")))
		}
		typ, err := agg.Resolve(name, []types.Type{tBig}, false)
		if err != nil {
			r.Fatalf("%v", err)
		}
		spec := &agg.Spec{Name: name, Args: []types.Type{tBig}, Type: typ}
		groups := make([]uint32, v.Len)
		for i := range groups {
			groups[i] = agg.Single
		}
		single, grouped, small := newState(r, spec), newState(r, spec), newState(r, spec)
		single.update(r, v, nil, nil)
		grouped.update(r, v, groups, nil)
		small.update(r, v, groups, []int64{0, int64(v.Len)})
		want := single.result(r, typ)
		if g, s := grouped.result(r, typ), small.result(r, typ); g != want || s != want {
			r.Fatalf("%s: single %s, grouped %s, small %s", name, want, g, s)
		}
		cut := rapid.IntRange(0, v.Len).Draw(r, "cut")
		a, b := newState(r, spec), newState(r, spec)
		for i := range v.Len {
			into := a
			if i >= cut {
				into = b
			}
			into.update(r, v.Compact([]uint16{uint16(i)}), nil, nil)
		}
		if err := a.f.Merge(a.t, []uint32{1}, b.f, b.t, []uint32{1}); err != nil {
			r.Fatalf("%v", err)
		}
		if m := a.result(r, typ); m != want {
			r.Fatalf("%s: merged %s, want %s", name, m, want)
		}
	})
}

// TestFloatExtremes checks the order of floats: NaN above infinity, -0 equal to 0.
func TestFloatExtremes(t *testing.T) {
	values := []float64{1, math.Inf(-1), -0.5, math.NaN(), math.Inf(1), 0}
	v := vector.New(tFloat, len(values))
	copy(v.F64, values)
	for name, want := range map[string]float64{"min": math.Inf(-1), "max": math.NaN()} {
		f, err := agg.New(&agg.Spec{Name: name, Args: []types.Type{tFloat}, Type: tFloat})
		if err != nil {
			t.Fatal(err)
		}
		tab := agg.Table{Rows: make([]uint64, 2*f.Words()), Stride: f.Words()}
		var a agg.Arg
		a.Set(v, nil, v.Len, nil)
		if err := f.Update(tab, &agg.Input{N: v.Len, Args: []*agg.Arg{&a}}); err != nil {
			t.Fatal(err)
		}
		out := vector.New(tFloat, 1)
		if err := f.Result(tab, []uint32{agg.Single}, out); err != nil {
			t.Fatal(err)
		}
		if types.CompareFloats(out.F64[0], want) != 0 {
			t.Errorf("%s is %v, want %v", name, out.F64[0], want)
		}
	}
}

func TestNames(t *testing.T) {
	for _, n := range []string{"std", "stddev", "variance", "group_concat", "json_objectagg", "any_value"} {
		if !agg.Known(n) {
			t.Errorf("%s is unknown", n)
		}
	}
	if agg.Known("median") {
		t.Error("median is known")
	}
	if agg.Nullable("count") || !agg.Nullable("sum") {
		t.Error("count is nullable or sum is not")
	}
	if got := agg.ArgType("bit_or", 0, tFloat); got != tBig {
		t.Errorf("bit_or takes a float as %s", got)
	}
}
