package parquet

import (
	"encoding/base64"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// appendJSON appends row i of a flat vector, which is not NULL, as JSON text; Field says how.
func appendJSON(dst []byte, v *vector.Vector, i int) []byte {
	switch v.Type.Kind {
	case types.Bool:
		return strconv.AppendBool(dst, v.I32[i] != 0)
	case types.Uint64:
		return strconv.AppendUint(dst, uint64(v.I64[i]), 10)
	case types.Float32:
		return appendJSONFloat(dst, v.F64[i], 32)
	case types.Float64:
		return appendJSONFloat(dst, v.F64[i], 64)
	case types.Decimal:
		return v.Decimal(i).AppendDecimal(dst, int(v.Type.Scale))
	case types.Date:
		dst = append(dst, '"')
		dst = appendDate(dst, int64(v.I32[i]))
		return append(dst, '"')
	case types.Timestamp, types.TimestampNTZ:
		dst = append(dst, '"')
		day, micros := splitFloor(v.I64[i], microsPerDay)
		dst = appendDate(dst, day)
		dst = append(dst, 'T')
		dst = appendClock(dst, micros)
		if v.Type.Kind == types.Timestamp {
			dst = append(dst, 'Z')
		}
		return append(dst, '"')
	case types.Time:
		dst = append(dst, '"')
		if v.I64[i] < 0 {
			dst = append(dst, '-')
		}
		dst = appendClock(dst, max(v.I64[i], -v.I64[i]))
		return append(dst, '"')
	case types.Binary:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, v.Bytes(i))
		return append(dst, '"')
	case types.String, types.JSON:
		return appendJSONString(dst, v.Bytes(i))
	}
	return strconv.AppendInt(dst, v.Int(i), 10)
}

func splitFloor(a, b int64) (q, r int64) {
	q, r = a/b, a%b
	if r < 0 {
		q, r = q-1, r+b
	}
	return q, r
}

func appendJSONFloat(dst []byte, f float64, size int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	return strconv.AppendFloat(dst, f, 'g', -1, size)
}

// appendDate appends a day since 1970-01-01; years beyond 9999 have a sign.
func appendDate(dst []byte, day int64) []byte {
	y, m, d := time.Unix(day*86400, 0).UTC().Date()
	switch {
	case y < 0:
		dst = append(dst, '-')
		y = -y
	case y > 9999:
		dst = append(dst, '+')
	}
	dst = appendPadded(dst, int64(y), 4)
	dst = append(dst, '-')
	dst = appendPadded(dst, int64(m), 2)
	dst = append(dst, '-')
	return appendPadded(dst, int64(d), 2)
}

// appendClock appends microseconds of a day as a time with six digits after the seconds.
func appendClock(dst []byte, micros int64) []byte {
	s := micros / 1000000
	dst = appendPadded(dst, s/3600, 2)
	dst = append(dst, ':')
	dst = appendPadded(dst, s/60%60, 2)
	dst = append(dst, ':')
	dst = appendPadded(dst, s%60, 2)
	dst = append(dst, '.')
	return appendPadded(dst, micros%1000000, 6)
}

func appendPadded(dst []byte, v int64, width int) []byte {
	var digits [20]byte
	s := strconv.AppendInt(digits[:0], v, 10)
	for k := len(s); k < width; k++ {
		dst = append(dst, '0')
	}
	return append(dst, s...)
}

const hexDigits = "0123456789abcdef"

// appendJSONString appends s quoted and escaped; what is not UTF-8 becomes U+FFFD.
func appendJSONString(dst, s []byte) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRune(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(dst, s[start:i]...)
				dst = append(dst, "\ufffd"...)
				start = i + 1
			}
			i += size
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}
