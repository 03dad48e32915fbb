package parquet

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/parquet-go/parquet-go/format"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// convKind says how a value in a file becomes a value of the engine.
type convKind uint8

const (
	convCopy32     convKind = iota // INT32 to PhysI32
	convWiden32                    // INT32 to PhysI64, times mul
	convUnsigned32                 // INT32 without a sign to PhysI64
	convInt32Float                 // INT32 to PhysF64
	convCopy64                     // INT64 to PhysI64, DOUBLE to PhysF64
	convMul64                      // INT64 times mul, which may overflow
	convDiv64                      // INT64 divided by mul, rounded down
	convPositive64                 // INT64 without a sign, which must fit a signed one
	convDecimal128                 // INT32, INT64 to PhysI128, times a power of ten
	convFloat32                    // FLOAT to PhysF64
	convFloat16                    // two bytes to PhysF64
	convInt96                      // nanoseconds and Julian day to microseconds
	convBool                       // BOOLEAN to PhysI32
	convBytes                      // BYTE_ARRAY, FIXED to PhysBytes
	convUUID                       // 16 bytes to text
	convDecimal                    // big-endian two's complement to PhysI64 or PhysI128, times a power of ten
	convRebased                    // days and instants of an old calendar
)

const (
	microsPerDay    = 86400 * 1000000
	julianEpoch     = 2440588 // the Julian day of 1970-01-01
	maxEpochDays    = math.MaxInt64 / microsPerDay
	maxDecimalBytes = 1 << 10
)

// converter turns the values of one leaf into those of one type.
type converter struct {
	kind  convKind
	want  types.Type
	phys  types.Physical
	width int // of a value in the file, 0: variable
	mul   int64
	scale int // decimal digits to shift by, for the 128-bit kinds

	stored   *converter // of convRebased: to what is stored
	calendar *calendar
}

// vector returns an empty vector that can take n values.
func (c *converter) vector(n int) *vector.Vector { return vector.NewPhys(c.want, c.phys, n) }

// newConverter returns the conversion of a leaf to a type. Beyond the leaf's own type it knows the widenings
// of the Delta protocol (section "Type Widening") and older layouts of the same value; *UnsupportedTypeError otherwise.
func newConverter(l *leaf, want types.Type) (*converter, error) {
	c := &converter{want: want, phys: want.Physical(), width: l.width(), mul: 1}
	ok := false
	switch l.typ {
	case format.Boolean:
		c.kind, ok = convBool, want.Kind == types.Bool
	case format.Int32:
		ok = c.fromInt32(l.annot, want)
	case format.Int64:
		ok = c.fromInt64(l.annot, want)
	case format.Int96:
		c.kind, ok = convInt96, want.Kind == types.Timestamp || want.Kind == types.TimestampNTZ
	case format.Float:
		c.kind, ok = convFloat32, want.IsFloat()
	case format.Double:
		c.kind, ok = convCopy64, want.Kind == types.Float64
	default:
		ok = c.fromBytes(l, want)
	}
	if !ok {
		return nil, &UnsupportedTypeError{Column: l.name(), File: l.describe(), Want: want}
	}
	return c.rebased(l), nil
}

func (c *converter) fromInt32(a annotation, want types.Type) bool {
	switch a.kind {
	case annotDecimal:
		return c.fromDecimalInt(a, want)
	case annotDate:
		c.kind = convCopy32
		if want.Kind == types.TimestampNTZ {
			c.kind, c.mul = convWiden32, microsPerDay
			return true
		}
		return want.Kind == types.Date
	case annotTime:
		c.kind, c.mul = convWiden32, 1000
		return want.Kind == types.Time
	case annotNone, annotInt:
	default:
		return false
	}
	bitsIn := uint8(32)
	if a.kind == annotInt {
		bitsIn = a.bits
	}
	if a.unsigned && bitsIn == 32 {
		c.kind = convUnsigned32
		return want.Kind == types.Int64 || want.Kind == types.Uint64
	}
	switch want.Kind {
	case types.Int8, types.Int16, types.Int32:
		need := map[types.Kind]uint8{types.Int8: 8, types.Int16: 16, types.Int32: 32}[want.Kind]
		if a.unsigned {
			need /= 2
		}
		c.kind = convCopy32
		return bitsIn <= need || a.kind == annotNone
	case types.Int64:
		c.kind = convWiden32
		return true
	case types.Float64:
		c.kind = convInt32Float
		return true
	case types.Decimal:
		return c.fromDecimalInt(annotation{precision: 10}, want)
	}
	return false
}

