package planner

import (
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/parser"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/sqlfuncs/agg"
)

// groupBy converts an aggregation into aggRel (keys, then distinct aggregates) under a projection that
// computes the selected expressions from them.
func (c *converter) groupBy(n *plan.GroupBy, outer []exec.Field) (rel, error) {
	in, err := c.convert(n.Child, outer)
	if err != nil {
		return nil, err
	}
	g := &grouping{c: c, in: scope{fields: in.fields(), outer: outer, attach: &attached{in: in}}, node: &aggRel{}, texts: map[string]int{}, collated: map[int]sql.Expression{}}
	keys := n.GroupByExprs
	if isRollup(n) {
		keys = keys[:len(keys)-1]
	}
	levels := make([]int, 0, len(keys)) // of the keys in GROUP BY
	for _, k := range keys {
		at, err := g.addKey(unalias(k))
		if err != nil {
			return nil, err
		}
		if isRollup(n) {
			if err := c.noCollation("WITH ROLLUP", k); err != nil {
				return nil, err
			}
		}
		levels = append(levels, at)
		g.texts[textOf(unalias(k))] = at
	}
	if isRollup(n) {
		g.rollup, g.levels = keys, levels
		g.addLevel()
	}
	p := &projectRel{input: g.node}
	schema := n.Schema()
	var selected []sql.Expression
	for _, e := range n.SelectedExprs {
		r, err := g.rewrite(unalias(e))
		if err != nil {
			return nil, err
		}
		selected = append(selected, r)
	}
	g.node.input = g.in.attach.in
	if isRollup(n) {
		if p.input, err = c.rollup(g.node, levels); err != nil {
			return nil, err
		}
	}
	for i, e := range selected {
		x, err := c.scalar(e, scope{fields: g.node.out})
		if err != nil {
			return nil, err
		}
		p.exprs = append(p.exprs, x)
		p.out = append(p.out, exec.Field{Name: oneLine(schema[i].Name), Type: x.Type(), Nullable: x.Nullable()})
	}
	return p, nil
}

// grouping collects the output columns of one aggregation.
type grouping struct {
	c    *converter
	in   scope
	node *aggRel
	// texts are the keys by the text of their expressions.
	texts map[string]int
	// rollup are the expressions of GROUP BY WITH ROLLUP, levels the keys that they are.
	rollup []sql.Expression
	levels []int
	// collated are the expressions of the keys that stand for more than one value.
	collated map[int]sql.Expression
}

// key returns the position of the grouping column that is x.
func (g *grouping) key(x expr.Expr) (int, bool) {
	i := slices.IndexFunc(g.node.keys, func(k expr.Expr) bool { return sameExpr(k, x) })
	return i, i >= 0
}

// sameAggregate reports whether two aggregates of one input are alike.
func sameAggregate(a, b exec.Aggregate) bool {
	return a.Name == b.Name && a.Type == b.Type && a.Distinct == b.Distinct && a.Separator == b.Separator && a.MaxLenBytes == b.MaxLenBytes &&
		slices.EqualFunc(a.Args, b.Args, sameExpr) &&
		slices.EqualFunc(a.OrderBy, b.OrderBy, func(x, y exec.SortKey) bool { return x.Desc == y.Desc && sameExpr(x.Expr, y.Expr) })
}

// addKey returns the position of a grouping column, a new one if need be.
func (g *grouping) addKey(e sql.Expression) (int, error) {
	x, err := g.c.ordered(e, g.in)
	if err != nil {
		return 0, err
	}
	if at, dup := g.key(x); dup {
		return at, nil
	}
	if id, err := g.c.collation(e); err != nil {
		return 0, err
	} else if id != sql.Collation_Unspecified {
		g.collated[len(g.node.keys)] = e
	}
	g.node.keys = append(g.node.keys, x)
	g.node.out = append(g.node.out, exec.Field{Name: x.String(), Type: x.Type(), Nullable: x.Nullable()})
	return len(g.node.keys) - 1, nil
}

