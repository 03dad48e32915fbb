package expr

import (
	"bytes"
	"fmt"
	"math"
	"strconv"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// typeWord is how MySQL calls a target in warnings.
func typeWord(t types.Type) string {
	switch {
	case t.IsInteger():
		return "INTEGER"
	case t.Kind == types.Decimal:
		return "DECIMAL"
	case t.IsFloat():
		return "DOUBLE"
	case t.Kind == types.Date:
		return "date"
	case t.Kind == types.Time:
		return "time"
	}
	return "datetime"
}

// storeError is the error of a value that cannot be stored; nil, with a warning, where the nearest value is stored.
func (k *caster) storeError(code int, value string, format string, args ...any) error {
	if k.c.Env.Lenient && code != codeInvalidJSONText {
		k.c.Warn(code, fmt.Sprintf(format, args...))
		return nil
	}
	return &ValueError{Code: code, Column: k.store.column, Row: k.row, Value: shorten(value), Msg: fmt.Sprintf(format, args...)}
}

// outOfRange reports a value beyond the target's limits: an error when storing, else a warning.
func (k *caster) outOfRange(value string) error {
	if k.store != nil {
		return k.storeError(CodeOutOfRange, value, "Out of range value for column '%s' at row %d", k.store.column, k.row)
	}
	k.c.Warn(CodeOutOfRange, fmt.Sprintf("Out of range value for column '%s' at row %d", k.c.text(), k.row))
	return nil
}

// badNumber reports text that is no number, or has something after it.
func (k *caster) badNumber(s []byte, none bool) error {
	switch {
	case k.store == nil:
		k.c.Warn(CodeWrongValue, fmt.Sprintf("Truncated incorrect %s value: '%s'", typeWord(k.to), shorten(string(s))))
		return nil
	case none && !k.to.IsFloat():
		word := "integer"
		if k.to.Kind == types.Decimal {
			word = "decimal"
		}
		return k.storeError(CodeIncorrectValue, string(s), "Incorrect %s value: '%s' for column '%s' at row %d", word, shorten(string(s)), k.store.column, k.row)
	}
	return k.storeError(CodeTruncated, string(s), "Data truncated for column '%s' at row %d", k.store.column, k.row)
}

// exact returns row i of a numeric (not float) or temporal vector as a scaled integer.
func (k *caster) exact(a *vector.Vector, i int) (types.Int128, int) {
	switch k.from.Kind {
	case types.Decimal:
		return a.Decimal(i), int(k.from.Scale)
	case types.Uint64:
		return types.Int128{Lo: uint64(a.Int(i))}, 0
	case types.Date:
		y, m, d := types.CivilFromDays(a.Int(i))
		return types.Int128From(int64(y)*10000 + int64(m)*100 + int64(d)), 0
	case types.Timestamp, types.TimestampNTZ:
		c := types.ClockFromMicros(k.c.local(k.from, a.Int(i)))
		whole := (int64(c.Year)*10000+int64(c.Month)*100+int64(c.Day))*1_000_000 + int64(c.Hour)*10000 + int64(c.Minute)*100 + int64(c.Second)
		r, _ := types.Mul64(whole, types.MicrosPerSecond).Add(types.Int128From(int64(c.Micros)))
		return r, 6
	case types.Time:
		us, sign := a.Int(i), int64(1)
		if us < 0 {
			us, sign = -us, -1
		}
		s := us / types.MicrosPerSecond
		return types.Int128From(sign * ((s/3600*10000+s/60%60*100+s%60)*types.MicrosPerSecond + us%types.MicrosPerSecond)), 6
	}
	return types.Int128From(a.Int(i)), 0
}

// text returns row i of a byte vector as the text of a scalar: JSON strings lose their quotes, true is 1.
func (k *caster) text(a *vector.Vector, i int) []byte {
	s := a.Bytes(i)
	if k.from.Kind != types.JSON {
		return s
	}
	switch s = bytes.TrimSpace(s); {
	case len(s) > 0 && s[0] == '"':
		if u, err := unquoteJSON(s); err == nil {
			return u
		}
	case string(s) == "true":
		return []byte("1")
	case string(s) == "false":
		return []byte("0")
	}
	return s
}

func (k *caster) toInteger(a *vector.Vector, n int, sel []uint16) (*vector.Vector, error) {
	out := k.c.Out(k.to, n)
	out.Valid = a.Valid
	err := k.each(a, n, sel, func(i int) error {
		var x types.Int128
		var err error
		switch {
		case k.from.IsFloat():
			x = floatInteger(a.Float(i))
		case k.from.IsBytes():
			x, err = k.textInteger(k.text(a, i))
		default:
			var scale int
			x, scale = k.exact(a, i)
			x, _ = x.Rescale(scale, 0)
		}
		if err != nil {
			return err
		}
		r, err := k.fitInteger(x)
		if out.Phys == types.PhysI32 {
			out.I32[i] = int32(r)
		} else {
			out.I64[i] = r
		}
		return err
	})
	return out, err
}

// floatInteger rounds half to even, as MySQL's conversion of DOUBLE does; magnitudes are capped at 2^100.
func floatInteger(f float64) types.Int128 {
	f = math.RoundToEven(f)
	switch {
	case math.IsNaN(f):
		return types.Int128{}
	case f >= -1<<63 && f < 1<<63:
		return types.Int128From(int64(f))
	case f > 0 && f < 1<<64:
		return types.Int128{Lo: uint64(f)}
	case f > 0:
		return types.Int128{Hi: 1 << 36}
	}
	return types.Int128{Hi: -1 << 36}
}

// textInteger reads the leading integer of CAST(… AS SIGNED), or the whole number when storing, rounded.
func (k *caster) textInteger(s []byte) (types.Int128, error) {
	num, clean := types.NumberPrefix(s, k.store == nil, k.store != nil)
	if !clean {
		if err := k.badNumber(s, num == nil); err != nil {
			return types.Int128{}, err
		}
	}
	if num == nil {
		return types.Int128{}, nil
	}
	if x, ok := shortInteger(num); ok {
		return types.Int128From(x), nil
	}
	x, _, ok := types.ParseDecimal(string(num), 0)
	if !ok {
		x = types.Int128{Hi: 1 << 36}
		if num[0] == '-' {
			x = x.Neg()
		}
	}
	return x, nil
}

// shortInteger reads a sign and up to 18 digits and nothing else, the common case.
func shortInteger(num []byte) (x int64, ok bool) {
	digits := num
	if digits[0] == '-' || digits[0] == '+' {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 18 {
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		x = x*10 + int64(c-'0')
	}
	if num[0] == '-' {
		x = -x
	}
	return x, true
}

// fitInteger brings x into the target's range. CAST between BIGINT and BIGINT UNSIGNED keeps the bits.
func (k *caster) fitInteger(x types.Int128) (int64, error) {
	var lo, hi types.Int128
	switch {
	case k.to.Kind == types.Uint64:
		lo, hi = types.Int128{}, types.Int128{Lo: math.MaxUint64}
		if k.store == nil && x.Fits64() && !k.from.IsFloat() && k.from.Kind != types.Decimal {
			return int64(x.Lo), nil
		}
	case k.to.Kind == types.Bool && k.store != nil: // a Delta boolean holds nothing else
		lo, hi = types.Int128{}, types.Int128From(1)
	default:
		l, h := integerRange(k.to)
		lo, hi = types.Int128From(l), types.Int128From(h)
		if k.store == nil && k.to.Kind == types.Int64 && x.Hi == 0 && (k.from.IsInteger() || k.from.IsBytes()) {
			return int64(x.Lo), nil
		}
	}
	switch {
	case x.Cmp(lo) < 0:
		return int64(lo.Lo), k.outOfRange(string(x.AppendDecimal(nil, 0)))
	case x.Cmp(hi) > 0:
		return int64(hi.Lo), k.outOfRange(string(x.AppendDecimal(nil, 0)))
	}
	return int64(x.Lo), nil
}

// decimalFloat returns the nearest float of a scaled integer.
func decimalFloat(x types.Int128, scale int) float64 {
	if scale == 0 {
		return x.Float64()
	}
	if scale <= 22 && x.Fits64() { // both are exact, so one correctly rounded division is enough
		if m := int64(x.Lo); m > -1<<53 && m < 1<<53 {
			return float64(m) / pow10Float[scale]
		}
	}
	var buf [64]byte
	f, _ := strconv.ParseFloat(string(x.AppendDecimal(buf[:0], scale)), 64)
	return f
}

var pow10Float = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

func (k *caster) toFloat(a *vector.Vector, n int, sel []uint16) (*vector.Vector, error) {
	out := k.c.Out(k.to, n)
	out.Valid = a.Valid
	err := k.each(a, n, sel, func(i int) error {
		var f float64
		var err error
		switch {
		case k.from.IsFloat():
			f = a.Float(i)
		case k.from.IsBytes():
			f, err = k.textFloat(k.text(a, i))
		default:
			f = decimalFloat(k.exact(a, i))
		}
		if err == nil && k.to.Kind == types.Float32 {
			g := float64(float32(f))
			if math.IsInf(g, 0) && !math.IsInf(f, 0) {
				g = math.Copysign(math.MaxFloat32, f)
				err = k.outOfRange(strconv.FormatFloat(f, 'g', -1, 64))
			}
			f = g
		}
		out.F64[i] = f
		return err
	})
	return out, err
}

func (k *caster) textFloat(s []byte) (float64, error) {
	if f, ok := shortFloat(s); ok {
		return f, nil
	}
	num, clean := types.NumberPrefix(s, false, true)
	if !clean {
		if err := k.badNumber(s, num == nil); err != nil {
			return 0, err
		}
	}
	if num == nil {
		return 0, nil
	}
	f, _ := strconv.ParseFloat(string(num), 64)
	if math.IsInf(f, 0) {
		return math.Copysign(math.MaxFloat64, f), k.outOfRange(string(num))
	}
	return f, nil
}

// shortFloat reads a sign, up to 15 digits, a point among them, and nothing else, the common case: a quotient of two numbers that a
// double holds is rounded as the decimal number would be.
func shortFloat(s []byte) (f float64, ok bool) {
	digits := s
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		digits = s[1:]
	}
	if len(digits) == 0 || len(digits) > 16 {
		return 0, false
	}
	var x int64
	point := -1
	for i, c := range digits {
		switch {
		case '0' <= c && c <= '9':
			x = x*10 + int64(c-'0')
		case c == '.' && point < 0:
			point = i
		default:
			return 0, false
		}
	}
	n, behind := len(digits), 0
	if point >= 0 {
		n--
		behind = n - point
	}
	if n == 0 || n > 15 {
		return 0, false
	}
	f = float64(x) / float64(types.Pow10Int64(behind))
	if s[0] == '-' {
		f = -f
	}
	return f, true
}

func (k *caster) toDecimal(a *vector.Vector, n int, sel []uint16) (*vector.Vector, error) {
	out := k.c.OutPhys(k.to, k.to.Physical(), n)
	out.Valid = a.Valid
	s := int(k.to.Scale)
	err := k.each(a, n, sel, func(i int) error {
		var x types.Int128
		var err error
		var ok bool
		switch {
		case k.from.IsFloat():
			x, ok, err = k.floatDecimal(a.Float(i))
		case k.from.IsBytes():
			x, ok, err = k.textDecimal(k.text(a, i))
		default:
			d, scale := k.exact(a, i)
			if x, ok = d.Rescale(scale, s); !ok {
				x = d
			}
		}
		if err != nil {
			return err
		}
		if x, err = k.fitDecimal(x, ok); err != nil {
			return err
		}
		if out.Phys == types.PhysI64 {
			out.I64[i] = int64(x.Lo)
		} else {
			out.I128[i] = x
		}
		return nil
	})
	return out, err
}

// fitDecimal brings x, whose sign alone counts if it is not exact, to the target's precision: all nines beyond it.
func (k *caster) fitDecimal(x types.Int128, exact bool) (types.Int128, error) {
	if int(k.to.Precision) > types.MaxPrecision38 {
		if !exact {
			return types.Int128{}, k.c.RangeError(k.to)
		}
		return x, nil
	}
	limit := types.Pow10(int(k.to.Precision))
	if exact && x.Abs().Cmp(limit) < 0 && x.Abs().Hi >= 0 {
		return x, nil
	}
	nines, _ := limit.Sub(types.Int128From(1))
	if x.Sign() < 0 {
		nines = nines.Neg()
	}
	return nines, k.outOfRange(string(x.AppendDecimal(nil, 0)))
}

func (k *caster) floatDecimal(f float64) (types.Int128, bool, error) {
	if math.IsNaN(f) {
		if k.store != nil {
			return types.Int128{}, false, k.outOfRange("NaN")
		}
		return types.Int128{}, true, nil
	}
	bits := 64
	if k.from.Kind == types.Float32 {
		bits = 32
	}
	x, _, ok := types.ParseDecimal(strconv.FormatFloat(f, 'e', -1, bits), int(k.to.Scale))
	if !ok {
		x = types.Int128From(int64(math.Copysign(1, f)))
	}
	return x, ok, nil
}

func (k *caster) textDecimal(s []byte) (types.Int128, bool, error) {
	num, clean := types.NumberPrefix(s, false, true)
	if !clean {
		if err := k.badNumber(s, num == nil); err != nil {
			return types.Int128{}, false, err
		}
	}
	if num == nil {
		return types.Int128{}, true, nil
	}
	x, _, ok := types.ParseDecimal(string(num), int(k.to.Scale))
	if !ok {
		x = types.Int128From(1)
		if num[0] == '-' {
			x = types.Int128From(-1)
		}
	}
	return x, ok, nil
}
