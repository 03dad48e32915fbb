package parser

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/shopspring/decimal"
)

// AsOf is the version of a table that a statement reads.
type AsOf struct {
	// IsVersion says that Version counts, and Time does not.
	IsVersion bool
	Version   int64
	// Time asks for the last version at or before it.
	Time time.Time
	// Newest is set where the value is not known yet (a parameter at PREPARE); Time then lies after every version.
	Newest bool
}

// newest is the time of AsOf.Newest.
var newest = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

const (
	prefixVersion = "v:"
	prefixTime    = "t:"
)

// Encode returns a as the host carries it to VersionedDatabase.GetTableInsensitiveAsOf: "v:3" or
// "t:2026-01-01T00:00:00Z".
func (a AsOf) Encode() string {
	if a.IsVersion {
		return prefixVersion + strconv.FormatInt(a.Version, 10)
	}
	return prefixTime + a.Time.UTC().Format(time.RFC3339Nano)
}

// DecodeAsOf reads the value that the host hands to VersionedDatabase.GetTableInsensitiveAsOf: a string from
// Encode, a time.Time, or what a user may write as an AS OF value in UTC (see ParseAsOf). *AsOfError otherwise.
func DecodeAsOf(v any) (AsOf, error) {
	switch v := v.(type) {
	case string:
		if s, ok := strings.CutPrefix(v, prefixVersion); ok {
			return versionOf(s)
		}
		if s, ok := strings.CutPrefix(v, prefixTime); ok {
			t, err := time.Parse(time.RFC3339Nano, s)
			if err != nil {
				return AsOf{}, &AsOfError{v, "not a time"}
			}
			return AsOf{Time: t, Newest: t.Equal(newest)}, nil
		}
	case AsOf:
		return v, nil
	}
	return ParseAsOf(v, time.UTC)
}

// ParseAsOf reads an untagged AS OF value: an integer is a version, a time.Time or a string with a date is a time
// (of the zone loc where it names none), and a string of digits is a version unless it is 17 digits
// yyyyMMddHHmmssSSS. NULL and anything else is an *AsOfError.
func ParseAsOf(v any, loc *time.Location) (AsOf, error) { return asOfValue(v, tagAny, loc) }

type tag uint8

const (
	tagAny tag = iota
	tagVersion
	tagTimestamp
)

func asOfValue(v any, want tag, loc *time.Location) (AsOf, error) {
	switch x := v.(type) {
	case nil:
		return AsOf{}, &AsOfError{"NULL", "a version or a time is needed"}
	case time.Time:
		if want == tagVersion {
			return AsOf{}, &AsOfError{x.Format(time.DateTime), "not a version"}
		}
		return AsOf{Time: inZone(x, loc)}, nil
	case []byte:
		return asOfText(string(x), want, loc)
	case string:
		return asOfText(x, want, loc)
	case types.Timespan:
		return AsOf{}, &AsOfError{x.String(), "neither a version nor a time"}
	}
	n, ok := integer(v)
	switch {
	case !ok:
		return AsOf{}, &AsOfError{fmt.Sprint(v), "not a whole number"}
	case want == tagTimestamp:
		return asOfText(strconv.FormatInt(n, 10), want, loc)
	case n < 0:
		return AsOf{}, &AsOfError{strconv.FormatInt(n, 10), "versions begin at 0"}
	}
	return AsOf{IsVersion: true, Version: n}, nil
}

// inZone reads the clock of x, which the host fills with that of the session's zone and labels UTC, in loc.
func inZone(x time.Time, loc *time.Location) time.Time {
	y, m, d := x.Date()
	h, mi, s := x.Clock()
	return time.Date(y, m, d, h, mi, s, x.Nanosecond(), loc)
}

// integer converts the host's numeric values that are whole.
func integer(v any) (int64, bool) {
	switch x := v.(type) {
	case int8:
		return int64(x), true
	case int16:
		return int64(x), true
	case int32:
		return int64(x), true
	case int64:
		return x, true
	case int:
		return int64(x), true
	case uint8:
		return int64(x), true
	case uint16:
		return int64(x), true
	case uint32:
		return int64(x), true
	case uint64:
		return int64(x), x <= math.MaxInt64
	case float32:
		return integer(float64(x))
	case float64:
		return int64(x), x == math.Trunc(x) && math.Abs(x) < 1<<62
	case decimal.Decimal:
		return x.IntPart(), x.IsInteger() && x.Abs().LessThan(decimal.New(1, 18))
	}
	return 0, false
}

func versionOf(s string) (AsOf, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return AsOf{}, &AsOfError{strconv.Quote(s), "not a version"}
	}
	return AsOf{IsVersion: true, Version: n}, nil
}

func asOfText(s string, want tag, loc *time.Location) (AsOf, error) {
	text := strings.TrimSpace(s)
	digits := text != "" && strings.Trim(text, "0123456789") == ""
	switch {
	case want == tagVersion:
		return versionOf(text)
	case want == tagAny && digits && len(text) != 17:
		return versionOf(text)
	}
	if t, ok := parseTime(text, digits, loc); ok {
		return AsOf{Time: t}, nil
	}
	return AsOf{}, &AsOfError{strconv.Quote(s), "not a time such as '2026-01-31 12:00:00'"}
}

