package expr

import (
	"math"

	"github.com/featuresql/featuresql/engine/expr/kernel"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// intArith computes on signed integers of any width; the result is BIGINT.
func (c *EvalCtx) intArith(name string, a, b *vector.Vector, n int, sel []uint16, typ types.Type) (*vector.Vector, error) {
	in := c.inputs(a, b, sel)
	out := c.Out(typ, n)
	c.strictValid(out, a, b)
	if name == "div" || name == "%" {
		return out, c.intDivide(name, &in, out, sel)
	}
	var exact bool
	switch {
	case in.a.Phys == types.PhysI32 && in.b.Phys == types.PhysI32:
		exact = intKernel(name, out.I64, in.a.I32, in.b.I32, &in)
	case in.a.Phys == types.PhysI32:
		exact = intKernel(name, out.I64, in.a.I32, in.b.I64, &in)
	case in.b.Phys == types.PhysI32:
		exact = intKernel(name, out.I64, in.a.I64, in.b.I32, &in)
	default:
		exact = intKernel(name, out.I64, in.a.I64, in.b.I64, &in)
	}
	if exact {
		return out, nil
	}
	return out, c.intRecheck(name, &in, out, sel)
}

// intKernel computes all rows and reports whether every one is exact.
func intKernel[A, B kernel.Integer](name string, dst []int64, a []A, b []B, in *inputs) bool {
	switch {
	case in.scalarB && name == "+":
		return kernel.AddScalar(dst, a, in.b.Int(0))
	case in.scalarB && name == "-" && in.b.Int(0) != math.MinInt64:
		return kernel.AddScalar(dst, a, -in.b.Int(0))
	case in.scalarB && name == "-":
		return false
	case in.scalarB:
		return kernel.MulScalar(dst, a, in.b.Int(0))
	case in.scalarA && name == "+":
		return kernel.AddScalar(dst, b, in.a.Int(0))
	case in.scalarA && name == "-":
		return kernel.ScalarSub(dst, in.a.Int(0), b)
	case in.scalarA:
		return kernel.MulScalar(dst, b, in.a.Int(0))
	case name == "+":
		return kernel.Add(dst, a, b)
	case name == "-":
		return kernel.Sub(dst, a, b)
	}
	return kernel.Mul(dst, a, b)
}

// intRecheck computes the live rows one by one after some row, perhaps not a live one, overflowed.
func (c *EvalCtx) intRecheck(name string, in *inputs, out *vector.Vector, sel []uint16) error {
	for k := range Rows(out.Len, sel) {
		i := k
		if sel != nil {
			i = int(sel[k])
		}
		if out.IsNull(i) {
			continue
		}
		x, y := types.Int128From(in.a.Int(i)), types.Int128From(in.b.Int(i))
		r := exact128(name, x, y)
		if !r.Fits64() {
			return c.RangeError(out.Type)
		}
		out.I64[i] = int64(r.Lo)
	}
	return nil
}

// exact128 computes on operands of at most 64 bits, for which the 128-bit result is exact.
func exact128(name string, x, y types.Int128) types.Int128 {
	var r types.Int128
	switch name {
	case "+":
		r, _ = x.Add(y)
	case "-":
		r, _ = x.Sub(y)
	default:
		r, _ = x.Mul(y)
	}
	return r
}

func (c *EvalCtx) intDivide(name string, in *inputs, out *vector.Vector, sel []uint16) error {
	for k := range Rows(out.Len, sel) {
		i := k
		if sel != nil {
			i = int(sel[k])
		}
		if out.IsNull(i) {
			continue
		}
		x, y := in.a.Int(i), in.b.Int(i)
		switch {
		case y == 0:
			if err := c.divideByZero(out, i); err != nil {
				return err
			}
		case y == -1 && name == "%":
			out.I64[i] = 0
		case y == -1 && x == math.MinInt64:
			return c.RangeError(out.Type)
		case name == "%":
			out.I64[i] = x % y
		default:
			out.I64[i] = x / y
		}
	}
	return nil
}

// unsignedArith computes where an operand is BIGINT UNSIGNED.
func (c *EvalCtx) unsignedArith(name string, a, b *vector.Vector, n int, sel []uint16, typ types.Type) (*vector.Vector, error) {
	out := c.Out(typ, n)
	c.strictValid(out, a, b)
	for k := range Rows(n, sel) {
		i := k
		if sel != nil {
			i = int(sel[k])
		}
		if out.IsNull(i) {
			continue
		}
		x, y := integer128(a, i), integer128(b, i)
		var r types.Int128
		switch {
		case (name == "div" || name == "%") && y == (types.Int128{}):
			if err := c.divideByZero(out, i); err != nil {
				return nil, err
			}
			continue
		case name == "div":
			r, _ = x.DivMod(y)
		case name == "%":
			_, r = x.DivMod(y)
		default:
			var ok bool
			if r, ok = mul128(name, x, y); !ok {
				return nil, c.RangeError(typ)
			}
		}
		if (typ.Kind == types.Uint64 && r.Hi != 0) || (typ.Kind != types.Uint64 && !r.Fits64()) {
			return nil, c.RangeError(typ)
		}
		out.I64[i] = int64(r.Lo)
	}
	return out, nil
}

// mul128 is exact128 for operands of up to 65 bits, whose product may not fit.
func mul128(name string, x, y types.Int128) (types.Int128, bool) {
	switch name {
	case "+":
		return x.Add(y)
	case "-":
		return x.Sub(y)
	}
	return x.Mul(y)
}

// integer128 widens row i of an integer vector.
func integer128(v *vector.Vector, i int) types.Int128 {
	if v.Type.Kind == types.Uint64 {
		return types.Int128{Lo: uint64(v.Int(i))}
	}
	return types.Int128From(v.Int(i))
}

func evalNeg(ctx *EvalCtx, args []*vector.Vector, n int, sel []uint16, typ types.Type) (*vector.Vector, error) {
	a := args[0]
	phys := typ.Physical()
	if typ.Kind == types.Decimal {
		phys = a.Phys
	}
	out := ctx.OutPhys(typ, phys, n)
	out.Valid = a.Valid
	if a.AllNull() {
		return ctx.allNull(typ, n), nil
	}
	for k := range Rows(n, sel) {
		i := k
		if sel != nil {
			i = int(sel[k])
		}
		if out.IsNull(i) {
			continue
		}
		if phys == types.PhysF64 {
			out.F64[i] = -a.Float(i)
			continue
		}
		var x types.Int128
		if typ.Kind == types.Decimal {
			x = a.Decimal(i)
		} else {
			x = integer128(a, i)
		}
		r, ok := types.Int128{}.Sub(x)
		switch {
		case !ok || phys == types.PhysI64 && !r.Fits64() && typ.Kind != types.Decimal:
			return nil, ctx.RangeError(typ)
		case phys == types.PhysI64 && !r.Fits64():
			widenDecimal(out)
			phys = types.PhysI128
			fallthrough
		case phys == types.PhysI128:
			out.I128[i] = r
		default:
			out.I64[i] = int64(r.Lo)
		}
	}
	return out, nil
}

// widenDecimal turns a narrow result into a wide one in place.
func widenDecimal(v *vector.Vector) {
	v.I128 = grow(v.I128, v.Len)
	for i, x := range v.I64[:v.Len] {
		v.I128[i] = types.Int128From(x)
	}
	v.Phys = types.PhysI128
}
