package exec

import (
	"context"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/vector"
)

// FilterOp keeps the rows for which a predicate is true.
type FilterOp struct {
	child Operator
	cond  expr.Expr
}

// NewFilter returns an operator that keeps the rows of child for which cond is TRUE (not FALSE, not NULL).
func NewFilter(child Operator, cond expr.Expr) *FilterOp { return &FilterOp{child: child, cond: cond} }

// Fields implements Operator.
func (f *FilterOp) Fields() []Field { return f.child.Fields() }

// Children implements Operator.
func (f *FilterOp) Children() []Operator { return []Operator{f.child} }

// Describe implements Operator.
func (f *FilterOp) Describe() string { return "Filter " + f.cond.String() }

// Open implements Operator.
func (f *FilterOp) Open(ctx context.Context, q *Query) ([]Stream, error) {
	return mapStreams(ctx, q, f.child, func(in Stream) (Stream, error) {
		c, err := expr.CompileFilter(f.cond, q.Env)
		if err != nil {
			return nil, err
		}
		return &filterStream{in: in, filter: c}, nil
	})
}

// mapStreams opens child and wraps each of its streams.
func mapStreams(ctx context.Context, q *Query, child Operator, wrap func(Stream) (Stream, error)) ([]Stream, error) {
	ins, err := child.Open(ctx, q)
	if err != nil {
		return nil, err
	}
	out := make([]Stream, len(ins))
	for i, in := range ins {
		if out[i], err = wrap(in); err != nil {
			_ = closeAll(ins)
			return nil, err
		}
	}
	return out, nil
}

type filterStream struct {
	in     Stream
	filter *expr.Filter
	out    vector.Batch
}

func (s *filterStream) Next(ctx context.Context) (*vector.Batch, error) {
	for {
		b, err := s.in.Next(ctx)
		if err != nil {
			return nil, err
		}
		sel, err := s.filter.Apply(b)
		if err != nil {
			return nil, err
		}
		switch {
		case len(sel) == b.Rows():
			return b, nil
		case len(sel) > 0:
			s.out = vector.Batch{Len: b.Len, Sel: sel, Cols: b.Cols, First: b.First}
			return &s.out, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
}

func (s *filterStream) Close() error { return s.in.Close() }
