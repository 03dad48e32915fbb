package sortkey

import (
	"encoding/binary"
	"math"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// Flags in front of a value, and what ends a string. A zero byte within a string is followed by stringZero.
const (
	flagNull   = 0
	flagValue  = 1
	stringEnd  = 0
	stringZero = 0xff
)

// Append appends the key of row i of v.
func Append(dst []byte, v *vector.Vector, i int, desc bool) []byte {
	at := len(dst)
	if v.IsNull(i) {
		dst = append(dst, flagNull)
	} else {
		dst = appendValue(append(dst, flagValue), v, i)
	}
	if desc {
		for k := at; k < len(dst); k++ {
			dst[k] = ^dst[k]
		}
	}
	return dst
}

func appendValue(dst []byte, v *vector.Vector, i int) []byte {
	if v.Codes != nil {
		v, i = v.Dict, int(v.Codes[i])
	}
	switch v.Type.Physical() {
	case types.PhysI32:
		return binary.BigEndian.AppendUint32(dst, uint32(v.I32[i])^1<<31)
	case types.PhysI64, types.PhysF64:
		return binary.BigEndian.AppendUint64(dst, Word(v, i))
	case types.PhysI128:
		d := v.Decimal(i)
		dst = binary.BigEndian.AppendUint64(dst, uint64(d.Hi)^1<<63)
		return binary.BigEndian.AppendUint64(dst, d.Lo)
	}
	return appendString(dst, v.Bytes(i))
}

func appendString(dst, s []byte) []byte {
	for _, b := range s {
		dst = append(dst, b)
		if b == 0 {
			dst = append(dst, stringZero)
		}
	}
	return append(dst, 0, stringEnd)
}

// Word maps a value of one word (PhysI32, PhysI64, PhysF64, a narrow decimal) to a number of the same order.
func Word(v *vector.Vector, i int) uint64 {
	if v.Codes != nil {
		v, i = v.Dict, int(v.Codes[i])
	}
	switch v.Phys {
	case types.PhysI32:
		return uint64(int64(v.I32[i])) ^ 1<<63
	case types.PhysI64:
		if v.Type.Kind == types.Uint64 {
			return uint64(v.I64[i])
		}
		return uint64(v.I64[i]) ^ 1<<63
	case types.PhysI128:
		return v.I128[i].Lo ^ 1<<63
	}
	return Float(v.F64[i])
}

// Float maps a float to a number of the same order.
func Float(f float64) uint64 {
	switch {
	case f == 0:
		return 1 << 63
	case f != f:
		return math.MaxUint64
	}
	b := math.Float64bits(f)
	if b>>63 != 0 {
		return ^b
	}
	return b | 1<<63
}
