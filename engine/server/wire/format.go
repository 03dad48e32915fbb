package wire

import (
	"encoding/binary"
	"math"
	"slices"
	"strconv"

	"github.com/featuresql/featuresql/engine/types"
)

const (
	usecPerSecond = int64(1e6)
	usecPerDay    = 86400 * usecPerSecond
)

// textRow appends a row of the text protocol.
func (s *Sink) textRow(dst []byte, row int) []byte {
	for i := range s.cols {
		c := &s.cols[i]
		if c.isNull(row) {
			dst = append(dst, 0xfb)
			continue
		}
		dst, _ = c.append(dst, row) // text never fails
	}
	return dst
}

// text appends value i of c.src as its length and text.
func (c *column) text(dst []byte, i int) []byte {
	v := c.src
	if v.Phys == types.PhysBytes {
		b := v.Bytes(i)
		return append(AppendLength(dst, uint64(len(b))), b...)
	}
	at := len(dst)
	dst = append(dst, 0)
	switch v.Type.Kind {
	case types.Uint64:
		dst = appendUint(dst, uint64(v.I64[i]))
	case types.Float32:
		dst = AppendFloat(dst, v.F64[i], 32)
	case types.Float64:
		dst = AppendFloat(dst, v.F64[i], 64)
	case types.Decimal:
		dst = v.Decimal(i).AppendDecimal(dst, int(v.Type.Scale))
	case types.Date:
		dst = AppendDate(dst, int64(v.I32[i]))
	case types.Timestamp:
		dst = c.datetime(dst, c.zone.local(v.I64[i]))
	case types.TimestampNTZ:
		dst = c.datetime(dst, v.I64[i])
	case types.Time:
		dst = AppendTime(dst, v.I64[i], c.decimals)
	default:
		n := v.Int(i)
		if n < 0 {
			dst = append(dst, '-')
			n = -n // the least one stays, and is right as unsigned
		}
		dst = appendUint(dst, uint64(n))
	}
	dst[at] = byte(len(dst) - at - 1) // never beyond 250: the longest is a float of 24 characters, or a decimal of 67
	return dst
}

// datetime is AppendDatetime, with the date remembered: those of neighbouring rows are often the same.
func (c *column) datetime(dst []byte, us int64) []byte {
	days, rest := floorDiv(us, usecPerDay)
	if days != c.day || len(c.dayText) == 0 {
		c.day, c.dayText = days, append(AppendDate(c.dayText[:0], days), ' ')
	}
	return appendClock(append(dst, c.dayText...), rest, c.decimals)
}

// AppendLength appends a length-encoded integer.
func AppendLength(dst []byte, n uint64) []byte {
	switch {
	case n < 251:
		return append(dst, byte(n))
	case n < 1<<16:
		return append(dst, 0xfc, byte(n), byte(n>>8))
	case n < 1<<24:
		return append(dst, 0xfd, byte(n), byte(n>>8), byte(n>>16))
	}
	return binary.LittleEndian.AppendUint64(append(dst, 0xfe), n)
}

// AppendFloat appends the shortest decimal that reads back as the same float of 32 or 64 bits, as MySQL prints a
// DOUBLE: with an exponent from 1e15 on and below 1e-15, written without padding or plus sign. What MySQL has no
// text for is NaN, Infinity and -Infinity.
func AppendFloat(dst []byte, f float64, bits int) []byte {
	abs := math.Abs(f)
	if bits == 64 && abs >= 1e-8 && abs < 1e11 {
		if short, ok := appendShortFloat(dst, f, abs); ok {
			return short
		}
	}
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 0):
		if f < 0 {
			dst = append(dst, '-')
		}
		return append(dst, "Infinity"...)
	case abs == 0 || abs >= 1e-15 && abs < 1e15:
		return strconv.AppendFloat(dst, f, 'f', -1, bits)
	}
	var tmp [32]byte
	b := strconv.AppendFloat(tmp[:0], f, 'e', -1, bits)
	for i, c := range b {
		if c != 'e' {
			continue
		}
		dst = append(dst, b[:i+1]...)
		exp := b[i+1:]
		if exp[0] == '-' {
			dst = append(dst, '-')
		}
		for exp = exp[1:]; len(exp) > 1 && exp[0] == '0'; {
			exp = exp[1:]
		}
		return append(dst, exp...)
	}
	return append(dst, b...)
}

