package parquet

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// jsonKind says what a JSON value is.
type jsonKind uint8

const (
	jsonNull jsonKind = iota
	jsonTrue
	jsonFalse
	jsonNumber
	jsonString
	jsonArray
	jsonObject
)

// jsonValue is a parsed JSON value. text is the digits of a number or the unescaped characters of a string. Members of
// an object keep their order; children[i] belongs to keys[i].
type jsonValue struct {
	kind     jsonKind
	text     []byte
	keys     []string
	children []jsonValue
}

// maxJSONDepth bounds the nesting of JSON text.
const maxJSONDepth = 128

// jsonParser reads JSON text (RFC 8259) and keeps what encoding/json's maps lose: the digits of numbers, the
// order of members. Its values alias the input.
type jsonParser struct {
	b []byte
	i int
}

type jsonError struct {
	at   int
	want string
}

func (e *jsonError) Error() string {
	return fmt.Sprintf("invalid JSON at byte %d: expected %s", e.at, e.want)
}

func (p *jsonParser) parse(b []byte) (jsonValue, error) {
	p.b, p.i = b, 0
	v, err := p.value(0)
	if err != nil {
		return v, err
	}
	if p.space(); p.i < len(p.b) {
		return v, p.fail("the end")
	}
	return v, nil
}

func (p *jsonParser) fail(want string) error { return &jsonError{p.i, want} }

func (p *jsonParser) space() {
	for p.i < len(p.b) && (p.b[p.i] == ' ' || p.b[p.i] == '\n' || p.b[p.i] == '\t' || p.b[p.i] == '\r') {
		p.i++
	}
}

// accept skips white space and then the byte c, if it is there.
func (p *jsonParser) accept(c byte) bool {
	p.space()
	if p.i < len(p.b) && p.b[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *jsonParser) value(depth int) (v jsonValue, err error) {
	if depth > maxJSONDepth {
		return v, p.fail(fmt.Sprintf("at most %d levels", maxJSONDepth))
	}
	p.space()
	if p.i >= len(p.b) {
		return v, p.fail("a value")
	}
	switch c := p.b[p.i]; {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		v.kind = jsonString
		v.text, err = p.str()
		return v, err
	case c == '-' || c >= '0' && c <= '9':
		v.kind = jsonNumber
		v.text, err = p.number()
		return v, err
	}
	for _, w := range [...]struct {
		word string
		kind jsonKind
	}{{"null", jsonNull}, {"true", jsonTrue}, {"false", jsonFalse}} {
		if len(p.b)-p.i >= len(w.word) && string(p.b[p.i:p.i+len(w.word)]) == w.word {
			p.i += len(w.word)
			v.kind = w.kind
			return v, nil
		}
	}
	return v, p.fail("a value")
}

func (p *jsonParser) object(depth int) (v jsonValue, err error) {
	v.kind = jsonObject
	p.i++
	if p.accept('}') {
		return v, nil
	}
	for {
		p.space()
		if p.i >= len(p.b) || p.b[p.i] != '"' {
			return v, p.fail("a name")
		}
		key, err := p.str()
		if err != nil {
			return v, err
		}
		if !p.accept(':') {
			return v, p.fail("a colon")
		}
		child, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.keys, v.children = append(v.keys, string(key)), append(v.children, child)
		if p.accept('}') {
			return v, nil
		}
		if !p.accept(',') {
			return v, p.fail("a comma or a brace")
		}
	}
}

func (p *jsonParser) array(depth int) (v jsonValue, err error) {
	v.kind = jsonArray
	p.i++
	if p.accept(']') {
		return v, nil
	}
	for {
		child, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.children = append(v.children, child)
		if p.accept(']') {
			return v, nil
		}
		if !p.accept(',') {
			return v, p.fail("a comma or a bracket")
		}
	}
}

// str reads a string. Only one with escapes or bytes that are no UTF-8 takes the slow path.
func (p *jsonParser) str() ([]byte, error) {
	start := p.i
	plain := true
	for p.i++; p.i < len(p.b); p.i++ {
		switch c := p.b[p.i]; {
		case c == '"':
			p.i++
			s := p.b[start+1 : p.i-1]
			if plain {
				return s, nil
			}
			return p.unescape(start, s)
		case c == '\\':
			plain = false
			p.i++
		case c < ' ':
			return nil, p.fail("no control character")
		}
	}
	return nil, p.fail("a closing quote")
}

func (p *jsonParser) unescape(start int, raw []byte) ([]byte, error) {
	if !utf8.Valid(raw) {
		return nil, &jsonError{start, "UTF-8"}
	}
	var s string
	if err := json.Unmarshal(p.b[start:p.i], &s); err != nil {
		return nil, &jsonError{start, "a valid escape"}
	}
	return []byte(s), nil
}

func (p *jsonParser) number() ([]byte, error) {
	start := p.i
	digits := func() int {
		from := p.i
		for p.i < len(p.b) && p.b[p.i] >= '0' && p.b[p.i] <= '9' {
			p.i++
		}
		return p.i - from
	}
	if p.b[p.i] == '-' {
		p.i++
	}
	first := p.i
	if n := digits(); n == 0 || n > 1 && p.b[first] == '0' {
		return nil, p.fail("a digit that is not a leading zero")
	}
	if p.i < len(p.b) && p.b[p.i] == '.' {
		p.i++
		if digits() == 0 {
			return nil, p.fail("a digit")
		}
	}
	if p.i < len(p.b) && (p.b[p.i] == 'e' || p.b[p.i] == 'E') {
		p.i++
		if p.i < len(p.b) && (p.b[p.i] == '+' || p.b[p.i] == '-') {
			p.i++
		}
		if digits() == 0 {
			return nil, p.fail("a digit")
		}
	}
	return p.b[start:p.i], nil
}
