package replay

import (
	"errors"
	"strconv"
	"strings"

	"github.com/featuresql/featuresql/engine/types"
)

var errPartitionValue = errors.New("not a value of the type")

// ParsePartitionValue reads a serialized partition value (PROTOCOL.md, Partition Value Serialization). The empty
// string is NULL whatever the type. A timestamp without a zone is taken as UTC; both of its formats are
// understood. Binary values are the UTF-8 of the text, or the bytes of a text of \u00XX escapes.
func ParsePartitionValue(text string, t types.Type) (types.Value, error) {
	if text == "" {
		return types.NullOf(t), nil
	}
	switch {
	case t.Kind == types.String:
		return types.BytesValue(t, text), nil
	case t.Kind == types.Binary:
		return types.BytesValue(t, unescapeBinary(text)), nil
	case t.Kind == types.Bool:
		return parseBool(text)
	case t.IsInteger():
		lo, hi := intRange(t.Kind)
		if v, exact, ok := parseDecimal(strings.TrimSpace(text), 0, down); ok && exact && v.Fits64() && int64(v.Lo) >= lo && int64(v.Lo) <= hi {
			return types.IntValue(t, int64(v.Lo)), nil
		}
	case t.IsFloat():
		if f, ok := parseFloat(strings.TrimSpace(text), t.Kind == types.Float32); ok {
			return types.FloatValue(t, f), nil
		}
	case t.Kind == types.Decimal:
		if v, exact, ok := parseDecimal(strings.TrimSpace(text), int(t.Scale), down); ok && exact && fitsDecimal(v, int(t.Precision)) {
			return types.DecimalValue(t, v), nil
		}
	case t.Kind == types.Date:
		if m, ok := parseMoment(text); ok && !m.hasTime {
			return types.IntValue(t, m.micros/microsPerDay), nil
		}
	case t.Kind == types.Timestamp:
		if m, ok := parseMoment(text); ok {
			return types.IntValue(t, m.micros), nil
		}
	case t.Kind == types.TimestampNTZ:
		if m, ok := parseMoment(text); ok {
			return types.IntValue(t, m.micros+m.zoneOffset*microsPerSecond), nil
		}
	}
	return types.NullOf(t), errPartitionValue
}

func parseBool(text string) (types.Value, error) {
	switch {
	case strings.EqualFold(text, "true"):
		return types.BoolValue(true), nil
	case strings.EqualFold(text, "false"):
		return types.BoolValue(false), nil
	}
	return types.NullOf(types.Of(types.Bool)), errPartitionValue
}

// parseFloat reads a float as Java, Rust and Go print it.
func parseFloat(text string, single bool) (float64, bool) {
	switch text {
	case "Infinity", "+Infinity":
		text = "inf"
	case "-Infinity":
		text = "-inf"
	}
	size := 64
	if single {
		size = 32
	}
	if strings.ContainsAny(text, "xX_pP") {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, size)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, false
	}
	return f, true
}

// unescapeBinary decodes a text that consists of \u00XX escapes only; any other text is its own bytes.
func unescapeBinary(text string) string {
	if len(text)%6 != 0 {
		return text
	}
	out := make([]byte, 0, len(text)/6)
	for i := 0; i < len(text); i += 6 {
		if !strings.EqualFold(text[i:i+4], `\u00`) {
			return text
		}
		b, err := strconv.ParseUint(text[i+4:i+6], 16, 8)
		if err != nil {
			return text
		}
		out = append(out, byte(b))
	}
	return string(out)
}
