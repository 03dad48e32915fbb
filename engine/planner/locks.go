package planner

import (
	"math"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/featuresql/featuresql/engine/catalog"
)

// LockFunctions are GET_LOCK and its kin, in place of the host's: those keep every name for good, and wait for one without an end to it.
type LockFunctions struct{}

var lockFunctions = map[string]struct {
	arity int
	typ   sql.Type
}{
	"get_lock": {2, types.Int64}, "release_lock": {1, types.Int64}, "release_all_locks": {0, types.Int64},
	"is_free_lock": {1, types.Int64}, "is_used_lock": {1, types.Uint64},
}

// Function implements sql.FunctionProvider.
func (LockFunctions) Function(_ *sql.Context, name string) (sql.Function, bool) {
	name = strings.ToLower(name)
	f, ok := lockFunctions[name]
	if !ok {
		return nil, false
	}
	return sql.FunctionN{Name: name, Fn: func(args ...sql.Expression) (sql.Expression, error) {
		if len(args) != f.arity {
			return nil, sql.ErrInvalidArgumentNumber.New(name, f.arity, len(args))
		}
		return &lockFunction{expression.NaryExpression{ChildExpressions: args}, name}, nil
	}}, true
}

// lockFunction is a call of one of them.
type lockFunction struct {
	expression.NaryExpression
	name string
}

var (
	_ sql.FunctionExpression         = (*lockFunction)(nil)
	_ sql.NonDeterministicExpression = (*lockFunction)(nil)
)

func (f *lockFunction) FunctionName() string     { return f.name }
func (f *lockFunction) Description() string      { return "see docs/functions.md" }
func (f *lockFunction) Type() sql.Type           { return lockFunctions[f.name].typ }
func (f *lockFunction) IsNullable() bool         { return true }
func (f *lockFunction) IsNonDeterministic() bool { return true }

func (f *lockFunction) String() string {
	args := make([]string, len(f.ChildExpressions))
	for i, a := range f.ChildExpressions {
		args[i] = a.String()
	}
	return f.name + "(" + strings.Join(args, ",") + ")"
}

// WithChildren implements sql.Expression.
func (f *lockFunction) WithChildren(children ...sql.Expression) (sql.Expression, error) {
	return &lockFunction{expression.NaryExpression{ChildExpressions: children}, f.name}, nil
}

// Eval implements sql.Expression.
func (f *lockFunction) Eval(ctx *sql.Context, row sql.Row) (any, error) {
	session, err := catalog.SessionOf(ctx)
	if err != nil {
		return nil, err
	}
	locks, id := session.Locks(), session.ID()
	if f.name == "release_all_locks" {
		return int64(locks.ReleaseAll(id)), nil
	}
	v, err := f.ChildExpressions[0].Eval(ctx, row)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, &catalog.LockNameError{Name: "NULL"}
	}
	text, _, err := types.LongText.Convert(ctx, v)
	if err != nil {
		return nil, err
	}
	name := text.(string)
	switch f.name {
	case "get_lock":
		return f.get(ctx, row, name)
	case "release_lock":
		own, held, err := locks.Release(id, name)
		if !held {
			return nil, err
		}
		return asInt(own), nil
	}
	owner, held, err := locks.Owner(name)
	switch {
	case err != nil:
		return nil, err
	case f.name == "is_free_lock":
		return asInt(!held), nil
	case !held:
		return nil, nil
	}
	return uint64(owner), nil
}

// get is GET_LOCK: the timeout is in seconds, negative for no end.
func (f *lockFunction) get(ctx *sql.Context, row sql.Row, name string) (any, error) {
	v, err := f.ChildExpressions[1].Eval(ctx, row)
	if err != nil {
		return nil, err
	}
	timeout := time.Duration(0)
	if v != nil {
		seconds, _, err := types.Float64.Convert(ctx, v)
		if err != nil {
			return nil, err
		}
		timeout = -1
		if s := math.Round(seconds.(float64)); s >= 0 && s < math.MaxInt32 {
			timeout = time.Duration(s) * time.Second
		}
	}
	session, err := catalog.SessionOf(ctx)
	if err != nil {
		return nil, err
	}
	got, err := session.Locks().Get(ctx, session.ID(), name, timeout)
	if err != nil {
		return nil, err
	}
	return asInt(got), nil
}

func asInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
