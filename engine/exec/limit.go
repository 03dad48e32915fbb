package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/featuresql/featuresql/engine/vector"
)

// LimitOp skips rows and then lets a number of rows through.
type LimitOp struct {
	child     Operator
	n, offset int64
}

// NewLimit returns an operator that skips offset rows of child and yields the next n; n < 0 means all. It
// stops its child as soon as it has them.
func NewLimit(child Operator, n, offset int64) *LimitOp {
	return &LimitOp{child: child, n: n, offset: max(0, offset)}
}

// Fields implements Operator.
func (l *LimitOp) Fields() []Field { return l.child.Fields() }

// Children implements Operator.
func (l *LimitOp) Children() []Operator { return []Operator{l.child} }

// Describe implements Operator.
func (l *LimitOp) Describe() string { return fmt.Sprintf("Limit %d offset %d", l.n, l.offset) }

// Open implements Operator.
func (l *LimitOp) Open(ctx context.Context, q *Query) ([]Stream, error) {
	if l.n == 0 {
		return []Stream{emptyStream{}}, nil
	}
	shared := &limitState{unlimited: l.n < 0, done: make(chan struct{})}
	shared.skip.Store(l.offset)
	shared.left.Store(l.n)
	return mapStreams(ctx, q, l.child, func(in Stream) (Stream, error) {
		return &limitStream{in: in, shared: shared}, nil
	})
}

// limitState is shared by the streams: any row may be among those that pass.
type limitState struct {
	unlimited  bool
	skip, left atomic.Int64
	done       chan struct{} // closed when nothing is left
}

// take reserves up to want of what is left of c.
func take(c *atomic.Int64, want int) int {
	for {
		have := c.Load()
		n := min(int64(want), have)
		if n <= 0 {
			return 0
		}
		if c.CompareAndSwap(have, have-n) {
			return int(n)
		}
	}
}

type limitStream struct {
	in     Stream
	shared *limitState
	ctx    context.Context // of in; ends early when another stream takes the last row
	cancel context.CancelFunc
	out    vector.Batch
	sel    []uint16
}

func (s *limitStream) Next(ctx context.Context) (*vector.Batch, error) {
	st := s.shared
	if !st.unlimited && s.cancel == nil {
		s.watch(ctx)
	}
	for {
		if !st.unlimited && st.left.Load() <= 0 {
			s.in.Close()
			return nil, io.EOF
		}
		inner := ctx
		if s.ctx != nil {
			inner = s.ctx
		}
		b, err := s.in.Next(inner)
		if err != nil {
			if ctx.Err() == nil && !errors.Is(err, io.EOF) && !st.unlimited && st.left.Load() <= 0 {
				err = io.EOF // stopped by the limit, not by a failure
			}
			return nil, err
		}
		rows := b.Rows()
		skip := take(&st.skip, rows)
		keep := rows - skip
		if !st.unlimited {
			if keep = take(&st.left, keep); keep > 0 && st.left.Load() == 0 {
				s.finish()
			}
		}
		if keep == rows {
			return b, nil
		}
		if keep > 0 {
			return s.slice(b, skip, keep), nil
		}
	}
}

// watch derives a context that ends when the limit is reached by another stream.
func (s *limitStream) watch(ctx context.Context) {
	s.ctx, s.cancel = context.WithCancel(ctx)
	go func(c context.Context, cancel context.CancelFunc) {
		select {
		case <-s.shared.done:
			cancel()
		case <-c.Done():
		}
	}(s.ctx, s.cancel)
}

func (s *limitStream) finish() {
	// Only the stream whose take made left zero gets here, but two may see zero at once.
	if s.shared.left.CompareAndSwap(0, -1) {
		close(s.shared.done)
	}
}

func (s *limitStream) slice(b *vector.Batch, skip, keep int) *vector.Batch {
	if b.Sel != nil {
		s.out = vector.Batch{Len: b.Len, Sel: b.Sel[skip : skip+keep], Cols: b.Cols}
		return &s.out
	}
	s.sel = s.sel[:0]
	for i := skip; i < skip+keep; i++ {
		s.sel = append(s.sel, uint16(i))
	}
	s.out = vector.Batch{Len: b.Len, Sel: s.sel, Cols: b.Cols}
	return &s.out
}

func (s *limitStream) Close() error {
	if s.cancel != nil {
		s.cancel()
	}
	return s.in.Close()
}

type emptyStream struct{}

func (emptyStream) Next(context.Context) (*vector.Batch, error) { return nil, io.EOF }

func (emptyStream) Close() error { return nil }
