package parser

import (
	"strings"

	ast "github.com/dolthub/vitess/go/vt/sqlparser"
)

func (c *compiler) truncate() (*compiled, error) {
	r := cursor{c, 1}
	r.accept("table")
	t, err := r.table()
	if err != nil {
		return nil, err
	}
	if !r.atEnd() {
		return nil, r.fail("nothing follows TRUNCATE TABLE")
	}
	return &compiled{stmt: &Truncate{Table: t}, auth: []ast.AuthInformation{authOf(ast.AuthType_DROP, t)}}, nil
}

func (c *compiler) dropTable() (*compiled, error) {
	r := cursor{c, 1}
	r.accept("temporary")
	view := r.accept("view")
	if !view && !r.accept("table") {
		return nil, nil
	}
	s := &DropTable{View: view, IfExists: r.accept("if", "exists")}
	out := &compiled{stmt: s}
	for {
		t, err := r.table()
		if err != nil {
			return nil, err
		}
		s.Tables = append(s.Tables, t)
		out.auth = append(out.auth, authOf(ast.AuthType_DROP, t))
		if !r.acceptPunct(',') {
			break
		}
	}
	_ = r.accept("restrict") || r.accept("cascade") || r.accept("purge")
	if !r.atEnd() {
		return nil, r.fail("nothing follows the names of %s", s.Verb())
	}
	return out, nil
}

func (c *compiler) renameTables() (*compiled, error) {
	r := cursor{c, 2}
	s := &RenameTables{}
	out := &compiled{stmt: s}
	for {
		from, err := r.table()
		if err != nil {
			return nil, err
		}
		if !r.accept("to") {
			return nil, r.fail("RENAME TABLE a TO b")
		}
		to, err := r.table()
		if err != nil {
			return nil, err
		}
		s.From, s.To = append(s.From, from), append(s.To, to)
		out.auth = append(out.auth, authOf(ast.AuthType_ALTER, from), authOf(ast.AuthType_DROP, from), authOf(ast.AuthType_CREATE, to), authOf(ast.AuthType_INSERT, to))
		if !r.acceptPunct(',') {
			break
		}
	}
	if !r.atEnd() {
		return nil, r.fail("nothing follows the tables of RENAME TABLE")
	}
	return out, nil
}

// alterer compiles ALTER TABLE.
type alterer struct {
	cursor
	s *AlterTable
}

func (c *compiler) alterTable() (*compiled, error) {
	r := &alterer{cursor{c, 2}, &AlterTable{}}
	var err error
	if r.s.Table, err = r.table(); err != nil {
		return nil, err
	}
	for {
		if err := r.action(); err != nil {
			return nil, err
		}
		if r.s.Unsupported != "" {
			return nil, &UnsupportedError{"ALTER TABLE … " + r.s.Unsupported}
		}
		if !r.acceptPunct(',') {
			break
		}
	}
	if !r.atEnd() {
		return nil, r.fail("ALTER TABLE does not take this")
	}
	out := &compiled{stmt: r.s, auth: []ast.AuthInformation{authOf(ast.AuthType_ALTER, r.s.Table)}}
	if to := r.s.RenameTo; to != nil {
		named := *to
		if named.Database == "" {
			named.Database = r.s.Table.Database
		}
		out.auth = append(out.auth, authOf(ast.AuthType_DROP, r.s.Table), authOf(ast.AuthType_CREATE, named))
	}
	return out, nil
}

func (r *alterer) action() (err error) {
	switch {
	case r.accept("add"):
		return r.add()
	case r.accept("drop"):
		return r.drop()
	case r.accept("rename"):
		return r.rename()
	case r.accept("change"):
		return r.change(true)
	case r.accept("modify"):
		return r.change(false)
	case r.accept("alter"):
		return r.alterColumn()
	case r.accept("set", "tblproperties"):
		r.s.SetProperties, _, err = r.properties(true)
	case r.accept("unset", "tblproperties"):
		r.s.UnsetIfExists = r.accept("if", "exists")
		_, r.s.UnsetProperties, err = r.properties(false)
	case r.accept("comment"):
		r.acceptPunct('=')
		var text string
		text, err = r.str()
		r.s.SetComment = &text
	case r.accept("disable", "keys"), r.accept("enable", "keys"): // of mysqldump
	case r.isName(r.i):
		r.s.Unsupported = strings.ToUpper(r.text(r.i))
		if r.at(r.i+1).kind == kindWord {
			r.s.Unsupported += " " + strings.ToUpper(r.text(r.i+1))
		}
	default:
		return r.fail("ALTER TABLE needs an action")
	}
	return err
}

