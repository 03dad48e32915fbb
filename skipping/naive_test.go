package skipping_test

import (
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

// errFails stands for an expression that raises an error on a row; such a row matches nothing.
var errFails = errors.New("fails")

// naive evaluates an expression on one row, slowly and without sharing code with the package under test.
type naive struct {
	row  []types.Value
	zone time.Duration // local time is UTC plus zone
}

func (n naive) eval(e expr.Expr) (types.Value, error) {
	switch e := e.(type) {
	case *expr.Literal:
		return e.Val, nil
	case *expr.Column:
		return n.row[e.Index], nil
	}
	c := e.(*expr.Call)
	args := make([]types.Value, len(c.Args))
	for i, a := range c.Args {
		v, err := n.eval(a)
		if err != nil {
			return v, err
		}
		args[i] = v
	}
	return n.call(c, args)
}

var null = types.NullOf(types.Of(types.Bool))

func (n naive) call(c *expr.Call, a []types.Value) (types.Value, error) {
	switch c.Name {
	case "and", "or":
		r := types.BoolValue(c.Name == "and")
		for _, v := range a {
			switch b := asBool(v); {
			case !b.Valid && r.Valid && (r.I == 1) == (c.Name == "and"):
				r = null
			case b.Valid && (b.I == 1) != (c.Name == "and"):
				return types.BoolValue(b.I == 1), nil
			}
		}
		return r, nil
	case "not":
		if b := asBool(a[0]); b.Valid {
			return types.BoolValue(b.I == 0), nil
		}
		return null, nil
	case "xor":
		x, y := asBool(a[0]), asBool(a[1])
		if !x.Valid || !y.Valid {
			return null, nil
		}
		return types.BoolValue(x.I != y.I), nil
	case "isnull":
		return types.BoolValue(!a[0].Valid), nil
	case "istrue", "isfalse":
		b := asBool(a[0])
		return types.BoolValue(b.Valid && (b.I == 1) == (c.Name == "istrue")), nil
	case "in":
		r := types.BoolValue(false)
		for _, v := range a[1:] {
			switch {
			case !v.Valid || !a[0].Valid:
				r = null
			case order(a[0], v) == 0:
				return types.BoolValue(true), nil
			}
		}
		return r, nil
	case "like":
		if !a[0].Valid || !a[1].Valid {
			return null, nil
		}
		return types.BoolValue(like(a[0].S, a[1].S)), nil
	case "<=>":
		if !a[0].Valid || !a[1].Valid {
			return types.BoolValue(a[0].Valid == a[1].Valid), nil
		}
		return types.BoolValue(order(a[0], a[1]) == 0), nil
	case "=", "<>", "<", "<=", ">", ">=":
		if !a[0].Valid || !a[1].Valid {
			return null, nil
		}
		o := order(a[0], a[1])
		return types.BoolValue(map[string]bool{"=": o == 0, "<>": o != 0, "<": o < 0, "<=": o <= 0, ">": o > 0, ">=": o >= 0}[c.Name]), nil
	}
	for _, v := range a {
		if !v.Valid {
			return types.NullOf(c.Typ), nil
		}
	}
	if c.Name == "cast" {
		return n.cast(a[0], c.Typ)
	}
	return arith(c, a)
}

func asBool(v types.Value) types.Value {
	switch {
	case !v.Valid:
		return null
	case v.Type.IsFloat():
		return types.BoolValue(v.F != 0)
	case v.Type.Kind == types.Decimal:
		return types.BoolValue(v.D != types.Int128{})
	}
	return types.BoolValue(v.I != 0)
}

// rat is the exact number of a finite numeric value.
func rat(v types.Value) *big.Rat {
	switch {
	case v.Type.IsFloat():
		return new(big.Rat).SetFloat64(v.F)
	case v.Type.Kind == types.Decimal:
		r, _ := new(big.Rat).SetString(string(v.D.AppendDecimal(nil, int(v.Type.Scale))))
		return r
	}
	return new(big.Rat).SetInt64(v.I)
}

func order(a, b types.Value) int {
	switch {
	case a.Type.IsFloat() && b.Type.IsFloat():
		an, bn := math.IsNaN(a.F), math.IsNaN(b.F)
		switch {
		case an && bn:
			return 0
		case an:
			return 1
		case bn:
			return -1
		case a.F < b.F:
			return -1
		case a.F > b.F:
			return 1
		}
		return 0
	case a.Type.IsNumeric():
		return rat(a).Cmp(rat(b))
	case a.Type.IsBytes():
		return strings.Compare(a.S, b.S)
	}
	return new(big.Int).Sub(big.NewInt(a.I), big.NewInt(b.I)).Sign()
}

func like(s, p string) bool {
	switch {
	case p == "":
		return s == ""
	case p[0] == '%':
		return like(s, p[1:]) || s != "" && like(s[1:], p)
	case p[0] == '\\' && len(p) > 1:
		return s != "" && s[0] == p[1] && like(s[1:], p[2:])
	case s == "":
		return false
	case p[0] == '_':
		_, rest, _ := strings.Cut(s, string([]rune(s)[0]))
		return like(rest, p[1:])
	}
	return s[0] == p[0] && like(s[1:], p[1:])
}

func (n naive) cast(v types.Value, to types.Type) (types.Value, error) {
	const day = 86_400_000_000
	shift := n.zone.Microseconds()
	days := func(us int64) types.Value {
		d := us / day
		if us%day < 0 {
			d--
		}
		return types.IntValue(to, d)
	}
	from := v.Type.Kind
	switch {
	case v.Type == to:
		return v, nil
	case to.Kind == types.Float64 && from == types.Decimal:
		f, _ := strconv.ParseFloat(string(v.D.AppendDecimal(nil, int(v.Type.Scale))), 64)
		return types.FloatValue(to, f), nil
	case to.Kind == types.Float64 && v.Type.IsFloat():
		return types.FloatValue(to, v.F), nil
	case to.Kind == types.Float64:
		return types.FloatValue(to, float64(v.I)), nil
	case to.Kind == types.Decimal:
		return toDecimal(rat(v), to)
	case from == types.Date && to.Kind == types.TimestampNTZ:
		return types.IntValue(to, v.I*day), nil
	case from == types.Date && to.Kind == types.Timestamp:
		return types.IntValue(to, v.I*day-shift), nil
	case from == types.Timestamp && to.Kind == types.TimestampNTZ:
		return types.IntValue(to, v.I+shift), nil
	case from == types.TimestampNTZ && to.Kind == types.Timestamp:
		return types.IntValue(to, v.I-shift), nil
	case from == types.Timestamp && to.Kind == types.Date:
		return days(v.I + shift), nil
	case from == types.TimestampNTZ && to.Kind == types.Date:
		return days(v.I), nil
	}
	return types.IntValue(to, v.I), nil
}

// toDecimal rounds half away from zero; a value that does not fit becomes NULL, the harshest outcome.
func toDecimal(r *big.Rat, to types.Type) (types.Value, error) {
	s := r.FloatString(int(to.Scale)) // rounds half away from zero
	d, _, ok := types.ParseDecimal(s, int(to.Scale))
	if !ok || len(strings.TrimLeft(strings.NewReplacer("-", "", ".", "").Replace(s), "0")) > int(to.Precision) {
		return types.NullOf(to), nil
	}
	return types.DecimalValue(to, d), nil
}

func arith(c *expr.Call, a []types.Value) (types.Value, error) {
	if c.Typ.IsFloat() {
		x := a[0].F
		switch c.Name {
		case "+":
			x += a[1].F
		case "-":
			x -= a[1].F
		case "*":
			x *= a[1].F
		case "neg":
			x = -x
		}
		return types.FloatValue(c.Typ, x), nil
	}
	r := rat(a[0])
	switch c.Name {
	case "+":
		r.Add(r, rat(a[1]))
	case "-":
		r.Sub(r, rat(a[1]))
	case "*":
		r.Mul(r, rat(a[1]))
	case "neg":
		r.Neg(r)
	}
	if c.Typ.Kind == types.Decimal {
		v, _ := toDecimal(r, c.Typ)
		if !v.Valid {
			return v, errFails
		}
		return v, nil
	}
	if !r.Num().IsInt64() {
		return types.Value{}, errFails
	}
	return types.IntValue(c.Typ, r.Num().Int64()), nil
}
