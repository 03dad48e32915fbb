package information

import (
	"strings"

	"github.com/featuresql/featuresql/datasource/delta/schema"
)

// A clause that MySQL does not know is shown in a comment of a version that no MySQL has: clients and MySQL pass over
// it, and featuresql reads it.
const (
	OpenClause  = "/*!999999 "
	CloseClause = " */"
)

// shownTypes are MySQL's names of the primitive types.
var shownTypes = map[schema.Name]string{
	schema.Byte: "tinyint", schema.Short: "smallint", schema.Integer: "int", schema.Long: "bigint", schema.Float: "float", schema.Double: "double",
	schema.Boolean: "tinyint(1)", schema.String: "longtext", schema.Binary: "longblob", schema.Date: "date",
	schema.Timestamp: "timestamp(6)", schema.TimestampNTZ: "datetime(6)", schema.Void: "longtext",
}

// TypeText is the type of a column as MySQL writes it: the declared one, while the table's properties hold the
// constraint that says so. A nested type is json.
func TypeText(f *schema.Field, properties map[string]string) string {
	if text, ok := f.Declared(properties); ok {
		return text
	}
	if p, ok := f.Type.(schema.Primitive); ok {
		if name, ok := shownTypes[p.Name]; ok {
			return name
		}
		return p.String()
	}
	return "json"
}

// NestedText is the type of a nested column as Spark writes it; empty for any other.
func NestedText(f *schema.Field) string {
	if _, primitive := f.Type.(schema.Primitive); primitive {
		return ""
	}
	return nestedText(f.Type)
}

func nestedText(t schema.Type) string {
	switch t := t.(type) {
	case *schema.Struct:
		parts := make([]string, len(t.Fields))
		for i := range t.Fields {
			f := &t.Fields[i]
			parts[i] = QuoteName(f.Name) + ": " + nestedText(f.Type)
			if !f.Nullable {
				parts[i] += " NOT NULL"
			}
			if c := f.Comment(); c != "" {
				parts[i] += " COMMENT " + QuoteValue(c)
			}
		}
		return "STRUCT<" + strings.Join(parts, ", ") + ">"
	case *schema.Array:
		return "ARRAY<" + nestedText(t.Element) + ">"
	case *schema.Map:
		return "MAP<" + nestedText(t.Key) + ", " + nestedText(t.Value) + ">"
	}
	return strings.ToUpper(t.String())
}

// DefaultText writes a default as CREATE TABLE takes it.
func DefaultText(text string) string {
	switch strings.ToLower(strings.TrimSuffix(text, "()")) {
	case "current_timestamp", "now":
		return "CURRENT_TIMESTAMP(6)"
	case "current_date":
		return "(CURRENT_DATE)"
	}
	if i := strings.IndexByte(text, '\''); i > 0 && strings.HasSuffix(text, "'") && !strings.EqualFold(text[:i], "x") { // DATE '…'
		text = text[i:]
	}
	return OneLine(strings.NewReplacer(`\\`, `\\`, `\'`, `''`).Replace(text))
}

// ShownDefault is a default as DESCRIBE shows it: text without its quotes. generated says that it is an expression.
func ShownDefault(text string) (shown string, generated bool) {
	shown = DefaultText(text)
	switch shown {
	case "CURRENT_TIMESTAMP(6)":
		return shown, true
	case "(CURRENT_DATE)":
		return "CURRENT_DATE", true
	}
	if len(shown) > 1 && shown[0] == '\'' && shown[len(shown)-1] == '\'' {
		shown = strings.ReplaceAll(shown[1:len(shown)-1], "''", "'")
	}
	return shown, false
}

// QuoteName writes a name in backticks.
func QuoteName(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }

// QuoteNames writes names in backticks with something between them.
func QuoteNames(names []string, between string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = QuoteName(n)
	}
	return strings.Join(quoted, between)
}

// QuoteValue writes a string literal as MySQL's SHOW CREATE TABLE does, on one line.
func QuoteValue(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`, "\n", `\n`, "\r", `\r`, "\x00", `\0`).Replace(s) + "'"
}

// OneLine puts a text on one line.
func OneLine(s string) string { return strings.NewReplacer("\n", " ", "\r", " ").Replace(s) }
