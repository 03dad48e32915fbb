package types

import (
	"errors"
	"math/big"
	"math/bits"
	"strings"
)

// Int128 is a two's complement 128-bit integer. Its memory layout on a little-endian machine is that of
// Arrow's decimal128: low word first.
type Int128 struct {
	Lo uint64
	Hi int64
}

// ErrOverflow says that a result does not fit the type it was computed in.
var ErrOverflow = errors.New("value is out of range")

// Int128From widens x.
func Int128From(x int64) Int128 { return Int128{Lo: uint64(x), Hi: x >> 63} }

// Fits64 reports whether a is representable as int64.
func (a Int128) Fits64() bool { return a.Hi == int64(a.Lo)>>63 }

// Sign returns -1, 0 or 1.
func (a Int128) Sign() int {
	switch {
	case a.Hi < 0:
		return -1
	case a.Hi == 0 && a.Lo == 0:
		return 0
	}
	return 1
}

// Cmp returns -1, 0 or 1.
func (a Int128) Cmp(b Int128) int {
	switch {
	case a.Hi != b.Hi:
		if a.Hi < b.Hi {
			return -1
		}
		return 1
	case a.Lo < b.Lo:
		return -1
	case a.Lo > b.Lo:
		return 1
	}
	return 0
}

// Add returns a+b and whether the sum is exact.
func (a Int128) Add(b Int128) (Int128, bool) {
	lo, c := bits.Add64(a.Lo, b.Lo, 0)
	hi, _ := bits.Add64(uint64(a.Hi), uint64(b.Hi), c)
	r := Int128{lo, int64(hi)}
	return r, (a.Hi^r.Hi)&(b.Hi^r.Hi) >= 0
}

// Sub returns a-b and whether the difference is exact.
func (a Int128) Sub(b Int128) (Int128, bool) {
	lo, c := bits.Sub64(a.Lo, b.Lo, 0)
	hi, _ := bits.Sub64(uint64(a.Hi), uint64(b.Hi), c)
	r := Int128{lo, int64(hi)}
	return r, (a.Hi^b.Hi)&(a.Hi^r.Hi) >= 0
}

// Neg returns -a; the least value negates to itself.
func (a Int128) Neg() Int128 {
	r, _ := Int128{}.Sub(a)
	return r
}

// Abs returns the magnitude of a.
func (a Int128) Abs() Int128 {
	if a.Hi < 0 {
		return a.Neg()
	}
	return a
}

// Mul64 returns the exact 128-bit product of x and y.
func Mul64(x, y int64) Int128 {
	hi, lo := bits.Mul64(uint64(x), uint64(y))
	return Int128{lo, int64(hi) - (x>>63)&y - (y>>63)&x}
}

// Mul returns a*b and whether the product is exact.
func (a Int128) Mul(b Int128) (Int128, bool) {
	if a.Fits64() && b.Fits64() {
		return Mul64(int64(a.Lo), int64(b.Lo)), true
	}
	neg := (a.Hi < 0) != (b.Hi < 0)
	x, y := a.Abs(), b.Abs()
	if x.Hi != 0 && y.Hi != 0 {
		return Int128{}, false
	}
	if x.Hi == 0 {
		x, y = y, x
	}
	hi, lo := bits.Mul64(x.Lo, y.Lo)
	h2, l2 := bits.Mul64(uint64(x.Hi), y.Lo)
	sum, carry := bits.Add64(hi, l2, 0)
	if h2 != 0 || carry != 0 {
		return Int128{}, false
	}
	r := Int128{lo, int64(sum)}
	if neg {
		r = r.Neg()
		return r, r.Hi < 0 || (r.Hi == 0 && r.Lo == 0)
	}
	return r, r.Hi >= 0
}

// DivMod64 returns the quotient, rounded towards zero, and the remainder (with a's sign) of a/d, d > 0.
func (a Int128) DivMod64(d int64) (Int128, int64) {
	x := a.Abs()
	hi, r := bits.Div64(0, uint64(x.Hi), uint64(d))
	lo, r := bits.Div64(r, x.Lo, uint64(d))
	q, rem := Int128{lo, int64(hi)}, int64(r)
	if a.Hi < 0 {
		return q.Neg(), -rem
	}
	return q, rem
}

var pow10 = func() (p [39]Int128) {
	p[0] = Int128From(1)
	for i := 1; i < len(p); i++ {
		p[i], _ = p[i-1].Mul(Int128From(10))
	}
	return p
}()

// Pow10 returns 10^n for 0 <= n <= 38.
func Pow10(n int) Int128 { return pow10[n] }

// Pow10Int64 returns 10^n for 0 <= n <= 18.
func Pow10Int64(n int) int64 { return int64(pow10[n].Lo) }

// Rescale changes the scale of the decimal a from one to another, rounding half away from zero as MySQL
// does, and reports whether the result fits.
func (a Int128) Rescale(from, to int) (Int128, bool) {
	switch {
	case to > from:
		if to-from > 38 {
			return Int128{}, a == Int128{}
		}
		return a.Mul(pow10[to-from])
	case to < from:
		return a.dropDigits(from - to), true
	}
	return a, true
}

// dropDigits returns a / 10^n for n > 0, rounded half away from zero.
func (a Int128) dropDigits(n int) Int128 {
	if n > 38 { // the greatest magnitude is 1.7e38, less than half of 10^39
		return Int128{}
	}
	var q, r Int128
	if n <= 18 {
		d, m := a.DivMod64(Pow10Int64(n))
		q, r = d, Int128From(m)
	} else {
		q, r = a.DivMod(pow10[n])
	}
	rest, _ := pow10[n].Sub(r.Abs()) // |r| < 10^n
	if r.Abs().Cmp(rest) >= 0 {
		q, _ = q.Add(Int128From(int64(a.Sign())))
	}
	return q
}

