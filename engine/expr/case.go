package expr

import (
	"github.com/featuresql/featuresql/engine/expr/kernel"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

func init() {
	Register(&Function{Name: "case", Category: "operator", Signature: "case when c then a … else b end",
		Doc: "The first value whose condition is true; only the rows that need it evaluate a branch.", Resolve: resolveCase, build: buildCase})
	Register(&Function{Name: "if", Category: "operator", Signature: "if(c, a, b)", Doc: "a where c is true, else b.",
		Resolve: func(args []Expr) ([]Expr, types.Type, bool, error) {
			if len(args) != 3 {
				return nil, types.Type{}, false, &TypeError{Function: "if", Count: true}
			}
			return resolveCase(args)
		}, build: buildCase})
	Register(&Function{Name: "coalesce", Category: "operator", Signature: "coalesce(a, …)",
		Doc: "The first operand that is not NULL; later ones are evaluated only where needed.", Resolve: resolveCoalesce("coalesce", 1, 0), build: buildCoalesce})
	Register(&Function{Name: "ifnull", Category: "operator", Signature: "ifnull(a, b)", Doc: "a unless it is NULL, else b.",
		Resolve: resolveCoalesce("ifnull", 2, 2), build: buildCoalesce})
	Register(&Function{Name: "nullif", Category: "operator", Signature: "nullif(a, b)", Doc: "NULL where a equals b, else a.",
		Resolve: resolveNullIf, build: buildNullIf})
}

// resolveCase takes conditions and values in turn, and perhaps a last value, and makes the values one type.
func resolveCase(args []Expr) ([]Expr, types.Type, bool, error) {
	if len(args) < 2 {
		return nil, types.Type{}, false, &TypeError{Function: "case", Reason: "needs a condition and a value"}
	}
	out := append([]Expr(nil), args...)
	if len(out)%2 == 0 {
		out = append(out, &Literal{Val: types.NullOf(types.Of(types.Null))})
	}
	var values []Expr
	for i := range out {
		if i%2 == 1 || i == len(out)-1 {
			values = append(values, out[i])
		} else {
			out[i] = asBool(out[i])
		}
	}
	t := ResultType(values...)
	nullable := false
	for i := range out {
		if i%2 == 1 || i == len(out)-1 {
			out[i] = Cast(out[i], t)
			nullable = nullable || out[i].Nullable()
		}
	}
	return out, t, nullable, nil
}

// ResultType is the type of a value that is one of several expressions (CASE, IF, COALESCE, UNION): manual, "Flow
// Control Functions".
func ResultType(es ...Expr) types.Type {
	t := types.Of(types.Null)
	for _, e := range es {
		t = CommonResult(t, e.Type())
	}
	return t
}

// CommonResult is the type that holds the values of both types, as CASE or UNION need it: text if one is text or they
// are of different kinds.
func CommonResult(s, t types.Type) types.Type {
	switch {
	case s == t, t.Kind == types.Null:
		return s
	case s.Kind == types.Null:
		return t
	case s.IsNumeric() && t.IsNumeric():
		return commonNumeric(s, t)
	case s.IsTemporal() && t.IsTemporal():
		if s.Kind == types.Time || t.Kind == types.Time {
			return types.Of(types.TimestampNTZ)
		}
		if s.Kind == types.Timestamp && t.Kind == types.Date || t.Kind == types.Timestamp && s.Kind == types.Date {
			return types.Of(types.Timestamp)
		}
		return commonTemporal(s, t)
	case s.Kind == types.Binary || t.Kind == types.Binary:
		return types.Of(types.Binary)
	}
	return types.Of(types.String)
}

// caseNode evaluates conditions and branches on the rows that need them.
type caseNode struct {
	conds  []selector // one fewer than values; none for COALESCE
	values []node
	typ    types.Type

	ctx     EvalCtx
	bools   boolSplit
	choice  []uint8
	vectors []*vector.Vector
}

// boolSplit holds the rows that a condition decides.
type boolSplit struct{ taken, rest []uint16 }

// maxBranches is how many branches one node handles; more are nested.
const maxBranches = 200

func buildCase(c *compiler, e *Call) (node, error) {
	args := e.Args
	if len(args) > 2*maxBranches {
		tail := *e
		tail.Args = args[2*maxBranches-2:]
		args = append(append([]Expr(nil), args[:2*maxBranches-2]...), &tail)
	}
	n := &caseNode{typ: e.Typ}
	for i, a := range args {
		if i%2 == 1 || i == len(args)-1 {
			x, err := c.compile(a)
			if err != nil {
				return nil, err
			}
			n.values = append(n.values, x)
			continue
		}
		x, err := c.selector(a)
		if err != nil {
			return nil, err
		}
		n.conds = append(n.conds, x)
	}
	n.init(c, e)
	return n, nil
}

func (n *caseNode) init(c *compiler, e *Call) {
	n.ctx = EvalCtx{Env: c.env, name: e.Name, text: e.String}
	n.vectors = make([]*vector.Vector, len(n.values))
}

func (n *caseNode) eval(b *vector.Batch, sel []uint16) (*vector.Vector, error) {
	n.choice = grow(n.choice, b.Len)
	n.bools.taken, n.bools.rest = grow(n.bools.taken, b.Len+1), grow(n.bools.rest, b.Len+1)
	rest := sel
	last := len(n.values) - 1
	for j := range n.values {
		n.vectors[j] = nil
	}
	for j := range n.values {
		taken, after := rest, []uint16(nil)
		if j < last {
			var err error
			if taken, err = n.conds[j].selectRows(b, rest, n.bools.taken); err != nil {
				return nil, err
			}
			after = n.bools.others(taken, b.Len, rest)
		}
		if taken == nil || len(taken) > 0 {
			v, err := n.values[j].eval(b, taken)
			if err != nil {
				return nil, err
			}
			n.vectors[j] = v
			n.mark(uint8(j), b.Len, taken)
		}
		if rest = after; j < last && len(rest) == 0 {
			break
		}
	}
	return n.ctx.blend(n.vectors, n.choice, b.Len, sel, n.typ)
}

func (n *caseNode) mark(j uint8, rows int, sel []uint16) {
	if sel == nil {
		for i := range n.choice[:rows] {
			n.choice[i] = j
		}
		return
	}
	for _, i := range sel {
		n.choice[i] = j
	}
}

// others returns the rows of sel (nil: all n) that are not among taken, which lies in s.taken.
func (s *boolSplit) others(taken []uint16, n int, sel []uint16) []uint16 {
	const none = 1<<16 - 1 // no row of a batch
	taken = append(taken, none)
	k, r := 0, 0
	for j := range Rows(n, sel) {
		i := j
		if sel != nil {
			i = int(sel[j])
		}
		s.rest[r] = uint16(i)
		hit := kernel.B2I(taken[k] == uint16(i))
		k += hit
		r += 1 - hit
	}
	return s.rest[:r]
}

// blend puts together a vector whose live row i comes from vs[choice[i]].
func (c *EvalCtx) blend(vs []*vector.Vector, choice []uint8, n int, sel []uint16, t types.Type) (*vector.Vector, error) {
	phys := t.Physical()
	if t.Kind == types.Decimal {
		phys = types.PhysI64
		for _, v := range vs {
			if v != nil && v.Phys == types.PhysI128 {
				phys = types.PhysI128
			}
		}
	}
	if phys == types.PhysBytes {
		return c.blendBytes(vs, choice, n, sel, t)
	}
	out := c.OutPhys(t, phys, n)
	nulls := false
	flat := c.blends
	if len(flat) != len(vs) {
		flat = make([]*vector.Vector, len(vs))
		c.blends = flat
	}
	for j, v := range vs {
		if flat[j] = nil; v == nil {
			continue
		}
		flat[j] = c.Flat(j, v, sel)
		if flat[j].Phys != phys { // narrow beside wide
			flat[j] = widened(v)
		}
		nulls = nulls || v.Valid != nil
	}
	switch phys {
	case types.PhysI32:
		pick(out.I32, choice, sel, flat, func(v *vector.Vector) []int32 { return v.I32 })
	case types.PhysI64:
		pick(out.I64, choice, sel, flat, func(v *vector.Vector) []int64 { return v.I64 })
	case types.PhysF64:
		pick(out.F64, choice, sel, flat, func(v *vector.Vector) []float64 { return v.F64 })
	case types.PhysI128:
		pick(out.I128, choice, sel, flat, func(v *vector.Vector) []types.Int128 { return v.I128 })
	}
	if nulls {
		c.blendNulls(out, flat, choice, sel)
	}
	return out, nil
}

// pick sets dst[i] to row i of the vector that choice[i] names, for the rows of sel (nil: all).
func pick[T any](dst []T, choice []uint8, sel []uint16, vs []*vector.Vector, values func(*vector.Vector) []T) {
	var few [8][]T
	srcs := few[:0]
	for _, v := range vs {
		if v == nil {
			srcs = append(srcs, nil)
		} else {
			srcs = append(srcs, values(v))
		}
	}
	if sel == nil {
		for i := range dst {
			dst[i] = srcs[choice[i]][i]
		}
		return
	}
	for _, i := range sel {
		dst[i] = srcs[choice[i]][i]
	}
}

func (c *EvalCtx) blendNulls(out *vector.Vector, vs []*vector.Vector, choice []uint8, sel []uint16) {
	for k := range Rows(out.Len, sel) {
		i := k
		if sel != nil {
			i = int(sel[k])
		}
		if vs[choice[i]].IsNull(i) {
			c.SetNull(out, i)
		}
	}
}

// widened returns a copy of a narrow decimal as PhysI128.
func widened(v *vector.Vector) *vector.Vector {
	r := v.Flat().Clone()
	r.Widen()
	return r
}

func (c *EvalCtx) blendBytes(vs []*vector.Vector, choice []uint8, n int, sel []uint16, t types.Type) (*vector.Vector, error) {
	w := c.Bytes(t, n)
	for k := range Rows(n, sel) {
		i := k
		if sel != nil {
			i = int(sel[k])
		}
		if v := vs[choice[i]]; v.IsNull(i) {
			w.Null(i)
		} else {
			w.Set(i, v.Bytes(i))
		}
	}
	return w.Done()
}

func resolveCoalesce(name string, least, most int) func([]Expr) ([]Expr, types.Type, bool, error) {
	return func(args []Expr) ([]Expr, types.Type, bool, error) {
		if len(args) < least || most > 0 && len(args) > most {
			return nil, types.Type{}, false, &TypeError{Function: name, Count: true}
		}
		t := ResultType(args...)
		out, nullable := make([]Expr, len(args)), true
		for i, a := range args {
			out[i] = Cast(a, t)
			nullable = nullable && out[i].Nullable()
		}
		return out, t, nullable, nil
	}
}

// coalesceNode takes the first operand that is not NULL.
type coalesceNode struct {
	caseNode
	open []uint16
}

func buildCoalesce(c *compiler, e *Call) (node, error) {
	args := e.Args
	if len(args) > maxBranches {
		tail := *e
		tail.Args = args[maxBranches-1:]
		args = append(append([]Expr(nil), args[:maxBranches-1]...), &tail)
	}
	values, err := c.compileAll(args)
	if err != nil {
		return nil, err
	}
	n := &coalesceNode{caseNode: caseNode{typ: e.Typ, values: values}}
	n.init(c, e)
	return n, nil
}

func (n *coalesceNode) eval(b *vector.Batch, sel []uint16) (*vector.Vector, error) {
	n.choice = grow(n.choice, b.Len)
	n.open = grow(n.open, b.Len+1)
	for j := range n.vectors {
		n.vectors[j] = nil
	}
	open := sel
	for j, x := range n.values {
		v, err := x.eval(b, open)
		if err != nil {
			return nil, err
		}
		if j == 0 && v.Valid == nil {
			return v, nil
		}
		n.vectors[j] = v
		n.mark(uint8(j), b.Len, open)
		if v.Valid == nil {
			break
		}
		if open = selectUnmarked(n.open, v.Valid, b.Len, open); len(open) == 0 {
			break
		}
	}
	return n.ctx.blend(n.vectors, n.choice, b.Len, sel, n.typ)
}

func resolveNullIf(args []Expr) ([]Expr, types.Type, bool, error) {
	if len(args) != 2 {
		return nil, types.Type{}, false, &TypeError{Function: "nullif", Count: true}
	}
	if _, _, err := commonOperands("nullif", args[0], args[1]); err != nil {
		return nil, types.Type{}, false, err
	}
	return args, args[0].Type(), true, nil
}

func buildNullIf(c *compiler, e *Call) (node, error) {
	return c.compileLet(e, e.Args[0], func(operand Expr) (Expr, error) {
		eq, err := New("=", operand, e.Args[1])
		if err != nil {
			return nil, err
		}
		return New("case", eq, &Literal{Val: types.NullOf(e.Typ)}, operand)
	})
}
