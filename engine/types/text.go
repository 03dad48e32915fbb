package types

import (
	"math"
	"strconv"
)

// AppendFloat appends f as MySQL prints a DOUBLE (or a FLOAT, for 32 bits): the shortest digits that read back as f,
// without an exponent from 1e-15 to below 1e15.
func AppendFloat(dst []byte, f float64, bits int) []byte {
	if a := math.Abs(f); f == 0 || a >= 1e-15 && a < 1e15 {
		if f == 0 {
			f = 0 // no sign
		}
		return strconv.AppendFloat(dst, f, 'f', -1, bits)
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return strconv.AppendFloat(dst, f, 'g', -1, bits)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'e', -1, bits)
	for i := start; i < len(dst); i++ {
		if dst[i] != 'e' {
			continue
		}
		exp := dst[i+1:]
		neg := exp[0] == '-'
		exp = exp[1:]
		for len(exp) > 1 && exp[0] == '0' {
			exp = exp[1:]
		}
		w := i + 1
		if neg {
			dst[w] = '-'
			w++
		}
		w += copy(dst[w:], exp)
		return dst[:w]
	}
	return dst
}

// AppendText appends a valid value as the text that CAST(… AS CHAR) gives: digits, YYYY-MM-DD hh:mm:ss[.ffffff] (a
// Timestamp in UTC; convert it to the session's zone before), or the bytes themselves.
func AppendText(dst []byte, v Value) []byte {
	switch v.Type.Kind {
	case Decimal:
		return v.D.AppendDecimal(dst, int(v.Type.Scale))
	case Float32:
		return AppendFloat(dst, v.F, 32)
	case Float64:
		return AppendFloat(dst, v.F, 64)
	case Date:
		return AppendDate(dst, v.I)
	case Timestamp, TimestampNTZ:
		return AppendDatetime(dst, v.I)
	case Time:
		return AppendTime(dst, v.I)
	case Uint64:
		return strconv.AppendUint(dst, uint64(v.I), 10)
	case String, Binary, JSON:
		return append(dst, v.S...)
	}
	return strconv.AppendInt(dst, v.I, 10)
}

// NumberPrefix returns the longest prefix of s, after leading blanks, that is a decimal number, with an exponent if
// float is set and a point unless integer is set. clean reports whether only blanks follow.
func NumberPrefix(s []byte, integer, float bool) (number []byte, clean bool) {
	i := 0
	for i < len(s) && isBlank(s[i]) {
		i++
	}
	start := i
	if i < len(s) && (s[i] == '+' || s[i] == '-') {
		i++
	}
	digits, i0 := 0, i
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	digits = i - i0
	if !integer && i < len(s) && s[i] == '.' {
		j := i + 1
		for j < len(s) && isDigit(s[j]) {
			j++
		}
		if digits += j - i - 1; digits > 0 {
			i = j
		}
	}
	if digits == 0 {
		return nil, false
	}
	if float && i+1 < len(s) && (s[i] == 'e' || s[i] == 'E') {
		j := i + 1
		if j < len(s) && (s[j] == '+' || s[j] == '-') {
			j++
		}
		k := j
		for k < len(s) && isDigit(s[k]) {
			k++
		}
		if k > j {
			i = k
		}
	}
	end := i
	for i < len(s) && isBlank(s[i]) {
		i++
	}
	return s[start:end], i == len(s)
}

func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
