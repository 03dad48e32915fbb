package planner

import (
	"slices"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
)

// optimize pushes filters down to scans and into joins, orders inner joins, and prunes columns.
func optimize(r rel) rel {
	r = pushFilters(r, nil)
	r = orderJoins(r)
	r = pushFilters(r, nil)
	all := make([]bool, len(r.fields()))
	for i := range all {
		all[i] = true
	}
	r, _ = prune(r, all)
	return r
}

// pushFilters moves the predicates (over r's fields) as far down as they keep their meaning.
func pushFilters(r rel, preds []expr.Expr) rel {
	switch n := r.(type) {
	case *filterRel:
		return pushFilters(n.input, append(expr.Conjuncts(n.pred), preds...))
	case *projectRel:
		return pushThroughProject(n, preds)
	case *joinRel:
		return pushThroughJoin(n, preds)
	case *scanRel:
		return pushIntoScan(n, preds)
	case *aggRel:
		return pushThroughAgg(n, preds)
	case *sortRel, *distinctRel:
		return withInputs(r, []rel{pushFilters(r.inputs()[0], preds)})
	case *unionRel:
		parts := make([]rel, len(n.parts))
		for i, p := range n.parts {
			parts[i] = pushFilters(p, preds)
		}
		return &unionRel{parts: parts, out: n.out}
	}
	in := r.inputs()
	for i := range in {
		in[i] = pushFilters(in[i], nil)
	}
	return filtered(withInputs(r, in), preds)
}

func filtered(r rel, preds []expr.Expr) rel {
	if len(preds) == 0 {
		return r
	}
	return &filterRel{input: r, pred: expr.And(preds...)}
}

// movable reports whether evaluating e elsewhere, or not for every row, is unobservable.
func movable(e expr.Expr) bool {
	ok := true
	expr.Walk(e, func(x expr.Expr) bool {
		switch x := x.(type) {
		case *expr.RowFunc, *subqueryExpr:
			ok = false
		case *expr.Call:
			ok = ok && !volatileCall(x)
		}
		return ok
	})
	return ok
}

func pushThroughProject(n *projectRel, preds []expr.Expr) rel {
	var below, above []expr.Expr
	for _, p := range preds {
		usable := true
		for _, c := range expr.Columns(p) {
			usable = usable && movable(n.exprs[c])
		}
		if !usable {
			above = append(above, p)
			continue
		}
		below = append(below, mapColumns(p, func(c *expr.Column) expr.Expr { return n.exprs[c.Index] }))
	}
	return filtered(&projectRel{input: pushFilters(n.input, below), exprs: n.exprs, out: n.out}, above)
}

// pushThroughAgg moves predicates on grouping columns below the aggregation.
func pushThroughAgg(n *aggRel, preds []expr.Expr) rel {
	var below, above []expr.Expr
	for _, p := range preds {
		keysOnly := len(n.keys) > 0 && len(expr.Columns(p)) > 0
		for _, c := range expr.Columns(p) {
			keysOnly = keysOnly && c < len(n.keys) && movable(n.keys[c])
		}
		if keysOnly {
			below = append(below, mapColumns(p, func(c *expr.Column) expr.Expr { return n.keys[c.Index] }))
		} else {
			above = append(above, p)
		}
	}
	return filtered(withInputs(n, []rel{pushFilters(n.input, below)}), above)
}

// side says which inputs of a join an expression reads.
func side(e expr.Expr, width int) (left, right bool) {
	for _, c := range expr.Columns(e) {
		left = left || c < width
		right = right || c >= width
	}
	return left, right
}

func pushThroughJoin(n *joinRel, preds []expr.Expr) rel {
	width := len(n.left.fields())
	var toLeft, toRight, on, above []expr.Expr
	intoLeft := n.kind == exec.Inner || n.kind == exec.Left || n.kind == exec.Semi || n.kind == exec.Anti || n.kind == exec.AntiNullAware
	intoRight := (n.kind == exec.Inner && n.asof == nil) || n.kind == exec.Right
	for _, p := range preds {
		l, r := side(p, width)
		switch {
		case !movable(p):
			above = append(above, p)
		case l && !r && intoLeft:
			toLeft = append(toLeft, p)
		case r && !l && intoRight:
			toRight = append(toRight, shift(p, -width))
		case n.kind == exec.Inner && n.asof == nil && (l || r):
			on = append(on, p)
		default:
			above = append(above, p)
		}
	}
	var kept []expr.Expr
	for _, p := range append(on, n.on...) {
		l, r := side(p, width)
		switch {
		case !movable(p) || n.asof != nil || n.kind == exec.AntiNullAware:
			kept = append(kept, p)
		case l && !r && (n.kind == exec.Inner || n.kind == exec.Right || n.kind == exec.Semi):
			toLeft = append(toLeft, p)
		case r && !l && n.kind != exec.Right && n.kind != exec.Full:
			toRight = append(toRight, shift(p, -width))
		default:
			kept = append(kept, p)
		}
	}
	out := *n
	out.on = kept
	out.left, out.right = pushFilters(n.left, toLeft), pushFilters(n.right, toRight)
	return filtered(&out, above)
}