func (r *alterer) add() error {
	switch {
	case r.accept("columns"), r.accept("column"):
		return r.addColumns()
	case r.is(r.i, "constraint"), r.is(r.i, "check") && r.punct(r.i+1, '('), r.is(r.i, "primary") && r.is(r.i+1, "key"):
		return r.addConstraint()
	case r.is(r.i, "index", "key") && !r.isType(r.i+1):
		r.i++
		return r.index()
	case r.is(r.i, "unique", "foreign", "fulltext", "spatial", "partition") && !r.isType(r.i+1):
		r.s.Unsupported = "ADD " + strings.ToUpper(r.text(r.i))
		return nil
	}
	return r.addColumns()
}

// index reads [name] [USING type] (column, …) and what follows up to the next action.
func (r *alterer) index() error {
	var at Index
	if r.isName(r.i) && !r.is(r.i, "using") {
		at.Name = r.name(r.i)
		r.i++
	}
	if r.accept("using") {
		r.i++
	}
	var err error
	if at.Columns, err = r.names(); err != nil {
		return err
	}
	for !r.atEnd() && !r.punct(r.i, ',') {
		r.i++
	}
	r.s.Indexes = append(r.s.Indexes, at)
	return nil
}

// createIndex compiles CREATE INDEX [IF NOT EXISTS] name [USING type] ON t (column, …) …, which is ALTER TABLE t ADD INDEX.
func (c *compiler) createIndex() (*compiled, error) {
	r := &alterer{cursor{c, 2}, &AlterTable{}}
	r.accept("if", "not", "exists")
	name, err := r.ident()
	if err != nil {
		return nil, err
	}
	if r.accept("using") {
		r.i++
	}
	if !r.accept("on") {
		return nil, r.fail("CREATE INDEX name ON table (columns)")
	}
	if r.s.Table, err = r.table(); err != nil {
		return nil, err
	}
	if !r.punct(r.i, '(') {
		return nil, r.fail("the columns of the index are missing")
	}
	if err := r.index(); err != nil {
		return nil, err
	}
	if !r.atEnd() {
		return nil, r.fail("nothing follows the options of CREATE INDEX")
	}
	r.s.Indexes[0].Name = name
	return &compiled{stmt: r.s, auth: []ast.AuthInformation{authOf(ast.AuthType_ALTER, r.s.Table)}}, nil
}

func (r *alterer) drop() error {
	switch {
	case r.accept("constraint"), r.accept("check"):
		r.s.DropIfExists = r.accept("if", "exists") || r.s.DropIfExists
		name, err := r.ident()
		r.s.DropConstraints = append(r.s.DropConstraints, name)
		_ = r.accept("restrict") || r.accept("cascade")
		return err
	case r.accept("primary", "key"):
		r.s.DropPrimaryKey = true
		return nil
	case r.is(r.i, "index", "key", "foreign", "partition") && r.at(r.i+1).kind != kindEOF && !r.punct(r.i+1, ','):
		r.s.Unsupported = "DROP " + strings.ToUpper(r.text(r.i))
		return nil
	}
	_ = r.accept("columns") || r.accept("column")
	ifExists := r.accept("if", "exists")
	names := []string(nil)
	if r.punct(r.i, '(') {
		var err error
		if names, err = r.names(); err != nil {
			return err
		}
	} else {
		name, err := r.ident()
		if err != nil {
			return err
		}
		names = append(names, name)
	}
	for _, n := range names {
		r.s.Columns = append(r.s.Columns, ColumnChange{Name: n, Drop: true, IfExists: ifExists})
	}
	_ = r.accept("restrict") || r.accept("cascade")
	return nil
}

func (r *alterer) rename() error {
	if !r.accept("column") {
		_ = r.accept("to") || r.accept("as")
		t, err := r.table()
		r.s.RenameTo = &t
		return err
	}
	from, err := r.ident()
	if err != nil {
		return err
	}
	if !r.accept("to") {
		return r.fail("RENAME COLUMN a TO b")
	}
	to, err := r.ident()
	r.s.Columns = append(r.s.Columns, ColumnChange{Name: from, Rename: to})
	return err
}

