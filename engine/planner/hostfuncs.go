package planner

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	_ "github.com/featuresql/featuresql/sqlfuncs/scalar" // the kernels of scalar functions
)

// ownFunctions are functions that have kernels but that the host's parser of names does not know, with the type that
// the host takes them for; the kernel decides the type of the result.
var ownFunctions = map[string]sql.Type{
	"makedate": types.Date, "maketime": types.LongText, "oct": types.LongText, "sec_to_time": types.LongText,
	"to_seconds": types.Int64, "truncate": types.Float64, "utc_date": types.Date, "utc_time": types.LongText,
}

func ownFunctionList() []sql.Function {
	list := make([]sql.Function, 0, len(ownFunctions))
	for name, t := range ownFunctions {
		list = append(list, sql.FunctionN{Name: name, Fn: func(args ...sql.Expression) (sql.Expression, error) {
			return &ownFunction{expression.NaryExpression{ChildExpressions: args}, name, t}, nil
		}})
	}
	return list
}

// ownFunction stands for a kernel in the host's tree; it is converted, never evaluated by the host.
type ownFunction struct {
	expression.NaryExpression
	name string
	typ  sql.Type
}

// FunctionName implements sql.FunctionExpression.
func (f *ownFunction) FunctionName() string { return f.name }

// Description implements sql.FunctionExpression.
func (f *ownFunction) Description() string { return "see docs/functions.md" }

// Type implements sql.Expression.
func (f *ownFunction) Type() sql.Type { return f.typ }

// String implements sql.Expression.
func (f *ownFunction) String() string {
	args := make([]string, len(f.ChildExpressions))
	for i, a := range f.ChildExpressions {
		args[i] = a.String()
	}
	return f.name + "(" + strings.Join(args, ",") + ")"
}

// Eval implements sql.Expression.
func (f *ownFunction) Eval(*sql.Context, sql.Row) (any, error) {
	return nil, &UnsupportedError{What: "function " + f.name + " row by row"}
}

// WithChildren implements sql.Expression.
func (f *ownFunction) WithChildren(children ...sql.Expression) (sql.Expression, error) {
	return &ownFunction{expression.NaryExpression{ChildExpressions: children}, f.name, f.typ}, nil
}
