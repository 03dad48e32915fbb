package exec

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/sqlfuncs/agg"
)

// BoundKind says where a window frame starts or ends.
type BoundKind uint8

// The bounds of a frame, as in the MySQL manual, "Window Function Frame Specification".
const (
	UnboundedPreceding BoundKind = iota
	Preceding
	CurrentRow
	Following
	UnboundedFollowing
)

// FrameBound is one end of a frame. For Preceding and Following, a ROWS frame has the distance in Rows, and a
// RANGE frame in Value the key at which the frame ends: an expression over the row, of the type of Frame.Key; where
// that is NULL beside a key that is not, the bound lies beyond all keys.
type FrameBound struct {
	Kind  BoundKind
	Rows  int64
	Value expr.Expr
}

// Frame is the rows around a row that a call sees. Range counts peers and distances of Key, the only sort key,
// which descends if Desc is set; otherwise rows are counted.
type Frame struct {
	Range      bool
	Start, End FrameBound
	Key        expr.Expr // of a RANGE frame with distances; else nil
	Desc       bool
}

// WindowCall is one call: row_number, rank, dense_rank, percent_rank, cume_dist, ntile(n), lag and lead(x, offset,
// default), first_value, last_value, nth_value(x, n), or an aggregate (agg.Known). Offset is the constant operand
// of ntile, lag, lead and nth_value; the default of lag and lead is Args[1], of the type of Args[0]. Of the
// window's order the call's own is the first OrderKeys keys: rows that are equal in those are peers.
type WindowCall struct {
	Name      string
	Args      []expr.Expr
	Offset    int64
	OrderKeys int
	Frame     Frame
	Type      types.Type
	NotNull   bool
	As        string
}

// WindowOp computes calls over one window.
type WindowOp struct {
	child  Operator
	sorted *SortOp // over child and the expressions of the calls; nil if the window has neither partitions nor order
	input  Operator
	fields []Field
	calls  []windowCall
	parts  []int // columns of the input
	order  []int
	text   string
}

// windowCall is a call with its operands as columns of the input; -1: none.
type windowCall struct {
	WindowCall
	args            []int
	key, start, end int
}

// NewWindow returns an operator that yields the rows of child with a column for each call behind child's own: in one
// stream, or with partitions in several that have whole partitions each. Within a stream rows are sorted by
// partitionBy and orderBy.
//
// Rows are sorted as by NewSort, which spills. Of the sorted rows a stream holds those that are still in the frame
// of a row to come, and those that wait for the end of their partition; where that is many, and all that a call has to know of
// the rows to come is their number, the last one or an aggregate of all, they go to a file (lookAhead). More than the
// query's budget of the others is a *MemoryError.
func NewWindow(child Operator, partitionBy []expr.Expr, orderBy []SortKey, calls []WindowCall) (*WindowOp, error) {
	in := child.Fields()
	exprs := fieldColumns(in)
	add := func(e expr.Expr) int {
		if e == nil {
			return -1
		}
		if c, ok := e.(*expr.Column); ok {
			return c.Index
		}
		exprs = append(exprs, e)
		return len(exprs) - 1
	}
	w := &WindowOp{child: child, fields: slices.Clone(in)}
	var keys []SortKey
	addKey := func(e expr.Expr, desc bool) int {
		at := add(e)
		keys = append(keys, SortKey{Expr: &expr.Column{Index: at, Name: e.String(), Typ: e.Type(), Null: e.Nullable()}, Desc: desc})
		return at
	}
	for _, p := range partitionBy {
		w.parts = append(w.parts, addKey(p, false))
	}
	for _, k := range orderBy {
		w.order = append(w.order, addKey(k.Expr, k.Desc))
	}
	for _, c := range calls {
		wc := windowCall{WindowCall: c}
		for i, a := range c.Args {
			if agg.Known(c.Name) {
				if t := agg.ArgType(c.Name, i, a.Type()); t != a.Type() {
					a = expr.Cast(a, t)
				}
			}
			wc.args = append(wc.args, add(a))
		}
		wc.key, wc.start, wc.end = add(c.Frame.Key), add(c.Frame.Start.Value), add(c.Frame.End.Value)
		w.calls = append(w.calls, wc)
		w.fields = append(w.fields, Field{Name: c.As, Type: c.Type, Nullable: !c.NotNull})
	}
	w.input = child
	if len(exprs) > len(in) {
		w.input = NewProject(child, exprs, nil)
	}
	if len(keys) > 0 {
		w.sorted = NewSort(w.input, keys)
	}
	w.text = describeWindow(partitionBy, orderBy, calls)
	return w, nil
}

// Fields implements Operator.
func (w *WindowOp) Fields() []Field { return w.fields }

// Children implements Operator.
func (w *WindowOp) Children() []Operator { return []Operator{w.child} }

// Describe implements Operator.
func (w *WindowOp) Describe() string { return w.text }

func describeWindow(partitionBy []expr.Expr, orderBy []SortKey, calls []WindowCall) string {
	parts := make([]string, len(calls))
	for i, c := range calls {
		parts[i] = c.Name + "(" + exprList(c.Args)
		if c.Offset != 0 || c.Name == "lag" || c.Name == "lead" {
			parts[i] = strings.TrimSuffix(fmt.Sprintf("%s, %d", parts[i], c.Offset), ", ")
		}
		parts[i] = strings.Replace(parts[i], "(, ", "(", 1) + ")" + c.frameText()
		if c.OrderKeys < len(orderBy) {
			parts[i] += fmt.Sprintf(" ordered by the first %d keys", c.OrderKeys)
		}
	}
	s := "Window " + strings.Join(parts, ", ")
	if len(partitionBy) > 0 {
		s += " partition by " + exprList(partitionBy)
	}
	if len(orderBy) > 0 {
		s += " order by " + sortKeyList(orderBy)
	}
	return s
}

// frameText is the frame in SQL's words, for functions to which it matters.
func (c *WindowCall) frameText() string {
	switch c.Name {
	case "row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead":
		return ""
	}
	unit := "rows"
	if c.Frame.Range {
		unit = "range"
	}
	return fmt.Sprintf(" %s between %s and %s", unit, c.Frame.Start.text(), c.Frame.End.text())
}

func (b *FrameBound) text() string {
	distance := fmt.Sprint(b.Rows)
	if b.Value != nil {
		distance = "key " + b.Value.String()
	}
	switch b.Kind {
	case UnboundedPreceding:
		return "unbounded preceding"
	case Preceding:
		return distance + " preceding"
	case Following:
		return distance + " following"
	case UnboundedFollowing:
		return "unbounded following"
	default:
		return "current row"
	}
}

// Open implements Operator.
func (w *WindowOp) Open(ctx context.Context, q *Query) ([]Stream, error) {
	if w.sorted == nil {
		in, err := openGathered(ctx, q, w.input)
		if err != nil {
			return nil, err
		}
		return []Stream{newWindowStream(w, q, &plainRows{in: in})}, nil
	}
	ins, err := w.input.Open(ctx, q)
	if err != nil {
		return nil, err
	}
	shared := &windowSort{op: w, query: q, inputs: ins, streams: 1}
	if len(w.parts) > 0 {
		shared.streams = q.workers()
	}
	shared.open = shared.streams
	out := make([]Stream, shared.streams)
	for i := range out {
		out[i] = newWindowStream(w, q, &sortedRows{shared: shared, stream: i})
	}
	return out, nil
}
