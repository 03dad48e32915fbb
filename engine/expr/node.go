package expr

import (
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// node is one compiled expression. eval returns a vector of b.Len rows of which those in sel (nil: all) are
// defined; it is valid until the next eval of the same node and must not be written to.
type node interface {
	eval(b *vector.Batch, sel []uint16) (*vector.Vector, error)
}

// columnNode reads a column.
type columnNode struct{ col *Column }

func (n *columnNode) eval(b *vector.Batch, _ []uint16) (*vector.Vector, error) {
	if n.col.Index < 0 || n.col.Index >= len(b.Cols) || b.Cols[n.col.Index] == nil {
		return nil, &TypeError{Function: "column " + n.col.Name, Reason: "is not in the batch"}
	}
	return b.Cols[n.col.Index], nil
}

// constNode yields one value for every row.
type constNode struct {
	all *vector.Vector // MaxRows rows
	out vector.Vector
	val types.Value
}

func newConstNode(val types.Value) *constNode {
	return &constNode{val: val, all: vector.NewConst(val, vector.MaxRows)}
}

func (n *constNode) eval(b *vector.Batch, _ []uint16) (*vector.Vector, error) {
	return n.rows(b.Len), nil
}

func (n *constNode) rows(rows int) *vector.Vector {
	if rows > n.all.Len {
		n.all = &vector.Vector{Type: n.val.Type, Phys: n.all.Phys, Len: rows, Dict: n.all.Dict, Codes: make([]int32, rows)}
		if !n.val.Valid {
			n.all.Valid = vector.NewBitmap(rows)
		}
	}
	n.out = *n.all
	n.out.Len, n.out.Codes = rows, n.all.Codes[:rows]
	if n.all.Valid != nil {
		n.out.Valid = n.all.Valid[:(rows+63)/64]
	}
	return &n.out
}

// callNode evaluates the operands, then the function.
type callNode struct {
	call *Call
	fn   *Function
	args []node
	argv []*vector.Vector
	ctx  EvalCtx
	sel  []uint16      // rows without a NULL operand
	null vector.Bitmap // conjunction of the operands' validity

	alias vector.Vector // result of a strict function with the operands' NULLs
}

func (n *callNode) eval(b *vector.Batch, sel []uint16) (*vector.Vector, error) {
	nulls := false
	for i, a := range n.args {
		v, err := a.eval(b, sel)
		if err != nil {
			return nil, err
		}
		n.argv[i] = v
		nulls = nulls || v.Valid != nil
	}
	n.ctx.first = b.First
	if !nulls || !n.fn.Strict || n.fn.RawNulls {
		return n.fn.Eval(&n.ctx, n.argv, b.Len, sel, n.call.Typ)
	}
	return n.evalStrict(b.Len, sel)
}

// evalStrict calls the function for the rows without NULL operands only.
func (n *callNode) evalStrict(rows int, sel []uint16) (*vector.Vector, error) {
	n.null = grow(n.null, (rows+63)/64)
	clear(n.null)
	n.null.SetRange(0, rows)
	for _, v := range n.argv {
		if v.Valid == nil {
			continue
		}
		for w := range n.null {
			n.null[w] &= v.Valid[w]
		}
	}
	n.sel = selectValid(grow(n.sel, Rows(rows, sel)), n.null, rows, sel)
	v, err := n.fn.Eval(&n.ctx, n.argv, rows, n.sel, n.call.Typ)
	if err != nil {
		return nil, err
	}
	if v.Valid != nil {
		for w := range n.null {
			n.null[w] &= v.Valid[w]
		}
	}
	n.alias = *v // v may be an operand: its header stays as it is
	n.alias.Valid = n.null
	return &n.alias, nil
}

// selectValid writes to dst the rows of sel (nil: all n) whose bit is set.
func selectValid(dst []uint16, valid vector.Bitmap, n int, sel []uint16) []uint16 {
	k := 0
	if sel == nil {
		for i := range n {
			dst[k] = uint16(i)
			k += int(valid[i>>6] >> (uint(i) & 63) & 1)
		}
		return dst[:k]
	}
	for _, i := range sel {
		dst[k] = i
		k += int(valid[i>>6] >> (i & 63) & 1)
	}
	return dst[:k]
}

// rowFuncNode calls back row by row.
type rowFuncNode struct {
	fn   *RowFunc
	args []node
	argv []*vector.Vector
	vals []types.Value
	out  vector.Vector
}

func (n *rowFuncNode) eval(b *vector.Batch, sel []uint16) (*vector.Vector, error) {
	for i, a := range n.args {
		v, err := a.eval(b, sel)
		if err != nil {
			return nil, err
		}
		n.argv[i] = v
	}
	n.out = vector.Vector{Type: n.fn.Typ, Phys: n.fn.Typ.Physical(), I32: n.out.I32[:0], I64: n.out.I64[:0],
		F64: n.out.F64[:0], I128: n.out.I128[:0], Off: n.out.Off[:0], Data: n.out.Data[:0]}
	next := 0
	for k := range Rows(b.Len, sel) {
		i := k
		if sel != nil {
			i = int(sel[k])
		}
		for ; next < i; next++ {
			n.out.AppendZero()
		}
		for j, v := range n.argv {
			n.vals[j] = v.Value(i)
		}
		val, err := n.fn.Call(n.vals)
		if err != nil {
			return nil, err
		}
		if val.Valid && !sameLayout(val.Type, n.fn.Typ) {
			return nil, &TypeError{Function: n.fn.Name, Reason: "returned " + val.Type.String() + " instead of " + n.fn.Typ.String()}
		}
		n.out.AppendValue(val)
		next = i + 1
	}
	for ; next < b.Len; next++ {
		n.out.AppendZero()
	}
	if n.out.Phys == types.PhysBytes && len(n.out.Off) == 0 {
		n.out.Off = append(n.out.Off, 0)
	}
	return &n.out, nil
}

// sameLayout reports whether a value of one type may stand in a vector of the other.
func sameLayout(a, b types.Type) bool {
	if a.Kind == types.Decimal || b.Kind == types.Decimal {
		return a.Kind == b.Kind && a.Scale == b.Scale
	}
	return a.Physical() == b.Physical()
}
