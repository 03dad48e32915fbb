package parser

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	ast "github.com/dolthub/vitess/go/vt/sqlparser"
)

// GroupFunctionError says that an aggregate stands where there are no groups: in WHERE, ON, GROUP BY or SET, or within
// another aggregate.
type GroupFunctionError struct{ Function string }

func (e *GroupFunctionError) Error() string {
	return "Invalid use of group function: " + e.Function + "() can only be in the select list, HAVING and ORDER BY, and not within another aggregate"
}

// WindowContextError says that a window function stands where the rows of its window are not known.
type WindowContextError struct{ Function string }

func (e *WindowContextError) Error() string {
	return "You cannot use the window function '" + e.Function + "' in this context: it can only be in the select list and ORDER BY"
}

// DuplicateAliasError says that two tables of a FROM clause have one name.
type DuplicateAliasError struct{ Alias string }

func (e *DuplicateAliasError) Error() string { return "Not unique table/alias: '" + e.Alias + "'" }

// UnionOrderError says that the ORDER BY of a UNION has an aggregate.
type UnionOrderError struct{ At int } // from 1

func (e *UnionOrderError) Error() string {
	return fmt.Sprintf("Expression #%d of ORDER BY contains aggregate function and applies to a UNION", e.At)
}

// place says which functions of many rows may stand in a clause.
type place struct{ aggregates, windows bool }

// check refuses aggregates and window functions where they have no meaning, and tables of one name, in every query
// of a statement; the host binds them to columns that are not there.
func check(st ast.Statement) error {
	if ddl, ok := st.(*ast.DDL); ok && ddl.ViewSpec != nil {
		return checkNode(ddl.ViewSpec.ViewExpr)
	}
	return checkNode(st)
}

// cutBeforeCast makes CAST(x AS CHAR(n)) and CAST(x AS BINARY(n)) cut x itself, and the latter fill it up with zero bytes: the
// host leaves a cast between equal types out, and its length with it, and does not fill.
func cutBeforeCast(c *ast.ConvertExpr) {
	if c.Type == nil || c.Type.Length == nil {
		return
	}
	operand := &ast.AliasedExpr{Expr: &ast.ConvertExpr{Name: "cast", Expr: c.Expr, Type: &ast.ConvertType{Type: c.Type.Type}}}
	length := &ast.AliasedExpr{Expr: c.Type.Length}
	switch to := strings.ToLower(c.Type.Type); {
	case strings.Contains(to, "char"):
		c.Expr = &ast.FuncExpr{Name: ast.NewColIdent("left"), Exprs: ast.SelectExprs{operand, length}}
	case to == "binary":
		zero := &ast.AliasedExpr{Expr: ast.NewHexVal([]byte("00"))}
		c.Expr = &ast.FuncExpr{Name: ast.NewColIdent("rpad"), Exprs: ast.SelectExprs{operand, length, zero}}
	default:
		return
	}
	c.Type = &ast.ConvertType{Type: c.Type.Type, Charset: c.Type.Charset, Operator: c.Type.Operator}
}

// checkNode checks the queries at and below n.
func checkNode(n ast.SQLNode) error {
	separate(n, nil)
	var visit ast.Visit
	visit = func(n ast.SQLNode) (bool, error) {
		switch n := n.(type) {
		case *ast.ConvertExpr:
			cutBeforeCast(n)
		case *ast.Default:
			if n.ColName != "" {
				return false, &UnsupportedError{"DEFAULT outside the values of INSERT and UPDATE"}
			}
		case *ast.ComparisonExpr:
			exactOperands(n)
		case *ast.Select:
			return true, checkSelect(n)
		case *ast.SetOp:
			if sel := firstSelect(n); sel != nil && len(n.OrderBy) > 0 {
				nameExpressions(sel, true)
			}
			for i, o := range n.OrderBy {
				if (place{}).check(o.Expr) != nil {
					return false, &UnionOrderError{At: i + 1}
				}
			}
			if err := ast.Walk(visit, n.With, n.OrderBy); err != nil { // these it does not walk into itself
				return false, err
			}
		}
		return true, nil
	}
	return ast.Walk(visit, n)
}

// nameExpressions gives the expressions of a select list aliases, if need be also the constants: where ORDER BY 1 is above
// what the list has computed, the host computes an expression without one again, from columns that are not there.
func nameExpressions(sel *ast.Select, constants bool) {
	for _, x := range sel.SelectExprs {
		a, ok := x.(*ast.AliasedExpr)
		if !ok || !a.As.IsEmpty() {
			continue
		}
		switch a.Expr.(type) {
		case *ast.ColName:
			continue
		case *ast.SQLVal:
			if !constants {
				continue
			}
		}
		name := a.InputExpression
		if name == "" {
			name = ast.String(a.Expr)
		}
		a.As = ast.NewColIdent(name)
	}
}

// ordinal is the position in the select list that an item of ORDER BY names; 0: none.
func ordinal(o *ast.Order) int {
	v, ok := o.Expr.(*ast.SQLVal)
	if !ok || v.Type != ast.IntVal {
		return 0
	}
	n, _ := strconv.Atoi(string(v.Val)) // 0 if it is too large
	return n
}

