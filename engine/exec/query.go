package exec

import (
	"github.com/featuresql/featuresql/engine/expr"
)

// Query is what the operators of one statement share.
type Query struct {
	Workers   int       // parallel streams per pipeline, at least 1
	BatchRows int       // rows per batch, at most vector.MaxRows; tests use 3
	Env       *expr.Env // time zone, statement time, warnings
	Memory    *Budget   // bytes that buffering operators may hold before they spill
	TempDir   string    // where operators spill
}
