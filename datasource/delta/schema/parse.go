package schema

import (
	"strconv"

	"github.com/featuresql/featuresql/datasource/delta/jsonscan"
)

// Limits of a schema: far above what engines write, low enough that no schema exhausts memory or stack.
const (
	maxDepth  = 100
	maxFields = 100_000
)

// Parse reads metaData.schemaString. Errors: *ParseError, *UnsupportedTypeError.
func Parse(schemaString string) (*Struct, error) {
	p := parser{}
	s := jsonscan.New(schemaString)
	t := p.parse(&s, "", 0)
	s.End()
	if p.err == nil && s.Err() != nil {
		p.err = &ParseError{Reason: s.Err().Error()}
	}
	if p.err != nil {
		return nil, p.err
	}
	st, ok := t.(*Struct)
	if !ok {
		return nil, &ParseError{Reason: "it is no struct"}
	}
	return st, nil
}

// ParseType reads a type's JSON form, or the bare name of a primitive type. Errors: *ParseError, *UnsupportedTypeError.
func ParseType(text string) (Type, error) {
	if text == "" || text[0] != '{' && text[0] != '"' {
		return parsePrimitive(text)
	}
	p := parser{}
	s := jsonscan.New(text)
	t := p.parse(&s, "", 0)
	s.End()
	if p.err == nil && s.Err() != nil {
		p.err = &ParseError{Reason: s.Err().Error()}
	}
	return t, p.err
}

// parser keeps the first error that is not one of the JSON.
type parser struct {
	err    error
	fields int
}

func (p *parser) fail(path, reason string) Type {
	if p.err == nil {
		p.err = &ParseError{Column: path, Reason: reason}
	}
	return Primitive{Name: Void}
}

func (p *parser) parse(s *jsonscan.Scanner, path string, depth int) Type {
	if depth > maxDepth {
		s.Skip()
		return p.fail(path, "nested deeper than "+strconv.Itoa(maxDepth))
	}
	if s.Peek() == '"' {
		t, err := parsePrimitive(s.String())
		if e, ok := err.(*UnsupportedTypeError); ok && p.err == nil { //nolint:errorlint // made just above
			p.err = &UnsupportedTypeError{Column: path, Type: e.Type}
		}
		return t
	}
	return p.object(s, path, depth)
}

// object reads a nested type. Its members may come in any order, so each is read as raw text first.
func (p *parser) object(s *jsonscan.Scanner, path string, depth int) Type {
	m := map[string]string{}
	if !s.BeginObject() {
		return Primitive{Name: Void}
	}
	for first := true; ; first = false {
		key, ok := s.NextKey(first)
		if !ok {
			break
		}
		m[key] = s.Raw()
	}
	if s.Err() != nil {
		return Primitive{Name: Void}
	}
	switch m["type"] {
	case `"struct"`:
		return p.structure(m["fields"], path, depth)
	case `"array"`:
		return &Array{Element: p.part(m, "elementType", join(path, "element"), depth), ContainsNull: m["containsNull"] != "false"}
	case `"map"`:
		return &Map{
			Key: p.part(m, "keyType", join(path, "key"), depth), Value: p.part(m, "valueType", join(path, "value"), depth),
			ValueContainsNull: m["valueContainsNull"] != "false",
		}
	}
	if p.err == nil {
		p.err = &UnsupportedTypeError{Column: path, Type: m["type"]}
	}
	return Primitive{Name: Void}
}

func (p *parser) part(m map[string]string, key, path string, depth int) Type {
	text, ok := m[key]
	if !ok {
		return p.fail(path, key+" is missing")
	}
	s := jsonscan.New(text)
	return p.parse(&s, path, depth+1)
}

func (p *parser) structure(text, path string, depth int) Type {
	st := &Struct{}
	s := jsonscan.New(text)
	if !s.BeginArray() {
		return p.fail(path, "a struct without a list of fields")
	}
	for first := true; s.NextElement(first) && p.err == nil; first = false {
		if p.fields++; p.fields > maxFields {
			return p.fail(path, "more than "+strconv.Itoa(maxFields)+" fields")
		}
		st.Fields = append(st.Fields, p.field(&s, path, depth))
	}
	return st
}

func (p *parser) field(s *jsonscan.Scanner, path string, depth int) Field {
	f := Field{Nullable: true}
	typ, named := "", false
	if !s.BeginObject() {
		p.fail(path, "a field that is no object")
		return f
	}
	for first := true; ; first = false {
		key, ok := s.NextKey(first)
		if !ok {
			break
		}
		switch {
		case s.Null():
		case key == "name":
			f.Name, named = s.String(), true
		case key == "type":
			typ = s.Raw()
		case key == "nullable":
			f.Nullable = s.Bool()
		case key == "metadata":
			f.Metadata = parseMetadata(s)
		default:
			f.Extra = append(f.Extra, MetadataEntry{key, s.Raw()})
		}
	}
	switch {
	case s.Err() != nil:
		p.fail(path, s.Err().Error())
	case !named:
		p.fail(path, "a field without a name")
	case typ == "":
		p.fail(join(path, f.Name), "type is missing")
	default:
		inner := jsonscan.New(typ)
		f.Type = p.parse(&inner, join(path, f.Name), depth+1)
	}
	return f
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// String returns the JSON form of the struct.
func (s *Struct) String() string { return string(s.appendJSON(nil)) }

// String returns the JSON form of the array.
func (a *Array) String() string { return string(a.appendJSON(nil)) }

// String returns the JSON form of the map.
func (m *Map) String() string { return string(m.appendJSON(nil)) }

func (p Primitive) appendJSON(dst []byte) []byte { return jsonscan.AppendString(dst, p.String()) }

func (s *Struct) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"type":"struct","fields":[`...)
	for i := range s.Fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = s.Fields[i].appendJSON(dst)
	}
	return append(dst, "]}"...)
}

func (f *Field) appendJSON(dst []byte) []byte {
	dst = jsonscan.AppendString(append(dst, `{"name":`...), f.Name)
	dst = f.Type.appendJSON(append(dst, `,"type":`...))
	dst = strconv.AppendBool(append(dst, `,"nullable":`...), f.Nullable)
	dst = f.Metadata.appendJSON(append(dst, `,"metadata":`...))
	for _, e := range f.Extra {
		dst = append(jsonscan.AppendString(append(dst, ','), e.Key), ':')
		dst = append(dst, e.JSON...)
	}
	return append(dst, '}')
}

func (a *Array) appendJSON(dst []byte) []byte {
	dst = a.Element.appendJSON(append(dst, `{"type":"array","elementType":`...))
	dst = strconv.AppendBool(append(dst, `,"containsNull":`...), a.ContainsNull)
	return append(dst, '}')
}

func (m *Map) appendJSON(dst []byte) []byte {
	dst = m.Key.appendJSON(append(dst, `{"type":"map","keyType":`...))
	dst = m.Value.appendJSON(append(dst, `,"valueType":`...))
	dst = strconv.AppendBool(append(dst, `,"valueContainsNull":`...), m.ValueContainsNull)
	return append(dst, '}')
}
