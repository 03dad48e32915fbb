package replay

import (
	"math"
	"math/bits"

	"github.com/featuresql/featuresql/engine/types"
)

// rounding says in which direction a number that does not fit its scale is moved.
type rounding int8

const (
	down rounding = -1 // towards the lower bound
	up   rounding = +1
)

// parseDecimal reads a decimal number, with or without an exponent, and returns its unscaled value at the given
// scale, rounded in one direction. exact is false if it was rounded; ok is false if text is no number or does not fit.
func parseDecimal(text string, scale int, dir rounding) (v types.Int128, exact, ok bool) {
	d, ok := scanDecimal(text)
	if !ok {
		return types.Int128{}, false, false
	}
	shift := scale + d.exponent
	mag := d.digits
	exact = !d.inexact
	if shift >= 0 {
		if mag != (types.Int128{}) {
			if shift > 38 {
				return types.Int128{}, false, false
			}
			if mag, ok = mag.Mul(types.Pow10(shift)); !ok {
				return types.Int128{}, false, false
			}
		}
	} else {
		for s := -shift; s > 0 && mag != (types.Int128{}); s -= 18 {
			q, r := mag.DivMod64(types.Pow10Int64(min(s, 18)))
			mag, exact = q, exact && r == 0
		}
	}
	if d.neg {
		mag = mag.Neg()
	}
	if !exact && (dir == up) != d.neg {
		if mag, ok = mag.Add(types.Int128From(int64(dir))); !ok {
			return types.Int128{}, false, false
		}
	}
	return mag, exact, true
}

// decimalText is a number as digits × 10^exponent.
type decimalText struct {
	neg      bool
	digits   types.Int128
	exponent int
	inexact  bool // more digits than fit were cut off
}

func scanDecimal(text string) (d decimalText, ok bool) {
	i := 0
	if i < len(text) && (text[i] == '-' || text[i] == '+') {
		d.neg = text[i] == '-'
		i++
	}
	var hi, lo uint64
	seen, point, full := false, false, false
	for ; i < len(text); i++ {
		c := text[i]
		if c == '.' && !point {
			point = true
			continue
		}
		if c-'0' > 9 {
			break
		}
		seen = true
		switch {
		case full || hi >= 1<<63/10:
			full = true
			d.inexact = d.inexact || c != '0'
			if !point {
				d.exponent++
			}
		default:
			carry, l := bits.Mul64(lo, 10)
			l, more := bits.Add64(l, uint64(c-'0'), 0)
			hi, lo = hi*10+carry+more, l
			if point {
				d.exponent--
			}
		}
	}
	d.digits = types.Int128{Lo: lo, Hi: int64(hi)}
	if !seen {
		return d, false
	}
	if i < len(text) && text[i]|0x20 == 'e' {
		e, good := exponent(text[i+1:])
		if !good {
			return d, false
		}
		d.exponent += e
		i = len(text)
	}
	return d, i == len(text)
}

func exponent(text string) (e int, ok bool) {
	neg := false
	if text != "" && (text[0] == '-' || text[0] == '+') {
		neg = text[0] == '-'
		text = text[1:]
	}
	if text == "" || len(text) > 4 {
		return 0, false
	}
	for i := range len(text) {
		if text[i]-'0' > 9 {
			return 0, false
		}
		e = e*10 + int(text[i]-'0')
	}
	if neg {
		e = -e
	}
	return e, true
}

// fitsDecimal reports whether an unscaled value has at most precision digits.
func fitsDecimal(v types.Int128, precision int) bool {
	if precision >= 38 {
		return v.Abs().Cmp(types.Pow10(38)) < 0
	}
	return v.Abs().Cmp(types.Pow10(precision)) < 0
}

// parseInteger reads a number as an integer between lo and hi, rounded in one direction if it has a fraction.
func parseInteger(text string, lo, hi int64, dir rounding) (int64, bool) {
	v, _, ok := parseDecimal(text, 0, dir)
	if !ok || !v.Fits64() {
		return 0, false
	}
	n := int64(v.Lo)
	return n, n >= lo && n <= hi
}

// intRange returns the least and the greatest value of an integer type.
func intRange(k types.Kind) (lo, hi int64) {
	switch k {
	case types.Bool:
		return 0, 1
	case types.Int8:
		return math.MinInt8, math.MaxInt8
	case types.Int16:
		return math.MinInt16, math.MaxInt16
	case types.Int32, types.Date:
		return math.MinInt32, math.MaxInt32
	}
	return math.MinInt64, math.MaxInt64
}
