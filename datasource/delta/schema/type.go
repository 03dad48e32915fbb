package schema

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/featuresql/featuresql/engine/types"
)

// Type is a Delta type: Primitive, *Struct, *Array or *Map.
type Type interface {
	// String is the type's JSON form, as in schemaString; for a primitive type its bare name.
	String() string
	appendJSON(dst []byte) []byte
}

// Name is the name of a primitive type.
type Name string

// The primitive types (PROTOCOL.md, Primitive Types).
const (
	String       Name = "string"
	Long         Name = "long"
	Integer      Name = "integer"
	Short        Name = "short"
	Byte         Name = "byte"
	Float        Name = "float"
	Double       Name = "double"
	Decimal      Name = "decimal"
	Boolean      Name = "boolean"
	Binary       Name = "binary"
	Date         Name = "date"
	Timestamp    Name = "timestamp"
	TimestampNTZ Name = "timestamp_ntz"
	Void         Name = "void" // only NULL, never in files
)

var engineKinds = map[Name]types.Kind{
	String: types.String, Long: types.Int64, Integer: types.Int32, Short: types.Int16, Byte: types.Int8,
	Float: types.Float32, Double: types.Float64, Decimal: types.Decimal, Boolean: types.Bool, Binary: types.Binary,
	Date: types.Date, Timestamp: types.Timestamp, TimestampNTZ: types.TimestampNTZ, Void: types.String,
}

// Primitive is a type without parts. It is comparable with ==.
type Primitive struct {
	Name             Name
	Precision, Scale uint8 // of Decimal
}

// Struct is a list of fields: a table's schema, or a nested column.
type Struct struct {
	Fields []Field
}

// Array is a list of values of one type.
type Array struct {
	Element      Type
	ContainsNull bool
}

// Map is a set of pairs.
type Map struct {
	Key, Value        Type
	ValueContainsNull bool
}

// Field is a column or a field of a nested column.
type Field struct {
	Name     string
	Type     Type
	Nullable bool
	Metadata Metadata
	Extra    Metadata // members of the field that have no meaning here
}

// DecimalOf returns decimal(precision, scale).
func DecimalOf(precision, scale int) Primitive {
	return Primitive{Decimal, uint8(precision), uint8(scale)}
}

func (p Primitive) String() string {
	if p.Name == Decimal {
		return "decimal(" + strconv.Itoa(int(p.Precision)) + "," + strconv.Itoa(int(p.Scale)) + ")"
	}
	return string(p.Name)
}

// EngineType returns the type that values of t have in the engine. Nested types are JSON; a void column is a
// string column of only NULLs.
func EngineType(t Type) types.Type {
	p, ok := t.(Primitive)
	switch {
	case !ok:
		return types.Of(types.JSON)
	case p.Name == Decimal:
		return types.DecimalOf(int(p.Precision), int(p.Scale))
	}
	return types.Of(engineKinds[p.Name])
}

// TypeOf returns the Delta type in which a column of the engine's type t is stored. ok is false for types
// that Delta does not have (BIGINT UNSIGNED, TIME, decimals of more than 38 digits, JSON).
func TypeOf(t types.Type) (p Primitive, ok bool) {
	switch t.Kind {
	case types.Decimal:
		return DecimalOf(int(t.Precision), int(t.Scale)), t.Precision <= types.MaxPrecision38
	case types.Null:
		return Primitive{Name: Void}, true
	}
	for name, kind := range engineKinds {
		if kind == t.Kind && name != Void {
			return Primitive{Name: name}, true
		}
	}
	return Primitive{}, false
}

// parsePrimitive reads the name of a primitive type.
func parsePrimitive(name string) (Primitive, error) {
	n := Name(name)
	switch _, known := engineKinds[n]; {
	case n == Decimal: // Spark's default
		return DecimalOf(10, 0), nil
	case known:
		return Primitive{Name: n}, nil
	case n == "null":
		return Primitive{Name: Void}, nil
	}
	args, isDecimal := strings.CutPrefix(name, "decimal(")
	if isDecimal {
		p, s, _ := strings.Cut(strings.TrimSuffix(args, ")"), ",")
		precision, err1 := strconv.Atoi(strings.TrimSpace(p))
		scale, err2 := strconv.Atoi(strings.TrimSpace(s))
		if err1 == nil && err2 == nil && strings.HasSuffix(args, ")") && precision >= 1 && precision <= 38 && scale >= 0 && scale <= precision && scale <= types.MaxScale {
			return DecimalOf(precision, scale), nil
		}
	}
	if strings.HasPrefix(name, "varchar(") || strings.HasPrefix(name, "char(") {
		return Primitive{Name: String}, nil
	}
	return Primitive{}, &UnsupportedTypeError{Type: name}
}

// UnsupportedTypeError says that a column has a type that is not supported.
type UnsupportedTypeError struct {
	Column string // dotted path, where known
	Type   string
}

func (e *UnsupportedTypeError) Error() string {
	if e.Column == "" {
		return fmt.Sprintf("type %q is not supported", e.Type)
	}
	return fmt.Sprintf("type %q of column %s is not supported", e.Type, e.Column)
}

// ParseError says that a schema string is not one.
type ParseError struct {
	Column string // dotted path of the field, empty at the top
	Reason string
}

func (e *ParseError) Error() string {
	if e.Column == "" {
		return "invalid schema: " + e.Reason
	}
	return "invalid schema: column " + e.Column + ": " + e.Reason
}
