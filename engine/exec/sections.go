package exec

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/featuresql/featuresql/engine/vector"
)

// Sections cuts a source into sections that can be decoded side by side.
type Sections interface {
	// Next returns the section behind the one before, or io.EOF. used, if any, was returned before and may be returned again,
	// as another section. It is called by one goroutine at a time.
	Next(ctx context.Context, used Section) (Section, error)
	Close() error
}

// Section is a piece of a source. It is used by one goroutine at a time.
type Section interface {
	// Fill appends the next rows to cols, until there are limit of them or a column has room bytes of text. No rows: the section has
	// no more.
	Fill(ctx context.Context, cols []*vector.Vector, limit, room int) (rows int, err error)
	// Before is how many rows of the source are before those that Fill returns next.
	Before() int64
}

// SectionsOp decodes the sections of a source, on several goroutines unless it is serial.
type SectionsOp struct {
	fields []Field
	name   string
	serial bool
	open   func(ctx context.Context) (Sections, error)

	streams []*sectionStream // that Open returned

	mu   sync.Mutex // of what is below
	src  Sections
	live int   // streams that are not closed
	next int   // sections that src has returned
	err  error // of src; it stays
}

// NewSections returns an operator over what open returns; name is for EXPLAIN.
func NewSections(name string, fields []Field, serial bool, open func(ctx context.Context) (Sections, error)) *SectionsOp {
	return &SectionsOp{fields: fields, name: name, serial: serial, open: open}
}

// Fields implements Operator.
func (p *SectionsOp) Fields() []Field { return p.fields }

// Children implements Operator.
func (p *SectionsOp) Children() []Operator { return nil }

// Describe implements Operator.
func (p *SectionsOp) Describe() string { return "Rows " + p.name }

// Open implements Operator.
func (p *SectionsOp) Open(ctx context.Context, q *Query) (streams []Stream, err error) {
	if p.src, err = p.open(ctx); err != nil {
		return nil, err
	}
	p.live = q.workers()
	if p.serial {
		p.live = 1
	}
	for range p.live {
		s := &sectionStream{op: p, limit: q.batchRows(), room: q.textRoom()}
		s.outs, s.out.Cols = newOutVectors(fieldTypes(p.fields))
		p.streams = append(p.streams, s)
		streams = append(streams, s)
	}
	return streams, nil
}

// take returns the next section and its number.
func (p *SectionsOp) take(ctx context.Context, used Section) (section Section, number int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		section, p.err = p.src.Next(ctx, used)
		p.next++
	}
	return section, p.next, p.err
}

// sectionStream decodes the sections that it gets, one after the other.
type sectionStream struct {
	op      *SectionsOp
	section Section // nil: none yet
	number  int     // of section
	limit   int
	room    int // for the text of a column of a batch
	outs    []*outVector
	out     vector.Batch
	err     error
	closed  bool
}

func (s *sectionStream) Next(ctx context.Context) (*vector.Batch, error) {
	for s.err == nil {
		if ctx.Err() != nil {
			s.err = context.Cause(ctx)
			break
		}
		if s.out.Len == 0 {
			if s.section, s.number, s.err = s.op.take(ctx, s.section); s.err != nil {
				break
			}
		}
		for i, o := range s.outs {
			resetVector(&o.Vector, s.op.fields[i].Type, 0)
		}
		s.out.First = s.section.Before()
		if s.out.Len, s.err = s.section.Fill(ctx, s.out.Cols, s.limit, s.room); s.out.Len > 0 && s.err == nil {
			return &s.out, nil
		}
	}
	return nil, s.err
}

// Close closes the source with the last stream.
func (s *sectionStream) Close() error {
	s.op.mu.Lock()
	defer s.op.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed, s.err = true, io.EOF
	if s.op.live--; s.op.live > 0 {
		return nil
	}
	return s.op.src.Close()
}

// InOrderOp puts the rows that operators make of the sections of a source, each of one batch, in the order that they have in the source.
type InOrderOp struct {
	child    Operator
	sections *SectionsOp
}