// pushIntoScan hands deterministic predicates to the scan, which applies them exactly.
func pushIntoScan(n *scanRel, preds []expr.Expr) rel {
	out := *n
	all := n.source.Fields()
	var above []expr.Expr
	conj := expr.Conjuncts(n.filter)
	for _, p := range preds {
		ids := false
		for _, c := range expr.Columns(p) {
			ids = ids || c >= len(n.cols)
		}
		if ids || !movable(p) {
			above = append(above, p)
			continue
		}
		conj = append(conj, mapColumns(p, func(c *expr.Column) expr.Expr { return columnOf(all, n.cols[c.Index]) }))
	}
	if len(conj) > 0 {
		out.filter = expr.And(conj...)
	}
	return filtered(&out, above)
}

// orderJoins rebuilds chains of inner joins greedily: it starts with the smallest input and adds, each time,
// the connected input that gives the smallest estimate; unconnected ones come last.
func orderJoins(r rel) rel {
	j, ok := r.(*joinRel)
	if !ok || j.kind != exec.Inner || j.asof != nil {
		in := r.inputs()
		for i := range in {
			in[i] = orderJoins(in[i])
		}
		return withInputs(r, in)
	}
	var leaves []rel
	var preds []expr.Expr
	collectJoin(j, 0, &leaves, &preds)
	for i := range leaves {
		leaves[i] = orderJoins(leaves[i])
	}
	return rebuildJoins(leaves, preds)
}

// collectJoin flattens a tree of inner joins; predicates come out over the concatenation of all leaves.
func collectJoin(r rel, base int, leaves *[]rel, preds *[]expr.Expr) int {
	j, ok := r.(*joinRel)
	if !ok || j.kind != exec.Inner || j.asof != nil {
		*leaves = append(*leaves, r)
		return len(r.fields())
	}
	l := collectJoin(j.left, base, leaves, preds)
	w := collectJoin(j.right, base+l, leaves, preds)
	for _, p := range j.on {
		*preds = append(*preds, shift(p, base))
	}
	return l + w
}

type joinOrder struct {
	leaves []rel
	preds  []expr.Expr
	start  []int // first position of each leaf in the original concatenation
	at     []int // original position → position in the tree being built, -1 if not yet in
	used   []bool
	taken  []bool // predicates
}

func rebuildJoins(leaves []rel, preds []expr.Expr) rel {
	o := &joinOrder{leaves: leaves, preds: preds, used: make([]bool, len(leaves)), taken: make([]bool, len(preds))}
	total := 0
	for _, l := range leaves {
		o.start = append(o.start, total)
		total += len(l.fields())
	}
	o.at = slices.Repeat([]int{-1}, total)
	first := 0
	for i, l := range leaves {
		if l.estimate() > leaves[first].estimate() { // the largest input is streamed; the others are built
			first = i
		}
	}
	tree := rel(leaves[first])
	o.place(first, 0)
	for range len(leaves) - 1 {
		next := o.next(tree)
		width := len(tree.fields())
		o.place(next, width)
		tree = &joinRel{kind: exec.Inner, left: tree, right: leaves[next], on: o.ready()}
	}
	out := &projectRel{input: tree}
	fields := tree.fields()
	for i := range total {
		out.exprs = append(out.exprs, columnOf(fields, o.at[i]))
		out.out = append(out.out, fields[o.at[i]])
	}
	return out
}

func (o *joinOrder) place(leaf, at int) {
	o.used[leaf] = true
	for i := range o.leaves[leaf].fields() {
		o.at[o.start[leaf]+i] = at + i
	}
}

// next picks the unused leaf that an equality connects to the tree and whose estimate is least.
func (o *joinOrder) next(tree rel) int {
	best, bestCost := -1, 0.0
	for i, l := range o.leaves {
		if o.used[i] {
			continue
		}
		cost := l.estimate()
		if !o.connected(i) {
			cost = cost*tree.estimate() + 1e15
		}
		if best < 0 || cost < bestCost {
			best, bestCost = i, cost
		}
	}
	return best
}

func (o *joinOrder) connected(leaf int) bool {
	lo, hi := o.start[leaf], o.start[leaf]+len(o.leaves[leaf].fields())
	for _, p := range o.preds {
		touches, others := false, true
		for _, c := range expr.Columns(p) {
			if c >= lo && c < hi {
				touches = true
			} else if o.at[c] < 0 {
				others = false
			}
		}
		if touches && others && len(expr.Columns(p)) > 1 {
			return true
		}
	}
	return false
}

// ready returns, over the tree's positions, the predicates whose columns are all in it now.
func (o *joinOrder) ready() []expr.Expr {
	var out []expr.Expr
	for i, p := range o.preds {
		if o.taken[i] {
			continue
		}
		in := true
		for _, c := range expr.Columns(p) {
			in = in && o.at[c] >= 0
		}
		if in {
			o.taken[i] = true
			out = append(out, mapColumns(p, func(c *expr.Column) expr.Expr {
				moved := *c
				moved.Index = o.at[c.Index]
				return &moved
			}))
		}
	}
	return out
}
