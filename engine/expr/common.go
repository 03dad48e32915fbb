package expr

import (
	"math"
	"strings"

	"github.com/featuresql/featuresql/engine/types"
)

// commonOperands converts two operands of a comparison to one type by MySQL's rules (manual, "Type Conversion in
// Expression Evaluation"). A literal is converted to the other side's type where that is exact, so that a column
// stays bare for statistics.
func commonOperands(name string, a, b Expr) (Expr, Expr, error) {
	if a.Type() == b.Type() {
		return a, b, nil
	}
	if x, ok, err := literalAs(b, a.Type()); ok || err != nil {
		return a, x, err
	}
	if x, ok, err := literalAs(a, b.Type()); ok || err != nil {
		return x, b, err
	}
	if x, ok, err := clockLiteral(b, a.Type()); ok || err != nil {
		return Cast(a, types.Of(types.TimestampNTZ)), x, err
	}
	if x, ok, err := clockLiteral(a, b.Type()); ok || err != nil {
		return x, Cast(b, types.Of(types.TimestampNTZ)), err
	}
	t, err := commonType(name, a, b)
	if err != nil {
		return nil, nil, err
	}
	return castForComparison(a, t), castForComparison(b, t), nil
}

// castForComparison is Cast, but JSON strings lose their quotes when compared as text.
func castForComparison(e Expr, to types.Type) Expr {
	if e.Type().Kind == types.JSON && to.Kind == types.String && Lookup("json_unquote") != nil {
		return must("json_unquote", e)
	}
	return Cast(e, to)
}

// literalAs converts a literal exactly to type t, if it can be.
func literalAs(e Expr, t types.Type) (Expr, bool, error) {
	l, ok := e.(*Literal)
	if !ok {
		return nil, false, nil
	}
	v := l.Val
	switch {
	case !v.Valid:
		return &Literal{Val: types.NullOf(t)}, true, nil
	case t.Kind == types.Null:
		return nil, false, nil
	case v.Type.IsBytes() && t.IsBytes() && v.Type.Kind != types.JSON && t.Kind != types.JSON:
		v.Type = t
		return &Literal{Val: v}, true, nil
	case v.Type.IsBytes() && t.IsTemporal():
		return temporalLiteral(v, t)
	case v.Type.IsBytes() && t.IsInteger():
		d, exact, ok := types.ParseDecimal(v.S, 0)
		if !ok || !exact || !plainInteger(v.S) {
			return nil, false, nil
		}
		return integerLiteral(d, t)
	case v.Type.IsInteger() && t.IsInteger():
		return integerLiteral(valueInt128(v), t)
	case (v.Type.IsInteger() || v.Type.Kind == types.Decimal) && t.IsNumeric():
		return exactLiteral(v, t)
	case v.Type.Kind == types.Date && (t.Kind == types.TimestampNTZ):
		return Cast(l, t), true, nil
	case v.Type.Kind == types.TimestampNTZ && t.Kind == types.Timestamp, v.Type.Kind == types.Date && t.Kind == types.Timestamp:
		return Cast(l, t), true, nil
	case v.Type.Kind == types.TimestampNTZ && t.Kind == types.Date && v.I%types.MicrosPerDay == 0:
		return Cast(l, t), true, nil
	case v.Type.IsNumeric() && t.IsTemporal() && t.Kind != types.Time && v.Type.IsInteger():
		return temporalLiteral(types.StringValue(v.String()), t)
	}
	return nil, false, nil
}

// clockLiteral converts an integer such as 20240131123456 that is compared with a date: it is a date with a time of day.
func clockLiteral(e Expr, other types.Type) (Expr, bool, error) {
	if other.Kind != types.Date || !e.Type().IsInteger() {
		return nil, false, nil
	}
	return literalAs(e, types.Of(types.TimestampNTZ))
}

