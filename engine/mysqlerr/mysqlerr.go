package mysqlerr

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/mysql"
	ast "github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/engine/expr"
)

// ErrTimeout is the cause of a context that ended because of max_execution_time.
var ErrTimeout = errors.New("Query execution was interrupted, maximum statement execution time exceeded") //nolint:staticcheck // MySQL's sentence

// internal is the code of corrupted tables and internal errors.
const internal = 1105

// sentinels are errors that are values.
var sentinels = []struct {
	err  error
	code int
	text string // instead of the error's own
}{
	{ErrTimeout, 3024, ErrTimeout.Error()},
	{context.Canceled, 1317, "Query execution was interrupted"},
	{context.DeadlineExceeded, 1317, "Query execution was interrupted"},
	{ast.ErrEmpty, 1065, "Query was empty"},
	{objstore.ErrReadOnly, 1290, ""},
	{objstore.ErrNotStored, 1030, ""},
	{objstore.ErrNotFound, 1030, ""},
	{objstore.ErrInvalidKey, 1103, ""},
	{objstore.ErrTooLarge, internal, ""},
}

// untyped are sentences of the host's errors that have no kind; constant expressions are folded by the host.
var untyped = []struct {
	part, prefix string
	code         int
}{
	{"syntax error at position", "You have an error in your SQL syntax: ", 1064},
	{"Invalid JSON path expression", "", 3143},
	{"the given regular expression is invalid", "", 3685},
	{"was not found in the set", "Wrong value of a variable: ", 1231},
	{"limit expression expected to be numeric", "Undeclared variable: ", 1327},
	{"references invalid table(s) or column(s)", "", 1356},
	{"cannot use MATCH", "Can't find FULLTEXT index matching the column list: ", 1191},
	{"bind variable not provided", "Incorrect arguments to EXECUTE: ", 1210},
	{"value is out of range", "DECIMAL of more than 38 digits: ", 1690},
	{"strconv.ParseFloat: parsing", "Illegal double value found during parsing: ", 1367},
	{"invalid arguments. expected", "Incorrect arguments to EXECUTE: ", 1210},
	{"column ordinal out of range", "Unknown column in 'group statement': ", 1054},
	{"expected positive integer order by literal", "Unknown column in 'group statement': ", 1054},
}

// From returns err as a bare *mysql.SQLError, which is what the wire library recognises; nil for nil. Its code is that
// of the outermost error of the chain that a table knows, its message that of the whole chain.
func From(err error) *mysql.SQLError {
	if err == nil {
		return nil
	}
	var done *mysql.SQLError
	if errors.As(err, &done) {
		if done.State == "" || done.State == mysql.SSUnknownSQLState {
			return build(done.Num, done.Message)
		}
		return done
	}
	if e := fromChain(err, err); e != nil {
		return e
	}
	for _, s := range sentinels {
		if errors.Is(err, s.err) {
			if s.text != "" {
				return build(s.code, s.text)
			}
			return build(s.code, err.Error())
		}
	}
	text := err.Error()
	for _, u := range untyped {
		if strings.Contains(text, u.part) {
			return build(u.code, u.prefix+text)
		}
	}
	return build(internal, text)
}

// fromChain looks for the outermost error that a table knows.
func fromChain(err, whole error) *mysql.SQLError {
	for err != nil {
		switch e := err.(type) { //nolint:errorlint // this link of the chain alone
		case sql.WrappedInsertError:
			return fromChain(e.Cause, e.Cause)
		case sql.WrappedTypeConversionError:
			return fromChain(e.Err, e.Err)
		case *expr.ValueError:
			return build(e.Code, whole.Error())
		case *fs.PathError, *os.LinkError, *os.SyscallError:
			if s := lacking(err); s != nil {
				return build(s.code, s.says+whole.Error())
			}
		}
		if code, ok := ownCode(err); ok {
			return build(code, whole.Error())
		}
		for _, r := range hostRows {
			if !r.kind.Is(err) || r.only != nil && !r.only.MatchString(err.Error()) {
				continue
			}
			text := whole.Error()
			if r.from != nil {
				text = r.from.ReplaceAllString(text, r.to)
			}
			return build(r.code, text)
		}
		if joined, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // this link of the chain alone
			for _, e := range joined.Unwrap() {
				if found := fromChain(e, whole); found != nil {
					return found
				}
			}
			return nil
		}
		err = errors.Unwrap(err)
	}
	return nil
}

// build makes the error; text is no format.
func build(code int, text string) *mysql.SQLError {
	return mysql.NewSQLError(code, State(code), "%s", text)
}
