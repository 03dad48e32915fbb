package parser

import (
	"reflect"
	"strings"

	ast "github.com/dolthub/vitess/go/vt/sqlparser"
)

// checkVersioned refuses AS OF behind the name of a common table expression, which the host would ignore: it is no table, and
// has no versions. names are the common table expressions that node sees.
func checkVersioned(node any, names []string) error {
	var err error
	w := walker{}
	w.enter = func(n any) bool {
		if err != nil {
			return false
		}
		if t, ok := n.(*ast.AliasedTableExpr); ok && t.AsOf != nil {
			name, ok := t.Expr.(ast.TableName)
			if ok && name.DbQualifier.IsEmpty() && containsFold(names, name.Name.String()) {
				err = &UnsupportedError{"AS OF of the common table expression " + name.Name.String() + " (write it behind the tables in it)"}
				return false
			}
		}
		v := reflect.ValueOf(n)
		if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
			return true
		}
		field := v.Elem().FieldByName("With")
		if !field.IsValid() {
			return true
		}
		with, ok := field.Interface().(*ast.With)
		if !ok || with == nil {
			return true
		}
		rest := reflect.New(v.Elem().Type())
		rest.Elem().Set(v.Elem())
		rest.Elem().FieldByName("With").SetZero()
		err = checkWith(with, rest.Interface(), names)
		return false
	}
	w.walk(reflect.ValueOf(node))
	return err
}

// checkWith checks the expressions of a WITH, of which each sees those before it, and what they stand before.
func checkWith(with *ast.With, rest any, names []string) error {
	names = names[:len(names):len(names)]
	for _, cte := range with.Ctes {
		own := cte.As.String()
		if with.Recursive {
			names = append(names, own)
		}
		if err := checkVersioned(cte.Expr, names); err != nil {
			return err
		}
		if !with.Recursive {
			names = append(names, own)
		}
	}
	return checkVersioned(rest, names)
}

func containsFold(names []string, name string) bool {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}
