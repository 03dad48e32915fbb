package parser

import (
	"fmt"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
	ast "github.com/dolthub/vitess/go/vt/sqlparser"
)

// compiler turns one statement into data and children.
type compiler struct {
	p *Parser
	*statement
	opts ast.ParserOptions
}

// compiled is a statement of ours before it is injected.
type compiled struct {
	stmt     Statement
	children []child
	// auth are the privileges that the statement itself needs.
	auth []ast.AuthInformation
}

// child is a SELECT or the rows of VALUES.
type child struct {
	query ast.SelectStatement
	rows  ast.Values
}

// custom reports whether the statement may be one of ours.
func (c *compiler) custom() bool {
	switch {
	case c.isAccount(), c.isTransaction(), c.isMaintenance():
		return true
	case c.is(0, "insert", "replace", "update", "delete", "merge", "truncate", "with"):
		return true
	case c.is(0, "load"):
		return c.is(1, "data")
	case c.is(0, "create"):
		return c.is(1, "table", "temporary", "external", "index") || c.seq(1, "or", "replace") && c.is(3, "table", "temporary")
	case c.is(0, "drop"):
		return c.is(1, "table", "temporary", "view")
	case c.is(0, "alter", "rename"):
		return c.is(1, "table")
	case c.is(0, "describe", "desc", "explain"):
		return true
	}
	return false
}

// compile returns nil for a statement that is left to the host.
func (c *compiler) compile() (*compiled, error) {
	switch {
	case c.isAccount():
		return c.account()
	case c.isTransaction():
		return c.transaction()
	case c.isMaintenance():
		return c.maintenance()
	case c.is(0, "merge"):
		return c.merge(0)
	case c.is(0, "load"):
		return c.load()
	case c.is(0, "with"):
		return c.with()
	case c.is(0, "insert", "replace"):
		return c.insert()
	case c.is(0, "update"):
		return c.update()
	case c.is(0, "delete"):
		return c.delete(0)
	case c.is(0, "truncate"):
		return c.truncate()
	case c.is(0, "create") && c.is(1, "index"):
		return c.createIndex()
	case c.is(0, "create"):
		return c.createTable()
	case c.is(0, "drop"):
		return c.dropTable()
	case c.is(0, "alter"):
		return c.alterTable()
	case c.is(0, "rename"):
		return c.renameTables()
	}
	return c.describe()
}

// with finds the verb behind the common table expressions.
func (c *compiler) with() (*compiled, error) {
	for i := 1; i < len(c.toks); i++ {
		switch {
		case c.punct(i, '('):
			if i = c.closing(i); i < 0 {
				return nil, nil
			}
		case c.is(i, "select", "values", "table"):
			return nil, nil
		case c.is(i, "merge"):
			return c.merge(i)
		case c.is(i, "insert", "replace"):
			return c.insert()
		case c.is(i, "update"):
			return c.update()
		case c.is(i, "delete"):
			return c.delete(i)
		}
	}
	return nil, nil
}

// statement wraps the compiled statement for the host.
func (in *compiled) statement(b Binder) ast.Statement {
	out := injectable{binder: b, stmt: in.stmt}
	var children ast.Exprs
	for _, child := range in.children {
		if child.query == nil {
			out.widths = append(out.widths, rowWidths(child.rows))
			for _, row := range child.rows {
				children = append(children, ast.Exprs(row)...)
			}
			continue
		}
		out.widths = append(out.widths, nil)
		children = append(children, &ast.Subquery{Select: child.query})
	}
	auth := noAuth
	if len(in.auth) > 0 {
		auth = in.auth[0]
		for _, a := range in.auth[1:] {
			children = append(children, ast.InjectedExpr{Expression: privilege{}, Auth: a})
		}
	}
	return ast.InjectedStatement{Statement: out, Children: children, Auth: auth}
}

func rowWidths(rows ast.Values) []int {
	w := make([]int, len(rows))
	for i, row := range rows {
		w[i] = len(row)
	}
	return w
}

// injectable hands the bound children to the binder.
type injectable struct {
	binder Binder
	stmt   Statement
	widths [][]int // for each child, the lengths of its rows of values; nil for a SELECT
}

func (i injectable) String() string { return i.stmt.Verb() + " " + i.stmt.TargetTable().String() }

// WithResolvedChildren implements ast.Injectable. Children beyond those of the statement are privilege checks.
func (i injectable) WithResolvedChildren(resolved []any) (any, error) {
	children := make([]any, 0, len(i.widths))
	for _, widths := range i.widths {
		if widths == nil {
			sq, ok := resolved[0].(*plan.Subquery)
			if !ok {
				return nil, fmt.Errorf("%s: child bound to %T", i, resolved[0])
			}
			children, resolved = append(children, sq.Query), resolved[1:]
			continue
		}
		rows := make([][]sql.Expression, len(widths))
		for r, w := range widths {
			rows[r] = make([]sql.Expression, w)
			for k := range w {
				e, ok := resolved[k].(sql.Expression)
				if !ok {
					return nil, fmt.Errorf("%s: value bound to %T", i, resolved[k])
				}
				rows[r][k] = e
			}
			resolved = resolved[w:]
		}
		children = append(children, plan.NewValues(rows))
	}
	if i.binder == nil {
		return nil, &UnsupportedError{i.stmt.Verb()}
	}
	return i.binder.Bind(i.stmt, children)
}

// privilege is an expression that only carries a privilege to check.
type privilege struct{}

// WithResolvedChildren implements ast.Injectable.
func (privilege) WithResolvedChildren([]any) (any, error) { return &DefaultValue{}, nil }

// authOf is the privilege of type on one table.
func authOf(kind string, t TableName) ast.AuthInformation {
	return ast.AuthInformation{AuthType: kind, TargetType: ast.AuthTargetType_SingleTableIdentifier, TargetNames: []string{t.Database, t.Name}}
}
