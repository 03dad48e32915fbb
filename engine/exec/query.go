package exec

import (
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/vector"
)

// Query is what the operators of one statement share.
type Query struct {
	Workers   int       // parallel streams per pipeline, at least 1
	BatchRows int       // rows per batch, at most vector.MaxRows; tests use 3
	Env       *expr.Env // time zone, statement time, warnings
	Memory    *Budget   // bytes that buffering operators may hold before they spill; nil: unlimited
	TempDir   string    // where operators spill; empty: os.TempDir
}

func (q *Query) workers() int { return max(1, q.Workers) }

func (q *Query) batchRows() int {
	if q.BatchRows <= 0 || q.BatchRows > vector.MaxRows {
		return vector.MaxRows
	}
	return q.BatchRows
}
