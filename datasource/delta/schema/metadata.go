package schema

import (
	"strconv"
	"strings"

	"github.com/featuresql/featuresql/datasource/delta/jsonscan"
)

// Metadata is the metadata of a field in the order of the log, each value as JSON text.
type Metadata []MetadataEntry

// MetadataEntry is one member of a field's metadata.
type MetadataEntry struct {
	Key  string
	JSON string
}

// The keys of field metadata that have a meaning here (PROTOCOL.md, Column Metadata).
const (
	KeyColumnID       = "delta.columnMapping.id"
	KeyPhysicalName   = "delta.columnMapping.physicalName"
	KeyInvariants     = "delta.invariants"
	KeyGeneration     = "delta.generationExpression"
	KeyDefault        = "CURRENT_DEFAULT"
	KeyTypeChanges    = "delta.typeChanges"
	KeyComment        = "comment"
	KeyIdentityStart  = "delta.identity.start"
	KeyIdentityStep   = "delta.identity.step"
	KeyIdentityMark   = "delta.identity.highWaterMark"
	KeyIdentityInsert = "delta.identity.allowExplicitInsert"
	KeyCharVarchar    = "__CHAR_VARCHAR_TYPE_STRING" // Spark's: varchar(n) or char(n), for a column stored as string
	KeyDeclared       = "featuresql.type"            // the type as declared, where a constraint narrows the stored one
)

// TypeConstraint is the name of the CHECK constraint that narrows the type of a column.
func TypeConstraint(column string) string { return "featuresql_type_" + strings.ToLower(column) }

// PropertyConstraints is what the names of the properties that hold CHECK constraints begin with.
const PropertyConstraints = "delta.constraints."

func parseMetadata(s *jsonscan.Scanner) Metadata {
	var m Metadata
	if !s.BeginObject() {
		return nil
	}
	for first := true; ; first = false {
		key, ok := s.NextKey(first)
		if !ok {
			return m
		}
		m = append(m, MetadataEntry{key, s.Raw()})
	}
}

func (m Metadata) appendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	for i, e := range m {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(jsonscan.AppendString(dst, e.Key), ':')
		dst = append(dst, e.JSON...)
	}
	return append(dst, '}')
}

// Get returns the JSON text of a member.
func (m Metadata) Get(key string) (text string, ok bool) {
	for _, e := range m {
		if e.Key == key {
			return e.JSON, true
		}
	}
	return "", false
}

// Str returns the value of a member that is a string.
func (m Metadata) Str(key string) (value string, ok bool) {
	text, ok := m.Get(key)
	if !ok || text == "" || text[0] != '"' {
		return "", false
	}
	s := jsonscan.New(text)
	value = s.String()
	return value, s.Err() == nil
}

// Int returns the value of a member that is an integer.
func (m Metadata) Int(key string) (value int64, ok bool) {
	text, ok := m.Get(key)
	if !ok {
		return 0, false
	}
	return jsonscan.ParseInt(text)
}

// WithJSON returns m with a member set to JSON text, in its old place or at the end.
func (m Metadata) WithJSON(key, text string) Metadata {
	out := append(Metadata(nil), m...)
	for i := range out {
		if out[i].Key == key {
			out[i].JSON = text
			return out
		}
	}
	return append(out, MetadataEntry{key, text})
}

// WithStr returns m with a member set to a string.
func (m Metadata) WithStr(key, value string) Metadata {
	return m.WithJSON(key, string(jsonscan.AppendString(nil, value)))
}

// WithInt returns m with a member set to an integer.
func (m Metadata) WithInt(key string, value int64) Metadata {
	return m.WithJSON(key, strconv.FormatInt(value, 10))
}

// Without returns m without a member.
func (m Metadata) Without(key string) Metadata {
	var out Metadata
	for _, e := range m {
		if e.Key != key {
			out = append(out, e)
		}
	}
	return out
}

// Identity describes an identity column (PROTOCOL.md, Identity Columns).
type Identity struct {
	Start, Step         int64
	HighWaterMark       *int64 // nil: no value was generated yet
	AllowExplicitInsert bool
}

// Comment returns the field's comment.
func (f *Field) Comment() string {
	c, _ := f.Metadata.Str(KeyComment)
	return c
}

// Generation returns the SQL expression of a generated column.
func (f *Field) Generation() (sql string, ok bool) { return f.Metadata.Str(KeyGeneration) }

// Default returns the SQL expression of the column's default value.
func (f *Field) Default() (sql string, ok bool) { return f.Metadata.Str(KeyDefault) }

