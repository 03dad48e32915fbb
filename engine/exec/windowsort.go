package exec

import (
	"context"
	"errors"
	"hash/maphash"
	"io"
	"math"
	"sync"
	"sync/atomic"

	"github.com/featuresql/featuresql/engine/exec/sortkey"
	"github.com/featuresql/featuresql/engine/vector"
)

// windowRows yields the rows of a window in order, for one goroutine.
type windowRows interface {
	// next returns the next rows, about most of them at most, valid until the next call, or io.EOF.
	next(ctx context.Context, most int) (*vector.Batch, error)
	// release writes rows that wait in memory out; false if there are none, or they do not lie in this operator.
	release() (bool, error)
	close() error
}

// plainRows are rows that need no order.
type plainRows struct{ in Stream }

func (p *plainRows) next(ctx context.Context, _ int) (*vector.Batch, error) { return p.in.Next(ctx) }
func (p *plainRows) release() (bool, error)                                 { return false, nil }
func (p *plainRows) close() error                                           { return p.in.Close() }

// windowSort sorts the input for all streams of a window: each worker reads one input and sorts the rows of each
// stream apart, which a hash of the partition's key tells.
type windowSort struct {
	op      *WindowOp
	query   *Query
	inputs  []Stream
	streams int

	mu      sync.Mutex
	started bool
	err     error
	workers [][]*sortWorker // by input, then by stream
	merges  []sortMerge     // by stream
	open    int             // streams that are not closed
}

// merge returns the sorted rows of one stream. The first call sorts.
func (s *windowSort) merge(ctx context.Context, stream int) (sortMerge, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started {
		s.started = true
		s.err = s.start(ctx)
	}
	if s.err != nil {
		return nil, s.err
	}
	return s.merges[stream], nil
}

func (s *windowSort) start(ctx context.Context) error {
	ts := fieldTypes(s.op.sorted.Fields())
	schema := newRowSchema(ts)
	seed := maphash.MakeSeed()
	var bound atomic.Uint64
	bound.Store(noBound)
	s.workers = make([][]*sortWorker, len(s.inputs))
	err := parallel(ctx, len(s.inputs), func(ctx context.Context, i int) error {
		split := windowSplit{parts: s.op.parts, seed: seed, rows: make([][]uint16, s.streams)}
		for range s.streams {
			w, err := newSortWorker(s.op.sorted, s.query, schema, &bound)
			if err != nil {
				return errors.Join(err, s.inputs[i].Close())
			}
			s.workers[i] = append(s.workers[i], w)
		}
		err := drain(ctx, s.inputs[i], func(b *vector.Batch) error { return split.add(b, s.workers[i]) })
		for _, w := range s.workers[i] {
			if err == nil {
				err = w.finish()
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	// What is sorted must leave room for the rows of frames.
	limit := s.query.Memory.LimitBytes()
	crowded := limit > 0 && s.query.Memory.UsedBytes() > limit/2
	s.merges = make([]sortMerge, s.streams)
	for p := range s.merges {
		ws, spilled := make([]*sortWorker, len(s.workers)), crowded
		for i := range s.workers {
			ws[i] = s.workers[i][p]
			spilled = spilled || ws[i].spill != nil
		}
		if !spilled {
			s.merges[p] = newMemoryMerge(ws, ts)
			continue
		}
		m, err := newSpillMerge(ws, ts)
		if err != nil {
			return err
		}
		s.merges[p] = m
	}
	return nil
}

// done frees the rows of one stream.
func (s *windowSort) done(stream int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	for _, ws := range s.workers {
		if stream < len(ws) {
			ws[stream].free()
		}
	}
	if s.open == 0 && !s.started {
		s.started, s.err = true, io.EOF
		return closeAll(s.inputs)
	}
	return nil
}

// windowSplit deals the rows of one input out to the sort workers of its streams.
type windowSplit struct {
	parts []int
	seed  maphash.Seed
	rows  [][]uint16
	key   []byte
}

func (s *windowSplit) add(b *vector.Batch, workers []*sortWorker) error {
	if len(workers) == 1 {
		return workers[0].add(b)
	}
	for p := range s.rows {
		s.rows[p] = s.rows[p][:0]
	}
	for k := range b.Rows() {
		i := b.Row(k)
		s.key = s.key[:0]
		for _, c := range s.parts {
			s.key = sortkey.Append(s.key, b.Cols[c], i, false)
		}
		p := maphash.Bytes(s.seed, s.key) % uint64(len(workers))
		s.rows[p] = append(s.rows[p], uint16(i))
	}
	for p, sel := range s.rows {
		if len(sel) == 0 {
			continue
		}
		if err := workers[p].add(&vector.Batch{Cols: b.Cols, Len: b.Len, Sel: sel}); err != nil {
			return err
		}
	}
	return nil
}

// sortedRows are the rows of one stream.
type sortedRows struct {
	shared *windowSort
	stream int
	merge  sortMerge
	closed bool
}

func (r *sortedRows) next(ctx context.Context, most int) (*vector.Batch, error) {
	if r.merge == nil {
		var err error
		if r.merge, err = r.shared.merge(ctx, r.stream); err != nil {
			return nil, err
		}
	}
	b, _, err := r.merge.next(most, false)
	return b, err
}

func (r *sortedRows) release() (bool, error) {
	m, ok := r.merge.(*memoryMerge)
	if !ok {
		return false, nil
	}
	for i, w := range m.workers {
		w.entries = w.entries[m.pos[i]:]
	}
	spilled, err := newSpillMerge(m.workers, m.rows.types)
	if err != nil {
		return false, err
	}
	r.merge = spilled
	return true, nil
}

func (r *sortedRows) close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	return r.shared.done(r.stream)
}

// maxWindowRows keeps positions, and the bytes of a text column, within an int32.
const maxWindowRows = math.MaxInt32 / 2
