package parser

import (
	"slices"
	"strings"

	ast "github.com/dolthub/vitess/go/vt/sqlparser"
)

// merger compiles a MERGE.
type merger struct {
	*compiler
	i     int
	m     *Merge
	exprs ast.SelectExprs
}

// merge compiles the MERGE at token i; what stands before it is a WITH.
func (c *compiler) merge(i int) (*compiled, error) {
	m := &merger{compiler: c, i: i + 1, m: &Merge{}}
	if c.seq(m.i, "with", "schema", "evolution") {
		m.m.SchemaEvolution = true
		m.i += 3
	}
	if !c.is(m.i, "into") {
		return nil, c.errorAt(m.i, "MERGE needs INTO")
	}
	target, err := m.target()
	if err != nil {
		return nil, err
	}
	source, err := m.source()
	if err != nil {
		return nil, err
	}
	if !c.is(m.i, "on") {
		return nil, c.errorAt(m.i, "MERGE needs ON")
	}
	when := func(k int) bool { return c.is(k, "when") }
	end := c.until(m.i+1, when)
	on, err := c.parseExpr(m.i+1, end)
	if err != nil {
		return nil, err
	}
	for m.i = end; c.is(m.i, "when"); {
		if err := m.clause(); err != nil {
			return nil, err
		}
	}
	if c.at(m.i).kind != kindEOF {
		return nil, c.errorAt(m.i, "MERGE clauses begin with WHEN")
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	m.m.Exprs = len(m.exprs)
	query := &ast.Select{SelectExprs: append(ast.SelectExprs{star(m.m.SourceAlias)}, m.exprs...),
		From: ast.TableExprs{&ast.JoinTableExpr{LeftExpr: source, Join: ast.LeftJoinStr, RightExpr: target, Condition: ast.JoinCondition{On: on}}}}
	if i > 0 {
		prefix, err := c.parseSelect(c.fragment(0, i) + " SELECT 1")
		if err != nil {
			return nil, err
		}
		query.With = prefix.(*ast.Select).With
	}
	return &compiled{stmt: m.m, children: []child{{query: query}}, auth: m.auth()}, nil
}

// target reads INTO table [[AS] alias].
func (m *merger) target() (ast.TableExpr, error) {
	table, i, err := m.tableName(m.i + 1)
	if err != nil {
		return nil, err
	}
	m.m.Table, m.m.TargetAlias, m.i = table, table.Name, i
	t := &ast.AliasedTableExpr{Expr: table.ast(), Auth: authOf(ast.AuthType_SELECT, table)}
	if m.is(m.i, "as") {
		m.i++
	}
	if m.isName(m.i) && !m.is(m.i, "using") {
		m.m.TargetAlias = m.name(m.i)
		t.As = ast.NewTableIdent(m.m.TargetAlias)
		m.i++
	}
	if !m.is(m.i, "using") {
		return nil, m.errorAt(m.i, "MERGE INTO a table, the newest version of it, needs USING")
	}
	return t, nil
}

// source reads USING table or subquery, up to ON.
func (m *merger) source() (ast.TableExpr, error) {
	end := m.until(m.i+1, func(k int) bool { return m.is(k, "on") })
	if end == m.i+1 {
		return nil, m.errorAt(end, "MERGE needs a source after USING")
	}
	sel, err := m.parseSelect("SELECT * FROM " + m.fragment(m.i+1, end))
	if err != nil {
		return nil, err
	}
	s, ok := sel.(*ast.Select)
	if !ok || len(s.From) != 1 || s.Where != nil || s.GroupBy != nil || s.OrderBy != nil || s.Limit != nil {
		return nil, m.errorAt(m.i+1, "MERGE takes one source: a table, or a subquery with an alias")
	}
	t, ok := s.From[0].(*ast.AliasedTableExpr)
	if !ok {
		return nil, m.errorAt(m.i+1, "MERGE takes one source; put a join into a subquery with an alias")
	}
	m.m.SourceAlias = t.As.String()
	if name, ok := t.Expr.(ast.TableName); ok && m.m.SourceAlias == "" {
		m.m.SourceAlias = name.Name.String()
	}
	m.i = end
	return t, nil
}

// clause reads WHEN … THEN ….
func (m *merger) clause() error {
	cl := MergeClause{Cond: -1}
	start := m.i
	switch {
	case m.seq(m.i, "when", "matched"):
		m.i += 2
	case m.seq(m.i, "when", "not", "matched", "by", "source"):
		cl.Kind = WhenNotMatchedBySource
		m.i += 5
	case m.seq(m.i, "when", "not", "matched", "by", "target"):
		cl.Kind = WhenNotMatched
		m.i += 5
	case m.seq(m.i, "when", "not", "matched"):
		cl.Kind = WhenNotMatched
		m.i += 3
	default:
		return m.errorAt(m.i, "WHEN is followed by MATCHED or NOT MATCHED")
	}
	if m.is(m.i, "and") {
		end := m.until(m.i+1, func(k int) bool { return m.is(k, "then") })
		at, err := m.expr(m.i+1, end, cl.Kind)
		if err != nil {
			return err
		}
		cl.Cond, m.i = at, end
	}
	if !m.is(m.i, "then") {
		return m.errorAt(m.i, "WHEN needs THEN")
	}
	m.i++
	end := m.until(m.i, func(k int) bool { return m.is(k, "when") })
	if err := m.action(&cl, end); err != nil {
		return err
	}
	if (cl.Kind == WhenNotMatched) != (cl.Action == MergeInsert) {
		return m.errorAt(start, "NOT MATCHED [BY TARGET] goes with INSERT, and the others with UPDATE or DELETE")
	}
	m.i = end
	m.m.Clauses = append(m.m.Clauses, cl)
	return nil
}

func (m *merger) action(cl *MergeClause, end int) error {
	switch {
	case m.is(m.i, "delete"):
		cl.Action = MergeDelete
		m.i++
	case m.seq(m.i, "update", "set") && m.punct(m.i+2, '*'):
		cl.Action, cl.Star = MergeUpdate, true
		m.i += 3
	case m.is(m.i, "update") && m.punct(m.i+1, '*'):
		cl.Action, cl.Star = MergeUpdate, true
		m.i += 2
	case m.seq(m.i, "update", "set"):
		cl.Action = MergeUpdate
		err := m.list(m.i+2, end, func(from, to int) error { return m.set(cl, from, to) })
		m.i = end
		return err
	case m.is(m.i, "insert") && m.punct(m.i+1, '*'):
		cl.Action, cl.Star = MergeInsert, true
		m.i += 2
	case m.is(m.i, "insert"):
		cl.Action = MergeInsert
		return m.insertValues(cl, end)
	default:
		return m.errorAt(m.i, "THEN is followed by UPDATE SET, DELETE or INSERT")
	}
	if cl.Star && cl.Kind == WhenNotMatchedBySource {
		return m.errorAt(m.i, "NOT MATCHED BY SOURCE has no source row for UPDATE SET *")
	}
	if m.i != end {
		return m.errorAt(m.i, "the next clause of MERGE begins with WHEN")
	}
	return nil
}

// set reads column = value.
func (m *merger) set(cl *MergeClause, from, to int) error {
	name, i, err := m.tableName(from)
	if err != nil || !m.punct(i, '=') {
		return m.errorAt(from, "SET needs column = value")
	}
	if name.Database != "" && !strings.EqualFold(name.Database, m.m.TargetAlias) && !strings.EqualFold(name.Database, m.m.Table.Name) {
		return m.errorAt(from, "SET assigns columns of the target, %s", m.m.TargetAlias)
	}
	return m.assign(cl, name.Name, i+1, to)
}

func (m *merger) assign(cl *MergeClause, name string, from, to int) error {
	a := Assignment{Column: name, Expr: -1, Default: true}
	if !(to == from+1 && m.is(from, "default")) {
		at, err := m.expr(from, to, cl.Kind)
		if err != nil {
			return err
		}
		a.Expr, a.Default = at, false
	}
	cl.Assignments = append(cl.Assignments, a)
	return nil
}

// insertValues reads INSERT [(columns)] VALUES (values).
func (m *merger) insertValues(cl *MergeClause, end int) error {
	var names []string
	m.i++
	if m.punct(m.i, '(') {
		closing := m.closing(m.i)
		if closing < 0 {
			return m.errorAt(m.i, "unclosed column list")
		}
		if err := m.list(m.i+1, closing, func(from, to int) error {
			name, next, err := m.tableName(from)
			if err != nil || next != to {
				return m.errorAt(from, "not a column's name")
			}
			names = append(names, name.Name)
			return nil
		}); err != nil {
			return err
		}
		m.i = closing + 1
	}
	if !m.is(m.i, "values") || !m.punct(m.i+1, '(') {
		return m.errorAt(m.i, "INSERT needs VALUES (…)")
	}
	closing := m.closing(m.i + 1)
	if closing < 0 || closing+1 != end {
		return m.errorAt(m.i, "INSERT takes one row of values, and the next clause begins with WHEN")
	}
	if err := m.list(m.i+2, closing, func(from, to int) error {
		name := ""
		if n := len(cl.Assignments); n < len(names) {
			name = names[n]
		}
		return m.assign(cl, name, from, to)
	}); err != nil {
		return err
	}
	if names != nil && len(names) != len(cl.Assignments) {
		return &ColumnCountError{Row: 1}
	}
	m.i = end
	return nil
}

// expr adds an expression to the select list and returns its position.
func (m *merger) expr(from, to int, kind MergeKind) (int, error) {
	e, err := m.parseExpr(from, to)
	if err != nil {
		return 0, err
	}
	owner := ""
	switch kind {
	case WhenNotMatched:
		owner = m.m.SourceAlias
	case WhenNotMatchedBySource:
		owner = m.m.TargetAlias
	case WhenMatched:
	}
	e, err = replaceColumns(e, func(e ast.Expr) ast.Expr {
		if c, ok := e.(*ast.ColName); ok && owner != "" && c.Qualifier.IsEmpty() && !isVariable(c) {
			return column(owner, c.Name.String())
		}
		return e
	})
	if err != nil {
		return 0, err
	}
	m.exprs = append(m.exprs, &ast.AliasedExpr{Expr: e})
	return len(m.exprs) - 1, nil
}

// check applies the rules on clauses as a whole.
func (m *merger) check() error {
	if len(m.m.Clauses) == 0 {
		return m.errorAt(m.i, "MERGE needs a WHEN clause")
	}
	var open [3]bool
	for _, cl := range m.m.Clauses {
		if open[cl.Kind] {
			return &SyntaxError{Reason: "only the last clause of a kind in MERGE may be without a condition"}
		}
		open[cl.Kind] = cl.Cond < 0
	}
	return nil
}

// auth returns the privileges that the clauses need.
func (m *merger) auth() []ast.AuthInformation {
	var out []ast.AuthInformation
	for action, kind := range []string{MergeUpdate: ast.AuthType_UPDATE, MergeDelete: ast.AuthType_DELETE, MergeInsert: ast.AuthType_INSERT} {
		if slices.ContainsFunc(m.m.Clauses, func(cl MergeClause) bool { return cl.Action == MergeAction(action) }) {
			out = append(out, authOf(kind, m.m.Table))
		}
	}
	return out
}
