package parser

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	hosttypes "github.com/dolthub/go-mysql-server/sql/types"
	ast "github.com/dolthub/vitess/go/vt/sqlparser"
	"github.com/shopspring/decimal"
)

// The host converts a constant that is compared with a column to the column's type where the type is as wide, and
// rounds a decimal on the way: n = 1.5 becomes n = 2 for a DECIMAL(10,0). Exact hides constants from it.

// Exact is a constant that is compared as it was written; its value is the child's.
type Exact struct{ expression.UnaryExpression }

var _ sql.Expression = (*Exact)(nil)

func (e *Exact) String() string { return e.Child.String() }

// Type implements sql.Expression.
func (e *Exact) Type() sql.Type { return e.Child.Type() }

// WithChildren implements sql.Expression.
func (e *Exact) WithChildren(c ...sql.Expression) (sql.Expression, error) {
	if len(c) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(e, len(c), 1)
	}
	return &Exact{expression.UnaryExpression{Child: c[0]}}, nil
}

// Eval implements sql.Expression.
func (e *Exact) Eval(ctx *sql.Context, row sql.Row) (any, error) { return e.Child.Eval(ctx, row) }

type exactInjectable struct{}

// WithResolvedChildren implements ast.Injectable.
func (exactInjectable) WithResolvedChildren(children []any) (any, error) {
	child, ok := children[0].(sql.Expression)
	if !ok {
		return nil, &SyntaxError{Reason: "a comparison takes values"}
	}
	if l, ok := child.(*expression.Literal); ok {
		if text, ok := l.Val.(string); ok { // more digits than the host's DECIMAL has
			if d, err := decimal.NewFromString(text); err == nil {
				child = expression.NewLiteral(d, hosttypes.MustCreateDecimalType(hosttypes.DecimalTypeMaxPrecision, hosttypes.DecimalTypeMaxScale))
			}
		}
	}
	return &Exact{expression.UnaryExpression{Child: child}}, nil
}

// exactOperands hides the decimals that a comparison compares from the host.
func exactOperands(c *ast.ComparisonExpr) {
	c.Left, c.Right = ExactOperand(c.Left), ExactOperand(c.Right)
}

// ExactOperand returns the expression, hidden from the host if it is a decimal.
func ExactOperand(e ast.Expr) ast.Expr {
	constant := e
	for {
		switch n := constant.(type) {
		case *ast.ParenExpr:
			constant = n.Expr
			continue
		case *ast.UnaryExpr:
			if n.Operator == ast.MinusStr || n.Operator == ast.PlusStr {
				constant = n.Expr
				continue
			}
		case *ast.SQLVal:
			if n.Type == ast.FloatVal {
				return ast.InjectedExpr{Expression: exactInjectable{}, Children: ast.Exprs{e}, Auth: noAuth}
			}
		}
		return e
	}
}
