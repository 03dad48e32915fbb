package exec

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/featuresql/featuresql/engine/vector"
)

// windowStream holds a stretch of the sorted rows: the rows not put out yet, and those before them that frames to
// come still reach. Positions are those of the rows held; when rows before them are dropped, all positions move,
// so that a partition may start below 0.
type windowStream struct {
	op      *WindowOp
	query   *Query
	in      windowRows
	acct    *account
	evals   []windowEval
	results []*vector.Vector // by call; their rows are those of cols, up to done
	peers   map[int]*peers   // by number of order keys, of the calls that need them
	cols    []*vector.Vector // of the input
	n       int
	begun   bool
	part    windowPart // that rows are computed of
	starts  changes    // of partitions
	done    int        // rows computed
	out     int        // rows put out
	eof     bool
	err     error
	batch   vector.Batch
	views   []vector.Vector
	closed  bool
	step    int   // rows that are taken in, and computed, at once
	roomy   int64 // bytes from which on the rest of a partition is looked at ahead; 0: memory has no limit
}

// windowPart is a partition: rows start…end-1. It goes on after end unless it is complete.
type windowPart struct {
	start, end int
	complete   bool
	rows       int // of the whole partition; 0 while that is not known
}

// limit is where the partition ends, as far as that is known.
func (p *windowPart) limit() int { return max(p.end, p.start+p.rows) }

// windowEval computes one call.
type windowEval interface {
	// begin is called before the first row of a partition.
	begin(p *windowPart)
	// ready returns the first row at or behind from that cannot be computed yet, because it takes rows behind p.end.
	ready(p *windowPart, from int) int
	// eval appends the results of rows from…to-1, which follow those of the last call in p.
	eval(p *windowPart, from, to int, out *vector.Vector) error
	// keep returns the first row that rows from on take.
	keep(p *windowPart, from int) int
	// drop tells that the first k rows are gone.
	drop(k int)
	// sizeBytes is the memory held.
	sizeBytes() int
}

func newWindowStream(op *WindowOp, q *Query, in windowRows) *windowStream {
	return &windowStream{op: op, query: q, in: in, acct: q.account("window")}
}

func (s *windowStream) init() error {
	s.peers = map[int]*peers{}
	s.starts.columns = s.op.parts
	fields := s.op.input.Fields()
	for _, f := range fields {
		s.cols = append(s.cols, vector.New(f.Type, 0))
	}
	for i := range s.op.calls {
		c := &s.op.calls[i]
		e, err := s.newEval(c)
		if err != nil {
			return fmt.Errorf("window function %s: %w", c.Name, err)
		}
		s.evals = append(s.evals, e)
		s.results = append(s.results, vector.New(c.Type, 0))
	}
	s.views = make([]vector.Vector, len(s.op.fields))
	s.batch.Cols = make([]*vector.Vector, len(s.op.fields))
	for i := range s.views {
		s.batch.Cols[i] = &s.views[i]
	}
	s.step = s.query.batchRows()
	if limit := s.query.Memory.tightest(); limit > 0 {
		s.roomy = limit / int64(4*s.query.workers())
		s.step = min(s.step, max(minWindowStep, int(s.roomy)/(64*len(s.views))))
	}
	return nil
}

// minWindowStep is the least number of short rows that are taken in at once, however little memory there is.
const minWindowStep = 256

// fitStep makes steps shorter where rows are long.
func (s *windowStream) fitStep() {
	if s.roomy > 0 && s.acct.held > s.roomy/2 && s.n > 0 {
		s.step = min(s.step, max(1, int(s.roomy/4/(s.acct.held/int64(s.n)+1))))
	}
}

// Next implements Stream.
func (s *windowStream) Next(ctx context.Context) (*vector.Batch, error) {
	if s.closed {
		return nil, io.EOF
	}
	if s.views == nil {
		s.err = s.init()
	}
	for s.err == nil && s.out == s.done {
		if s.err = s.compute(); s.err != nil || s.out < s.done {
			break
		}
		if s.eof && s.done == s.n {
			return nil, io.EOF
		}
		s.err = s.fill(ctx)
	}
	if s.err != nil {
		return nil, s.err
	}
	from, to := s.out, min(s.done, s.out+s.query.batchRows())
	s.out = to
	width := len(s.views) - len(s.results)
	for i := range s.views {
		src := s.results[max(0, i-width)]
		if i < width {
			src = s.cols[i]
		}
		rangeView(&s.views[i], src, from, to)
	}
	s.batch.Len = to - from
	return &s.batch, nil
}