// change reads CHANGE [COLUMN] old name type … or MODIFY [COLUMN] name type ….
func (r *alterer) change(named bool) error {
	r.accept("column")
	c := ColumnChange{}
	if named {
		old, err := r.ident()
		if err != nil {
			return err
		}
		c.Name = old
	}
	def, extra, err := r.columnDef()
	switch {
	case err != nil:
		return err
	case extra.primary:
		return &UnsupportedError{"PRIMARY KEY of a column that exists; use ADD PRIMARY KEY"}
	case !named:
		c.Name = def.Name
	case def.Name != c.Name:
		c.Rename = def.Name
	}
	c.Def = &def
	r.s.AddChecks = append(r.s.AddChecks, extra.checks...)
	err = r.place(&c.First, &c.After)
	r.s.Columns = append(r.s.Columns, c)
	return err
}

// place reads FIRST or AFTER a column.
func (r *alterer) place(first *bool, after *string) (err error) {
	switch {
	case r.accept("first"):
		*first = true
	case r.accept("after"):
		*after, err = r.ident()
	}
	return err
}

// alterColumn reads ALTER [COLUMN] c and what is to happen with it.
func (r *alterer) alterColumn() error {
	if r.is(r.i, "index", "check", "constraint") && r.isName(r.i+1) && !r.is(r.i+1, "set", "drop", "type", "comment", "first", "after") {
		r.s.Unsupported = "ALTER " + strings.ToUpper(r.text(r.i))
		return nil
	}
	r.accept("column")
	name, err := r.ident()
	if err != nil {
		return err
	}
	c := ColumnChange{Name: name}
	yes, no := true, false
	switch {
	case r.accept("set", "default"):
		var text string
		text, err = r.defaultText()
		c.Default = &text
	case r.accept("drop", "default"):
		c.Default = new(string)
	case r.accept("set", "not", "null"):
		c.NotNull = &yes
	case r.accept("drop", "not", "null"):
		c.NotNull = &no
	case r.accept("comment"):
		var text string
		text, err = r.str()
		c.Comment = &text
	case r.accept("type"), r.accept("set", "data", "type"):
		var t DataType
		t, err = r.dataType(0)
		c.Type = &t
	case r.is(r.i, "first", "after"):
		err = r.place(&c.First, &c.After)
	default:
		r.s.Unsupported = "ALTER COLUMN " + strings.ToUpper(r.text(r.i))
	}
	r.s.Columns = append(r.s.Columns, c)
	return err
}

// addColumns reads one column, or several between parentheses.
func (r *alterer) addColumns() error {
	r.s.IfNotExists = r.accept("if", "not", "exists") || r.s.IfNotExists
	if !r.punct(r.i, '(') {
		return r.addColumn()
	}
	from, to, err := r.parens()
	if err != nil {
		return err
	}
	after := r.i
	for r.i = from; ; {
		if err := r.addColumn(); err != nil {
			return err
		}
		if r.i == to {
			r.i = after
			return nil
		}
		if r.i > to || !r.acceptPunct(',') {
			return r.fail("a column definition does not take this")
		}
	}
}

func (r *alterer) addColumn() error {
	def, extra, err := r.columnDef()
	if err != nil {
		return err
	}
	if extra.primary {
		return &UnsupportedError{"adding a PRIMARY KEY to a table"}
	}
	r.s.AddChecks = append(r.s.AddChecks, extra.checks...)
	if err := r.place(&def.First, &def.After); err != nil {
		return err
	}
	r.s.AddColumns = append(r.s.AddColumns, def)
	return nil
}

func (r *alterer) addConstraint() (err error) {
	name := ""
	if r.accept("constraint") && r.isName(r.i) && !(r.is(r.i, "check") && r.punct(r.i+1, '(')) && !(r.is(r.i, "primary") && r.is(r.i+1, "key")) {
		name, _ = r.ident()
	}
	switch {
	case r.accept("primary", "key"):
		r.s.AddPrimaryKey, err = r.names()
		r.enforcement()
	case r.is(r.i, "check"):
		r.s.AddChecks, err = r.check(r.s.AddChecks, name)
	default:
		r.s.Unsupported = "ADD CONSTRAINT … " + strings.ToUpper(r.text(r.i))
	}
	return err
}
