package planner

import (
	"slices"
	"strconv"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

// sharedRel is a place where a common table expression, or a derived table, is read. Where several places of a plan read one that is worth
// it, its rows are computed once.
type sharedRel struct {
	of *definition
	// pred is what optimize found to hold for all rows that this place uses; nil: nothing.
	pred expr.Expr
}

// definition is the query of a common table expression.
type definition struct {
	name  string
	input rel
	out   []exec.Field
	need  []bool // of the columns, found by prune
	where []int  // of each column in input, -1: nowhere; empty before input was pruned
	// places counts the readers met by the converter.
	places int
}

func (r *sharedRel) fields() []exec.Field { return r.of.out }
func (r *sharedRel) inputs() []rel        { return nil }
func (r *sharedRel) estimate() float64    { return r.of.input.estimate() * selectivity(r.pred) }

// definitionOf names the definition that a derived table of the host reads: the host copies a common table expression
// to each of its places, with the ids of the columns that it selects; no two queries have the same ones.
func definitionOf(n *plan.SubqueryAlias) string {
	if len(n.ScopeMapping) == 0 {
		return ""
	}
	ids := make([]int, 0, len(n.ScopeMapping))
	for _, e := range n.ScopeMapping {
		id, ok := e.(sql.IdExpression)
		if !ok {
			return ""
		}
		ids = append(ids, int(id.Id()))
	}
	slices.Sort(ids)
	var b strings.Builder
	b.WriteString(n.TextDefinition)
	for _, id := range ids {
		b.WriteByte(' ')
		b.WriteString(strconv.Itoa(id))
	}
	return b.String()
}

// share notes the conversion of a derived table, which other places may read if it is a common table expression.
func (c *converter) share(n *plan.SubqueryAlias, r rel) rel {
	key := definitionOf(n)
	if key == "" || hasOuter(r) || c.rowIDsFor != nil {
		return r
	}
	if c.shares == nil {
		c.shares = map[string]*sharedRel{}
	}
	s := &sharedRel{of: &definition{name: n.Name(), input: r, out: r.fields(), places: 1}}
	c.shares[key] = s
	return s
}

// sharing makes one execution's copy of the definitions of a tree.
type sharing struct {
	copies map[*definition]*definition
	order  []*definition // those that a definition reads come before it
}

// unshare puts definitions that are read once, or are as cheap to compute as to keep, in the place of their readers.
// It returns the others, each after those that it reads.
func unshare(r rel) (rel, []*definition) {
	if !reads(r) {
		return r, nil
	}
	s := &sharing{copies: map[*definition]*definition{}}
	r = s.copied(r)
	readers := map[*definition]int{}
	count := func(x rel) {
		if p, ok := x.(*sharedRel); ok {
			readers[p.of]++
		}
	}
	eachRel(r, count)
	for _, d := range s.order {
		eachRel(d.input, count)
	}
	var kept []*definition
	for _, d := range s.order {
		d.input = inlined(d.input, readers)
		if d.out = d.input.fields(); readers[d] > 1 {
			kept = append(kept, d)
		}
	}
	return inlined(r, readers), kept
}

func reads(r rel) bool {
	found := false
	eachRel(r, func(x rel) {
		_, is := x.(*sharedRel)
		found = found || is
	})
	return found
}

// copied is r with definitions of its own, the cheap ones in place of their readers.
func (s *sharing) copied(r rel) rel {
	p, ok := r.(*sharedRel)
	if !ok {
		return withCopies(r, s.copied)
	}
	if cheap(p.of.input) {
		return s.copied(p.of.input)
	}
	d := s.copies[p.of]
	if d == nil {
		d = &definition{name: p.of.name, input: s.copied(p.of.input)}
		d.out = d.input.fields()
		s.copies[p.of] = d
		s.order = append(s.order, d)
	}
	return &sharedRel{of: d}
}

func withCopies(r rel, f func(rel) rel) rel {
	in := slices.Clone(r.inputs())
	if len(in) == 0 {
		return r
	}
	for i := range in {
		in[i] = f(in[i])
	}
	return withInputs(r, in)
}

// inlined replaces the only readers of definitions.
func inlined(r rel, readers map[*definition]int) rel {
	if p, ok := r.(*sharedRel); ok && readers[p.of] == 1 {
		return p.of.input
	}
	return withCopies(r, func(in rel) rel { return inlined(in, readers) })
}

// cheap reports whether the rows of r are read from a table row by row, and are the same each time.
func cheap(r rel) bool {
	stable := true
	eachExpr(r, func(e expr.Expr) { stable = stable && movable(e) })
	switch n := r.(type) {
	case *scanRel, *valuesRel:
		return stable
	case *filterRel, *projectRel:
		return stable && cheap(r.inputs()[0])
	case *sharedRel:
		return cheap(n.of.input)
	}
	return false
}

// optimizeShared optimises the kept definitions for what their readers, in r and in each other, use of them.
func optimizeShared(r rel, defs []*definition) {
	for i, d := range slices.Backward(defs) {
		var places []*sharedRel
		note := func(x rel) {
			if p, ok := x.(*sharedRel); ok && p.of == d {
				places = append(places, p)
			}
		}
		eachRel(r, note)
		for _, later := range defs[i+1:] {
			eachRel(later.input, note)
		}
		d.input, d.where = prune(pushFilters(restricted(d.input, places), nil), d.need)
	}
}

// restricted is in without the rows that none of the places uses.
func restricted(in rel, places []*sharedRel) rel {
	var any []expr.Expr
	for _, p := range places {
		if p.pred == nil {
			return in
		}
		any = append(any, p.pred)
	}
	if len(any) == 0 {
		return in
	}
	pred := any[0]
	for _, p := range any[1:] {
		pred = mustCall("or", pred, p)
	}
	return &filterRel{input: in, pred: pred}
}

// readShared reads the rows of a definition; the columns that prune dropped, which nobody reads, are NULL.
func (l *lowering) readShared(r *sharedRel) (exec.Operator, error) {
	m := l.shared[r.of]
	if m == nil {
		op, err := l.lower(r.of.input)
		if err != nil {
			return nil, err
		}
		if m = exec.NewMaterialized(op); l.shared == nil {
			l.shared = map[*definition]*exec.Materialized{}
		}
		l.shared[r.of] = m
	}
	op := m.Replay()
	if len(r.of.where) == 0 || slices.Equal(r.of.where, identity(len(op.Fields()))) {
		return op, nil
	}
	var exprs []expr.Expr
	for i, at := range r.of.where {
		if at >= 0 {
			exprs = append(exprs, columnOf(op.Fields(), at))
		} else {
			exprs = append(exprs, &expr.Literal{Val: types.NullOf(r.of.out[i].Type)})
		}
	}
	return exec.NewProject(op, exprs, r.of.out), nil
}

// pruneShared notes the columns that one more place reads.
func pruneShared(r *sharedRel, need []bool) (rel, []int) {
	if r.of.need == nil {
		r.of.need = make([]bool, len(r.of.out))
	}
	for i, n := range need {
		r.of.need[i] = r.of.need[i] || n
	}
	return r, identity(len(need))
}

// sharesRows reports whether r reads a definition that was read before and is worth keeping.
func sharesRows(r rel) bool {
	found := false
	eachRel(r, func(x rel) {
		p, ok := x.(*sharedRel)
		found = found || ok && p.of.places > 1 && !cheap(p.of.input)
	})
	return found
}
