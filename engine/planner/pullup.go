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

// pullUp takes the references to the enclosing query (outer positions of level and above) out of r. ok is false
// where that would change the rows.
func pullUp(r rel, level int) (p pulled, ok bool) {
	if !refersOuter(r, level) {
		return pulled{rel: r}, true
	}
	switch n := r.(type) {
	case *filterRel:
		return pullUpFilter(n, level)
	case *projectRel:
		return pullUpProject(n, level)
	case *aggRel:
		return pullUpAgg(n, level)
	case *joinRel:
		return pullUpJoin(n, level)
	case *distinctRel:
		if p, ok = pullUp(n.input, level); ok && p.missing == nil && onlyEqualities(p.conds, level) {
			p.rel = &distinctRel{input: p.rel}
			return p, true
		}
	case *sortRel:
		if p, ok = pullUp(n.input, level); ok && !exprsRefer(n, level) {
			return p, true // the order of a subquery's rows is not seen
		}
	}
	return pulled{}, false
}

func pullUpFilter(n *filterRel, level int) (pulled, bool) {
	p, ok := pullUp(n.input, level)
	if !ok || p.missing != nil {
		return p, false
	}
	var kept []expr.Expr
	for _, c := range expr.Conjuncts(n.pred) {
		if refersTo(c, level) {
			p.conds = append(p.conds, c)
		} else {
			kept = append(kept, c)
		}
	}
	p.rel = filtered(p.rel, kept)
	return p, true
}

func pullUpProject(n *projectRel, level int) (pulled, bool) {
	p, ok := pullUp(n.input, level)
	if !ok || exprsRefer(n, level) {
		return p, false
	}
	out := &projectRel{input: p.rel, exprs: slices.Clone(n.exprs), out: slices.Clone(n.out)}
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
		for _, e := range n.exprs {
			up.missing = append(up.missing, mapColumns(e, func(col *expr.Column) expr.Expr { return p.missing[col.Index] }))
		}
	}
	return up, true
}

// pullUpAgg groups by what the conditions compare, too. Without GROUP BY an empty group still gives a row: missing.
func pullUpAgg(n *aggRel, level int) (pulled, bool) {
	p, ok := pullUp(n.input, level)
	if !ok || p.missing != nil || exprsRefer(n, level) || !onlyEqualities(p.conds, level) {
		return p, false
	}
	a := &aggRel{input: p.rel, keys: slices.Clone(n.keys), aggs: n.aggs}
	up := pulled{}
	for _, c := range p.conds {
		inner, outer, ok := splitEquality(c, level)
		if !ok { // reads nothing of the subquery
			up.conds = append(up.conds, c)
			continue
		}
		key := &expr.Column{Index: len(n.out) + len(a.keys) - len(n.keys), Name: inner.String(), Typ: inner.Type(), Null: inner.Nullable()}
		a.keys = append(a.keys, inner)
		up.conds = append(up.conds, mustCall("=", key, outer))
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
			up.missing = append(up.missing, emptyAggregate(g.Name, n.out[i].Type))
		}
		for _, m := range up.missing {
			if m == nil {
				return pulled{}, false
			}
		}
	}
	return up, true
}

// emptyAggregate is the value of an aggregate over no rows, or nil if it is not a constant known here.
func emptyAggregate(name string, t types.Type) expr.Expr {
	switch name {
	case "count":
		return expr.Cast(intLiteral(0), t)
	case "sum", "avg", "min", "max", "any_value", "group_concat", "stddev_pop", "stddev_samp", "var_pop", "var_samp":
		return &expr.Literal{Val: types.NullOf(t)}
	}
	return nil
}

func pullUpJoin(n *joinRel, level int) (pulled, bool) {
	if n.asof != nil || n.kind == exec.JoinRight || n.kind == exec.JoinFull {
		return pulled{}, false
	}
	inner := n.kind == exec.JoinInner
	l, ok := pullUp(n.left, level)
	if !ok || l.missing != nil || (!inner && (refersOuter(n.right, level) || slices.ContainsFunc(n.on, func(e expr.Expr) bool { return refersTo(e, level) }))) {
		return pulled{}, false
	}
	r, ok := pullUp(n.right, level)
	if !ok || r.missing != nil {
		return pulled{}, false
	}
	lw, rw, left := len(n.left.fields()), len(n.right.fields()), len(l.rel.fields())
	widen := func(e expr.Expr) expr.Expr { return shiftFrom(e, lw, left-lw) }
	j := &joinRel{kind: n.kind, left: l.rel, right: r.rel}
	up := pulled{conds: slices.Clone(l.conds)}
	for _, c := range n.on {
		if c = widen(c); refersTo(c, level) {
			up.conds = append(up.conds, c)
		} else {
			j.on = append(j.on, c)
		}
	}
	for _, c := range r.conds {
		up.conds = append(up.conds, shift(c, left))
	}
	if n.kind == exec.JoinSemi || n.kind == exec.JoinAnti || n.kind == exec.JoinAntiNullAware {
		up.rel = j
		return up, true
	}
	order := slices.Concat(span(0, lw), span(left, left+rw), span(lw, left), span(left+rw, len(j.fields())))
	up.rel = reorder(j, order)
	back := make([]int, len(order))
	for i, o := range order {
		back[o] = i
	}
	for i := range up.conds {
		up.conds[i] = remap(up.conds[i], back)
	}
	return up, true
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
	if !is || call.Name != "=" {
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
