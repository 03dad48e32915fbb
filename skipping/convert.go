package skipping

import (
	"math"
	"time"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

const (
	microsPerDay = 86_400_000_000
	// maxZoneMicros is beyond every offset from UTC that a zone has or ever had (15:56:08 in Manila).
	maxZoneMicros = 16 * 3_600_000_000
)

// zoneSlack bounds the distance between an instant and its local time in the session's zone, microseconds.
func zoneSlack(env *expr.Env) int64 {
	if env != nil && (env.Location == time.UTC || env.Location != nil && env.Location.String() == "UTC") {
		return 0
	}
	return maxZoneMicros
}

// conversion says which end of an interval is converted (up: the upper one, so inexact results are moved
// up) and how far local time may be from UTC.
type conversion struct {
	up    bool
	slack int64
}

// outward moves x away from the interval by d.
func (k conversion) outward(x, d int64) (int64, bool) {
	if k.up {
		return x + d, x+d >= x
	}
	return x - d, x-d <= x
}

// apply maps a side through a function of vectors that yields nil or NULL entries for what it cannot bound.
func (s side) apply(f func(*vector.Vector) *vector.Vector) side {
	switch {
	case s.vec != nil:
		return side{vec: f(s.vec)}
	case s.val.Valid:
		v := vector.New(s.val.Type, 0)
		v.AppendValue(s.val)
		if w := f(v); w != nil && !w.IsNull(0) {
			return side{val: w.Value(0)}
		}
	}
	return side{}
}

// total reports whether a cast yields a non-NULL value for every non-NULL operand, so that it does not
// matter whether bounds are known.
func total(from, to types.Type) bool {
	cf, ct := classOf(from), classOf(to)
	switch {
	case from == to:
		return true
	case cf == classInt && ct == classInt:
		return to.Kind >= from.Kind && to.Kind != types.Bool
	case cf == classInt && ct == classDecimal:
		return int(to.Precision)-int(to.Scale) >= intDigits(from)
	case cf == classDecimal && ct == classDecimal:
		digits := int(from.Precision) - int(from.Scale)
		if to.Scale < from.Scale {
			digits++ // rounding up may need one more digit before the point
		}
		return int(to.Precision)-int(to.Scale) >= digits
	case cf == classBytes && ct == classBytes:
		return to.Kind == types.Binary
	}
	return to.Kind == types.Float64 && (cf == classInt || cf == classDecimal || cf == classFloat)
}

// convert applies a cast to one end of an interval in every unit. The result is nil when the cast is not
// monotonic (or not understood), and an entry of it NULL when it does not fit the target.
func convert(v *vector.Vector, to types.Type, k conversion) *vector.Vector {
	cf, ct := classOf(v.Type), classOf(to)
	v = v.Flat()
	switch {
	case cf == classNone || ct == classNone:
		return nil
	case cf == classFloat && ct == classFloat:
		return floatToFloat(v, to)
	case v.Type == to:
		return v
	case cf == classInt && ct == classInt:
		return intToInt(v, to)
	case cf == classInt && ct == classUint:
		return eachInt(v, to, func(x int64) (int64, bool) { return x, x >= 0 })
	case cf == classInt && to.Kind == types.Float64:
		return toFloat(v, to, func(i int) float64 { return float64(v.Int(i)) })
	case cf == classInt && ct == classDecimal:
		return toDecimal(v, to, 0, func(i int) types.Int128 { return types.Int128From(v.Int(i)) })
	case cf == classDecimal && ct == classDecimal:
		return toDecimal(v, to, int(v.Type.Scale), v.Decimal)
	case cf == classDecimal && to.Kind == types.Float64:
		return decimalToFloat(v, to, k)
	case cf == classBytes && ct == classBytes:
		return v
	}
	return convertTime(v, to, k)
}

// convertTime converts between dates, instants and local times. The zone of the session is only known to be within slack of UTC.
func convertTime(v *vector.Vector, to types.Type, k conversion) *vector.Vector {
	zoned := func(x int64) (int64, bool) { return k.outward(x, k.slack) }
	midnight := func(x int64) (int64, bool) {
		return x * microsPerDay, x > math.MinInt64/microsPerDay && x < math.MaxInt64/microsPerDay
	}
	// Some conversions to a date round a fraction of a second up, which may reach the next day.
	day := func(x int64) (int64, bool) {
		ok := true
		if k.up {
			x, ok = k.outward(x, 1_000_000)
		}
		d := floorDiv(x, microsPerDay)
		return d, ok && d == int64(int32(d))
	}
	then := func(f, g func(int64) (int64, bool)) func(int64) (int64, bool) {
		return func(x int64) (int64, bool) {
			y, ok := f(x)
			if !ok {
				return 0, false
			}
			return g(y)
		}
	}
	switch [2]class{classOf(v.Type), classOf(to)} {
	case [2]class{classDate, classLocal}:
		return eachInt(v, to, midnight)
	case [2]class{classDate, classInstant}:
		return eachInt(v, to, then(midnight, zoned))
	case [2]class{classLocal, classInstant}, [2]class{classInstant, classLocal}:
		return eachInt(v, to, zoned)
	case [2]class{classLocal, classDate}:
		return eachInt(v, to, day)
	case [2]class{classInstant, classDate}:
		return eachInt(v, to, then(zoned, day))
	}
	return nil
}

// year is the calendar year of a date.
type year struct {
	v   value
	typ types.Type
}

func (v year) bounds(c *evaluation) *bounds {
	in := v.v.bounds(c)
	out := opaque{v.typ}.bounds(c)
	civil := func(x *vector.Vector) *vector.Vector {
		if classOf(x.Type) != classDate {
			return nil
		}
		return eachInt(x.Flat(), types.Of(types.Int64), func(day int64) (int64, bool) {
			return int64(time.Unix(day*86_400, 0).UTC().Year()), true
		})
	}
	out.lo, out.hi, out.nonNull = in.lo.apply(civil), in.hi.apply(civil), in.nonNull
	c.settle(in, out)
	return out
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// intDigits is the number of decimal digits of the widest value of an integer type.
func intDigits(t types.Type) int {
	switch t.Kind {
	case types.Bool:
		return 1
	case types.Int8:
		return 3
	case types.Int16:
		return 5
	case types.Int32:
		return 10
	}
	return 19
}

func intToInt(v *vector.Vector, to types.Type) *vector.Vector {
	if total(v.Type, to) {
		return v // narrower layouts serve as well: comparisons look at the vector's own
	}
	lo, hi := intRange(to)
	return eachInt(v, to, func(x int64) (int64, bool) { return x, lo <= x && x <= hi })
}

// intRange is the range of a signed integer type.
func intRange(t types.Type) (lo, hi int64) {
	switch t.Kind {
	case types.Bool:
		return 0, 1
	case types.Int8:
		return math.MinInt8, math.MaxInt8
	case types.Int16:
		return math.MinInt16, math.MaxInt16
	case types.Int32:
		return math.MinInt32, math.MaxInt32
	}
	return math.MinInt64, math.MaxInt64
}

// eachInt maps the entries of an integer-backed vector; those that f refuses become unknown.
func eachInt(v *vector.Vector, to types.Type, f func(int64) (int64, bool)) *vector.Vector {
	r := vector.New(to, v.Len)
	r.Valid = v.Valid.Clone()
	for i := range v.Len {
		if v.IsNull(i) {
			continue
		}
		x, ok := f(v.Int(i))
		switch {
		case !ok:
			r.SetNull(i)
		case r.Phys == types.PhysI32:
			r.I32[i] = int32(x)
		default:
			r.I64[i] = x
		}
	}
	return r
}

func toFloat(v *vector.Vector, to types.Type, f func(i int) float64) *vector.Vector {
	r := vector.New(to, v.Len)
	r.Valid = v.Valid
	for i := range v.Len {
		r.F64[i] = f(i)
	}
	return r
}

// decimalToFloat moves the bound two steps outward, because there are several ways to round a decimal.
func decimalToFloat(v *vector.Vector, to types.Type, k conversion) *vector.Vector {
	end := math.Inf(-1)
	if k.up {
		end = math.Inf(1)
	}
	unit := math.Pow(10, float64(v.Type.Scale))
	return toFloat(v, to, func(i int) float64 {
		f := v.Decimal(i).Float64() / unit
		return math.Nextafter(math.Nextafter(f, end), end)
	})
}

// floatToFloat rounds to float32 where either type is one: float32 is what a text like 0.1 in statistics of
// such a column means, and rounding keeps the order.
func floatToFloat(v *vector.Vector, to types.Type) *vector.Vector {
	if to.Kind == types.Float64 && v.Type.Kind == types.Float64 {
		return v
	}
	r := toFloat(v, to, func(i int) float64 { return float64(float32(v.F64[i])) })
	r.Valid = r.Valid.Clone()
	for i := range r.Len {
		if math.IsInf(r.F64[i], 0) && !math.IsInf(v.F64[i], 0) {
			r.SetNull(i)
		}
	}
	return r
}

func toDecimal(v *vector.Vector, to types.Type, scale int, f func(i int) types.Int128) *vector.Vector {
	r := vector.New(to, v.Len)
	r.Valid = v.Valid.Clone()
	for i := range v.Len {
		if v.IsNull(i) {
			continue
		}
		x, ok := f(i).Rescale(scale, int(to.Scale))
		if !ok || !fitsPrecision(x, int(to.Precision)) {
			r.SetNull(i)
			continue
		}
		setDecimal(r, i, x)
	}
	return r
}

func fitsPrecision(x types.Int128, precision int) bool {
	if precision > types.MaxPrecision38 {
		return true
	}
	p := types.Pow10(precision)
	return x.Cmp(p) < 0 && x.Cmp(p.Neg()) > 0
}

// setDecimal stores an entry of a flat Decimal vector, which is widened if the value does not fit.
func setDecimal(r *vector.Vector, i int, x types.Int128) {
	if r.Phys == types.PhysI64 {
		if x.Fits64() {
			r.I64[i] = int64(x.Lo)
			return
		}
		r.Widen()
	}
	r.I128[i] = x
}