// fill drops rows that nobody needs any more and takes new ones in: two steps, and then as many as there are
// rows that wait for the end of their partition, so that a long one is not looked at over and over.
func (s *windowStream) fill(ctx context.Context) error {
	s.dropRows()
	before, wait := s.n, s.n-s.done
	for s.n-before < max(2*s.step, wait) && !s.eof {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		b, err := s.in.next(ctx, s.step)
		if errors.Is(err, io.EOF) {
			s.eof = true
			break
		}
		if err != nil {
			return err
		}
		for i, c := range s.cols {
			appendRows(c, b.Cols[i], b.Sel, b.Len)
			if len(c.Data) > maxWindowRows {
				return fmt.Errorf("window: %d bytes of text of one column in a partition are more than is supported", len(c.Data))
			}
		}
		s.n += b.Rows()
		s.starts.extend(s.cols, s.n)
		for _, p := range s.peers {
			p.changes.extend(s.cols, s.n)
		}
		if s.n > maxWindowRows {
			return fmt.Errorf("window: %d rows in a partition are more than is supported", s.n)
		}
		err = s.charge()
		if full := isFull(err); full || s.roomy > 0 && s.acct.held > s.roomy {
			looked, e := s.lookAhead(ctx)
			if e != nil {
				return e
			}
			if full && (looked || s.canCompute()) { // what can be computed goes out before more comes in
				return nil
			}
			if looked {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// charge accounts for what is held; if there is no room, sorted rows that wait are written out first.
func (s *windowStream) charge() error {
	size := 0
	for _, c := range s.cols {
		size += c.SizeBytes()
	}
	for i, e := range s.evals {
		size += s.results[i].SizeBytes() + e.sizeBytes()
	}
	size += cap(s.starts.at)
	for _, p := range s.peers {
		size += p.sizeBytes()
	}
	err := s.acct.set(int64(size))
	s.fitStep()
	if err == nil || !isFull(err) {
		return err
	}
	released, e := s.in.release()
	if e != nil {
		return e
	}
	if released {
		err = s.acct.set(int64(size))
	}
	if isFull(err) && int64(size) <= s.roomy/2 {
		return nil // so much stays in memory even if others have used the budget up
	}
	return err
}

// canCompute reports whether rows of those held can be computed.
func (s *windowStream) canCompute() bool {
	if s.done == s.n {
		return false
	}
	s.enter()
	for _, e := range s.evals {
		if e.ready(&s.part, s.done) == s.done {
			return false
		}
	}
	return true
}

// compute computes as many rows as can be; where memory has a limit, a step of them.
func (s *windowStream) compute() error {
	most := s.n
	if s.roomy > 0 {
		most = min(s.n, s.done+s.step)
	}
	before := s.done
	for s.done < most {
		s.enter()
		to := min(s.part.end, most)
		for _, e := range s.evals {
			to = min(to, e.ready(&s.part, s.done))
		}
		if to == s.done {
			break
		}
		for i, e := range s.evals {
			if err := e.eval(&s.part, s.done, to, s.results[i]); err != nil {
				return fmt.Errorf("compute %s over a window: %w", s.op.calls[i].Name, err)
			}
		}
		s.done = to
		if !s.part.complete {
			break
		}
	}
	if err := s.charge(); !isFull(err) || s.done == before { // what was computed makes room soon
		return err
	}
	return nil
}

// enter goes on to the partition of the next row to be computed.
func (s *windowStream) enter() {
	if !s.begun || s.part.complete && s.done >= s.part.end {
		s.begun = true
		s.part = windowPart{start: s.done, end: s.done}
		for _, e := range s.evals {
			e.begin(&s.part)
		}
	}
	s.extend()
}

// extend finds the end of the partition among the rows held, and its peers.
func (s *windowStream) extend() {
	p := &s.part
	if !p.complete {
		p.end = s.starts.next(max(p.end, p.start+1), s.n)
		if p.complete = p.end < s.n || s.eof; p.complete {
			p.rows = p.end - p.start
		}
	}
	for _, k := range s.peers {
		k.extend(p)
	}
}

// dropRows forgets rows that are out and in no frame, once they are half of those held.
func (s *windowStream) dropRows() {
	k := s.out
	if !s.part.complete {
		k = min(k, s.part.end-1) // which the next row is compared with
		for _, e := range s.evals {
			k = min(k, e.keep(&s.part, s.done))
		}
	}
	if k < s.step || 2*k < s.n {
		return
	}
	for _, v := range append(append([]*vector.Vector(nil), s.cols...), s.results...) {
		dropFront(v, k)
	}
	for _, e := range s.evals {
		e.drop(k)
	}
	s.starts.drop(k)
	for _, p := range s.peers {
		p.drop(k)
	}
	s.n -= k
	s.done -= k
	s.out -= k
	s.part.start -= k
	s.part.end -= k
}

// Close implements Stream.
func (s *windowStream) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	s.acct.free()
	s.cols, s.results, s.evals, s.peers = nil, nil, nil, nil
	return s.in.close()
}
