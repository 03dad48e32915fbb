package expr

import (
	"fmt"

	"github.com/featuresql/featuresql/engine/types"
)

// UnknownFunctionError says that no vectorized function has this name.
type UnknownFunctionError struct{ Name string }

func (e *UnknownFunctionError) Error() string {
	return fmt.Sprintf("no vectorized function %s", e.Name)
}

// TypeError says that a function cannot take its operands: a wrong number of them, or types without a conversion.
type TypeError struct {
	Function string
	Reason   string
	Count    bool // there are too many operands, or too few
}

func (e *TypeError) Error() string {
	if e.Count {
		return "Incorrect parameter count in the call to native function '" + e.Function + "'"
	}
	return fmt.Sprintf("function %s: %s", e.Function, e.Reason)
}

// RangeError says that a result leaves its type (MySQL 1690, 22003).
type RangeError struct {
	Kind string // BIGINT, BIGINT UNSIGNED, DOUBLE, DECIMAL
	Expr string // the text of the operation
}

func (e *RangeError) Error() string {
	return fmt.Sprintf("%s value is out of range in '%s'", e.Kind, e.Expr)
}

// DivisionByZero says that strict DML divided by zero (MySQL 1365, 22012).
type DivisionByZero struct{}

func (e *DivisionByZero) Error() string { return "Division by 0" }

// ValueError says that a value cannot become one of another type, or cannot be stored in a column.
type ValueError struct {
	Code   int    // MySQL's: 1264, 1265, 1292, 1366, 1406, 1411, 1525
	Column string // the column stored into, if any
	Value  string // the offending value, shortened
	Row    int    // 1-based row of the batch, 0 if unknown
	Msg    string // MySQL's text
}

func (e *ValueError) Error() string { return e.Msg }

// TooLargeError says that the result of a string function over one batch would exceed a limit.
type TooLargeError struct {
	Function string
	Limit    int // bytes
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("function %s: result of one batch is larger than %d bytes", e.Function, e.Limit)
}

// UnsupportedNodeError says that Compile met an Expr that is not one of this package's.
type UnsupportedNodeError struct{ Node Expr }

func (e *UnsupportedNodeError) Error() string {
	return fmt.Sprintf("expression %s cannot be evaluated over batches", e.Node)
}

// rangeKind is MySQL's name of a type in a RangeError.
func rangeKind(t types.Type) string {
	switch {
	case t.Kind == types.Uint64:
		return "BIGINT UNSIGNED"
	case t.IsInteger():
		return "BIGINT"
	case t.Kind == types.Decimal:
		return "DECIMAL"
	}
	return "DOUBLE"
}

// shorten limits a value quoted in a message.
func shorten(s string) string {
	const limit = 128
	if len(s) <= limit {
		return s
	}
	return s[:limit]
}
