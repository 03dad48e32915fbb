package write

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/types"
)

// Table properties that say which columns have statistics, and what applies without them.
const (
	propStatsColumns    = "delta.dataSkippingStatsColumns"
	propIndexedCols     = "delta.dataSkippingNumIndexedCols"
	defaultIndexedCols  = 32
	maxStatsStringRunes = 32
)

// statsField is a field whose statistics go into actions, or a struct around such fields.
type statsField struct {
	name     string // in the file, as a JSON string
	position int    // among the fields of the struct or file
	typ      types.Type
	bounds   bool // has minimum and maximum
	children []statsField
}

// statsFields chooses the fields that get statistics: those that delta.dataSkippingStatsColumns lists, else the first
// delta.dataSkippingNumIndexedCols leaves (all if it is -1, 32 if it is not set); and always those, paths of physical names, by which
// the table is clustered (PROTOCOL.md, Writer Requirements for Clustered Table).
func statsFields(fields []parquet.Field, properties map[string]string, clustering [][]string) []statsField {
	chosen := indexed(properties)
	return chooseFields(fields, nil, nil, func(path, physical []string) bool { return chosen(path) || listed(clustering, physical) })
}

// indexed tells, leaf by leaf, which ones the properties choose.
func indexed(properties map[string]string) func(path []string) bool {
	if list, ok := properties[propStatsColumns]; ok {
		paths := splitColumns(list)
		return func(path []string) bool { return listed(paths, path) }
	}
	left := defaultIndexedCols
	if s, ok := properties[propIndexedCols]; ok {
		if n, err := strconv.Atoi(strings.TrimSpace(s)); err == nil {
			left = n
		}
	}
	if left < 0 {
		left = math.MaxInt
	}
	return func([]string) bool {
		left--
		return left >= 0
	}
}

func chooseFields(fields []parquet.Field, parent, physicalParent []string, wanted func(path, physical []string) bool) (out []statsField) {
	for i := range fields {
		f := &fields[i]
		s := statsField{name: quoteJSON(f.PhysicalName()), position: i}
		path, physical := append(slices.Clip(parent), f.Name), append(slices.Clip(physicalParent), f.PhysicalName())
		switch {
		case f.Kind == parquet.Struct:
			if s.children = chooseFields(f.Children, path, physical, wanted); len(s.children) == 0 {
				continue
			}
		case !wanted(path, physical):
			continue
		case f.Kind == parquet.Primitive:
			s.typ, s.bounds = f.Type, hasBounds(f.Type)
		}
		out = append(out, s)
	}
	return out
}

// hasBounds reports whether Delta keeps minimum and maximum of a type.
func hasBounds(t types.Type) bool {
	switch t.Kind {
	case types.Bool, types.Binary, types.JSON:
		return false
	}
	return true
}

// splitColumns splits a comma-separated list of column paths, parts in backquotes or not.
func splitColumns(list string) (paths [][]string) {
	var path []string
	var part strings.Builder
	quoted := false
	endPart := func() {
		if s := part.String(); s != "" {
			path = append(path, s)
		}
		part.Reset()
	}
	endPath := func() {
		if endPart(); len(path) > 0 {
			paths = append(paths, path)
		}
		path = nil
	}
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case c == '`' && quoted && i+1 < len(list) && list[i+1] == '`':
			part.WriteByte('`')
			i++
		case c == '`':
			quoted = !quoted
		case quoted:
			part.WriteByte(c)
		case c == '.':
			endPart()
		case c == ',':
			endPath()
		case c != ' ':
			part.WriteByte(c)
		}
	}
	endPath()
	return paths
}

// listed reports whether path is, or is within, one of paths; names match whatever their case.
func listed(paths [][]string, path []string) bool {
	for _, p := range paths {
		if len(p) > len(path) {
			continue
		}
		match := true
		for i := range p {
			match = match && strings.EqualFold(p[i], path[i])
		}
		if match {
			return true
		}
	}
	return false
}

// formatStats is the stats of an add action (protocol, Per-file Statistics).
func formatStats(fields []statsField, s *parquet.FileStats) string {
	b := []byte(`{"numRecords":`)
	b = strconv.AppendInt(b, s.NumRows, 10)
	b = append(b, `,"minValues":`...)
	b, _ = appendStats(b, fields, s.Columns, appendMin)
	b = append(b, `,"maxValues":`...)
	b, _ = appendStats(b, fields, s.Columns, appendMax)
	b = append(b, `,"nullCount":`...)
	b, _ = appendStats(b, fields, s.Columns, func(b []byte, _ *statsField, c *parquet.ColumnFileStats) ([]byte, bool) {
		return strconv.AppendInt(b, c.NullCount, 10), true
	})
	return string(append(b, `,"tightBounds":true}`...))
}

