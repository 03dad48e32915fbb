package skipping

import (
	"math"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// arithmetic is a value plus or times a constant, or its negation. Every form is monotonic; a bound whose
// image overflows is unknown, as the operator may fail there.
type arithmetic struct {
	v   value
	op  arithmeticOp
	k   types.Value // of add and multiply
	typ types.Type  // of the result
}

type arithmeticOp uint8

const (
	add arithmeticOp = iota
	multiply
	negate
)

func (v arithmetic) bounds(c *evaluation) *bounds {
	in := v.v.bounds(c)
	out := opaque{v.typ}.bounds(c)
	f := v.function()
	if f == nil {
		return out
	}
	out.lo, out.hi = in.lo.apply(f), in.hi.apply(f)
	if v.op == negate || v.op == multiply && sign(v.k) < 0 {
		out.lo, out.hi = out.hi, out.lo
	}
	out.nonNull, out.nan = in.nonNull, in.nan // NaN stays NaN, and nothing else becomes it
	c.settle(in, out)
	return out
}

// function returns the map of a bound, or nil if the operator is not monotonic in the type it computes in.
func (v arithmetic) function() func(*vector.Vector) *vector.Vector {
	switch {
	case v.op == multiply && sign(v.k) == 0:
		return nil
	case v.typ.Kind == types.Int64 && (v.op == negate || classOf(v.k.Type) == classInt):
		return v.ints
	case v.typ.Kind == types.Float64 && (v.op == negate || v.finite()):
		return v.floats
	case v.typ.Kind == types.Decimal && (v.op == negate || exactClass(v.k.Type)):
		return v.decimals
	}
	return nil
}

func sign(k types.Value) int {
	switch classOf(k.Type) {
	case classFloat:
		return types.CompareFloats(k.F, 0)
	case classDecimal:
		return k.D.Sign()
	}
	return types.Int128From(k.I).Sign()
}

func exactClass(t types.Type) bool { return classOf(t) == classInt || classOf(t) == classDecimal }

func (v arithmetic) finite() bool {
	switch classOf(v.k.Type) {
	case classInt:
		return true
	case classFloat:
		return !math.IsNaN(v.k.F) && !math.IsInf(v.k.F, 0)
	}
	return false
}

func (v arithmetic) ints(x *vector.Vector) *vector.Vector {
	if classOf(x.Type) != classInt {
		return nil
	}
	return eachInt(x.Flat(), v.typ, func(a int64) (int64, bool) {
		switch v.op {
		case add:
			s, k := a+v.k.I, v.k.I
			return s, (a^s)&(k^s) >= 0
		case multiply:
			p := types.Mul64(a, v.k.I)
			return int64(p.Lo), p.Fits64()
		}
		return -a, a != math.MinInt64
	})
}

func (v arithmetic) floats(x *vector.Vector) *vector.Vector {
	if c := classOf(x.Type); c != classInt && c != classFloat {
		return nil
	}
	x = convert(x, types.Of(types.Float64), conversion{})
	k := v.k.F
	if classOf(v.k.Type) == classInt {
		k = float64(v.k.I)
	}
	return toFloat(x, v.typ, func(i int) float64 {
		switch v.op {
		case add:
			return x.F64[i] + k
		case multiply:
			return x.F64[i] * k
		}
		return -x.F64[i]
	})
}

func (v arithmetic) decimals(x *vector.Vector) *vector.Vector {
	if !exactClass(x.Type) {
		return nil
	}
	x = x.Flat()
	at := func(i int) types.Int128 { return types.Int128From(x.Int(i)) }
	if classOf(x.Type) == classDecimal {
		at = x.Decimal
	}
	k := v.k.D
	if classOf(v.k.Type) == classInt {
		k = types.Int128From(v.k.I)
	}
	xs, ks, to := int(x.Type.Scale), int(v.k.Type.Scale), int(v.typ.Scale)
	if max(xs, ks) > to || v.op == multiply && xs+ks > to { // rounds, and it is not said when
		return nil
	}
	r := vector.New(v.typ, x.Len)
	r.Valid = x.Valid.Clone()
	for i := range x.Len {
		if x.IsNull(i) {
			continue
		}
		y, ok := v.decimal(at(i), xs, k, ks)
		if !ok || !fitsPrecision(y, int(v.typ.Precision)) {
			r.SetNull(i)
			continue
		}
		setDecimal(r, i, y)
	}
	return r
}

// decimal computes one bound from unscaled values, at the result's scale.
func (v arithmetic) decimal(x types.Int128, xs int, k types.Int128, ks int) (types.Int128, bool) {
	to := int(v.typ.Scale)
	if v.op == multiply {
		p, ok := x.Mul(k)
		if !ok {
			return p, false
		}
		return p.Rescale(xs+ks, to)
	}
	x, ok := x.Rescale(xs, to)
	if !ok || v.op == negate {
		return x.Neg(), ok && x.Neg().Sign() == -x.Sign()
	}
	k, ok = k.Rescale(ks, to)
	if !ok {
		return k, false
	}
	return x.Add(k)
}

// difference compiles a - b where one of them is constant, as a + (-b) or (-a) + b.
func difference(a, b value, typ types.Type) value {
	if k, ok := b.(literal); ok && k.val.Valid {
		if n, ok := negated(k.val); ok {
			return arithmetic{v: a, op: add, k: n, typ: typ}
		}
		return opaque{typ}
	}
	if k, ok := a.(literal); ok && k.val.Valid {
		return arithmetic{v: arithmetic{v: b, op: negate, typ: typ}, op: add, k: k.val, typ: typ}
	}
	return opaque{typ}
}

func negated(k types.Value) (types.Value, bool) {
	switch classOf(k.Type) {
	case classInt:
		k.I = -k.I
		return k, k.I != math.MinInt64
	case classFloat:
		k.F = -k.F
		return k, true
	case classDecimal:
		n := k.D.Neg()
		ok := n.Sign() == -k.D.Sign()
		k.D = n
		return k, ok
	}
	return k, false
}
