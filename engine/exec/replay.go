package exec

import (
	"context"
	"io"
	"sync"
	"sync/atomic"

	"github.com/featuresql/featuresql/engine/vector"
)

// Materialized is a subplan that several places of a plan read (a CTE): it runs once.
type Materialized struct {
	child   Operator
	mu      sync.Mutex
	kept    *kept
	readers atomic.Int32 // replays not yet opened or not yet closed
	once    sync.Once
	cancel  context.CancelFunc // ends the reading of child; nil: it has not begun
	done    chan struct{}      // closed when child has been read
	err     error
}

// NewMaterialized returns a subplan whose rows are held, past the budget in files, from the first reading to the last. Rows
// come out in the child's order only with one worker.
func NewMaterialized(child Operator) *Materialized { return &Materialized{child: child} }

// Replay returns an operator that reads the rows. Until each was opened and closed, or the plan has run, the rows are kept.
func (m *Materialized) Replay() *ReplayOp {
	return &ReplayOp{shared: m, first: m.readers.Add(1) == 1}
}

// ReplayOp reads a Materialized.
type ReplayOp struct {
	shared *Materialized
	first  bool
}

// Fields implements Operator.
func (r *ReplayOp) Fields() []Field { return r.shared.child.Fields() }

// Children implements Operator: the subplan is the first reader's.
func (r *ReplayOp) Children() []Operator {
	if !r.first {
		return nil
	}
	return []Operator{r.shared.child}
}

// Describe implements Operator.
func (r *ReplayOp) Describe() string { return "Read materialized" }

// Open implements Operator.
func (r *ReplayOp) Open(ctx context.Context, q *Query) ([]Stream, error) {
	m := r.shared
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil {
		ins, err := m.child.Open(ctx, q)
		if err != nil {
			return nil, err
		}
		m.kept = newKept(q, ins, fieldTypes(m.child.Fields()), "materialized subquery")
		m.kept.open.Store(m.readers.Load())
		q.atEnd(m.free)
	}
	shared := &replayRun{kept: m.kept, of: m}
	out := make([]Stream, q.workers())
	shared.open.Store(int32(len(out)))
	for i := range out {
		out[i] = &replayStream{run: shared}
	}
	return out, nil
}

// await waits until the rows are there. They are read under a context of their own, which ends with the last reading: one that
// ends early, because of a LIMIT, must not take them from the others.
func (m *Materialized) await(ctx context.Context) error {
	m.once.Do(func() {
		own, cancel := context.WithCancel(context.WithoutCancel(ctx))
		m.cancel, m.done = cancel, make(chan struct{})
		go func() {
			defer close(m.done)
			m.err = protect(func() error { return m.kept.prepare(own) })
		}()
	})
	select {
	case <-m.done:
		return m.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// free may be called again; nobody reads any more.
func (m *Materialized) free() {
	if m.cancel != nil {
		m.cancel()
		<-m.done
	}
	m.kept.free()
}

// replayRun is one reading.
type replayRun struct {
	kept *kept
	of   *Materialized // nil: all of kept is there
	next atomic.Int64  // chunk
	open atomic.Int32
}

func (r *replayRun) free() {
	if r.of != nil {
		r.of.free()
	} else {
		r.kept.free()
	}
}

type replayStream struct {
	run    *replayRun
	in     *keptReader
	out    vector.Batch
	closed bool
}

func (s *replayStream) Next(ctx context.Context) (*vector.Batch, error) {
	if s.closed {
		return nil, io.EOF
	}
	r := s.run
	if r.of != nil {
		if err := r.of.await(ctx); err != nil {
			return nil, err
		}
	}
	if s.in == nil {
		s.in = newKeptReader(r.kept)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	i := int(r.next.Add(1) - 1)
	if i >= len(r.kept.chunks) {
		return nil, io.EOF
	}
	b, err := s.in.load(i)
	if err != nil {
		return nil, err
	}
	s.out = *b
	return &s.out, nil
}

func (s *replayStream) Close() error {
	if !s.closed {
		s.closed = true
		if s.run.open.Add(-1) == 0 && s.run.kept.open.Add(-1) == 0 {
			s.run.free()
		}
	}
	return nil
}
