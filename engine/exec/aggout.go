package exec

import (
	"context"
	"io"

	"github.com/featuresql/featuresql/engine/vector"
)

// aggStream puts out groups: ranges of the one table, or partition by partition.
type aggStream struct {
	run    *aggRun
	part   *aggWorker // what is being put out
	own    bool       // part is this stream's and is freed after
	next   int        // group
	end    int
	groups []uint32
	outs   []*outVector
	out    vector.Batch
	closed bool
}

// rangeGroups is how many groups of an unpartitioned table a stream takes at a time.
const rangeGroups = 1 << 15

func (s *aggStream) Next(ctx context.Context) (*vector.Batch, error) {
	if s.closed {
		return nil, io.EOF
	}
	if err := s.run.consume(ctx); err != nil {
		return nil, err
	}
	for s.next >= s.end {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err := s.take(ctx); err != nil {
			return nil, err
		}
	}
	n := min(s.run.query.batchRows(), s.end-s.next)
	s.groups = resize(s.groups, n)
	for k := range s.groups {
		s.groups[k] = uint32(s.next + k)
	}
	s.next += n
	return s.emit()
}

// take claims the next range or partition, or returns io.EOF.
func (s *aggStream) take(ctx context.Context) error {
	r := s.run
	task := int(r.task.Add(1) - 1)
	if r.whole != nil {
		s.part = r.whole
		s.next = 1 + task*rangeGroups
		s.end = min(s.next+rangeGroups, s.part.table.n)
		if s.next >= s.part.table.n {
			return io.EOF
		}
		return nil
	}
	if task >= 1<<r.partLg {
		s.release()
		return io.EOF
	}
	if err := s.newPart(); err != nil {
		return err
	}
	for _, w := range r.workers {
		if err := s.merge(ctx, w, task); err != nil {
			return err
		}
	}
	s.next, s.end = 1, s.part.table.n
	return nil
}

// newPart makes s.part an empty partition. The memory of the one before is used again, unless some of its
// states lie beside the table.
func (s *aggStream) newPart() error {
	r := s.run
	if s.own && r.op.plan.simple {
		s.part.table.clear()
		s.next, s.end = 0, 0
		return nil
	}
	s.release()
	p, err := newAggWorker(&r.op.plan, r.query)
	if err != nil {
		return err
	}
	s.part, s.own, p.partLg = p, true, uint(r.partLg)
	if !r.spilled {
		total := 0
		for _, w := range r.workers {
			total += w.table.n
		}
		p.table.reserve(total >> r.partLg)
	}
	return nil
}

func (s *aggStream) merge(ctx context.Context, w *aggWorker, task int) error {
	if !s.run.spilled {
		return s.part.mergeFrom(ctx, w, task, s.run.partLg)
	}
	if err := s.part.mergeSpilled(ctx, w, task); err != nil {
		return err
	}
	if task == 0 && w.table.null != 0 { // the NULL group is never spilled
		return s.part.mergeFrom(ctx, w, 0, s.run.partLg)
	}
	return nil
}

func (s *aggStream) release() {
	if s.own {
		s.part.free()
	}
	s.part, s.own, s.next, s.end = nil, false, 0, 0
}

// emit makes a batch of s.groups.
func (s *aggStream) emit() (*vector.Batch, error) {
	w, n := s.part, len(s.groups)
	t, keys := w.table, w.plan.nKeys
	if keys > 0 {
		w.plan.codec.decode(s.outs[:keys], n,
			func(k int) []uint64 { return t.rows[int(s.groups[k])*t.stride:] },
			func(k int) []byte { return t.keyBytes(s.groups[k]) })
		if first := s.groups[0]; t.null >= first && t.null < first+uint32(n) {
			s.outs[0].setNull(int(t.null - first))
		}
	}
	for i, fn := range w.funcs {
		o := &s.outs[keys+i].Vector
		resetVector(o, s.run.op.fields[keys+i].Type, n)
		if err := fn.Result(w.state(i), s.groups, o); err != nil {
			return nil, err
		}
	}
	s.out.Len = n
	return &s.out, nil
}

func (s *aggStream) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	s.release()
	s.run.leave()
	return nil
}
