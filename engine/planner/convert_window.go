package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/parser"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/sqlfuncs/agg"
)

// windowRel puts out the input's columns, then those of calls over windows of one partitioning that share a sort.
type windowRel struct {
	input     rel
	partition []expr.Expr
	order     []exec.SortKey
	calls     []exec.WindowCall
	// partKeys and orderKeys tell the expressions of other windows of the same SELECT apart from these.
	partKeys, orderKeys []string
}

func (r *windowRel) fields() []exec.Field {
	in := r.input.fields()
	out := in[:len(in):len(in)]
	for _, c := range r.calls {
		out = append(out, exec.Field{Name: c.As, Type: c.Type, Nullable: !c.NotNull})
	}
	return out
}
func (r *windowRel) inputs() []rel     { return []rel{r.input} }
func (r *windowRel) estimate() float64 { return r.input.estimate() }

// mapped is a copy of r with its expressions replaced.
func (r *windowRel) mapped(f func(expr.Expr) expr.Expr) *windowRel {
	n := *r
	n.partition, n.order, n.calls = nil, nil, slices.Clone(r.calls)
	for _, e := range r.partition {
		n.partition = append(n.partition, f(e))
	}
	for _, k := range r.order {
		n.order = append(n.order, exec.SortKey{Expr: f(k.Expr), Desc: k.Desc})
	}
	for i := range n.calls {
		call := &n.calls[i]
		call.Args = slices.Clone(call.Args)
		for k, e := range call.Args {
			call.Args[k] = f(e)
		}
		for _, e := range []*expr.Expr{&call.Frame.Key, &call.Frame.Start.Value, &call.Frame.End.Value} {
			if *e != nil {
				*e = f(*e)
			}
		}
	}
	return &n
}

// pruneWindow keeps of the input what is needed above and what the calls read, and the calls that are needed.
func pruneWindow(n *windowRel, need []bool) (rel, []int) {
	width := len(n.input.fields())
	kept := *n
	kept.calls = nil
	for i, c := range n.calls {
		if need[width+i] {
			kept.calls = append(kept.calls, c)
		}
	}
	below := slices.Clone(need[:width])
	if len(kept.calls) > 0 {
		kept.mapped(func(e expr.Expr) expr.Expr { mark(below, e); return e })
	}
	in, where := prune(n.input, below)
	where = slices.Clone(where)
	if len(kept.calls) == 0 {
		for range n.calls {
			where = append(where, -1)
		}
		return in, where
	}
	out := kept.mapped(func(e expr.Expr) expr.Expr { return remap(e, where) })
	out.input = in
	at := len(in.fields())
	for i := range n.calls {
		if where = append(where, -1); need[width+i] {
			where[width+i] = at
			at++
		}
	}
	return out, where
}

// pushThroughWindow moves predicates below that read nothing but the partitioning: they keep or drop whole partitions.
func pushThroughWindow(n *windowRel, preds []expr.Expr) rel {
	keys := map[int]bool{}
	for _, p := range n.partition {
		if c, ok := p.(*expr.Column); ok {
			keys[c.Index] = true
		}
	}
	var below, above []expr.Expr
	for _, p := range preds {
		cols := expr.Columns(p)
		if len(cols) > 0 && movable(p) && !slices.ContainsFunc(cols, func(c int) bool { return !keys[c] }) {
			below = append(below, p)
		} else {
			above = append(above, p)
		}
	}
	return filtered(withInputs(n, []rel{pushFilters(n.input, below)}), above)
}

func hasWindow(es ...sql.Expression) bool {
	found := false
	for _, e := range es {
		sql.Inspect(e, func(e sql.Expression) bool {
			_, ok := e.(*parser.WindowExpr)
			found = found || ok
			return !found
		})
	}
	return found
}

// windowed puts the windows of es over in, and returns es with their calls replaced by columns behind in's.
func (c *converter) windowed(in rel, es []sql.Expression, outer []exec.Field) (rel, []sql.Expression, error) {
	w := windowing{c: c, s: c.scopeOf(in, outer), columns: map[string][2]int{}}
	for _, e := range es {
		sql.Inspect(e, func(e sql.Expression) bool {
			if call, ok := e.(*parser.WindowExpr); ok && w.err == nil {
				w.err = w.add(call)
			}
			return w.err == nil
		})
	}
	if w.err != nil {
		return nil, nil, w.err
	}
	var starts []int
	for _, r := range w.rels {
		starts = append(starts, len(outer)+len(in.fields()))
		r.input = in
		in = r
	}
	out := make([]sql.Expression, len(es))
	for i, e := range es {
		x, _, err := transform.Expr(e, func(e sql.Expression) (sql.Expression, transform.TreeIdentity, error) {
			call, ok := e.(*parser.WindowExpr)
			if !ok {
				return e, transform.SameTree, nil
			}
			at := w.columns[call.String()]
			return expression.NewGetField(starts[at[0]]+at[1], call.Type(), call.Function, call.IsNullable()), transform.NewTree, nil
		})
		if err != nil {
			return nil, nil, err
		}
		out[i] = x
	}
	return in, out, nil
}

