package planner

import (
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
)

// groupOuterRuleID must be unknown to the host.
const groupOuterRuleID analyzer.RuleId = 10_002

// groupOuterRule has an aggregation put out the columns that subqueries above it read: SELECT (SELECT t.b) … GROUP BY t.b.
// The host's binder leaves them out, and takes another column of that name for them, be it of the subquery's own tables.
func (rt *Runtime) groupOuterRule(_ *sql.Context, _ *analyzer.Analyzer, n sql.Node, _ *plan.Scope, _ analyzer.RuleSelector, _ *sql.QueryFlags) (sql.Node, transform.TreeIdentity, error) {
	return groupOuter(n)
}

func groupOuter(n sql.Node) (sql.Node, transform.TreeIdentity, error) {
	return transform.NodeWithOpaque(n, func(n sql.Node) (sql.Node, transform.TreeIdentity, error) {
		n, same, err := transform.OneNodeExpressions(n, func(e sql.Expression) (sql.Expression, transform.TreeIdentity, error) {
			sq, ok := e.(*plan.Subquery)
			if !ok {
				return e, transform.SameTree, nil
			}
			q, same, err := groupOuter(sq.Query)
			if same || err != nil {
				return e, transform.SameTree, err
			}
			return sq.WithQuery(q), transform.NewTree, nil
		})
		p, ok := n.(*plan.Project)
		if !ok || err != nil {
			return n, same, err
		}
		path, group := groupBelow(p)
		if group == nil {
			return n, same, nil
		}
		read := readBySubqueries(path, columnsOfTables(group.Child))
		if len(read) == 0 {
			return n, same, nil
		}
		var node sql.Node = plan.NewGroupBy(withColumns(group.SelectedExprs, read), group.GroupByExprs, group.Child)
		for i := len(path) - 1; i >= 0; i-- {
			if node, err = passing(path[i], node, read, i > 0); err != nil {
				return nil, transform.SameTree, err
			}
		}
		return node, transform.NewTree, nil
	})
}

// passing is n over child; with pass, it hands the columns on.
func passing(n, child sql.Node, columns []*expression.GetField, pass bool) (sql.Node, error) {
	switch o := n.(type) {
	case *plan.Project:
		if pass {
			return plan.NewProject(withColumns(o.Projections, columns), child), nil
		}
	case *plan.Window:
		if pass {
			return plan.NewWindow(withColumns(o.SelectExprs, columns), child), nil
		}
	}
	return n.WithChildren(child)
}

// withColumns adds those of the columns that es do not have.
func withColumns(es []sql.Expression, columns []*expression.GetField) []sql.Expression {
	out := slices.Clone(es)
	for _, f := range columns {
		if !slices.ContainsFunc(out, func(e sql.Expression) bool { id, ok := e.(sql.IdExpression); return ok && id.Id() == f.Id() }) {
			out = append(out, f)
		}
	}
	return out
}

// columnsOfTables are the columns of the tables of a FROM clause.
func columnsOfTables(from sql.Node) sql.ColSet {
	var out sql.ColSet
	transform.Inspect(from, func(n sql.Node) bool {
		if t, ok := n.(plan.TableIdNode); ok {
			out = out.Union(t.Columns())
			return false
		}
		return true
	})
	return out
}

// readBySubqueries lists those of the columns that subqueries of the nodes read.
func readBySubqueries(nodes []sql.Node, columns sql.ColSet) []*expression.GetField {
	var out []*expression.GetField
	for _, n := range nodes {
		x, ok := n.(sql.Expressioner)
		if !ok {
			continue
		}
		for _, e := range x.Expressions() {
			sql.Inspect(e, func(e sql.Expression) bool {
				if sq, ok := e.(*plan.Subquery); ok {
					readsOuter(sq, func(f *expression.GetField) {
						if columns.Contains(f.Id()) {
							out = append(out, f)
						}
					})
				}
				return true
			})
		}
	}
	return out
}
