package write

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/featuresql/featuresql/engine/types"
)

// PartitionValueError says that a value cannot be the value of a partition column.
type PartitionValueError struct {
	Column string
	Reason string
}

func (e *PartitionValueError) Error() string {
	return "partition column " + e.Column + ": " + e.Reason
}

// FormatPartitionValue spells a partition value as the log does (protocol, Partition Value Serialization); nil is
// NULL. An empty string or binary value cannot be told from NULL there and becomes it. Timestamps are spelled in UTC, as
// the protocol recommends: a reader's time zone must not change them.
func FormatPartitionValue(column string, v types.Value) (*string, error) {
	if !v.Valid {
		return nil, nil
	}
	s := ""
	switch k := v.Type.Kind; {
	case k == types.Bool:
		s = strconv.FormatBool(v.I != 0)
	case k == types.Decimal:
		s = string(v.D.AppendDecimal(nil, int(v.Type.Scale)))
	case v.Type.IsFloat():
		s = formatFloat(v)
	case k == types.Date, k == types.Timestamp, k == types.TimestampNTZ:
		var err error
		if s, err = formatTime(v); err != nil {
			return nil, &PartitionValueError{column, err.Error()}
		}
	case k == types.String, k == types.Binary:
		if !utf8.ValidString(v.S) {
			return nil, &PartitionValueError{column, fmt.Sprintf("%.60q is not UTF-8 and cannot be stored in the log", v.S)}
		}
		s = v.S
	case v.Type.IsInteger():
		s = strconv.FormatInt(v.I, 10)
	default:
		return nil, &PartitionValueError{column, "a table cannot be partitioned by " + v.Type.String()}
	}
	if s == "" {
		return nil, nil
	}
	return &s, nil
}

// formatTime spells a date, "2006-01-02 15:04:05.000000" for a time without a zone, and ISO 8601 with Z for an instant.
// Years outside 1 to 9999 have no spelling that all readers know.
func formatTime(v types.Value) (string, error) {
	layout := "2006-01-02"
	var t time.Time
	switch v.Type.Kind {
	case types.Date:
		t = time.Unix(v.I*86400, 0).UTC()
	case types.TimestampNTZ:
		t, layout = time.UnixMicro(v.I).UTC(), "2006-01-02 15:04:05.000000"
	default:
		t, layout = time.UnixMicro(v.I).UTC(), "2006-01-02T15:04:05.000000Z"
	}
	if y := t.Year(); y < 1 || y > 9999 {
		return "", fmt.Errorf("the year %d cannot be stored in the log", y)
	}
	return t.Format(layout), nil
}

// formatFloat spells a float as Java does, which is what Spark names folders by: always with a point, with an
// exponent below 0.001 and from 10,000,000 on.
func formatFloat(v types.Value) string {
	size := 64
	if v.Type.Kind == types.Float32 {
		size = 32
	}
	f := v.F
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 0):
		return strings.TrimPrefix(strings.Replace(strconv.FormatFloat(f, 'g', -1, 64), "Inf", "Infinity", 1), "+")
	case f == 0 || math.Abs(f) >= 1e-3 && math.Abs(f) < 1e7:
		return withPoint(strconv.FormatFloat(f, 'f', -1, size))
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, size), "e")
	e, err := strconv.Atoi(exponent)
	if err != nil {
		return mantissa + "E" + exponent
	}
	return withPoint(mantissa) + "E" + strconv.Itoa(e)
}

func withPoint(s string) string {
	if strings.Contains(s, ".") {
		return s
	}
	return s + ".0"
}