// windowing collects the windows of one SELECT. columns says, by the text of a call, which window computes it and as
// which of its calls.
type windowing struct {
	c       *converter
	s       scope
	rels    []*windowRel
	columns map[string][2]int
	err     error
}

func (w *windowing) add(e *parser.WindowExpr) error {
	text := e.String()
	if _, ok := w.columns[text]; ok {
		return nil
	}
	r := &windowRel{}
	for _, k := range e.PartitionBy() {
		x, err := w.c.ordered(k, w.s)
		if err != nil {
			return err
		}
		r.partition = append(r.partition, x)
	}
	for i, k := range e.OrderBy() {
		x, err := w.c.ordered(k, w.s)
		if err != nil {
			return err
		}
		r.order = append(r.order, exec.SortKey{Expr: x, Desc: e.Desc[i]})
		r.orderKeys = append(r.orderKeys, fmt.Sprint(k, expr.Columns(x), e.Desc[i]))
	}
	for i, x := range r.partition {
		r.partKeys = append(r.partKeys, fmt.Sprint(e.PartitionBy()[i], expr.Columns(x)))
	}
	call, err := w.c.windowCall(e, r.order, w.s)
	if err != nil {
		return err
	}
	call.OrderKeys = len(r.order)
	at := slices.IndexFunc(w.rels, func(o *windowRel) bool { return o.accepts(r) })
	if at < 0 {
		at = len(w.rels)
		w.rels = append(w.rels, r)
	}
	o := w.rels[at]
	if len(o.order) < len(r.order) {
		o.order, o.orderKeys = r.order, r.orderKeys
	}
	w.columns[text] = [2]int{at, len(o.calls)}
	o.calls = append(o.calls, call)
	return nil
}

// accepts reports whether the calls of o can be computed over the rows of r, or over those of r in o's order: the
// partitions are the same, and one order begins with the other.
func (r *windowRel) accepts(o *windowRel) bool {
	n := min(len(r.orderKeys), len(o.orderKeys))
	return slices.Equal(slices.Sorted(slices.Values(r.partKeys)), slices.Sorted(slices.Values(o.partKeys))) &&
		slices.Equal(r.orderKeys[:n], o.orderKeys[:n])
}

// windowsBelow converts child and puts the windows of es, expressions over it, below them. They belong below a sort,
// whose order they would destroy.
func (c *converter) windowsBelow(child sql.Node, es []sql.Expression, outer []exec.Field) (rel, []sql.Expression, error) {
	if !hasWindow(es...) {
		in, err := c.convert(child, outer)
		return in, es, err
	}
	if s, ok := child.(*plan.Sort); ok {
		return c.windowedSort(s.Child, s.SortFields, es, outer)
	}
	in, err := c.convert(child, outer)
	if err != nil {
		return nil, nil, err
	}
	return c.windowed(in, es, outer)
}

// windowedSort is a sort over the windows of es and of its own keys.
func (c *converter) windowedSort(child sql.Node, by sql.SortFields, es []sql.Expression, outer []exec.Field) (rel, []sql.Expression, error) {
	in, err := c.convert(child, outer)
	if err != nil {
		return nil, nil, err
	}
	all := slices.Clone(es)
	for _, f := range by {
		all = append(all, f.Column)
	}
	top, all, err := c.windowed(in, all, outer)
	if err != nil {
		return nil, nil, err
	}
	by = slices.Clone(by)
	for i := range by {
		by[i].Column = all[len(es)+i]
	}
	fields := top.fields()
	keys, err := c.sortKeys(by, scope{fields: fields, outer: outer, hidden: len(fields) - len(child.Schema())})
	return &sortRel{input: top, keys: keys}, all[:len(es)], err
}

