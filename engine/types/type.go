package types

import "fmt"

// Kind is a logical type without its parameters.
type Kind uint8

// The logical types. Nested Delta types (struct, array, map) reach the engine as JSON text.
const (
	Invalid Kind = iota
	Null         // the type of a bare NULL
	Bool         // 0 or 1; MySQL TINYINT(1)
	Int8
	Int16
	Int32
	Int64
	Uint64 // BIGINT UNSIGNED; appears in expressions only, Delta has no unsigned types
	Float32
	Float64
	Decimal      // Precision 1..65, Scale 0..30; unscaled integer value
	Date         // days since 1970-01-01, proleptic Gregorian
	Timestamp    // microseconds since 1970-01-01T00:00:00Z, an instant
	TimestampNTZ // microseconds since 1970-01-01T00:00:00 of a clock without a zone; MySQL DATETIME(6)
	Time         // microseconds, signed; MySQL TIME(6); appears in expressions only
	String       // UTF-8, compared by bytes
	Binary       // bytes
	JSON         // UTF-8 JSON text; nested Delta columns and JSON functions
)

var kindNames = [...]string{"invalid", "null", "boolean", "tinyint", "smallint", "int", "bigint", "bigint unsigned",
	"float", "double", "decimal", "date", "timestamp", "timestamp_ntz", "time", "string", "binary", "json"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Physical is the layout in which the values of a vector are stored.
type Physical uint8

// The physical layouts. Few layouts keep the number of kernels small: booleans, the small integers and
// dates share PhysI32, both float types share PhysF64 (every float32 is a float64).
const (
	PhysNone  Physical = iota
	PhysI32            // Bool, Int8, Int16, Int32, Date
	PhysI64            // Int64, Uint64 (as bits), Timestamp, TimestampNTZ, Time, Decimal that fits
	PhysF64            // Float32, Float64
	PhysI128           // Decimal
	PhysBytes          // String, Binary, JSON
)

// Limits of MySQL's DECIMAL and of Delta's, and the greatest precision that PhysI64 always holds.
const (
	MaxPrecision   = 65
	MaxScale       = 38 // of Delta and Parquet
	MaxScaleMySQL  = 30 // of what is computed, unless an operand has more
	MaxPrecision64 = 18
	MaxPrecision38 = 38 // of Delta, Parquet and PhysI128
)

// Type is a logical type with its parameters. It is comparable with ==.
type Type struct {
	Kind      Kind
	Precision uint8 // Decimal: digits in all. Timestamp, TimestampNTZ, Time: unused, always microseconds.
	Scale     uint8 // Decimal: digits after the point.
}

// Of returns the type of a kind that has no parameters.
func Of(k Kind) Type { return Type{Kind: k} }

// DecimalOf returns DECIMAL(precision, scale), with both clamped to their limits.
func DecimalOf(precision, scale int) Type {
	scale = max(0, min(scale, MaxScale))
	precision = max(1, min(precision, MaxPrecision), scale)
	return Type{Kind: Decimal, Precision: uint8(precision), Scale: uint8(scale)}
}

// ResultScale returns the scale of what is computed from decimals of the scales given: scale, within MySQL's limit or
// that of the operands.
func ResultScale(scale int, operands ...int) int {
	limit := MaxScaleMySQL
	for _, s := range operands {
		limit = max(limit, s)
	}
	return min(scale, limit)
}

// Physical returns the layout that vectors of t have by default. A Decimal vector of any precision may
// also be stored as PhysI64 when all its values fit (see vector.Vector).
func (t Type) Physical() Physical {
	switch t.Kind {
	case Bool, Int8, Int16, Int32, Date:
		return PhysI32
	case Int64, Uint64, Timestamp, TimestampNTZ, Time:
		return PhysI64
	case Float32, Float64:
		return PhysF64
	case Decimal:
		if t.Precision <= MaxPrecision64 {
			return PhysI64
		}
		return PhysI128
	case String, Binary, JSON:
		return PhysBytes
	case Null:
		return PhysI32
	}
	return PhysNone
}

// IsInteger reports whether t is Bool or an integer type.
func (t Type) IsInteger() bool { return t.Kind >= Bool && t.Kind <= Uint64 }

// IsFloat reports whether t is Float32 or Float64.
func (t Type) IsFloat() bool { return t.Kind == Float32 || t.Kind == Float64 }

// IsNumeric reports whether t is an integer, float or decimal type.
func (t Type) IsNumeric() bool { return t.Kind >= Bool && t.Kind <= Decimal }

// IsTemporal reports whether t is Date, Timestamp, TimestampNTZ or Time.
func (t Type) IsTemporal() bool { return t.Kind >= Date && t.Kind <= Time }

// IsBytes reports whether t is stored as bytes (String, Binary, JSON).
func (t Type) IsBytes() bool { return t.Kind >= String }

func (t Type) String() string {
	if t.Kind == Decimal {
		return fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale)
	}
	return t.Kind.String()
}
