package parser

import (
	"reflect"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
	ast "github.com/dolthub/vitess/go/vt/sqlparser"
)

// The host binds the names of a SELECT with groups in two ways that lose rows or invent them. It looks the columns of
// HAVING's aggregates up by their bare names, so that one of a later table is not found, or another's is taken. And once
// it has met an aggregate, it takes the first of several columns of one name instead of refusing an ambiguous name. WHERE
// is bound before, and well. And it looks a variable in HAVING up as a column. So what must be bound early is put there, behind the condition, in a Bound, which is true;
// HAVING refers to the aggregates and variables that were bound there.

// Bound is an operand of WHERE that only has its operands bound; its value is true.
type Bound struct {
	clause string         // where the operand was written
	to     sql.Expression // what the operand became when it was bound last
}

// WithResolvedChildren implements ast.Injectable.
func (b *Bound) WithResolvedChildren(children []any) (any, error) {
	e, ok := children[0].(sql.Expression)
	if !ok {
		return nil, &SyntaxError{Reason: "a value is missing in the " + b.clause}
	}
	b.to = e
	return expression.NewLiteral(true, types.Boolean), nil
}

// boundBefore stands where an expression was written that a Bound has bound.
type boundBefore struct{ by *Bound }

// WithResolvedChildren implements ast.Injectable.
func (r boundBefore) WithResolvedChildren([]any) (any, error) { return r.by.to, nil }

// BindsEarly reports whether e is one of the marks that binding names early puts into a tree; they mean no more than
// what they stand for.
func BindsEarly(e ast.Injectable) bool {
	switch e.(type) {
	case *Bound, boundBefore:
		return true
	}
	return false
}

// early collects what a SELECT binds in WHERE.
type early struct {
	sel     *ast.Select
	outputs map[string]bool // names of the select list, which names in later clauses may mean
	star    bool            // the select list has a *, which puts out names that are not known yet
	names   map[string]bool // that are bound already
	bound   ast.Exprs
}

// bindEarly changes a SELECT with aggregates as said above.
func bindEarly(sel *ast.Select) {
	having := sel.Having != nil && (hasAggregate(sel.Having.Expr) || hasVariable(sel.Having.Expr))
	several := len(sel.From) > 1 || len(sel.From) == 1 && isJoin(sel.From[0])
	if !having && !(several && (len(sel.GroupBy) > 0 || hasAggregate(sel.SelectExprs) || hasAggregate(sel.OrderBy))) {
		return
	}
	b := &early{sel: sel, names: map[string]bool{}}
	b.nameOutputs()
	if several {
		b.ambiguities(sel.SelectExprs, "field list", nil)
		if !b.star {
			b.groupByOutput()
			b.ambiguities(sel.GroupBy, "group statement", b.outputs)
			b.ambiguities(sel.OrderBy, "order clause", b.outputs)
			if sel.Having != nil {
				b.ambiguities(sel.Having.Expr, "having clause", b.outputs)
			}
		}
	}
	if having {
		w := walker{expr: b.operand, enter: notSubquery}
		w.walk(reflect.ValueOf(sel.Having))
	}
	for _, e := range b.bound {
		if sel.Where == nil {
			sel.Where = &ast.Where{Type: ast.WhereStr, Expr: e}
			continue
		}
		sel.Where.Expr = &ast.AndExpr{Left: sel.Where.Expr, Right: e}
	}
}

func isJoin(t ast.TableExpr) bool {
	if p, ok := t.(*ast.ParenTableExpr); ok {
		return len(p.Exprs) > 1 || len(p.Exprs) == 1 && isJoin(p.Exprs[0])
	}
	_, join := t.(*ast.JoinTableExpr)
	return join
}

func notSubquery(node any) bool {
	_, sub := node.(*ast.Subquery)
	return !sub
}

