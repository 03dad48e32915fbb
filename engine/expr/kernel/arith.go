package kernel

import "math/bits"

// Integer are the physical integer types; results are always int64.
type Integer interface{ ~int32 | ~int64 }

// Add sets dst[i] = a[i]+b[i] and reports whether every sum is exact.
func Add[A, B Integer](dst []int64, a []A, b []B) bool {
	var over int64
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		x, y := int64(a[i]), int64(b[i])
		r := x + y
		over |= (x ^ r) & (y ^ r)
		dst[i] = r
	}
	return over >= 0
}

// AddScalar sets dst[i] = a[i]+c and reports whether every sum is exact.
func AddScalar[A Integer](dst []int64, a []A, c int64) bool {
	var over int64
	a = a[:len(dst)]
	for i := range dst {
		x := int64(a[i])
		r := x + c
		over |= (x ^ r) & (c ^ r)
		dst[i] = r
	}
	return over >= 0
}

// Sub sets dst[i] = a[i]-b[i] and reports whether every difference is exact.
func Sub[A, B Integer](dst []int64, a []A, b []B) bool {
	var over int64
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		x, y := int64(a[i]), int64(b[i])
		r := x - y
		over |= (x ^ y) & (x ^ r)
		dst[i] = r
	}
	return over >= 0
}

// ScalarSub sets dst[i] = c-a[i] and reports whether every difference is exact.
func ScalarSub[A Integer](dst []int64, c int64, a []A) bool {
	var over int64
	a = a[:len(dst)]
	for i := range dst {
		y := int64(a[i])
		r := c - y
		over |= (c ^ y) & (c ^ r)
		dst[i] = r
	}
	return over >= 0
}

// Magnitude returns a number of bits that holds |x| of every x in a: 0 for no or only zero values.
func Magnitude[A Integer](a []A) int {
	var m uint64
	for _, x := range a {
		y := int64(x)
		m |= uint64(y ^ y>>63)
	}
	n := bits.Len64(m)
	if n == 0 {
		for _, x := range a { // -1 has no bits after the exclusive or
			if x != 0 {
				return 1
			}
		}
		return 0
	}
	return n + 1 // -2^n has n bits after the exclusive or, but its magnitude needs one more
}

// MulUnchecked sets dst[i] = a[i]*b[i], which the caller knows to fit.
func MulUnchecked[A, B Integer](dst []int64, a []A, b []B) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = int64(a[i]) * int64(b[i])
	}
}

// MulScalarUnchecked sets dst[i] = a[i]*c, which the caller knows to fit.
func MulScalarUnchecked[A Integer](dst []int64, a []A, c int64) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = int64(a[i]) * c
	}
}

// Mul sets dst[i] = a[i]*b[i] and reports whether every product is exact.
func Mul[A, B Integer](dst []int64, a []A, b []B) bool {
	var over uint64
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		r, bad := mul64(int64(a[i]), int64(b[i]))
		over |= bad
		dst[i] = r
	}
	return over == 0
}

// MulScalar sets dst[i] = a[i]*c and reports whether every product is exact.
func MulScalar[A Integer](dst []int64, a []A, c int64) bool {
	var over uint64
	a = a[:len(dst)]
	for i := range dst {
		r, bad := mul64(int64(a[i]), c)
		over |= bad
		dst[i] = r
	}
	return over == 0
}

// mul64 returns the low word of x*y, and 0 if that is all of it.
func mul64(x, y int64) (int64, uint64) {
	hi, lo := bits.Mul64(uint64(x), uint64(y))
	h := int64(hi) - (x>>63)&y - (y>>63)&x
	return int64(lo), uint64(h ^ int64(lo)>>63)
}

// AddScaled sets dst[i] = a[i]*fa + b[i]*fb, which the caller knows to fit.
func AddScaled(dst, a []int64, fa int64, b []int64, fb int64) {
	a, b = a[:len(dst)], b[:len(dst)]
	if fa == 1 && (fb == 1 || fb == -1) {
		for i := range dst {
			dst[i] = a[i] + b[i]*fb
		}
		return
	}
	for i := range dst {
		dst[i] = a[i]*fa + b[i]*fb
	}
}

// AddScaledScalar sets dst[i] = a[i]*fa + c, which the caller knows to fit.
func AddScaledScalar(dst, a []int64, fa, c int64) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = a[i]*fa + c
	}
}

// Widen sets dst[i] = a[i].
func Widen(dst []int64, a []int32) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = int64(a[i])
	}
}

// Float converts integers.
func Float[A Integer](dst []float64, a []A) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = float64(a[i])
	}
}

// FloatOp is an arithmetic operation on floats.
type FloatOp uint8

// The operations; division by zero and NaN follow IEEE 754 and are the caller's.
const (
	FloatAdd FloatOp = iota
	FloatSub
	FloatMul
	FloatDiv
)

// Floats sets dst[i] = a[i] op b[i] and reports whether every result is finite.
func Floats(dst, a, b []float64, op FloatOp) bool {
	bad := 0
	a, b = a[:len(dst)], b[:len(dst)]
	switch op {
	case FloatAdd:
		for i := range dst {
			r := a[i] + b[i]
			bad |= B2I(r-r != 0)
			dst[i] = r
		}
	case FloatSub:
		for i := range dst {
			r := a[i] - b[i]
			bad |= B2I(r-r != 0)
			dst[i] = r
		}
	case FloatMul:
		for i := range dst {
			r := a[i] * b[i]
			bad |= B2I(r-r != 0)
			dst[i] = r
		}
	case FloatDiv:
		for i := range dst {
			r := a[i] / b[i]
			bad |= B2I(r-r != 0)
			dst[i] = r
		}
	}
	return bad == 0
}

// FloatsScalar sets dst[i] = a[i] op c, or c op a[i] if swap is set, and reports whether every result is finite.
func FloatsScalar(dst, a []float64, c float64, op FloatOp, swap bool) bool {
	bad := 0
	a = a[:len(dst)]
	switch {
	case op == FloatAdd:
		for i := range dst {
			r := a[i] + c
			bad |= B2I(r-r != 0)
			dst[i] = r
		}
	case op == FloatMul:
		for i := range dst {
			r := a[i] * c
			bad |= B2I(r-r != 0)
			dst[i] = r
		}
	case op == FloatSub && !swap:
		for i := range dst {
			r := a[i] - c
			bad |= B2I(r-r != 0)
			dst[i] = r
		}
	case op == FloatSub:
		for i := range dst {
			r := c - a[i]
			bad |= B2I(r-r != 0)
			dst[i] = r
		}
	case !swap:
		for i := range dst {
			r := a[i] / c
			bad |= B2I(r-r != 0)
			dst[i] = r
		}
	default:
		for i := range dst {
			r := c / a[i]
			bad |= B2I(r-r != 0)
			dst[i] = r
		}
	}
	return bad == 0
}
