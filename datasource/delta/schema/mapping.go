package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/types"
)

// MappingMode says how columns are found in files (PROTOCOL.md, Column Mapping).
type MappingMode uint8

// The modes of column mapping.
const (
	MappingNone MappingMode = iota // by name
	MappingName                    // by physical name
	MappingID                      // by field id; statistics and partition values by physical name
)

// PropertyMapping is the table property that sets the mode.
const PropertyMapping = "delta.columnMapping.mode"

func (m MappingMode) String() string { return [...]string{"none", "name", "id"}[m] }

// ModeOf returns the table's mode. The property counts only where the protocol supports column mapping.
func ModeOf(p *action.Protocol, m *action.Metadata) (MappingMode, error) {
	supported := p.MinReader == 2 || p.MinReader >= 3 && slices.Contains(p.ReaderFeatures, "columnMapping")
	switch mode := m.Configuration[PropertyMapping]; {
	case !supported || mode == "" || strings.EqualFold(mode, "none"):
		return MappingNone, nil
	case strings.EqualFold(mode, "name"):
		return MappingName, nil
	case strings.EqualFold(mode, "id"):
		return MappingID, nil
	default:
		return MappingNone, &ParseError{Reason: fmt.Sprintf("column mapping mode %q", mode)}
	}
}

// PhysicalName returns the field's name in files, statistics and partition values.
func (f *Field) PhysicalName(mode MappingMode) string {
	if mode != MappingNone {
		if name, ok := f.Metadata.Str(KeyPhysicalName); ok {
			return name
		}
	}
	return f.Name
}

// ColumnID returns the field's id in files, 0 if it has none.
func (f *Field) ColumnID() int32 {
	id, _ := f.Metadata.Int(KeyColumnID)
	if id != int64(int32(id)) {
		return 0
	}
	return int32(id)
}

// IsVoid reports whether the field has the type void: it is never in a file and always NULL.
func (f *Field) IsVoid() bool { return f.Type == Type(Primitive{Name: Void}) }

// Column returns the position of the column called name, regardless of case: Delta's names are unique so
// (PROTOCOL.md, Schema Serialization Format). An exact match comes first.
func (s *Struct) Column(name string) (i int, ok bool) {
	for i := range s.Fields {
		if s.Fields[i].Name == name {
			return i, true
		}
	}
	for i := range s.Fields {
		if strings.EqualFold(s.Fields[i].Name, name) {
			return i, true
		}
	}
	return 0, false
}

// ParquetFields describes the columns of s as they are in files. With MappingID they are to be matched by id.
func ParquetFields(s *Struct, mode MappingMode) []parquet.Field {
	out := make([]parquet.Field, len(s.Fields))
	for i := range s.Fields {
		out[i] = parquetField(&s.Fields[i], mode)
	}
	return out
}

func parquetField(f *Field, mode MappingMode) parquet.Field {
	out := parquetType(f.Type, mode)
	out.Name, out.Nullable = f.Name, f.Nullable
	if mode != MappingNone {
		out.Physical, out.FieldID = f.PhysicalName(mode), f.ColumnID()
	}
	return out
}

func parquetType(t Type, mode MappingMode) parquet.Field {
	switch t := t.(type) {
	case *Struct:
		return parquet.Field{Kind: parquet.Struct, Type: types.Of(types.JSON), Children: ParquetFields(t, mode)}
	case *Array:
		element := parquetType(t.Element, mode)
		element.Name, element.Nullable = "element", t.ContainsNull
		return parquet.Field{Kind: parquet.List, Type: types.Of(types.JSON), Children: []parquet.Field{element}}
	case *Map:
		key, value := parquetType(t.Key, mode), parquetType(t.Value, mode)
		key.Name, value.Name, value.Nullable = "key", "value", t.ValueContainsNull
		return parquet.Field{Kind: parquet.Map, Type: types.Of(types.JSON), Children: []parquet.Field{key, value}}
	}
	return parquet.Field{Kind: parquet.Primitive, Type: EngineType(t)}
}
