package planner

import (
	"math/bits"

	"github.com/featuresql/featuresql/engine/expr"
)

// maxDPJoins is up to how many tables the order of a join is found by dynamic programming: all pairs of disjoint connected
// parts are tried, 3ⁿ of them.
const maxDPJoins = 10

// joinGraph is a chain of inner joins as sets of tables, which are bits. The cost of an order is the sum of the rows of
// all its joins, and of what these hold in memory.
type joinGraph struct {
	trees []*joinTree
	edges []joinEdge
	best  []joinChoice // by set of tables
}

// joinEdge is an equality between the columns of two tables, with how many different values each side has.
type joinEdge struct {
	a, b             uint
	valuesA, valuesB float64
}

// joinChoice is the cheapest order found for a set of tables.
type joinChoice struct {
	left  uint    // 0 for a single table
	rows  float64 // the least guess of all orders, so that it is one number a set
	base  float64
	below float64 // cost without the rows of this join itself
	found bool
}

// cost is that of the order; a single table has none.
func (c *joinChoice) cost() float64 {
	if c.left == 0 {
		return 0
	}
	return c.below + c.rows
}

// newJoinGraph returns the graph of trees, or nil if there are too many.
func newJoinGraph(trees []*joinTree, preds []expr.Expr) *joinGraph {
	if len(trees) > maxDPJoins {
		return nil
	}
	g := &joinGraph{trees: trees, best: make([]joinChoice, 1<<len(trees))}
	for i, t := range trees {
		g.best[1<<i] = joinChoice{rows: max(1, t.rows), base: baseRows(t.rel), found: true}
	}
	for _, p := range preds {
		if c, ok := p.(*expr.Call); ok && c.Name == "=" {
			g.addEdge(c.Args[0], c.Args[1])
		}
	}
	return g
}

func (g *joinGraph) addEdge(x, y expr.Expr) {
	e := joinEdge{}
	for i, t := range g.trees {
		if n, ok := distinctValues(t.rel, x, t.position); ok {
			e.a, e.valuesA = 1<<i, n
		}
		if n, ok := distinctValues(t.rel, y, t.position); ok {
			e.b, e.valuesB = 1<<i, n
		}
	}
	if e.a != 0 && e.b != 0 && e.a != e.b {
		g.edges = append(g.edges, e)
	}
}

// solve finds the cheapest order; false if some table has no equality with the others.
func (g *joinGraph) solve() bool {
	for set := uint(1); set < uint(len(g.best)); set++ {
		if bits.OnesCount(set) < 2 {
			continue
		}
		low := set & -set // each pair of parts once: the one with the first table
		for right := (set - 1) & set; right > 0; right = (right - 1) & set {
			if left := set ^ right; right&low == 0 && g.best[left].found && g.best[right].found {
				g.try(left, right)
			}
		}
	}
	return g.best[len(g.best)-1].found
}

// try considers the join of two disjoint sets.
func (g *joinGraph) try(left, right uint) {
	l, r := &g.best[left], &g.best[right]
	valuesL, valuesR, connected := 1.0, 1.0, false
	for i := range g.edges {
		switch e := &g.edges[i]; {
		case e.a&left != 0 && e.b&right != 0:
			valuesL, valuesR, connected = valuesL*e.valuesA, valuesR*e.valuesB, true
		case e.b&left != 0 && e.a&right != 0:
			valuesL, valuesR, connected = valuesL*e.valuesB, valuesR*e.valuesA, true
		}
	}
	if !connected {
		return
	}
	rows := max(1, l.rows*r.rows/max(1, min(valuesL, l.base, valuesR, r.base)))
	below := l.cost() + r.cost() + min(l.rows, r.rows)
	best := &g.best[left|right]
	if !best.found {
		*best = joinChoice{left: left, rows: rows, base: max(l.base, r.base), below: below, found: true}
		return
	}
	if best.rows = min(best.rows, rows); below < best.below {
		best.left, best.below = left, below
	}
}

// tree builds the order that was found for a set, and returns the conditions that it does not cover.
func (g *joinGraph) tree(set uint, preds []expr.Expr) (*joinTree, []expr.Expr) {
	c := g.best[set]
	if c.left == 0 {
		return g.trees[bits.TrailingZeros(set)], preds
	}
	left, preds := g.tree(c.left, preds)
	right, preds := g.tree(set^c.left, preds)
	return joinTrees(left, right, preds)
}
