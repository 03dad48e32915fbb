package parquet

import (
	"math"

	"github.com/featuresql/featuresql/engine/types"
)

// FileStats is what a finished file holds, exactly.
type FileStats struct {
	NumRows   int64
	SizeBytes int64
	Columns   []ColumnFileStats // one a field
}

// ColumnFileStats describes one field of a file. A struct has the statistics of its fields in Children; for them
// a row counts as NULL when the field or a struct around it is.
type ColumnFileStats struct {
	// Min and Max are the least and the greatest value of a primitive field outside lists and maps; not valid
	// when there is none or only NaN. NaN is in neither, a zero minimum is -0.0 and a zero maximum +0.0.
	// Strings are whole and ordered by their bytes.
	Min, Max  types.Value
	NullCount int64 // rows in which the field is NULL; of a struct itself 0
	HasNaN    bool
	Children  []ColumnFileStats
}

func (w *Writer) fileStats() *FileStats {
	s := &FileStats{NumRows: w.rows, SizeBytes: w.offset, Columns: make([]ColumnFileStats, len(w.nodes))}
	for i, n := range w.nodes {
		s.Columns[i] = n.stats()
	}
	return s
}

func (n *writeNode) stats() (s ColumnFileStats) {
	switch n.field.Kind {
	case Primitive:
		b := n.column.file
		s.Min, s.Max, s.HasNaN, s.NullCount = b.min, b.max, b.nan, n.column.nullsInFile
		if s.Min.Valid && s.Min.Type.IsFloat() {
			if s.Min.F == 0 {
				s.Min.F = math.Copysign(0, -1)
			}
			if s.Max.F == 0 {
				s.Max.F = 0
			}
		}
	case Struct:
		for _, c := range n.children {
			s.Children = append(s.Children, c.stats())
		}
	default:
		s.NullCount = n.nulls
	}
	return s
}
