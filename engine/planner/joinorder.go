package planner

import (
	"maps"
	"slices"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
)

// orderJoins rebuilds each chain of inner joins: up to ten tables in the order of least cost (joindp.go), more of them,
// and tables without an equality between them, greedily: of all pairs of trees it joins, each time, the pair with
// the smallest estimated result (greedy operator ordering), pairs without a condition between them last. The
// trees may be bushy: a filtered dimension reduces its neighbour before that meets the largest table.
func orderJoins(r rel) rel {
	if !reorderable(r) {
		in := slices.Clone(r.inputs())
		for i := range in {
			in[i] = orderJoins(in[i])
		}
		out := withInputs(r, in)
		if j, ok := out.(*joinRel); ok {
			return pushSemi(j)
		}
		return out
	}
	var leaves []rel
	var preds []expr.Expr
	collectJoin(r, 0, &leaves, &preds)
	for i := range leaves {
		leaves[i] = orderJoins(leaves[i])
	}
	return rebuildJoins(leaves, preds)
}

func reorderable(r rel) bool {
	j, ok := r.(*joinRel)
	return ok && j.kind == exec.JoinInner && j.asof == nil
}

// collectJoin flattens a tree of inner joins; predicates come out over the concatenation of all leaves.
func collectJoin(r rel, base int, leaves *[]rel, preds *[]expr.Expr) int {
	if !reorderable(r) {
		*leaves = append(*leaves, r)
		return len(r.fields())
	}
	j := r.(*joinRel)
	l := collectJoin(j.left, base, leaves, preds)
	w := collectJoin(j.right, base+l, leaves, preds)
	for _, p := range j.on {
		*preds = append(*preds, shift(p, base))
	}
	return l + w
}

// joinTree is a part of the join that is built: a rel, and where the columns of the original concatenation are in it.
type joinTree struct {
	rel  rel
	at   map[int]int
	rows float64 // estimate
}

func (t *joinTree) position(c int) (int, bool) {
	at, ok := t.at[c]
	return at, ok
}

// covers reports whether e reads only columns of the tree.
func (t *joinTree) covers(e expr.Expr) bool {
	for _, c := range expr.Columns(e) {
		if _, ok := t.at[c]; !ok {
			return false
		}
	}
	return true
}

func rebuildJoins(leaves []rel, preds []expr.Expr) rel {
	var trees []*joinTree
	total := 0
	for _, l := range leaves {
		t := &joinTree{rel: l, at: map[int]int{}}
		for i := range l.fields() {
			t.at[total] = i
			total++
		}
		for _, p := range preds {
			if x := implied(p, t.covers); x != nil && !t.covers(p) {
				x = mapColumns(x, func(c *expr.Column) expr.Expr { return columnOf(l.fields(), t.at[c.Index]) })
				t.rel = pushFilters(t.rel, []expr.Expr{x})
			}
		}
		t.rows = t.rel.estimate()
		trees = append(trees, t)
	}
	if g := newJoinGraph(trees, preds); g != nil && g.solve() {
		var all *joinTree
		all, preds = g.tree(uint(len(g.best)-1), preds)
		trees = []*joinTree{all}
	}
	for len(trees) > 1 {
		i, k := bestPair(trees, preds)
		joined, rest := joinTrees(trees[i], trees[k], preds)
		preds = rest
		trees[i] = joined
		trees = slices.Delete(trees, k, k+1)
	}
	fields := trees[0].rel.fields()
	out := &projectRel{input: trees[0].rel}
	for i := range total {
		out.exprs = append(out.exprs, columnOf(fields, trees[0].at[i]))
		out.out = append(out.out, fields[trees[0].at[i]])
	}
	return filtered(out, preds) // conditions without columns
}

// bestPair returns the positions, ascending, of the two trees to join next.
func bestPair(trees []*joinTree, preds []expr.Expr) (int, int) {
	bi, bk, best, bestConnected := 0, 1, 0.0, false
	for i := range trees {
		for k := i + 1; k < len(trees); k++ {
			cost, connected := trees[i].rows*trees[k].rows, false
			if d := matchingKeys(trees[i].rel, trees[k].rel, preds, trees[i].position, trees[k].position); d > 0 {
				cost, connected = max(1, cost/d), true
			} else {
				connected = anyBetween(trees[i], trees[k], preds)
			}
			if best == 0 || (connected && !bestConnected) || (connected == bestConnected && cost < best) {
				bi, bk, best, bestConnected = i, k, cost, connected
			}
		}
	}
	return bi, bk
}

func anyBetween(a, b *joinTree, preds []expr.Expr) bool {
	for _, p := range preds {
		if between(a, b, p) && !a.covers(p) && !b.covers(p) {
			return true
		}
	}
	return false
}

// between reports whether p reads only columns of the two trees.
func between(a, b *joinTree, p expr.Expr) bool {
	cols := expr.Columns(p)
	for _, c := range cols {
		_, inA := a.at[c]
		_, inB := b.at[c]
		if !inA && !inB {
			return false
		}
	}
	return len(cols) > 0
}

// joinTrees joins two trees on every condition that becomes computable; the larger one is the probe side.
func joinTrees(a, b *joinTree, preds []expr.Expr) (joined *joinTree, rest []expr.Expr) {
	if a.rows < b.rows {
		a, b = b, a
	}
	width := len(a.rel.fields())
	joined = &joinTree{at: map[int]int{}}
	maps.Copy(joined.at, a.at)
	for orig, i := range b.at {
		joined.at[orig] = width + i
	}
	j := &joinRel{kind: exec.JoinInner, left: a.rel, right: b.rel}
	for _, p := range preds {
		if !between(a, b, p) {
			rest = append(rest, p)
			continue
		}
		j.on = append(j.on, mapColumns(p, func(c *expr.Column) expr.Expr {
			moved := *c
			moved.Index = joined.at[c.Index]
			return &moved
		}))
	}
	joined.rel = j
	joined.rows = a.rows * b.rows
	if d := matchingKeys(a.rel, b.rel, preds, a.position, b.position); d > 0 {
		joined.rows = max(1, joined.rows/d)
	}
	j.rows = joined.rows
	return joined, rest
}
