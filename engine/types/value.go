package types

import (
	"bytes"
	"cmp"
	"math"
	"strconv"
	"time"
)

// Value is one scalar: a literal, a statistic, a partition value. The zero Value is NULL of type Null.
type Value struct {
	Type  Type
	Valid bool  // false: NULL
	I     int64 // PhysI32, PhysI64 (Uint64 as bits)
	F     float64
	D     Int128 // Decimal, always, whatever its precision
	S     string // PhysBytes
}

// NullOf returns NULL of type t.
func NullOf(t Type) Value { return Value{Type: t} }

// IntValue returns an integer-backed value (Bool, integers, Date, Timestamp, TimestampNTZ, Time).
func IntValue(t Type, i int64) Value { return Value{Type: t, Valid: true, I: i} }

// FloatValue returns a Float32 or Float64 value.
func FloatValue(t Type, f float64) Value { return Value{Type: t, Valid: true, F: f} }

// DecimalValue returns a decimal with the given unscaled value.
func DecimalValue(t Type, unscaled Int128) Value { return Value{Type: t, Valid: true, D: unscaled} }

// StringValue returns a String value.
func StringValue(s string) Value { return Value{Type: Of(String), Valid: true, S: s} }

// BytesValue returns a String, Binary or JSON value.
func BytesValue(t Type, s string) Value { return Value{Type: t, Valid: true, S: s} }

// BoolValue returns a Bool value.
func BoolValue(b bool) Value {
	v := Value{Type: Of(Bool), Valid: true}
	if b {
		v.I = 1
	}
	return v
}

// Compare orders two valid values of the same type: -1, 0 or 1. Decimals may differ in scale. NaN sorts
// above every other number, and -0 equals 0.
func Compare(a, b Value) int {
	switch {
	case a.Type.Kind == Decimal:
		return compareDecimals(a, b)
	case a.Type.Kind == Uint64:
		return cmp.Compare(uint64(a.I), uint64(b.I))
	case a.Type.IsFloat():
		return CompareFloats(a.F, b.F)
	case a.Type.IsBytes():
		return bytes.Compare([]byte(a.S), []byte(b.S))
	}
	return cmp.Compare(a.I, b.I)
}

func compareDecimals(a, b Value) int {
	if a.Type.Scale == b.Type.Scale {
		return a.D.Cmp(b.D)
	}
	s := max(a.Type.Scale, b.Type.Scale)
	x, okX := a.D.Rescale(int(a.Type.Scale), int(s))
	y, okY := b.D.Rescale(int(b.Type.Scale), int(s))
	switch {
	case okX && okY:
		return x.Cmp(y)
	case !okX: // a's magnitude is beyond every value of b's finer scale
		return a.D.Sign()
	}
	return -b.D.Sign()
}

// CompareFloats orders floats with NaN above everything and -0 equal to 0.
func CompareFloats(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case a == b:
		return 0
	}
	switch an, bn := math.IsNaN(a), math.IsNaN(b); {
	case an && bn:
		return 0
	case an:
		return 1
	}
	return -1
}

// String renders v for EXPLAIN, errors and logs; strings are quoted.
func (v Value) String() string {
	if !v.Valid {
		return "NULL"
	}
	switch v.Type.Kind {
	case Decimal:
		return string(v.D.AppendDecimal(nil, int(v.Type.Scale)))
	case Float32:
		return strconv.FormatFloat(v.F, 'g', -1, 32)
	case Float64:
		return strconv.FormatFloat(v.F, 'g', -1, 64)
	case Date:
		return "'" + time.Unix(v.I*86400, 0).UTC().Format("2006-01-02") + "'"
	case Timestamp, TimestampNTZ:
		return "'" + time.UnixMicro(v.I).UTC().Format("2006-01-02 15:04:05.999999") + "'"
	case Uint64:
		return strconv.FormatUint(uint64(v.I), 10)
	case String, Binary, JSON:
		return strconv.Quote(v.S)
	}
	return strconv.FormatInt(v.I, 10)
}
