package expr

import "github.com/featuresql/featuresql/engine/vector"

// letNode evaluates an operand once for a body that reads it several times, as a column behind those of the batch.
type letNode struct {
	operand node
	column  *Column
	body    node
	batch   vector.Batch
}

// compileLet compiles operand and, by build, an expression over a column that stands for it. e is the call that both
// belong to.
func (c *compiler) compileLet(e *Call, operand Expr, build func(Expr) (Expr, error)) (node, error) {
	switch operand.(type) {
	case *Column, *Literal: // nothing to share
		body, err := build(operand)
		if err != nil {
			return nil, err
		}
		return c.compile(body)
	}
	index := 0
	if cols := Columns(e); len(cols) > 0 {
		index = cols[len(cols)-1] + 1
	}
	col := &Column{Index: index, Name: operand.String(), Typ: operand.Type(), Null: operand.Nullable()}
	body, err := build(col)
	if err != nil {
		return nil, err
	}
	n := &letNode{column: col}
	if n.operand, err = c.compile(operand); err != nil {
		return nil, err
	}
	n.body, err = c.compile(body)
	return n, err
}

func (n *letNode) eval(b *vector.Batch, sel []uint16) (*vector.Vector, error) {
	v, err := n.operand.eval(b, sel)
	if err != nil {
		return nil, err
	}
	at := n.column.Index
	if len(n.batch.Cols) <= at {
		n.batch.Cols = make([]*vector.Vector, at+1)
	}
	clear(n.batch.Cols)
	copy(n.batch.Cols[:at], b.Cols)
	n.batch.Len, n.batch.Cols[at] = b.Len, v
	return n.body.eval(&n.batch, sel)
}