// ParseTime reads a time as AS OF TIMESTAMP takes it: a date, a date and time with or without a zone, or the digits
// yyyyMMdd, yyyyMMddHHmmss or yyyyMMddHHmmssSSS. Without a zone it is of loc. *AsOfError otherwise.
func ParseTime(s string, loc *time.Location) (time.Time, error) {
	a, err := asOfText(s, tagTimestamp, loc)
	return a.Time, err
}

var timeLayouts = []string{"2006-1-2 15:4:5.999999999Z07:00", "2006-1-2 15:4:5.999999999", "2006-1-2 15:4", "2006-1-2"}

func parseTime(s string, digits bool, loc *time.Location) (time.Time, bool) {
	if digits {
		switch len(s) {
		case 17: // yyyyMMddHHmmssSSS
			t, err := time.ParseInLocation("20060102150405.000", s[:14]+"."+s[14:], loc)
			return t, err == nil
		case 14:
			t, err := time.ParseInLocation("20060102150405", s, loc)
			return t, err == nil
		case 8:
			t, err := time.ParseInLocation("20060102", s, loc)
			return t, err == nil
		}
		return time.Time{}, false
	}
	if len(s) > 10 && (s[10] == 'T' || s[10] == 't') {
		s = s[:10] + " " + s[11:]
	}
	if rest, ok := strings.CutSuffix(strings.ToUpper(s), " UTC"); ok {
		s = rest + "Z"
	}
	for _, layout := range timeLayouts {
		if t, err := time.ParseInLocation(layout, strings.ToUpper(s), loc); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// asOfExpr is the expression under AS OF: its value is AsOf.Encode of its child's. The host evaluates it when it
// binds a table.
type asOfExpr struct {
	expression.UnaryExpression
	want tag
}

var _ sql.Expression = (*asOfExpr)(nil)

func (e *asOfExpr) String() string   { return e.Child.String() }
func (e *asOfExpr) Type() sql.Type   { return types.LongText }
func (e *asOfExpr) IsNullable() bool { return false }

func (e *asOfExpr) WithChildren(c ...sql.Expression) (sql.Expression, error) {
	if len(c) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(e, len(c), 1)
	}
	return &asOfExpr{expression.UnaryExpression{Child: c[0]}, e.want}, nil
}

// Eval implements sql.Expression.
func (e *asOfExpr) Eval(ctx *sql.Context, row sql.Row) (any, error) {
	unbound, subquery := false, false
	transform.InspectExpr(e.Child, func(c sql.Expression) bool {
		switch c.(type) {
		case *expression.BindVar:
			unbound = true
		case *plan.Subquery:
			subquery = true
		}
		return unbound || subquery
	})
	if subquery {
		return nil, &UnsupportedError{"a subquery as a version or time (put its value into a variable: SET @v = (SELECT …))"}
	}
	if unbound { // PREPARE
		if s, ok := ctx.Session.(Preparer); ok {
			s.NoteOpenVersion()
		}
		return AsOf{Time: newest}.Encode(), nil
	}
	v, err := evaluate(ctx, e.Child, row)
	if err != nil {
		return nil, fmt.Errorf("AS OF: %w", err)
	}
	if v, err = sql.UnwrapAny(ctx, v); err != nil {
		return nil, fmt.Errorf("AS OF: %w", err)
	}
	loc, err := SessionZone(ctx)
	if err != nil {
		return nil, err
	}
	a, err := asOfValue(v, e.want, loc)
	if err != nil {
		return nil, err
	}
	return a.Encode(), nil
}

// Preparer is a session that hears of a table at a version that only EXECUTE will tell: it is bound at the newest one, whose columns
// may be others.
type Preparer interface{ NoteOpenVersion() }

// Evaluator is a session that computes constants as queries do, which the host does not for every function: its FROM_UNIXTIME knows no fractions.
type Evaluator interface {
	// Evaluate returns the value of e as the host would hand it over; ok is false for what only the host can compute.
	Evaluate(ctx *sql.Context, e sql.Expression) (v any, ok bool)
}

func evaluate(ctx *sql.Context, e sql.Expression, row sql.Row) (any, error) {
	switch e.(type) {
	case *expression.Literal, *expression.UserVar, *expression.SystemVar:
	default:
		if s, ok := ctx.Session.(Evaluator); ok {
			if v, ok := s.Evaluate(ctx, e); ok {
				return v, nil
			}
		}
	}
	return e.Eval(ctx, row)
}

// SessionZone returns the zone of @@time_zone; SYSTEM is that of the process.
func SessionZone(ctx *sql.Context) (*time.Location, error) {
	v, err := ctx.GetSessionVariable(ctx, "time_zone")
	if err != nil {
		return nil, fmt.Errorf("reading time_zone: %w", err)
	}
	name, _ := v.(string)
	if name == "" || strings.EqualFold(name, "SYSTEM") {
		return time.Local, nil
	}
	return Zone(name)
}
