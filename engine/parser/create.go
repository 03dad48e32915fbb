package parser

import (
	"slices"
	"strings"

	ast "github.com/dolthub/vitess/go/vt/sqlparser"
)

// creator compiles CREATE TABLE.
type creator struct {
	cursor
	s     *CreateTable
	query ast.SelectStatement
}

func (c *compiler) createTable() (*compiled, error) {
	r := &creator{cursor: cursor{c, 1}, s: &CreateTable{Properties: map[string]string{}}}
	r.s.OrReplace = r.accept("or", "replace")
	r.s.Temporary = r.accept("temporary")
	r.accept("external")
	if !r.accept("table") {
		return nil, nil
	}
	r.s.IfNotExists = r.accept("if", "not", "exists")
	var err error
	if r.s.Table, err = r.table(); err != nil {
		return nil, err
	}
	if err := r.body(); err != nil {
		return nil, err
	}
	if !r.atEnd() {
		return nil, r.fail("CREATE TABLE does not take this")
	}
	if err := r.finish(); err != nil {
		return nil, err
	}
	kind := ast.AuthType_CREATE
	if r.s.Temporary {
		kind = ast.AuthType_CREATE_TEMP
	}
	out := &compiled{stmt: r.s, auth: []ast.AuthInformation{authOf(kind, r.s.Table)}}
	if r.s.OrReplace {
		out.auth = append(out.auth, authOf(ast.AuthType_DROP, r.s.Table))
	}
	if r.s.Location != "" { // or a name in one's own database would open every table
		place := TableName{Database: "delta", Name: r.s.Location}
		out.auth = append(out.auth, authOf(ast.AuthType_CREATE, place), authOf(ast.AuthType_SELECT, place))
	}
	if r.s.Like != nil {
		out.auth = append(out.auth, authOf(ast.AuthType_SELECT, *r.s.Like))
	}
	if r.query != nil {
		r.s.AsSelect = true
		out.auth = append(out.auth, authOf(ast.AuthType_INSERT, r.s.Table))
		out.children = []child{{query: r.query}}
	}
	return out, nil
}

// body reads what follows the name.
func (r *creator) body() error {
	switch {
	case r.accept("like"):
		return r.like()
	case r.punct(r.i, '(') && r.is(r.i+1, "like"):
		r.i += 2
		if err := r.like(); err != nil {
			return err
		}
		return r.expect(')')
	case r.punct(r.i, '(') && !r.is(r.i+1, "select", "with"):
		from, to, err := r.parens()
		if err != nil {
			return err
		}
		after := r.i
		if err := r.elements(from, to); err != nil {
			return err
		}
		r.i = after
	}
	if err := r.options(); err != nil {
		return err
	}
	_ = r.accept("ignore") || r.accept("replace")
	if r.accept("as") || r.is(r.i, "select", "with") || r.punct(r.i, '(') {
		return r.asSelect()
	}
	return nil
}

func (r *creator) like() error {
	t, err := r.table()
	r.s.Like = &t
	return err
}

func (r *creator) asSelect() error {
	end := len(r.toks) - 1
	q, err := r.parseSelect(r.fragment(r.i, end))
	r.query, r.i = q, end
	return err
}

// elements reads the columns and constraints between the parentheses.
func (r *creator) elements(from, to int) error {
	for r.i = from; ; {
		if err := r.element(); err != nil {
			return err
		}
		if r.i == to {
			return nil
		}
		if r.i > to || !r.acceptPunct(',') {
			return r.fail("a column definition does not take this")
		}
	}
}

