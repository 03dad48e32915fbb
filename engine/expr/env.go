package expr

import (
	"io"
	"time"
)

// Env is what an expression may know of its statement. It is read-only while the statement runs; Warn must be
// safe for concurrent use, since every worker compiles its own Evaluator over the same Env.
type Env struct {
	// Location is the session's time zone, never nil; nil in an Env that a caller left out means UTC.
	Location *time.Location
	// Now is the time at which the statement began: NOW() and its relatives.
	Now time.Time
	// Rand is where UUID() takes its bytes from; nil is the system's generator.
	Rand io.Reader
	// Warn records a warning with MySQL's code; nil drops warnings.
	Warn func(code int, msg string)
	// Lenient makes values that a column cannot take warnings instead of errors, and stores the nearest value: a
	// sql_mode without STRICT_TRANS_TABLES, and INSERT IGNORE.
	Lenient bool
	// DivisionByZeroError makes x/0 an error instead of NULL with a warning (strict mode and
	// ERROR_FOR_DIVISION_BY_ZERO, in DML only).
	DivisionByZeroError bool
	// DivisionByZeroSilent makes x/0 NULL without a warning (a sql_mode without ERROR_FOR_DIVISION_BY_ZERO).
	DivisionByZeroSilent bool
}

// MySQL codes of the warnings and errors that expressions raise.
const (
	CodeNotNull         = 1048 // Column cannot be null
	CodeOutOfRange      = 1264 // Out of range value for column
	CodeTruncated       = 1265 // Data truncated for column
	CodeWrongValue      = 1292 // Truncated incorrect … value, Incorrect datetime value
	CodePacketTooLarge  = 1301 // Result of …() was larger than max_allowed_packet
	CodeDivisionByZero  = 1365 // Division by 0
	CodeIncorrectValue  = 1366 // Incorrect … value for column
	CodeTooLong         = 1406 // Data too long for column
	CodeFunctionValue   = 1411 // Incorrect … value for function
	CodeFieldOverflow   = 1441 // Datetime function: … field overflow
	CodeComparisonValue = 1525 // Incorrect DATE value in a comparison
	CodeCheckViolated   = 3819 // Check constraint is violated
	CodeNumericRange    = 1690 // … value is out of range in '…'
)

var utcEnv = &Env{Location: time.UTC}

// orDefault returns an Env whose Location is set.
func (e *Env) orDefault() *Env {
	switch {
	case e == nil:
		return utcEnv
	case e.Location == nil:
		c := *e
		c.Location = time.UTC
		return &c
	}
	return e
}

// warn records a warning; it never fails.
func (e *Env) warn(code int, msg string) {
	if e.Warn != nil {
		e.Warn(code, msg)
	}
}
