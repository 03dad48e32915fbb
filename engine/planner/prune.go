package planner

import (
	"slices"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
)

// prune returns r without the columns that nobody needs, and where each old column went (-1: gone). A
// rel may keep more than it was asked for.
func prune(r rel, need []bool) (rel, []int) {
	switch n := r.(type) {
	case *scanRel:
		return pruneScan(n, need)
	case *projectRel:
		return pruneProject(n, need)
	case *aggRel:
		return pruneAgg(n, need)
	case *windowRel:
		return pruneWindow(n, need)
	case *joinRel:
		return pruneJoin(n, need)
	case *sharedRel:
		return pruneShared(n, need)
	case *filterRel, *sortRel, *limitRel, *oneRowRel:
		return pruneUnary(r, need)
	}
	in := slices.Clone(r.inputs())
	for i := range in { // DISTINCT, UNION: every column counts
		p, where := prune(in[i], allOf(len(in[i].fields())))
		in[i] = restore(p, where, in[i].fields())
	}
	return withInputs(r, in), identity(len(need))
}

func allOf(n int) []bool { return slices.Repeat([]bool{true}, n) }

func identity(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// keepMap numbers the needed columns.
func keepMap(need []bool) []int {
	out := make([]int, len(need))
	k := 0
	for i, n := range need {
		out[i] = -1
		if n {
			out[i] = k
			k++
		}
	}
	return out
}

// restore projects p back to the original columns if pruning moved them.
func restore(p rel, where []int, fields []exec.Field) rel {
	if len(p.fields()) == len(fields) && slices.Equal(where, identity(len(where))) {
		return p
	}
	out := &projectRel{input: p, out: fields}
	in := p.fields()
	for i := range fields {
		out.exprs = append(out.exprs, columnOf(in, where[i]))
	}
	return out
}

func mark(need []bool, es ...expr.Expr) {
	for _, e := range es {
		for _, c := range expr.Columns(e) {
			need[c] = true
		}
	}
}

func remap(e expr.Expr, where []int) expr.Expr {
	return mapColumns(e, func(c *expr.Column) expr.Expr {
		moved := *c
		moved.Index = where[c.Index]
		return &moved
	})
}

func pruneScan(n *scanRel, need []bool) (rel, []int) {
	out := *n
	out.cols = nil
	where := make([]int, len(need))
	for i := range where {
		where[i] = -1
		if i < len(n.cols) && need[i] {
			where[i] = len(out.cols)
			out.cols = append(out.cols, n.cols[i])
		}
	}
	for i := len(n.cols); i < len(need); i++ { // row ids come last and stay
		where[i] = len(out.cols) + i - len(n.cols)
	}
	return &out, where
}

func pruneProject(n *projectRel, need []bool) (rel, []int) {
	below := make([]bool, len(n.input.fields()))
	for i, e := range n.exprs {
		if need[i] {
			mark(below, e)
		}
	}
	in, moved := prune(n.input, below)
	out := &projectRel{input: in}
	for i, e := range n.exprs {
		if need[i] {
			out.exprs = append(out.exprs, remap(e, moved))
			out.out = append(out.out, n.out[i])
		}
	}
	return out, keepMap(need)
}

func pruneAgg(n *aggRel, need []bool) (rel, []int) {
	below := make([]bool, len(n.input.fields()))
	keep := slices.Clone(need)
	for i := range n.keys {
		keep[i] = true
		mark(below, n.keys[i])
	}
	for i, a := range n.aggs {
		if keep[len(n.keys)+i] {
			mark(below, aggExprs(a)...)
		}
	}
	in, moved := prune(n.input, below)
	out := &aggRel{input: in}
	for i := range n.keys {
		out.keys = append(out.keys, remap(n.keys[i], moved))
		out.out = append(out.out, n.out[i])
	}
	for i, a := range n.aggs {
		if !keep[len(n.keys)+i] {
			continue
		}
		out.aggs = append(out.aggs, remapAgg(a, moved))
		out.out = append(out.out, n.out[len(n.keys)+i])
	}
	return out, keepMap(keep)
}

func aggExprs(a exec.Aggregate) []expr.Expr {
	es := slices.Clone(a.Args)
	for _, k := range a.OrderBy {
		es = append(es, k.Expr)
	}
	return es
}

func remapAgg(a exec.Aggregate, moved []int) exec.Aggregate {
	a.Args = slices.Clone(a.Args)
	for i := range a.Args {
		a.Args[i] = remap(a.Args[i], moved)
	}
	a.OrderBy = slices.Clone(a.OrderBy)
	for i := range a.OrderBy {
		a.OrderBy[i].Expr = remap(a.OrderBy[i].Expr, moved)
	}
	return a
}

func pruneJoin(n *joinRel, need []bool) (rel, []int) {
	width := len(n.left.fields())
	right := n.right.fields()
	both := make([]bool, width+len(right))
	copy(both, need)
	mark(both, n.on...)
	needLeft, needRight := both[:width], both[width:]
	if n.asof != nil {
		mark(needLeft, n.asof.leftTime)
		mark(needRight, n.asof.rightTime)
		mark(needRight, n.asof.ties...)
	}
	out := *n
	var movedLeft, movedRight []int
	out.left, movedLeft = prune(n.left, needLeft)
	out.right, movedRight = prune(n.right, needRight)
	newWidth := len(out.left.fields())
	where := slices.Clone(movedLeft)
	for _, m := range movedRight {
		if m >= 0 {
			m += newWidth
		}
		where = append(where, m)
	}
	out.on = make([]expr.Expr, len(n.on))
	for i, e := range n.on {
		out.on[i] = remap(e, where)
	}
	if n.asof != nil {
		out.asof = &asofSpec{leftTime: remap(n.asof.leftTime, movedLeft), rightTime: remap(n.asof.rightTime, movedRight), strict: n.asof.strict}
		for _, tie := range n.asof.ties {
			out.asof.ties = append(out.asof.ties, remap(tie, movedRight))
		}
	}
	return &out, where[:len(need)]
}

func pruneUnary(r rel, need []bool) (rel, []int) {
	below := slices.Clone(need)
	eachExpr(r, func(e expr.Expr) { mark(below, e) })
	in, moved := prune(r.inputs()[0], below)
	out := mapExprs(withInputs(r, []rel{in}), func(e expr.Expr) expr.Expr { return remap(e, moved) })
	return out, moved
}