// orderByNames replaces positions in ORDER BY by the aliases of the expressions there.
func orderByNames(s *ast.Select) {
	names := map[string]int{}
	for _, x := range s.SelectExprs {
		a, ok := x.(*ast.AliasedExpr)
		if !ok {
			return // a star: it is not known yet what is where
		}
		names[outputName(a)]++
	}
	for _, o := range s.OrderBy {
		n := ordinal(o)
		if n < 1 || n > len(s.SelectExprs) {
			continue
		}
		a := s.SelectExprs[n-1].(*ast.AliasedExpr) //nolint:forcetypeassert // there is no star
		if _, column := a.Expr.(*ast.ColName); !column && !a.As.IsEmpty() && names[outputName(a)] == 1 {
			o.Expr = &ast.ColName{Name: a.As}
		}
	}
}

// firstSelect returns the leftmost SELECT, whose columns name those of the set operation.
func firstSelect(n ast.SQLNode) *ast.Select {
	switch n := n.(type) {
	case *ast.SetOp:
		return firstSelect(n.Left)
	case *ast.ParenSelect:
		return firstSelect(n.Select)
	case *ast.Select:
		return n
	}
	return nil
}

// check does for a compiled statement what the function does for one of the host's: what it assigns is computed row
// by row.
func (in *compiled) check() error {
	_, isInsert := in.stmt.(*Insert)
	for i, c := range in.children {
		if c.query == nil {
			for _, row := range c.rows {
				if err := (place{}).check(ast.Exprs(row)); err != nil {
					return err
				}
			}
			continue
		}
		if err := checkNode(c.query); err != nil {
			return err
		}
		if err := checkVersioned(c.query, nil); err != nil {
			return err
		}
		switch in.stmt.(type) {
		case *Update, *Merge, *Insert:
			if sel, ok := c.query.(*ast.Select); ok && (i > 0 || !isInsert) {
				if err := (place{}).check(sel.SelectExprs); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func checkSelect(s *ast.Select) error {
	if s.With != nil {
		defined := map[string]bool{}
		for _, cte := range s.With.Ctes {
			name := strings.ToLower(cte.As.String())
			if defined[name] {
				return &DuplicateAliasError{cte.As.String()}
			}
			defined[name] = true
			if err := checkNode(cte.Expr); err != nil {
				return err
			}
		}
	}
	names := map[string]bool{}
	for _, t := range s.From {
		if err := checkTable(t, names); err != nil {
			return err
		}
	}
	nameApart(s)
	if s.QueryOpts.Distinct && slices.ContainsFunc(s.OrderBy, func(o *ast.Order) bool { return ordinal(o) > 0 }) {
		nameExpressions(s, false)
		orderByNames(s)
	}
	if s.Where != nil {
		if err := (place{}).check(s.Where.Expr); err != nil {
			return err
		}
	}
	if err := (place{}).check(s.GroupBy); err != nil {
		return err
	}
	if s.Having != nil {
		if err := (place{aggregates: true}).check(s.Having.Expr); err != nil {
			return err
		}
	}
	both := place{aggregates: true, windows: true}
	if err := both.check(s.SelectExprs); err != nil {
		return err
	}
	if err := both.check(s.OrderBy); err != nil {
		return err
	}
	separateRepeated(s)
	bindEarly(s)
	return nil
}

// checkTable collects the names of the tables of t, and checks its join conditions.
func checkTable(t ast.TableExpr, names map[string]bool) error {
	switch t := t.(type) {
	case *ast.AliasedTableExpr:
		db, name := "", t.As.String()
		if n, ok := t.Expr.(ast.TableName); ok {
			db = n.DbQualifier.String()
			if name == "" {
				name = n.Name.String()
			}
		}
		key := strings.ToLower(db + "." + name)
		if name != "" && names[key] {
			return &DuplicateAliasError{name}
		}
		names[key] = true
	case *ast.ParenTableExpr:
		for _, e := range t.Exprs {
			if err := checkTable(e, names); err != nil {
				return err
			}
		}
	case *ast.JoinTableExpr:
		if err := checkTable(t.LeftExpr, names); err != nil {
			return err
		}
		if err := checkTable(t.RightExpr, names); err != nil {
			return err
		}
		if t.Condition.On != nil {
			return (place{}).check(t.Condition.On)
		}
	}
	return nil
}

// check looks for functions of many rows in n that p does not take. Subqueries are looked at on their own.
func (p place) check(n ast.SQLNode) error {
	return ast.Walk(func(n ast.SQLNode) (bool, error) {
		switch f := n.(type) {
		case *ast.Subquery:
			return false, nil
		case ast.InjectedExpr:
			_, early := f.Expression.(*Bound)
			return !early, nil
		case *ast.FuncExpr:
			switch {
			case f.Over != nil && !p.windows:
				return false, &WindowContextError{f.Name.Lowered()}
			case f.Over != nil:
				return false, place{aggregates: p.aggregates}.all(f.Exprs, f.Over)
			case f.IsAggregate() && !p.aggregates:
				return false, &GroupFunctionError{f.Name.Lowered()}
			case f.IsAggregate():
				return false, place{}.all(f.Exprs)
			}
		case *ast.GroupConcatExpr:
			if !p.aggregates {
				return false, &GroupFunctionError{"group_concat"}
			}
			return false, place{}.all(f.Exprs, f.OrderBy)
		}
		return true, nil
	}, n)
}

func (p place) all(nodes ...ast.SQLNode) error {
	for _, n := range nodes {
		if err := p.check(n); err != nil {
			return err
		}
	}
	return nil
}
