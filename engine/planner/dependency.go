package planner

import (
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
)

// columnSet holds columns of one FROM clause, as "table.column" in lower case.
type columnSet map[string]bool

func columnKey(table, name string) string {
	return strings.ToLower(table) + "." + strings.ToLower(name)
}

// dependency says that rows that agree on from agree on to; an empty from is a constant.
type dependency struct{ from, to []string }

// dependencies are the columns of a FROM clause and the functional dependencies among them, as MySQL derives them
// from declared keys and from equalities (MySQL 8.0 manual, "Detection of Functional Dependence").
type dependencies struct {
	columns columnSet
	known   []dependency
}

// closure adds to known every column that depends on the columns in it.
func (d *dependencies) closure(known columnSet) {
	for grown := true; grown; {
		grown = false
		for _, dep := range d.known {
			if !known.all(dep.from) || known.all(dep.to) {
				continue
			}
			for _, c := range dep.to {
				known[c] = true
			}
			grown = true
		}
	}
}

func (s columnSet) all(columns []string) bool {
	return !slices.ContainsFunc(columns, func(c string) bool { return !s[c] })
}

// dependenciesOf derives the dependencies of a FROM clause with its WHERE.
func dependenciesOf(n sql.Node) *dependencies {
	switch n := n.(type) {
	case *plan.Filter:
		d := dependenciesOf(n.Child)
		d.equalities(n.Expression, d.columns, nil)
		return d
	case *plan.JoinNode:
		return joinDependencies(n)
	case *plan.SubqueryAlias:
		return derivedDependencies(n)
	case *plan.CachedResults:
		return dependenciesOf(n.Child)
	}
	d := &dependencies{columns: columnSet{}}
	var all, key []string
	for _, c := range n.Schema() {
		k := columnKey(c.Source, c.Name)
		d.columns[k] = true
		all = append(all, k)
		if c.PrimaryKey {
			key = append(key, k)
		}
	}
	if len(key) > 0 {
		d.known = append(d.known, dependency{key, all})
	}
	return d
}

func joinDependencies(n *plan.JoinNode) *dependencies {
	left, right := dependenciesOf(n.Left()), dependenciesOf(n.Right())
	d := &dependencies{columns: columnSet{}, known: append(left.known, right.known...)}
	for _, side := range []*dependencies{left, right} {
		for c := range side.columns {
			d.columns[c] = true
		}
	}
	switch {
	case n.Filter == nil || n.Op.IsFullOuter():
	case n.Op.IsRightOuter():
		d.equalities(n.Filter, left.columns, right.columns)
	case n.Op.IsLeftOuter():
		d.equalities(n.Filter, right.columns, left.columns)
	default:
		d.equalities(n.Filter, d.columns, nil)
	}
	return d
}

// equalities adds what the conjuncts column = expression of cond say. In an outer join only the weak side's columns
// depend on something, and on all columns of the strong side that the condition reads besides.
func (d *dependencies) equalities(cond sql.Expression, weak, strong columnSet) {
	read, _ := d.columnsIn(cond)
	var besides []string
	for _, c := range read {
		if strong[c] {
			besides = append(besides, c)
		}
	}
	for _, e := range expression.SplitConjunction(cond) {
		var sides []sql.Expression
		switch e.(type) {
		case *expression.Equals, *expression.NullSafeEquals:
			sides = e.Children()
		default:
			continue
		}
		for i, side := range sides {
			f, ok := unalias(side).(*expression.GetField)
			if !ok || !weak[columnKey(f.Table(), f.Name())] {
				continue
			}
			if from, ok := d.columnsIn(sides[1-i]); ok {
				d.known = append(d.known, dependency{append(from, besides...), []string{columnKey(f.Table(), f.Name())}})
			}
		}
	}
}

// columnsIn lists the columns of d that e reads; ok is false where e is not a function of them.
func (d *dependencies) columnsIn(e sql.Expression) (columns []string, ok bool) {
	ok = true
	sql.Inspect(e, func(e sql.Expression) bool {
		switch e := e.(type) {
		case *expression.GetField:
			if k := columnKey(e.Table(), e.Name()); d.columns[k] {
				columns = append(columns, k)
			}
		case *plan.Subquery, sql.Aggregation:
			ok = false
		case sql.NonDeterministicExpression:
			ok = ok && !e.IsNonDeterministic()
		}
		return true
	})
	return columns, ok
}

// derivedDependencies carries the dependencies of a derived table or view over to its columns.
func derivedDependencies(n *plan.SubqueryAlias) *dependencies {
	schema := n.Schema()
	d := &dependencies{columns: columnSet{}}
	names := make([]string, len(schema))
	for i, c := range schema {
		names[i] = columnKey(c.Source, c.Name)
		d.columns[names[i]] = true
	}
	b := blockOf(n.Child)
	if b == nil || len(b.list) != len(names) {
		return d
	}
	inner := dependenciesOf(b.from)
	of := map[string]string{} // inner column → output
	var reads [][]string
	for i, e := range b.list {
		columns, ok := inner.columnsIn(e)
		if f, plain := unalias(e).(*expression.GetField); plain && len(columns) == 1 {
			of[columnKey(f.Table(), f.Name())] = names[i]
		}
		if !ok || len(columns) == 0 {
			columns = []string{""} // no function of the columns
		}
		reads = append(reads, columns)
	}
	candidates := [][]string{nil}
	for _, dep := range inner.known {
		candidates = append(candidates, dep.from)
	}
	for _, from := range candidates {
		known, outer := columnSet{}, make([]string, len(from))
		for i, c := range from {
			known[c], outer[i] = true, of[c]
		}
		if slices.Contains(outer, "") {
			continue
		}
		inner.closure(known)
		for i, columns := range reads {
			if known.all(columns) {
				d.known = append(d.known, dependency{outer, names[i : i+1]})
			}
		}
	}
	if b.group != nil {
		if key, ok := b.groupKey(names); ok {
			d.known = append(d.known, dependency{key, names})
		}
	}
	return d
}

// groupKey lists the outputs that hold the group's keys; false where one is not in the select list.
func (b *block) groupKey(names []string) ([]string, bool) {
	var key []string
	for _, g := range b.group.GroupByExprs {
		i := slices.IndexFunc(b.list, func(e sql.Expression) bool { return sameText(e, g) })
		if i < 0 {
			return nil, false
		}
		key = append(key, names[i])
	}
	return key, true
}

func sameText(a, b sql.Expression) bool {
	return strings.EqualFold(unalias(a).String(), unalias(b).String())
}

// readsOuter calls f for the columns of the surrounding query that a subquery reads.
func readsOuter(sq *plan.Subquery, f func(*expression.GetField)) {
	outer := sq.Correlated()
	transform.InspectExpressions(sq.Query, func(e sql.Expression) bool {
		switch e := e.(type) {
		case *expression.GetField:
			if outer.Contains(e.Id()) {
				f(e)
			}
		case *plan.Subquery:
			readsOuter(e, func(g *expression.GetField) {
				if outer.Contains(g.Id()) {
					f(g)
				}
			})
		}
		return true
	})
}
