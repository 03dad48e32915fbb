package catalog

import (
	"fmt"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/featuresql/featuresql/engine/parser"
)

// SQLModeError says that sql_mode asks for what featuresql does not do.
type SQLModeError struct{ Mode string }

func (e *SQLModeError) Error() string {
	return "featuresql does not support the sql_mode " + e.Mode
}

// refusedModes change the meaning of statements, and of nothing that featuresql reads so.
var refusedModes = []string{"NO_BACKSLASH_ESCAPES", "PIPES_AS_CONCAT", "HIGH_NOT_PRECEDENCE", "REAL_AS_FLOAT", "PAD_CHAR_TO_FULL_LENGTH", "NO_UNSIGNED_SUBTRACTION",
	"TIME_TRUNCATE_FRACTIONAL"}

// The variables of what SHOW WARNINGS has.
const (
	WarningCount = "warning_count"
	ErrorCount   = "error_count"
)

// GetSessionVariable implements sql.Session.
func (s *Session) GetSessionVariable(ctx *sql.Context, name string) (any, error) {
	if strings.EqualFold(name, WarningCount) {
		return int64(s.warned), nil
	}
	return s.BaseSession.GetSessionVariable(ctx, name)
}

// ClearWarnings implements sql.Session: a statement begins.
func (s *Session) ClearWarnings() {
	s.warned = s.WarningCount()
	s.BaseSession.ClearWarnings()
}

// AsOfText is a value of AsOfVariable as the text that it is kept as: whole numbers are versions, times are of the session's zone.
// Other values stay.
func AsOfText(v any) any {
	switch v := v.(type) {
	case nil:
		return ""
	case int8, int16, int32, int64, int, uint8, uint16, uint32, uint64:
		return fmt.Sprint(v)
	case time.Time:
		return v.Format("2006-01-02 15:04:05.999999")
	}
	return v
}

// SetSessionVariable implements sql.Session: what would be set and then not minded is refused.
func (s *Session) SetSessionVariable(ctx *sql.Context, name string, value any) error {
	text, _ := value.(string)
	switch strings.ToLower(name) {
	case sql.AutoCommitSessionVar:
		return s.setAutocommit(ctx, value)
	case "transaction_read_only":
		if !s.begun(ctx) {
			ctx.SetTransaction(nil) // see SetNext
		}
	case AsOfVariable:
		text = fmt.Sprint(AsOfText(value))
		if strings.TrimSpace(text) != "" {
			asOf, err := parseAsOf(ctx, text)
			if err != nil {
				return err
			}
			if asOf.IsVersion && asOf.Version < 0 {
				return &parser.AsOfError{Value: text, Reason: "versions begin at 0"}
			}
		}
	case "time_zone":
		if _, err := parser.Zone(text); err != nil {
			return err
		}
	case "sql_mode":
		if bits, ok := value.(uint64); ok {
			if v, _, ok := sql.SystemVariables.GetGlobal(name); ok {
				if set, ok := v.GetType().(sql.SetType); ok {
					text, _ = set.BitsToString(bits)
				}
			}
		}
		for mode := range strings.SplitSeq(text, ",") {
			for _, refused := range refusedModes {
				if strings.EqualFold(strings.TrimSpace(mode), refused) {
					return &SQLModeError{refused}
				}
			}
			if strings.EqualFold(strings.TrimSpace(mode), "ANSI") {
				return &SQLModeError{"ANSI, which has PIPES_AS_CONCAT; set ANSI_QUOTES and ONLY_FULL_GROUP_BY"}
			}
		}
	}
	return s.BaseSession.SetSessionVariable(ctx, name, value)
}
