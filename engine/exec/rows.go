package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// RowIter yields rows one by one: the way in for what exists only row by row (the host's nodes).
type RowIter interface {
	// Next returns the next row, one value a field and of its type, or io.EOF. The row may be reused.
	Next(ctx context.Context) ([]types.Value, error)
	Close() error
}

// RowsOp batches the rows of a RowIter.
type RowsOp struct {
	fields []Field
	name   string
	open   func(ctx context.Context) (RowIter, error)
	ahead  bool
}

// NewRows returns an operator over the rows of what open returns; name is for EXPLAIN.
func NewRows(name string, fields []Field, open func(ctx context.Context) (RowIter, error)) *RowsOp {
	return &RowsOp{fields: fields, name: name, open: open}
}

// NewRowsAhead is NewRows for rows that take long to make: they are made on a goroutine of their own, some batches ahead.
func NewRowsAhead(name string, fields []Field, open func(ctx context.Context) (RowIter, error)) *RowsOp {
	return &RowsOp{fields: fields, name: name, open: open, ahead: true}
}

// Fields implements Operator.
func (r *RowsOp) Fields() []Field { return r.fields }

// Children implements Operator.
func (r *RowsOp) Children() []Operator { return nil }

// Describe implements Operator.
func (r *RowsOp) Describe() string { return "Rows " + r.name }

// Open implements Operator.
func (r *RowsOp) Open(ctx context.Context, q *Query) ([]Stream, error) {
	it, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	if r.ahead {
		return []Stream{newAheadStream(r, it, q)}, nil
	}
	return []Stream{newRowsStream(r, it, q)}, nil
}

type rowsStream struct {
	op    *RowsOp
	iter  RowIter
	limit int
	room  int // for the text of a column of a batch
	outs  []*outVector
	out   vector.Batch
	err   error
}

func newRowsStream(r *RowsOp, it RowIter, q *Query) *rowsStream {
	s := &rowsStream{op: r, iter: it, limit: q.batchRows(), room: q.textRoom()}
	s.outs, s.out.Cols = newOutVectors(fieldTypes(r.fields))
	return s
}

func (s *rowsStream) Next(ctx context.Context) (*vector.Batch, error) {
	if s.err != nil {
		return nil, s.err
	}
	for i, o := range s.outs {
		resetVector(&o.Vector, s.op.fields[i].Type, 0)
	}
	n := 0
	for full := false; n < s.limit && !full; n++ {
		row, err := s.iter.Next(ctx)
		if err != nil {
			s.err = err
			break
		}
		if len(row) != len(s.outs) {
			s.err = fmt.Errorf("%s: row of %d values for %d columns", s.op.name, len(row), len(s.outs))
			break
		}
		for i, v := range row {
			s.outs[i].AppendValue(v)
			full = full || len(s.outs[i].Data) > s.room
		}
	}
	if n == 0 || (s.err != nil && !errors.Is(s.err, io.EOF)) {
		return nil, s.err
	}
	s.out.Len = n
	return &s.out, nil
}

func (s *rowsStream) Close() error {
	if s.iter == nil {
		return nil
	}
	it := s.iter
	s.iter, s.err = nil, io.EOF
	return it.Close()
}

// batchesAhead is how many batches an aheadStream has: one that is used, and others that are made meanwhile.
const batchesAhead = 3

// aheadStream makes batches on a goroutine while those before are used. Its parts share one iterator and take turns.
type aheadStream struct {
	parts  [batchesAhead]*rowsStream
	iter   RowIter
	made   chan aheadBatch
	free   chan *rowsStream
	used   *rowsStream // of the batch handed out last
	cancel context.CancelFunc
	wg     sync.WaitGroup
	err    error
}

type aheadBatch struct {
	from  *rowsStream
	batch *vector.Batch
	err   error
}

func newAheadStream(r *RowsOp, it RowIter, q *Query) *aheadStream {
	s := &aheadStream{iter: it, made: make(chan aheadBatch, batchesAhead+1), free: make(chan *rowsStream, batchesAhead)}
	for i := range s.parts {
		s.parts[i] = newRowsStream(r, it, q)
		s.free <- s.parts[i]
	}
	return s
}

// run makes batches until the rows end or fail.
func (s *aheadStream) run(ctx context.Context) {
	err := protect(func() error {
		for {
			select {
			case part := <-s.free:
				b, err := part.Next(ctx)
				if err == nil {
					err = part.err // of the row behind b
				}
				if b != nil {
					s.made <- aheadBatch{from: part, batch: b}
				}
				if err != nil {
					return err
				}
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	})
	s.made <- aheadBatch{err: err}
}

func (s *aheadStream) Next(ctx context.Context) (*vector.Batch, error) {
	if s.err != nil {
		return nil, s.err
	}
	if s.cancel == nil {
		var sub context.Context
		sub, s.cancel = context.WithCancel(ctx)
		s.wg.Go(func() { s.run(sub) })
	}
	if s.used != nil {
		s.free <- s.used
		s.used = nil
	}
	select {
	case m := <-s.made:
		s.used, s.err = m.from, m.err
		return m.batch, m.err
	case <-ctx.Done():
		s.err = context.Cause(ctx)
		return nil, s.err
	}
}

func (s *aheadStream) Close() error {
	if s.cancel != nil {
		s.cancel()
		s.wg.Wait()
	}
	if s.iter == nil {
		return nil
	}
	it := s.iter
	s.iter, s.err = nil, io.EOF
	return it.Close()
}