// DivMod returns the quotient, rounded towards zero, and the remainder (with a's sign) of a/b; b is not zero. The least
// value divided by -1 is itself.
func (a Int128) DivMod(b Int128) (q, r Int128) {
	x, y := a.Abs(), b.Abs() // as unsigned numbers
	q, r = divModUnsigned(x, y)
	if (a.Hi < 0) != (b.Hi < 0) {
		q = q.Neg()
	}
	if a.Hi < 0 {
		r = r.Neg()
	}
	return q, r
}

// divModUnsigned divides numbers of 128 bits without a sign.
func divModUnsigned(x, y Int128) (q, r Int128) {
	if y.Hi == 0 {
		hi, rem := bits.Div64(0, uint64(x.Hi), y.Lo)
		lo, rem := bits.Div64(rem, x.Lo, y.Lo)
		return Int128{lo, int64(hi)}, Int128{Lo: rem}
	}
	// The divisor has more than 64 bits, so the quotient fits a word: estimate it from the leading words, at most one
	// or two too great after normalisation (Knuth, TAOCP 2, 4.3.1 D).
	s := uint(bits.LeadingZeros64(uint64(y.Hi)))
	yh := uint64(y.Hi)<<s | y.Lo>>1>>(63-s)
	xh := uint64(x.Hi) >> 1
	xl := uint64(x.Hi)<<63 | x.Lo>>1
	est, _ := bits.Div64(xh, xl, yh)
	est >>= 63 - s
	if est > 0 {
		est--
	}
	ph, pl := bits.Mul64(est, y.Lo)
	ph += est * uint64(y.Hi)
	lo, borrow := bits.Sub64(x.Lo, pl, 0)
	hi, _ := bits.Sub64(uint64(x.Hi), ph, borrow)
	for hi > uint64(y.Hi) || hi == uint64(y.Hi) && lo >= y.Lo {
		lo, borrow = bits.Sub64(lo, y.Lo, 0)
		hi, _ = bits.Sub64(hi, uint64(y.Hi), borrow)
		est++
	}
	return Int128{Lo: est}, Int128{lo, int64(hi)}
}

// Big returns a as a big.Int.
func (a Int128) Big() *big.Int {
	x := a.Abs()
	b := new(big.Int).SetUint64(uint64(x.Hi))
	b.Lsh(b, 64).Or(b, new(big.Int).SetUint64(x.Lo))
	if a.Hi < 0 {
		b.Neg(b)
	}
	return b
}

// Int128FromBig converts b and reports whether it fits.
func Int128FromBig(b *big.Int) (Int128, bool) {
	if b.BitLen() > 127 {
		least := Int128{Hi: -1 << 63}
		return least, b.Sign() < 0 && b.BitLen() == 128 && b.TrailingZeroBits() == 127
	}
	m := new(big.Int).Abs(b)
	r := Int128{Lo: new(big.Int).And(m, new(big.Int).SetUint64(^uint64(0))).Uint64(), Hi: int64(new(big.Int).Rsh(m, 64).Uint64())}
	if b.Sign() < 0 {
		r = r.Neg()
	}
	return r, true
}

// Float64 returns the nearest float64 of a.
func (a Int128) Float64() float64 {
	if a.Fits64() {
		return float64(int64(a.Lo))
	}
	f, _ := new(big.Float).SetInt(a.Big()).Float64()
	return f
}

// AppendDecimal appends a as a decimal number with scale digits after the point, as MySQL prints it.
func (a Int128) AppendDecimal(dst []byte, scale int) []byte {
	var digits [48]byte
	i := len(digits)
	x := a.Abs()
	hi, lo := uint64(x.Hi), x.Lo
	for n := 0; n <= scale || hi != 0 || lo != 0; n++ {
		if n == scale && scale > 0 {
			i--
			digits[i] = '.'
		}
		var r uint64
		hi, r = bits.Div64(0, hi, 10)
		lo, r = bits.Div64(r, lo, 10)
		i--
		digits[i] = byte('0' + r)
	}
	if a.Hi < 0 {
		i--
		digits[i] = '-'
	}
	return append(dst, digits[i:]...)
}

// ParseDecimal reads an optionally signed decimal number, with or without an exponent, and returns its
// unscaled value at the given scale, rounded half away from zero. exact is false when digits were rounded
// off; ok is false when s is no number or the value does not fit 128 bits.
func ParseDecimal(s string, scale int) (v Int128, exact, ok bool) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 400 || strings.ContainsAny(s, "/_xXbBoOpPiInN") {
		return Int128{}, false, false
	}
	if i := strings.IndexAny(s, "eE"); i >= 0 && len(s)-i > 6 {
		return Int128{}, false, false
	}
	r, good := new(big.Rat).SetString(s)
	if !good {
		return Int128{}, false, false
	}
	r.Mul(r, new(big.Rat).SetInt(Pow10(scale).Big()))
	q, m := new(big.Int).QuoRem(r.Num(), r.Denom(), new(big.Int))
	exact = m.Sign() == 0
	if m.Abs(m).Lsh(m, 1).Cmp(r.Denom()) >= 0 {
		q.Add(q, big.NewInt(int64(r.Num().Sign())))
	}
	v, ok = Int128FromBig(q)
	return v, exact, ok
}