// having converts HAVING. Its condition comes before windows that the host's projection below it computes.
func (c *converter) having(n *plan.Having, outer []exec.Field) (rel, error) {
	p, ok := n.Child.(*plan.Project)
	if !ok || !hasWindow(p.Projections...) {
		return c.filter(n.Child, n.Cond, outer)
	}
	cond, _, err := transform.Expr(n.Cond, func(e sql.Expression) (sql.Expression, transform.TreeIdentity, error) {
		f, ok := e.(*expression.GetField)
		if !ok || c.position(f.Index()) < len(outer) || c.position(f.Index())-len(outer) >= len(p.Projections) {
			return e, transform.SameTree, nil
		}
		x := unalias(p.Projections[c.position(f.Index())-len(outer)])
		if hasWindow(x) {
			return nil, transform.SameTree, &parser.WindowError{Code: 3594, Reason: fmt.Sprintf(
				"You cannot use the alias '%s' of an expression containing a window function in this context.", f.Name())}
		}
		return x, transform.NewTree, nil
	})
	if err != nil {
		return nil, err
	}
	in, err := c.filter(p.Child, cond, outer)
	if err != nil {
		return nil, err
	}
	top, es, err := c.windowed(in, p.Projections, outer)
	if err != nil {
		return nil, err
	}
	return c.projection(top, es, p.Schema(), len(p.Child.Schema()), outer)
}

func (c *converter) windowCall(w *parser.WindowExpr, order []exec.SortKey, s scope) (exec.WindowCall, error) {
	call := exec.WindowCall{Name: w.Function, As: w.Function, NotNull: !w.IsNullable()}
	if err := c.windowArgs(w, &call, s); err != nil {
		return call, err
	}
	switch call.Name {
	case "row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead":
		return call, nil // frames do not matter to these
	}
	var err error
	call.Frame, err = c.frame(w, order)
	return call, err
}

// windowArgs sets the operands and the type.
func (c *converter) windowArgs(w *parser.WindowExpr, call *exec.WindowCall, s scope) error {
	args, constant, least := w.Args(), -1, int64(1)
	switch call.Name {
	case "row_number", "rank", "dense_rank":
		call.Type = types.Of(types.Int64)
	case "percent_rank", "cume_dist":
		call.Type = types.Of(types.Float64)
	case "ntile":
		call.Type, constant = types.Of(types.Int64), 0
	case "lag", "lead":
		call.Offset = 1
		constant, least = 1, 0
	case "nth_value":
		constant = 1
	}
	if len(args) < minArgs[call.Name] || len(args) > minArgs[call.Name]+optionalArgs(call.Name) {
		return &expr.TypeError{Function: call.Name, Reason: fmt.Sprintf("%d arguments", len(args))}
	}
	for i, k := range args {
		if i == constant {
			n, err := c.windowConstant(k)
			if err != nil || n < least {
				return &expr.TypeError{Function: call.Name, Reason: fmt.Sprintf("argument %d must be a whole number of at least %d", i+1, least)}
			}
			call.Offset = n
			continue
		}
		x, err := c.scalar(k, s)
		if err != nil {
			return err
		}
		call.Args = append(call.Args, x)
	}
	if len(call.Args) == 2 && (call.Name == "lag" || call.Name == "lead") {
		t := commonType(call.Args[0].Type(), call.Args[1].Type())
		call.Args[0], call.Args[1] = expr.Cast(call.Args[0], t), expr.Cast(call.Args[1], t)
	}
	if !agg.Known(call.Name) {
		if len(call.Args) > 0 {
			call.Type = call.Args[0].Type()
		}
		return nil
	}
	in := make([]types.Type, len(call.Args))
	for i, a := range call.Args {
		in[i] = a.Type()
	}
	var err error
	call.Type, err = agg.Resolve(call.Name, in, false)
	return err
}

// minArgs is the number of operands of functions that are no aggregates; those check their own.
var minArgs = map[string]int{"ntile": 1, "lag": 1, "lead": 1, "first_value": 1, "last_value": 1, "nth_value": 2}

func optionalArgs(name string) int {
	switch {
	case name == "lag" || name == "lead":
		return 2
	case agg.Known(name):
		return 2
	}
	return 0
}

// windowConstant evaluates an operand that must be the same for every row.
func (c *converter) windowConstant(e sql.Expression) (int64, error) {
	var column sql.Expression
	sql.Inspect(e, func(e sql.Expression) bool {
		switch e.(type) {
		case *expression.GetField, *plan.Subquery:
			column = e
		}
		return column == nil
	})
	if column != nil {
		return 0, &UnsupportedError{What: fmt.Sprintf("%s, which is not constant, as an operand of a window function", column)}
	}
	v, err := e.Eval(c.ctx, nil)
	if err != nil {
		return 0, err
	}
	n, ok := intFromHost(v)
	if !ok || strings.ContainsAny(fmt.Sprint(v), ".eE") {
		return 0, &UnsupportedError{What: fmt.Sprintf("%v as an operand of a window function", v)}
	}
	return n, nil
}

