package replay

import (
	"fmt"
	"slices"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/schema"
	"github.com/featuresql/featuresql/engine/types"
)

// Layout says which columns a table has and under which names the log speaks of them.
type Layout struct {
	Schema  *schema.Struct
	Mode    schema.MappingMode
	Columns []Column // by position in the schema
}

// Column is one column of a Layout.
type Column struct {
	Name      string
	Physical  string // the name in statistics and partition values
	Type      types.Type
	Partition bool
	Void      bool
	WasFloat  bool // a double that was a float once: older statistics are those of floats
}

// NewLayout reads the schema of a table. Errors: those of package schema, *action.CorruptionError without a path
// for a partition column that is not in the schema.
func NewLayout(p *action.Protocol, m *action.Metadata) (*Layout, error) {
	s, err := schema.Parse(m.SchemaString)
	if err != nil {
		return nil, fmt.Errorf("table metadata: %w", err)
	}
	mode, err := schema.ModeOf(p, m)
	if err != nil {
		return nil, fmt.Errorf("table metadata: %w", err)
	}
	l := &Layout{Schema: s, Mode: mode, Columns: make([]Column, len(s.Fields))}
	for i := range s.Fields {
		f := &s.Fields[i]
		l.Columns[i] = Column{Name: f.Name, Physical: f.PhysicalName(mode), Type: schema.EngineType(f.Type), Void: f.IsVoid()}
		if l.Columns[i].Type.Kind == types.Float64 {
			changes, err := f.TypeChanges()
			l.Columns[i].WasFloat = err != nil || slices.ContainsFunc(changes, func(c schema.TypeChange) bool { return c.From == string(schema.Float) })
		}
	}
	for _, name := range m.PartitionColumns {
		i, ok := s.Column(name)
		if !ok {
			return nil, &action.CorruptionError{Path: "metaData", Reason: fmt.Sprintf("partition column %q is not in the schema", name)}
		}
		l.Columns[i].Partition = true
	}
	return l, nil
}
