package parser

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	ast "github.com/dolthub/vitess/go/vt/sqlparser"
)

// The host's grammar has neither WITH ROLLUP nor GROUPING(). GROUP BY a, b WITH ROLLUP becomes GROUP BY a, b,
// featuresql_rollup(), and GROUPING(a) a call of featuresql_grouping; both are injected as expressions of their own.
const (
	markRollup   = "featuresql_rollup"
	markGrouping = "featuresql_grouping"
	ownPrefix    = "featuresql_"
)

// rollup handles WITH ROLLUP, ROLLUP (…) and GROUPING (…) at i, and returns how many tokens beyond it are done with.
func (r *rewriter) rollup(i int) (int, error) {
	t := r.at(i)
	switch {
	case r.is(i, "with") && r.is(i+1, "rollup"):
		if !r.inGroupBy(i) {
			return 0, r.errorAt(i, "WITH ROLLUP belongs to GROUP BY")
		}
		r.edits = append(r.edits, edit{t.start, r.at(i + 1).end, ", " + markRollup + "()"})
		r.marked = true
		return 1, nil
	case r.is(i, "rollup") && r.punct(i+1, '(') && r.seq(i-2, "group", "by"):
		end := r.closing(i + 1)
		if end < 0 {
			return 0, r.errorAt(i, "unclosed ROLLUP")
		}
		if r.punct(end+1, ',') || r.punct(i+2, '(') {
			return 0, &UnsupportedError{"ROLLUP of several lists; write GROUP BY a, b WITH ROLLUP"}
		}
		r.edits = append(r.edits, edit{t.start, r.at(i + 1).end, ""})
		r.rollupEnd, r.marked = end, true
		return 0, nil
	case r.is(i, "grouping") && r.punct(i+1, '('):
		r.edits = append(r.edits, edit{t.start, t.start, ownPrefix})
		r.marked = true
	case r.is(i, markRollup, markGrouping):
		r.marked = true
	}
	return 0, nil
}

// inGroupBy reports whether token i ends a GROUP BY.
func (r *rewriter) inGroupBy(i int) bool {
	for depth := 0; i >= 0; i-- {
		switch {
		case r.punct(i, ')'):
			depth++
		case r.punct(i, '('):
			depth--
		case depth == 0 && r.is(i, "by"):
			return r.is(i-1, "group")
		case depth == 0 && r.is(i, "select", "from", "where", "having", "limit", "union") || depth < 0:
			return false
		}
	}
	return false
}

// Rollup is the last of the expressions of a GROUP BY WITH ROLLUP: the groups are those of all expressions before it, of
// all but the last, and so on to one group of all rows.
type Rollup struct{}

func (*Rollup) String() string { return "rollup" }

// Resolved implements sql.Expression.
func (*Rollup) Resolved() bool { return true }

// Type implements sql.Expression.
func (*Rollup) Type() sql.Type { return types.Null }

// IsNullable implements sql.Expression.
func (*Rollup) IsNullable() bool { return true }

// Children implements sql.Expression.
func (*Rollup) Children() []sql.Expression { return nil }

// WithChildren implements sql.Expression.
func (e *Rollup) WithChildren(c ...sql.Expression) (sql.Expression, error) {
	if len(c) != 0 {
		return nil, sql.ErrInvalidChildrenNumber.New(e, len(c), 0)
	}
	return e, nil
}

// Eval implements sql.Expression. The planner takes it out of GROUP BY, so it is never evaluated.
func (*Rollup) Eval(*sql.Context, sql.Row) (any, error) { return nil, nil }

// Grouping is GROUPING(a, b): a bit for each of its operands, that of the last being 1, which says that the row is of a
// group over all values of the operand.
type Grouping struct{ kids []sql.Expression }

func (e *Grouping) String() string {
	list := make([]string, len(e.kids))
	for i, k := range e.kids {
		list[i] = k.String()
	}
	return "grouping(" + strings.Join(list, ",") + ")"
}

// Resolved implements sql.Expression.
func (e *Grouping) Resolved() bool { return true }

// Type implements sql.Expression.
func (e *Grouping) Type() sql.Type { return types.Int64 }

// IsNullable implements sql.Expression.
func (e *Grouping) IsNullable() bool { return false }

// Children implements sql.Expression.
func (e *Grouping) Children() []sql.Expression { return e.kids }

// WithChildren implements sql.Expression.
func (e *Grouping) WithChildren(c ...sql.Expression) (sql.Expression, error) {
	if len(c) != len(e.kids) {
		return nil, sql.ErrInvalidChildrenNumber.New(e, len(c), len(e.kids))
	}
	return &Grouping{c}, nil
}

// Eval implements sql.Expression.
func (e *Grouping) Eval(*sql.Context, sql.Row) (any, error) {
	return nil, &GroupingUseError{Code: 1111}
}

// GroupingUseError says that GROUPING() stands where there is no WITH ROLLUP (Code 1111), or that an operand of it, counted
// from 1, is not in GROUP BY (3602).
type GroupingUseError struct{ Code, Argument int }

func (e *GroupingUseError) Error() string {
	if e.Code == 1111 {
		return "Invalid use of group function: GROUPING() is for queries with GROUP BY … WITH ROLLUP"
	}
	return fmt.Sprintf("Argument #%d of GROUPING function is not in GROUP BY", e.Argument)
}

type rollupInjectable struct{}

// WithResolvedChildren implements ast.Injectable.
func (rollupInjectable) WithResolvedChildren([]any) (any, error) { return &Rollup{}, nil }

type groupingInjectable struct{}

// WithResolvedChildren implements ast.Injectable.
func (groupingInjectable) WithResolvedChildren(children []any) (any, error) {
	g := &Grouping{}
	for _, c := range children {
		e, ok := c.(sql.Expression)
		if !ok {
			return nil, &SyntaxError{Reason: "GROUPING takes expressions of GROUP BY"}
		}
		g.kids = append(g.kids, e)
	}
	return g, nil
}

// injectRollup puts the expressions in place of their marks.
func injectRollup(f *ast.FuncExpr) (ast.Expr, error) {
	if f.Name.Lowered() == markRollup {
		return ast.InjectedExpr{Expression: rollupInjectable{}, Auth: noAuth}, nil
	}
	in := ast.InjectedExpr{Expression: groupingInjectable{}, Auth: noAuth}
	for _, x := range f.Exprs {
		a, ok := x.(*ast.AliasedExpr)
		if !ok {
			return nil, &SyntaxError{Reason: "GROUPING takes expressions of GROUP BY"}
		}
		in.Children = append(in.Children, a.Expr)
	}
	if len(in.Children) == 0 || len(in.Children) > 63 {
		return nil, &SyntaxError{Reason: "GROUPING takes one to 63 expressions of GROUP BY"}
	}
	return in, nil
}

var selectMarks = regexp.MustCompile("(?i)" + ownPrefix + `(grouping|(any|some|all) \|)`)

// withoutMark is the text of a select expression as it was written.
func withoutMark(text string) string {
	text = unitNames.Replace(text)
	if !strings.Contains(text, ownPrefix) {
		return text
	}
	return selectMarks.ReplaceAllStringFunc(text, func(mark string) string { return strings.TrimSuffix(mark[len(ownPrefix):], " |") })
}