// rewrite replaces what is computed by the aggregation (keys, aggregates, other columns of the input) by
// GetFields into its output.
func (g *grouping) rewrite(e sql.Expression) (sql.Expression, error) {
	if at, ok := g.texts[textOf(e)]; ok {
		return g.keyValue(at)
	}
	if x, err := g.c.scalarWithoutFallback(e, g.in); err == nil {
		if at, ok := g.key(x); ok {
			return g.keyValue(at)
		}
	}
	if x, ok := e.(*parser.Grouping); ok {
		return g.groupingBits(x)
	}
	if isAggregate(e) {
		at, err := g.addAggregate(e)
		if err != nil {
			return nil, err
		}
		return g.field(at), nil
	}
	if _, ok := e.(*expression.GetField); ok { // functionally dependent, or ONLY_FULL_GROUP_BY is off: any row's value
		at, err := g.addCall("any_value", []sql.Expression{e}, exec.Aggregate{})
		if err != nil {
			return nil, err
		}
		return g.field(at), nil
	}
	kids := e.Children()
	if len(kids) == 0 {
		return e, nil
	}
	replaced := make([]sql.Expression, len(kids))
	for i, k := range kids {
		r, err := g.rewrite(k)
		if err != nil {
			return nil, err
		}
		replaced[i] = r
	}
	return e.WithChildren(replaced...)
}

// keyValue is the value of a grouping column; of those that a collation takes for one, any.
func (g *grouping) keyValue(at int) (sql.Expression, error) {
	if e, ok := g.collated[at]; ok {
		var err error
		if at, err = g.addCall("any_value", []sql.Expression{e}, exec.Aggregate{}); err != nil {
			return nil, err
		}
	}
	return g.field(at), nil
}

func (g *grouping) field(at int) sql.Expression {
	f := g.node.out[at]
	return expression.NewGetField(at, HostType(f.Type), f.Name, f.Nullable)
}

func (g *grouping) addAggregate(e sql.Expression) (int, error) {
	switch e := e.(type) {
	case *aggregation.CountDistinct:
		return g.addCall("count", e.Children(), exec.Aggregate{Distinct: true})
	case *aggregation.GroupConcat:
		return g.groupConcat(e)
	case *aggregation.Count:
		if _, star := e.Child.(*expression.Star); star {
			return g.addCall("count", nil, exec.Aggregate{})
		}
		if lit, ok := e.Child.(*expression.Literal); ok && lit.Val != nil {
			return g.addCall("count", nil, exec.Aggregate{})
		}
	}
	f, ok := e.(sql.FunctionExpression)
	if !ok {
		return 0, errFallback
	}
	name := aggregateName(f)
	kids := e.Children()
	if len(kids) == 1 {
		if d, ok := kids[0].(*expression.DistinctExpression); ok {
			return g.addCall(name, []sql.Expression{d.Child}, exec.Aggregate{Distinct: true})
		}
	}
	return g.addCall(name, kids, exec.Aggregate{})
}

var aggregateNames = map[string]string{
	"anyvalue": "any_value", "bitand": "bit_and", "bitor": "bit_or", "bitxor": "bit_xor", "jsonarray": "json_arrayagg",
	"json_objectagg": "json_objectagg", "stddevpop": "stddev_pop", "stddevsamp": "stddev_samp", "varpop": "var_pop", "varsamp": "var_samp",
}

func aggregateName(f sql.FunctionExpression) string {
	name := strings.ToLower(f.FunctionName())
	if n, ok := aggregateNames[name]; ok {
		return n
	}
	return name
}