func (r *creator) element() error {
	start, name := r.i, ""
	named := r.accept("constraint")
	if named && r.isName(r.i) && !r.is(r.i, "primary", "check", "unique", "foreign") {
		name, _ = r.ident()
	}
	switch {
	case r.accept("primary", "key"):
		if r.accept("using") {
			r.i++
		}
		if r.isName(r.i) { // a name, which says nothing
			r.i++
		}
		open := r.i
		keys, err := r.names()
		if err == nil && r.s.PrimaryKey != nil {
			return &MultipleKeyError{}
		}
		for i := open + 1; i < r.i-1; i++ {
			if r.punct(i, '(') {
				return &UnsupportedError{"PRIMARY KEY of a part of a column"}
			}
		}
		for i, k := range keys {
			if slices.ContainsFunc(keys[:i], func(o string) bool { return strings.EqualFold(o, k) }) {
				return &DuplicateColumnError{k}
			}
		}
		r.s.PrimaryKey = keys
		r.enforcement()
		return err
	case r.is(r.i, "check") && r.punct(r.i+1, '('):
		var err error
		r.s.Checks, err = r.check(r.s.Checks, name)
		return err
	case named, r.is(r.i, "unique", "fulltext", "spatial", "foreign") && !r.isType(r.i+1):
		return &UnsupportedError{strings.ToUpper(r.text(r.i)) + " constraints and indexes"}
	case r.is(r.i, "index", "key") && !r.isType(r.i+1): // only speed, which statistics give here
		for r.i++; !r.atEnd() && !r.punct(r.i, '('); r.i++ {
		}
		_, err := r.names()
		for !r.atEnd() && !r.punct(r.i, ',') && !r.punct(r.i, ')') {
			r.i++
		}
		return err
	}
	r.i = start
	col, err := r.column()
	r.s.Columns = append(r.s.Columns, col)
	return err
}

// isType reports whether token i is a type, so that what stands before, though a keyword of MySQL, is a column's
// name (key STRING), rather than an index's name (KEY date (date)).
func (r *cursor) isType(i int) bool {
	return r.at(i).kind == kindWord && deltaTypes[strings.ToLower(r.text(i))] != "" && !(r.punct(i+1, '(') && r.isName(i+2))
}

func (r *creator) column() (ColumnDef, error) {
	def, extra, err := r.columnDef()
	if extra.primary {
		if r.s.PrimaryKey != nil {
			return def, &MultipleKeyError{}
		}
		r.s.PrimaryKey = []string{def.Name}
	}
	r.s.Checks = append(r.s.Checks, extra.checks...)
	return def, err
}

// columnExtra is what a column's definition says of the table.
type columnExtra struct {
	primary bool
	checks  []Check
}

// columnDef reads name type attribute….
func (r *cursor) columnDef() (ColumnDef, columnExtra, error) {
	var extra columnExtra
	name, err := r.ident()
	if err != nil {
		return ColumnDef{}, extra, err
	}
	if name == "" || strings.HasSuffix(name, " ") {
		return ColumnDef{}, extra, &ColumnNameError{name}
	}
	def := ColumnDef{Name: name}
	r.acceptPunct(':')
	if def.Type, err = r.dataType(0); err != nil {
		return def, extra, err
	}
	for {
		more, err := r.attribute(&def, &extra)
		if err != nil || !more {
			return def, extra, err
		}
	}
}

// attribute reads one attribute of a column; more is false if none follows.
func (r *cursor) attribute(def *ColumnDef, extra *columnExtra) (more bool, err error) {
	switch {
	case r.accept("not", "null"):
		def.NotNull = true
	case r.accept("null"):
		def.NotNull = false
	case r.accept("default"):
		def.Default, err = r.defaultText()
	case r.accept("auto_increment"), r.accept("generated", "always", "as", "identity"), r.accept("generated", "by", "default", "as", "identity"):
		def.Identity = true
		if r.punct(r.i, '(') {
			_, _, err = r.parens()
		}
	case r.accept("generated", "always", "as"), r.is(r.i, "as") && r.punct(r.i+1, '(') && r.accept("as"):
		def.Generated, err = r.parenText()
		_ = r.accept("stored") || r.accept("virtual")
	case r.accept("primary", "key"), r.accept("primary"), r.accept("key"):
		extra.primary, def.NotNull = true, true
	case r.accept("comment"):
		def.Comment, err = r.str()
	case r.is(r.i, "check") && r.punct(r.i+1, '('):
		extra.checks, err = r.check(extra.checks, "")
	case r.is(r.i, "constraint") && r.isName(r.i+1) && r.is(r.i+2, "check"):
		name := r.name(r.i + 1)
		r.i += 2
		extra.checks, err = r.check(extra.checks, name)
	case r.accept("collate"):
		def.Type.Collate = r.text(r.i)
		r.i++
	case r.accept("character", "set"), r.accept("charset"), r.accept("column_format"), r.accept("storage"):
		r.i++
	case r.is(r.i, "unique", "references", "on", "invisible", "mask"):
		return false, &UnsupportedError{strings.ToUpper(r.text(r.i)) + " of a column"}
	default:
		return false, nil
	}
	return err == nil, err
}