func (c *converter) fromInt64(a annotation, want types.Type) bool {
	switch a.kind {
	case annotDecimal:
		return c.fromDecimalInt(a, want)
	case annotTime, annotTimestamp:
		switch a.unit {
		case 3:
			c.kind, c.mul = convMul64, 1000
		case 6:
			c.kind = convCopy64
		default:
			c.kind, c.mul = convDiv64, 1000
		}
		if a.kind == annotTime {
			return want.Kind == types.Time
		}
		return want.Kind == types.Timestamp || want.Kind == types.TimestampNTZ
	case annotNone, annotInt:
	default:
		return false
	}
	switch want.Kind {
	case types.Int64:
		c.kind = convCopy64
		if a.unsigned {
			c.kind = convPositive64
		}
		return true
	case types.Uint64:
		c.kind = convCopy64
		return a.unsigned
	case types.Decimal:
		return !a.unsigned && c.fromDecimalInt(annotation{precision: 19}, want)
	}
	return false
}

// decimalShift returns how many digits a decimal of the file is shifted by; the wanted type must hold all of its values.
func decimalShift(a annotation, want types.Type) (shift int, ok bool) {
	shift = int(want.Scale) - int(a.scale)
	whole := int(want.Precision) - int(want.Scale)
	return shift, want.Kind == types.Decimal && want.Precision <= types.MaxPrecision38 && shift >= 0 && whole >= int(a.precision-a.scale)
}

func (c *converter) fromDecimalInt(a annotation, want types.Type) bool {
	shift, ok := decimalShift(a, want)
	switch {
	case !ok:
		return false
	case c.phys == types.PhysI128:
		c.kind, c.scale = convDecimal128, shift
	case shift > types.MaxPrecision64:
		return false
	case c.width == 4:
		c.kind, c.mul = convWiden32, types.Pow10Int64(shift)
		return shift <= 9
	case shift == 0:
		c.kind = convCopy64
	default:
		c.kind, c.mul = convMul64, types.Pow10Int64(shift)
	}
	return true
}

func (c *converter) fromBytes(l *leaf, want types.Type) bool {
	switch l.annot.kind {
	case annotDecimal:
		shift, ok := decimalShift(l.annot, want)
		c.kind, c.scale = convDecimal, shift
		return ok
	case annotFloat16:
		c.kind = convFloat16
		return want.IsFloat()
	case annotUUID:
		if want.Kind == types.String {
			c.kind = convUUID
			return true
		}
	}
	c.kind = convBytes
	return want.IsBytes()
}

// fixed converts n values of c.width bytes each into the rows of dst from at on. src holds them all.
func (c *converter) fixed(dst *vector.Vector, at int, src []byte, n int) error {
	if n == 0 {
		return nil
	}
	switch c.kind {
	case convCopy32:
		copy(bytesOf(dst.I32[at:at+n]), src[:4*n])
	case convWiden32:
		out := dst.I64[at : at+n]
		for i := range out {
			out[i] = int64(int32(binary.LittleEndian.Uint32(src[4*i:]))) * c.mul
		}
	case convUnsigned32:
		out := dst.I64[at : at+n]
		for i := range out {
			out[i] = int64(binary.LittleEndian.Uint32(src[4*i:]))
		}
	case convInt32Float:
		out := dst.F64[at : at+n]
		for i := range out {
			out[i] = float64(int32(binary.LittleEndian.Uint32(src[4*i:])))
		}
	case convFloat32:
		out := dst.F64[at : at+n]
		for i := range out {
			out[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:])))
		}
	case convFloat16:
		for i := range n {
			dst.F64[at+i] = float16(binary.LittleEndian.Uint16(src[2*i:]))
		}
	case convCopy64:
		if c.phys == types.PhysF64 {
			copy(bytesOf(dst.F64[at:at+n]), src[:8*n])
		} else {
			copy(bytesOf(dst.I64[at:at+n]), src[:8*n])
		}
	default:
		return c.checked(dst, at, src, n)
	}
	return nil
}

// checked is fixed for the conversions that a value may fail.
func (c *converter) checked(dst *vector.Vector, at int, src []byte, n int) error {
	switch c.kind {
	case convMul64:
		return c.mul64(dst.I64[at:at+n], src)
	case convDiv64:
		out := dst.I64[at : at+n]
		for i := range out {
			v := int64(binary.LittleEndian.Uint64(src[8*i:]))
			q := v / c.mul
			if v%c.mul < 0 {
				q--
			}
			out[i] = q
		}
		return nil
	case convPositive64:
		out := dst.I64[at : at+n]
		for i := range out {
			if out[i] = int64(binary.LittleEndian.Uint64(src[8*i:])); out[i] < 0 {
				return corruptf("the value %d is out of range for %s", uint64(out[i]), c.want)
			}
		}
		return nil
	case convRebased:
		return c.rebase(dst, at, src, n)
	case convInt96:
		return int96(dst.I64[at:at+n], src)
	case convDecimal128:
		return c.decimal128(dst.I128[at:at+n], src)
	case convDecimal:
		if c.width > 0 && c.width <= 8 && c.scale == 0 && c.phys == types.PhysI64 {
			c.narrowDecimals(dst.I64[at:at+n], src)
			return nil
		}
		for i := range n {
			if err := c.bigEndian(dst, at+i, src[i*c.width:(i+1)*c.width]); err != nil {
				return err
			}
		}
		return nil
	}
	return unsupportedf("conversion %d of values of fixed width", c.kind)
}