func plainInteger(s string) bool {
	s = strings.TrimSpace(s)
	s = strings.TrimPrefix(s, "-")
	if s == "" || len(s) > 20 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// valueInt128 widens an integer value.
func valueInt128(v types.Value) types.Int128 {
	if v.Type.Kind == types.Uint64 {
		return types.Int128{Lo: uint64(v.I)}
	}
	return types.Int128From(v.I)
}

// integerLiteral returns d as a literal of an integer type that holds it.
func integerLiteral(d types.Int128, t types.Type) (Expr, bool, error) {
	if t.Kind == types.Uint64 {
		if d.Hi != 0 {
			return nil, false, nil
		}
		return &Literal{Val: types.IntValue(t, int64(d.Lo))}, true, nil
	}
	lo, hi := integerRange(t)
	if !d.Fits64() || int64(d.Lo) < lo || int64(d.Lo) > hi {
		return nil, false, nil
	}
	return &Literal{Val: types.IntValue(t, int64(d.Lo))}, true, nil
}

// integerRange returns the least and the greatest value of a signed integer type.
func integerRange(t types.Type) (int64, int64) {
	switch t.Kind {
	case types.Bool, types.Int8:
		return math.MinInt8, math.MaxInt8
	case types.Int16:
		return math.MinInt16, math.MaxInt16
	case types.Int32:
		return math.MinInt32, math.MaxInt32
	}
	return math.MinInt64, math.MaxInt64
}

// exactLiteral returns an exact number as a literal of another numeric type, if no digit is lost.
func exactLiteral(v types.Value, t types.Type) (Expr, bool, error) {
	d, scale := v.D, int(v.Type.Scale)
	if v.Type.IsInteger() {
		d, scale = valueInt128(v), 0
	}
	switch {
	case t.IsInteger():
		w, ok := d.Rescale(scale, 0)
		back, ok2 := w.Rescale(0, scale)
		if !ok || !ok2 || back != d {
			return nil, false, nil
		}
		return integerLiteral(w, t)
	case t.Kind == types.Decimal:
		w, ok := d.Rescale(scale, int(t.Scale))
		back, ok2 := w.Rescale(int(t.Scale), scale)
		if !ok || !ok2 || back != d {
			return nil, false, nil
		}
		return &Literal{Val: types.DecimalValue(t, w)}, true, nil
	case t.Kind == types.Float64, t.Kind == types.Float32:
		f := decimalFloat(d, scale)
		if t.Kind == types.Float32 && float64(float32(f)) != f {
			return nil, false, nil
		}
		return &Literal{Val: types.FloatValue(t, f)}, true, nil
	}
	return nil, false, nil
}

// temporalLiteral parses a string compared with a temporal operand. A text that is none is an error, as it is in MySQL
// since 8.0.16 (1525).
func temporalLiteral(v types.Value, t types.Type) (Expr, bool, error) {
	bad := &ValueError{Code: CodeComparisonValue, Value: shorten(v.S), Msg: "Incorrect " + temporalName(t) + " value: '" + shorten(v.S) + "'"}
	switch t.Kind {
	case types.Time:
		us, ok := types.ParseTime(v.S)
		if !ok {
			return nil, false, bad
		}
		return &Literal{Val: types.IntValue(t, us)}, true, nil
	case types.Timestamp:
		if d, ok := types.ParseDatetime(v.S); !ok || !d.Clean {
			return nil, false, bad
		}
		return Cast(&Literal{Val: v}, t), true, nil
	}
	p, ok := types.ParseDatetime(v.S)
	switch {
	case !ok || !p.Clean:
		return nil, false, bad
	case p.HasZone && t.Kind == types.TimestampNTZ: // needs the session's zone
		return Cast(&Literal{Val: v}, t), true, nil
	case t.Kind == types.TimestampNTZ:
		return &Literal{Val: types.IntValue(t, p.Micros)}, true, nil
	case !p.HasZone && p.Micros%types.MicrosPerDay == 0:
		return &Literal{Val: types.IntValue(t, p.Micros/types.MicrosPerDay)}, true, nil
	}
	return nil, false, nil
}

func temporalName(t types.Type) string {
	switch t.Kind {
	case types.Date:
		return "DATE"
	case types.Time:
		return "TIME"
	}
	return "DATETIME"
}

// commonType is the type in which two operands of different types are compared.
func commonType(name string, a, b Expr) (types.Type, error) {
	s, t := a.Type(), b.Type()
	switch {
	case s.Kind == types.Null:
		return t, nil
	case t.Kind == types.Null:
		return s, nil
	case s.Kind == types.Invalid || t.Kind == types.Invalid:
		return types.Type{}, &TypeError{Function: name, Reason: "an operand has no type"}
	case s.IsNumeric() && t.IsNumeric():
		return commonNumeric(s, t), nil
	case s.IsBytes() && t.IsBytes():
		return commonBytes(s, t), nil
	case s.IsTemporal() && t.IsTemporal():
		if s.Kind == types.Timestamp && t.Kind != types.Time && isConstant(b) {
			return s, nil // the column stays bare for statistics
		}
		if t.Kind == types.Timestamp && s.Kind != types.Time && isConstant(a) {
			return t, nil
		}
		return commonTemporal(s, t), nil
	case s.IsTemporal() && t.IsBytes():
		return temporalVsText(s), nil
	case t.IsTemporal() && s.IsBytes():
		return temporalVsText(t), nil
	}
	return types.Of(types.Float64), nil
}

// isConstant reports whether e reads nothing but literals and the environment.
func isConstant(e Expr) bool {
	constant := true
	Walk(e, func(x Expr) bool {
		switch x := x.(type) {
		case *Literal:
		case *Call:
			constant = constant && x.impl != nil && !x.impl.Volatile
		default:
			constant = false
		}
		return constant
	})
	return constant
}

// temporalVsText is the type in which a temporal value is compared with text: its own, but a date against a literal
// with a time of day is compared as a datetime.
func temporalVsText(t types.Type) types.Type {
	if t.Kind == types.Date {
		return types.Of(types.TimestampNTZ)
	}
	return t
}

func commonBytes(s, t types.Type) types.Type {
	if s.Kind == types.Binary || t.Kind == types.Binary {
		return types.Of(types.Binary)
	}
	return types.Of(types.String)
}

func commonTemporal(s, t types.Type) types.Type {
	switch {
	case s.Kind == types.Timestamp && t.Kind == types.Timestamp:
		return s
	case s.Kind == types.Time && t.Kind == types.Time:
		return s
	}
	return types.Of(types.TimestampNTZ)
}

// commonNumeric is the numeric type that holds every value of both, but for floats, which win.
func commonNumeric(s, t types.Type) types.Type {
	switch {
	case s.IsFloat() || t.IsFloat():
		if s.Kind == types.Float32 && t.Kind == types.Float32 {
			return s
		}
		return types.Of(types.Float64)
	case s.Kind == types.Decimal || t.Kind == types.Decimal:
		p1, s1 := decimalDigits(s)
		p2, s2 := decimalDigits(t)
		scale := max(s1, s2)
		return types.DecimalOf(max(p1-s1, p2-s2)+scale, scale)
	case s.Kind == t.Kind:
		return s
	case s.Kind == types.Uint64 || t.Kind == types.Uint64:
		return types.DecimalOf(20, 0)
	}
	return types.Of(max(s.Kind, t.Kind))
}

// decimalDigits returns the precision and scale of a type as an exact number.
func decimalDigits(t types.Type) (precision, scale int) {
	switch t.Kind {
	case types.Decimal:
		return int(t.Precision), int(t.Scale)
	case types.Bool:
		return 1, 0
	case types.Int8:
		return 3, 0
	case types.Int16:
		return 5, 0
	case types.Int32:
		return 10, 0
	case types.Uint64:
		return 20, 0
	}
	return 19, 0
}

// exprDigits is decimalDigits, but of an integer literal its own number of digits.
func exprDigits(e Expr) (precision, scale int) {
	l, ok := e.(*Literal)
	if !ok || !l.Val.Valid || !l.Val.Type.IsInteger() {
		return decimalDigits(e.Type())
	}
	n := 1
	for x := valueInt128(l.Val).Abs(); x.Cmp(types.Int128From(9)) > 0; n++ {
		x, _ = x.DivMod64(10)
	}
	return n, 0
}
