package parser

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	ast "github.com/dolthub/vitess/go/vt/sqlparser"
)

// The host takes an aggregate in a subquery for one of the enclosing query if both have the same text: HAVING sum(b) >
// (SELECT sum(b) FROM t) then compares a sum with itself. OwnArgument gives those of every subquery a text of their own.

// OwnArgument is the argument of an aggregate of a subquery, or an aggregate that a select list repeats; its value is
// the child's.
type OwnArgument struct {
	expression.UnaryExpression
	Subquery int // its number; 0: none
}

var _ sql.Expression = (*OwnArgument)(nil)

func (e *OwnArgument) String() string { return fmt.Sprintf("%s /* %d */", e.Child, e.Subquery) }

// Type implements sql.Expression.
func (e *OwnArgument) Type() sql.Type { return e.Child.Type() }

// WithChildren implements sql.Expression.
func (e *OwnArgument) WithChildren(c ...sql.Expression) (sql.Expression, error) {
	if len(c) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(e, len(c), 1)
	}
	return &OwnArgument{expression.UnaryExpression{Child: c[0]}, e.Subquery}, nil
}

// Eval implements sql.Expression.
func (e *OwnArgument) Eval(ctx *sql.Context, row sql.Row) (any, error) {
	return e.Child.Eval(ctx, row)
}

type ownArgumentInjectable int // the subquery's number

// WithResolvedChildren implements ast.Injectable.
func (n ownArgumentInjectable) WithResolvedChildren(children []any) (any, error) {
	child, ok := children[0].(sql.Expression)
	if !ok {
		return nil, &SyntaxError{Reason: "an aggregate takes a value"}
	}
	return &OwnArgument{expression.UnaryExpression{Child: child}, int(n)}, nil
}

// hasSubquery reports whether a SELECT stands in parentheses.
func (s *statement) hasSubquery() bool {
	for i := range s.toks {
		if s.is(i, "select", "with") && i > 0 && s.text(i-1) == "(" {
			return true
		}
	}
	return false
}

// ownAggregates marks the aggregates of every subquery that is used as a value.
func ownAggregates(st ast.Statement) {
	derived := map[*ast.Subquery]bool{}
	number := 0
	w := walker{enter: func(node any) bool {
		switch n := node.(type) {
		case *ast.AliasedTableExpr:
			if s, ok := n.Expr.(*ast.Subquery); ok {
				derived[s] = true
			}
		case *ast.Subquery:
			if !derived[n] {
				number++
				markAggregates(n, number)
			}
		}
		return true
	}}
	w.walk(reflect.ValueOf(st))
}

// markAggregates marks the aggregates of one subquery, not those of subqueries in it.
func markAggregates(s *ast.Subquery, number int) {
	w := walker{enter: func(node any) bool {
		switch n := node.(type) {
		case *ast.Subquery:
			return n == s
		case *ast.FuncExpr:
			if n.Over == nil && aggregates[n.Name.Lowered()] {
				markArguments(n.Exprs, number)
				return false
			}
		}
		return true
	}}
	w.walk(reflect.ValueOf(s))
}

// aggregates are the functions that the host computes in a GROUP BY and finds again by their text.
var aggregates = map[string]bool{"avg": true, "bit_and": true, "bit_or": true, "bit_xor": true, "count": true, "max": true, "min": true, "std": true,
	"stddev": true, "stddev_pop": true, "stddev_samp": true, "sum": true, "var_pop": true, "var_samp": true, "variance": true, "any_value": true}

// separateRepeated marks the expressions of a select list that have the text of an earlier one: the host takes the second
// COUNT(1) for the name of the first, which one list may not use.
func separateRepeated(sel *ast.Select) {
	seen := map[string]bool{}
	for _, x := range sel.SelectExprs {
		a, ok := x.(*ast.AliasedExpr)
		if !ok || !a.As.IsEmpty() || !isAggregateCall(a.Expr) {
			continue
		}
		text := strings.ToLower(a.InputExpression)
		if seen[text] {
			a.Expr = ast.InjectedExpr{Expression: ownArgumentInjectable(0), Children: ast.Exprs{a.Expr}, Auth: noAuth}
		}
		seen[text] = true
	}
}

func markArguments(list ast.SelectExprs, number int) {
	for _, x := range list {
		if a, ok := x.(*ast.AliasedExpr); ok {
			a.Expr = ast.InjectedExpr{Expression: ownArgumentInjectable(number), Children: ast.Exprs{a.Expr}, Auth: noAuth}
		}
	}
}
