package parser

import (
	"reflect"
	"strings"

	ast "github.com/dolthub/vitess/go/vt/sqlparser"
)

// nameApart gives tables of one name from several databases aliases of their own: the host takes sum(a.t.k) and
// sum(b.t.k) for one aggregate, and any two expressions over a.t and b.t that differ in nothing else for one.
func nameApart(sel *ast.Select) {
	tables := map[string][]*ast.AliasedTableExpr{}
	w := walker{enter: func(node any) bool {
		t, ok := node.(*ast.AliasedTableExpr)
		if !ok {
			return notSubquery(node)
		}
		if n, plain := t.Expr.(ast.TableName); plain && t.As.IsEmpty() {
			name := strings.ToLower(n.Name.String())
			tables[name] = append(tables[name], t)
		}
		return false
	}}
	w.walk(reflect.ValueOf(sel.From))
	renamed := map[string]string{}
	for _, same := range tables {
		for _, t := range same {
			n := t.Expr.(ast.TableName) //nolint:forcetypeassert // only such were collected
			if db := n.DbQualifier.String(); db != "" && len(same) > 1 {
				t.As = ast.NewTableIdent(db + "." + n.Name.String())
				renamed[strings.ToLower(t.As.String())] = t.As.String()
			}
		}
	}
	if len(renamed) > 0 {
		renameQualifiers(sel, renamed)
	}
}

// renameQualifiers replaces db.table before a column, or before a *, by the alias that it has got.
func renameQualifiers(sel *ast.Select, renamed map[string]string) {
	rename := func(q *ast.TableName) {
		if alias, ok := renamed[strings.ToLower(q.DbQualifier.String()+"."+q.Name.String())]; ok && !q.DbQualifier.IsEmpty() {
			*q = ast.TableName{Name: ast.NewTableIdent(alias)}
		}
	}
	w := walker{enter: func(node any) bool {
		switch n := node.(type) {
		case *ast.AliasedTableExpr:
			_, table := n.Expr.(ast.TableName)
			return !table
		case *ast.ColName:
			rename(&n.Qualifier)
		case *ast.StarExpr:
			rename(&n.TableName)
		}
		return true
	}}
	w.walk(reflect.ValueOf(sel))
}
