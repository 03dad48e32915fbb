package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/featuresql/featuresql/engine/exec/sortkey"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// AsOfJoinOp is the point-in-time join: each left row meets at most one right row of the same keys, the newest
// one at (or before) its time.
type AsOfJoinOp struct {
	left, right         Operator
	leftKeys, rightKeys []expr.Expr
	leftTime, rightTime expr.Expr
	strict, outer       bool
	holdLeft            bool
	ties                []SortKey
	tieColumns          []int // of right, if all ties are such numbers: they are looked at where times are equal, and not kept beside
	fields              []Field
}

// NewAsOfJoin returns the join of each left row with the right row of equal keys whose rightTime is the
// greatest that is at most leftTime, or less than it if strict. Among equal times, the row that comes last in
// the order of ties (over right's columns) wins, then the later row. NULL keys and times match nothing. Left
// rows without a match are dropped, or put out with NULLs if outer. There may be no keys. The two times have
// the same type, of one 64-bit word. The right side is held in memory, or the left one (see HoldLeft); past the
// budget, both sides are sorted by keys and time, in files, and merged by one stream.
func NewAsOfJoin(left, right Operator, leftKeys, rightKeys []expr.Expr, leftTime, rightTime expr.Expr, strict, outer bool, ties ...SortKey) (*AsOfJoinOp, error) {
	if len(leftKeys) != len(rightKeys) {
		return nil, &expr.TypeError{Function: "asof join", Reason: fmt.Sprintf("%d keys against %d", len(leftKeys), len(rightKeys))}
	}
	for i := range leftKeys {
		if l, r := leftKeys[i].Type(), rightKeys[i].Type(); !sameKeyType(l, r) {
			return nil, &expr.TypeError{Function: "asof join", Reason: fmt.Sprintf("key types %s and %s differ", l, r)}
		}
	}
	l, r := leftTime.Type(), rightTime.Type()
	if !sameKeyType(l, r) || l.Physical() == types.PhysI128 || l.Physical() == types.PhysBytes {
		return nil, &expr.TypeError{Function: "asof join", Reason: fmt.Sprintf("the last condition compares %s and %s, which are no times: CAST both to one type of date, time, or number of at most 18 digits", l, r)}
	}
	kind := JoinInner
	if outer {
		kind = JoinLeft
	}
	return &AsOfJoinOp{left: left, right: right, leftKeys: leftKeys, rightKeys: rightKeys, leftTime: leftTime, rightTime: rightTime,
		strict: strict, outer: outer, ties: ties, tieColumns: numberColumns(ties), fields: joinFields(kind, left.Fields(), right.Fields())}, nil
}

// numberColumns returns the columns that the keys are, nil unless all are columns of integers that are never NULL, in ascending order.
func numberColumns(keys []SortKey) []int {
	var out []int
	for _, k := range keys {
		c, ok := k.Expr.(*expr.Column)
		if !ok || k.Desc || c.Null || c.Typ.Kind != types.Int32 && c.Typ.Kind != types.Int64 {
			return nil
		}
		out = append(out, c.Index)
	}
	return out
}

// HoldLeft makes the join hold the left side in memory, with one right row for each left row at most, and read the right
// side as a stream: for a left side that is the smaller one. Where ties are other than columns of integers the right side
// is held all the same.
func (a *AsOfJoinOp) HoldLeft() { a.holdLeft = len(a.ties) == 0 || a.tieColumns != nil }

// Fields implements Operator.
func (a *AsOfJoinOp) Fields() []Field { return a.fields }

// Children implements Operator.
func (a *AsOfJoinOp) Children() []Operator { return []Operator{a.left, a.right} }

// Describe implements Operator.
func (a *AsOfJoinOp) Describe() string {
	name, op := "ASOF join", ">="
	if a.outer {
		name = "ASOF left join"
	}
	if a.strict {
		op = ">"
	}
	d := fmt.Sprintf("%s: %s %s %s", name, a.leftTime, op, a.rightTime)
	if len(a.leftKeys) > 0 {
		d += fmt.Sprintf(" by %s = %s", exprList(a.leftKeys), exprList(a.rightKeys))
	}
	if a.holdLeft {
		d += ", the left side held"
	}
	return d
}

