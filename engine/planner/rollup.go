package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/parser"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/sqlfuncs/agg"
)

// GROUP BY a, b WITH ROLLUP groups three copies of its input: one as it is, one with NULL for b, one with NULL for a and b.
// A last key, the level, tells the copies apart: its bit i says that the i-th key is NULL for that reason. Functions whose
// results can be folded again are computed for the finest groups first, and the copies are of these.

// maxRollup is how many keys a level has bits for.
const maxRollup = 56

// isRollup reports whether a GROUP BY has WITH ROLLUP.
func isRollup(n *plan.GroupBy) bool {
	last := len(n.GroupByExprs) - 1
	if last < 0 {
		return false
	}
	_, is := n.GroupByExprs[last].(*parser.Rollup)
	return is
}

// addLevel adds the level to the keys, which are all there.
func (g *grouping) addLevel() {
	for i := range g.node.out {
		g.node.out[i].Nullable = true
	}
	g.node.keys = append(g.node.keys, intLiteral(0))
	g.node.out = append(g.node.out, exec.Field{Name: "level", Type: types.Of(types.Int64)})
}

// groupingBits is GROUPING() over the level. Its operands, which come from above the aggregation, are found by their text.
func (g *grouping) groupingBits(e *parser.Grouping) (sql.Expression, error) {
	out := &bitsOf{}
	for i, k := range e.Children() {
		at := slices.IndexFunc(g.rollup, func(key sql.Expression) bool {
			a, named := key.(*expression.Alias)
			f, bare := k.(*expression.GetField)
			return sameText(key, k) || named && bare && strings.EqualFold(a.Name(), f.Name())
		})
		if at < 0 {
			return nil, &parser.GroupingUseError{Code: 3602, Argument: i + 1}
		}
		out.bits = append(out.bits, g.levels[at])
	}
	out.Child = g.field(len(g.node.keys) - 1)
	return out, nil
}

// bitsOf is the number whose bits are some of its child's, the most significant first.
type bitsOf struct {
	expression.UnaryExpression
	bits []int
}

func (e *bitsOf) String() string { return "grouping" }

// Type implements sql.Expression.
func (e *bitsOf) Type() sql.Type { return e.Child.Type() }

// WithChildren implements sql.Expression.
func (e *bitsOf) WithChildren(c ...sql.Expression) (sql.Expression, error) {
	if len(c) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(e, len(c), 1)
	}
	return &bitsOf{expression.UnaryExpression{Child: c[0]}, e.bits}, nil
}

// Eval implements sql.Expression; the planner computes it.
func (e *bitsOf) Eval(*sql.Context, sql.Row) (any, error) {
	return nil, &parser.GroupingUseError{Code: 1111}
}

func (c *converter) bitsOf(e *bitsOf, s scope) (expr.Expr, error) {
	level, err := c.scalar(e.Child, s)
	if err != nil {
		return nil, err
	}
	var out expr.Expr = intLiteral(0)
	for _, b := range e.bits {
		bit := mustCall("&", mustCall(">>", level, intLiteral(int64(b))), intLiteral(1))
		out = mustCall("+", mustCall("*", out, intLiteral(2)), expr.Cast(bit, types.Of(types.Int64)))
	}
	return out, nil
}

// rollup computes the aggregation n, whose last key is the level; at says which key is which expression of GROUP BY. The
// rows come as in MySQL: each group is followed by the one that it is part of.
func (c *converter) rollup(n *aggRel, at []int) (rel, error) {
	keys := len(n.keys) - 1
	if len(at) > maxRollup {
		return nil, &UnsupportedError{What: fmt.Sprintf("WITH ROLLUP of more than %d expressions", maxRollup)}
	}
	in, aggs := n.input, n.aggs
	if finest, again := refold(n); again != nil {
		in, aggs = finest, again
	}
	places, err := c.readers(in, len(at)+1)
	if err != nil {
		return nil, err
	}
	width := len(in.fields())
	u := &unionRel{out: append(slices.Clone(in.fields()), n.out[:keys+1]...)}
	for level := range places {
		u.parts = append(u.parts, rollupPart(places[level], n, keys, in != n.input, at[:len(at)-level], u.out))
	}
	folded := &aggRel{input: u, aggs: aggs, out: slices.Clone(n.out)}
	for i := range keys + 1 {
		folded.keys = append(folded.keys, columnOf(u.out, width+i))
	}
	for i, a := range aggs {
		folded.out[keys+1+i].Type = a.Type
	}
	s := &sortRel{input: castRel(folded, n.out)}
	for _, k := range at {
		above := mustCall("&", mustCall(">>", columnOf(n.out, keys), intLiteral(int64(k))), intLiteral(1))
		s.keys = append(s.keys, exec.SortKey{Expr: above}, exec.SortKey{Expr: columnOf(n.out, k)})
	}
	return s, nil
}

// rollupPart is one copy of the input with the keys of one level: those in kept, NULL for the others.
func rollupPart(in rel, n *aggRel, keys int, folded bool, kept []int, out []exec.Field) rel {
	p := &projectRel{input: in, exprs: columnsOf(in), out: out}
	level := int64(len(kept)) << maxRollup // keys that GROUP BY names twice make levels that are alike
	for i := range keys {
		switch {
		case !slices.Contains(kept, i):
			level |= 1 << i
			p.exprs = append(p.exprs, &expr.Literal{Val: types.NullOf(n.keys[i].Type())})
		case folded:
			p.exprs = append(p.exprs, columnOf(in.fields(), i))
		default:
			p.exprs = append(p.exprs, n.keys[i])
		}
	}
	p.exprs = append(p.exprs, intLiteral(level))
	return p
}

// foldedBy names the function that folds the results of another one over parts of a group.
var foldedBy = map[string]string{"count": "sum", "sum": "sum", "min": "min", "max": "max", "any_value": "any_value",
	"bit_and": "bit_and", "bit_or": "bit_or", "bit_xor": "bit_xor"}

// refold returns the aggregation n without the level, and the functions that fold its results into n's, but for their
// types; nil if a function of n cannot be computed so.
func refold(n *aggRel) (finest *aggRel, again []exec.Aggregate) {
	keys := len(n.keys) - 1
	finest = &aggRel{input: n.input, keys: n.keys[:keys], aggs: n.aggs, out: slices.Delete(slices.Clone(n.out), keys, keys+1)}
	again = []exec.Aggregate{}
	for i, a := range n.aggs {
		name, arg := foldedBy[a.Name], columnOf(finest.out, keys+i)
		typ, err := agg.Resolve(name, []types.Type{arg.Typ}, false)
		if name == "" || a.Distinct || a.Type.IsFloat() || err != nil {
			return nil, nil
		}
		again = append(again, exec.Aggregate{Name: name, Args: []expr.Expr{arg}, Type: typ})
	}
	return finest, again
}

// readers returns several readers of r, whose rows are computed once if that is worth it.
func (c *converter) readers(r rel, n int) ([]rel, error) {
	if !hasOuter(r) {
		s := &sharedRel{of: &definition{name: "common rows", input: r, out: r.fields(), places: n}}
		return slices.Repeat([]rel{s}, n), nil
	}
	stable := true
	eachRel(r, func(x rel) { eachExpr(x, func(e expr.Expr) { stable = stable && movable(e) }) })
	if !stable {
		return nil, &UnsupportedError{What: "a function with another value each time under WITH ROLLUP in a correlated subquery"}
	}
	return slices.Repeat([]rel{r}, n), nil
}
