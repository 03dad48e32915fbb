package exec

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/featuresql/featuresql/engine/vector"
)

// ValuesOp yields batches that are already there.
type ValuesOp struct {
	fields  []Field
	batches []*vector.Batch
}

// NewValues returns an operator that yields batches, which must not change while it runs. Batches may have
// more rows than the query's batch size, and may be empty.
func NewValues(fields []Field, batches []*vector.Batch) *ValuesOp {
	return &ValuesOp{fields: fields, batches: batches}
}

// Fields implements Operator.
func (v *ValuesOp) Fields() []Field { return v.fields }

// Children implements Operator.
func (v *ValuesOp) Children() []Operator { return nil }

// Describe implements Operator.
func (v *ValuesOp) Describe() string {
	n := 0
	for _, b := range v.batches {
		n += b.Rows()
	}
	return fmt.Sprintf("Values %d rows", n)
}

// Open implements Operator.
func (v *ValuesOp) Open(_ context.Context, q *Query) ([]Stream, error) {
	return batchStreams(v.batches, min(q.workers(), len(v.batches)), nil), nil
}

// batchStreams returns at least one and at most n streams that share batches; release, if any, runs when all
// of them are closed.
func batchStreams(batches []*vector.Batch, n int, release func()) []Stream {
	n = max(n, 1)
	shared := &sharedBatches{batches: batches, release: release}
	shared.open.Store(int32(n))
	out := make([]Stream, n)
	for i := range out {
		out[i] = &batchStream{shared: shared}
	}
	return out
}

type sharedBatches struct {
	batches []*vector.Batch
	next    atomic.Int64
	open    atomic.Int32
	release func()
}

type batchStream struct {
	shared *sharedBatches
	closed bool
	out    vector.Batch
}

func (s *batchStream) Next(ctx context.Context) (*vector.Batch, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for !s.closed {
		i := s.shared.next.Add(1) - 1
		if i >= int64(len(s.shared.batches)) {
			break
		}
		if b := s.shared.batches[i]; b.Rows() > 0 {
			s.out = *b
			return &s.out, nil
		}
	}
	return nil, io.EOF
}

func (s *batchStream) Close() error {
	if !s.closed {
		s.closed = true
		if s.shared.open.Add(-1) == 0 && s.shared.release != nil {
			s.shared.release()
		}
	}
	return nil
}
