package planner

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/featuresql/featuresql/engine/catalog"
	_ "github.com/featuresql/featuresql/sqlfuncs/scalar" // the kernels of scalar functions
)

// ownFunctions are functions that have kernels but that the host's parser of names does not know, with the type that
// the host takes them for; the kernel decides the type of the result.
var ownFunctions = map[string]sql.Type{
	"addtime": types.LongText, "export_set": types.LongText, "insert": types.LongText, "make_set": types.LongText,
	"period_add": types.Int64, "period_diff": types.Int64, "round_second": types.DatetimeMaxPrecision, "subtime": types.LongText,
	"makedate": types.Date, "maketime": types.LongText, "oct": types.LongText, "sec_to_time": types.LongText,
	"to_seconds": types.Int64, "truncate": types.Float64, "utc_date": types.Date, "utc_time": types.LongText,
}

func ownFunctionList() []sql.Function {
	list := []sql.Function{
		sql.NewFunction0("session_user", userNamed("session_user")), sql.NewFunction0("system_user", userNamed("system_user")),
		sql.NewFunction0("current_role", newCurrentRole)}
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
func (f *ownFunction) Type() sql.Type {
	if f.name != "round_second" || len(f.ChildExpressions) != 2 || !types.IsDatetimeType(f.ChildExpressions[0].Type()) {
		return f.typ
	}
	digits, ok := f.ChildExpressions[1].(*expression.Literal)
	if !ok {
		return f.typ
	}
	n, err := strconv.Atoi(fmt.Sprint(digits.Value()))
	if err != nil {
		return f.typ
	}
	t, err := types.CreateDatetimeType(sqltypes.Datetime, n)
	if err != nil {
		return f.typ
	}
	return t
}

// String implements sql.Expression.
func (f *ownFunction) String() string {
	args := make([]string, len(f.ChildExpressions))
	for i, a := range f.ChildExpressions {
		args[i] = a.String()
	}
	return f.name + "(" + strings.Join(args, ",") + ")"
}

// Eval implements sql.Expression.
func (f *ownFunction) Eval(ctx *sql.Context, row sql.Row) (any, error) {
	if f.name == "round_second" && types.IsDatetimeType(f.ChildExpressions[0].Type()) {
		v, err := f.ChildExpressions[0].Eval(ctx, row)
		if t, ok := v.(time.Time); ok && err == nil {
			t, _, err := f.Type().Convert(ctx, t)
			return t, err
		}
		return v, err
	}
	return nil, &UnsupportedError{What: "function " + f.name + " row by row"}
}

// WithChildren implements sql.Expression.
func (f *ownFunction) WithChildren(children ...sql.Expression) (sql.Expression, error) {
	return &ownFunction{expression.NaryExpression{ChildExpressions: children}, f.name, f.typ}, nil
}

// userNamed makes USER() of another name.
func userNamed(name string) func() sql.Expression {
	return func() sql.Expression {
		return function.User{NoArgFunc: function.NoArgFunc{Name: name, SQLType: types.LongText}}
	}
}

// currentRole is CURRENT_ROLE(): the roles that are active, or NONE.
type currentRole struct{ function.NoArgFunc }

func newCurrentRole() sql.Expression {
	return currentRole{function.NoArgFunc{Name: "current_role", SQLType: types.LongText}}
}

// IsNonDeterministic implements sql.NonDeterministicExpression.
func (currentRole) IsNonDeterministic() bool { return true }

// Description implements sql.FunctionExpression.
func (currentRole) Description() string { return "see docs/functions.md" }

// WithChildren implements sql.Expression.
func (r currentRole) WithChildren(...sql.Expression) (sql.Expression, error) { return r, nil }

// Eval implements sql.Expression.
func (currentRole) Eval(ctx *sql.Context, _ sql.Row) (any, error) {
	session, err := catalog.SessionOf(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := session.Access(ctx); err != nil { // activates the default roles
		return nil, err
	}
	var names []string
	for _, r := range session.Roles() {
		names = append(names, r.String())
	}
	if len(names) == 0 {
		return "NONE", nil
	}
	return strings.Join(names, ","), nil
}