// check reads CHECK (condition) [[NOT] ENFORCED] and appends it to list if it is enforced.
func (r *cursor) check(list []Check, name string) ([]Check, error) {
	r.i++
	text, err := r.parenText()
	if err == nil && r.enforcement() {
		text, err = shared(text, r.opts.AnsiQuotes)
		list = append(list, Check{Name: name, Expr: text})
	}
	return list, err
}

// enforcement reads [NOT] ENFORCED and [NO]RELY; it reports whether a constraint is enforced.
func (r *cursor) enforcement() bool {
	enforced := !r.accept("not", "enforced")
	_ = r.accept("enforced") || r.accept("rely") || r.accept("norely")
	return enforced
}

func (r *cursor) parenText() (string, error) {
	from, to, err := r.parens()
	if err != nil {
		return "", err
	}
	return r.exprText(from, to)
}

// nowWords are the names of the time at which a statement begins.
var nowWords = []string{"current_timestamp", "now", "localtime", "localtimestamp"}

// defaultText reads a constant or CURRENT_TIMESTAMP and returns it as Delta keeps it: SQL that Spark reads, too.
func (r *cursor) defaultText() (string, error) {
	if r.punct(r.i, '(') {
		from, to, err := r.parens()
		if err != nil {
			return "", err
		}
		inner := cursor{r.compiler, from}
		text, err := inner.defaultText()
		if err == nil && inner.i != to {
			err = errDefault
		}
		return text, err
	}
	from := r.i
	if r.punct(r.i, '-') || r.punct(r.i, '+') {
		r.i++
	}
	t := r.at(r.i)
	r.i++
	switch {
	case t.kind == kindNumber && (r.src[t.start]|0x20 == 'x' || !strings.ContainsAny(r.src[t.start:t.end], "xXbB")):
	case r.i-1 != from:
		return "", errDefault
	case t.kind == kindString:
		return quoteText(unquote(r.text(from))), nil
	case r.is(from, "date", "timestamp", "x", "_utf8mb4", "_utf8", "_latin1", "_binary") && r.at(r.i).kind == kindString:
		r.i++
		if strings.HasPrefix(r.text(from), "_") {
			return quoteText(unquote(r.text(r.i - 1))), nil
		}
		return strings.ToUpper(r.text(from)) + " " + quoteText(unquote(r.text(r.i-1))), nil
	case r.is(from, "null", "true", "false"):
		return strings.ToUpper(r.text(from)), nil
	case r.is(from, nowWords...), r.is(from, "current_date", "curdate"):
		if r.punct(r.i, '(') {
			if _, _, err := r.parens(); err != nil {
				return "", err
			}
		}
		if r.is(from, "current_date", "curdate") {
			return "current_date()", nil
		}
		return "current_timestamp()", nil
	default:
		return "", errDefault
	}
	return r.src[r.at(from).start:r.at(r.i-1).end], nil
}

var errDefault = &UnsupportedError{"DEFAULT of an expression; use a constant or CURRENT_TIMESTAMP"}

// quoteText writes a string as a literal that MySQL and Spark read alike.
func quoteText(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\x00", `\0`).Replace(s) + "'"
}

// ignoredOptions are table options of MySQL that say nothing about a Delta table.
var ignoredOptions = []string{"engine", "charset", "auto_increment", "row_format", "avg_row_length", "checksum", "delay_key_write",
	"key_block_size", "max_rows", "min_rows", "pack_keys", "stats_auto_recalc", "stats_persistent", "stats_sample_pages", "compression",
	"encryption", "insert_method", "tablespace", "autoextend_size"}

