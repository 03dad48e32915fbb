package mysqlerr

import (
	"errors"

	"github.com/dolthub/vitess/go/mysql"
)

// ErrTimeout is the cause of a context that ended because of max_execution_time.
var ErrTimeout = errors.New("Query execution was interrupted, maximum statement execution time exceeded")

// From returns err as a bare *mysql.SQLError, which is what the wire library recognises; nil for nil.
func From(err error) *mysql.SQLError {
	if err == nil {
		return nil
	}
	var e *mysql.SQLError
	if errors.As(err, &e) {
		return e
	}
	return mysql.NewSQLError(mysql.ERUnknownError, mysql.SSUnknownSQLState, "%s", err.Error())
}
