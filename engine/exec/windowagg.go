package exec

import (
	"bytes"
	"math"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/sqlfuncs/agg"
)

// newAggregateEval picks how an aggregate follows its frames: minima and maxima of frames whose start moves by a
// queue of candidates; what has states of fixed size by states of rows, merged; JSON and text by folding rows.
func (s *windowStream) newAggregateEval(c *windowCall) (windowEval, error) {
	frames := s.newCursor(c)
	sliding := c.Frame.Start.Kind != UnboundedPreceding
	if want := map[string]int{"min": -1, "max": 1}[c.Name]; want != 0 && sliding {
		return &extremes{frames: frames, src: s.cols[c.args[0]], want: want}, nil
	}
	spec := &agg.Spec{Name: c.Name, Type: c.Type, Text: c.Name, Location: s.query.Env.Location}
	var args []*vector.Vector
	for _, a := range c.args {
		args = append(args, s.cols[a])
		spec.Args = append(spec.Args, s.cols[a].Type)
	}
	fn, err := agg.New(spec)
	if err != nil {
		return nil, err
	}
	if c.Frame.Start.Kind == UnboundedPreceding && c.Frame.End.Kind == UnboundedFollowing {
		return &total{spec: spec, cols: c.args, held: s.cols}, nil
	}
	if !agg.Spills(fn) {
		return &folded{frames: frames, spec: spec, args: args}, nil
	}
	e := &merged{frames: frames, fn: fn, words: fn.Words(), args: args, typ: c.Type}
	e.remover, _ = fn.(agg.Remover)
	e.twoStacks = sliding && e.remover == nil
	e.states = make([]uint64, stateSlots*e.words)
	return e, nil
}

// extremes is MIN and MAX by a queue of the rows of the frame that can still become the result: each is better than
// all behind it.
type extremes struct {
	frames *frameCursor
	src    *vector.Vector
	want   int // -1: least, 1: greatest
	queue  []int
	head   int
	upto   int // rows before it have been in the queue
	rows   []int
}

func (e *extremes) begin(p *windowPart) {
	e.frames.begin(p)
	e.queue, e.head, e.upto = e.queue[:0], 0, p.start
}

func (e *extremes) ready(p *windowPart, from int) int { return e.frames.ready(p, from) }

func (e *extremes) keep(_ *windowPart, from int) int {
	at := min(e.frames.keep(from), e.upto)
	if e.head < len(e.queue) {
		at = min(at, e.queue[e.head])
	}
	return at
}

func (e *extremes) drop(k int) {
	e.frames.drop(k)
	e.upto -= k
	for i := range e.queue {
		e.queue[i] -= k
	}
}

func (e *extremes) sizeBytes() int { return 8 * cap(e.queue) }

func (e *extremes) eval(p *windowPart, from, to int, out *vector.Vector) error {
	e.rows = e.rows[:0]
	for i := from; i < to; i++ {
		lo, hi := e.frames.next(p, i)
		for e.upto = max(e.upto, min(lo, hi)); e.upto < hi; e.upto++ {
			e.push(e.upto)
		}
		for e.head < len(e.queue) && e.queue[e.head] < lo {
			e.head++
		}
		at := noSource
		if e.head < len(e.queue) && lo < hi {
			at = e.queue[e.head]
		}
		e.rows = append(e.rows, at)
	}
	e.queue = e.queue[:copy(e.queue, e.queue[e.head:])]
	e.head = 0
	n := out.Len
	appendFrom(out, e.src, e.rows, nil, nil)
	zeroOf(out, n)
	return nil
}

func (e *extremes) push(i int) {
	if e.src.IsNull(i) {
		return
	}
	for len(e.queue) > e.head && compareRows(e.src, i, e.queue[len(e.queue)-1])*e.want >= 0 {
		e.queue = e.queue[:len(e.queue)-1]
	}
	e.queue = append(e.queue, i)
}

// compareRows orders two values of a flat vector that are not NULL: NaN above all, both zeros the same.
func compareRows(v *vector.Vector, i, j int) int {
	switch v.Phys {
	case types.PhysI32:
		return cmpInt(int64(v.I32[i]), int64(v.I32[j]))
	case types.PhysI64:
		if v.Type.Kind == types.Uint64 {
			return cmpUint(uint64(v.I64[i]), uint64(v.I64[j]))
		}
		return cmpInt(v.I64[i], v.I64[j])
	case types.PhysF64:
		x, y := v.F64[i], v.F64[j]
		switch {
		case x < y, math.IsNaN(y) && !math.IsNaN(x):
			return -1
		case x > y, math.IsNaN(x) && !math.IsNaN(y):
			return 1
		}
		return 0
	case types.PhysI128:
		return v.I128[i].Cmp(v.I128[j])
	default:
		return bytes.Compare(v.Bytes(i), v.Bytes(j))
	}
}