type statAppender func(b []byte, f *statsField, c *parquet.ColumnFileStats) ([]byte, bool)

// appendStats appends an object of what one says about each field; some is false if it is empty.
func appendStats(b []byte, fields []statsField, columns []parquet.ColumnFileStats, one statAppender) (_ []byte, some bool) {
	b = append(b, '{')
	for i := range fields {
		f := &fields[i]
		mark := len(b)
		if some {
			b = append(b, ',')
		}
		b = append(b, f.name...)
		b = append(b, ':')
		ok := false
		if f.children != nil {
			b, ok = appendStats(b, f.children, columns[f.position].Children, one)
		} else {
			b, ok = one(b, f, &columns[f.position])
		}
		if !ok {
			b = b[:mark]
			continue
		}
		some = true
	}
	return append(b, '}'), some
}

func appendMin(b []byte, f *statsField, c *parquet.ColumnFileStats) ([]byte, bool) {
	if !f.bounds || !c.Min.Valid || c.HasNaN {
		return b, false
	}
	if f.typ.Kind == types.String {
		return appendStringBound(b, c.Min.S, lowerBound)
	}
	return appendBound(b, c.Min, false)
}

func appendMax(b []byte, f *statsField, c *parquet.ColumnFileStats) ([]byte, bool) {
	if !f.bounds || !c.Max.Valid || c.HasNaN {
		return b, false
	}
	if f.typ.Kind == types.String {
		return appendStringBound(b, c.Max.S, upperBound)
	}
	return appendBound(b, c.Max, true)
}

func appendStringBound(b []byte, s string, cut func(string) (string, bool)) ([]byte, bool) {
	if !utf8.ValidString(s) {
		return b, false
	}
	s, ok := cut(s)
	if !ok {
		return b, false
	}
	return append(b, quoteJSON(s)...), true
}

// prefix returns the first 32 characters of s, and whether that is all of it.
func prefix(s string) (string, bool) {
	n := 0
	for i := range s {
		if n == maxStatsStringRunes {
			return s[:i], false
		}
		n++
	}
	return s, true
}

func lowerBound(s string) (string, bool) {
	p, _ := prefix(s)
	return p, true
}

// upperBound returns s if it is short, else a string of at most 33 characters that sorts above s by bytes: its first 32
// characters and one above the next.
func upperBound(s string) (string, bool) {
	p, whole := prefix(s)
	if whole {
		return s, true
	}
	next, _ := utf8.DecodeRuneInString(s[len(p):])
	switch {
	case next < 0x7f:
		return p + "\x7f", true
	case next < 0xfffd:
		return p + "\ufffd", true
	case next < utf8.MaxRune:
		return p + string(rune(utf8.MaxRune)), true
	}
	return "", false
}

// appendBound spells a number or a time. Times have milliseconds: a minimum is rounded down, a maximum up.
func appendBound(b []byte, v types.Value, up bool) ([]byte, bool) {
	switch k := v.Type.Kind; {
	case k == types.Decimal:
		return v.D.AppendDecimal(b, int(v.Type.Scale)), true
	case v.Type.IsFloat():
		if math.IsInf(v.F, 0) || math.IsNaN(v.F) {
			return b, false
		}
		return appendFloat(b, v.F), true
	case k == types.Date:
		return appendTime(b, time.Unix(v.I*86400, 0).UTC(), "2006-01-02")
	case k == types.Timestamp, k == types.TimestampNTZ:
		millis := v.I / 1000
		if rest := v.I % 1000; rest < 0 && !up {
			millis--
		} else if rest > 0 && up {
			millis++
		}
		layout := "2006-01-02T15:04:05.000"
		if k == types.Timestamp {
			layout += "Z"
		}
		return appendTime(b, time.UnixMilli(millis).UTC(), layout)
	case v.Type.IsInteger():
		return strconv.AppendInt(b, v.I, 10), true
	}
	return b, false
}

// appendFloat spells f so that it reads back equal as a double. (A float32 gets the digits of the double it
// is, so that a reader that compares doubles finds a true bound.)
func appendFloat(b []byte, f float64) []byte {
	mark := len(b)
	b = strconv.AppendFloat(b, f, 'g', -1, 64)
	if !strings.ContainsAny(string(b[mark:]), ".e") {
		b = append(b, ".0"...)
	}
	return b
}

func appendTime(b []byte, t time.Time, layout string) ([]byte, bool) {
	if y := t.Year(); y < 1 || y > 9999 {
		return b, false
	}
	b = append(b, '"')
	b = t.AppendFormat(b, layout)
	return append(b, '"'), true
}

// quoteJSON returns s, which is UTF-8, as a JSON string.
func quoteJSON(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n")
}
