package exec

import (
	"context"
	"errors"
	"fmt"
	"io"

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
}

// NewRows returns an operator over the rows of what open returns; name is for EXPLAIN.
func NewRows(name string, fields []Field, open func(ctx context.Context) (RowIter, error)) *RowsOp {
	return &RowsOp{fields: fields, name: name, open: open}
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
