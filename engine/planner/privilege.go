package planner

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"

	"github.com/featuresql/featuresql/engine/accounts"
	"github.com/featuresql/featuresql/engine/catalog"
	"github.com/featuresql/featuresql/engine/parser"
)

// privilegeRuleID must be unknown to the host.
const privilegeRuleID analyzer.RuleId = 10_002

// privilegeRule checks what the binder could not: privileges on columns, and statements without a table in the grammar.
func (rt *Runtime) privilegeRule(ctx *sql.Context, _ *analyzer.Analyzer, n sql.Node, s *plan.Scope, _ analyzer.RuleSelector, _ *sql.QueryFlags) (sql.Node, transform.TreeIdentity, error) {
	session, err := catalog.SessionOf(ctx)
	if err != nil || s != nil {
		return n, transform.SameTree, nil
	}
	session.Bound()
	access, err := session.Access(ctx)
	if err != nil || access.All() && len(session.DefinerLimits()) == 0 {
		return n, transform.SameTree, err
	}
	c := &privilegeCheck{ctx: ctx, session: session, access: access}
	if err := c.definers(n); err != nil || access.All() {
		return n, transform.SameTree, err
	}
	if err := c.root(n); err != nil {
		return nil, transform.SameTree, err
	}
	if err := c.columns(n); err != nil {
		return nil, transform.SameTree, err
	}
	return n, transform.SameTree, nil
}

// privilegeCheck is the check of one statement.
type privilegeCheck struct {
	ctx     *sql.Context
	session *catalog.Session
	access  *accounts.Access
	tables  map[sql.TableId]accounts.Place
	inside  map[sql.TableId]bool // tables of views and derived tables
}

// root checks statements by their kind.
func (c *privilegeCheck) root(n sql.Node) error {
	switch n := n.(type) {
	case *plan.Kill:
		return c.kill(n)
	case *plan.Use:
		return c.sees(n.Database())
	case *plan.ShowTables:
		return c.sees(n.Database())
	case *plan.ShowTableStatus:
		return c.sees(n.Database())
	case *plan.ShowCreateDatabase:
		return c.sees(n.Database())
	case *plan.Set:
		return c.set(n)
	case *plan.ShowCreateTable:
		return c.shows(n.Child, n.IsView)
	case *plan.ShowColumns:
		return c.shows(n.Child, false)
	case *plan.ShowIndexes:
		return c.shows(n.Child, false)
	}
	return nil
}

func (c *privilegeCheck) sees(db sql.Database) error {
	if db == nil {
		return nil
	}
	return catalog.SeesDatabase(c.ctx, c.access, db.Name())
}

// kill lets everybody end their own statements.
func (c *privilegeCheck) kill(n *plan.Kill) error {
	for _, p := range c.ctx.ProcessList.Processes() {
		if p.Connection == n.ConnID && p.User == c.access.Account.User {
			return nil
		}
	}
	return c.access.Global(accounts.Super)
}

// set keeps variables of the server to those who administer it.
func (c *privilegeCheck) set(n *plan.Set) error {
	for _, e := range n.Exprs {
		f, ok := e.(*expression.SetField)
		if !ok {
			continue
		}
		if v, ok := f.LeftChild.(*expression.SystemVar); ok && v.Scope != nil && v.Scope.IsGlobalOnly() || ok && global(v) {
			return c.access.Global(accounts.Super)
		}
	}
	return nil
}

func global(v *expression.SystemVar) bool {
	scope := strings.ToLower(v.SpecifiedScope)
	return strings.Contains(scope, "global") || strings.Contains(scope, "persist")
}

