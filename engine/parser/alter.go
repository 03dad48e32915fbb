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
	if !r.accept("table") {
		return nil, nil
	}
	s := &DropTable{IfExists: r.accept("if", "exists")}
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
		return nil, r.fail("nothing follows the tables of DROP TABLE")
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
	return &compiled{stmt: r.s, auth: []ast.AuthInformation{authOf(ast.AuthType_ALTER, r.s.Table)}}, nil
}

func (r *alterer) action() (err error) {
	switch {
	case r.accept("add", "columns"), r.accept("add", "column"):
		return r.addColumns()
	case r.is(r.i, "add") && (r.is(r.i+1, "constraint") || r.is(r.i+1, "check") && r.punct(r.i+2, '(')):
		r.i++
		return r.addConstraint()
	case r.is(r.i, "add") && r.is(r.i+1, "index", "key", "unique", "primary", "foreign", "fulltext", "spatial", "partition") && !r.isType(r.i+2):
		r.s.Unsupported = "ADD " + strings.ToUpper(r.text(r.i+1))
	case r.accept("add"):
		return r.addColumns()
	case r.accept("drop", "constraint"), r.accept("drop", "check"):
		r.s.DropIfExists = r.accept("if", "exists") || r.s.DropIfExists
		name, err := r.ident()
		r.s.DropConstraints = append(r.s.DropConstraints, name)
		_ = r.accept("restrict") || r.accept("cascade")
		return err
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
	switch {
	case r.accept("first"):
		def.First = true
	case r.accept("after"):
		if def.After, err = r.ident(); err != nil {
			return err
		}
	}
	r.s.AddColumns = append(r.s.AddColumns, def)
	return nil
}

func (r *alterer) addConstraint() error {
	name := ""
	if r.accept("constraint") && r.isName(r.i) && !(r.is(r.i, "check") && r.punct(r.i+1, '(')) {
		name, _ = r.ident()
	}
	if !r.is(r.i, "check") {
		r.s.Unsupported = "ADD CONSTRAINT … " + strings.ToUpper(r.text(r.i))
		return nil
	}
	var err error
	r.s.AddChecks, err = r.check(r.s.AddChecks, name)
	return err
}