// options reads what follows the columns, MySQL's options and Spark's, in any order.
func (r *creator) options() (err error) {
	for err == nil {
		switch {
		case r.acceptPunct(','):
		case r.accept("using"):
			if !r.is(r.i, "delta") {
				return &UnsupportedError{"tables of format " + r.text(r.i)}
			}
			r.i++
		case r.accept("partitioned", "by"):
			err = r.partitionedBy()
		case r.accept("cluster", "by"):
			r.s.ClusterBy, err = r.names()
		case r.accept("location"):
			r.s.Location, err = r.str()
		case r.accept("comment"):
			r.acceptPunct('=')
			r.s.Comment, err = r.str()
		case r.accept("tblproperties"):
			r.s.Properties, _, err = r.properties(true)
		case r.accept("default", "character", "set"), r.accept("character", "set"), r.accept("default", "charset"):
			r.acceptPunct('=')
			r.i++
		case r.accept("default", "collate"), r.accept("collate"):
			r.acceptPunct('=')
			r.s.Collate = r.text(r.i)
			r.i++
		case r.is(r.i, ignoredOptions...):
			r.i++
			r.acceptPunct('=')
			r.i++
		case r.is(r.i, "partition", "options", "shallow", "deep"):
			return &UnsupportedError{strings.ToUpper(r.text(r.i)) + " in CREATE TABLE"}
		default:
			return nil
		}
	}
	return err
}

// partitionedBy reads (name [type], …); a name with a type is a further column.
func (r *creator) partitionedBy() error {
	from, to, err := r.parens()
	if err != nil {
		return err
	}
	after := r.i
	defer func() { r.i = after }()
	return r.list(from, to, func(from, to int) error {
		r.i = from
		name, err := r.ident()
		if err != nil {
			return err
		}
		if r.i < to {
			if r.punct(r.i, '(') {
				return &UnsupportedError{"PARTITIONED BY an expression; add a generated column"}
			}
			r.i = from
			col, err := r.column()
			if err != nil {
				return err
			}
			if r.i != to {
				return r.fail("a column definition does not take this")
			}
			r.s.Columns = append(r.s.Columns, col)
		}
		r.s.PartitionedBy = append(r.s.PartitionedBy, name)
		return nil
	})
}

// finish applies the key to the columns and checks that names are known and used once.
func (r *creator) finish() error {
	if r.s.Columns == nil {
		if r.s.Like == nil && r.query == nil && r.s.Location == "" {
			return &NoColumnsError{}
		}
		return nil
	}
	find := func(name string) int {
		return slices.IndexFunc(r.s.Columns, func(c ColumnDef) bool { return strings.EqualFold(c.Name, name) })
	}
	for i, c := range r.s.Columns {
		if find(c.Name) != i {
			return &DuplicateColumnError{Column: c.Name}
		}
	}
	for _, names := range [][]string{r.s.PrimaryKey, r.s.PartitionedBy, r.s.ClusterBy} {
		for k, name := range names {
			i := find(name)
			if i < 0 {
				if r.query != nil { // a column of the SELECT
					continue
				}
				return &MissingColumnError{Column: name, Table: r.s.Table.Name}
			}
			names[k] = r.s.Columns[i].Name
		}
	}
	for _, name := range r.s.PrimaryKey {
		if i := find(name); i >= 0 {
			r.s.Columns[i].NotNull = true
		}
	}
	return nil
}

// ColumnNameError says that a column's name is empty or ends in a blank. MySQL calls it 1166 (42000).
type ColumnNameError struct{ Column string }

func (e *ColumnNameError) Error() string { return "Incorrect column name '" + e.Column + "'" }

// NoColumnsError says that a table would have no columns, or that a result has none, since a table of another engine has none.
type NoColumnsError struct{}

func (e *NoColumnsError) Error() string {
	return "A table must have at least 1 column, and so must a result; other engines write tables without columns, of which only DESCRIBE and count(*) show something"
}

// DuplicateColumnError says that a table's definition names a column twice. MySQL calls it 1060 (42S21).
type DuplicateColumnError struct{ Column string }

func (e *DuplicateColumnError) Error() string { return "Duplicate column name '" + e.Column + "'" }

// MultipleKeyError says that CREATE TABLE declares two primary keys.
type MultipleKeyError struct{}

func (e *MultipleKeyError) Error() string { return "Multiple primary key defined" }

// MissingColumnError says that a key or partitioning names a column that the table has not. MySQL calls it 1072 (42000).
type MissingColumnError struct{ Column, Table string }

func (e *MissingColumnError) Error() string {
	return "Key column '" + e.Column + "' doesn't exist in table " + e.Table
}
