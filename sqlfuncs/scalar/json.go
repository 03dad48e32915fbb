package scalar

import (
	"bytes"
	"encoding/json"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

func init() {
	register("json",
		spec{name: "json_extract", sig: "json_extract(doc, path, …)", doc: "The value at a path, or an array of all that match; NULL if none does.", args: "js*", ret: tJSON, nullsOut: true,
			prep: preparePaths("json_extract"), row: jsonExtract},
		spec{name: "json_unquote", sig: "json_unquote(v)", doc: "The text of a JSON string; other values as they are.", args: "j", ret: tString, row: jsonUnquote},
		spec{name: "json_value", sig: "json_value(doc, path)", doc: "The scalar at a path as text; NULL if there is none.", args: "js", ret: tString, nullsOut: true,
			prep: preparePaths("json_value"), row: jsonValue},
		spec{name: "json_valid", sig: "json_valid(s)", doc: "Whether a text is JSON.", args: "j", ret: tBool, row: func(r *Row) error { return r.RetBool(json.Valid(r.Str(0))) }},
		spec{name: "json_type", sig: "json_type(v)", doc: "OBJECT, ARRAY, STRING, INTEGER, DOUBLE, BOOLEAN or NULL.", args: "j", ret: tString, row: jsonType},
		spec{name: "json_length", sig: "json_length(doc[, path])", doc: "Elements of an array or object; 1 for a scalar.", args: "j?s", ret: tInt, nullsOut: true,
			prep: preparePaths("json_length"), row: jsonLength},
		spec{name: "json_keys", sig: "json_keys(doc[, path])", doc: "The member names of an object as an array.", args: "j?s", ret: tJSON, nullsOut: true,
			prep: preparePaths("json_keys"), row: jsonKeys},
		spec{name: "json_quote", sig: "json_quote(s)", doc: "A text as a JSON string.", args: "s", ret: tString,
			row: func(r *Row) error { return r.RetBuf(expr.AppendJSONString(r.Buf(), r.Str(0))) }},
		spec{name: "json_array", sig: "json_array(a, …)", doc: "An array of the operands.", args: "?x*", ret: tJSON, nullsIn: true, row: jsonArray},
		spec{name: "json_object", sig: "json_object(key, value, …)", doc: "An object of keys and values in turn.", args: "?x*", ret: tJSON, nullsIn: true, row: jsonObject},
	)
}

// paths are the operands from the second on, parsed if constant.
type paths struct {
	name   string // of the function
	parsed []*path
	found  [][]byte
}

func preparePaths(name string) func(args []expr.Expr) (any, error) {
	return func(args []expr.Expr) (any, error) {
		s := &paths{name: name, parsed: make([]*path, len(args))}
		for i := 1; i < len(args); i++ {
			if text, ok := constString(args[i]); ok {
				p, err := parsePath(text)
				if err != nil {
					return nil, err
				}
				s.parsed[i] = &p
			}
		}
		return s, nil
	}
}

// path returns the path in operand k.
func (r *Row) path(k int) (path, error) {
	if p := r.State.(*paths).parsed[k]; p != nil {
		return *p, nil
	}
	return parsePath(string(r.Str(k)))
}

// document returns operand 0, or the error of text that is not JSON.
func (r *Row) document() ([]byte, error) {
	s := r.Str(0)
	if !json.Valid(s) {
		return nil, &expr.ValueError{Code: 3141, Value: string(s[:min(len(s), 128)]), Msg: "Invalid JSON text in argument 1 to function " + r.State.(*paths).name}
	}
	return s, nil
}

// findJSON returns what operand 1, if there is one, leads to; nil if nothing.
func (r *Row) findJSON() ([]byte, error) {
	s, err := r.document()
	if err != nil || r.N() == 1 {
		return s, err
	}
	p, err := r.path(1)
	if err != nil {
		return nil, err
	}
	st := r.State.(*paths)
	if st.found = lookup(s, p.steps, st.found[:0]); len(st.found) == 0 || p.many {
		return nil, nil
	}
	return st.found[0], nil
}

func jsonExtract(r *Row) error {
	s, err := r.document()
	if err != nil {
		return err
	}
	st, many := r.State.(*paths), r.N() > 2
	st.found = st.found[:0]
	for k := 1; k < r.N(); k++ {
		p, err := r.path(k)
		if err != nil {
			return err
		}
		many = many || p.many
		st.found = lookup(s, p.steps, st.found)
	}
	switch {
	case len(st.found) == 0:
		return r.Null()
	case !many:
		return r.RetBuf(appendSpaced(r.Buf(), st.found[0]))
	}
	b := append(r.Buf(), '[')
	for i, v := range st.found {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendSpaced(b, v)
	}
	return r.RetBuf(append(b, ']'))
}

// appendSpaced appends a document with MySQL's blanks: one behind each comma and colon, and no others.
func appendSpaced(b, doc []byte) []byte {
	quoted := false
	for i := 0; i < len(doc); i++ {
		c := doc[i]
		switch {
		case quoted:
			if c == '\\' && i+1 < len(doc) {
				b = append(b, c)
				i++
				c = doc[i]
			} else if c == '"' {
				quoted = false
			}
		case c == '"':
			quoted = true
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			continue
		case c == ',' || c == ':':
			b = append(b, c, ' ')
			continue
		}
		b = append(b, c)
	}
	return b
}

func jsonUnquote(r *Row) error {
	s := bytes.TrimSpace(r.Str(0))
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return r.RetStr(r.Str(0))
	}
	if bytes.IndexByte(s, '\\') < 0 {
		return r.RetStr(s[1 : len(s)-1])
	}
	var u string
	if err := json.Unmarshal(s, &u); err != nil {
		return &expr.ValueError{Code: 3141, Value: string(s[:min(len(s), 128)]), Msg: "Invalid JSON text in argument 1 to function json_unquote"}
	}
	return r.RetString(u)
}