func cmpInt(a, b int64) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

// merged is an aggregate by states of fixed size: each row has one, and that of a frame is merged from its rows'.
//
// Rows that leave a frame are taken out of its state if the function can do that exactly. Otherwise, as sums of
// floats would lose digits to cancellation, by two stacks: the states of rows lo…mid-1 are replaced by those of
// all rows from there to mid-1, and the rows mid…hi-1 are merged into one; when lo reaches mid, mid goes to hi. Each
// row is merged three times at most.
type merged struct {
	frames    *frameCursor
	fn        agg.Func
	remover   agg.Remover // nil if there is none
	twoStacks bool
	words     int
	args      []*vector.Vector
	typ       types.Type
	states    []uint64 // the slots, then one a row
	rows      int      // that have states
	lo, hi    int      // of the frame that slotFrame holds: with two stacks, mid…hi-1
	mid       int
	input     agg.Input
	into      []uint32
	from      []uint32
	pair      [2]uint32
	results   []uint64
	tmp       outVector
}

// Slots before the states of rows.
const (
	slotFrame  = 0 // the frame, or its rows behind mid
	slotResult = 1
	slotZero   = 2
	stateSlots = 3
)

// mergeRows is how many rows are folded or merged at once.
const mergeRows = 1024

func (e *merged) table() agg.Table { return agg.Table{Rows: e.states, Stride: e.words} }

func (e *merged) slot(i int) []uint64 { return e.states[i*e.words : (i+1)*e.words] }

func (e *merged) begin(p *windowPart) {
	e.frames.begin(p)
	e.clear(p.start)
}

// clear makes the frame empty, at row i.
func (e *merged) clear(i int) {
	clear(e.slot(slotFrame))
	e.lo, e.hi, e.mid = i, i, i
}

func (e *merged) ready(p *windowPart, from int) int { return e.frames.ready(p, from) }

func (e *merged) keep(_ *windowPart, from int) int { return e.frames.keep(from) }

func (e *merged) drop(k int) {
	e.frames.drop(k)
	e.lo, e.hi, e.mid = e.lo-k, e.hi-k, e.mid-k
	e.states = append(e.states[:stateSlots*e.words], e.states[min(len(e.states), (stateSlots+k)*e.words):]...)
	e.rows = max(0, e.rows-k)
}

func (e *merged) sizeBytes() int { return 8 * (cap(e.states) + cap(e.results)) }

// fold makes the states of the rows before n.
func (e *merged) fold(n int) error {
	for e.rows < n {
		k := min(n-e.rows, mergeRows)
		at := len(e.states)
		e.states = resizeKeep(e.states, at+k*e.words)
		clear(e.states[at:])
		groups := e.sequence(e.rows, k)
		e.input.N, e.input.Groups, e.input.Args = k, groups, e.input.Args[:0]
		for _, v := range e.args {
			view, a := &vector.Vector{}, &agg.Arg{}
			rangeView(view, v, e.rows, e.rows+k)
			a.Set(view, nil, k, groups)
			e.input.Args = append(e.input.Args, a)
		}
		if err := e.fn.Update(e.table(), &e.input); err != nil {
			return err
		}
		e.rows += k
	}
	return nil
}

// resizeKeep returns s with n elements, the new ones unspecified.
func resizeKeep[T any](s []T, n int) []T {
	if cap(s) >= n {
		return s[:n]
	}
	out := make([]T, n, max(n, 2*cap(s)))
	copy(out, s)
	return out
}

// sequence returns the states of rows from…from+k-1.
func (e *merged) sequence(from, k int) []uint32 {
	e.from = e.from[:0]
	for i := range k {
		e.from = append(e.from, uint32(stateSlots+from+i))
	}
	return e.from
}

// add merges rows hi…to-1 into the frame's slot.
func (e *merged) add(to int) error {
	for e.hi < to {
		k := min(to-e.hi, mergeRows)
		if len(e.into) < k {
			e.into = make([]uint32, max(k, 16)) // all are slotFrame
		}
		if err := e.fn.Merge(e.table(), e.into[:k], e.fn, e.table(), e.sequence(e.hi, k)); err != nil {
			return err
		}
		e.hi += k
	}
	return nil
}

