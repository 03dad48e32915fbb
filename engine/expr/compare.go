package expr

import (
	"bytes"
	"math"
	"unsafe"

	"github.com/featuresql/featuresql/engine/expr/kernel"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

var compareOps = map[string]kernel.Op{"=": kernel.EQ, "<>": kernel.NE, "<": kernel.LT, "<=": kernel.LE, ">": kernel.GT, ">=": kernel.GE}

func init() {
	docs := map[string]string{
		"=": "Whether the operands are equal.", "<>": "Whether the operands differ.",
		"<": "Whether a sorts before b.", "<=": "Whether a sorts before b or equals it.",
		">": "Whether a sorts after b.", ">=": "Whether a sorts after b or equals it.",
	}
	for name, op := range compareOps {
		f := &Function{Name: name, Category: "operator", Signature: "a " + name + " b", Doc: docs[name], Strict: true, RawNulls: true,
			Resolve: func(args []Expr) ([]Expr, types.Type, bool, error) { return resolveComparison(name, args) },
			build: func(c *compiler, call *Call) (node, error) {
				return buildComparison(c, call, op)
			}}
		if name == "<>" {
			f.Aliases = []string{"!="}
		}
		Register(f)
	}
	Register(&Function{Name: "<=>", Category: "operator", Signature: "a <=> b", Doc: "Equality that treats NULL as a value; never NULL.",
		Resolve: func(args []Expr) ([]Expr, types.Type, bool, error) {
			out, t, _, err := resolveComparison("<=>", args)
			return out, t, false, err
		}, Eval: evalNullSafeEqual})
}

func resolveComparison(name string, args []Expr) ([]Expr, types.Type, bool, error) {
	if len(args) != 2 {
		return nil, types.Type{}, false, &TypeError{Function: name, Reason: "takes two operands"}
	}
	l, r, err := commonOperands(name, args[0], args[1])
	if err != nil {
		return nil, types.Type{}, false, err
	}
	return []Expr{l, r}, types.Of(types.Bool), l.Nullable() || r.Nullable(), nil
}

// compareNode compares two operands of one type, as a value and as a selection.
type compareNode struct {
	op   kernel.Op
	l, r node
	ctx  EvalCtx
	null vector.Bitmap
}

func buildComparison(c *compiler, call *Call, op kernel.Op) (node, error) {
	args, err := c.compileAll(call.Args)
	if err != nil {
		return nil, err
	}
	n := &compareNode{op: op, l: args[0], r: args[1]}
	n.ctx = EvalCtx{Env: c.env, name: call.Name, text: call.String}
	return n, nil
}

// comparands are the evaluated operands: a flat unless of bytes, b too or a constant.
type comparands struct {
	op     kernel.Op
	a, b   *vector.Vector
	scalar bool // b holds one value for all rows
	null   bool // an operand is NULL in all rows
}

func (n *compareNode) operands(b *vector.Batch, sel []uint16) (comparands, error) {
	l, err := n.l.eval(b, sel)
	if err != nil {
		return comparands{}, err
	}
	r, err := n.r.eval(b, sel)
	if err != nil {
		return comparands{}, err
	}
	c := comparands{op: n.op, a: l, b: r, scalar: isScalar(r)}
	if !c.scalar && isScalar(l) {
		c = comparands{op: n.op.Flip(), a: r, b: l, scalar: true}
	}
	if c.scalar && c.b.Valid != nil {
		c.null = true
		return c, nil
	}
	if c.a.Phys != types.PhysBytes {
		c.a = n.ctx.Flat(0, c.a, sel)
		if !c.scalar {
			c.b = n.ctx.Flat(1, c.b, sel)
		}
	}
	if c.a.Phys != c.b.Phys {
		n.alignDecimals(&c, sel)
	}
	return c, nil
}

// isScalar reports whether v is a constant: one entry, and NULL everywhere or nowhere.
func isScalar(v *vector.Vector) bool { return v.Codes != nil && v.Dict.Len == 1 && v.IsConst() }

// alignDecimals widens a narrow operand, or narrows a constant that fits.
func (n *compareNode) alignDecimals(c *comparands, sel []uint16) {
	if c.scalar && c.a.Phys == types.PhysI64 && c.b.Decimal(0).Fits64() {
		return // scalar64 reads it
	}
	c.a = n.ctx.wide(0, c.a, sel)
	if !c.scalar {
		c.b = n.ctx.wide(1, c.b, sel)
	}
}

// wide returns the decimal operand number k as flat PhysI128.
func (c *EvalCtx) wide(k int, v *vector.Vector, sel []uint16) *vector.Vector {
	if v.Phys == types.PhysI128 {
		return c.Flat(k, v, sel)
	}
	buf := grow(c.i128[k], v.Len)
	c.i128[k] = buf
	f := c.Flat(k, v, sel)
	for j := range Rows(v.Len, sel) {
		i := j
		if sel != nil {
			i = int(sel[j])
		}
		buf[i] = types.Int128From(f.I64[i])
	}
	c.wides[k] = vector.Vector{Type: v.Type, Phys: types.PhysI128, Len: v.Len, Valid: v.Valid, I128: buf}
	return &c.wides[k]
}

func scalar64(v *vector.Vector) int64 {
	if v.Type.Kind == types.Decimal {
		return int64(v.Decimal(0).Lo)
	}
	return v.Int(0)
}

// asUint64 views int64 bits as unsigned.
func asUint64(s []int64) []uint64 {
	if len(s) == 0 {
		return nil
	}
	return unsafe.Slice((*uint64)(unsafe.Pointer(&s[0])), len(s))
}

// selectRows implements selector.
func (n *compareNode) selectRows(b *vector.Batch, sel, dst []uint16) ([]uint16, error) {
	c, err := n.operands(b, sel)
	if err != nil {
		return nil, err
	}
	if c.null {
		return dst[:0], nil
	}
	if c.scalar {
		dst = selectScalar(dst, &c, b.Len, sel)
	} else {
		dst = selectVector(dst, &c, b.Len, sel)
		if c.b.Valid != nil {
			dst = selectValid(dst, c.b.Valid, b.Len, dst)
		}
	}
	if c.a.Valid != nil {
		dst = selectValid(dst, c.a.Valid, b.Len, dst)
	}
	return dst, nil
}

func selectScalar(dst []uint16, c *comparands, n int, sel []uint16) []uint16 {
	switch c.a.Phys {
	case types.PhysI32:
		return kernel.SelectScalar(dst, c.a.I32[:n], int32(c.b.Int(0)), c.op, sel)
	case types.PhysI64:
		if c.a.Type.Kind == types.Uint64 {
			return kernel.SelectScalar(dst, asUint64(c.a.I64[:n]), uint64(c.b.Int(0)), c.op, sel)
		}
		return kernel.SelectScalar(dst, c.a.I64[:n], scalar64(c.b), c.op, sel)
	case types.PhysF64:
		if s := c.b.Float(0); !math.IsNaN(s) {
			return kernel.SelectScalar(dst, c.a.F64[:n], s, c.op, sel)
		}
	case types.PhysI128:
		return kernel.SelectDecimalScalar(dst, c.a.I128[:n], c.b.Decimal(0), c.op, sel)
	case types.PhysBytes:
		if c.a.Codes == nil {
			return kernel.SelectBytesScalar(dst, c.a.Off[:n+1], c.a.Data, c.b.Bytes(0), c.op, sel)
		}
	}
	return selectByRow(dst, c, n, sel)
}

func selectVector(dst []uint16, c *comparands, n int, sel []uint16) []uint16 {
	switch c.a.Phys {
	case types.PhysI32:
		return kernel.SelectVector(dst, c.a.I32[:n], c.b.I32[:n], c.op, sel)
	case types.PhysI64:
		if c.a.Type.Kind == types.Uint64 {
			return kernel.SelectVector(dst, asUint64(c.a.I64[:n]), asUint64(c.b.I64[:n]), c.op, sel)
		}
		return kernel.SelectVector(dst, c.a.I64[:n], c.b.I64[:n], c.op, sel)
	case types.PhysF64:
		return kernel.SelectVector(dst, c.a.F64[:n], c.b.F64[:n], c.op, sel)
	}
	return selectByRow(dst, c, n, sel)
}

// selectByRow serves bytes, 128-bit decimals and comparisons with NaN.
func selectByRow(dst []uint16, c *comparands, n int, sel []uint16) []uint16 {
	k := 0
	for j := range Rows(n, sel) {
		i := j
		if sel != nil {
			i = int(sel[j])
		}
		dst[k] = uint16(i)
		k += kernel.B2I(c.op.Holds(compareRow(c.a, c.b, i)))
	}
	return dst[:k]
}

// compareRow orders row i of two vectors of one type, whatever their layout. A NULL's order is unspecified.
func compareRow(a, b *vector.Vector, i int) int {
	switch a.Phys {
	case types.PhysBytes:
		return bytes.Compare(a.Bytes(i), b.Bytes(i))
	case types.PhysF64:
		return types.CompareFloats(a.Float(i), b.Float(i))
	case types.PhysI128:
		return a.Decimal(i).Cmp(b.Decimal(i))
	}
	if a.Type.Kind == types.Decimal {
		return a.Decimal(i).Cmp(b.Decimal(i))
	}
	x, y := a.Int(i), b.Int(i)
	if a.Type.Kind == types.Uint64 {
		x, y = x^math.MinInt64, y^math.MinInt64
	}
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// eval implements node.
func (n *compareNode) eval(b *vector.Batch, sel []uint16) (*vector.Vector, error) {
	c, err := n.operands(b, sel)
	if err != nil {
		return nil, err
	}
	out := n.ctx.Out(types.Of(types.Bool), b.Len)
	if c.null {
		n.null = grow(n.null, (b.Len+63)/64)
		clear(n.null)
		clear(out.I32)
		out.Valid = n.null
		return out, nil
	}
	if !compareDense(out.I32, &c, b.Len) {
		for j := range Rows(b.Len, sel) {
			i := j
			if sel != nil {
				i = int(sel[j])
			}
			out.I32[i] = int32(kernel.B2I(c.op.Holds(compareRow(c.a, c.b, i))))
		}
	}
	bv := c.b.Valid
	if c.scalar {
		bv = nil
	}
	out.Valid = bothValid(&n.null, c.a.Valid, bv, b.Len)
	return out, nil
}

// bothValid returns the conjunction of two validity bitmaps, computed in buf if it is neither of them.
func bothValid(buf *vector.Bitmap, a, b vector.Bitmap, n int) vector.Bitmap {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	r := grow(*buf, (n+63)/64)
	*buf = r
	for w := range r {
		r[w] = a[w] & b[w]
	}
	return r
}

// compareDense compares all rows of fixed-width operands; it reports whether it could.
func compareDense(dst []int32, c *comparands, n int) bool {
	switch {
	case c.a.Phys == types.PhysI32 && c.scalar:
		kernel.CompareScalar(dst, c.a.I32[:n], int32(c.b.Int(0)), c.op)
	case c.a.Phys == types.PhysI32:
		kernel.CompareVector(dst, c.a.I32[:n], c.b.I32[:n], c.op)
	case c.a.Phys == types.PhysI64 && c.a.Type.Kind == types.Uint64 && c.scalar:
		kernel.CompareScalar(dst, asUint64(c.a.I64[:n]), uint64(c.b.Int(0)), c.op)
	case c.a.Phys == types.PhysI64 && c.a.Type.Kind == types.Uint64:
		kernel.CompareVector(dst, asUint64(c.a.I64[:n]), asUint64(c.b.I64[:n]), c.op)
	case c.a.Phys == types.PhysI64 && c.scalar:
		kernel.CompareScalar(dst, c.a.I64[:n], scalar64(c.b), c.op)
	case c.a.Phys == types.PhysI64:
		kernel.CompareVector(dst, c.a.I64[:n], c.b.I64[:n], c.op)
	case c.a.Phys == types.PhysF64 && c.scalar && !math.IsNaN(c.b.Float(0)):
		kernel.CompareScalar(dst, c.a.F64[:n], c.b.Float(0), c.op)
	case c.a.Phys == types.PhysF64 && !c.scalar:
		kernel.CompareVector(dst, c.a.F64[:n], c.b.F64[:n], c.op)
	default:
		return false
	}
	return true
}

func evalNullSafeEqual(ctx *EvalCtx, args []*vector.Vector, n int, sel []uint16, typ types.Type) (*vector.Vector, error) {
	out := ctx.Out(typ, n)
	a, b := args[0], args[1]
	for j := range Rows(n, sel) {
		i := j
		if sel != nil {
			i = int(sel[j])
		}
		an, bn := a.IsNull(i), b.IsNull(i)
		out.I32[i] = int32(kernel.B2I(an && bn || !an && !bn && compareRow(a, b, i) == 0))
	}
	return out, nil
}
