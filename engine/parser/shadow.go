package parser

import (
	"maps"
	"strings"

	ast "github.com/dolthub/vitess/go/vt/sqlparser"
)

// separate keeps the aggregates of a subquery apart from those of the queries around it. The host takes an aggregate
// for that of an outer query if both read alike (the same function over columns of tables of the same name), as in
//
//	SELECT sum(b), (SELECT sum(b) FROM p WHERE a = 1) FROM p
//
// which would give the outer sum twice. Where the text is the same, the inner operand becomes coalesce(operand),
// which has its value and its type.
func separate(n ast.SQLNode, outer map[string]bool) {
	_ = ast.Walk(func(n ast.SQLNode) (bool, error) { // it fails with what the visitor fails with
		if op, ok := n.(*ast.SetOp); ok { // whose walk leaves these out
			separate(op.With, outer)
			separate(op.OrderBy, outer)
		}
		sel, ok := n.(*ast.Select)
		if !ok {
			return true, nil
		}
		own, nested := aggregatesOf(sel)
		if len(nested) == 0 && len(outer) == 0 {
			return false, nil
		}
		seen := maps.Clone(outer)
		if seen == nil {
			seen = map[string]bool{}
		}
		for _, f := range own {
			for outer[textOf(f)] {
				a := f.Exprs[0].(*ast.AliasedExpr)
				wrapped := *a
				wrapped.Expr = &ast.FuncExpr{Name: ast.NewColIdent("coalesce"), Exprs: ast.SelectExprs{&ast.AliasedExpr{Expr: a.Expr}}}
				f.Exprs[0] = &wrapped
			}
			seen[textOf(f)] = true
		}
		for _, sq := range nested {
			separate(sq, seen)
		}
		return false, nil
	}, n)
}

func textOf(f *ast.FuncExpr) string { return strings.ToLower(ast.String(f)) }

// aggregatesOf lists the aggregates over an expression, and the subqueries, of a SELECT itself.
func aggregatesOf(s *ast.Select) (own []*ast.FuncExpr, nested []ast.SQLNode) {
	_ = ast.Walk(func(n ast.SQLNode) (bool, error) { // it fails with what the visitor fails with
		switch n := n.(type) {
		case *ast.Subquery:
			nested = append(nested, n.Select)
			return false, nil
		case *ast.FuncExpr:
			if n.IsAggregate() && n.Over == nil && len(n.Exprs) > 0 {
				if _, ok := n.Exprs[0].(*ast.AliasedExpr); ok {
					own = append(own, n)
				}
			}
		}
		return true, nil
	}, s.From, s.Where, s.SelectExprs, s.Having, s.OrderBy)
	if s.With != nil {
		for _, cte := range s.With.Ctes {
			nested = append(nested, cte.Expr)
		}
	}
	return own, nested
}