func jsonValue(r *Row) error {
	v, err := r.findJSON()
	if err != nil {
		return err
	}
	switch kind := jsonKind(v); {
	case v == nil || kind == '{' || kind == '[' || kind == 'n':
		return r.Null()
	case kind == '"':
		var u string
		if err := json.Unmarshal(v, &u); err != nil {
			return r.Null()
		}
		return r.RetString(u)
	}
	return r.RetStr(v)
}

func jsonType(r *Row) error {
	s := r.Str(0)
	if !json.Valid(s) {
		return &expr.ValueError{Code: 3141, Value: string(s[:min(len(s), 128)]), Msg: "Invalid JSON text in argument 1 to function json_type"}
	}
	switch jsonKind(s) {
	case '{':
		return r.RetString("OBJECT")
	case '[':
		return r.RetString("ARRAY")
	case '"':
		return r.RetString("STRING")
	case 't', 'f':
		return r.RetString("BOOLEAN")
	case 'n':
		return r.RetString("NULL")
	}
	if bytes.ContainsAny(s, ".eE") {
		return r.RetString("DOUBLE")
	}
	return r.RetString("INTEGER")
}

func jsonLength(r *Row) error {
	v, err := r.findJSON()
	switch {
	case err != nil:
		return err
	case v == nil:
		return r.Null()
	}
	if kind := jsonKind(v); kind != '{' && kind != '[' {
		return r.RetInt(1)
	}
	return r.RetInt(int64(count(v)))
}

func jsonKeys(r *Row) error {
	v, err := r.findJSON()
	if err != nil {
		return err
	}
	if v == nil || jsonKind(v) != '{' {
		return r.Null()
	}
	b := append(r.Buf(), '[')
	elements(v, func(i int, key, _ []byte) bool {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, key...)
		return true
	})
	return r.RetBuf(append(b, ']'))
}

// appendJSON appends operand k as a JSON value.
func (r *Row) appendJSON(b []byte, k int) []byte {
	a := r.args[k]
	switch {
	case r.IsNull(k):
		return append(b, "null"...)
	case a.Type.Kind == types.Bool:
		if r.Int(k) != 0 {
			return append(b, "true"...)
		}
		return append(b, "false"...)
	case a.Type.IsNumeric(), a.Type.Kind == types.JSON:
		return r.Ctx.AppendRow(b, a, r.i)
	}
	r.tmp = r.Ctx.AppendRow(r.tmp[:0], a, r.i)
	return expr.AppendJSONString(b, r.tmp)
}

func jsonArray(r *Row) error {
	b := append(r.Buf(), '[')
	for k := range r.args {
		if k > 0 {
			b = append(b, ", "...)
		}
		b = r.appendJSON(b, k)
	}
	return r.RetBuf(append(b, ']'))
}

func jsonObject(r *Row) error {
	if r.N()%2 == 1 {
		return &expr.TypeError{Function: "json_object", Reason: "takes keys and values in turn"}
	}
	b := append(r.Buf(), '{')
	for k := 0; k < r.N(); k += 2 {
		if r.IsNull(k) {
			return &expr.ValueError{Code: 3158, Msg: "JSON documents may not contain NULL member names."}
		}
		if k > 0 {
			b = append(b, ", "...)
		}
		r.tmp = r.Ctx.AppendRow(r.tmp[:0], r.args[k], r.i)
		b = expr.AppendJSONString(b, r.tmp)
		b = append(b, ": "...)
		b = r.appendJSON(b, k+1)
	}
	return r.RetBuf(append(b, '}'))
}