// appendShortFloat appends f if it is a number with at most 15 digits, of which at most 8 behind the point. No
// two decimals of up to 15 digits are read as the same double, so that the one found is the shortest.
func appendShortFloat(dst []byte, f, abs float64) ([]byte, bool) {
	const scale4, scale8 = 1e4, 1e8
	var whole, frac uint64 // frac in units of 1e-8
	if m := math.RoundToEven(abs * scale4); m < 1e15 && m/scale4 == abs {
		n := uint64(m)
		whole, frac = n/scale4, n%scale4*scale4
	} else if m := math.RoundToEven(abs * scale8); m < 1e15 && m/scale8 == abs {
		n := uint64(m)
		whole, frac = n/scale8, n%scale8
	} else {
		return dst, false
	}
	if f < 0 {
		dst = append(dst, '-')
	}
	dst = appendUint(dst, whole)
	if frac == 0 {
		return dst, true
	}
	hi, lo := int(frac/scale4), int(frac%scale4)
	dst = append2(append2(append(dst, '.'), hi/100), hi%100)
	if lo != 0 {
		dst = append2(append2(dst, lo/100), lo%100)
	}
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst, true
}

// AppendDate appends YYYY-MM-DD of a day count from 1970-01-01, by the proleptic Gregorian calendar.
func AppendDate(dst []byte, days int64) []byte {
	y, m, d := civil(days)
	return append2(append(append2(append(appendYear(dst, y), '-'), m), '-'), d)
}

// AppendDatetime appends YYYY-MM-DD HH:MM:SS with decimals digits of the second after a point, cutting the rest
// off. us counts microseconds from 1970-01-01.
func AppendDatetime(dst []byte, us int64, decimals int) []byte {
	days, rest := floorDiv(us, usecPerDay)
	dst = append(AppendDate(dst, days), ' ')
	return appendClock(dst, rest, decimals)
}

// AppendTime appends [-]HH:MM:SS with decimals digits of the second after a point; hours may pass 24.
func AppendTime(dst []byte, us int64, decimals int) []byte {
	if us < 0 {
		dst, us = append(dst, '-'), -us
	}
	if hours := us / (3600 * usecPerSecond); hours > 99 {
		dst = strconv.AppendInt(dst, hours/100, 10)
		us -= hours / 100 * 100 * 3600 * usecPerSecond
	}
	return appendClock(dst, us, decimals)
}

func appendClock(dst []byte, us int64, decimals int) []byte {
	sec := uint32(us / usecPerSecond)
	dst = append2(dst, int(sec/3600))
	dst = append2(append(dst, ':'), int(sec/60%60))
	dst = append2(append(dst, ':'), int(sec%60))
	if decimals == 0 {
		return dst
	}
	frac := us % usecPerSecond
	dst = append(dst, '.', 0, 0, 0, 0, 0, 0)
	for i := len(dst) - 1; dst[i] != '.'; i-- {
		dst[i] = byte('0' + frac%10)
		frac /= 10
	}
	return dst[:len(dst)-6+decimals]
}

// pairs are the numbers below 100 in two digits.
const pairs = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960616263646566676869" +
	"707172737475767778798081828384858687888990919293949596979899"

func append2(dst []byte, v int) []byte {
	p := uint(v) % 100 * 2
	return append(dst, pairs[p], pairs[p+1])
}

// appendUint is strconv.AppendUint of base 10, without a copy.
func appendUint(dst []byte, n uint64) []byte {
	digits := 1
	for m := n; m >= 10; digits++ {
		if m < 100 {
			digits++
			break
		}
		m /= 100
		digits++
	}
	at := len(dst)
	dst = slices.Grow(dst, digits)[:at+digits]
	end := len(dst)
	for n >= 100 {
		p := n % 100 * 2
		n /= 100
		end -= 2
		dst[end], dst[end+1] = pairs[p], pairs[p+1]
	}
	if n >= 10 {
		dst[end-2], dst[end-1] = pairs[n*2], pairs[n*2+1]
		return dst
	}
	dst[end-1] = byte('0' + n)
	return dst
}

func appendYear(dst []byte, y int) []byte {
	if y < 0 {
		dst, y = append(dst, '-'), -y
	}
	if y > 9999 {
		return strconv.AppendInt(dst, int64(y), 10)
	}
	return append2(append2(dst, y/100), y%100)
}

func floorDiv(a, b int64) (q, r int64) {
	q, r = a/b, a%b
	if r < 0 {
		q, r = q-1, r+b
	}
	return q, r
}

// civil turns a day count from 1970-01-01 into year, month and day: years are counted from March, in eras of 400.
func civil(days int64) (year, month, day int) {
	z := days + 719468
	era, doe := floorDiv(z, 146097)
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d := doy - (153*mp+2)/5 + 1
	m := mp + 3
	if m > 12 {
		m -= 12
	}
	y := yoe + era*400
	if m <= 2 {
		y++
	}
	return int(y), int(m), int(d)
}