// slide moves the frame to rows lo…hi-1 and returns the slot of its state.
func (e *merged) slide(lo, hi int) (int, error) {
	if e.frames.frame.Start.Kind == UnboundedPreceding {
		return slotFrame, e.add(hi)
	}
	if lo >= hi {
		e.clear(max(lo, e.lo))
		return slotZero, nil
	}
	if lo >= e.hi {
		e.clear(lo)
	}
	if err := e.add(hi); err != nil {
		return 0, err
	}
	if !e.twoStacks {
		for ; e.lo < lo; e.lo++ {
			if err := e.remover.Remove(e.table(), e.into[:1], e.table(), e.sequence(e.lo, 1)); err != nil {
				return 0, err
			}
		}
		return slotFrame, nil
	}
	if e.lo = lo; lo >= e.mid {
		if err := e.flip(); err != nil {
			return 0, err
		}
	}
	copy(e.slot(slotResult), e.slot(stateSlots+lo))
	return slotResult, e.merge(slotResult, slotFrame)
}

func (e *merged) merge(into, from int) error {
	e.pair = [2]uint32{uint32(into), uint32(from)}
	return e.fn.Merge(e.table(), e.pair[:1], e.fn, e.table(), e.pair[1:])
}

// flip moves all rows of the frame before mid.
func (e *merged) flip() error {
	for i := e.hi - 2; i >= e.lo; i-- {
		if err := e.merge(stateSlots+i, stateSlots+i+1); err != nil {
			return err
		}
	}
	e.mid = e.hi
	clear(e.slot(slotFrame))
	return nil
}

func (e *merged) eval(p *windowPart, from, to int, out *vector.Vector) error {
	if err := e.fold(p.end); err != nil {
		return err
	}
	for from < to {
		n := min(to-from, mergeRows)
		e.results = e.results[:0]
		for i := range n {
			lo, hi := e.frames.next(p, from+i)
			slot, err := e.slide(lo, hi)
			if err != nil {
				return err
			}
			e.results = append(e.results, e.slot(slot)...)
		}
		resetVector(&e.tmp.Vector, e.typ, n)
		groups := e.sequence(-stateSlots, n) // from 0
		if err := e.fn.Result(agg.Table{Rows: e.results, Stride: e.words}, groups, &e.tmp.Vector); err != nil {
			return err
		}
		appendRows(out, &e.tmp.Vector, nil, n)
		from += n
	}
	return nil
}

// folded is an aggregate whose states lie in the function: it folds what a frame has beyond the previous row's if
// both start alike, else the whole frame. Its results are as long as the frames.
type folded struct {
	frames *frameCursor
	spec   *agg.Spec
	args   []*vector.Vector
	fn     agg.Func // nil: nothing folded
	table  agg.Table
	lo, hi int
}

func (e *folded) begin(p *windowPart) {
	e.frames.begin(p)
	e.fn = nil
}

func (e *folded) ready(p *windowPart, from int) int { return e.frames.ready(p, from) }
func (e *folded) keep(_ *windowPart, from int) int  { return e.frames.keep(from) }

func (e *folded) drop(k int) {
	e.frames.drop(k)
	e.lo, e.hi = e.lo-k, e.hi-k
}

func (e *folded) sizeBytes() int {
	if e.fn == nil {
		return 0
	}
	return int(e.fn.SizeBytes())
}

func (e *folded) eval(p *windowPart, from, to int, out *vector.Vector) error {
	var one vector.Vector
	for i := from; i < to; i++ {
		lo, hi := e.frames.next(p, i)
		hi = max(lo, hi)
		if e.fn == nil || lo != e.lo || hi < e.hi {
			var err error
			if e.fn, err = agg.New(e.spec); err != nil {
				return err
			}
			words := e.fn.Words()
			e.table = agg.Table{Rows: make([]uint64, (agg.Single+1)*words), Stride: words}
			e.lo, e.hi = lo, lo
		}
		if err := e.add(hi); err != nil {
			return err
		}
		resetVector(&one, e.spec.Type, 1)
		if err := e.fn.Result(e.table, []uint32{agg.Single}, &one); err != nil {
			return err
		}
		appendRows(out, &one, nil, 1)
	}
	return nil
}

func (e *folded) add(hi int) error {
	for e.hi < hi {
		k := min(hi-e.hi, vector.MaxRows)
		in := &agg.Input{N: k}
		for _, v := range e.args {
			view, a := &vector.Vector{}, &agg.Arg{}
			rangeView(view, v, e.hi, e.hi+k)
			a.Set(view, nil, k, nil)
			in.Args = append(in.Args, a)
		}
		if err := e.fn.Update(e.table, in); err != nil {
			return err
		}
		e.hi += k
	}
	return nil
}
