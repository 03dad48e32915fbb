package planner

import (
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
)

// optimize pushes filters down to scans and into joins, orders inner joins, and prunes columns.
func optimize(r rel) rel {
	r, defs := unshare(r)
	for _, d := range defs {
		d.input = arrange(d.input)
	}
	r = arrange(r)
	all := make([]bool, len(r.fields()))
	for i := range all {
		all[i] = true
	}
	r, _ = prune(r, all)
	optimizeShared(r, defs)
	return r
}

// arrange pushes filters down and orders joins.
func arrange(r rel) rel {
	return pushFilters(orderJoins(pushFilters(r, nil)), nil)
}

// pushFilters moves the predicates (over r's fields) as far down as they keep their meaning.
func pushFilters(r rel, preds []expr.Expr) rel {
	switch n := r.(type) {
	case *filterRel:
		return pushFilters(n.input, append(conjuncts(n.pred), preds...))
	case *joinRel:
		return pushThroughJoin(innerIfRejected(n, preds), preds)
	case *scanRel:
		return pushIntoScan(n, preds)
	}
	preds, stay := splitMovable(preds)
	if p, ok := r.(*sharedRel); ok {
		place := &sharedRel{of: p.of}
		if len(preds) > 0 {
			place.pred = expr.And(preds...)
		}
		return filtered(place, append(preds, stay...))
	}
	return filtered(pushBelow(r, preds), stay)
}

// splitMovable tells apart what may be evaluated elsewhere from what may not.
func splitMovable(preds []expr.Expr) (movables, stay []expr.Expr) {
	for _, p := range preds {
		if movable(p) {
			movables = append(movables, p)
		} else {
			stay = append(stay, p)
		}
	}
	return movables, stay
}

// pushBelow is pushFilters for operators that movable predicates may pass.
func pushBelow(r rel, preds []expr.Expr) rel {
	switch n := r.(type) {
	case *projectRel:
		return pushThroughProject(n, preds)
	case *aggRel:
		return pushThroughAgg(n, preds)
	case *windowRel:
		return pushThroughWindow(n, preds)
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
	intoLeft := n.kind == exec.JoinInner || n.kind == exec.JoinLeft || n.kind == exec.JoinSemi || n.kind == exec.JoinAnti || n.kind == exec.JoinAntiNullAware
	intoRight := (n.kind == exec.JoinInner && n.asof == nil) || n.kind == exec.JoinRight
	for _, p := range preds {
		l, r := side(p, width)
		switch {
		case !movable(p):
			above = append(above, p)
		case l && !r && intoLeft:
			toLeft = append(toLeft, p)
		case r && !l && intoRight:
			toRight = append(toRight, shift(p, -width))
		case n.kind == exec.JoinInner && n.asof == nil && (l || r):
			on = append(on, p)
		default:
			above = append(above, p)
		}
	}
	var kept []expr.Expr
	for _, c := range n.on {
		on = append(on, conjuncts(c)...)
	}
	for _, p := range on {
		l, r := side(p, width)
		switch {
		case !movable(p) || n.asof != nil || n.kind == exec.JoinAntiNullAware:
			kept = append(kept, p)
		case l && !r && (n.kind == exec.JoinInner || n.kind == exec.JoinRight || n.kind == exec.JoinSemi):
			toLeft = append(toLeft, p)
		case r && !l && n.kind != exec.JoinRight && n.kind != exec.JoinFull:
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