// TextLimit returns the greatest number of characters of a column of type char(n) or varchar(n), and whether it is
// char(n). ok is false for any other column.
func (f *Field) TextLimit() (chars int, fixed, ok bool) {
	text, _ := f.Metadata.Str(KeyCharVarchar)
	digits, isVarchar := strings.CutPrefix(text, "varchar(")
	if !isVarchar {
		if digits, fixed = strings.CutPrefix(text, "char("); !fixed {
			return 0, false, false
		}
	}
	n, err := strconv.Atoi(strings.TrimSuffix(digits, ")"))
	return n, fixed, err == nil && n > 0 && f.Type == Type(Primitive{Name: String})
}

// Declared returns the type as the column was declared, if it is narrower than the stored one and the constraint that
// says so, among the table's properties, still stands.
func (f *Field) Declared(properties map[string]string) (text string, ok bool) {
	if chars, fixed, limited := f.TextLimit(); limited {
		if fixed {
			return "char(" + strconv.Itoa(chars) + ")", true
		}
		return "varchar(" + strconv.Itoa(chars) + ")", true
	}
	text, ok = f.Metadata.Str(KeyDeclared)
	if f.IsJSON() {
		return text, true
	}
	if _, stands := properties[PropertyConstraints+TypeConstraint(f.Name)]; !stands {
		return "", false
	}
	return text, ok
}

// DeclaredJSON is the declared type of a column of text that has to be JSON; no constraint says so.
const DeclaredJSON = "json"

// IsJSON reports whether the texts of the column have to be JSON.
func (f *Field) IsJSON() bool {
	text, _ := f.Metadata.Str(KeyDeclared)
	return text == DeclaredJSON && f.Type == Type(Primitive{Name: String})
}

// Identity returns the parameters of an identity column, or nil.
func (f *Field) Identity() *Identity {
	start, ok1 := f.Metadata.Int(KeyIdentityStart)
	step, ok2 := f.Metadata.Int(KeyIdentityStep)
	if !ok1 || !ok2 {
		return nil
	}
	id := &Identity{Start: start, Step: step}
	if mark, ok := f.Metadata.Int(KeyIdentityMark); ok {
		id.HighWaterMark = &mark
	}
	text, _ := f.Metadata.Get(KeyIdentityInsert)
	id.AllowExplicitInsert = text == "true"
	return id
}

// Invariant returns the SQL expression that every value of the column must fulfil (PROTOCOL.md, Column
// Invariants: a JSON string that holds {"expression":{"expression":"SQL"}}). ok is false if there is none;
// an invariant that cannot be read is an error.
func (f *Field) Invariant() (sql string, ok bool, err error) {
	if _, has := f.Metadata.Get(KeyInvariants); !has {
		return "", false, nil
	}
	text, isString := f.Metadata.Str(KeyInvariants)
	if isString {
		inner := jsonscan.New(member(text, "expression"))
		if sql, ok := Metadata(parseMetadata(&inner)).Str("expression"); ok && inner.Err() == nil {
			return sql, true, nil
		}
	}
	return "", false, &ParseError{Column: f.Name, Reason: "its invariant cannot be read"}
}

// member returns the JSON text of one member of an object.
func member(text, key string) string {
	s := jsonscan.New(text)
	v, _ := parseMetadata(&s).Get(key)
	if s.Err() != nil {
		return ""
	}
	return v
}

// TypeChange is one entry of a field's history of types (PROTOCOL.md, Type Change Metadata).
type TypeChange struct {
	From, To  string // names of primitive types
	FieldPath string // "", or the way to an element, key or value
}

// TypeChanges returns the history of the field's type; an unreadable one is an error.
func (f *Field) TypeChanges() ([]TypeChange, error) {
	text, ok := f.Metadata.Get(KeyTypeChanges)
	if !ok {
		return nil, nil
	}
	var out []TypeChange
	s := jsonscan.New(text)
	s.BeginArray()
	for first := true; s.NextElement(first); first = false {
		m := parseMetadata(&s)
		from, ok1 := m.Str("fromType")
		to, ok2 := m.Str("toType")
		path, _ := m.Str("fieldPath")
		if !ok1 || !ok2 {
			s.Fail("a type change without types")
		}
		out = append(out, TypeChange{from, to, path})
	}
	if s.Err() != nil {
		return nil, &ParseError{Column: f.Name, Reason: "its type changes: " + s.Err().Error()}
	}
	return out, nil
}
