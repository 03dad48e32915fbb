package planner

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"

	"github.com/featuresql/featuresql/engine/exec"
)

// setOpRuleID must be unknown to the host.
const setOpRuleID analyzer.RuleId = 10_001

// setOpRule takes out what the host's binder puts between a set operation and its sides where their types differ:
// conversions to DECIMAL(10,0) or to text. The converter finds the common type itself, by MySQL's rules.
func (rt *Runtime) setOpRule(_ *sql.Context, _ *analyzer.Analyzer, n sql.Node, _ *plan.Scope, _ analyzer.RuleSelector, _ *sql.QueryFlags) (sql.Node, transform.TreeIdentity, error) {
	return transform.NodeWithOpaque(n, func(n sql.Node) (sql.Node, transform.TreeIdentity, error) {
		op, ok := n.(*plan.SetOp)
		if !ok {
			return n, transform.SameTree, nil
		}
		l, r, ok := unconverted(op)
		if !ok {
			return n, transform.SameTree, nil
		}
		out, err := op.WithChildren(l, r)
		return out, transform.NewTree, err
	})
}

// unconverted returns the sides of a set operation without the host's conversions, if it has some.
func unconverted(op *plan.SetOp) (left, right sql.Node, ok bool) {
	l, lok := op.Left().(*plan.Project)
	r, rok := op.Right().(*plan.Project)
	if !lok || !rok || len(l.Projections) != len(r.Projections) || !wholeSelect(l.Child) || !wholeSelect(r.Child) {
		return nil, nil, false
	}
	for i := range l.Projections {
		lt, lok := hostConverted(l, i)
		rt, rok := hostConverted(r, i)
		if !lok || !rok || lt != "" && rt != "" && lt != rt {
			return nil, nil, false
		}
	}
	return l.Child, r.Child, true
}

// wholeSelect reports whether n can be the root of a SELECT; what the projection of a SELECT lies over cannot, but
// for a derived table.
func wholeSelect(n sql.Node) bool {
	switch n.(type) {
	case *plan.Project, *plan.Distinct, *plan.OrderedDistinct, *plan.Limit, *plan.Offset, *plan.SetOp, *plan.SubqueryAlias, *plan.Values, *plan.ValueDerivedTable:
		return true
	}
	return false
}

// hostConverted reports whether projection i of p hands column i on, bare ("") or converted to the type named. The
// host gives its own columns no table, and its own conversions no length.
func hostConverted(p *plan.Project, i int) (to string, ok bool) {
	e := p.Projections[i]
	if a, is := e.(*expression.Alias); is {
		if a.Name() != p.Child.Schema()[i].Name {
			return "", false
		}
		e = a.Child
	}
	if conv, is := e.(*expression.Convert); is && hostInt(conv, "typeLength") == 0 {
		e, to = conv.Child, hostString(conv, "castToType")
	}
	g, is := e.(*expression.GetField)
	return to, is && g.TableId() == 0 && g.Name() == p.Child.Schema()[i].Name
}

// setOpFields are the columns of a set operation: names of the left side, types that hold the values of both.
func setOpFields(lf, rf []exec.Field) []exec.Field {
	out := make([]exec.Field, len(lf))
	for i, l := range lf {
		out[i] = exec.Field{Name: l.Name, Type: commonType(l.Type, rf[i].Type), Nullable: l.Nullable || rf[i].Nullable}
	}
	return out
}
