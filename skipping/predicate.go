package skipping

import (
	"github.com/featuresql/featuresql/engine/vector"
)

// ColumnStats are the statistics of one column in n units (files, row groups or pages), column-wise.
type ColumnStats struct {
	// Min and Max bound the non-NULL values of each unit from below and above; a NULL entry is unknown.
	// They are bounds, not necessarily attained values: whoever fills them has already widened values that
	// a writer truncated (pitfalls: timestamps cut to milliseconds, strings cut to a prefix). Their type may
	// be another numeric type than the predicate's column (an older, narrower one). nil: unknown for all.
	Min, Max *vector.Vector
	// NullCount and RowCount of each unit; -1 is unknown. nil: unknown for all.
	NullCount, RowCount []int64
}

// Stats gives the statistics of n units.
type Stats interface {
	// Len is the number of units.
	Len() int
	// Column returns the statistics of a column, or nil if there are none. col is the Index of an expr.Column.
	Column(col int) *ColumnStats
}
