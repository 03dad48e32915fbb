package parser

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/types"
	ast "github.com/dolthub/vitess/go/vt/sqlparser"
)

// The host's grammar has no ANY, SOME and ALL before a subquery. x < ANY (SELECT …) becomes x < featuresql_any | (SELECT …),
// and that an expression of its own, or IN.
const (
	markAny  = "featuresql_any"
	markSome = "featuresql_some"
	markAll  = "featuresql_all"
)

var opposites = map[string]string{"=": "<>", "!=": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}

// quantified marks ANY, SOME or ALL at i if it stands between a comparison and a subquery.
func (r *rewriter) quantified(i int) {
	if r.punct(i-1, '=') || r.punct(i-1, '<') || r.punct(i-1, '>') {
		word := r.at(i)
		r.edits = append(r.edits, edit{word.start, word.start, ownPrefix}, edit{word.end, word.end, " |"})
		r.marked = true
	}
}

// Quantified is left op ANY (a subquery), which is true where a row of the subquery makes the comparison true, NULL where
// none does and one is not known, and false elsewhere.
type Quantified struct {
	Op    string // <>, <, <=, > or >=
	Left  sql.Expression
	Query *plan.Subquery
}

func (e *Quantified) String() string {
	return e.Left.String() + " " + e.Op + " any " + e.Query.String()
}

// Resolved implements sql.Expression.
func (e *Quantified) Resolved() bool { return e.Left.Resolved() && e.Query.Resolved() }

// Type implements sql.Expression.
func (e *Quantified) Type() sql.Type { return types.Boolean }

// IsNullable implements sql.Expression.
func (e *Quantified) IsNullable() bool { return true }

// Children implements sql.Expression.
func (e *Quantified) Children() []sql.Expression { return []sql.Expression{e.Left, e.Query} }

// WithChildren implements sql.Expression.
func (e *Quantified) WithChildren(c ...sql.Expression) (sql.Expression, error) {
	if len(c) != 2 {
		return nil, sql.ErrInvalidChildrenNumber.New(e, len(c), 2)
	}
	query, ok := c[1].(*plan.Subquery)
	if !ok {
		return nil, &SyntaxError{Reason: "ANY, SOME and ALL take a subquery"}
	}
	return &Quantified{e.Op, c[0], query}, nil
}

// Eval implements sql.Expression; the planner computes it.
func (e *Quantified) Eval(*sql.Context, sql.Row) (any, error) {
	return nil, &UnsupportedError{e.Op + " ANY (SELECT …) in this place"}
}

type quantifiedInjectable string // the operator

// WithResolvedChildren implements ast.Injectable.
func (op quantifiedInjectable) WithResolvedChildren(children []any) (any, error) {
	left, ok := children[0].(sql.Expression)
	query, is := children[1].(*plan.Subquery)
	if !ok || !is {
		return nil, &SyntaxError{Reason: "ANY, SOME and ALL take a subquery"}
	}
	return &Quantified{string(op), left, query}, nil
}

// injectQuantified puts the expression in place of its mark; x op ALL (…) is NOT (x opposite ANY (…)).
func injectQuantified(e *ast.ComparisonExpr) (ast.Expr, error) {
	b, ok := e.Right.(*ast.BinaryExpr)
	if !ok || b.Operator != ast.BitOrStr {
		return e, nil
	}
	mark, ok := b.Left.(*ast.ColName)
	if !ok {
		return e, nil
	}
	op, all := e.Operator, false
	switch mark.Name.Lowered() {
	case markAll:
		op, all = opposites[e.Operator], true
	case markAny, markSome:
	default:
		return e, nil
	}
	query, ok := b.Right.(*ast.Subquery)
	if _, known := opposites[e.Operator]; !ok || !known {
		return nil, &SyntaxError{Reason: "ANY, SOME and ALL stand between =, <>, <, <=, > or >= and a subquery"}
	}
	var out ast.Expr
	switch {
	case op == "=" && all:
		return &ast.ComparisonExpr{Operator: ast.NotInStr, Left: e.Left, Right: query}, nil
	case op == "=":
		return &ast.ComparisonExpr{Operator: ast.InStr, Left: e.Left, Right: query}, nil
	case op == "!=":
		op = "<>"
		fallthrough
	default:
		out = ast.InjectedExpr{Expression: quantifiedInjectable(op), Children: ast.Exprs{e.Left, query}, Auth: noAuth}
	}
	if all {
		out = &ast.NotExpr{Expr: out}
	}
	return out, nil
}
