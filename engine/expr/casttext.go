package expr

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// codeInvalidJSON is MySQL's ER_INVALID_JSON_TEXT_IN_PARAM, and codeInvalidJSONText ER_INVALID_JSON_TEXT.
const (
	codeInvalidJSON     = 3141
	codeInvalidJSONText = 3140
)

// AppendRow appends row i, which is not NULL, as CAST(… AS CHAR) gives it; a Timestamp in the session's zone.
func (c *EvalCtx) AppendRow(dst []byte, v *vector.Vector, i int) []byte {
	switch v.Type.Kind {
	case types.Decimal:
		return v.Decimal(i).AppendDecimal(dst, int(v.Type.Scale))
	case types.Float32:
		return types.AppendFloat(dst, v.Float(i), 32)
	case types.Float64:
		return types.AppendFloat(dst, v.Float(i), 64)
	case types.Date:
		return types.AppendDate(dst, v.Int(i))
	case types.Timestamp, types.TimestampNTZ:
		return types.AppendDatetime(dst, c.local(v.Type, v.Int(i)))
	case types.Time:
		return types.AppendTime(dst, v.Int(i))
	case types.Uint64:
		return strconv.AppendUint(dst, uint64(v.Int(i)), 10)
	case types.String, types.Binary, types.JSON:
		return append(dst, v.Bytes(i)...)
	}
	return strconv.AppendInt(dst, v.Int(i), 10)
}

func (k *caster) toText(a *vector.Vector, n int, sel []uint16) (*vector.Vector, error) {
	w := k.c.Bytes(k.to, n)
	err := k.each(a, n, sel, func(i int) error {
		w.End(i, k.c.AppendRow(w.Buf(), a, i))
		return nil
	})
	if err != nil {
		return nil, err
	}
	out, err := w.Done()
	out.Valid = a.Valid
	return out, err
}

func (k *caster) toJSON(a *vector.Vector, n int, sel []uint16) (*vector.Vector, error) {
	w := k.c.Bytes(k.to, n)
	var buf []byte
	err := k.each(a, n, sel, func(i int) error {
		switch {
		case k.from.Kind == types.Bool:
			w.SetString(i, strconv.FormatBool(a.Int(i) != 0))
		case k.from.Kind == types.String || k.from.Kind == types.Binary:
			s := a.Bytes(i)
			if !json.Valid(s) {
				return k.badJSON(s)
			}
			w.Set(i, bytes.TrimSpace(s))
		case k.from.IsNumeric():
			w.End(i, k.c.AppendRow(w.Buf(), a, i))
		default:
			buf = k.c.AppendRow(buf[:0], a, i)
			w.End(i, AppendJSONString(w.Buf(), buf))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out, err := w.Done()
	out.Valid = a.Valid
	return out, err
}

func (k *caster) badJSON(s []byte) error {
	if k.store != nil {
		return k.storeError(codeInvalidJSONText, string(s), "Invalid JSON text: '%s' for column '%s' at row %d", shorten(string(s)), k.store.column, k.row)
	}
	return &ValueError{Code: codeInvalidJSON, Value: shorten(string(s)), Row: k.row, Msg: "Invalid JSON text in argument 1 to function cast_as_json"}
}

// AppendJSONString appends s, UTF-8 text, as a JSON string. Bytes that are not UTF-8 become U+FFFD.
func AppendJSONString(dst, s []byte) []byte {
	dst = append(dst, '"')
	for _, r := range string(s) {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, '\\', 'n')
		case r == '\r':
			dst = append(dst, '\\', 'r')
		case r == '\t':
			dst = append(dst, '\\', 't')
		case r == '\b':
			dst = append(dst, '\\', 'b')
		case r == '\f':
			dst = append(dst, '\\', 'f')
		case r < 0x20:
			const hex = "0123456789abcdef"
			dst = append(dst, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			dst = append(dst, string(r)...)
		}
	}
	return append(dst, '"')
}

// unquoteJSON returns the text of a JSON string.
func unquoteJSON(s []byte) ([]byte, error) {
	var u string
	if err := json.Unmarshal(s, &u); err != nil {
		return nil, err
	}
	return []byte(u), nil
}
