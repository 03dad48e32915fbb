package replay

import (
	"math"
	"strings"
	"unicode/utf8"

	"github.com/featuresql/featuresql/datasource/delta/jsonscan"
	"github.com/featuresql/featuresql/engine/types"
)

// bound turns the JSON text of a minimum (dir down) or maximum (dir up) into a value that no value of the file
// is beyond, whatever the writer cut off. The result is not valid if the text says nothing that can be relied on.
func bound(text string, c *Column, dir rounding) types.Value {
	unknown := types.NullOf(c.Type)
	if text == "" || text == "null" {
		return unknown
	}
	quoted := text[0] == '"'
	if quoted {
		raw := text[1 : len(text)-1]
		if strings.IndexByte(raw, '\\') >= 0 {
			if loneSurrogate(raw) {
				return unknown
			}
			var ok bool
			if raw, ok = jsonscan.Unescape(raw); !ok {
				return unknown
			}
		}
		text = raw
	}
	t := c.Type
	switch {
	case t.Kind == types.String && quoted:
		return types.BytesValue(t, stringBound(text, dir))
	case t.Kind == types.Bool:
		v, _ := parseBool(text)
		return v
	case t.IsInteger():
		lo, hi := intRange(t.Kind)
		if n, ok := parseInteger(text, lo, hi, dir); ok {
			return types.IntValue(t, n)
		}
	case t.IsFloat():
		return floatBound(text, c, dir)
	case t.Kind == types.Decimal:
		if v, _, ok := parseDecimal(text, int(t.Scale), dir); ok {
			if v, ok = floatSlack(v, dir); ok && v.Abs().Cmp(types.Pow10(38)) < 0 {
				return types.DecimalValue(t, v)
			}
		}
	case t.Kind == types.Date && quoted:
		if m, ok := parseMoment(text); ok && !m.hasTime {
			return types.IntValue(t, m.micros/microsPerDay)
		}
	case t.Kind == types.Timestamp && quoted, t.Kind == types.TimestampNTZ && quoted:
		return timeBound(text, t, dir)
	}
	return unknown
}

// loneSurrogate reports whether a JSON string escapes half of a surrogate pair: the text was cut in the middle of
// a character, or was no text.
func loneSurrogate(raw string) bool {
	for i := 0; i+6 <= len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		if raw[i+1] != 'u' || raw[i+2]|0x20 != 'd' || raw[i+3] < '8' {
			i++
			continue
		}
		if raw[i+3]|0x20 >= 'c' || i+12 > len(raw) || raw[i+6] != '\\' || raw[i+7] != 'u' || raw[i+8]|0x20 != 'd' || raw[i+9]|0x20 < 'c' {
			return true
		}
		i += 11
	}
	return false
}

// stringPrefix is the number of characters at which writers begin to cut strings off.
const stringPrefix = 32

// stringBound widens a string. Writers cut a maximum after 32 characters and append a character that is to sort
// above what they cut off (U+FFFD, which is below characters outside the basic plane, or U+10FFFF), or none. U+FFFD also
// stands for bytes that were no UTF-8, whose order is not known. So a minimum ends before U+FFFD, and a maximum is
// followed there, or if it may have been cut, by a byte that is above every character.
func stringBound(s string, dir rounding) string {
	if before, _, ok := strings.Cut(s, "\uFFFD"); ok {
		if dir == down {
			return before
		}
		return before + "\xff"
	}
	if dir == up && len(s) >= stringPrefix && (utf16Len(s) >= stringPrefix) || dir == up && strings.HasSuffix(s, "\U0010FFFF") {
		return strings.TrimSuffix(s, "\U0010FFFF") + "\xff"
	}
	return s
}

func utf16Len(s string) int {
	n := utf8.RuneCountInString(s)
	for i := range len(s) {
		if s[i] >= 0xf0 {
			n++
		}
	}
	return n
}

// floatBound reads a float. NaN bounds nothing. A column that was a float has statistics that print floats, whose
// shortest form is not the value a double has: both readings are covered.
func floatBound(text string, c *Column, dir rounding) types.Value {
	f, ok := parseFloat(text, c.Type.Kind == types.Float32)
	if !ok || math.IsNaN(f) {
		return types.NullOf(c.Type)
	}
	if c.WasFloat {
		if g, ok := parseFloat(text, true); ok && (dir == up) == (g > f) {
			f = g
		}
	}
	return types.FloatValue(c.Type, f)
}

// floatSlack widens a decimal of more digits than a float keeps by what a float may have lost of it: some writers
// pass decimals of statistics through floats.
func floatSlack(v types.Int128, dir rounding) (types.Int128, bool) {
	if v.Fits64() && v.Abs().Cmp(types.Int128From(1<<53)) <= 0 {
		return v, true
	}
	slack, _ := v.Abs().DivMod64(1 << 52)
	slack, _ = slack.Add(types.Int128From(1))
	if dir == down {
		return v.Sub(slack)
	}
	return v.Add(slack)
}

const (
	milliSlack    = 999                  // microseconds lost by truncation to milliseconds
	zoneSlack     = 18 * 3600 * 1e6      // microseconds: the greatest offset of a zone
	lmtSlack      = 60 * microsPerSecond // zones once had offsets with seconds (Accra's was -00:00:52), which writers leave out
	lastLocalTime = 94_694_400_000_000   // 1973: the last offset with seconds ended in 1972
)

// timeBound widens a timestamp: statistics are cut to milliseconds (PROTOCOL.md, Per-file Statistics), offsets
// of zones to minutes, and some writers leave the zone out.
func timeBound(text string, t types.Type, dir rounding) types.Value {
	m, ok := parseMoment(text)
	if !ok {
		return types.NullOf(t)
	}
	var slack int64
	switch {
	case t.Kind == types.TimestampNTZ && m.zoneOffset != 0:
		return types.NullOf(t)
	case t.Kind == types.Timestamp && !m.hasZone && m.hasTime:
		slack += zoneSlack
	case t.Kind == types.Timestamp && m.hasTime && m.micros < lastLocalTime:
		slack += lmtSlack
	}
	switch {
	case !m.hasTime && t.Kind == types.Timestamp:
		slack += zoneSlack
	case !m.hasTime: // a date that was widened: midnight
	case m.fraction <= 3 && (dir == up || m.micros < 0):
		slack += milliSlack
	case m.remainder && dir == up:
		slack++
	}
	if dir == down {
		slack = -slack
	}
	if s := m.micros + slack; (s > m.micros) == (slack > 0) || slack == 0 {
		return types.IntValue(t, s)
	}
	return types.NullOf(t)
}
