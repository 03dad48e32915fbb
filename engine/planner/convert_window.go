package planner

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation"
	"github.com/dolthub/go-mysql-server/sql/plan"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/sqlfuncs/agg"
)

// windowRel puts out the input's columns, then the call's.
type windowRel struct {
	input     rel
	partition []expr.Expr
	order     []exec.SortKey
	call      exec.WindowCall
}

func (r *windowRel) fields() []exec.Field {
	in := r.input.fields()
	return append(in[:len(in):len(in)], exec.Field{Name: r.call.As, Type: r.call.Type, Nullable: true})
}
func (r *windowRel) inputs() []rel     { return []rel{r.input} }
func (r *windowRel) estimate() float64 { return r.input.estimate() }

// mapped is a copy of r with its expressions replaced.
func (r *windowRel) mapped(f func(expr.Expr) expr.Expr) *windowRel {
	n := *r
	n.partition, n.order, n.call.Args = nil, nil, nil
	for _, e := range r.partition {
		n.partition = append(n.partition, f(e))
	}
	for _, k := range r.order {
		n.order = append(n.order, exec.SortKey{Expr: f(k.Expr), Desc: k.Desc})
	}
	for _, e := range r.call.Args {
		n.call.Args = append(n.call.Args, f(e))
	}
	for _, e := range []*expr.Expr{&n.call.Frame.Key, &n.call.Frame.Start.Value, &n.call.Frame.End.Value} {
		if *e != nil {
			*e = f(*e)
		}
	}
	return &n
}

// window converts each call to a windowRel over the one before, and the selected columns to a projection.
func (c *converter) window(n *plan.Window, outer []exec.Field) (rel, error) {
	in, err := c.convert(n.Child, outer)
	if err != nil {
		return nil, err
	}
	s := c.scopeOf(in, outer)
	p := &projectRel{}
	schema := n.Schema()
	var top = in
	for i, e := range n.SelectExprs {
		var x expr.Expr
		w, ok := unalias(e).(sql.WindowAdaptableExpression)
		if ok && w.Window() != nil {
			r, err := c.windowCall(w, s)
			if err != nil {
				return nil, err
			}
			r.input, r.call.As = top, schema[i].Name
			top = r
			fields := r.fields()
			x = columnOf(fields, len(fields)-1)
		} else if x, err = c.scalar(e, s); err != nil {
			return nil, err
		}
		p.exprs = append(p.exprs, x)
		p.out = append(p.out, exec.Field{Name: schema[i].Name, Type: x.Type(), Nullable: x.Nullable()})
	}
	p.input = top
	return p, nil
}

func (c *converter) windowCall(w sql.WindowAdaptableExpression, s scope) (*windowRel, error) {
	f, ok := w.(sql.FunctionExpression)
	if !ok {
		return nil, &UnsupportedError{What: fmt.Sprintf("%s as a window function", w)}
	}
	def := w.Window()
	r := &windowRel{}
	var err error
	if r.partition, err = c.scalars(def.PartitionBy, s); err != nil {
		return nil, err
	}
	if r.order, err = c.sortKeys(def.OrderBy, s); err != nil {
		return nil, err
	}
	r.call.Name = aggregateName(f)
	if err := c.windowArgs(w, &r.call, s); err != nil {
		return nil, err
	}
	switch r.call.Name {
	case "row_number", "rank", "dense_rank", "percent_rank", "ntile", "lag", "lead": // frames do not matter to these
		return r, nil
	}
	r.call.Frame, err = c.frame(def, r.order)
	return r, err
}

// windowArgs sets the operands and the type. Children holds the operands of
// an aggregate before the window's own expressions, those of the others behind them.
func (c *converter) windowArgs(w sql.WindowAdaptableExpression, call *exec.WindowCall, s scope) error {
	kids := w.Children()
	own := max(0, len(kids)-len(w.Window().ToExpressions()))
	switch call.Name {
	case "lag", "lead", "first_value", "last_value":
		kids = kids[len(kids)-own:]
	default:
		kids = kids[:own]
	}
	switch call.Name {
	case "row_number", "rank", "dense_rank":
		call.Type = types.Of(types.Int64)
		return nil
	case "percent_rank":
		call.Type = types.Of(types.Float64)
		return nil
	case "ntile":
		call.Type = types.Of(types.Int64)
		var err error
		call.Offset, err = ntileBuckets(w)
		return err
	}
	if _, distinct := w.(*aggregation.CountDistinct); distinct {
		return &UnsupportedError{What: "DISTINCT in a window function"}
	}
	for i, k := range kids {
		if _, distinct := k.(*expression.DistinctExpression); distinct {
			return &UnsupportedError{What: "DISTINCT in a window function"}
		}
		if _, star := k.(*expression.Star); star && call.Name == "count" {
			continue
		}
		x, err := c.scalar(k, s)
		if err != nil {
			return err
		}
		if i > 0 && (call.Name == "lag" || call.Name == "lead") {
			t := commonType(call.Args[0].Type(), x.Type())
			call.Args[0], x = expr.Cast(call.Args[0], t), expr.Cast(x, t)
		}
		call.Args = append(call.Args, x)
	}
	switch call.Name {
	case "lag", "lead":
		call.Offset = int64(hostInt(w, "offset"))
		if call.Offset < 0 {
			return &UnsupportedError{What: "a negative offset in " + call.Name}
		}
		fallthrough
	case "first_value", "last_value":
		if len(call.Args) == 0 {
			return &UnsupportedError{What: call.Name + " without an operand"}
		}
		call.Type = call.Args[0].Type()
		return nil
	}
	if !agg.Known(call.Name) || call.Name == "any_value" || call.Name == "first" {
		return &UnsupportedError{What: call.Name + " as a window function"}
	}
	in := make([]types.Type, len(call.Args))
	for i, a := range call.Args {
		in[i] = a.Type()
	}
	var err error
	call.Type, err = agg.Resolve(call.Name, in, false)
	return err
}

