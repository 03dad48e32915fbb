package exec

import (
	"context"
	"fmt"
	"io"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
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
// RANGE frame in Value the key at which the frame ends: an expression over the row, of the type of Frame.Key.
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
// of ntile, lag, lead and nth_value; the default of lag and lead is Args[1], of the type of Args[0].
type WindowCall struct {
	Name   string
	Args   []expr.Expr
	Offset int64
	Frame  Frame
	Type   types.Type
	As     string
}

// WindowOp computes calls over one window.
type WindowOp struct {
	child   Operator
	sorted  Operator
	fields  []Field
	calls   []windowCall
	parts   []int
	order   []int
	keyText string
}

// windowCall is a call with its operands as columns of the sorted input; -1: none.
type windowCall struct {
	WindowCall
	args            []int
	key, start, end int
}

// NewWindow returns an operator that yields the rows of child, sorted by partitionBy and orderBy, with a column
// for each call behind child's own. It holds all rows in memory, counted in the query's budget. An aggregate over
// frames that keep their start is computed in linear time, over sliding frames anew for each frame.
func NewWindow(child Operator, partitionBy []expr.Expr, orderBy []SortKey, calls []WindowCall) (*WindowOp, error) {
	in := child.Fields()
	exprs := fieldColumns(in)
	add := func(e expr.Expr) int {
		if e == nil {
			return -1
		}
		exprs = append(exprs, e)
		return len(exprs) - 1
	}
	w := &WindowOp{child: child, fields: append([]Field(nil), in...)}
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
	w.keyText = sortKeyList(keys)
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
		w.fields = append(w.fields, Field{Name: c.As, Type: c.Type, Nullable: true})
	}
	fields := make([]Field, len(exprs))
	for i, e := range exprs {
		fields[i] = Field{Name: e.String(), Type: e.Type(), Nullable: e.Nullable()}
	}
	w.sorted = NewProject(child, exprs, fields)
	if len(keys) > 0 {
		w.sorted = NewSort(w.sorted, keys)
	}
	return w, nil
}

// Fields implements Operator.
func (w *WindowOp) Fields() []Field { return w.fields }

// Children implements Operator.
func (w *WindowOp) Children() []Operator { return []Operator{w.child} }

// Describe implements Operator.
func (w *WindowOp) Describe() string {
	s := "Window"
	for _, c := range w.calls {
		s += " " + c.Name + "(" + exprList(c.Args) + ")"
	}
	return s + " over " + w.keyText
}

// Open implements Operator.
func (w *WindowOp) Open(ctx context.Context, q *Query) ([]Stream, error) {
	in, err := openGathered(ctx, q, w.sorted)
	if err != nil {
		return nil, err
	}
	return []Stream{&windowStream{op: w, query: q, in: in, acct: q.account("window")}}, nil
}

// windowStream collects the sorted rows, then puts them out with the calls' results.
type windowStream struct {
	op      *WindowOp
	query   *Query
	in      Stream
	acct    *account
	started bool
	err     error
	cols    []*vector.Vector // of the sorted input
	results []*vector.Vector
	n, pos  int
	out     vector.Batch
}

func (s *windowStream) Next(ctx context.Context) (*vector.Batch, error) {
	if !s.started {
		s.started = true
		s.err = s.start(ctx)
	}
	if s.err != nil {
		return nil, s.err
	}
	if s.pos >= s.n {
		return nil, io.EOF
	}
	idx := rowRange(s.pos, min(s.n, s.pos+s.query.batchRows()))
	s.pos += len(idx)
	s.out = vector.Batch{Len: len(idx)}
	for i := range s.op.fields {
		v := s.column(i)
		s.out.Cols = append(s.out.Cols, v.Gather32(idx))
	}
	return &s.out, nil
}

func (s *windowStream) column(i int) *vector.Vector {
	if width := len(s.op.fields) - len(s.results); i >= width {
		return s.results[i-width]
	}
	return s.cols[i]
}

func rowRange(lo, hi int) []int32 {
	idx := make([]int32, hi-lo)
	for i := range idx {
		idx[i] = int32(lo + i)
	}
	return idx
}

func (s *windowStream) start(ctx context.Context) error {
	for _, f := range s.op.sorted.Fields() {
		s.cols = append(s.cols, vector.New(f.Type, 0))
	}
	err := drain(ctx, s.in, func(b *vector.Batch) error {
		for i, v := range b.Cols {
			for k := range b.Rows() {
				s.cols[i].AppendValue(v.Value(b.Row(k)))
			}
			if len(s.cols[i].Data) > maxWindowText {
				return fmt.Errorf("window over more than %d bytes of text in a column", maxWindowText)
			}
		}
		s.n += b.Rows()
		return s.charge()
	})
	if err != nil {
		return err
	}
	for _, c := range s.op.calls {
		s.results = append(s.results, vector.New(c.Type, 0))
	}
	for from := 0; from < s.n; {
		p := s.partition(from)
		for i := range s.op.calls {
			if err := p.compute(ctx, &s.op.calls[i], s.results[i]); err != nil {
				return fmt.Errorf("compute %s over a window: %w", s.op.calls[i].Name, err)
			}
		}
		if err := s.charge(); err != nil {
			return err
		}
		from = p.to
	}
	return nil
}

// maxWindowText keeps a column's offsets, and a batch appended to it, within an int32.
const maxWindowText = 1 << 30

func (s *windowStream) charge() error {
	n := 0
	for _, v := range s.cols {
		n += v.SizeBytes()
	}
	for _, v := range s.results {
		n += v.SizeBytes()
	}
	return s.acct.set(int64(n))
}

func (s *windowStream) Close() error {
	s.acct.free()
	s.cols, s.results, s.n = nil, nil, 0
	return s.in.Close()
}