// Open implements Operator.
func (a *AsOfJoinOp) Open(ctx context.Context, q *Query) ([]Stream, error) {
	rights, err := a.right.Open(ctx, q)
	if err != nil {
		return nil, err
	}
	run := &asOfRun{op: a, query: q, rights: rights}
	out, err := mapStreams(ctx, q, a.left, func(in Stream) (Stream, error) { return newAsOfStream(run, in) })
	if err != nil {
		_ = closeAll(rights)
		return nil, err
	}
	for _, s := range out {
		run.lefts = append(run.lefts, s.(*asOfStream).in)
	}
	run.open.Store(int32(len(out)))
	return out, nil
}

// keptTies are the ties whose keys are kept for every right row.
func (a *AsOfJoinOp) keptTies() []SortKey {
	if a.tieColumns != nil {
		return nil
	}
	return a.ties
}

// asOfRun is one execution: one side is held and indexed, then the other is read.
type asOfRun struct {
	op            *AsOfJoinOp
	query         *Query
	lefts, rights []Stream
	once          sync.Once
	started       atomic.Bool
	err           error
	open          atomic.Int32

	index   *asOfIndex      // of the side that is held
	found   *asOfCandidates // where that is the left side
	chunk   atomic.Int64    // of the left side, next to be put out
	merge   *asOfMerge      // nil: the side is in memory
	merging atomic.Bool
}

func (r *asOfRun) prepare(ctx context.Context) error {
	r.once.Do(func() {
		r.started.Store(true)
		if r.op.holdLeft {
			r.err = r.readLeft(ctx)
		} else {
			r.err = r.readRight(ctx)
		}
	})
	return r.err
}

// readRight indexes the right side.
func (r *asOfRun) readRight(ctx context.Context) error {
	op := r.op
	r.index = newAsOfIndex(r.query, fieldTypes(op.right.Fields()), op.rightKeys, op.rightTime, op.keptTies())
	r.index.tieColumns = op.tieColumns
	if err := r.index.build(ctx, r.rights); err != nil || !r.index.spilling.Load() {
		return err
	}
	return r.mergeSorted(ctx, r.lefts, r.index.spools)
}

// readLeft indexes the left side, then finds the right row of each of its rows.
func (r *asOfRun) readLeft(ctx context.Context) error {
	op := r.op
	r.index = newAsOfIndex(r.query, fieldTypes(op.left.Fields()), op.leftKeys, op.leftTime, nil)
	r.index.all = op.outer
	if err := r.index.build(ctx, r.lefts); err != nil {
		return errors.Join(err, closeAll(r.rights))
	}
	r.found = newAsOfCandidates(r)
	if err := r.found.read(ctx, r.rights); err != nil {
		return err
	}
	if !r.found.spilling.Load() {
		return nil
	}
	if err := r.index.toFile(); err != nil {
		return err
	}
	return r.mergeSorted(ctx, []Stream{replayOf(r.query, r.index.spools)}, r.found.spools())
}

func (r *asOfRun) mergeSorted(ctx context.Context, lefts []Stream, rights []*spool) (err error) {
	r.merge, err = newAsOfMerge(ctx, r, lefts, rights)
	return err
}

func (r *asOfRun) leave() {
	if r.open.Add(-1) > 0 {
		return
	}
	if !r.started.Load() {
		_ = closeAll(r.rights)
	}
	if r.merge != nil {
		r.merge.close()
	}
	if r.index != nil {
		r.index.free()
	}
	if r.found != nil {
		r.found.free()
	}
}

// asOfStream puts out joined rows: it looks up the left rows of its input, or takes chunks of those that are held.
type asOfStream struct {
	run   *asOfRun
	in    Stream
	set   *exprSet // keys, time
	kb    keyBatch
	gid   []uint32
	live  []uint16
	sel   []uint16
	refs  []uint32
	outs  []*outVector
	cols  []*vector.Vector
	nLeft int
	out   vector.Batch
	left  *vector.Batch // whose rows sel names
	right *rowSet       // which refs names rows of
	from  int           // of refs, what has not been put out
	room  int           // for the text of a column of a batch

	claimed bool // this stream merges what was spilled
	closed  bool
}

