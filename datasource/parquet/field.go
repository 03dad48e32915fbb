package parquet

import "github.com/featuresql/featuresql/engine/types"

// Kind says how a field is built.
type Kind uint8

// The kinds of fields.
const (
	Primitive Kind = iota // one value of Field.Type
	Struct                // Children are its fields
	List                  // Children is [element]
	Map                   // Children is [key, value]
)

// Field is a column, or a part of a nested one, as the table sees it.
//
// The vector of a nested column has type JSON and holds JSON text: a struct is an object of its fields'
// logical names, a list an array, a map an object with the keys as strings. Binary values are base64, NaN
// and the infinities strings, decimals numbers with all their digits, dates "2006-01-02", timestamps
// "2006-01-02T15:04:05.000000Z" (without the Z if they have no zone).
type Field struct {
	Name     string // logical name; the key in JSON
	Physical string // name in the file; empty: Name
	FieldID  int32  // the id in the file, 0: none
	Kind     Kind
	Type     types.Type // Primitive only
	Nullable bool
	Children []Field
}

// PhysicalName returns the name of the field in files.
func (f *Field) PhysicalName() string {
	if f.Physical != "" {
		return f.Physical
	}
	return f.Name
}

// VectorType returns the type of the vectors of a column of this field: JSON if it is nested.
func (f *Field) VectorType() types.Type {
	if f.Kind == Primitive {
		return f.Type
	}
	return types.Of(types.JSON)
}
