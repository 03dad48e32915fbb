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
	nests  []aggPart  // partitions that had to be partitioned again; part counts theirs
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
	room := s.run.query.textRoom() / max(1, int(s.part.sizeBytes()/int64(s.part.table.n))) // by what groups have on average
	n := min(s.run.query.batchRows(), s.end-s.next, max(room, 1))
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
	if r.whole != nil {
		task := int(r.task.Add(1) - 1)
		s.part = r.whole
		s.next = 1 + task*rangeGroups
		s.end = min(s.next+rangeGroups, s.part.table.n)
		if s.next >= s.part.table.n {
			return io.EOF
		}
		return nil
	}
	p, ok := s.claim()
	if !ok {
		s.release()
		return io.EOF
	}
	if err := s.newPart(p); err != nil {
		return err
	}
	for _, w := range p.workers {
		var err error
		if p.spilled {
			err = s.part.mergeSpilled(ctx, w, p.part)
		} else {
			err = s.part.mergeFrom(ctx, w, p.part, r.partLg)
		}
		if err != nil {
			return err
		}
	}
	if s.part.spilledAny() {
		return s.nest(ctx)
	}
	s.next, s.end = 1, s.part.table.n
	return nil
}

// aggPart is a partition of groups of some workers.
type aggPart struct {
	workers []*aggWorker
	part    int
	partLg  uint // the upper bits that all hashes have in common
	spilled bool
}

// claim returns the next partition to be merged; the stream's own ones first.
func (s *aggStream) claim() (aggPart, bool) {
	for len(s.nests) > 0 {
		n := &s.nests[len(s.nests)-1]
		if n.part < 1<<spillPartLg {
			p := *n
			n.part++
			return p, true
		}
		s.popNest()
	}
	r := s.run
	task := int(r.task.Add(1) - 1)
	return aggPart{workers: r.workers, part: task, partLg: uint(r.partLg), spilled: r.spilled}, task < 1<<r.partLg
}

func (s *aggStream) popNest() {
	for _, w := range s.nests[len(s.nests)-1].workers {
		w.free()
	}
	s.nests = s.nests[:len(s.nests)-1]
}

// nest makes partitions of the partition at hand, which did not fit.
func (s *aggStream) nest(ctx context.Context) error {
	partLg := s.part.partLg + spillPartLg
	workers, err := s.run.settle(ctx, []*aggWorker{s.part}, 1)
	s.nests = append(s.nests, aggPart{workers: workers, partLg: partLg, spilled: true})
	s.part, s.own, s.next, s.end = nil, false, 0, 0
	return err
}

// newPart makes s.part an empty partition. The memory of the one before is used again, unless some of its
// states lie beside the table.
func (s *aggStream) newPart(of aggPart) error {
	r := s.run
	if s.own && r.op.plan.simple && s.part.partLg == of.partLg && len(s.nests) == 0 {
		s.part.table.clear()
		s.next, s.end = 0, 0
		return nil
	}
	s.release()
	var p *aggWorker
	var err error
	if of.spilled {
		p, err = r.newSettled(of.partLg)
	} else {
		p, err = newAggWorker(&r.op.plan, r.query)
	}
	if err != nil {
		return err
	}
	s.part, s.own, p.partLg = p, true, of.partLg
	p.share = r.query.Memory.tightest() / int64(2*r.streams)
	if !of.spilled {
		total := 0
		for _, w := range r.workers {
			total += w.table.n
		}
		p.table.reserve(total >> r.partLg)
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
	for len(s.nests) > 0 {
		s.popNest()
	}
	s.run.leave()
	return nil
}
