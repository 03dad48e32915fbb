package parser

import (
	"regexp"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	ast "github.com/dolthub/vitess/go/vt/sqlparser"
	goerrors "gopkg.in/src-d/go-errors.v1"
)

// UnknownColumnError says that no table of a query has a column.
type UnknownColumnError struct{ Column, Clause string }

func (e *UnknownColumnError) Error() string {
	return "Unknown column '" + e.Column + "' in '" + e.Clause + "'"
}

// AmbiguousColumnError says that several tables of a query have a column of a name without a table.
type AmbiguousColumnError struct{ Column, Clause string }

func (e *AmbiguousColumnError) Error() string {
	return "Column '" + e.Column + "' in " + e.Clause + " is ambiguous"
}

var bindErrors = []struct {
	kind      *goerrors.Kind
	name      *regexp.Regexp
	ambiguous bool
	table     bool // the name is that of a table which is not in FROM
}{
	{sql.ErrColumnNotFound, regexp.MustCompile(`^column "(.*)" could not be found in any table in scope$`), false, false},
	{sql.ErrTableColumnNotFound, regexp.MustCompile(`^table ".*" does not have column "(.*)"$`), false, false},
	{sql.ErrAmbiguousColumnName, regexp.MustCompile(`^ambiguous column name "(.*?)".*$`), true, false},
	{sql.ErrTableNotFound, regexp.MustCompile(`^table not found: ([^,]*)`), false, true},
}

// WithClause returns err, an error of the statement at the start of query, with the clause that a column was not found
// in: the host does not say. The first clause in the order of binding that has the name is the one.
func WithClause(err error, query string, opts ast.ParserOptions) error {
	for _, b := range bindErrors {
		if !b.kind.Is(err) {
			continue
		}
		m := b.name.FindStringSubmatch(err.Error())
		if m == nil {
			return err
		}
		st, _, _, perr := (&Parser{}).parse(query, true, opts)
		if perr != nil {
			return err
		}
		if set, ok := st.(*ast.Set); ok && sets(set, m[1]) {
			return sql.ErrUnknownSystemVariable.New(m[1])
		}
		f := finder{name: strings.ToLower(m[1]), table: b.table}
		if f.statement(st); f.clause == "" && !b.ambiguous {
			f.anyTable = true
			f.statement(st)
		}
		switch {
		case f.clause == "" || b.table && f.known:
			return err
		case f.star:
			return sql.ErrUnknownTable.New(m[1])
		case b.ambiguous:
			return &AmbiguousColumnError{m[1], f.clause}
		}
		return &UnknownColumnError{f.written, f.clause}
	}
	return err
}

// sets reports whether SET names a variable so.
func sets(st *ast.Set, name string) bool {
	for _, e := range st.Exprs {
		if strings.EqualFold(e.Name.String(), name) {
			return true
		}
	}
	return false
}

// finder looks for the clause of a name.
type finder struct {
	name            string // in lower case, with or without its table
	table           bool   // it is a table's
	anyTable        bool   // a name with another table, or none, is meant as well
	clause, written string
	star            bool // of the table, not a column
	aliased         bool // a FROM clause has it as an alias
	known           bool // a FROM clause names the table, which may be what is missing
}

func (f *finder) statement(st ast.SQLNode) {
	switch s := st.(type) {
	case ast.InjectedStatement:
		for _, c := range s.Children {
			f.look(c, "field list")
		}
	default:
		f.look(st, "field list")
	}
}

// query visits the clauses of a SELECT in the order in which the host binds them.
func (f *finder) query(s *ast.Select) {
	for _, t := range s.From {
		f.look(t, "on clause")
	}
	if s.Where != nil {
		f.look(s.Where.Expr, "where clause")
	}
	f.look(s.SelectExprs, "field list")
	f.look(s.OrderBy, "order clause")
	if s.Having != nil {
		f.look(s.Having.Expr, "having clause")
	}
	f.look(s.GroupBy, "group statement")
	if f.aliased && s.Having != nil { // only there are columns of a table out of scope
		f.clause = ""
		f.look(s.Having.Expr, "having clause")
	}
}

func (f *finder) look(n ast.SQLNode, clause string) {
	_ = ast.Walk(func(n ast.SQLNode) (bool, error) { // it fails with what the visitor fails with
		switch n := n.(type) {
		case *ast.Select:
			f.query(n)
			return false, nil
		case *ast.SetOp:
			f.look(n.Left, clause)
			f.look(n.Right, clause)
			f.look(n.OrderBy, "order clause")
			return false, nil
		case *ast.AliasedTableExpr:
			name, _ := n.Expr.(ast.TableName)
			f.known = f.known || f.table && n.As.IsEmpty() && strings.EqualFold(name.Name.String(), f.name)
			f.aliased = f.aliased || f.table && strings.EqualFold(n.As.String(), f.name)
		case *ast.StarExpr:
			if f.table && f.clause == "" && strings.EqualFold(n.TableName.Name.String(), f.name) {
				f.clause, f.star = clause, true
			}
		case ast.InjectedExpr:
			if b, ok := n.Expression.(*Bound); ok {
				f.look(n.Children, b.clause)
				return false, nil
			}
		case *ast.ColName:
			if f.clause == "" && f.matches(n) {
				f.clause, f.written = clause, written(n)
			}
		}
		return true, nil
	}, n)
}

func (f *finder) matches(n *ast.ColName) bool {
	if f.table {
		return strings.EqualFold(n.Qualifier.Name.String(), f.name)
	}
	return strings.ToLower(written(n)) == f.name || f.anyTable && n.Name.Lowered() == f.name
}

// written is the name with its table, as the statement has it.
func written(n *ast.ColName) string {
	if t := n.Qualifier.Name.String(); t != "" {
		return t + "." + n.Name.String()
	}
	return n.Name.String()
}