// shows checks SHOW CREATE TABLE, SHOW COLUMNS and SHOW INDEX.
func (c *privilegeCheck) shows(n sql.Node, isView bool) error {
	at := accounts.Place{}
	switch n := n.(type) {
	case *plan.ResolvedTable:
		at = c.placeOf(n)
	case *plan.SubqueryAlias: // SHOW COLUMNS of a view
		isView = true
	default:
		if named, ok := n.(sql.NameableNode); ok {
			at = c.session.Place(c.ctx, "", named.Name())
		}
	}
	if isView {
		at = c.session.Viewed()
	}
	switch {
	case catalog.IsSystem(at.Database):
		return nil
	case isView:
		if !c.access.Has(accounts.ShowView|accounts.Select, at) {
			return c.access.Missing("SHOW VIEW", at.Table)
		}
	case !c.access.Sees(at):
		return c.access.Missing("SELECT", at.Table)
	}
	return nil
}

func (c *privilegeCheck) placeOf(n *plan.ResolvedTable) accounts.Place {
	db := ""
	if d := n.Database(); d != nil {
		db = d.Name()
	}
	if t, ok := underlying(n.Table).(*catalog.Table); ok {
		return c.session.Place(c.ctx, db, t.Name())
	}
	return c.session.Place(c.ctx, db, n.Name())
}

// columns checks the columns of the tables of which the account may use some only, and what UPDATE and DELETE read.
func (c *privilegeCheck) columns(n sql.Node) error {
	limited := map[accounts.Place]bool{}
	for _, at := range c.session.Limited() {
		limited[lowered(at)] = true
	}
	var stmt parser.Statement
	if s, ok := n.(interface{ parsed() parser.Statement }); ok {
		stmt = s.parsed()
	}
	if e, ok := stmt.(*parser.Explain); ok && e.Inner != nil {
		stmt = e.Inner
	}
	changes := false
	switch s := stmt.(type) {
	case *parser.Update:
		changes = true
		limited[lowered(c.session.Place(c.ctx, s.Table.Database, s.Table.Name))] = true
		for _, a := range s.Assignments {
			if err := c.column(accounts.Update, s.Table, a.Column); err != nil {
				return err
			}
		}
	case *parser.Delete:
		changes = true
		limited[lowered(c.session.Place(c.ctx, s.Table.Database, s.Table.Name))] = true
	case *parser.DescribeHistory, *parser.DescribeDetail, *parser.CheckTables: // which show values of any column: what a DELETE looked for
		if len(limited) > 0 {
			return c.access.Missing("SELECT", stmt.TargetTable().Name)
		}
	case *parser.Insert:
		if err := c.insert(s); err != nil {
			return err
		}
	case *parser.Merge:
		if err := c.merge(s); err != nil {
			return err
		}
	}
	if len(limited) == 0 {
		return nil
	}
	found := map[accounts.Place]bool{}
	if stmt != nil {
		t := stmt.TargetTable()
		found[lowered(c.session.Place(c.ctx, t.Database, t.Name))] = true
	}
	return c.reads(n, limited, found, changes)
}

func lowered(at accounts.Place) accounts.Place {
	return accounts.Place{Database: strings.ToLower(at.Database), Table: strings.ToLower(at.Table)}
}

func (c *privilegeCheck) column(want accounts.Privilege, t parser.TableName, column string) error {
	at := c.session.Place(c.ctx, t.Database, t.Name)
	if column == "" && !c.access.Has(want, at) {
		return c.access.Missing(want.String(), at.Table)
	}
	if at.Column = column; !c.access.Has(want, at) {
		return c.access.MissingColumn(want, column, at.Table)
	}
	return nil
}

func (c *privilegeCheck) insert(s *parser.Insert) error {
	if len(s.Columns) == 0 {
		return c.column(accounts.Insert, s.Table, "")
	}
	for _, name := range s.Columns {
		if err := c.column(accounts.Insert, s.Table, name); err != nil {
			return err
		}
	}
	for _, a := range s.OnDuplicate {
		if err := c.column(accounts.Update, s.Table, a.Column); err != nil {
			return err
		}
	}
	return nil
}

