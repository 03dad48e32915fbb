package planner

import (
	"maps"
	"slices"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

// Where a subquery's conditions are no equalities, or its expressions read the enclosing row, its part that does so is
// computed for the domain: each combination of values that the columns it reads have in the enclosing rows, once. Joined to
// the domain, that part reads columns of its own, and the enclosing rows find theirs by the values they have (after
// Neumann and Kemper, "Unnesting Arbitrary Queries", BTW 2015).

// dependent computes r for the domain of the columns that r, or who asks, reads. It puts out r's columns, then the domain's,
// whose positions it returns by that of the enclosing column; the conditions are that these are equal.
func (u *unnesting) dependent(r rel, reads []int) (p pulled, columns map[int]int, ok bool) {
	reads = union(reads, u.readsWithin(r))
	if u.domain == nil {
		return pulled{}, nil, false
	}
	if p, ok = u.pullUp(r); !ok {
		return pulled{}, nil, false
	}
	domain, ok := u.domain(reads)
	if !ok {
		return pulled{}, nil, false
	}
	width, found := len(r.fields()), len(p.rel.fields())
	columns = map[int]int{}
	at := map[int]int{} // in the join
	for i, c := range reads {
		columns[c], at[c] = width+i, found+i
	}
	j := &joinRel{kind: exec.JoinInner, left: p.rel, right: domain}
	order := slices.Concat(span(0, width), span(found, found+len(reads)))
	if p.missing == nil {
		j.on = u.substituted(p.conds, j, at)
		p = pulled{rel: reorder(j, order)}
	} else {
		p = pulled{rel: u.withMissing(p, domain, reads)}
	}
	for _, c := range reads {
		f := p.rel.fields()[columns[c]]
		p.conds = append(p.conds, mustCall("<=>", columnOf(p.rel.fields(), columns[c]), &outerRef{index: c, name: f.Name, typ: f.Type}))
	}
	return p, columns, true
}

// withMissing joins p to the domain and gives the missing row where there is none.
func (u *unnesting) withMissing(p pulled, domain rel, reads []int) rel {
	n := len(reads)
	at := map[int]int{}
	for i, c := range reads {
		at[c] = i
	}
	right := markFound(p.rel)
	j := &joinRel{kind: exec.JoinLeft, left: domain, right: right}
	for _, c := range p.conds {
		j.on = append(j.on, u.substitute(shift(c, n), j, at))
	}
	in := j.fields()
	out := &projectRel{input: j}
	for i, m := range p.missing {
		e := expr.Expr(columnOf(in, n+i))
		if m = u.substitute(m, j, at); !isNullLiteral(m) {
			e = mustCall("case", mustCall("isnull", columnOf(in, len(in)-1)), m, e)
		}
		f := in[n+i]
		out.exprs, out.out = append(out.exprs, expr.Cast(e, f.Type)), append(out.out, f)
	}
	for i := range n {
		out.exprs, out.out = append(out.exprs, columnOf(in, i)), append(out.out, in[i])
	}
	return out
}

// markFound adds a last column to r that is never NULL.
func markFound(r rel) rel {
	return &projectRel{input: r, exprs: append(columnsOf(r), intLiteral(1)), out: append(slices.Clone(r.fields()), exec.Field{Name: "found", Type: types.Of(types.Int64)})}
}

// substitute puts columns of r in place of references to the enclosing query.
func (u *unnesting) substitute(e expr.Expr, r rel, columns map[int]int) expr.Expr {
	fields := r.fields()
	return rewriteExpr(e, func(x expr.Expr) expr.Expr {
		if o, is := x.(*outerRef); is && o.index >= u.level {
			return columnOf(fields, columns[o.index])
		}
		return x
	})
}

func (u *unnesting) substituted(es []expr.Expr, r rel, columns map[int]int) []expr.Expr {
	out := make([]expr.Expr, len(es))
	for i, e := range es {
		out[i] = u.substitute(e, r, columns)
	}
	return out
}

// reads lists the columns of the enclosing query that r's own expressions read.
func (u *unnesting) reads(r rel) []int {
	found := map[int]bool{}
	eachExpr(r, func(e expr.Expr) {
		expr.Walk(e, func(x expr.Expr) bool {
			if o, is := x.(*outerRef); is && o.index >= u.level {
				found[o.index] = true
			}
			return true
		})
	})
	return slices.Sorted(maps.Keys(found))
}

func (u *unnesting) readsWithin(r rel) []int {
	out := u.reads(r)
	for _, in := range r.inputs() {
		out = union(out, u.readsWithin(in))
	}
	return out
}

func union(a, b []int) []int {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}

// partition are the expressions of the subquery that tell the rows of each enclosing row.
func (u *unnesting) partition(p pulled) []expr.Expr {
	var out []expr.Expr
	for _, c := range p.conds {
		if inner, _, ok := splitEquality(c, u.level); ok {
			out = append(out, inner)
		}
	}
	return out
}

// limit numbers the rows of each enclosing row in the order that is asked for.
func (u *unnesting) limit(n *limitRel) (pulled, bool) {
	if n.n > 0 && n.offset == 0 && oneRowAtMost(n.input) {
		return u.pullUp(n.input)
	}
	in := n.input
	project, projected := in.(*projectRel)
	if projected {
		in = project.input
	}
	sort, sorted := in.(*sortRel)
	reads := []int(nil)
	switch {
	case sorted:
		in, reads = sort.input, u.reads(sort)
	case projected:
		in, projected = n.input, false
	}
	if projected {
		reads = union(reads, u.reads(project))
	}
	p, columns, ok := u.equated(in, reads)
	if !ok {
		return p, false
	}
	number := exec.WindowCall{Name: "row_number", Type: types.Of(types.Int64), NotNull: true, As: "number"}
	w := &windowRel{input: p.rel, partition: u.partition(p)}
	if sorted {
		for _, k := range sort.keys {
			w.order = append(w.order, exec.SortKey{Expr: u.substitute(k.Expr, p.rel, columns), Desc: k.Desc})
		}
	}
	number.OrderKeys = len(w.order)
	w.calls = []exec.WindowCall{number}
	fields := w.fields()
	at := columnOf(fields, len(fields)-1)
	pred := mustCall(">", at, intLiteral(n.offset))
	if n.n >= 0 {
		pred = expr.And(pred, mustCall("<=", at, intLiteral(n.offset+n.n)))
	}
	p.rel = reorder(&filterRel{input: w, pred: pred}, identity(len(fields)-1))
	if projected {
		p = p.projected(u.substituted(project.exprs, p.rel, columns), project.out)
	}
	return p, true
}

// window computes the calls among the rows of each enclosing row.
func (u *unnesting) window(n *windowRel) (pulled, bool) {
	p, columns, ok := u.equated(n.input, u.reads(n))
	if !ok {
		return p, false
	}
	w := n.mapped(func(e expr.Expr) expr.Expr { return u.substitute(e, p.rel, columns) })
	width, all := len(n.input.fields()), len(p.rel.fields())
	w.input, w.partition = p.rel, append(w.partition, u.partition(p)...)
	return p.reordered(w, slices.Concat(span(0, width), span(all, all+len(n.calls)), span(width, all))), true
}

// union has all parts of a union depend on the same columns.
func (u *unnesting) union(n *unionRel) (pulled, bool) {
	reads := u.readsWithin(n)
	out := &unionRel{out: slices.Clone(n.out)}
	var last pulled
	for _, part := range n.parts {
		p, _, ok := u.dependent(part, reads)
		if !ok {
			return p, false
		}
		out.parts, last = append(out.parts, p.rel), p
	}
	out.out = append(out.out, last.rel.fields()[len(n.out):]...)
	return pulled{rel: out, conds: last.conds}, true
}

// values computes rows of expressions that read the enclosing row.
func (u *unnesting) values(n *valuesRel) (pulled, bool) {
	reads := u.reads(n)
	out := &unionRel{out: slices.Clone(n.out)}
	var last pulled
	for _, row := range n.rows {
		one := &valuesRel{rows: [][]expr.Expr{{nullLiteral()}}, out: []exec.Field{{Name: "one", Type: types.Of(types.Null), Nullable: true}}}
		p, columns, ok := u.dependent(one, reads)
		if !ok {
			return p, false
		}
		last = p.projected(u.substituted(row, p.rel, columns), n.out)
		out.parts = append(out.parts, last.rel)
	}
	out.out = append(out.out, last.rel.fields()[len(n.out):]...)
	return pulled{rel: out, conds: last.conds}, true
}

// otherJoin joins what the left and the right input give for the same enclosing values.
func (u *unnesting) otherJoin(n *joinRel) (pulled, bool) {
	if n.kind == exec.JoinRight {
		return u.rightJoin(n)
	}
	reads := u.readsWithin(n)
	within := u.readsWithin(n.right)
	if n.kind == exec.JoinFull {
		within = reads
	}
	if n.asof != nil && len(u.reads(n)) > 0 {
		return pulled{}, false
	}
	var l pulled
	var columns map[int]int
	var ok bool
	if len(within) == 0 && len(u.reads(n)) == 0 {
		l, ok = u.rows(n.left)
	} else {
		l, columns, ok = u.dependent(n.left, reads)
	}
	if !ok {
		return l, false
	}
	right, rightColumns := n.right, map[int]int(nil)
	if len(within) > 0 {
		r, cols, ok := u.dependent(n.right, within)
		if !ok {
			return r, false
		}
		right, rightColumns = r.rel, cols
	}
	lw, left, rw := len(n.left.fields()), len(l.rel.fields()), len(n.right.fields())
	j := &joinRel{kind: n.kind, left: l.rel, right: right}
	both := (&joinRel{kind: exec.JoinInner, left: l.rel, right: right}).fields()
	for _, c := range n.on {
		c = u.substitute(shiftFrom(c, lw, left-lw), l.rel, columns)
		if n.kind == exec.JoinAntiNullAware { // a comparison that is not known counts as a match
			j.kind, c = exec.JoinAnti, mustCall("or", c, mustCall("isnull", c))
		}
		j.on = append(j.on, c)
	}
	for _, c := range within {
		j.on = append(j.on, mustCall("<=>", columnOf(both, columns[c]), columnOf(both, left+rightColumns[c])))
	}
	if n.asof != nil {
		j.asof = &asofSpec{leftTime: n.asof.leftTime, rightTime: n.asof.rightTime, strict: n.asof.strict, ties: n.asof.ties}
	}
	switch n.kind {
	case exec.JoinSemi, exec.JoinAnti, exec.JoinAntiNullAware:
		l.rel = j
		return l, true
	case exec.JoinFull:
		return u.fullJoin(j, l, columns, rightColumns, lw, rw), true
	}
	return l.reordered(j, slices.Concat(span(0, lw), span(left, left+rw), span(lw, left), span(left+rw, len(j.fields())))), true
}

// fullJoin takes the enclosing values from the side that has a row.
func (u *unnesting) fullJoin(j *joinRel, l pulled, columns, rightColumns map[int]int, lw, rw int) pulled {
	in, left := j.fields(), len(l.rel.fields())
	p := &projectRel{input: j}
	for _, i := range slices.Concat(span(0, lw), span(left, left+rw)) {
		p.exprs, p.out = append(p.exprs, columnOf(in, i)), append(p.out, in[i])
	}
	up := pulled{}
	for _, c := range slices.Sorted(maps.Keys(columns)) {
		a, b := columnOf(in, columns[c]), columnOf(in, left+rightColumns[c])
		f := in[columns[c]]
		p.exprs, p.out = append(p.exprs, mustCall("case", mustCall("isnull", a), b, a)), append(p.out, f)
		up.conds = append(up.conds, mustCall("<=>", columnOf(p.out, len(p.out)-1), &outerRef{index: c, name: f.Name, typ: f.Type}))
	}
	up.rel = p
	return up
}

// rightJoin turns the join round.
func (u *unnesting) rightJoin(n *joinRel) (pulled, bool) {
	lw, rw := len(n.left.fields()), len(n.right.fields())
	turned := &joinRel{kind: exec.JoinLeft, left: n.right, right: n.left}
	for _, c := range n.on {
		turned.on = append(turned.on, changePlaces(c, lw, rw))
	}
	p, ok := u.otherJoin(turned)
	if !ok {
		return p, false
	}
	return p.reordered(p.rel, slices.Concat(span(rw, rw+lw), span(0, rw), span(lw+rw, len(p.rel.fields())))), true
}
