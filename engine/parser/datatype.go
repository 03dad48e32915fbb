package parser

import (
	"encoding/json"
	"fmt"
)

// DataType is the type of a column in Delta's terms (PROTOCOL.md, "Schema Serialization Format"), whether it was
// written as MySQL or as Spark writes types.
type DataType struct {
	// Name is a Delta primitive (string, long, integer, short, byte, float, double, boolean, binary, date, timestamp,
	// timestamp_ntz, decimal), or array, map or struct.
	Name             string
	Precision, Scale int           // decimal
	Length           int           // CHAR(n), VARCHAR(n), BINARY(n) or VARBINARY(n); 0: none
	Element          *DataType     // array: element; map: value
	Key              *DataType     // map
	Fields           []StructField // struct
	// Fixed tells CHAR(n) from VARCHAR(n).
	Fixed bool
	// Declared is the type in MySQL's spelling where it allows less than Delta's type; "" otherwise.
	Declared string
	// Collate is the collation that was asked for, "" for none: tables have but one.
	Collate string
	// Text is the type as it was written.
	Text string

	condition string // what Condition says, with {} in the place of the column
}

// StructField is a field of a struct type; every field is nullable unless NotNull.
type StructField struct {
	Name    string
	Type    DataType
	NotNull bool
	Comment string
}

// DeltaJSON returns the type as Delta's schema string writes it: "long", or an object for nested types.
func (t DataType) DeltaJSON() string {
	b, err := json.Marshal(t.delta())
	if err != nil { // only maps, strings and booleans are marshalled
		return `"string"`
	}
	return string(b)
}

func (t DataType) delta() any {
	switch t.Name {
	case "decimal":
		return fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale)
	case "array":
		return map[string]any{"type": "array", "elementType": t.Element.delta(), "containsNull": true}
	case "map":
		return map[string]any{"type": "map", "keyType": t.Key.delta(), "valueType": t.Element.delta(), "valueContainsNull": true}
	case "struct":
		fields := make([]any, len(t.Fields))
		for i, f := range t.Fields {
			meta := map[string]any{}
			if f.Comment != "" {
				meta["comment"] = f.Comment
			}
			fields[i] = map[string]any{"name": f.Name, "type": f.Type.delta(), "nullable": !f.NotNull, "metadata": meta}
		}
		return map[string]any{"type": "struct", "fields": fields}
	}
	return t.Name
}
