package parquet

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/featuresql/featuresql/engine/types"
)

// leafValue converts a JSON scalar to a value of type t. Values of map keys come as strings whatever their
// type, so every type has a spelling as a string.
func leafValue(t types.Type, v *jsonValue) (types.Value, error) {
	wrong := func() (types.Value, error) {
		return types.Value{}, fmt.Errorf("%s is no %s", v.describe(), t)
	}
	if v.kind == jsonArray || v.kind == jsonObject {
		return wrong()
	}
	text := string(v.text)
	switch t.Kind {
	case types.String, types.JSON:
		if v.kind != jsonString || !utf8.Valid(v.text) {
			return wrong()
		}
		return types.BytesValue(t, text), nil
	case types.Bool:
		return boolText(t, v)
	}
	if v.kind != jsonNumber && v.kind != jsonString {
		return wrong()
	}
	ok := false
	val := types.Value{Type: t, Valid: true}
	switch {
	case t.IsInteger():
		val.I, ok = intText(t, text)
	case t.IsFloat():
		val.F, ok = floatText(t, text)
	case t.Kind == types.Decimal:
		var exact bool
		val.D, exact, ok = types.ParseDecimal(text, int(t.Scale))
		ok = ok && exact && val.D.Abs().Cmp(types.Pow10(int(t.Precision))) < 0
	case v.kind != jsonString:
	case t.Kind == types.Binary:
		b, err := base64.StdEncoding.DecodeString(text)
		val.S, ok = string(b), err == nil
	case t.Kind == types.Date:
		val.I, ok = dateText(text)
	case t.Kind == types.Timestamp, t.Kind == types.TimestampNTZ:
		val.I, ok = timestampText(text, t.Kind == types.Timestamp)
	}
	if !ok {
		return wrong()
	}
	return val, nil
}

func boolText(t types.Type, v *jsonValue) (types.Value, error) {
	s := string(v.text)
	switch {
	case v.kind == jsonTrue, s == "true", s == "1":
		return types.IntValue(t, 1), nil
	case v.kind == jsonFalse, s == "false", s == "0":
		return types.IntValue(t, 0), nil
	}
	return types.Value{}, fmt.Errorf("%s is no %s", v.describe(), t)
}

func intText(t types.Type, s string) (int64, bool) {
	size := 64
	switch t.Kind {
	case types.Int8:
		size = 8
	case types.Int16:
		size = 16
	case types.Int32:
		size = 32
	}
	i, err := strconv.ParseInt(s, 10, size)
	return i, err == nil
}

func floatText(t types.Type, s string) (float64, bool) {
	switch s {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		return math.Inf(1), true
	case "-Infinity":
		return math.Inf(-1), true
	}
	if s == "" || (s[len(s)-1] < '0' || s[len(s)-1] > '9') && s[len(s)-1] != '.' { // Go's spellings of infinity
		return 0, false
	}
	size := 64
	if t.Kind == types.Float32 {
		size = 32
	}
	f, err := strconv.ParseFloat(s, size)
	return f, err == nil
}

// dateText reads "2006-01-02" with any year, signed if it has more than four digits or is negative, as days since 1970-01-01.
func dateText(s string) (int64, bool) {
	days, rest, ok := cutDate(s)
	return days, ok && rest == ""
}

// cutDate reads a date at the beginning of s.
func cutDate(s string) (days int64, rest string, ok bool) {
	negative := false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		negative, s = s[0] == '-', s[1:]
	}
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	if n < 4 || n > 7 || len(s) < n+6 || s[n] != '-' || s[n+3] != '-' {
		return 0, "", false
	}
	year, _ := strconv.Atoi(s[:n])
	if negative {
		year = -year
	}
	month, okM := twoDigits(s[n+1:])
	day, okD := twoDigits(s[n+4:])
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if !okM || !okD || int(t.Month()) != month || t.Day() != day {
		return 0, "", false
	}
	return floorDiv(t.Unix(), 86400), s[n+6:], true
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func twoDigits(s string) (int, bool) {
	if len(s) < 2 || s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9' {
		return 0, false
	}
	return int(s[0]-'0')*10 + int(s[1]-'0'), true
}

const dayMicros = 86400 * 1_000_000

// timestampText reads a date, "T" or a blank, "15:04:05", up to six digits of a fraction (more must be zeros), and, if
// zoned, "Z" or an offset such as "+01:00", as microseconds since 1970-01-01T00:00:00. A zoned time without a zone is UTC.
func timestampText(s string, zoned bool) (int64, bool) {
	days, s, ok := cutDate(s)
	if !ok || len(s) < 9 || s[0] != 'T' && s[0] != ' ' || s[3] != ':' || s[6] != ':' {
		return 0, false
	}
	h, okH := twoDigits(s[1:])
	m, okM := twoDigits(s[4:])
	sec, okS := twoDigits(s[7:])
	if !okH || !okM || !okS || h > 23 || m > 59 || sec > 59 {
		return 0, false
	}
	micros := int64(h*3600+m*60+sec) * 1_000_000
	s = s[9:]
	if s != "" && s[0] == '.' {
		n, unit := 1, int64(100_000)
		for ; n < len(s) && s[n] >= '0' && s[n] <= '9'; n++ {
			if unit == 0 && s[n] != '0' {
				return 0, false
			}
			micros += int64(s[n]-'0') * unit
			unit /= 10
		}
		if n == 1 {
			return 0, false
		}
		s = s[n:]
	}
	if zoned && s != "" {
		offset, ok := zoneText(s)
		if !ok {
			return 0, false
		}
		micros -= offset * 1_000_000
		s = ""
	}
	most := int64(math.MaxInt64/dayMicros) - 1
	return days*dayMicros + micros, s == "" && days <= most && days >= -most
}

// zoneText reads "Z" or an offset from UTC in seconds.
func zoneText(s string) (seconds int64, ok bool) {
	if s == "Z" {
		return 0, true
	}
	if len(s) != 6 || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return 0, false
	}
	h, okH := twoDigits(s[1:])
	m, okM := twoDigits(s[4:])
	seconds = int64(h*3600 + m*60)
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, okH && okM && h < 24 && m < 60
}
