package planner

import (
	"fmt"
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"

	"github.com/featuresql/featuresql/engine/parser"
)

// GroupingError says that a query reads a column that has no single value where it is read. Of is the clause;
// MySQL calls it 1055, 1140 (Implicit), 3029 (Order) or 3065 (Distinct).
type GroupingError struct {
	At       int    // of the expression in its clause, from 1
	Of       string // "SELECT list", "ORDER BY clause" or "HAVING clause"
	Column   string
	Implicit bool // aggregates without GROUP BY
	Order    bool // only ORDER BY has an aggregate
	Distinct bool // SELECT DISTINCT ordered by something else
	// Aggregate says that GROUP BY has the alias Column of an aggregate (1056).
	Aggregate bool
}

func (e *GroupingError) Error() string {
	const mode = "; this is incompatible with "
	switch {
	case e.Aggregate:
		return fmt.Sprintf("Can't group on '%s': it is an aggregate over the groups", e.Column)
	case e.Order:
		return fmt.Sprintf("Expression #%d of ORDER BY contains aggregate function and applies to the result of a non-aggregated query", e.At)
	case e.Distinct:
		return fmt.Sprintf("Expression #%d of ORDER BY clause is not in SELECT list, references column '%s' which is not in SELECT list"+mode+"DISTINCT", e.At, e.Column)
	case e.Implicit:
		return fmt.Sprintf("In aggregated query without GROUP BY, expression #%d of %s contains nonaggregated column '%s'"+mode+"sql_mode=only_full_group_by", e.At, e.Of, e.Column)
	}
	return fmt.Sprintf("Expression #%d of %s is not in GROUP BY clause and contains nonaggregated column '%s' which is not functionally dependent on columns in GROUP BY clause"+mode+"sql_mode=only_full_group_by",
		e.At, e.Of, e.Column)
}

// block is one SELECT of the host's plan: the operators over its FROM clause.
type block struct {
	list     []sql.Expression // the select list
	order    sql.SortFields
	having   sql.Expression
	group    *plan.GroupBy
	distinct bool
	from     sql.Node // with WHERE
}

// blockOf takes a SELECT apart; nil for anything else.
func blockOf(n sql.Node) *block {
	b := &block{}
	for {
		switch o := n.(type) {
		case *plan.Project:
			if b.list == nil {
				b.list = o.Projections
			}
		case *plan.Sort:
			b.order = o.SortFields
		case *plan.TopN:
			b.order = o.Fields
		case *plan.Having:
			b.having = o.Cond
		case *plan.Distinct, *plan.OrderedDistinct:
			b.distinct = true
		case *plan.Limit, *plan.Offset, *plan.Window:
		case *plan.GroupBy:
			b.group, b.from = o, o.Child
			return b
		default:
			if b.list == nil {
				return nil
			}
			b.from = n
			return b
		}
		n = n.Children()[0]
	}
}

// checkQueries refuses what MySQL refuses in the queries of a statement: columns without a single value in grouped
// queries (where full says so, as ONLY_FULL_GROUP_BY), aggregates that only ORDER BY has, and derived tables with
// two columns of one name.
func checkQueries(n sql.Node, full bool) error {
	if b := blockOf(n); b != nil {
		if err := b.check(full); err != nil {
			return err
		}
		if err := checkExpressions(full, b.expressions()...); err != nil {
			return err
		}
		return checkQueries(b.from, full)
	}
	if d, ok := n.(*plan.SubqueryAlias); ok {
		seen := columnSet{}
		for _, c := range d.Schema() {
			k := columnKey("", c.Name)
			if seen[k] {
				return &parser.DuplicateColumnError{Column: c.Name}
			}
			seen[k] = true
		}
	}
	if e, ok := n.(sql.Expressioner); ok {
		if err := checkExpressions(full, e.Expressions()...); err != nil {
			return err
		}
	}
	for _, c := range n.Children() {
		if err := checkQueries(c, full); err != nil {
			return err
		}
	}
	return nil
}

// checkExpressions checks the subqueries of expressions.
func checkExpressions(full bool, list ...sql.Expression) (err error) {
	for _, e := range list {
		sql.Inspect(e, func(e sql.Expression) bool {
			if sq, ok := e.(*plan.Subquery); ok && err == nil {
				err = checkQueries(sq.Query, full)
			}
			return err == nil
		})
	}
	return err
}

func (b *block) expressions() []sql.Expression {
	out := append([]sql.Expression(nil), b.list...)
	for _, f := range b.order {
		out = append(out, f.Column)
	}
	if b.having != nil {
		out = append(out, b.having)
	}
	if b.group != nil {
		out = append(append(out, b.group.SelectedExprs...), b.group.GroupByExprs...)
	}
	return out
}