// narrowDecimals reads big-endian integers of at most 8 bytes.
func (c *converter) narrowDecimals(out []int64, src []byte) {
	w := c.width
	for i := range out {
		b := src[i*w : i*w+w]
		x := int64(int8(b[0]))
		for _, d := range b[1:] {
			x = x<<8 | int64(d)
		}
		out[i] = x
	}
}

func (c *converter) mul64(out []int64, src []byte) error {
	for i := range out {
		v := int64(binary.LittleEndian.Uint64(src[8*i:]))
		hi, lo := bits.Mul64(uint64(v), uint64(c.mul))
		hi -= uint64(v>>63) & uint64(c.mul)
		if int64(hi) != int64(lo)>>63 {
			return corruptf("the value %d is out of range for %s", v, c.want)
		}
		out[i] = int64(lo)
	}
	return nil
}

// int96 reads timestamps of Impala's and older Spark's kind: nanoseconds of the day, then the Julian day.
func int96(out []int64, src []byte) error {
	for i := range out {
		nanos := int64(binary.LittleEndian.Uint64(src[12*i:]))
		day := int64(int32(binary.LittleEndian.Uint32(src[12*i+8:]))) - julianEpoch
		micros := nanos / 1000
		if nanos%1000 < 0 {
			micros--
		}
		if day >= maxEpochDays || day <= -maxEpochDays || micros > microsPerDay || micros < -microsPerDay {
			return corruptf("the INT96 timestamp of day %d and %d ns is out of range", day, nanos)
		}
		out[i] = day*microsPerDay + micros
	}
	return nil
}

func (c *converter) decimal128(out []types.Int128, src []byte) error {
	p := types.Pow10(c.scale)
	for i := range out {
		var v int64
		if c.width == 4 {
			v = int64(int32(binary.LittleEndian.Uint32(src[4*i:])))
		} else {
			v = int64(binary.LittleEndian.Uint64(src[8*i:]))
		}
		x, ok := types.Int128From(v).Mul(p)
		if !ok {
			return corruptf("the value %d is out of range for %s", v, c.want)
		}
		out[i] = x
	}
	return nil
}

// bigEndian converts one decimal of any length.
func (c *converter) bigEndian(dst *vector.Vector, at int, b []byte) error {
	x, ok := int128FromBytes(b)
	if ok && c.scale > 0 {
		x, ok = x.Mul(types.Pow10(c.scale))
	}
	if !ok {
		return corruptf("a decimal of %d bytes is out of range for %s", len(b), c.want)
	}
	if c.phys == types.PhysI128 {
		dst.I128[at] = x
		return nil
	}
	if !x.Fits64() {
		return corruptf("a decimal is out of range for %s", c.want)
	}
	dst.I64[at] = int64(x.Lo)
	return nil
}

// int128FromBytes reads a big-endian two's complement integer.
func int128FromBytes(b []byte) (types.Int128, bool) {
	var x types.Int128
	if len(b) == 0 || len(b) > maxDecimalBytes {
		return x, false
	}
	sign := int64(int8(b[0])) >> 7
	for len(b) > 16 {
		if int8(b[0]) != int8(sign) {
			return x, false
		}
		b = b[1:]
		if len(b) == 16 && int64(int8(b[0]))>>7 != sign {
			return x, false
		}
	}
	if len(b) == 16 {
		return types.Int128{Hi: int64(binary.BigEndian.Uint64(b)), Lo: binary.BigEndian.Uint64(b[8:])}, true
	}
	x.Hi, x.Lo = sign, uint64(sign)
	for _, c := range b {
		x.Hi = x.Hi<<8 | int64(x.Lo>>56)
		x.Lo = x.Lo<<8 | uint64(c)
	}
	return x, true
}

// float16 widens an IEEE 754 half-precision number.
func float16(h uint16) float64 {
	sign, exp, frac := float64(1), int(h>>10&31), float64(h&1023)
	if h>>15 != 0 {
		sign = -1
	}
	switch exp {
	case 0:
		return sign * math.Ldexp(frac, -24)
	case 31:
		if frac != 0 {
			return math.NaN()
		}
		return math.Inf(int(sign))
	}
	return sign * math.Ldexp(1+frac/1024, exp-15)
}
