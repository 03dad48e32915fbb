package information

import (
	"strconv"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/featuresql/featuresql/engine/accounts"
	"github.com/featuresql/featuresql/engine/catalog"
)

// Column is a column as it is shown.
type Column struct {
	Name      string
	Type      string // in MySQL's words
	Nullable  bool
	Key       string // "PRI" or empty
	Default   any    // text, or nil
	Extra     string
	Comment   string
	Generated string // the expression of a generated column
}

// Columns returns the columns of a table as they were declared.
func Columns(t *catalog.Table) []Column {
	properties := t.Snapshot().Metadata().Configuration
	out := make([]Column, len(t.Schema()))
	for i, c := range t.Schema() {
		f := &t.Snapshot().Schema().Fields[i]
		shown := Column{Name: c.Name, Type: TypeText(f, properties), Nullable: c.Nullable, Comment: c.Comment}
		if c.PrimaryKey {
			shown.Key = "PRI"
		}
		if text, ok := f.Default(); ok {
			value, generated := ShownDefault(text)
			if shown.Default = value; generated {
				shown.Extra = "DEFAULT_GENERATED"
			}
			if strings.EqualFold(value, "NULL") {
				shown.Default = nil
			}
		}
		if text, ok := f.Generation(); ok {
			shown.Extra, shown.Generated = "STORED GENERATED", OneLine(text)
		}
		out[i] = shown
	}
	return out
}

// ColumnsOf are the columns that a statement puts out.
func ColumnsOf(s sql.Schema) []Column {
	out := make([]Column, len(s))
	for i, c := range s {
		text, _, _ := strings.Cut(c.Type.String(), " COLLATE")
		text, _, _ = strings.Cut(text, " CHARACTER SET")
		out[i] = Column{Name: c.Name, Type: text, Nullable: c.Nullable, Comment: c.Comment}
	}
	return out
}

func (r *reader) columns() error {
	if err := r.systemColumns(); err != nil {
		return err
	}
	if err := r.eachOpen(func(db *catalog.Database, t *catalog.Table) {
		r.addColumns(db, t.Name(), Columns(t))
	}); err != nil {
		return err
	}
	return r.eachView(func(db *catalog.Database, v *catalog.View) {
		s, err := r.Schema.columns(r.ctx, db.Name(), v.Name)
		if err == nil { // what it reads may be gone
			r.addColumns(db, v.Name, ColumnsOf(s))
		}
	})
}

func (r *reader) systemColumns() error {
	names, err := r.GetTableNames(r.ctx)
	for _, name := range names {
		t, ok, err := r.Database.GetTableInsensitive(r.ctx, name)
		if err != nil || !ok {
			return err
		}
		for i, c := range ColumnsOf(t.Schema()) {
			r.addColumn(r.Name(), name, i, c, "select")
		}
	}
	return err
}

// columnwise are the privileges that can be had on columns.
var columnwise = []accounts.Privilege{accounts.Insert, accounts.References, accounts.Select, accounts.Update}

// addColumns adds those columns on which the account has a privilege; all, where its privileges are not on columns.
func (r *reader) addColumns(db *catalog.Database, table string, list []Column) {
	at := accounts.Place{Database: db.BaseName(), Table: table}
	limited := false
	for _, p := range columnwise {
		limited = limited || r.access.HasInside(p, at)
	}
	for i, c := range list {
		if names := c.privileges(r.access, at); names != "" || !limited {
			r.addColumn(db.Name(), table, i, c, names)
		}
	}
}

// privileges lists what the account may do with a column of the table at.
func (c *Column) privileges(access *accounts.Access, at accounts.Place) string {
	at.Column = c.Name
	var names []string
	for _, p := range columnwise {
		if access.Has(p, at) {
			names = append(names, strings.ToLower(p.String()))
		}
	}
	return strings.Join(names, ",")
}

// Row is the row of SHOW [FULL] COLUMNS for a column of the table or view at.
func (c *Column) Row(access *accounts.Access, at accounts.Place, full bool) sql.Row {
	nullable := "NO"
	if c.Nullable {
		nullable = "YES"
	}
	if !full {
		return sql.NewRow(c.Name, c.Type, nullable, c.Key, c.Default, c.Extra)
	}
	return sql.NewRow(c.Name, c.Type, measuresOf(c.Type).collation, nullable, c.Key, c.Default, c.Extra, c.privileges(access, at), c.Comment)
}

func (r *reader) addColumn(db, table string, i int, c Column, privileges string) {
	nullable := "NO"
	if c.Nullable {
		nullable = "YES"
	}
	m := measuresOf(c.Type)
	r.add("def", db, table, c.Name, uint32(i+1), c.Default, nullable, m.base, m.chars, m.octets, m.precision, m.scale, m.fraction, m.charset, m.collation,
		c.Type, c.Key, c.Extra, privileges, c.Comment, c.Generated, nil)
}

// measures are the columns data_type to collation_name of information_schema.columns.
type measures struct {
	base                       string
	chars, octets              any
	precision, scale, fraction any
	charset, collation         any
}

var integerDigits = map[string]uint32{"tinyint": 3, "smallint": 5, "mediumint": 7, "int": 10, "bigint": 19}

var textBytes = map[string]int64{"tinytext": 255, "text": 65535, "mediumtext": 1<<24 - 1, "longtext": 1<<32 - 1}

var blobBytes = map[string]int64{"tinyblob": 255, "blob": 65535, "mediumblob": 1<<24 - 1, "longblob": 1<<32 - 1}

// measuresOf reads the text of a type.
func measuresOf(text string) measures {
	m := measures{base: text}
	args := ""
	if i := strings.IndexAny(text, "( "); i > 0 {
		m.base, args = text[:i], text[i:]
	}
	list := strings.Split(strings.Trim(strings.TrimSuffix(args, " unsigned"), "()"), ",")
	first, _ := strconv.ParseInt(strings.TrimSpace(list[0]), 10, 64)
	digits, isInteger := integerDigits[m.base]
	switch {
	case isInteger:
		if m.base == "bigint" && strings.HasSuffix(args, "unsigned") {
			digits = 20
		}
		m.precision, m.scale = digits, uint32(0)
	case m.base == "decimal":
		second, _ := strconv.ParseInt(strings.TrimSpace(list[len(list)-1]), 10, 64)
		m.precision, m.scale = uint32(first), uint32(second)
	case m.base == "float":
		m.precision = uint32(12)
	case m.base == "double":
		m.precision = uint32(22)
	case m.base == "datetime", m.base == "timestamp", m.base == "time":
		m.fraction = uint32(first)
	case m.base == "varbinary", m.base == "binary":
		m.chars, m.octets = first, first
	case blobBytes[m.base] > 0:
		m.chars, m.octets = blobBytes[m.base], blobBytes[m.base]
	default:
		m.text(list, first)
	}
	return m
}

func (m *measures) text(list []string, first int64) {
	switch {
	case textBytes[m.base] > 0:
		m.chars, m.octets = textBytes[m.base], textBytes[m.base]
	case m.base == "varchar", m.base == "char":
		m.chars, m.octets = first, 4*first
	case m.base == "enum", m.base == "set":
		longest := int64(0)
		for _, v := range list {
			longest = max(longest, int64(len([]rune(strings.Trim(v, "'")))))
		}
		m.chars, m.octets = longest, 4*longest
	default:
		return
	}
	m.charset, m.collation = "utf8mb4", TableCollation
}
