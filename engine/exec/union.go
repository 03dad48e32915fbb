package exec

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/featuresql/featuresql/engine/vector"
)

// UnionOp puts out all rows of all its children.
type UnionOp struct {
	children []Operator
	fields   []Field
}

// NewUnion returns UNION ALL of one or more children that have the same column types. A column is nullable if
// it is in any child; the names are the first child's.
func NewUnion(children ...Operator) *UnionOp {
	fields := append([]Field(nil), children[0].Fields()...)
	for _, c := range children[1:] {
		for i, f := range c.Fields() {
			if i < len(fields) {
				fields[i].Nullable = fields[i].Nullable || f.Nullable
			}
		}
	}
	return &UnionOp{children: children, fields: fields}
}

// Fields implements Operator.
func (u *UnionOp) Fields() []Field { return u.fields }

// Children implements Operator.
func (u *UnionOp) Children() []Operator { return u.children }

// Describe implements Operator.
func (u *UnionOp) Describe() string { return "Union all" }

// Open implements Operator.
func (u *UnionOp) Open(ctx context.Context, q *Query) ([]Stream, error) {
	queue := &unionQueue{query: q, ctx: ctx, pending: u.children, open: q.workers()}
	out := make([]Stream, q.workers())
	for i := range out {
		out[i] = &unionStream{queue: queue}
	}
	return out, nil
}

// unionQueue hands the children's streams to whoever is free; a child is opened when the one before is taken.
type unionQueue struct {
	query   *Query
	ctx     context.Context
	mu      sync.Mutex
	pending []Operator
	ready   []Stream
	open    int // streams of the union not closed yet
}

func (u *unionQueue) take() (Stream, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for len(u.ready) == 0 {
		if len(u.pending) == 0 {
			return nil, io.EOF
		}
		streams, err := u.pending[0].Open(u.ctx, u.query)
		u.pending = u.pending[1:]
		if err != nil {
			u.pending = nil
			return nil, err
		}
		u.ready = streams
	}
	s := u.ready[0]
	u.ready = u.ready[1:]
	return s, nil
}

// leave is called by each stream once; the last one closes what nobody took.
func (u *unionQueue) leave() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.open--; u.open > 0 {
		return nil
	}
	u.pending = nil
	err := closeAll(u.ready)
	u.ready = nil
	return err
}

type unionStream struct {
	queue  *unionQueue
	in     Stream
	closed bool
}

func (s *unionStream) Next(ctx context.Context) (*vector.Batch, error) {
	if s.closed {
		return nil, io.EOF
	}
	for {
		if s.in == nil {
			in, err := s.queue.take()
			if err != nil {
				return nil, err
			}
			s.in = in
		}
		b, err := s.in.Next(ctx)
		if !errors.Is(err, io.EOF) {
			return b, err
		}
		err = s.in.Close()
		s.in = nil
		if err != nil {
			return nil, err
		}
	}
}

func (s *unionStream) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	err := s.queue.leave()
	if s.in != nil {
		err = errors.Join(err, s.in.Close())
		s.in = nil
	}
	return err
}
