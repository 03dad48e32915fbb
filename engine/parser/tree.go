package parser

import (
	"reflect"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	ast "github.com/dolthub/vitess/go/vt/sqlparser"
)

// The host's syntax tree is walked by reflection: its own Walk leaves out several places where a table or an
// expression can stand (bodies of views, SHOW, EXPLAIN, window clauses).

var (
	exprType      = reflect.TypeFor[ast.Expr]()
	statementType = reflect.TypeFor[ast.Statement]()
	noAuth        = ast.AuthInformation{AuthType: ast.AuthType_IGNORE}
)

// walker visits a syntax tree. expr may replace an expression before its operands are visited; enter may stop the
// walk from going into a node.
type walker struct {
	expr  func(ast.Expr) (ast.Expr, error)
	enter func(node any) bool
	err   error
}

func (w *walker) walk(v reflect.Value) {
	if w.err != nil {
		return
	}
	switch v.Kind() {
	case reflect.Interface:
		w.iface(v)
	case reflect.Pointer:
		if !v.IsNil() && (w.enter == nil || w.enter(v.Interface())) {
			w.walk(v.Elem())
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		for i := range v.Len() {
			w.walk(v.Index(i))
		}
	case reflect.Struct:
		t := v.Type()
		for i := range v.NumField() {
			if t.Field(i).IsExported() {
				w.walk(v.Field(i))
			}
		}
	}
}

// iface visits what an interface holds; a struct held by value is copied, visited and put back.
func (w *walker) iface(v reflect.Value) {
	if v.IsNil() {
		return
	}
	if w.expr != nil && v.Type() == exprType {
		e, err := w.expr(v.Interface().(ast.Expr))
		if err != nil {
			w.err = err
			return
		}
		v.Set(reflect.ValueOf(e))
	}
	e := v.Elem()
	if e.Kind() == reflect.Struct && v.CanSet() {
		c := reflect.New(e.Type())
		c.Elem().Set(e)
		w.walk(c.Elem())
		v.Set(c.Elem())
		return
	}
	w.walk(e)
}

// resolveMarks takes the rewriter's marks out of a tree and injects what they stand for.
func resolveMarks(st ast.Statement) (ast.Statement, error) {
	w := walker{expr: resolveExpr, enter: resolveNode}
	holder := reflect.New(statementType).Elem()
	holder.Set(reflect.ValueOf(st))
	if err := resolveWindows(st); err != nil {
		return nil, err
	}
	w.walk(holder)
	if w.err != nil {
		return nil, w.err
	}
	return holder.Interface().(ast.Statement), nil
}

// resolveNode injects the AS OF expressions that node holds itself.
func resolveNode(node any) bool {
	switch n := node.(type) {
	case *ast.AliasedExpr:
		n.InputExpression = withoutMark(n.InputExpression)
	case *ast.AsOf:
		n.Time = injectAsOf(n.Time)
	case *ast.ShowTablesOpt:
		n.AsOf = injectAsOf(n.AsOf)
	case *ast.Call:
		n.AsOf = injectAsOf(n.AsOf)
	}
	return true
}

func injectAsOf(e ast.Expr) ast.Expr {
	if e == nil {
		return nil
	}
	if _, done := e.(ast.InjectedExpr); done {
		return e
	}
	e, want := untag(e)
	return ast.InjectedExpr{Expression: asOfInjectable(want), Children: ast.Exprs{e}, Auth: noAuth}
}

// untag removes the tag, the leftmost operand of |.
func untag(e ast.Expr) (ast.Expr, tag) {
	b, ok := e.(*ast.BinaryExpr)
	if !ok || b.Operator != ast.BitOrStr {
		return e, tagAny
	}
	if c, ok := b.Left.(*ast.ColName); ok && c.Qualifier.IsEmpty() {
		switch c.Name.Lowered() {
		case markVersion:
			return b.Right, tagVersion
		case markTimestamp:
			return b.Right, tagTimestamp
		}
	}
	left, want := untag(b.Left)
	b.Left = left
	return e, want
}

type asOfInjectable tag

// WithResolvedChildren implements ast.Injectable.
func (t asOfInjectable) WithResolvedChildren(children []any) (any, error) {
	e, ok := children[0].(sql.Expression)
	if !ok {
		return nil, &AsOfError{"expression", "not a value"}
	}
	return &asOfExpr{expression.UnaryExpression{Child: e}, tag(t)}, nil
}

// resolveExpr turns a marked ON condition into one with an AsOfCondition.
func resolveExpr(e ast.Expr) (ast.Expr, error) {
	switch e := e.(type) {
	case *ast.AndExpr, *ast.OrExpr, *ast.XorExpr:
		return resolveJoin(e)
	case *ast.ComparisonExpr:
		return injectQuantified(e)
	case *ast.FuncExpr:
		switch e.Name.Lowered() {
		case markAsOfJoin:
			return resolveJoin(e)
		case markRollup, markGrouping:
			return injectRollup(e)
		}
	}
	return dialectExpr(e), nil
}

// resolveJoin handles the condition e if its leftmost leaf is the mark of an ASOF JOIN.
func resolveJoin(e ast.Expr) (ast.Expr, error) {
	f := leftmost(e)
	if f == nil {
		return e, nil
	}
	rest := without(e, f)
	if len(f.Exprs) == 1 { // MATCH_CONDITION
		a, ok := f.Exprs[0].(*ast.AliasedExpr)
		if !ok {
			return nil, &SyntaxError{Reason: "MATCH_CONDITION needs one comparison"}
		}
		m, err := asOfCondition(unparen(a.Expr))
		if err != nil || rest == nil {
			return m, err
		}
		return &ast.AndExpr{Left: m, Right: rest}, nil
	}
	conjuncts := splitAnd(rest, nil)
	found := -1
	for i, c := range conjuncts {
		if cmp, ok := unparen(c).(*ast.ComparisonExpr); ok && strings.ContainsAny(cmp.Operator, "<>") && cmp.Operator != ast.NotEqualStr && cmp.Operator != ast.NullSafeEqualStr {
			if found >= 0 {
				return nil, &SyntaxError{Reason: "ASOF JOIN takes one comparison of times (>=, >, <= or <) in ON, there are several"}
			}
			found = i
		}
	}
	if found < 0 {
		return nil, &SyntaxError{Reason: "ASOF JOIN needs a comparison of times (>=, >, <= or <) in ON, joined by AND"}
	}
	m, err := asOfCondition(unparen(conjuncts[found]))
	if err != nil {
		return nil, err
	}
	conjuncts[found] = m
	out := conjuncts[0]
	for _, c := range conjuncts[1:] {
		out = &ast.AndExpr{Left: out, Right: c}
	}
	return out, nil
}

func leftmost(e ast.Expr) *ast.FuncExpr {
	for {
		switch x := e.(type) {
		case *ast.AndExpr:
			e = x.Left
		case *ast.OrExpr:
			e = x.Left
		case *ast.XorExpr:
			e = x.Left
		case *ast.FuncExpr:
			if x.Name.Lowered() == markAsOfJoin {
				return x
			}
			return nil
		default:
			return nil
		}
	}
}

// without returns e with the leftmost leaf f taken out; nil if nothing is left.
func without(e ast.Expr, f *ast.FuncExpr) ast.Expr {
	switch x := e.(type) {
	case *ast.AndExpr:
		if x.Left == ast.Expr(f) {
			return x.Right
		}
		return &ast.AndExpr{Left: without(x.Left, f), Right: x.Right}
	case *ast.OrExpr:
		return &ast.OrExpr{Left: without(x.Left, f), Right: x.Right}
	case *ast.XorExpr:
		return &ast.XorExpr{Left: without(x.Left, f), Right: x.Right}
	}
	return nil
}

func unparen(e ast.Expr) ast.Expr {
	for {
		p, ok := e.(*ast.ParenExpr)
		if !ok {
			return e
		}
		e = p.Expr
	}
}

func splitAnd(e ast.Expr, to []ast.Expr) []ast.Expr {
	if a, ok := unparen(e).(*ast.AndExpr); ok {
		return splitAnd(a.Right, splitAnd(a.Left, to))
	}
	return append(to, e)
}

// asOfCondition injects the comparison of the times of an ASOF JOIN.
func asOfCondition(e ast.Expr) (ast.Expr, error) {
	c, ok := e.(*ast.ComparisonExpr)
	if !ok {
		return nil, &SyntaxError{Reason: "ASOF JOIN needs one comparison of times (>=, >, <= or <)"}
	}
	left, right, op := c.Left, c.Right, c.Operator
	switch op {
	case ast.LessThanStr:
		left, right, op = right, left, ast.GreaterThanStr
	case ast.LessEqualStr:
		left, right, op = right, left, ast.GreaterEqualStr
	case ast.GreaterThanStr, ast.GreaterEqualStr:
	default:
		return nil, &SyntaxError{Reason: "ASOF JOIN compares times by >=, >, <= or <, not by " + op}
	}
	return ast.InjectedExpr{Expression: asOfJoinInjectable(op), Children: ast.Exprs{left, right}, Auth: noAuth}, nil
}
