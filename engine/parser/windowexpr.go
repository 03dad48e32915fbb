package parser

import (
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation"
	"github.com/dolthub/go-mysql-server/sql/types"
	ast "github.com/dolthub/vitess/go/vt/sqlparser"
)

// WindowExpr is a call over a window: MySQL's window functions, and its aggregate functions with OVER. The planner
// computes it by an operator of its own below the node that holds it; evaluating it is an error.
type WindowExpr struct {
	windowShape
	kids []sql.Expression // operands, PARTITION BY, ORDER BY, distances of the frame
}

// windowShape is a WindowExpr without its expressions.
type windowShape struct {
	Function  string // lower case
	Window    string // its name, for errors
	Desc      []bool // of each ORDER BY expression
	Frame     *WindowFrame
	args      int
	partition int
}

// WindowFrame is an explicit frame; nil stands for MySQL's default frame.
type WindowFrame struct {
	Rows       bool // ROWS; otherwise RANGE
	Start, End WindowBound
}

// WindowBound is one end of a frame.
type WindowBound struct {
	Kind     ast.BoundType
	Unit     string // of an INTERVAL, lower case; empty for a number
	distance int    // 1 + the position among the children; 0: none
}

var _ sql.Expression = (*WindowExpr)(nil)

// Args are the operands; COUNT(*) has none.
func (e *WindowExpr) Args() []sql.Expression { return e.kids[:e.args] }

// PartitionBy are the expressions of PARTITION BY.
func (e *WindowExpr) PartitionBy() []sql.Expression { return e.kids[e.args : e.args+e.partition] }

// OrderBy are the expressions of ORDER BY; Desc says which of them descend.
func (e *WindowExpr) OrderBy() []sql.Expression {
	return e.kids[e.args+e.partition : e.args+e.partition+len(e.Desc)]
}

// Distance is the operand of a bound that has one: a number, or of an interval the number of units. Otherwise nil.
func (e *WindowExpr) Distance(b *WindowBound) sql.Expression {
	if b.distance == 0 {
		return nil
	}
	return e.kids[b.distance-1]
}

// String implements sql.Expression; two calls of one SELECT have the same text only if they are the same.
func (e *WindowExpr) String() string {
	var b strings.Builder
	list := func(before string, es []sql.Expression) {
		for i, x := range es {
			if i == 0 {
				b.WriteString(before)
			} else {
				b.WriteString(", ")
			}
			b.WriteString(x.String())
		}
	}
	b.WriteString(e.Function + "(")
	list("", e.Args())
	b.WriteString(") over (")
	list("partition by ", e.PartitionBy())
	for i, x := range e.OrderBy() {
		fmt.Fprintf(&b, " order by %s %t", x, e.Desc[i])
	}
	if f := e.Frame; f != nil {
		fmt.Fprintf(&b, " rows %t %s to %s", f.Rows, e.boundText(&f.Start), e.boundText(&f.End))
	}
	b.WriteString(")")
	return b.String()
}

func (e *WindowExpr) boundText(b *WindowBound) string {
	if d := e.Distance(b); d != nil {
		return fmt.Sprintf("%d %s %s", b.Kind, d, b.Unit)
	}
	return fmt.Sprint(b.Kind)
}

// Resolved implements sql.Expression.
func (e *WindowExpr) Resolved() bool {
	for _, k := range e.kids {
		if !k.Resolved() {
			return false
		}
	}
	return true
}

// Type implements sql.Expression: the host's view, which the planner's replaces where they differ.
func (e *WindowExpr) Type() sql.Type {
	switch e.Function {
	case "row_number", "rank", "dense_rank", "ntile", "count":
		return types.Int64
	case "percent_rank", "cume_dist", "std", "stddev", "stddev_pop", "stddev_samp", "variance", "var_pop", "var_samp":
		return types.Float64
	case "bit_and", "bit_or", "bit_xor":
		return types.Uint64
	case "json_arrayagg", "json_objectagg":
		return types.JSON
	}
	if e.args == 0 {
		return types.Null
	}
	switch e.Function {
	case "sum":
		return aggregation.NewSum(e.kids[0]).Type()
	case "avg":
		return aggregation.NewAvg(e.kids[0]).Type()
	}
	return e.kids[0].Type()
}

// IsNullable implements sql.Expression.
func (e *WindowExpr) IsNullable() bool {
	switch e.Function {
	case "row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "count", "bit_and", "bit_or", "bit_xor":
		return false
	}
	return true
}

// Children implements sql.Expression.
func (e *WindowExpr) Children() []sql.Expression { return e.kids }

// WithChildren implements sql.Expression.
func (e *WindowExpr) WithChildren(c ...sql.Expression) (sql.Expression, error) {
	if len(c) != len(e.kids) {
		return nil, sql.ErrInvalidChildrenNumber.New(e, len(c), len(e.kids))
	}
	return &WindowExpr{windowShape: e.windowShape, kids: c}, nil
}

// Eval implements sql.Expression.
func (e *WindowExpr) Eval(*sql.Context, sql.Row) (any, error) {
	return nil, misplacedWindow(e.Function)
}