// frame converts a window's frame, by default the rows up to the current one's peers, or all without an order.
func (c *converter) frame(w *parser.WindowExpr, order []exec.SortKey) (exec.Frame, error) {
	if w.Frame == nil {
		f := exec.Frame{Range: true, End: exec.FrameBound{Kind: exec.CurrentRow}}
		if len(order) == 0 {
			f.End.Kind = exec.UnboundedFollowing
		}
		return f, nil
	}
	f := exec.Frame{Range: !w.Frame.Rows}
	var err error
	if f.Start, err = c.bound(&f, w, &w.Frame.Start, order); err != nil {
		return f, err
	}
	f.End, err = c.bound(&f, w, &w.Frame.End, order)
	return f, err
}

var boundKinds = []exec.BoundKind{exec.CurrentRow, exec.UnboundedFollowing, exec.UnboundedPreceding, exec.Preceding, exec.Following}

func (c *converter) bound(f *exec.Frame, w *parser.WindowExpr, h *parser.WindowBound, order []exec.SortKey) (exec.FrameBound, error) {
	b := exec.FrameBound{Kind: boundKinds[h.Kind]} // in the order of the host's constants, CurrentRow first
	distance := w.Distance(h)
	if distance == nil {
		return b, nil
	}
	illegal := &parser.WindowError{Code: 3586, Reason: fmt.Sprintf("Window '%s': frame start or end is negative, NULL or of non-integral type", w.Window)}
	if !f.Range {
		var err error
		if b.Rows, err = c.windowConstant(distance); err != nil || b.Rows < 0 {
			return b, illegal
		}
		return b, nil
	}
	v, err := distance.Eval(c.ctx, nil)
	if err != nil || v == nil || strings.HasPrefix(fmt.Sprint(v), "-") {
		return b, illegal
	}
	f.Desc = order[0].Desc
	return b, c.rangeBound(f, &b, order[0].Expr, w, h)
}

// rangeBound sets the key at which a RANGE frame ends, and the frame's key, both of one type.
func (c *converter) rangeBound(f *exec.Frame, b *exec.FrameBound, key expr.Expr, w *parser.WindowExpr, h *parser.WindowBound) error {
	n, err := c.scalar(w.Distance(h), scope{})
	if err != nil {
		return err
	}
	add := (b.Kind == exec.Following) != f.Desc
	wrong := func(code int, what string) error {
		return &parser.WindowError{Code: code, Reason: fmt.Sprintf("Window '%s' with RANGE %s", w.Window, what)}
	}
	switch t := key.Type(); {
	case t.Kind == types.Time:
		return &UnsupportedError{What: "RANGE with a distance over TIME"}
	case t.IsTemporal() && h.Unit == "":
		return wrong(3588, "frame has ORDER BY expression of datetime type. Only INTERVAL bound value allowed.")
	case t.IsTemporal():
		if t.Kind != types.Timestamp {
			key = expr.Cast(key, types.Of(types.TimestampNTZ))
		}
		name := map[bool]string{true: "date_add", false: "date_sub"}[add]
		if b.Value, err = expr.New(name, key, n, &expr.Literal{Val: types.StringValue(h.Unit)}); err != nil {
			return err
		}
	case !t.IsNumeric():
		return wrong(3587, "N PRECEDING/FOLLOWING frame requires exactly one ORDER BY expression, of numeric or temporal type.")
	case h.Unit != "":
		return wrong(3589, "frame has ORDER BY expression of numeric type, INTERVAL bound value not allowed.")
	default:
		if !t.IsFloat() && t.Kind != types.Decimal {
			key = expr.Cast(key, types.DecimalOf(20, 0))
		}
		if b.Value, err = expr.New(map[bool]string{true: "+", false: "-"}[add], key, n); err != nil {
			return err
		}
	}
	t := commonType(key.Type(), b.Value.Type())
	if f.Key != nil {
		t = commonType(t, f.Key.Type())
		if f.Start.Value != nil {
			f.Start.Value = expr.Cast(f.Start.Value, t)
		}
	}
	f.Key, b.Value = expr.Cast(key, t), expr.Cast(b.Value, t)
	return nil
}
