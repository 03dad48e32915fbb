package parquet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go/format"

	"github.com/featuresql/featuresql/engine/types"
)

// valueBounds are the least and greatest of some values of a column, exact. NaN is in neither.
type valueBounds struct {
	min, max types.Value // not valid: no value, or only NaN
	nan      bool
}

// merge widens b by o.
func (b *valueBounds) merge(o valueBounds) {
	b.nan = b.nan || o.nan
	if !o.min.Valid {
		return
	}
	if !b.min.Valid || types.Compare(o.min, b.min) < 0 {
		b.min = o.min
	}
	if !b.max.Valid || types.Compare(o.max, b.max) > 0 {
		b.max = o.max
	}
}

// RangeError says that a value does not fit the type of the column it was to be written to.
type RangeError struct {
	Column string
	Type   types.Type
	Value  types.Value // the value that does not fit; NULL if it is not known
}

func (e *RangeError) Error() string {
	if !e.Value.Valid {
		return fmt.Sprintf("a value of column %s does not fit %s", e.Column, e.Type)
	}
	return fmt.Sprintf("value %s of column %s does not fit %s", e.Value, e.Column, e.Type)
}

// NullError says that a NULL was to be written to a column that allows none.
type NullError struct{ Column string }

func (e *NullError) Error() string { return "NULL in column " + e.Column + ", which is NOT NULL" }

// checkBounds refuses values that the column's type does not hold: a reader would wrap them around.
func (l *leafColumn) checkBounds(b valueBounds) error {
	if !b.min.Valid {
		return nil
	}
	var most int64
	switch l.typ.Kind {
	case types.Bool:
		most = 1
	case types.Int8:
		most = math.MaxInt8
	case types.Int16:
		most = math.MaxInt16
	case types.Decimal:
		limit := types.Pow10(int(l.typ.Precision))
		if b.max.D.Cmp(limit) >= 0 {
			return &RangeError{l.name, l.typ, b.max}
		}
		if b.min.D.Cmp(limit.Neg()) <= 0 {
			return &RangeError{l.name, l.typ, b.min}
		}
		return nil
	default:
		return nil
	}
	if b.max.I > most {
		return &RangeError{l.name, l.typ, b.max}
	}
	if least := -most - 1; b.min.I < least || most == 1 && b.min.I < 0 {
		return &RangeError{l.name, l.typ, b.min}
	}
	return nil
}

// boundLength is to how many bytes strings are cut in the page index and the footer. (FileStats has them whole.)
const boundLength = 64

// encodeBounds returns b as Parquet's statistics have it; ok is false when there is none. Long strings are cut:
// the minimum to a prefix, the maximum to a prefix made greater. Zeros of floats get the sign that makes the
// bounds hold for either zero.
func (l *leafColumn) encodeBounds(b valueBounds) (lo, hi []byte, ok bool) {
	if !b.min.Valid {
		return nil, nil, false
	}
	if l.physical == format.ByteArray {
		text := l.typ.Kind != types.Binary
		if hi, ok = cutAbove(b.max.S, boundLength, text); !ok {
			hi = []byte(b.max.S)
		}
		return []byte(cutBelow(b.min.S, boundLength, text)), hi, true
	}
	lo, hi = l.encodeBound(b.min), l.encodeBound(b.max)
	if b.min.Type.IsFloat() && b.min.F == 0 {
		lo[len(lo)-1] |= 0x80
	}
	if b.max.Type.IsFloat() && b.max.F == 0 {
		hi[len(hi)-1] &^= 0x80
	}
	return lo, hi, true
}

// cut returns b with its strings as encodeBounds cuts them.
func (l *leafColumn) cut(b valueBounds) valueBounds {
	if l.physical == format.ByteArray {
		if lo, hi, ok := l.encodeBounds(b); ok {
			b.min.S, b.max.S = string(lo), string(hi)
		}
	}
	return b
}

func (l *leafColumn) encodeBound(v types.Value) []byte {
	i := v.I
	if v.Type.Kind == types.Decimal {
		i = int64(v.D.Lo)
	}
	switch l.physical {
	case format.Boolean:
		return []byte{byte(i)}
	case format.Int32:
		return binary.LittleEndian.AppendUint32(nil, uint32(i))
	case format.Float:
		return binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(v.F)))
	case format.Double:
		return binary.LittleEndian.AppendUint64(nil, math.Float64bits(v.F))
	case format.FixedLenByteArray:
		return appendDecimal(nil, v.D, l.length)
	}
	return binary.LittleEndian.AppendUint64(nil, uint64(i))
}

// appendDecimal appends d as a big-endian two's complement number of n bytes.
func appendDecimal(dst []byte, d types.Int128, n int) []byte {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(d.Hi))
	binary.BigEndian.PutUint64(b[8:], d.Lo)
	return append(dst, b[16-n:]...)
}

// cutBelow returns a prefix of at most n bytes, at a character's end if text.
func cutBelow(s string, n int, text bool) string {
	if len(s) <= n {
		return s
	}
	if text {
		for i := n; i > n-utf8.UTFMax && i > 0; i-- {
			if utf8.RuneStart(s[i]) {
				return s[:i]
			}
		}
	}
	return s[:n]
}

// cutAbove returns s, or, if it is longer than n bytes, a string of at most n bytes that sorts above it and
// stays UTF-8 if s is; ok is false when there is none.
func cutAbove(s string, n int, text bool) (hi []byte, ok bool) {
	if len(s) <= n {
		return []byte(s), true
	}
	p := []byte(cutBelow(s, n, text))
	if text && utf8.Valid(p) {
		return aboveText(p)
	}
	for i := len(p) - 1; i >= 0; i-- {
		if p[i] < 0xff {
			p[i]++
			return p[:i+1], true
		}
	}
	return nil, false
}

// aboveText replaces the last character of p that has a successor of at most the same length by it.
func aboveText(p []byte) ([]byte, bool) {
	for len(p) > 0 {
		r, size := utf8.DecodeLastRune(p)
		head := p[:len(p)-size]
		next := r + 1
		if next == 0xd800 { // surrogates are no characters
			next = 0xe000
		}
		if next <= utf8.MaxRune && utf8.RuneLen(next) == size {
			return utf8.AppendRune(bytes.Clone(head), next), true
		}
		p = head
	}
	return nil, false
}
