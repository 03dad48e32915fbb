package expr

import (
	"math/big"

	"github.com/featuresql/featuresql/engine/expr/kernel"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// decimalArith computes exactly. Where both operands are narrow and the magnitudes of this batch prove that no
// intermediate result leaves 64 bits, it computes on int64; else on 128 bits; division falls back to big integers for
// numerators that do not fit. A result beyond 128 bits is out of range.
func (c *EvalCtx) decimalArith(name string, a, b *vector.Vector, n int, sel []uint16, typ types.Type) (*vector.Vector, error) {
	in := c.inputs(a, b, sel)
	if name == "+" || name == "-" || name == "*" {
		if out := c.narrowDecimal(name, &in, n, sel, typ); out != nil {
			c.strictValid(out, a, b)
			return out, nil
		}
		out := c.OutPhys(typ, types.PhysI128, n)
		c.strictValid(out, a, b)
		return out, c.wideDecimal(name, &in, out, sel)
	}
	if name == "/" {
		if out, err := c.narrowDivide(&in, n, sel, typ); out != nil || err != nil {
			return out, err
		}
	}
	phys := types.PhysI128
	if name == "div" {
		phys = types.PhysI64
	}
	out := c.OutPhys(typ, phys, n)
	c.strictValid(out, a, b)
	return out, c.decimalDivide(name, &in, out, sel)
}

// magnitude returns a number of bits that holds every |value| of a decimal operand, or 64 if it is wide.
func magnitude(v *vector.Vector, scalar bool, n int, sel []uint16) int {
	if scalar {
		d := v.Decimal(0)
		if !d.Fits64() {
			return 64
		}
		x := [1]int64{int64(d.Lo)}
		return kernel.Magnitude(x[:])
	}
	if v.Phys != types.PhysI64 {
		return 64
	}
	if sel == nil || len(sel) > n/4 {
		return kernel.Magnitude(v.I64[:n])
	}
	m := 0
	for _, i := range sel {
		x := [1]int64{v.I64[i]}
		m = max(m, kernel.Magnitude(x[:]))
	}
	return m
}

// bitsOfPow10 is the number of bits of 10^n, n <= 18.
func bitsOfPow10(n int) int {
	x := [1]int64{types.Pow10Int64(n)}
	return kernel.Magnitude(x[:])
}

// narrowDecimal computes +, - or * on int64, or returns nil if it cannot be sure that all results fit.
func (c *EvalCtx) narrowDecimal(name string, in *inputs, n int, sel []uint16, typ types.Type) *vector.Vector {
	if (in.a.Phys != types.PhysI64 && !in.scalarA) || (in.b.Phys != types.PhysI64 && !in.scalarB) {
		return nil
	}
	ma, mb := magnitude(in.a, in.scalarA, n, sel), magnitude(in.b, in.scalarB, n, sel)
	s1, s2 := int(in.a.Type.Scale), int(in.b.Type.Scale)
	if name == "*" {
		if ma+mb > 62 || s1+s2 != int(typ.Scale) {
			return nil
		}
		out := c.OutPhys(typ, types.PhysI64, n)
		switch {
		case in.scalarB:
			kernel.MulScalarUnchecked(out.I64, in.a.I64, scalar64(in.b))
		case in.scalarA:
			kernel.MulScalarUnchecked(out.I64, in.b.I64, scalar64(in.a))
		default:
			kernel.MulUnchecked(out.I64, in.a.I64, in.b.I64)
		}
		return out
	}
	s := max(s1, s2)
	if s-s1 > 18 || s-s2 > 18 || s != int(typ.Scale) || max(ma+bitsOfPow10(s-s1), mb+bitsOfPow10(s-s2)) > 61 {
		return nil
	}
	fa, fb := types.Pow10Int64(s-s1), types.Pow10Int64(s-s2)
	if name == "-" {
		fb = -fb
	}
	out := c.OutPhys(typ, types.PhysI64, n)
	switch {
	case in.scalarB:
		kernel.AddScaledScalar(out.I64, in.a.I64, fa, scalar64(in.b)*fb)
	case in.scalarA:
		kernel.AddScaledScalar(out.I64, in.b.I64, fb, scalar64(in.a)*fa)
	default:
		kernel.AddScaled(out.I64, in.a.I64, fa, in.b.I64, fb)
	}
	return out
}

// narrowDivide computes / on int64, or returns nil if a scaled dividend might not fit.
func (c *EvalCtx) narrowDivide(in *inputs, n int, sel []uint16, typ types.Type) (*vector.Vector, error) {
	shift := int(typ.Scale) + int(in.b.Type.Scale) - int(in.a.Type.Scale)
	if shift < 0 || shift > 18 || magnitude(in.b, in.scalarB, n, sel) > 62 || magnitude(in.a, in.scalarA, n, sel)+bitsOfPow10(shift) > 62 {
		return nil, nil
	}
	p := types.Pow10Int64(shift)
	out := c.OutPhys(typ, types.PhysI64, n)
	c.strictValid(out, in.a, in.b)
	row := func(v *vector.Vector, scalar bool, i int) int64 {
		if scalar {
			return scalar64(v)
		}
		return v.I64[i]
	}
	for k := range Rows(n, sel) {
		i := k
		if sel != nil {
			i = int(sel[k])
		}
		if out.IsNull(i) {
			continue
		}
		y := row(in.b, in.scalarB, i)
		if y == 0 {
			if err := c.divideByZero(out, i); err != nil {
				return nil, err
			}
			continue
		}
		x := row(in.a, in.scalarA, i) * p
		q, r := x/y, x%y
		if 2*max(r, -r) >= max(y, -y) {
			if (x < 0) != (y < 0) {
				q--
			} else {
				q++
			}
		}
		out.I64[i] = q
	}
	return out, nil
}

func (c *EvalCtx) wideDecimal(name string, in *inputs, out *vector.Vector, sel []uint16) error {
	s1, s2, s := int(in.a.Type.Scale), int(in.b.Type.Scale), int(out.Type.Scale)
	common := max(s1, s2)
	for k := range Rows(out.Len, sel) {
		i := k
		if sel != nil {
			i = int(sel[k])
		}
		if out.IsNull(i) {
			continue
		}
		x, y := in.a.Decimal(i), in.b.Decimal(i)
		var r types.Int128
		var ok bool
		if name == "*" {
			r, ok = multiplyDecimals(x, y, s1+s2, s)
		} else {
			r, ok = addDecimals(name == "-", x, s1, y, s2)
			if ok && common != s {
				r, ok = r.Rescale(common, s)
			}
		}
		if !ok {
			return c.RangeError(out.Type)
		}
		out.I128[i] = r
	}
	return nil
}

// addDecimals adds or subtracts at the greater scale.
func addDecimals(sub bool, x types.Int128, s1 int, y types.Int128, s2 int) (types.Int128, bool) {
	s := max(s1, s2)
	x, ok1 := x.Rescale(s1, s)
	y, ok2 := y.Rescale(s2, s)
	if !ok1 || !ok2 {
		return types.Int128{}, false
	}
	if sub {
		return x.Sub(y)
	}
	return x.Add(y)
}

func (c *EvalCtx) decimalDivide(name string, in *inputs, out *vector.Vector, sel []uint16) error {
	s1, s2 := int(in.a.Type.Scale), int(in.b.Type.Scale)
	for k := range Rows(out.Len, sel) {
		i := k
		if sel != nil {
			i = int(sel[k])
		}
		if out.IsNull(i) {
			continue
		}
		x, y := in.a.Decimal(i), in.b.Decimal(i)
		if y == (types.Int128{}) {
			if err := c.divideByZero(out, i); err != nil {
				return err
			}
			continue
		}
		var r types.Int128
		var ok bool
		switch name {
		case "/":
			r, ok = divideDecimals(x, s1, y, s2, int(out.Type.Scale))
		case "div":
			r, ok = truncatedQuotient(x, s1, y, s2)
			ok = ok && (r.Fits64() && out.Type.Kind != types.Uint64 || r.Hi == 0 && out.Type.Kind == types.Uint64)
		default:
			r, ok = modDecimals(x, s1, y, s2)
		}
		switch {
		case !ok:
			return c.RangeError(out.Type)
		case name == "div":
			out.I64[i] = int64(r.Lo)
		default:
			out.I128[i] = r
		}
	}
	return nil
}

// divideDecimals returns x/y with s digits after the point, rounded half away from zero.
func divideDecimals(x types.Int128, s1 int, y types.Int128, s2, s int) (types.Int128, bool) {
	shift := s + s2 - s1
	if shift < 0 || shift > 38 {
		return divideBig(x, y, shift)
	}
	num, ok := x.Mul(types.Pow10(shift))
	if !ok {
		return divideBig(x, y, shift)
	}
	q, r := num.DivMod(y)
	rest, _ := y.Abs().Sub(r.Abs())
	if r.Abs().Cmp(rest) >= 0 {
		d := int64(1)
		if (x.Sign() < 0) != (y.Sign() < 0) {
			d = -1
		}
		return q.Add(types.Int128From(d))
	}
	return q, true
}

// multiplyDecimals returns x*y, of scale from, at scale s.
func multiplyDecimals(x, y types.Int128, from, s int) (types.Int128, bool) {
	r, ok := x.Mul(y)
	switch {
	case ok && from != s:
		return r.Rescale(from, s)
	case ok || from <= s:
		return r, ok
	}
	return quotient(new(big.Int).Mul(x.Big(), y.Big()), types.Pow10(from-s).Big())
}

// divideBig is divideDecimals for numerators of more than 128 bits: round(x*10^shift / y).
func divideBig(x, y types.Int128, shift int) (types.Int128, bool) {
	num, den := x.Big(), y.Big()
	ten := big.NewInt(10)
	if shift >= 0 {
		num.Mul(num, new(big.Int).Exp(ten, big.NewInt(int64(shift)), nil))
	} else {
		den.Mul(den, new(big.Int).Exp(ten, big.NewInt(int64(-shift)), nil))
	}
	return quotient(num, den)
}

// quotient returns num/den, rounded half away from zero.
func quotient(num, den *big.Int) (types.Int128, bool) {
	sign := int64(num.Sign() * den.Sign())
	q, r := new(big.Int).QuoRem(num, den, new(big.Int))
	if r.Abs(r).Lsh(r, 1).Cmp(den.Abs(den)) >= 0 {
		q.Add(q, big.NewInt(sign))
	}
	return types.Int128FromBig(q)
}

// truncatedQuotient returns the integer part of x/y.
func truncatedQuotient(x types.Int128, s1 int, y types.Int128, s2 int) (types.Int128, bool) {
	s := max(s1, s2)
	num, ok1 := x.Rescale(s1, s)
	den, ok2 := y.Rescale(s2, s)
	if ok1 && ok2 {
		q, _ := num.DivMod(den)
		return q, true
	}
	ten := big.NewInt(10)
	bn := new(big.Int).Mul(x.Big(), new(big.Int).Exp(ten, big.NewInt(int64(s-s1)), nil))
	bd := new(big.Int).Mul(y.Big(), new(big.Int).Exp(ten, big.NewInt(int64(s-s2)), nil))
	return types.Int128FromBig(bn.Quo(bn, bd))
}

// modDecimals returns the remainder of x/y at the greater scale.
func modDecimals(x types.Int128, s1 int, y types.Int128, s2 int) (types.Int128, bool) {
	s := max(s1, s2)
	num, ok1 := x.Rescale(s1, s)
	den, ok2 := y.Rescale(s2, s)
	if ok1 && ok2 {
		_, r := num.DivMod(den)
		return r, true
	}
	ten := big.NewInt(10)
	bn := new(big.Int).Mul(x.Big(), new(big.Int).Exp(ten, big.NewInt(int64(s-s1)), nil))
	bd := new(big.Int).Mul(y.Big(), new(big.Int).Exp(ten, big.NewInt(int64(s-s2)), nil))
	return types.Int128FromBig(bn.Rem(bn, bd))
}
