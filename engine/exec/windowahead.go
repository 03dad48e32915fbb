package exec

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/sqlfuncs/agg"
)

// foresight is a call that takes of the rows behind its own, to the end of the partition, only what can be noted in passing:
// how many there are, the last one, an aggregate of all.
type foresight interface {
	windowEval
	// foresees reports whether that holds for the call's frame.
	foresees() bool
	// look notes rows from…to-1 of cols, the columns of the input; together the calls see the whole partition, in order.
	look(cols []*vector.Vector, from, to int)
}

// lookAhead lets the calls that wait for the end of the partition see the rest of it, which goes to a file and is read from
// there afterwards: so a partition need not fit in memory. It reports false if no call waits for that, or one needs the rows.
func (s *windowStream) lookAhead(ctx context.Context) (bool, error) {
	if s.done == s.n {
		return false, nil
	}
	s.enter()
	if s.part.complete || s.part.rows > 0 {
		return false, nil
	}
	var waiting []foresight
	for _, e := range s.evals {
		if e.ready(&s.part, s.done) > s.done {
			continue
		}
		f, ok := e.(foresight)
		if !ok || !f.foresees() {
			return false, nil
		}
		waiting = append(waiting, f)
	}
	if len(waiting) == 0 {
		return false, nil
	}
	look := func(cols []*vector.Vector, from, to int) {
		s.part.rows += to - from
		for _, f := range waiting {
			f.look(cols, from, to)
		}
	}
	look(s.cols, s.part.start, s.n)
	ahead, err := s.readAhead(ctx, look)
	if ahead != nil {
		s.in = ahead
	}
	return err == nil, err
}

// readAhead moves the rest of the partition, and what comes with its end, to a file.
func (s *windowStream) readAhead(ctx context.Context, look func(cols []*vector.Vector, from, to int)) (*aheadRows, error) {
	for a, ok := s.in.(*aheadRows); ok && a.file == nil; a, ok = s.in.(*aheadRows) {
		s.in = a.rest
	}
	ts := fieldTypes(s.op.input.Fields())
	file, err := s.query.newBlockFile()
	if err != nil {
		return nil, err
	}
	ahead := &aheadRows{file: file, types: ts, rest: s.in}
	page := make([]*vector.Vector, len(ts))
	edge := newPartEdge(s.op.parts, s.cols, s.n-1)
	for ended := false; !ended; {
		if ctx.Err() != nil {
			return ahead, context.Cause(ctx)
		}
		b, err := s.in.next(ctx, s.step)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return ahead, err
		}
		for i, t := range ts {
			page[i] = vector.New(t, 0)
			appendRows(page[i], b.Cols[i], b.Sel, b.Len)
		}
		n := b.Rows()
		upto := edge.next(page, n)
		ended = upto < n
		look(page, 0, upto)
		if err := file.write(page, n); err != nil {
			return ahead, err
		}
	}
	file.endSection()
	ahead.in = file.section(0)
	ahead.outs, ahead.batch.Cols = newOutVectors(ts)
	return ahead, nil
}

// partEdge finds the end of a partition in pages of rows.
type partEdge struct {
	parts []int
	last  []*vector.Vector // of each column of parts: the last row, then a page
}

func newPartEdge(parts []int, cols []*vector.Vector, row int) *partEdge {
	e := &partEdge{parts: parts}
	for _, c := range parts {
		v := vector.New(cols[c].Type, 0)
		appendFrom(v, cols[c], []int{row}, nil, nil)
		e.last = append(e.last, v)
	}
	return e
}

// next returns the first of n rows that is not of the partition, or n.
func (e *partEdge) next(page []*vector.Vector, n int) int {
	at := make([]bool, n+1)
	for k, c := range e.parts {
		v := e.last[k]
		appendRows(v, page[c], nil, n)
		markChanges(at, v, 1, n+1)
		dropFront(v, n)
	}
	if k := slices.Index(at, true); k > 0 {
		return k - 1
	}
	return n
}

// aheadRows are the rows of a file, then the rest. Before they are read, and once the file has been read, it is as if they were
// the rest alone.
type aheadRows struct {
	file  *blockFile
	in    *spillReader
	types []types.Type
	outs  []*outVector
	batch vector.Batch
	rest  windowRows
}

func (a *aheadRows) next(ctx context.Context, most int) (*vector.Batch, error) {
	if a.in != nil {
		n, err := readBlock(a.in, a.outs, a.types)
		if err == nil {
			a.batch.Len = n
			return &a.batch, nil
		}
		if !errors.Is(err, io.EOF) {
			return nil, err
		}
		a.drop()
	}
	return a.rest.next(ctx, most)
}

func (a *aheadRows) drop() {
	if a.file != nil {
		a.file.close()
	}
	a.file, a.in, a.outs = nil, nil, nil
}

func (a *aheadRows) release() (bool, error) { return a.rest.release() }

func (a *aheadRows) close() error {
	a.drop()
	return a.rest.close()
}

// total is an aggregate whose frames are whole partitions: one state, and one result.
type total struct {
	stateless
	spec  *agg.Spec
	cols  []int // arguments among the columns of the input
	held  []*vector.Vector
	fn    agg.Func
	table agg.Table
	upto  int // rows before it have been folded
	rows  int // that have been folded
	err   error
	one   vector.Vector
	zeros []int
}

func (e *total) begin(p *windowPart) {
	e.fn, e.err, e.upto, e.rows = nil, nil, p.start, 0
}

func (e *total) ready(p *windowPart, from int) int { return wholeOnly(p, from) }

func (e *total) drop(k int) { e.upto -= k }

func (e *total) sizeBytes() int {
	if e.fn == nil {
		return 0
	}
	return int(e.fn.SizeBytes())
}

func (e *total) foresees() bool { return true }

func (e *total) look(cols []*vector.Vector, from, to int) {
	if e.err == nil {
		e.err = e.fold(cols, from, to)
	}
}

func (e *total) fold(cols []*vector.Vector, from, to int) error {
	if e.fn == nil {
		var err error
		if e.fn, err = agg.New(e.spec); err != nil {
			return err
		}
		words := e.fn.Words()
		e.table = agg.Table{Rows: make([]uint64, (agg.Single+1)*words), Stride: words}
	}
	for ; from < to; from += vector.MaxRows {
		k := min(to-from, vector.MaxRows)
		in := &agg.Input{N: k}
		for _, c := range e.cols {
			view, a := &vector.Vector{}, &agg.Arg{}
			rangeView(view, cols[c], from, from+k)
			a.Set(view, nil, k, nil)
			in.Args = append(in.Args, a)
		}
		if err := e.fn.Update(e.table, in); err != nil {
			return err
		}
		e.rows += k
	}
	return nil
}

func (e *total) eval(p *windowPart, from, to int, out *vector.Vector) error {
	if e.rows < p.rows {
		e.look(e.held, e.upto, p.end)
	}
	if e.err != nil {
		return e.err
	}
	if from == p.start || e.one.Len == 0 {
		resetVector(&e.one, e.spec.Type, 1)
		if err := e.fn.Result(e.table, []uint32{agg.Single}, &e.one); err != nil {
			return err
		}
	}
	e.zeros = resize(e.zeros, to-from)
	clear(e.zeros)
	appendFrom(out, &e.one, e.zeros, nil, nil)
	return nil
}