// merge needs the privileges of its clauses on the whole table, but for the columns that SET names.
func (c *privilegeCheck) merge(s *parser.Merge) error {
	for _, clause := range s.Clauses {
		want := accounts.Update
		if clause.Action == parser.MergeInsert {
			want = accounts.Insert
		}
		if clause.Action == parser.MergeDelete {
			continue // no column has it
		}
		if clause.Star || len(clause.Assignments) == 0 {
			if err := c.column(want, s.Table, ""); err != nil {
				return err
			}
		}
		for _, a := range clause.Assignments {
			if err := c.column(want, s.Table, a.Column); err != nil {
				return err
			}
		}
	}
	return nil
}

// reads checks every column that the plan reads of the limited tables. Where the statement changes a table, the first
// columns of its query only carry the rows.
func (c *privilegeCheck) reads(n sql.Node, limited, found map[accounts.Place]bool, changes bool) error {
	fields := c.fields(n, found, changes)
	for at := range limited {
		if !found[at] {
			return c.access.Missing("SELECT", at.Table) // a view: privileges on its columns are not kept
		}
	}
	for _, f := range fields {
		at, ok := c.tables[f.TableId()]
		if !ok || !limited[lowered(at)] {
			continue
		}
		if at.Column = f.Name(); !c.access.Has(accounts.Select, at) {
			return c.access.MissingColumn(accounts.Select, f.Name(), at.Table)
		}
	}
	return nil
}

// definers checks the columns that views read of tables of which their definers may use some only. What the statement reads of such a
// table in a subquery of its own is checked likewise: the plan does not tell the two apart.
func (c *privilegeCheck) definers(n sql.Node) error {
	limits := c.session.DefinerLimits()
	if len(limits) == 0 {
		return nil
	}
	found := map[accounts.Place]bool{}
	fields := c.fields(n, found, false)
	for _, l := range limits {
		if !found[lowered(l.Place)] {
			return catalog.BeyondDefiner(l.Access.Account)
		}
		for _, f := range fields {
			at, ok := c.tables[f.TableId()]
			if !ok || !c.inside[f.TableId()] || lowered(at) != lowered(l.Place) {
				continue
			}
			if at.Column = f.Name(); !l.Access.Has(accounts.Select, at) {
				return catalog.BeyondDefiner(l.Access.Account)
			}
		}
	}
	return nil
}

// fields returns the columns that the plan reads, and notes the tables.
func (c *privilegeCheck) fields(n sql.Node, found map[accounts.Place]bool, changes bool) []*expression.GetField {
	c.tables, c.inside = map[sql.TableId]accounts.Place{}, map[sql.TableId]bool{}
	var fields []*expression.GetField
	var visit func(n sql.Node, carried bool)
	derived := 0
	expr := func(e sql.Expression) bool {
		switch e := e.(type) {
		case *expression.GetField:
			fields = append(fields, e)
		case *plan.Subquery:
			visit(e.Query, false)
		}
		return true
	}
	visit = func(n sql.Node, carried bool) {
		c.note(n, found, derived > 0)
		if _, ok := n.(*plan.SubqueryAlias); ok {
			derived++
			defer func() { derived-- }()
		}
		if x, ok := n.(sql.Expressioner); ok {
			for _, e := range x.Expressions() {
				if _, plain := e.(*expression.GetField); !carried || !plain {
					sql.Inspect(e, func(e sql.Expression) bool { return expr(e) })
				}
			}
		}
		_, project := n.(*plan.Project)
		for _, k := range n.Children() {
			visit(k, changes && carried && !project)
		}
	}
	visit(n, changes)
	return fields
}

// note remembers which table a node reads, also under an alias.
func (c *privilegeCheck) note(n sql.Node, found map[accounts.Place]bool, inside bool) {
	id, ok := n.(plan.TableIdNode)
	if !ok {
		return
	}
	inner := sql.Node(id)
	if a, ok := n.(*plan.TableAlias); ok {
		inner = a.Child
	}
	if t, ok := inner.(*plan.ResolvedTable); ok {
		at := c.placeOf(t)
		c.tables[id.Id()], c.inside[id.Id()] = at, inside
		found[lowered(at)] = true
	}
}
