package planner

import (
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/parser"
)

// repeatedKeys gives what is above an aggregation the values of the grouping expressions that it repeats. The host's
// GroupBy puts out columns, and has SELECT a+b … GROUP BY a+b add them up above it; but the group has one a+b, not one a
// and one b. The aggregation puts out such keys, too, and every node up to the projection n reads them there.
func (c *converter) repeatedKeys(n *plan.Project, outer []exec.Field) (*plan.Project, error) {
	path, group := groupBelow(n)
	if group == nil {
		return n, nil
	}
	r := keyReplacer{names: map[string]int{}}
	for _, k := range group.GroupByExprs {
		k = unalias(k)
		if _, seen := r.names[textOf(k)]; !seen && isComputed(k) {
			r.names[textOf(k)] = len(r.keys)
			r.keys = append(r.keys, k)
		}
	}
	r.addGroupings(path, group)
	if !slices.ContainsFunc(path, r.repeats) {
		return n, nil
	}
	r.base = len(outer)
	for _, g := range c.gaps {
		r.base += g.n
	}
	r.width = len(group.SelectedExprs)
	var node sql.Node = plan.NewGroupBy(slices.Concat(group.SelectedExprs, r.keys), group.GroupByExprs, group.Child)
	for i := len(path) - 1; i >= 0; i-- {
		var err error
		if node, err = r.over(path[i], node, i > 0); err != nil {
			return nil, err
		}
	}
	return node.(*plan.Project), nil //nolint:forcetypeassert // path[0] is n
}

// addGroupings has the aggregation put out each GROUPING() of the nodes above it, too.
func (r *keyReplacer) addGroupings(path []sql.Node, group *plan.GroupBy) {
	for _, n := range path {
		x, ok := n.(sql.Expressioner)
		if !ok {
			continue
		}
		for _, e := range x.Expressions() {
			sql.Inspect(e, func(e sql.Expression) bool {
				if g, ok := e.(*parser.Grouping); ok && isRollup(group) {
					if _, seen := r.names[g.String()]; !seen {
						r.names[g.String()] = len(r.keys)
						r.keys = append(r.keys, g)
					}
				}
				return true
			})
		}
	}
}

// groupBelow returns the aggregation of the SELECT whose list n is, and the nodes above it, from n on.
func groupBelow(n *plan.Project) ([]sql.Node, *plan.GroupBy) {
	path := []sql.Node{n}
	for child := n.Child; ; child = child.Children()[0] {
		switch o := child.(type) {
		case *plan.GroupBy:
			return path, o
		case *plan.Project, *plan.Having, *plan.Sort, *plan.TopN, *plan.Limit, *plan.Offset, *plan.Window:
			path = append(path, child)
		default:
			return nil, nil
		}
	}
}

// isComputed reports whether a grouping expression is computed from columns.
func isComputed(k sql.Expression) bool {
	if _, bare := k.(*expression.GetField); bare {
		return false
	}
	reads := false
	sql.Inspect(k, func(e sql.Expression) bool {
		switch e := e.(type) {
		case *expression.GetField:
			reads = true
		case *plan.Subquery:
			readsOuter(e, func(*expression.GetField) { reads = true })
		}
		return !reads
	})
	return reads
}

// textOf is the text of an expression; two of one SELECT with the same text have the same value. The host writes a subquery
// as its plan, which does not say everything.
func textOf(e sql.Expression) string {
	text := e.String()
	sql.Inspect(e, func(e sql.Expression) bool {
		if sq, ok := e.(*plan.Subquery); ok {
			text += "\n" + sq.QueryString
		}
		return true
	})
	return text
}

// keyReplacer puts columns in place of grouping expressions.
type keyReplacer struct {
	keys        []sql.Expression
	names       map[string]int // of keys, by their text
	base, width int            // the keys are behind the width columns that follow base, where the node below puts them out
}

// repeats reports whether an expression of a node repeats a key.
func (r *keyReplacer) repeats(n sql.Node) bool {
	x, ok := n.(sql.Expressioner)
	return ok && slices.ContainsFunc(x.Expressions(), func(e sql.Expression) bool {
		found := false
		sql.Inspect(e, func(e sql.Expression) bool {
			if e != nil {
				_, is := r.names[textOf(e)]
				found = found || is
			}
			return !found
		})
		return found
	})
}

// over returns n over another child; with pass, the keys go through it.
func (r *keyReplacer) over(n, child sql.Node, pass bool) (sql.Node, error) {
	var es []sql.Expression
	if x, ok := n.(sql.Expressioner); ok {
		for _, e := range x.Expressions() {
			replaced, err := r.replace(e)
			if err != nil {
				return nil, err
			}
			es = append(es, replaced)
		}
	}
	if pass {
		switch n.(type) {
		case *plan.Project, *plan.Window:
			width := len(es)
			for k := range r.keys {
				es = append(es, r.field(k))
			}
			r.width = width
		}
	}
	switch n.(type) {
	case *plan.Project:
		return plan.NewProject(es, child), nil
	case *plan.Window:
		return plan.NewWindow(es, child), nil
	}
	out, err := n.WithChildren(child)
	if x, ok := out.(sql.Expressioner); ok && err == nil {
		return x.WithExpressions(es...)
	}
	return out, err
}

func (r *keyReplacer) field(key int) sql.Expression {
	k := r.keys[key]
	return expression.NewGetField(r.base+r.width+key, k.Type(), oneLine(k.String()), k.IsNullable())
}

// replace looks from the whole expression inwards; what an aggregate folds is below the aggregation.
func (r *keyReplacer) replace(e sql.Expression) (sql.Expression, error) {
	if key, ok := r.names[textOf(e)]; ok {
		return r.field(key), nil
	}
	kids := e.Children()
	if len(kids) == 0 || isAggregate(e) {
		return e, nil
	}
	replaced := make([]sql.Expression, len(kids))
	changed := false
	for i, k := range kids {
		var err error
		if replaced[i], err = r.replace(k); err != nil {
			return nil, err
		}
		changed = changed || replaced[i] != k
	}
	if !changed {
		return e, nil
	}
	return e.WithChildren(replaced...)
}

// oneLine names an expression in EXPLAIN; the host writes the plans of its subqueries, over several lines.
func oneLine(name string) string {
	if strings.Contains(name, "\n") {
		return "subquery"
	}
	return name
}
