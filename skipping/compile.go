package skipping

import (
	"strings"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

// compiler turns expressions into predicate and value nodes.
type compiler struct {
	env     *expr.Env
	slack   int64
	columns map[int]bool
}

// predicate compiles an expression used as a condition.
func (c *compiler) predicate(e expr.Expr) pred {
	switch e := e.(type) {
	case *expr.Literal:
		return condition(e.Val)
	case *expr.Column:
		return c.truth(e)
	case *expr.Call:
		if p := c.logic(e); p != nil {
			return p
		}
		if p := c.test(e); p != nil {
			return p
		}
		return c.truth(e)
	}
	return unknown
}

// condition is a constant used as a condition.
func condition(v types.Value) pred {
	switch {
	case !v.Valid:
		return constant{needNull}
	case classOf(v.Type) != classInt:
		return unknown
	case v.I == 0:
		return constant{needFalse}
	}
	return constant{needTrue}
}

// truth compiles a value used as a condition: not zero. Only numbers have a truth that statistics know.
func (c *compiler) truth(e expr.Expr) pred {
	t := e.Type()
	if cl := classOf(t); cl != classInt && cl != classDecimal && cl != classFloat {
		return unknown
	}
	zero := types.IntValue(types.Of(types.Int64), 0)
	if t.IsFloat() {
		zero = types.FloatValue(t, 0)
	}
	return not{comparison{equal, c.value(e), literal{zero}}}
}

// logic compiles connectives; nil when e is none.
func (c *compiler) logic(e *expr.Call) pred {
	all := func() []pred {
		ps := make([]pred, len(e.Args))
		for i, a := range e.Args {
			ps[i] = c.predicate(a)
		}
		return ps
	}
	switch n := len(e.Args); {
	case n == 0:
	case e.Name == "and":
		return and(all())
	case e.Name == "or":
		return or(all())
	case e.Name == "not" && n == 1:
		return not{c.predicate(e.Args[0])}
	case e.Name == "xor" && n == 2:
		return xor{c.predicate(e.Args[0]), c.predicate(e.Args[1])}
	case e.Name == "istrue" && n == 1:
		return is{c.predicate(e.Args[0]), needTrue}
	case e.Name == "isfalse" && n == 1:
		return is{c.predicate(e.Args[0]), needFalse}
	case e.Name == "isnull" && n == 1:
		if isCondition(e.Args[0]) {
			return is{c.predicate(e.Args[0]), needNull}
		}
		return isNull{c.value(e.Args[0])}
	case (e.Name == "coalesce" || e.Name == "ifnull") && isCondition(e.Args[0]):
		return coalesce(all())
	case e.Name == "cast" && n == 1 && e.Typ.IsInteger() && isCondition(e.Args[0]):
		return c.predicate(e.Args[0])
	}
	return nil
}

// isCondition reports whether e is a connective or test, whose three outcomes are known, rather than a value.
func isCondition(e expr.Expr) bool {
	call, ok := e.(*expr.Call)
	if !ok {
		return false
	}
	switch call.Name {
	case "=", "<>", "<", "<=", ">", ">=", "<=>", "and", "or", "not", "xor", "istrue", "isfalse", "isnull", "in", "like":
		return true
	}
	return false
}

// test compiles comparisons, IN and LIKE; nil when e is none.
func (c *compiler) test(e *expr.Call) pred {
	if len(e.Args) < 2 {
		return nil
	}
	a, b := e.Args[0], e.Args[1]
	of := func(op comparisonOp, a, b expr.Expr) pred { return comparison{op, c.value(a), c.value(b)} }
	switch e.Name {
	case "=":
		return of(equal, a, b)
	case "<>":
		return not{of(equal, a, b)}
	case "<":
		return of(lessThan, a, b)
	case "<=":
		return of(atMost, a, b)
	case ">":
		return of(lessThan, b, a)
	case ">=":
		return of(atMost, b, a)
	case "<=>":
		return of(nullSafeEqual, a, b)
	case "in":
		return c.in(e)
	case "like":
		return c.like(e)
	}
	return nil
}

// in compiles a list of constants; a list with anything else is the disjunction of its comparisons.
func (c *compiler) in(e *expr.Call) pred {
	p := among{v: c.value(e.Args[0])}
	var vals []types.Value
	for _, a := range e.Args[1:] {
		v, ok := c.constant(a)
		switch {
		case !ok:
			return c.anyOf(e)
		case !v.Valid:
			p.withNull = true
		default:
			vals = append(vals, v)
		}
	}
	if len(vals) > 0 && !sortValues(vals) {
		return c.anyOf(e)
	}
	p.vals = vals
	return p
}

// maxDisjuncts bounds the work of an IN list that is no sorted list of constants.
const maxDisjuncts = 64

func (c *compiler) anyOf(e *expr.Call) pred {
	if len(e.Args)-1 > maxDisjuncts {
		return unknown
	}
	v := c.value(e.Args[0])
	ps := make(or, 0, len(e.Args)-1)
	for _, a := range e.Args[1:] {
		ps = append(ps, comparison{equal, v, c.value(a)})
	}
	return ps
}

// like compiles a pattern that begins with text; without a wildcard it is an equality.
func (c *compiler) like(e *expr.Call) pred {
	pattern, ok := c.constant(e.Args[1])
	if !ok || classOf(e.Args[0].Type()) != classBytes || classOf(pattern.Type) != classBytes && pattern.Valid {
		return unknown
	}
	if !pattern.Valid {
		return constant{needNull}
	}
	escape := `\`
	if len(e.Args) > 2 {
		v, ok := c.constant(e.Args[2])
		if !ok || !v.Valid {
			return unknown
		}
		escape = v.S
	}
	text, rest, ok := likePrefix(pattern.S, escape)
	v := c.value(e.Args[0])
	switch {
	case !ok:
		return unknown
	case rest == "":
		return comparison{equal, v, literal{types.StringValue(text)}}
	}
	return prefix{v: v, text: text, whole: strings.Trim(rest, "%") == ""}
}

// likePrefix splits a pattern before its first wildcard and resolves escapes in the first part. ok is false
// for a pattern with an escape before anything but a wildcard or an escape, which engines read differently.
func likePrefix(pattern, escape string) (text, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(pattern); {
		if escape != "" && strings.HasPrefix(pattern[i:], escape) {
			i += len(escape)
			after := pattern[i:]
			switch {
			case escape == "%" || escape == "_":
				return "", "", false
			case strings.HasPrefix(after, escape):
				b.WriteString(escape)
				i += len(escape)
			case strings.HasPrefix(after, "%"), strings.HasPrefix(after, "_"):
				b.WriteByte(after[0])
				i++
			default:
				return "", "", false
			}
			continue
		}
		if pattern[i] == '%' || pattern[i] == '_' {
			return b.String(), pattern[i:], true
		}
		b.WriteByte(pattern[i])
		i++
	}
	return b.String(), "", true
}

// value compiles an expression used for its value.
func (c *compiler) value(e expr.Expr) value {
	if v, ok := c.constant(e); ok {
		return literal{v}
	}
	switch e := e.(type) {
	case *expr.Column:
		c.columns[e.Index] = true
		return column{e.Index, e.Typ, c.slack}
	case *expr.Call:
		return c.function(e)
	}
	return opaque{e.Type()}
}

func (c *compiler) function(e *expr.Call) value {
	switch n := len(e.Args); {
	case e.Name == "cast" && n == 1:
		return cast{c.value(e.Args[0]), e.Typ, c.slack}
	case e.Name == "date" && n == 1 && e.Typ.Kind == types.Date && e.Args[0].Type().IsTemporal():
		return cast{c.value(e.Args[0]), e.Typ, c.slack}
	case e.Name == "year" && n == 1 && e.Typ.IsInteger() && isDay(e.Args[0].Type()):
		return year{cast{c.value(e.Args[0]), types.Of(types.Date), c.slack}, e.Typ}
	case e.Name == "neg" && n == 1:
		return arithmetic{v: c.value(e.Args[0]), op: negate, typ: e.Typ}
	case n != 2:
	case e.Name == "-":
		return difference(c.value(e.Args[0]), c.value(e.Args[1]), e.Typ)
	case e.Name == "+", e.Name == "*":
		op := add
		if e.Name == "*" {
			op = multiply
		}
		a, b := c.value(e.Args[0]), c.value(e.Args[1])
		if k, ok := b.(literal); ok && k.val.Valid {
			return arithmetic{v: a, op: op, k: k.val, typ: e.Typ}
		}
		if k, ok := a.(literal); ok && k.val.Valid {
			return arithmetic{v: b, op: op, k: k.val, typ: e.Typ}
		}
	}
	return opaque{e.Type()}
}

func isDay(t types.Type) bool { return t.IsTemporal() && t.Kind != types.Time }

// constant returns the value of an expression without columns that is the same for all rows of a statement.
func (c *compiler) constant(e expr.Expr) (types.Value, bool) {
	if l, ok := e.(*expr.Literal); ok {
		return l.Val, true
	}
	if c.env == nil || !foldable(e) {
		return types.Value{}, false
	}
	quiet := *c.env
	quiet.Warn = nil // who evaluates the filter warns
	v, err := expr.EvalConst(e, &quiet)
	return v, err == nil
}

func foldable(e expr.Expr) bool {
	ok := true
	expr.Walk(e, func(e expr.Expr) bool {
		switch e := e.(type) {
		case *expr.Literal:
		case *expr.Call:
			f := expr.Lookup(e.Name)
			ok = ok && (e.Name == "cast" || f != nil && !f.Volatile)
		default:
			ok = false
		}
		return ok
	})
	return ok
}
