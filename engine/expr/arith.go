package expr

import (
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// DivPrecisionIncrement is MySQL's div_precision_increment: how many digits a division adds to its dividend's scale.
const DivPrecisionIncrement = 4

func init() {
	for _, f := range []*Function{
		{Name: "+", Signature: "a + b", Doc: "Sum: BIGINT, DECIMAL with the greater scale, or DOUBLE."},
		{Name: "-", Signature: "a - b", Doc: "Difference, typed like the sum."},
		{Name: "*", Signature: "a * b", Doc: "Product: BIGINT, DECIMAL with the sum of the scales, or DOUBLE."},
		{Name: "/", Signature: "a / b", Doc: "Quotient: DECIMAL with four digits more than the dividend, or DOUBLE; NULL for a zero divisor."},
		{Name: "div", Signature: "a div b", Doc: "Integer quotient, rounded towards zero; NULL for a zero divisor."},
		{Name: "%", Aliases: []string{"mod"}, Signature: "a % b", Doc: "Remainder with the dividend's sign; NULL for a zero divisor."},
	} {
		f.Category, f.Strict, f.RawNulls = "operator", true, true
		name := f.Name
		f.Resolve = func(args []Expr) ([]Expr, types.Type, bool, error) { return resolveArith(name, args) }
		f.Eval = evalArith(name)
		Register(f)
	}
	Register(&Function{Name: "neg", Category: "operator", Signature: "-a", Doc: "Negation.", Strict: true, RawNulls: true,
		Resolve: resolveNeg, Eval: evalNeg})
}

// numericOperand converts what is not a number as MySQL does: strings to DOUBLE, dates and times to the number whose
// digits they are written with.
func numericOperand(e Expr) Expr {
	switch t := e.Type(); {
	case t.IsNumeric():
		return e
	case t.Kind == types.Null:
		return &Literal{Val: types.NullOf(types.Of(types.Int64))}
	case t.Kind == types.Date:
		return Cast(e, types.Of(types.Int64))
	case t.Kind == types.Time, t.Kind == types.Timestamp, t.Kind == types.TimestampNTZ:
		return Cast(e, types.DecimalOf(20, 6))
	}
	return Cast(e, types.Of(types.Float64))
}

// resolveArith derives the result type (manual, "Arithmetic Operators" and "Precision Math").
func resolveArith(name string, args []Expr) ([]Expr, types.Type, bool, error) {
	if len(args) != 2 {
		return nil, types.Type{}, false, &TypeError{Function: name, Reason: "takes two operands"}
	}
	a, b := numericOperand(args[0]), numericOperand(args[1])
	nullable := a.Nullable() || b.Nullable() || name == "/" || name == "div" || name == "%"
	out := func(t types.Type) ([]Expr, types.Type, bool, error) { return []Expr{a, b}, t, nullable, nil }
	unsigned := a.Type().Kind == types.Uint64 || b.Type().Kind == types.Uint64
	integer := types.Of(types.Int64)
	if unsigned {
		integer = types.Of(types.Uint64)
	}
	isInt := a.Type().IsInteger() && b.Type().IsInteger()
	p1, s1 := exprDigits(a)
	p2, s2 := exprDigits(b)
	switch {
	case a.Type().IsFloat() || b.Type().IsFloat():
		a, b = Cast(a, types.Of(types.Float64)), Cast(b, types.Of(types.Float64))
		if name == "div" {
			return out(integer)
		}
		return out(types.Of(types.Float64))
	case isInt && name == "%":
		if a.Type().Kind == types.Uint64 {
			return out(a.Type())
		}
		return out(types.Of(types.Int64))
	case isInt && name != "/", name == "div":
		if !isInt {
			a, b = asDecimal(a), asDecimal(b)
		}
		return out(integer)
	}
	a, b = asDecimal(a), asDecimal(b)
	switch name {
	case "*":
		return out(types.DecimalOf(p1+p2, types.ResultScale(s1+s2, s1, s2)))
	case "/":
		return out(types.DecimalOf(p1+s2+DivPrecisionIncrement, types.ResultScale(s1+DivPrecisionIncrement, s1)))
	case "%":
		return out(types.DecimalOf(max(p1, p2), max(s1, s2)))
	}
	return out(types.DecimalOf(max(p1-s1, p2-s2)+max(s1, s2)+1, max(s1, s2)))
}

// asDecimal converts an integer to a decimal without a fraction.
func asDecimal(e Expr) Expr {
	if e.Type().Kind == types.Decimal {
		return e
	}
	p, _ := exprDigits(e)
	return Cast(e, types.DecimalOf(p, 0))
}

func resolveNeg(args []Expr) ([]Expr, types.Type, bool, error) {
	if len(args) != 1 {
		return nil, types.Type{}, false, &TypeError{Function: "neg", Reason: "takes one operand"}
	}
	a := numericOperand(args[0])
	t := a.Type()
	switch {
	case t.IsInteger():
		t = types.Of(types.Int64)
	case t.IsFloat():
		a, t = Cast(a, types.Of(types.Float64)), types.Of(types.Float64)
	}
	return []Expr{a}, t, a.Nullable(), nil
}

// evalArith picks the implementation by the operands' types.
func evalArith(name string) func(*EvalCtx, []*vector.Vector, int, []uint16, types.Type) (*vector.Vector, error) {
	return func(ctx *EvalCtx, args []*vector.Vector, n int, sel []uint16, typ types.Type) (*vector.Vector, error) {
		a, b := args[0], args[1]
		var out *vector.Vector
		var err error
		switch {
		case a.AllNull() || b.AllNull():
			return ctx.allNull(typ, n), nil
		case a.Type.IsFloat():
			out, err = ctx.floatArith(name, a, b, n, sel, typ)
		case a.Type.Kind == types.Decimal:
			out, err = ctx.decimalArith(name, a, b, n, sel, typ)
		case a.Type.Kind == types.Uint64 || b.Type.Kind == types.Uint64:
			out, err = ctx.unsignedArith(name, a, b, n, sel, typ)
		default:
			out, err = ctx.intArith(name, a, b, n, sel, typ)
		}
		return out, err
	}
}

// allNull returns n NULLs.
func (c *EvalCtx) allNull(t types.Type, n int) *vector.Vector {
	out := c.Out(t, n)
	if out.Phys == types.PhysBytes {
		clear(out.Off)
	}
	c.valid = grow(c.valid, (n+63)/64)
	clear(c.valid)
	out.Valid = c.valid
	return out
}

// inputs are the operands of a binary operation: flat, except that at most one may be a constant.
type inputs struct {
	a, b    *vector.Vector
	scalarA bool
	scalarB bool
}

func (c *EvalCtx) inputs(a, b *vector.Vector, sel []uint16) inputs {
	in := inputs{a: a, b: b, scalarB: isScalar(b)}
	in.scalarA = !in.scalarB && isScalar(a)
	if !in.scalarA {
		in.a = c.Flat(0, a, sel)
	}
	if !in.scalarB {
		in.b = c.Flat(1, b, sel)
	}
	return in
}

// strictValid sets out's validity to the conjunction of the operands'.
func (c *EvalCtx) strictValid(out, a, b *vector.Vector) {
	out.Valid = bothValid(&c.valid, a.Valid, b.Valid, out.Len)
	if out.Valid == nil {
		return
	}
	if len(c.valid) == 0 || &out.Valid[0] != &c.valid[0] { // an operand's: SetNull must not write to it
		c.valid = grow(c.valid, len(out.Valid))
		copy(c.valid, out.Valid)
		out.Valid = c.valid[:(out.Len+63)/64]
	}
}

// divideByZero makes row i NULL with a warning, or fails in strict DML.
func (c *EvalCtx) divideByZero(out *vector.Vector, i int) error {
	if c.Env.DivisionByZeroError {
		return &DivisionByZero{}
	}
	if !c.Env.DivisionByZeroSilent {
		c.Warn(CodeDivisionByZero, "Division by 0")
	}
	c.SetNull(out, i)
	return nil
}
