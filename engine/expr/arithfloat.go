package expr

import (
	"math"

	"github.com/featuresql/featuresql/engine/expr/kernel"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// floatArith computes on DOUBLE. A result that is not finite although the operands are is out of range.
func (c *EvalCtx) floatArith(name string, a, b *vector.Vector, n int, sel []uint16, typ types.Type) (*vector.Vector, error) {
	in := c.inputs(a, b, sel)
	out := c.Out(typ, n)
	c.strictValid(out, a, b)
	var finite bool
	switch name {
	case "+":
		finite = floatKernel(out.F64, &in, kernel.FloatAdd)
	case "-":
		finite = floatKernel(out.F64, &in, kernel.FloatSub)
	case "*":
		finite = floatKernel(out.F64, &in, kernel.FloatMul)
	case "/":
		finite = floatKernel(out.F64, &in, kernel.FloatDiv)
	case "%":
		return out, c.floatMod(&in, out, sel)
	default:
		return out, c.floatIntDivide(&in, out, sel)
	}
	if finite {
		return out, nil
	}
	for k := range Rows(n, sel) {
		i := k
		if sel != nil {
			i = int(sel[k])
		}
		x, y := in.a.Float(i), in.b.Float(i)
		switch {
		case out.IsNull(i):
		case name == "/" && y == 0:
			if err := c.divideByZero(out, i); err != nil {
				return nil, err
			}
		case isFinite(x) && isFinite(y) && !isFinite(out.F64[i]):
			return nil, c.RangeError(typ)
		}
	}
	return out, nil
}

func isFinite(x float64) bool { return x-x == 0 }

func floatKernel(dst []float64, in *inputs, op kernel.FloatOp) bool {
	switch {
	case in.scalarB:
		return kernel.FloatsScalar(dst, in.a.F64, in.b.Float(0), op, false)
	case in.scalarA:
		return kernel.FloatsScalar(dst, in.b.F64, in.a.Float(0), op, true)
	}
	return kernel.Floats(dst, in.a.F64, in.b.F64, op)
}

func (c *EvalCtx) floatMod(in *inputs, out *vector.Vector, sel []uint16) error {
	for k := range Rows(out.Len, sel) {
		i := k
		if sel != nil {
			i = int(sel[k])
		}
		if out.IsNull(i) {
			continue
		}
		y := in.b.Float(i)
		if y == 0 {
			if err := c.divideByZero(out, i); err != nil {
				return err
			}
			continue
		}
		out.F64[i] = math.Mod(in.a.Float(i), y)
	}
	return nil
}

func (c *EvalCtx) floatIntDivide(in *inputs, out *vector.Vector, sel []uint16) error {
	for k := range Rows(out.Len, sel) {
		i := k
		if sel != nil {
			i = int(sel[k])
		}
		if out.IsNull(i) {
			continue
		}
		y := in.b.Float(i)
		if y == 0 {
			if err := c.divideByZero(out, i); err != nil {
				return err
			}
			continue
		}
		q := math.Trunc(in.a.Float(i) / y)
		switch {
		case out.Type.Kind == types.Uint64 && q >= 0 && q < 1<<64:
			out.I64[i] = int64(uint64(q))
		case out.Type.Kind != types.Uint64 && q >= -1<<63 && q < 1<<63:
			out.I64[i] = int64(q)
		default:
			return c.RangeError(out.Type)
		}
	}
	return nil
}
