package planner

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

// statTable is a table of whole numbers of which only statistics are known: column i has values[i] different ones.
type statTable struct{ values []int64 }

func (s *statTable) Fields() []exec.Field {
	out := make([]exec.Field, len(s.values))
	for i := range out {
		out[i] = exec.Field{Name: fmt.Sprintf("c%d", i), Type: types.Of(types.Int64)}
	}
	return out
}
func (s *statTable) Scan(context.Context, exec.ScanSpec) (exec.Scan, error) { panic("not read") }
func (s *statTable) RowCount() (int64, bool)                                { return 0, false }
func (s *statTable) MinMax(c int) (lo, hi types.Value, ok bool) {
	t := types.Of(types.Int64)
	return types.IntValue(t, 1), types.IntValue(t, s.values[c]), true
}

// joinInput is tables to be joined and the equalities between them, over the concatenation of their columns.
type joinInput struct {
	leaves []rel
	at     []int // where the columns of each leaf begin
	fields []exec.Field
	preds  []expr.Expr
}

func (in *joinInput) table(name string, rows float64, filter int, values ...int64) int {
	s := &statTable{values}
	r := &scanRel{source: s, label: name, cols: identity(len(values)), rowCount: rows, distinct: &sync.Map{}}
	for range filter { // each lets one row in twenty through
		p := mustCall("=", columnOf(s.Fields(), 0), &expr.Literal{Val: types.IntValue(types.Of(types.Int64), 1)})
		if r.filter == nil {
			r.filter = p
		} else {
			r.filter = expr.And(r.filter, p)
		}
	}
	in.leaves, in.at, in.fields = append(in.leaves, r), append(in.at, len(in.fields)), append(in.fields, s.Fields()...)
	return len(in.leaves) - 1
}

func (in *joinInput) equal(t, c, u, d int) {
	in.preds = append(in.preds, mustCall("=", columnOf(in.fields, in.at[t]+c), columnOf(in.fields, in.at[u]+d)))
}

// order shows a join tree: probe side first.
func order(r rel) string {
	switch n := r.(type) {
	case *scanRel:
		return n.label
	case *joinRel:
		return "(" + order(n.left) + " " + order(n.right) + ")"
	}
	return order(r.inputs()[0])
}

// The tables of TPC-H at scale 1; keys come first.
func (in *joinInput) tpch() (lineitem, orders, customer, supplier int) {
	lineitem = in.table("lineitem", 6e6, 0, 6e6, 2e5, 1e4)
	orders = in.table("orders", 1.5e6, 0, 6e6, 15e4)
	customer = in.table("customer", 15e4, 0, 15e4, 25)
	supplier = in.table("supplier", 1e4, 0, 1e4, 25)
	in.equal(lineitem, 0, orders, 0)
	in.equal(orders, 1, customer, 0)
	in.equal(lineitem, 2, supplier, 0)
	return lineitem, orders, customer, supplier
}

func TestJoinOrders(t *testing.T) {
	q7, q9 := &joinInput{}, &joinInput{}
	_, _, customer, supplier := q7.tpch()
	q7.equal(supplier, 1, q7.table("n1", 25, 1, 25), 0)
	q7.equal(customer, 1, q7.table("n2", 25, 1, 25), 0)
	lineitem := q9.table("lineitem", 6e6, 0, 6e6, 2e5, 1e4)
	part := q9.table("part", 2e5, 1, 2e5)
	orders := q9.table("orders", 1.5e6, 0, 6e6)
	q9.equal(lineitem, 1, part, 0)
	q9.equal(lineitem, 0, orders, 0)
	star := &joinInput{}
	fact := star.table("fact", 1e7, 0, 1e3, 1e3, 1e3)
	for i := range 2 {
		star.equal(fact, i, star.table(fmt.Sprintf("small%d", i), 1e3, i, 1e3), 0)
	}
	far := &joinInput{} // more tables than are tried
	last := far.table("t0", 1e3, 0, 1e3, 1e3)
	for i := range maxDPJoins {
		next := far.table(fmt.Sprintf("t%d", i+1), 1e3, 0, 1e3, 1e3)
		far.equal(last, 1, next, 0)
		last = next
	}
	for _, c := range []struct {
		in   *joinInput
		want string
	}{
		{q7, "((lineitem (supplier n1)) (orders (customer n2)))"},
		{q9, "(orders (lineitem part))"},
		{star, "((fact small1) small0)"},
		{far, ""},
	} {
		got := order(rebuildJoins(c.in.leaves, c.in.preds))
		if c.want != "" && got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
		if n := strings.Count(got, "("); n != len(c.in.leaves)-1 {
			t.Errorf("%s joins %d times", got, n)
		}
	}
}

// drawJoins makes tables joined as a tree, with some further equalities.
func drawJoins(r *rapid.T) *joinInput {
	in := &joinInput{}
	n := rapid.IntRange(2, 7).Draw(r, "tables")
	size := rapid.SampledFrom([]int64{1, 20, 1e3, 1e5, 1e7})
	for i := range n {
		in.table(fmt.Sprintf("t%d", i), float64(size.Draw(r, "rows")), rapid.IntRange(0, 2).Draw(r, "filter"), size.Draw(r, "values"), size.Draw(r, "values"))
	}
	for i := 1; i < n; i++ {
		in.equal(i, rapid.IntRange(0, 1).Draw(r, "column"), rapid.IntRange(0, i-1).Draw(r, "with"), rapid.IntRange(0, 1).Draw(r, "its"))
	}
	return in
}

// No order of a left-deep chain is cheaper than the one found, and every condition is there once.
func TestJoinOrderIsCheapest(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		in := drawJoins(r)
		var trees []*joinTree
		for i, l := range in.leaves {
			tree := &joinTree{rel: l, at: map[int]int{}, rows: l.estimate()}
			for c := range l.fields() {
				tree.at[in.at[i]+c] = c
			}
			trees = append(trees, tree)
		}
		g := newJoinGraph(trees, in.preds)
		if !g.solve() {
			r.Fatal("the tables are connected")
		}
		all := uint(len(g.best) - 1)
		chain := rapid.Permutation(identity(len(trees))).Draw(r, "order")
		set, cost := uint(1)<<chain[0], 0.0
		for _, i := range chain[1:] {
			next := set | 1<<i
			cost += g.best[next].rows + min(g.best[set].rows, g.best[1<<i].rows)
			if set = next; !g.best[set].found { // no join without a condition
				cost = math.Inf(1)
			}
		}
		if found := g.best[all].cost(); cost < found*(1-1e-9) {
			r.Fatalf("found an order of cost %g, there is one of %g", found, cost)
		}
		conditions := 0
		eachRel(rebuildJoins(in.leaves, in.preds), func(x rel) {
			if j, ok := x.(*joinRel); ok {
				conditions += len(j.on)
			}
		})
		if conditions != len(in.preds) {
			r.Fatalf("%d conditions of %d", conditions, len(in.preds))
		}
	})
}

// BenchmarkJoinOrder orders as many tables as are tried, each joined with two others.
func BenchmarkJoinOrder(b *testing.B) {
	for _, n := range []int{6, 8, maxDPJoins} {
		b.Run(fmt.Sprint(n, " tables"), func(b *testing.B) {
			in := &joinInput{}
			for i := range n {
				in.table(fmt.Sprintf("t%d", i), 1e6, i%2, 1e6, 1e5)
			}
			for i := range n {
				in.equal(i, 1, (i+1)%n, 0)
			}
			for b.Loop() {
				rebuildJoins(in.leaves, in.preds)
			}
		})
	}
}