func (g *grouping) groupConcat(e *aggregation.GroupConcat) (int, error) {
	desc := hostSortOrders(e, "sf")
	kids := e.Children() // sort expressions first, then what is concatenated
	a := exec.Aggregate{Distinct: hostString(e, "distinct") != "", Separator: hostString(e, "separator")}
	for i, d := range desc {
		x, err := g.c.ordered(kids[i], g.in)
		if err != nil {
			return 0, err
		}
		a.OrderBy = append(a.OrderBy, exec.SortKey{Expr: x, Desc: d})
	}
	a.MaxLenBytes = hostInt(e, "maxLen")
	return g.addCall("group_concat", kids[len(desc):], a)
}

func (g *grouping) addCall(name string, args []sql.Expression, a exec.Aggregate) (int, error) {
	if a.Distinct && name != "count" || name == "min" || name == "max" {
		if err := g.c.noCollation(strings.ToUpper(name), args...); err != nil {
			return 0, err
		}
	}
	for _, e := range args {
		convert := g.c.scalar
		if a.Distinct {
			convert = g.c.ordered
		}
		x, err := convert(e, g.in)
		if err != nil {
			return 0, err
		}
		a.Args = append(a.Args, x)
	}
	a.Name = name
	in := make([]types.Type, len(a.Args))
	for i, x := range a.Args {
		in[i] = x.Type()
	}
	var err error
	if a.Type, err = agg.Resolve(name, in, a.Distinct); err != nil {
		return 0, err
	}
	if i := slices.IndexFunc(g.node.aggs, func(b exec.Aggregate) bool { return sameAggregate(a, b) }); i >= 0 {
		return len(g.node.keys) + i, nil
	}
	g.node.aggs = append(g.node.aggs, a)
	g.node.out = append(g.node.out, exec.Field{Name: a.String(), Type: a.Type, Nullable: name != "count"})
	return len(g.node.out) - 1, nil
}

// scalarWithoutFallback converts e only if it needs no row function and has no aggregate.
func (c *converter) scalarWithoutFallback(e sql.Expression, s scope) (expr.Expr, error) {
	found := false
	transform.InspectExpr(e, func(x sql.Expression) bool {
		_, sub := x.(*plan.Subquery)
		found = found || sub || isAggregate(x)
		return found
	})
	if found {
		return nil, errNoKernel
	}
	n := len(c.fallbacks)
	x, err := c.scalar(e, s)
	c.fallbacks = c.fallbacks[:n]
	return x, err
}

// commonType is the type that holds values of both; NULL yields to anything.
func commonType(a, b types.Type) types.Type {
	switch {
	case a == b || b.Kind == types.Null:
		return a
	case a.Kind == types.Null:
		return b
	case a.IsNumeric() && b.IsNumeric():
		return commonNumeric(a, b)
	case a.IsTemporal() && b.IsTemporal():
		if a.Kind == types.Time || b.Kind == types.Time {
			return types.Of(types.String)
		}
		if a.Kind == types.Timestamp || b.Kind == types.Timestamp {
			return types.Of(types.Timestamp)
		}
		return types.Of(types.TimestampNTZ)
	case a.Kind == types.Binary || b.Kind == types.Binary:
		return types.Of(types.Binary)
	}
	return types.Of(types.String)
}

var integerDigits = map[types.Kind]int{types.Bool: 1, types.Int8: 3, types.Int16: 5, types.Int32: 10, types.Int64: 19, types.Uint64: 20}

func commonNumeric(a, b types.Type) types.Type {
	switch {
	case a.IsFloat() || b.IsFloat():
		return types.Of(types.Float64)
	case a.Kind == types.Decimal || b.Kind == types.Decimal:
		pa, sa := decimalShape(a)
		pb, sb := decimalShape(b)
		scale := max(sa, sb)
		return types.DecimalOf(max(pa-sa, pb-sb)+scale, scale)
	case a.Kind == types.Uint64 || b.Kind == types.Uint64:
		return types.DecimalOf(20, 0)
	}
	return types.Of(max(a.Kind, b.Kind))
}

func decimalShape(t types.Type) (precision, scale int) {
	if t.Kind == types.Decimal {
		return int(t.Precision), int(t.Scale)
	}
	return integerDigits[t.Kind], 0
}