func (b *block) check(full bool) error {
	if b.group == nil {
		if b.distinct && full {
			return b.checkDistinct()
		}
		return nil
	}
	if err := b.checkKeys(); err != nil {
		return err
	}
	if err := b.checkOrderAggregates(); err != nil || !full {
		return err
	}
	g := &grouped{block: b, dependencies: dependenciesOf(b.from), single: columnSet{}}
	for _, e := range b.group.GroupByExprs {
		if f, ok := unalias(e).(*expression.GetField); ok {
			g.single[columnKey(f.Table(), f.Name())] = true
		}
	}
	g.closure(g.single)
	for i, e := range b.list {
		if err := g.refuse(e, i+1, "SELECT list"); err != nil {
			return err
		}
	}
	if b.having != nil {
		if err := g.refuse(b.having, 1, "HAVING clause"); err != nil {
			return err
		}
	}
	if len(b.group.GroupByExprs) == 0 {
		return nil // one row: its order does not matter
	}
	for i, f := range b.order {
		if err := g.refuse(f.Column, i+1, "ORDER BY clause"); err != nil {
			return err
		}
	}
	return nil
}

// checkKeys refuses to group by the alias of an aggregate.
func (b *block) checkKeys() error {
	aggregates := b.aggregates()
	for _, k := range b.group.GroupByExprs {
		f, ok := unalias(k).(*expression.GetField)
		if !ok || f.Table() != "" || !aggregates[f.Id()] {
			continue
		}
		e := &GroupingError{Column: f.Name(), Aggregate: true}
		for _, x := range b.list {
			if a, ok := x.(*expression.Alias); ok && a.Child.String() == f.String() {
				e.Column = a.Name()
			}
		}
		return e
	}
	return nil
}

// aggregates are the columns that are computed from the rows of a group.
func (b *block) aggregates() map[sql.ColumnId]bool {
	out := map[sql.ColumnId]bool{}
	for _, e := range b.group.SelectedExprs {
		if id, ok := e.(sql.IdExpression); ok && isAggregate(e) {
			out[id.Id()] = true
		}
	}
	return out
}

// checkOrderAggregates refuses a query that only an aggregate in ORDER BY would make an aggregated one.
func (b *block) checkOrderAggregates() error {
	if len(b.group.GroupByExprs) > 0 {
		return nil
	}
	aggregates := b.aggregates()
	reads := func(e sql.Expression) (found bool) {
		sql.Inspect(e, func(e sql.Expression) bool {
			f, ok := e.(*expression.GetField)
			found = found || isAggregate(e) || ok && f.Table() == "" && aggregates[f.Id()]
			return !found
		})
		return found
	}
	if slices.ContainsFunc(b.list, reads) {
		return nil
	}
	if b.having != nil && reads(b.having) {
		return nil
	}
	for i, f := range b.order {
		if reads(f.Column) {
			return &GroupingError{At: i + 1, Order: true}
		}
	}
	return nil
}

// checkDistinct refuses an order by columns that DISTINCT has dropped.
func (b *block) checkDistinct() error {
	from := dependenciesOf(b.from)
	listed := columnSet{}
	for _, e := range b.list {
		if f, ok := unalias(e).(*expression.GetField); ok {
			listed[columnKey(f.Table(), f.Name())] = true
		}
	}
	g := &grouped{block: b, dependencies: from, single: listed}
	for i, f := range b.order {
		if c := g.unsettled(f.Column); c != "" {
			return &GroupingError{At: i + 1, Column: c, Distinct: true}
		}
	}
	return nil
}

// grouped knows the columns of a block that have a single value in each of its result rows.
type grouped struct {
	*block
	*dependencies
	single columnSet
}

func (g *grouped) refuse(e sql.Expression, at int, of string) error {
	if c := g.unsettled(e); c != "" {
		return &GroupingError{At: at, Of: of, Column: c, Implicit: len(g.group.GroupByExprs) == 0}
	}
	return nil
}

// unsettled names a column that keeps e from having one value; "" if there is none.
func (g *grouped) unsettled(e sql.Expression) string {
	if a, ok := e.(*expression.Alias); ok {
		return g.unsettled(a.Child)
	}
	if isAggregate(e) || g.isKey(e) {
		return ""
	}
	switch e := e.(type) {
	case *parser.Grouping: // has its own error
		return ""
	case *expression.GetField:
		if k := columnKey(e.Table(), e.Name()); g.columns[k] && !g.single[k] {
			return qualified(e)
		}
		return ""
	case *plan.Subquery:
		found := ""
		readsOuter(e, func(f *expression.GetField) {
			if found == "" {
				found = g.unsettled(f)
			}
		})
		return found
	}
	for _, k := range e.Children() {
		if c := g.unsettled(k); c != "" {
			return c
		}
	}
	return ""
}

// isKey reports whether e is what the rows are grouped by, or what SELECT DISTINCT lists.
func (g *grouped) isKey(e sql.Expression) bool {
	keys := g.list
	if g.group != nil {
		keys = g.group.GroupByExprs
	}
	if _, ok := e.(*expression.GetField); ok && g.group == nil {
		return false // by its columns
	}
	for _, k := range keys {
		if sameText(k, e) {
			return true
		}
	}
	return false
}

func qualified(f *expression.GetField) string {
	name := f.Table() + "." + f.Name()
	if f.Database() != "" {
		name = f.Database() + "." + name
	}
	return name
}
