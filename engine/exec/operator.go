package exec

import (
	"context"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// Field is a column of an operator's output.
type Field struct {
	Name     string
	Type     types.Type
	Nullable bool
}

// Stream yields batches to one goroutine.
type Stream interface {
	// Next returns the next batch, never an empty one, or io.EOF. The batch is valid until the next call.
	Next(ctx context.Context) (*vector.Batch, error)
	// Close lets go of everything the stream holds; it may come before the end and twice.
	Close() error
}

// Operator is a node of an executable plan. A plan is built once and opened once.
type Operator interface {
	// Fields describes the columns of the output.
	Fields() []Field
	// Open starts the operator and returns between 1 and q.Workers streams that together yield its rows, each
	// for one goroutine. The order of rows is defined only within one stream of an operator that says it sorts.
	Open(ctx context.Context, q *Query) ([]Stream, error)
	// Children returns the inputs, build side second.
	Children() []Operator
	// Describe is the operator's line in EXPLAIN: its name and what it was given.
	Describe() string
}

// Source is one version of a table, as a scan needs it. A table format implements it (datasource/delta/scan).
type Source interface {
	// Fields describes all columns of the table, in table order.
	Fields() []Field
	// Scan plans a read: it prunes by statistics and opens nothing yet.
	Scan(ctx context.Context, spec ScanSpec) (Scan, error)
}

// ScanSpec says what a scan reads.
type ScanSpec struct {
	// Columns are the positions in Source.Fields of the output columns, in output order; may be empty (row counts only).
	Columns []int
	// Filter, if any, is a predicate whose expr.Column.Index is a position in Source.Fields. The scan applies
	// it exactly: only rows for which it is true come out. Columns needed only by it are not put out.
	Filter expr.Expr
	// RowIDs appends two columns to the output: the file's ordinal in the snapshot's file list (Int32) and the
	// row's position in the file (Int64), for DML.
	RowIDs bool
	// Limit is how many rows are needed, any of them; 0: all. The scan may leave out files while the others have as many.
	Limit int64
	// Late are filters that are known once the streams are read; a scan may leave them out.
	Late []LateFilter
	// Env is the environment in which Filter is evaluated.
	Env *expr.Env
}

// Scan is a planned read.
type Scan interface {
	// Streams opens at most n streams that share the morsels.
	Streams(ctx context.Context, n int) ([]Stream, error)
	// Stats returns what was pruned and read so far; safe to call at any time.
	Stats() ScanStats
}

// ScanStats says what a scan did; EXPLAIN ANALYZE and the metrics show it. After planning, before Streams,
// the file counts are final and the others are zero.
type ScanStats struct {
	Files, FilesSkipped         int64
	FilesOpened                 int64 // of those not skipped, so far
	RowGroups, RowGroupsSkipped int64
	Pages, PagesSkipped         int64
	BytesRead                   int64
	RowsRead                    int64 // decoded for the filter, deleted rows left out
	// What the keys of joins spared: files and row groups not skipped before, and rows that the filter had let through.
	LateFiles, LateRowGroups, LateRows int64
}

// ExactSource is a Source that may answer from its log without reading data.
type ExactSource interface {
	Source
	// RowCount returns the number of rows, if the log knows it exactly.
	RowCount() (int64, bool)
	// MinMax returns the least and the greatest non-NULL value of a column, if the log knows them exactly.
	// Both are NULL values when the column has only NULLs.
	MinMax(column int) (lo, hi types.Value, ok bool)
}
