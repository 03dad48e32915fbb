package expr

import (
	"math"

	"github.com/featuresql/featuresql/engine/expr/kernel"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

func init() {
	Register(&Function{Name: "in", Category: "operator", Signature: "a in (b, …)",
		Doc: "Whether a equals one of a list; NULL if none is equal and one is NULL.", Resolve: resolveIn, build: buildIn})
}

// resolveIn converts everything to one type where comparing in it means the same as comparing with each alone; else the
// operands stay as they are and buildIn compares one by one.
func resolveIn(args []Expr) ([]Expr, types.Type, bool, error) {
	if len(args) < 2 {
		return nil, types.Type{}, false, &TypeError{Function: "in", Reason: "needs an operand and a list"}
	}
	bool3 := types.Of(types.Bool)
	items := make([]Expr, len(args))
	t := types.Type{}
	for i, item := range args[1:] {
		l, r, err := commonOperands("in", args[0], item)
		if err != nil {
			return nil, types.Type{}, false, err
		}
		if lit, ok := item.(*Literal); ok && !lit.Val.Valid {
			continue
		}
		items[i+1] = r
		switch u := l.Type(); {
		case t.Kind == types.Invalid || t == u:
			t = u
		case exactKind(t) && exactKind(u):
			t = commonNumeric(t, u)
		default:
			return args, bool3, anyNullable(args), nil
		}
	}
	if t.Kind == types.Invalid {
		t = args[0].Type()
	}
	out := make([]Expr, len(args))
	out[0] = castForComparison(args[0], t)
	for i := 1; i < len(args); i++ {
		if items[i] == nil {
			out[i] = &Literal{Val: types.NullOf(t)}
		} else {
			out[i] = castForComparison(items[i], t)
		}
	}
	return out, bool3, anyNullable(out), nil
}

// exactKind reports whether comparisons of a type with others of the kind are exact.
func exactKind(t types.Type) bool { return t.IsInteger() || t.Kind == types.Decimal }

// buildIn compiles a list of literals to a set, anything else to comparisons.
func buildIn(c *compiler, e *Call) (node, error) {
	set := &inSet{typ: e.Args[0].Type()}
	for _, item := range e.Args[1:] {
		v, ok := c.literal(item)
		if !ok || item.Type() != set.typ {
			return c.buildInChain(e)
		}
		set.add(v)
	}
	operand, err := c.compile(e.Args[0])
	if err != nil {
		return nil, err
	}
	n := &inNode{operand: operand, set: set}
	n.ctx = EvalCtx{Env: c.env, name: "in", text: e.String}
	return n, nil
}

// literal returns the value of a constant expression.
func (c *compiler) literal(e Expr) (types.Value, bool) {
	if l, ok := e.(*Literal); ok {
		return l.Val, true
	}
	if c.nofold {
		return types.Value{}, false
	}
	return c.foldConst(e)
}

// buildInChain compares with the items one by one.
func (c *compiler) buildInChain(e *Call) (node, error) {
	return c.compileLet(e, e.Args[0], func(operand Expr) (Expr, error) {
		alternatives := make([]Expr, 0, len(e.Args)-1)
		for _, item := range e.Args[1:] {
			eq, err := New("=", operand, item)
			if err != nil {
				return nil, err
			}
			alternatives = append(alternatives, eq)
		}
		if len(alternatives) == 1 {
			return alternatives[0], nil
		}
		return New("or", alternatives...)
	})
}

// inSet is the set of an IN list. Integers and short lists are searched in order, others by hash.
type inSet struct {
	typ     types.Type
	null    bool
	few     []int64
	ints    map[int64]struct{}
	floats  map[float64]struct{}
	nan     bool
	wide    map[types.Int128]struct{}
	strings map[string]struct{}
}

const fewItems = 8

func (s *inSet) add(v types.Value) {
	switch {
	case !v.Valid:
		s.null = true
	case s.typ.IsBytes():
		if s.strings == nil {
			s.strings = map[string]struct{}{}
		}
		s.strings[v.S] = struct{}{}
	case s.typ.IsFloat():
		if s.floats == nil {
			s.floats = map[float64]struct{}{}
		}
		s.nan = s.nan || math.IsNaN(v.F)
		s.floats[v.F] = struct{}{} // -0 and 0 are one key
	case s.typ.Kind == types.Decimal:
		if s.wide == nil {
			s.wide = map[types.Int128]struct{}{}
		}
		s.wide[v.D] = struct{}{}
		if v.D.Fits64() {
			s.addInt(int64(v.D.Lo))
		}
	default:
		s.addInt(v.I)
	}
}

func (s *inSet) addInt(x int64) {
	if s.ints == nil {
		s.ints = map[int64]struct{}{}
	}
	if _, ok := s.ints[x]; !ok && len(s.few) <= fewItems {
		s.few = append(s.few, x)
	}
	s.ints[x] = struct{}{}
}

func (s *inSet) hasInt(x int64) bool {
	if len(s.few) <= fewItems {
		hit := 0
		for _, y := range s.few {
			hit |= kernel.B2I(x == y)
		}
		return hit != 0
	}
	_, ok := s.ints[x]
	return ok
}

// has looks up row i, which is not NULL, of v, flat or dictionary-coded.
func (s *inSet) has(v *vector.Vector, i int) bool {
	var ok bool
	switch v.Phys {
	case types.PhysBytes:
		_, ok = s.strings[string(v.Bytes(i))]
	case types.PhysF64:
		f := v.Float(i)
		if _, ok = s.floats[f]; !ok {
			ok = s.nan && math.IsNaN(f)
		}
	case types.PhysI128:
		_, ok = s.wide[v.Decimal(i)]
	default:
		ok = s.hasInt(v.Int(i))
	}
	return ok
}

// inNode looks an operand up in a set.
type inNode struct {
	operand node
	set     *inSet
	ctx     EvalCtx
}

func (n *inNode) eval(b *vector.Batch, sel []uint16) (*vector.Vector, error) {
	v, err := n.operand.eval(b, sel)
	if err != nil {
		return nil, err
	}
	out := n.ctx.Out(types.Of(types.Bool), b.Len)
	n.ctx.ownValid(out, v)
	for k := range Rows(b.Len, sel) {
		i := k
		if sel != nil {
			i = int(sel[k])
		}
		if v.IsNull(i) {
			continue
		}
		hit := n.set.has(v, i)
		out.I32[i] = int32(kernel.B2I(hit))
		if !hit && n.set.null {
			n.ctx.SetNull(out, i)
		}
	}
	return out, nil
}

// selectRows implements selector.
func (n *inNode) selectRows(b *vector.Batch, sel, dst []uint16) ([]uint16, error) {
	v, err := n.operand.eval(b, sel)
	if err != nil {
		return nil, err
	}
	if v.Codes == nil && len(n.set.few) <= fewItems && (v.Phys == types.PhysI32 || v.Phys == types.PhysI64) {
		if v.Phys == types.PhysI32 {
			dst = selectFew(dst, v.I32[:b.Len], n.set.few, sel)
		} else {
			dst = selectFew(dst, v.I64[:b.Len], n.set.few, sel)
		}
		if v.Valid != nil {
			dst = selectValid(dst, v.Valid, b.Len, dst)
		}
		return dst, nil
	}
	k := 0
	for j := range Rows(b.Len, sel) {
		i := j
		if sel != nil {
			i = int(sel[j])
		}
		dst[k] = uint16(i)
		k += kernel.B2I(!v.IsNull(i) && n.set.has(v, i))
	}
	return dst[:k], nil
}

// selectFew writes to dst the rows of sel (nil: all) whose value is one of a few.
func selectFew[T ~int32 | ~int64](dst []uint16, a []T, few []int64, sel []uint16) []uint16 {
	k := 0
	for j := range Rows(len(a), sel) {
		i := j
		if sel != nil {
			i = int(sel[j])
		}
		x, hit := int64(a[i]), 0
		for _, y := range few {
			hit |= kernel.B2I(x == y)
		}
		dst[k] = uint16(i)
		k += hit
	}
	return dst[:k]
}
