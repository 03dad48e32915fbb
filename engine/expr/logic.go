package expr

import (
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

func init() {
	Register(&Function{Name: "and", Category: "operator", Signature: "a and b", Doc: "Three-valued conjunction; b is not evaluated where a is false.",
		Resolve: resolveLogic("and", 2, 0), build: func(c *compiler, e *Call) (node, error) { return buildJunction(c, e, false) }})
	Register(&Function{Name: "or", Category: "operator", Signature: "a or b", Doc: "Three-valued disjunction; b is not evaluated where a is true.",
		Resolve: resolveLogic("or", 2, 0), build: func(c *compiler, e *Call) (node, error) { return buildJunction(c, e, true) }})
	Register(&Function{Name: "xor", Category: "operator", Signature: "a xor b", Doc: "Whether exactly one of two conditions is true; NULL if one is NULL.",
		Strict: true, RawNulls: true, Resolve: resolveLogic("xor", 2, 2), Eval: evalXor})
	Register(&Function{Name: "not", Category: "operator", Signature: "not a", Doc: "Three-valued negation.",
		Strict: true, RawNulls: true, Resolve: resolveLogic("not", 1, 1), Eval: evalNot})
	Register(&Function{Name: "isnull", Category: "operator", Signature: "isnull(a)", Doc: "Whether the operand is NULL.",
		Resolve: func(args []Expr) ([]Expr, types.Type, bool, error) {
			if len(args) != 1 {
				return nil, types.Type{}, false, &TypeError{Function: "isnull", Reason: "takes one operand"}
			}
			return args, types.Of(types.Bool), false, nil
		}, Eval: evalIsNull})
	Register(&Function{Name: "istrue", Category: "operator", Signature: "a is true", Doc: "Whether a condition is true, not false or NULL.",
		Resolve: resolveNotNull("istrue"), Eval: func(ctx *EvalCtx, args []*vector.Vector, n int, sel []uint16, _ types.Type) (*vector.Vector, error) {
			return evalTruth(ctx, args[0], n, sel, 1)
		}})
	Register(&Function{Name: "isfalse", Category: "operator", Signature: "a is false", Doc: "Whether a condition is false, not true or NULL.",
		Resolve: resolveNotNull("isfalse"), Eval: func(ctx *EvalCtx, args []*vector.Vector, n int, sel []uint16, _ types.Type) (*vector.Vector, error) {
			return evalTruth(ctx, args[0], n, sel, 0)
		}})
}

// resolveLogic takes least to most conditions (0: any number).
func resolveLogic(name string, least, most int) func([]Expr) ([]Expr, types.Type, bool, error) {
	return func(args []Expr) ([]Expr, types.Type, bool, error) {
		if len(args) < least || (most > 0 && len(args) > most) {
			return nil, types.Type{}, false, &TypeError{Function: name, Count: true}
		}
		out := make([]Expr, 0, len(args))
		for _, a := range args {
			if c, ok := a.(*Call); ok && most == 0 && c.Name == name {
				out = append(out, c.Args...)
				continue
			}
			out = append(out, asBool(a))
		}
		return out, types.Of(types.Bool), anyNullable(out), nil
	}
}

func resolveNotNull(name string) func([]Expr) ([]Expr, types.Type, bool, error) {
	inner := resolveLogic(name, 1, 1)
	return func(args []Expr) ([]Expr, types.Type, bool, error) {
		out, t, _, err := inner(args)
		return out, t, false, err
	}
}

// junctionNode is AND or OR as a value. A later operand sees only the rows that the earlier ones leave open.
type junctionNode struct {
	args  []node
	or    bool
	ctx   EvalCtx
	open  []uint16
	valid vector.Bitmap
}

func buildJunction(c *compiler, e *Call, or bool) (node, error) {
	args, err := c.compileAll(e.Args)
	if err != nil {
		return nil, err
	}
	return &junctionNode{args: args, or: or}, nil
}

func (n *junctionNode) eval(b *vector.Batch, sel []uint16) (*vector.Vector, error) {
	out := n.ctx.Out(types.Of(types.Bool), b.Len)
	n.valid = grow(n.valid, (b.Len+63)/64)
	clear(n.valid)
	n.valid.SetRange(0, b.Len)
	neutral := int32(1)
	if n.or {
		neutral = 0
	}
	for i := range out.I32 {
		out.I32[i] = neutral
	}
	n.open = grow(n.open, b.Len+1)
	open, nulls := sel, false
	for _, a := range n.args {
		v, err := a.eval(b, open)
		if err != nil {
			return nil, err
		}
		nulls = n.merge(out, v, open) || nulls
		if open = n.stillOpen(out.I32, neutral, b.Len, open); len(open) == 0 {
			break
		}
	}
	if nulls {
		out.Valid = n.valid
	}
	return out, nil
}

// merge adds operand v to the result of the open rows; an undecided NULL is kept as the neutral value, marked. It
// reports whether there was a NULL.
func (n *junctionNode) merge(out, v *vector.Vector, open []uint16) bool {
	nulls := false
	for k := range Rows(out.Len, open) {
		i := k
		if open != nil {
			i = int(open[k])
		}
		switch {
		case v.IsNull(i):
			n.valid.Clear(i)
			nulls = true
		case (v.Int(i) != 0) == n.or: // decides the row
			out.I32[i] = int32(1)
			if !n.or {
				out.I32[i] = 0
			}
			n.valid.Set(i)
		}
	}
	return nulls
}

// stillOpen returns the rows whose result is still the neutral value.
func (n *junctionNode) stillOpen(vals []int32, neutral int32, rows int, open []uint16) []uint16 {
	k := 0
	for j := range Rows(rows, open) {
		i := j
		if open != nil {
			i = int(open[j])
		}
		n.open[k] = uint16(i)
		if vals[i] == neutral {
			k++
		}
	}
	return n.open[:k]
}

func evalXor(ctx *EvalCtx, args []*vector.Vector, n int, sel []uint16, typ types.Type) (*vector.Vector, error) {
	out := ctx.Out(typ, n)
	a, b := args[0], args[1]
	for k := range Rows(n, sel) {
		i := k
		if sel != nil {
			i = int(sel[k])
		}
		out.I32[i] = 0
		if (a.Int(i) != 0) != (b.Int(i) != 0) {
			out.I32[i] = 1
		}
	}
	out.Valid = bothValid(&ctx.valid, a.Valid, b.Valid, n)
	return out, nil
}

func evalNot(ctx *EvalCtx, args []*vector.Vector, n int, sel []uint16, typ types.Type) (*vector.Vector, error) {
	out := ctx.Out(typ, n)
	a := ctx.Flat(0, args[0], sel)
	for i, x := range a.I32[:n] {
		out.I32[i] = 0
		if x == 0 {
			out.I32[i] = 1
		}
	}
	out.Valid = a.Valid
	return out, nil
}

func evalIsNull(ctx *EvalCtx, args []*vector.Vector, n int, _ []uint16, typ types.Type) (*vector.Vector, error) {
	out := ctx.Out(typ, n)
	if args[0].Type.Kind == types.Null {
		for i := range out.I32 {
			out.I32[i] = 1
		}
		return out, nil
	}
	valid := args[0].Valid
	if valid == nil {
		clear(out.I32)
		return out, nil
	}
	for i := range out.I32 {
		out.I32[i] = int32(^valid[i>>6] >> (uint(i) & 63) & 1)
	}
	return out, nil
}

func evalTruth(ctx *EvalCtx, a *vector.Vector, n int, sel []uint16, want int32) (*vector.Vector, error) {
	out := ctx.Out(types.Of(types.Bool), n)
	for k := range Rows(n, sel) {
		i := k
		if sel != nil {
			i = int(sel[k])
		}
		out.I32[i] = 0
		if !a.IsNull(i) && (a.Int(i) != 0) == (want != 0) {
			out.I32[i] = 1
		}
	}
	return out, nil
}