func newAsOfStream(run *asOfRun, in Stream) (*asOfStream, error) {
	op := run.op
	set, err := compileExprs(append(append([]expr.Expr(nil), op.leftKeys...), op.leftTime), run.query.Env)
	if err != nil {
		return nil, err
	}
	s := &asOfStream{run: run, live: []uint16{}, in: in, set: set, nLeft: len(op.left.Fields()), room: run.query.textRoom()}
	s.outs, _ = newOutVectors(fieldTypes(op.right.Fields()))
	s.cols = make([]*vector.Vector, len(op.fields))
	return s, nil
}

func (s *asOfStream) Next(ctx context.Context) (*vector.Batch, error) {
	if s.closed {
		return nil, io.EOF
	}
	if err := s.run.prepare(ctx); err != nil {
		return nil, err
	}
	if s.from < len(s.refs) {
		return s.rest(), nil
	}
	if s.run.merge != nil {
		if !s.claimed && !s.run.merging.CompareAndSwap(false, true) {
			return nil, io.EOF // another stream merges
		}
		s.claimed = true
		return s.run.merge.next(ctx, s)
	}
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if s.run.op.holdLeft {
			out, more := s.nextChunk()
			if out != nil {
				return out, nil
			}
			if !more {
				return nil, io.EOF
			}
			continue
		}
		b, err := s.in.Next(ctx)
		if err != nil {
			return nil, err
		}
		out, err := s.join(b)
		if out != nil || err != nil {
			return out, err
		}
	}
}

// nextChunk joins the next chunk of the left side, if there is more.
func (s *asOfStream) nextChunk() (out *vector.Batch, more bool) {
	r := s.run
	i := int(r.chunk.Add(1) - 1)
	if i >= len(r.index.rows.chunks) {
		return nil, false
	}
	b := r.index.rows.chunks[i]
	s.sel, s.refs = s.sel[:0], s.refs[:0]
	for row, ref := range r.found.match[i<<chunkBits:][:b.Len] {
		if ref != noRow || r.op.outer {
			s.sel, s.refs = append(s.sel, uint16(row)), append(s.refs, ref)
		}
	}
	return s.emit(b, r.found.rows), true
}

func (s *asOfStream) join(b *vector.Batch) (*vector.Batch, error) {
	vecs, err := s.set.eval(b)
	if err != nil {
		return nil, err
	}
	r, x := s.run, s.run.index
	nk := len(r.op.leftKeys)
	s.live = liveKeys(s.live[:0], vecs, b)
	s.gid = x.find(&s.kb, vecs[:nk], s.live, b.Len, s.gid)
	s.sel, s.refs = s.sel[:0], s.refs[:0]
	next := 0 // in live
	for k := range b.Rows() {
		i, ref := b.Row(k), noRow
		if next < len(s.live) && int(s.live[next]) == i {
			ref = x.newest(s.gid[next], sortkey.Word(vecs[nk], i), r.op.strict)
			next++
		}
		if ref != noRow || r.op.outer {
			s.sel, s.refs = append(s.sel, uint16(i)), append(s.refs, ref)
		}
	}
	return s.emit(b, x.rows), nil
}

// emit makes a batch of the rows of b that sel names beside rows refs of the right side, as far as there is room for text; nil if
// there are none.
func (s *asOfStream) emit(b *vector.Batch, rows *rowSet) *vector.Batch {
	if s.from = 0; len(s.sel) == 0 {
		return nil
	}
	s.left, s.right = b, rows
	return s.rest()
}

// rest puts out what emit had no room for yet.
func (s *asOfStream) rest() *vector.Batch {
	b, at := s.left, s.sel[s.from:]
	if len(at) == b.Len {
		at = nil
	}
	copy(s.cols, b.Cols)
	took := s.right.fetchAll(s.outs, s.refs[s.from:], at, b.Len, s.run.op.outer, s.room)
	for i, o := range s.outs {
		s.cols[s.nLeft+i] = &o.Vector
	}
	if s.from+took < len(s.sel) {
		at = s.sel[s.from : s.from+took]
	}
	s.from += took
	s.out = vector.Batch{Len: b.Len, Sel: at, Cols: s.cols}
	return &s.out
}

func (s *asOfStream) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	err := s.in.Close()
	s.run.leave()
	return err
}