// NewInOrder returns an operator over child's rows in the order of the source. Child is a SectionsOp, or projections and filters of one;
// any other is returned as it is.
func NewInOrder(child Operator) Operator {
	for op := child; ; {
		switch o := op.(type) {
		case *ProjectOp:
			op = o.child
		case *FilterOp:
			op = o.child
		case *SectionsOp:
			return &InOrderOp{child: child, sections: o}
		default:
			return child
		}
	}
}

// Fields implements Operator.
func (o *InOrderOp) Fields() []Field { return o.child.Fields() }

// Children implements Operator.
func (o *InOrderOp) Children() []Operator { return []Operator{o.child} }

// Describe implements Operator.
func (o *InOrderOp) Describe() string { return "In the order of the source" }

// Open implements Operator.
func (o *InOrderOp) Open(ctx context.Context, q *Query) ([]Stream, error) {
	streams, err := o.child.Open(ctx, q)
	if err != nil || len(streams) == 1 {
		return streams, err
	}
	s := &inOrderStream{}
	for i, in := range streams {
		s.ins = append(s.ins, &sectionInput{in: in, from: o.sections.streams[i]})
	}
	return []Stream{s}, nil
}

// inOrderStream runs each input on a goroutine of its own, some batches ahead.
type inOrderStream struct {
	ins    []*sectionInput
	cancel context.CancelFunc
	wg     sync.WaitGroup
	err    error
}

// sectionInput is one of the streams of an inOrderStream. Its sections come in order.
type sectionInput struct {
	in    Stream
	from  *sectionStream
	made  chan sectionBatch
	head  sectionBatch // the next of its batches, if any
	ended bool
}

type sectionBatch struct {
	batch   *vector.Batch
	section int
	err     error
}

// sectionsAhead is how many batches an input has ready, besides the one that it makes.
const sectionsAhead = 2

func (s *inOrderStream) start(ctx context.Context) {
	ctx, s.cancel = context.WithCancel(ctx)
	for _, in := range s.ins {
		in.made = make(chan sectionBatch, sectionsAhead)
		s.wg.Go(func() { in.run(ctx) })
	}
}

// run makes batches until the input ends or fails.
func (p *sectionInput) run(ctx context.Context) {
	send := func(b sectionBatch) error {
		select {
		case p.made <- b:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	err := protect(func() error {
		for {
			b, err := p.in.Next(ctx)
			if err == nil {
				err = send(sectionBatch{batch: b.Compact(), section: p.from.number})
			}
			if err != nil {
				return err
			}
		}
	})
	_ = send(sectionBatch{err: err})
}

// Next returns a batch of the earliest section: that of an input whose next batch is not of a later one than any other's.
func (s *inOrderStream) Next(ctx context.Context) (*vector.Batch, error) {
	if s.cancel == nil && s.err == nil {
		s.start(ctx)
	}
	var first *sectionInput
	for _, in := range s.ins {
		if s.err != nil {
			return nil, s.err
		}
		if in.head.batch == nil && !in.ended {
			s.receive(ctx, in)
		}
		if !in.ended && (first == nil || in.head.section < first.head.section) {
			first = in
		}
	}
	switch {
	case s.err != nil:
		return nil, s.err
	case first == nil:
		return nil, io.EOF
	}
	b := first.head.batch
	first.head.batch = nil
	return b, nil
}

func (s *inOrderStream) receive(ctx context.Context, in *sectionInput) {
	select {
	case in.head = <-in.made:
		if in.head.err == nil {
			return
		}
		if in.ended = true; !errors.Is(in.head.err, io.EOF) {
			s.err = in.head.err
		}
	case <-ctx.Done():
		s.err = context.Cause(ctx)
	}
}

func (s *inOrderStream) Close() error {
	if s.err == nil {
		s.err = io.EOF
	}
	if s.cancel != nil {
		s.cancel()
		s.wg.Wait()
	}
	streams := make([]Stream, len(s.ins))
	for i, in := range s.ins {
		streams[i] = in.in
	}
	return closeAll(streams)
}
