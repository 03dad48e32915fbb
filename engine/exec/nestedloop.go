package exec

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/vector"
)

// NestedLoopOp joins on any condition, by trying all pairs.
type NestedLoopOp struct {
	probe, build Operator
	kind         JoinKind
	cond         expr.Expr
	fields       []Field
}

// NewNestedLoop returns a join of probe and build on cond, over the probe's columns followed by the build's;
// nil joins every pair. For JoinAntiNullAware, pairs match for which cond is TRUE or NULL. The build side is
// held in memory, past the budget in files that are read again for every batch of the probe side.
func NewNestedLoop(probe, build Operator, kind JoinKind, cond expr.Expr) (*NestedLoopOp, error) {
	if kind.buildOnly() {
		return nil, &expr.TypeError{Function: "nested loop join", Reason: "it has no " + kind.String()}
	}
	if kind == JoinAntiNullAware && cond != nil {
		isFalse, err := expr.New("isfalse", cond)
		if err != nil {
			return nil, err
		}
		if cond, err = expr.New("not", isFalse); err != nil {
			return nil, err
		}
	}
	return &NestedLoopOp{probe: probe, build: build, kind: kind, cond: cond, fields: joinFields(kind, probe.Fields(), build.Fields())}, nil
}

// Fields implements Operator.
func (j *NestedLoopOp) Fields() []Field { return j.fields }

// Children implements Operator.
func (j *NestedLoopOp) Children() []Operator { return []Operator{j.probe, j.build} }

// Describe implements Operator.
func (j *NestedLoopOp) Describe() string {
	if j.cond == nil {
		return "Cross join " + j.kind.String()
	}
	return "Nested loop join " + j.kind.String() + ": " + j.cond.String()
}

// Open implements Operator.
func (j *NestedLoopOp) Open(ctx context.Context, q *Query) ([]Stream, error) {
	builds, err := j.build.Open(ctx, q)
	if err != nil {
		return nil, err
	}
	run := &loopRun{op: j, query: q, build: newKept(q, builds, fieldTypes(j.build.Fields()), "nested loop join")}
	out, err := mapStreams(ctx, q, j.probe, func(in Stream) (Stream, error) { return newLoopStream(run, in) })
	if err != nil {
		_ = closeAll(builds)
		return nil, err
	}
	run.build.open.Store(int32(len(out)))
	run.probing.Store(int32(len(out)))
	return out, nil
}

type loopRun struct {
	op      *NestedLoopOp
	query   *Query
	build   *kept
	probing atomic.Int32
	matched []uint32 // by build row, for right and full joins
	once    sync.Once
}

func (r *loopRun) prepare(ctx context.Context) error {
	if err := r.build.prepare(ctx); err != nil {
		return err
	}
	r.once.Do(func() {
		if r.op.kind.keepsBuild() {
			r.matched = make([]uint32, len(r.build.chunks)<<chunkBits/32)
		}
	})
	return nil
}

// constColumn is a column of one repeated value.
type constColumn struct {
	row [1]uint16
	vec outVector
}

var zeroCodes = make([]int32, vector.MaxRows)

// set makes the column n times the value of row i of v. The dictionary is new each time: who has seen one may
// remember what it derived from its entries (package vector's rules).
func (c *constColumn) set(v *vector.Vector, i, n int) *vector.Vector {
	dict := &vector.Vector{}
	resetVector(dict, v.Type, 0)
	c.row[0] = uint16(i)
	appendRows(dict, v, c.row[:], 1)
	dict.Valid = nil
	o := &c.vec
	o.Type, o.Phys, o.Len, o.Valid, o.Codes, o.Dict = v.Type, dict.Phys, n, nil, zeroCodes[:n], dict
	if v.IsNull(i) {
		o.allValid()
		clear(o.Valid)
	}
	return &o.Vector
}

// loopStream joins the batches of one input with all chunks. A chunk and a batch are paired by repeating each
// row of the shorter of the two beside the whole of the longer.
type loopStream struct {
	run    *loopRun
	in     Stream
	kept   *keptReader
	op     *NestedLoopOp
	filter *expr.Filter
	consts []constColumn
	outs   []*outVector
	cols   []*vector.Vector
	nProbe int
	out    vector.Batch

	batch  *vector.Batch
	chunk  int
	row    int // of the shorter side
	hit    []bool
	sel    []uint16
	rest   restState
	eof    bool
	closed bool
}

func newLoopStream(run *loopRun, in Stream) (*loopStream, error) {
	op := run.op
	s := &loopStream{run: run, in: in, op: op, kept: newKeptReader(run.build), nProbe: len(op.probe.Fields())}
	if op.cond != nil {
		f, err := expr.CompileFilter(op.cond, run.query.Env)
		if err != nil {
			return nil, err
		}
		s.filter = f
	}
	ts := append(fieldTypes(op.probe.Fields()), fieldTypes(op.build.Fields())...)
	s.outs, s.cols = newOutVectors(ts)
	s.consts = make([]constColumn, len(ts))
	return s, nil
}

