package parser

import (
	"reflect"
	"sort"

	ast "github.com/dolthub/vitess/go/vt/sqlparser"
)

// StatementOf returns the data of an injected statement.
func StatementOf(in ast.InjectedStatement) Statement { return in.Statement.(injectable).stmt }

// TimeTravel lists the AS OF expressions of a tree as "version 3".
func TimeTravel(st ast.Statement) []string {
	var out []string
	w := walker{expr: func(e ast.Expr) (ast.Expr, error) {
		if in, ok := e.(ast.InjectedExpr); ok {
			if t, ok := in.Expression.(asOfInjectable); ok {
				out = append(out, []string{"any ", "version ", "timestamp "}[t]+ast.String(in.Children[0]))
			}
		}
		return e, nil
	}}
	holder := reflect.New(statementType).Elem()
	holder.Set(reflect.ValueOf(st))
	w.walk(holder)
	sort.Strings(out)
	return out
}

// Tokens cuts text into the offsets of its tokens.
func Tokens(text string) (starts, ends []int, kinds []int) {
	l := lexer{src: text}
	for t := l.next(); t.kind != kindEOF; t = l.next() {
		starts, ends, kinds = append(starts, t.start), append(ends, t.end), append(kinds, int(t.kind))
		if t.kind == kindBad {
			break
		}
	}
	return starts, ends, kinds
}
