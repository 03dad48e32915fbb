package wire

import (
	"encoding/binary"
	"math"
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
		dst = strconv.AppendUint(dst, uint64(v.I64[i]), 10)
	case types.Float32:
		dst = AppendFloat(dst, v.F64[i], 32)
	case types.Float64:
		dst = AppendFloat(dst, v.F64[i], 64)
	case types.Decimal:
		dst = v.Decimal(i).AppendDecimal(dst, int(v.Type.Scale))
	case types.Date:
		dst = AppendDate(dst, int64(v.I32[i]))
	case types.Timestamp:
		dst = AppendDatetime(dst, c.zone.local(v.I64[i]), c.decimals)
	case types.TimestampNTZ:
		dst = AppendDatetime(dst, v.I64[i], c.decimals)
	case types.Time:
		dst = AppendTime(dst, v.I64[i], c.decimals)
	default:
		dst = strconv.AppendInt(dst, v.Int(i), 10)
	}
	dst[at] = byte(len(dst) - at - 1) // never beyond 250: the longest is a float of 24 characters, or a decimal of 67
	return dst
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
	sec := us / usecPerSecond
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

func append2(dst []byte, v int) []byte { return append(dst, byte('0'+v/10%10), byte('0'+v%10)) }

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
