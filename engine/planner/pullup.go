package planner

import (
	"slices"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

// pulled is a correlated subquery without its references to enclosing queries: they have become conditions above it.
type pulled struct {
	rel     rel         // the subquery's columns, then those that only conds need
	conds   []expr.Expr // over rel's columns and outerRefs
	missing []expr.Expr // constants: the row of an aggregate without GROUP BY for an enclosing row whose group is empty; nil: no row
}

// unnesting takes one subquery out of its place in an enclosing query, whose columns are the outer positions from level on.
type unnesting struct {
	level int
	// domain gives the different values of columns of the enclosing rows; false where they cannot be read once more. nil: nowhere.
	domain func(columns []int) (rel, bool)
}

// pullUp takes the references to the enclosing query out of r. ok is false where that cannot be done.
func (u *unnesting) pullUp(r rel) (p pulled, ok bool) {
	if !refersOuter(r, u.level) {
		return pulled{rel: r}, true
	}
	switch n := r.(type) {
	case *filterRel:
		return u.filter(n)
	case *projectRel:
		return u.project(n)
	case *aggRel:
		return u.aggregate(n)
	case *joinRel:
		return u.join(n)
	case *distinctRel:
		p, _, ok = u.equated(n.input, nil)
		p.rel = &distinctRel{input: p.rel}
		return p, ok
	case *sortRel:
		return u.pullUp(n.input) // the order of a subquery's rows is not seen
	case *limitRel:
		return u.limit(n)
	case *windowRel:
		return u.window(n)
	case *unionRel:
		return u.union(n)
	case *valuesRel:
		return u.values(n)
	}
	return pulled{}, false
}

// rows is pullUp for an r that must have the same rows within the subquery as it would have alone.
func (u *unnesting) rows(r rel) (pulled, bool) {
	p, ok := u.pullUp(r)
	if ok && p.missing != nil {
		p, _, ok = u.dependent(r, nil)
	}
	return p, ok
}

// equated is rows with conditions that equate both queries, by which the rows of each enclosing row can be told, or read
// only the enclosing one. With expressions that read the enclosing rows, columns of the rel stand for these.
func (u *unnesting) equated(r rel, reads []int) (p pulled, columns map[int]int, ok bool) {
	if len(reads) == 0 {
		if p, ok = u.pullUp(r); ok && p.missing == nil && onlyEqualities(p.conds, u.level) {
			return p, nil, true
		}
	}
	return u.dependent(r, reads)
}

func (u *unnesting) filter(n *filterRel) (pulled, bool) {
	p, ok := u.rows(n.input)
	if !ok {
		return p, false
	}
	var kept []expr.Expr
	for _, c := range expr.Conjuncts(n.pred) {
		if refersTo(c, u.level) {
			p.conds = append(p.conds, c)
		} else {
			kept = append(kept, c)
		}
	}
	p.rel = filtered(p.rel, kept)
	return p, true
}

func (u *unnesting) project(n *projectRel) (pulled, bool) {
	reads := u.reads(n)
	if len(reads) == 0 {
		p, ok := u.pullUp(n.input)
		if !ok {
			return p, false
		}
		return p.projected(n.exprs, n.out), true
	}
	p, columns, ok := u.dependent(n.input, reads)
	if !ok {
		return p, false
	}
	return p.projected(u.substituted(n.exprs, p.rel, columns), n.out), true
}

// projected is a projection of p that keeps what the conditions read.
func (p pulled) projected(exprs []expr.Expr, fields []exec.Field) pulled {
	out := &projectRel{input: p.rel, exprs: slices.Clone(exprs), out: slices.Clone(fields)}
	in, at := p.rel.fields(), map[int]int{}
	conds := make([]expr.Expr, len(p.conds))
	for i, c := range p.conds {
		conds[i] = mapColumns(c, func(col *expr.Column) expr.Expr {
			k, seen := at[col.Index]
			if !seen {
				k = len(out.exprs)
				at[col.Index] = k
				out.exprs, out.out = append(out.exprs, columnOf(in, col.Index)), append(out.out, in[col.Index])
			}
			return columnOf(out.out, k)
		})
	}
	up := pulled{rel: out, conds: conds}
	if p.missing != nil {
		for _, e := range exprs {
			up.missing = append(up.missing, mapColumns(e, func(col *expr.Column) expr.Expr { return p.missing[col.Index] }))
		}
	}
	return up
}

// aggregate groups by what the conditions compare, too. Without GROUP BY an empty group still gives a row: missing.
func (u *unnesting) aggregate(n *aggRel) (pulled, bool) {
	p, columns, ok := u.equated(n.input, u.reads(n))
	if !ok {
		return p, false
	}
	a := &aggRel{keys: slices.Clone(n.keys), aggs: n.aggs}
	if columns != nil {
		a = mapExprs(a, func(e expr.Expr) expr.Expr { return u.substitute(e, p.rel, columns) }).(*aggRel) //nolint:forcetypeassert // a copy of a
	}
	a.input = p.rel
	up := pulled{}
	for _, c := range p.conds {
		inner, outer, ok := splitEquality(c, u.level)
		if !ok { // reads nothing of the subquery
			up.conds = append(up.conds, c)
			continue
		}
		key := &expr.Column{Index: len(n.out) + len(a.keys) - len(n.keys), Name: inner.String(), Typ: inner.Type(), Null: inner.Nullable()}
		a.keys = append(a.keys, inner)
		up.conds = append(up.conds, mustCall(c.(*expr.Call).Name, key, outer)) //nolint:forcetypeassert // splitEquality's
	}
	k := len(n.keys)
	a.out = append(a.out, n.out[:k]...)
	for _, key := range a.keys[k:] {
		a.out = append(a.out, exec.Field{Name: key.String(), Type: key.Type(), Nullable: key.Nullable()})
	}
	a.out = append(a.out, n.out[k:]...)
	up.rel = reorder(a, slices.Concat(span(0, k), span(len(a.keys), len(a.out)), span(k, len(a.keys))))
	if k == 0 {
		for i, g := range n.aggs {
			m := emptyAggregate(g.Name, n.out[i].Type)
			if m == nil {
				return pulled{}, false
			}
			up.missing = append(up.missing, m)
		}
	}
	return up, true
}

// emptyAggregate is the value of an aggregate over no rows, or nil if it is not a constant known here.
func emptyAggregate(name string, t types.Type) expr.Expr {
	switch name {
	case "count":
		return expr.Cast(intLiteral(0), t)
	case "bit_or", "bit_xor":
		return expr.Cast(intLiteral(0), t)
	case "bit_and":
		return nil
	}
	return &expr.Literal{Val: types.NullOf(t)}
}

func (u *unnesting) join(n *joinRel) (pulled, bool) {
	if n.kind != exec.JoinInner || n.asof != nil {
		return u.otherJoin(n)
	}
	l, ok := u.rows(n.left)
	if !ok {
		return l, false
	}
	r, ok := u.rows(n.right)
	if !ok {
		return r, false
	}
	lw, rw, left := len(n.left.fields()), len(n.right.fields()), len(l.rel.fields())
	j := &joinRel{kind: n.kind, left: l.rel, right: r.rel}
	up := pulled{conds: slices.Clone(l.conds)}
	for _, c := range n.on {
		if c = shiftFrom(c, lw, left-lw); refersTo(c, u.level) {
			up.conds = append(up.conds, c)
		} else {
			j.on = append(j.on, c)
		}
	}
	for _, c := range r.conds {
		up.conds = append(up.conds, shift(c, left))
	}
	return up.reordered(j, slices.Concat(span(0, lw), span(left, left+rw), span(lw, left), span(left+rw, len(j.fields())))), true
}

// reordered puts r's columns into another order, for which conditions over r's are rewritten.
func (p pulled) reordered(r rel, order []int) pulled {
	p.rel = reorder(r, order)
	back := make([]int, len(r.fields()))
	for i, o := range order {
		back[o] = i
	}
	for i := range p.conds {
		p.conds[i] = remap(p.conds[i], back)
	}
	return p
}

// span lists the numbers from lo up to, without, hi.
func span(lo, hi int) []int {
	var out []int
	for i := lo; i < hi; i++ {
		out = append(out, i)
	}
	return out
}

// reorder puts out the columns of r at the given positions.
func reorder(r rel, order []int) rel {
	in := r.fields()
	if slices.Equal(order, identity(len(in))) {
		return r
	}
	p := &projectRel{input: r}
	for _, i := range order {
		p.exprs, p.out = append(p.exprs, columnOf(in, i)), append(p.out, in[i])
	}
	return p
}

// shiftFrom moves the columns at from and behind by n positions.
func shiftFrom(e expr.Expr, from, n int) expr.Expr {
	return mapColumns(e, func(c *expr.Column) expr.Expr {
		if c.Index < from {
			return c
		}
		moved := *c
		moved.Index += n
		return &moved
	})
}

// splitEquality splits c into an expression of the subquery and one of the enclosing query if it equates them.
func splitEquality(c expr.Expr, level int) (inner, outer expr.Expr, ok bool) {
	call, is := c.(*expr.Call)
	if !is || call.Name != "=" && call.Name != "<=>" {
		return nil, nil, false
	}
	for i, a := range call.Args {
		b := call.Args[1-i]
		if !refersTo(a, level) && len(expr.Columns(a)) > 0 && refersTo(b, level) && len(expr.Columns(b)) == 0 {
			return a, b, true
		}
	}
	return nil, nil, false
}

// onlyEqualities reports whether every condition equates both queries, or reads only the enclosing one.
func onlyEqualities(conds []expr.Expr, level int) bool {
	for _, c := range conds {
		if _, _, ok := splitEquality(c, level); !ok && len(expr.Columns(c)) > 0 {
			return false
		}
	}
	return true
}

// refersTo reports whether e has a column of the enclosing query at position level or above.
func refersTo(e expr.Expr, level int) bool {
	found := false
	expr.Walk(e, func(x expr.Expr) bool {
		o, is := x.(*outerRef)
		found = found || (is && o.index >= level)
		return !found
	})
	return found
}

func exprsRefer(r rel, level int) bool {
	found := false
	eachExpr(r, func(e expr.Expr) { found = found || refersTo(e, level) })
	return found
}

func refersOuter(r rel, level int) bool {
	if exprsRefer(r, level) {
		return true
	}
	return slices.ContainsFunc(r.inputs(), func(in rel) bool { return refersOuter(in, level) })
}

// toJoinConds turns conditions over a subquery's columns and outerRefs into conditions of its join with the
// enclosing query's rows, which have width columns.
func toJoinConds(conds []expr.Expr, level, width int) []expr.Expr {
	out := make([]expr.Expr, len(conds))
	for i, c := range conds {
		out[i] = rewriteExpr(c, func(e expr.Expr) expr.Expr {
			switch e := e.(type) {
			case *outerRef:
				if e.index >= level {
					return &expr.Column{Index: e.index - level, Name: e.name, Typ: e.typ, Null: true}
				}
			case *expr.Column:
				moved := *e
				moved.Index += width
				return &moved
			}
			return e
		})
	}
	return out
}