func (s *loopStream) Next(ctx context.Context) (*vector.Batch, error) {
	if s.closed {
		return nil, io.EOF
	}
	if err := s.run.prepare(ctx); err != nil {
		return nil, err
	}
	for !s.eof {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if s.batch == nil {
			b, err := s.in.Next(ctx)
			if errors.Is(err, io.EOF) {
				s.eof = true
				s.rest.active = s.run.probing.Add(-1) == 0 && s.op.kind.keepsBuild()
				break
			}
			if err != nil {
				return nil, err
			}
			s.batch, s.chunk, s.row = b, 0, 0
			s.hit = resize(s.hit, b.Len)
			clear(s.hit)
		}
		out, err := s.step()
		if out != nil || err != nil {
			return out, err
		}
	}
	if s.rest.active {
		return s.nextRest()
	}
	return nil, io.EOF
}

// step pairs one row of the shorter side, or ends the batch.
func (s *loopStream) step() (*vector.Batch, error) {
	if s.chunk == len(s.run.build.chunks) {
		return s.finish(), nil
	}
	c, err := s.kept.load(s.chunk)
	if err != nil {
		return nil, err
	}
	b := s.batch
	short := b.Rows()
	byBuild := c.Len < short
	if byBuild {
		short = c.Len
		s.pairBuildRow(b, c, s.row)
	} else {
		s.pairProbeRow(b, c, b.Row(s.row))
	}
	row := s.row
	ref := s.chunk << chunkBits
	if s.row++; s.row == short {
		s.chunk, s.row = s.chunk+1, 0
	}
	if s.filter != nil {
		sel, err := s.filter.Apply(&s.out)
		if err != nil {
			return nil, err
		}
		s.out.Sel = sel
	}
	if s.out.Rows() == 0 {
		return nil, nil
	}
	if byBuild {
		s.note(ref|row, -1)
	} else {
		s.note(ref, b.Row(row))
	}
	if s.op.kind.probeOnly() {
		return nil, nil
	}
	return &s.out, nil
}

func (s *loopStream) pairBuildRow(b, c *vector.Batch, row int) {
	copy(s.cols, b.Cols)
	for i, v := range c.Cols {
		s.cols[s.nProbe+i] = s.consts[s.nProbe+i].set(v, row, b.Len)
	}
	s.out = vector.Batch{Len: b.Len, Sel: b.Sel, Cols: s.cols}
}

func (s *loopStream) pairProbeRow(b, c *vector.Batch, at int) {
	for i, v := range b.Cols {
		s.cols[i] = s.consts[i].set(v, at, c.Len)
	}
	copy(s.cols[s.nProbe:], c.Cols)
	s.out = vector.Batch{Len: c.Len, Cols: s.cols}
}

// note records the matches of s.out: probeAt is the probe row that was repeated, or -1 when build row ref was.
func (s *loopStream) note(ref, probeAt int) {
	if probeAt >= 0 {
		s.hit[probeAt] = true
	} else {
		for k := range s.out.Rows() {
			s.hit[s.out.Row(k)] = true
		}
	}
	switch {
	case s.run.matched == nil:
	case probeAt < 0:
		atomic.OrUint32(&s.run.matched[ref>>5], 1<<(ref&31))
	default:
		for k := range s.out.Rows() {
			r := ref | s.out.Row(k)
			atomic.OrUint32(&s.run.matched[r>>5], 1<<(r&31))
		}
	}
}

// finish puts out what the batch's rows with or without a match call for.
func (s *loopStream) finish() *vector.Batch {
	b, kind := s.batch, s.op.kind
	s.batch = nil
	if !kind.probeOnly() && !kind.keepsProbe() {
		return nil
	}
	s.sel = s.sel[:0]
	for k := range b.Rows() {
		if i := b.Row(k); s.hit[i] == (kind == JoinSemi) {
			s.sel = append(s.sel, uint16(i))
		}
	}
	if len(s.sel) == 0 {
		return nil
	}
	if kind.probeOnly() {
		s.out = vector.Batch{Len: b.Len, Sel: s.sel, Cols: b.Cols}
		return &s.out
	}
	copy(s.cols, b.Cols)
	for i, f := range s.op.build.Fields() {
		o := s.outs[s.nProbe+i]
		allNull(o, f.Type, b.Len)
		s.cols[s.nProbe+i] = &o.Vector
	}
	s.out = vector.Batch{Len: b.Len, Sel: s.sel, Cols: s.cols}
	return &s.out
}

func (s *loopStream) nextRest() (*vector.Batch, error) {
	for s.rest.chunk < len(s.run.build.chunks) {
		c, err := s.kept.load(s.rest.chunk)
		if err != nil {
			return nil, err
		}
		base := s.rest.chunk << chunkBits
		s.rest.chunk++
		s.sel = s.sel[:0]
		for i := range c.Len {
			if r := base | i; s.run.matched[r>>5]>>(r&31)&1 == 0 {
				s.sel = append(s.sel, uint16(i))
			}
		}
		if len(s.sel) == 0 {
			continue
		}
		for i, f := range s.op.probe.Fields() {
			allNull(s.outs[i], f.Type, c.Len)
			s.cols[i] = &s.outs[i].Vector
		}
		copy(s.cols[s.nProbe:], c.Cols)
		s.out = vector.Batch{Len: c.Len, Sel: s.sel, Cols: s.cols}
		return &s.out, nil
	}
	return nil, io.EOF
}

func (s *loopStream) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	err := s.in.Close()
	s.run.build.leave()
	return err
}