// isAggregateCall reports whether e is an aggregate, not over a window.
func isAggregateCall(e any) bool {
	switch f := e.(type) {
	case *ast.FuncExpr:
		return f.IsAggregate() && f.Over == nil || f.Over == nil && aggregates[f.Name.Lowered()]
	case *ast.GroupConcatExpr:
		return true
	}
	return false
}

// hasAggregate reports whether n has an aggregate outside of subqueries.
func hasAggregate(n ast.SQLNode) bool {
	found := false
	_ = ast.Walk(func(n ast.SQLNode) (bool, error) { // the visitor does not fail
		found = found || isAggregateCall(n)
		return !found && notSubquery(n), nil
	}, n)
	return found
}

// namesVariable reports whether e is a user's or a system variable.
func namesVariable(e any) bool {
	c, ok := e.(*ast.ColName)
	return ok && isVariable(c)
}

// hasVariable reports whether n has a variable outside of subqueries.
func hasVariable(n ast.SQLNode) bool {
	found := false
	_ = ast.Walk(func(n ast.SQLNode) (bool, error) { // the visitor does not fail
		found = found || namesVariable(n)
		return !found && notSubquery(n), nil
	}, n)
	return found
}

// bind has e bound in WHERE.
func (b *early) bind(e ast.Expr, clause string) *Bound {
	by := &Bound{clause: clause}
	b.bound = append(b.bound, ast.InjectedExpr{Expression: by, Children: ast.Exprs{e}, Auth: noAuth})
	return by
}

// operand replaces an aggregate or a variable of HAVING.
func (b *early) operand(e ast.Expr) (ast.Expr, error) {
	if !isAggregateCall(e) && !namesVariable(e) {
		return e, nil
	}
	return ast.InjectedExpr{Expression: boundBefore{b.bind(e, "having clause")}, Auth: noAuth}, nil
}

func (b *early) nameOutputs() {
	b.outputs = map[string]bool{}
	for _, x := range b.sel.SelectExprs {
		switch x := x.(type) {
		case *ast.StarExpr:
			b.star = true
		case *ast.AliasedExpr:
			b.outputs[outputName(x)] = true
		}
	}
}

// outputName is the name in lower case that an expression of a select list has by its alias, or as a column.
func outputName(x *ast.AliasedExpr) string {
	if c, ok := x.Expr.(*ast.ColName); ok && x.As.IsEmpty() {
		return c.Name.Lowered()
	}
	return x.As.Lowered()
}

// groupByOutput gives GROUP BY k the table of SELECT t.k: several tables may have a k, and it is this one that is meant.
func (b *early) groupByOutput() {
	for i, g := range b.sel.GroupBy {
		name, ok := g.(*ast.ColName)
		if !ok || !name.Qualifier.IsEmpty() {
			continue
		}
		for _, x := range b.sel.SelectExprs {
			x := x.(*ast.AliasedExpr) //nolint:forcetypeassert // there is no star
			if c, ok := x.Expr.(*ast.ColName); ok && !c.Qualifier.IsEmpty() && c.Name.Equal(name.Name) && outputName(x) == name.Name.Lowered() {
				b.sel.GroupBy[i] = c
				break
			}
		}
	}
}

// ambiguities has the names without a table that a clause reads bound in WHERE, where an ambiguous one is refused; those
// in but may mean something else, outside of aggregates.
func (b *early) ambiguities(n ast.SQLNode, clause string, but map[string]bool) {
	_ = ast.Walk(func(n ast.SQLNode) (bool, error) { // the visitor does not fail
		if len(but) > 0 && isAggregateCall(n) {
			b.ambiguities(n, clause, nil)
			return false, nil
		}
		c, ok := n.(*ast.ColName)
		if !ok {
			return notSubquery(n), nil
		}
		name := c.Name.Lowered()
		if c.Qualifier.IsEmpty() && !isVariable(c) && !but[name] && !b.names[name] {
			b.names[name] = true
			b.bind(c, clause)
		}
		return true, nil
	}, n)
}