// ntileBuckets reads NTILE's operand, which the host keeps to itself.
func ntileBuckets(w any) (int64, error) {
	v := reflect.Indirect(reflect.ValueOf(w)).FieldByName("bucketExpr")
	if v.Kind() == reflect.Interface {
		v = reflect.Indirect(v.Elem())
	}
	if v.Kind() == reflect.Struct {
		v = v.FieldByName("Val")
	}
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	n := int64(0)
	if v.IsValid() && v.CanInt() {
		n = v.Int()
	} else if v.IsValid() && v.CanUint() {
		n = int64(v.Uint())
	}
	if n <= 0 {
		return 0, &UnsupportedError{What: "NTILE of anything but a positive whole number"}
	}
	return n, nil
}

// frame converts a window's frame, by default the rows up to the current one's peers, or all without an order.
func (c *converter) frame(def *sql.WindowDefinition, order []exec.SortKey) (exec.Frame, error) {
	std := exec.Frame{Range: true, End: exec.FrameBound{Kind: exec.CurrentRow}}
	if len(order) == 0 {
		std.End.Kind = exec.UnboundedFollowing
	}
	h := def.Frame
	if h == nil {
		return std, nil
	}
	if _, whole := h.(*plan.RowsUnboundedPrecedingToUnboundedFollowingFrame); whole && len(order) > 0 {
		// The host gives this frame also to OVER w where w has an order and no frame; only the text tells.
		text := strings.ToLower(c.ctx.Query())
		named, explicit := strings.Contains(text, "window"), strings.Contains(text, "following")
		switch {
		case named && explicit, text == "":
			return std, &UnsupportedError{What: "a named window with an order beside a frame that ends UNBOUNDED FOLLOWING"}
		case !explicit:
			return std, nil
		}
	}
	f := exec.Frame{Range: hostBool(h, "isRange")}
	var err error
	if f.Start, err = c.bound(&f, h.UnboundedPreceding(), false, h.StartCurrentRow(), h.StartNPreceding(), h.StartNFollowing(), order); err != nil {
		return f, err
	}
	f.End, err = c.bound(&f, false, h.UnboundedFollowing(), h.EndCurrentRow(), h.EndNPreceding(), h.EndNFollowing(), order)
	return f, err
}

func (c *converter) bound(f *exec.Frame, first, last, current bool, before, after sql.Expression, order []exec.SortKey) (exec.FrameBound, error) {
	b := exec.FrameBound{Kind: exec.Preceding}
	distance := before
	switch {
	case first:
		return exec.FrameBound{Kind: exec.UnboundedPreceding}, nil
	case last:
		return exec.FrameBound{Kind: exec.UnboundedFollowing}, nil
	case current:
		return exec.FrameBound{Kind: exec.CurrentRow}, nil
	case after != nil:
		b.Kind, distance = exec.Following, after
	case before == nil:
		return b, &UnsupportedError{What: "this window frame"}
	}
	var err error
	if !f.Range {
		b.Rows, err = c.count(distance)
		return b, err
	}
	if len(order) != 1 {
		return b, &UnsupportedError{What: "RANGE with a distance and other than one ORDER BY expression"}
	}
	f.Desc = order[0].Desc
	add := (b.Kind == exec.Following) != f.Desc
	err = c.rangeBound(f, &b, order[0].Expr, distance, add)
	return b, err
}

// rangeBound sets the key at which a RANGE frame ends, and the frame's key, both of one type.
func (c *converter) rangeBound(f *exec.Frame, b *exec.FrameBound, key expr.Expr, distance sql.Expression, add bool) (err error) {
	op := map[bool]string{true: "+", false: "-"}[add]
	if iv, ok := distance.(*expression.Interval); ok && key.Type().IsTemporal() && key.Type().Kind != types.Time {
		if key.Type().Kind != types.Timestamp {
			key = expr.Cast(key, types.Of(types.TimestampNTZ))
		}
		n, err := c.scalar(iv.Child, scope{})
		if err != nil {
			return err
		}
		name := map[bool]string{true: "date_add", false: "date_sub"}[add]
		b.Value, err = expr.New(name, key, n, &expr.Literal{Val: types.StringValue(strings.ToLower(iv.Unit))})
		if err != nil {
			return err
		}
	} else {
		if !key.Type().IsNumeric() {
			return &UnsupportedError{What: "RANGE with this distance over " + key.Type().String()}
		}
		if !key.Type().IsFloat() && key.Type().Kind != types.Decimal {
			key = expr.Cast(key, types.DecimalOf(20, 0))
		}
		n, err := c.scalar(distance, scope{})
		if err != nil {
			return err
		}
		if b.Value, err = expr.New(op, key, n); err != nil {
			return err
		}
	}
	t := commonType(key.Type(), b.Value.Type())
	if f.Key != nil {
		t = commonType(t, f.Key.Type())
		f.Start.Value = castIfSet(f.Start.Value, t)
	}
	f.Key, b.Value = expr.Cast(key, t), expr.Cast(b.Value, t)
	return nil
}

func castIfSet(e expr.Expr, t types.Type) expr.Expr {
	if e == nil {
		return nil
	}
	return expr.Cast(e, t)
}
