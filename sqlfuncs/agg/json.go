package agg

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// NullKeyError says that JSON_OBJECTAGG met a NULL key (MySQL 3158).
type NullKeyError struct{}

func (e *NullKeyError) Error() string { return "JSON documents may not contain NULL member names." }

// jsonFunc is JSON_ARRAYAGG and JSON_OBJECTAGG. State: none in the table; beside it, a group's elements as text,
// or its members by key, of which the last wins.
type jsonFunc struct {
	spec   *Spec
	object bool
	arrays [][]byte
	maps   []map[string]string
	bytes  int64
	buf    []byte
}

func (f *jsonFunc) Words() int { return 0 }

func (f *jsonFunc) SizeBytes() int64 { return f.bytes + int64(cap(f.arrays)*24+cap(f.maps)*8) }

func (f *jsonFunc) Update(_ Table, in *Input) error {
	a := in.Args[len(in.Args)-1]
	for k := range in.N {
		g := groupOf(in.Groups, k)
		f.buf = f.appendJSON(f.buf[:0], a.v, a.row(k))
		if !f.object {
			f.element(g, f.buf)
			continue
		}
		key := in.Args[0]
		i := key.row(k)
		if key.v.IsNull(i) {
			return &NullKeyError{}
		}
		f.member(g, string(key.v.Bytes(i)), string(f.buf))
	}
	return nil
}

func (f *jsonFunc) element(g uint32, text []byte) {
	for int(g) >= len(f.arrays) {
		f.arrays = append(f.arrays, nil)
	}
	b := f.arrays[g]
	old := cap(b)
	if len(b) > 0 {
		b = append(b, ", "...)
	}
	f.arrays[g] = append(b, text...)
	f.bytes += int64(cap(f.arrays[g]) - old)
}

// memberBytes is a guess at the cost of a map entry beside its strings.
const memberBytes = 64

func (f *jsonFunc) member(g uint32, key, text string) {
	for int(g) >= len(f.maps) {
		f.maps = append(f.maps, nil)
	}
	if f.maps[g] == nil {
		f.maps[g] = map[string]string{}
	}
	f.maps[g][key] = text
	f.bytes += int64(len(key)+len(text)) + memberBytes
}

func (f *jsonFunc) Merge(_ Table, into []uint32, src Func, _ Table, from []uint32) error {
	s := src.(*jsonFunc)
	for i, g := range into {
		if o := int(from[i]); o < len(s.arrays) && len(s.arrays[o]) > 0 {
			f.element(g, s.arrays[o])
		}
		if o := int(from[i]); o < len(s.maps) {
			for k, v := range s.maps[o] {
				f.member(g, k, v)
			}
		}
	}
	return nil
}

func (f *jsonFunc) Result(_ Table, groups []uint32, out *vector.Vector) error {
	for i, g := range groups {
		switch {
		case f.object && int(g) < len(f.maps) && len(f.maps[g]) > 0:
			out.Data = appendObject(out.Data, f.maps[g])
		case !f.object && int(g) < len(f.arrays) && len(f.arrays[g]) > 0:
			out.Data = append(append(append(out.Data, '['), f.arrays[g]...), ']')
		default:
			out.SetNull(i)
		}
		out.Off = append(out.Off, int32(len(out.Data)))
	}
	return nil
}

// appendObject writes members in MySQL's order: shorter keys first, then by bytes.
func appendObject(dst []byte, m map[string]string) []byte {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	dst = append(dst, '{')
	for i, k := range keys {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(appendString(dst, k), ": "...)
		dst = append(dst, m[k]...)
	}
	return append(dst, '}')
}

func (f *jsonFunc) appendJSON(dst []byte, v *vector.Vector, i int) []byte {
	if v.IsNull(i) {
		return append(dst, "null"...)
	}
	switch v.Type.Kind {
	case types.Bool:
		return strconv.AppendBool(dst, v.Int(i) != 0)
	case types.Uint64:
		return strconv.AppendUint(dst, uint64(v.Int(i)), 10)
	case types.Float32, types.Float64:
		return appendFloat(dst, v.Float(i), v.Type.Kind)
	case types.Decimal:
		return v.Decimal(i).AppendDecimal(dst, int(v.Type.Scale))
	case types.Date:
		return time.Unix(v.Int(i)*86400, 0).UTC().AppendFormat(dst, `"2006-01-02"`)
	case types.Timestamp, types.TimestampNTZ:
		t := time.UnixMicro(v.Int(i)).UTC()
		if v.Type.Kind == types.Timestamp && f.spec.Location != nil {
			t = t.In(f.spec.Location)
		}
		return t.AppendFormat(dst, `"2006-01-02 15:04:05.000000"`)
	case types.Time:
		return append(appendTime(append(dst, '"'), v.Int(i)), '"')
	case types.JSON:
		return append(dst, v.Bytes(i)...)
	case types.String, types.Binary:
		return appendString(dst, string(v.Bytes(i)))
	}
	return strconv.AppendInt(dst, v.Int(i), 10)
}

func appendFloat(dst []byte, x float64, k types.Kind) []byte {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return append(dst, "null"...)
	}
	bits := 64
	if k == types.Float32 {
		bits = 32
	}
	at := len(dst)
	dst = strconv.AppendFloat(dst, x, 'g', -1, bits)
	for _, c := range dst[at:] {
		if c == '.' || c == 'e' {
			return dst
		}
	}
	return append(dst, ".0"...) // MySQL keeps a double a double
}

func appendTime(dst []byte, us int64) []byte {
	if us < 0 {
		dst, us = append(dst, '-'), -us
	}
	pad := func(n int64, width int) {
		s := strconv.FormatInt(n, 10)
		for i := len(s); i < width; i++ {
			dst = append(dst, '0')
		}
		dst = append(dst, s...)
	}
	pad(us/3_600_000_000, 2)
	dst = append(dst, ':')
	pad(us/60_000_000%60, 2)
	dst = append(dst, ':')
	pad(us/1_000_000%60, 2)
	dst = append(dst, '.')
	pad(us%1_000_000, 6)
	return dst
}

const hexDigits = "0123456789abcdef"

// appendString quotes s; bytes that are no UTF-8 become U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, '\\', 'n')
		case r == '\r':
			dst = append(dst, '\\', 'r')
		case r == '\t':
			dst = append(dst, '\\', 't')
		case r == '\b':
			dst = append(dst, '\\', 'b')
		case r == '\f':
			dst = append(dst, '\\', 'f')
		case r < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}
