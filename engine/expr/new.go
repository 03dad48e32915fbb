package expr

import (
	"fmt"

	"github.com/featuresql/featuresql/engine/types"
)

// New builds a call: it looks the name up, converts the operands and derives the result type by MySQL's rules
// (MySQL 8 manual, "Functions and Operators"). Constant calls whose value depends on nothing but their operands come
// back as a *Literal. Errors: *UnknownFunctionError when there is no vectorized function of that name, *TypeError
// when it does not take these operands, *ValueError for a literal that cannot be compared with what it is compared to.
func New(name string, args ...Expr) (Expr, error) {
	f := Lookup(name)
	if f == nil {
		return nil, &UnknownFunctionError{Name: name}
	}
	for _, a := range args {
		if a == nil {
			return nil, &TypeError{Function: f.Name, Reason: "an operand is missing"}
		}
	}
	args2, typ, nullable, err := f.Resolve(args)
	if err != nil {
		return nil, err
	}
	c := &Call{Name: f.Name, Args: args2, Typ: typ, Null: nullable, impl: f}
	if e := simplify(c); e != Expr(c) {
		return e, nil
	}
	return fold(c), nil
}

// Cast converts e to type to as CAST does: what cannot be converted becomes NULL or is cut to what can, with a
// warning. It returns e itself when it has that type already.
func Cast(e Expr, to types.Type) Expr {
	from := e.Type()
	if from == to {
		return e
	}
	if l, ok := e.(*Literal); ok && !l.Val.Valid {
		return &Literal{Val: types.NullOf(to)}
	}
	c := &Call{Name: "cast", Args: []Expr{e}, Typ: to, Null: e.Nullable() || castCanBeNull(from, to), impl: castFunction}
	return fold(c)
}

// castCanBeNull reports whether some non-NULL value of one type has no value of another.
func castCanBeNull(from, to types.Type) bool {
	switch {
	case from.IsTemporal() && to.IsTemporal(), to.Kind == types.String, to.Kind == types.Binary:
		return false
	}
	return to.IsTemporal() || to.Kind == types.JSON
}

// must is New for calls that cannot fail because their operand types are known.
func must(name string, args ...Expr) Expr {
	e, err := New(name, args...)
	if err != nil {
		panic(fmt.Sprintf("expr: %s: %v", name, err))
	}
	return e
}

// asBool returns e as a condition of type Bool: what is not Bool is compared with zero, as MySQL does.
func asBool(e Expr) Expr {
	t := e.Type()
	switch {
	case t.Kind == types.Bool:
		return e
	case t.Kind == types.Null:
		return &Literal{Val: types.NullOf(types.Of(types.Bool))}
	case t.Kind == types.Decimal:
		return must("<>", e, &Literal{Val: types.DecimalValue(t, types.Int128{})})
	case t.IsFloat():
		return must("<>", e, &Literal{Val: types.FloatValue(t, 0)})
	case t.IsInteger():
		return must("<>", e, &Literal{Val: types.IntValue(t, 0)})
	}
	return must("<>", Cast(e, types.Of(types.Float64)), &Literal{Val: types.FloatValue(types.Of(types.Float64), 0)})
}

// fold evaluates a call of literals that depends on nothing else. A call that fails or warns stays as it is, so
// that it does so only where it is evaluated.
func fold(c *Call) Expr {
	for _, a := range c.Args {
		if _, ok := a.(*Literal); !ok {
			return c
		}
	}
	if envDependentCall(c) || c.impl.Volatile {
		return c
	}
	quiet := true
	v, err := EvalConst(c, &Env{Warn: func(int, string) { quiet = false }})
	if err != nil || !quiet {
		return c
	}
	return &Literal{Val: v}
}

// envDependentCall reports whether the value of a call of literals depends on the environment: the session's zone, or
// today's date.
func envDependentCall(c *Call) bool {
	if c.Name != "cast" {
		return c.impl.EnvDependent
	}
	from, to := c.Args[0].Type(), c.Typ
	switch {
	case (from.Kind == types.Timestamp) != (to.Kind == types.Timestamp):
		return true
	case from.Kind == types.Time:
		return to.Kind == types.Date || to.Kind == types.TimestampNTZ
	case from.IsBytes() && to.IsTemporal():
		l, ok := c.Args[0].(*Literal)
		d, _ := types.ParseDatetime(literalText(l, ok))
		return d.HasZone
	}
	return false
}

func literalText(l *Literal, ok bool) string {
	if !ok {
		return ""
	}
	return l.Val.S
}
