package exec

import (
	"context"
	"errors"
	"io"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/vector"
)

// joinStream probes with one input stream.
type joinStream struct {
	run      *joinRun
	in       Stream
	op       *HashJoinOp
	set      *exprSet
	residual *expr.Filter
	kb       keyBatch
	lut      dictGroups
	heads    []uint32

	batch *vector.Batch // being expanded; nil: fetch the next
	pos   int           // live row of batch
	ref   uint32        // next row + 1 of its chain; 0: start the next row
	hit   []bool        // by live row: some pair passed the residual
	state expandState

	pairPos []uint16 // of pairs: position in batch
	pairRow []uint16 // live row
	refs    []uint32
	sel     []uint16
	from    int // of refs, what has not been put out
	room    int // for the text of a column of a batch

	nProbe int
	outs   []*outVector // probe columns, then build columns
	cols   []*vector.Vector
	out    vector.Batch
	rest   restState
	eof    bool
	closed bool

	part  Stream      // join of one spilled partition
	retry *HashJoinOp // it, if it may still turn out to be too large
}

type expandState uint8

const (
	expandPairs expandState = iota
	expandUnmatched
	expandSingles
)

// restState walks the build rows without a match.
type restState struct {
	active bool
	chunk  int
	row    int
}

func newJoinStream(run *joinRun, in Stream) (*joinStream, error) {
	op := run.op
	s := &joinStream{run: run, in: in, op: op, nProbe: len(op.probe.Fields()), room: run.query.textRoom()}
	var err error
	if s.set, err = compileExprs(op.probeKeys, run.query.Env); err != nil {
		return nil, err
	}
	if op.residual != nil {
		if s.residual, err = expr.CompileFilter(op.residual, run.query.Env); err != nil {
			return nil, err
		}
	}
	ts := fieldTypes(op.probe.Fields())
	if op.keepColumns() {
		ts = append(ts, fieldTypes(op.build.Fields())...)
	}
	s.outs, s.cols = newOutVectors(ts)
	return s, nil
}

func (s *joinStream) Next(ctx context.Context) (*vector.Batch, error) {
	if s.closed {
		return nil, io.EOF
	}
	if err := s.run.prepare(ctx); err != nil {
		return nil, err
	}
	if s.run.spill != nil {
		return s.nextSpilled(ctx)
	}
	if (s.op.kind == JoinInner || s.op.kind == JoinSemi || s.op.kind.buildOnly()) && s.run.table.empty() {
		s.eof = true // whatever the probe side holds
	}
	for !s.eof {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		out, err := s.step(ctx)
		if out != nil || err != nil {
			return out, err
		}
	}
	if s.rest.active {
		return s.nextRest()
	}
	return nil, io.EOF
}

// step makes some progress: a batch, or nil to be called again.
func (s *joinStream) step(ctx context.Context) (*vector.Batch, error) {
	if s.batch != nil {
		return s.expand()
	}
	b, err := s.in.Next(ctx)
	if errors.Is(err, io.EOF) {
		s.eof = true
		s.rest.active = s.run.probing.Add(-1) == 0 && s.op.kind.marksBuild()
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := s.probe(b); err != nil {
		return nil, err
	}
	t := s.run.table
	switch {
	case s.op.kind.buildOnly() && s.residual == nil:
		s.markAll()
		return nil, nil
	case s.op.kind == JoinAntiNullAware:
		return s.notIn(b), nil
	case s.residual == nil && s.op.kind.probeOnly():
		return s.pick(b, s.op.kind == JoinSemi, func(k int) bool { return s.heads[k] != 0 }), nil
	case s.residual == nil && !t.duplicates.Load():
		s.single(b)
		if len(s.refs) == 0 {
			return nil, nil
		}
		return s.singles(b), nil
	}
	s.batch, s.pos, s.ref, s.state = b, 0, 0, expandPairs
	s.from, s.refs = 0, s.refs[:0]
	s.hit = resize(s.hit, b.Rows())
	clear(s.hit)
	return nil, nil
}

// probe looks up the keys of b; a coded key is looked up once a code.
func (s *joinStream) probe(b *vector.Batch) error {
	vecs, err := s.set.eval(b)
	if err != nil {
		return err
	}
	t, n := s.run.table, b.Rows()
	s.heads = resize(s.heads, n)
	if !s.lut.usable(vecs, n) {
		t.codec.encode(&s.kb, vecs, b.Sel, b.Len)
		t.find(&s.kb, s.heads)
		return nil
	}
	d := &s.lut
	d.collect(vecs, b.Sel, n)
	t.codec.encode(&s.kb, vecs, d.miss, b.Len)
	d.gid = resize(d.gid, len(d.miss))
	t.find(&s.kb, d.gid)
	for k, c := range d.combo {
		d.groups[c] = d.gid[k]
	}
	for k, c := range d.index {
		s.heads[k] = d.groups[c]
	}
	return nil
}

// pick returns b with only the live rows for which has is want, or nil if there are none.
func (s *joinStream) pick(b *vector.Batch, want bool, has func(k int) bool) *vector.Batch {
	s.sel = s.sel[:0]
	for k := range b.Rows() {
		if has(k) == want {
			s.sel = append(s.sel, uint16(rowAt(b.Sel, k)))
		}
	}
	switch len(s.sel) {
	case 0:
		return nil
	case b.Rows():
		return b
	}
	s.out = vector.Batch{Len: b.Len, Sel: s.sel, Cols: b.Cols}
	return &s.out
}

func (s *joinStream) notIn(b *vector.Batch) *vector.Batch {
	t := s.run.table
	switch {
	case t.buildRows == 0:
		return b
	case t.hasNull:
		return nil
	}
	for _, k := range s.nullRows(b) {
		s.heads[k] = 1 // NULL NOT IN (…) is not true
	}
	return s.pick(b, false, func(k int) bool { return s.heads[k] != 0 })
}

// markAll notes that the build rows of the keys at hand have a match.
func (s *joinStream) markAll() {
	t := s.run.table
	for _, h := range s.heads {
		if h == 0 || t.sawMatch(h-1) {
			continue // whoever marked the first row of a key marks all of them
		}
		for ; h != 0; h = t.next[h-1] {
			t.mark(h - 1)
		}
	}
}

// nullRows returns the live rows whose key is NULL.
func (s *joinStream) nullRows(b *vector.Batch) []uint16 {
	s.pairRow = s.pairRow[:0]
	v := s.set.out[0]
	if v.Valid == nil {
		return nil
	}
	for k := range b.Rows() {
		if v.IsNull(rowAt(b.Sel, k)) {
			s.pairRow = append(s.pairRow, uint16(k))
		}
	}
	return s.pairRow
}

// single lists the match of each row of b where every row has one at most.
func (s *joinStream) single(b *vector.Batch) {
	keepAll := s.op.kind.keepsProbe()
	s.refs, s.sel = s.refs[:0], s.sel[:0]
	if b.Sel == nil {
		for k, h := range s.heads {
			if h != 0 || keepAll {
				s.refs, s.sel = append(s.refs, h-1), append(s.sel, uint16(k))
			}
		}
	} else {
		for k, h := range s.heads {
			if h != 0 || keepAll {
				s.refs, s.sel = append(s.refs, h-1), append(s.sel, b.Sel[k])
			}
		}
	}
	s.from = 0
	if s.op.kind.keepsBuild() {
		for _, ref := range s.refs {
			if ref != noRow {
				s.run.table.mark(ref)
			}
		}
	}
}

// singles puts out the rest of what single listed, as far as there is room for text: the probe's columns are passed on as they are.
func (s *joinStream) singles(b *vector.Batch) *vector.Batch {
	refs, at := s.refs[s.from:], s.sel[s.from:]
	if len(at) == b.Len {
		at = nil
	}
	copy(s.cols, b.Cols)
	build := s.outs[s.nProbe:]
	took := s.run.table.rows.fetchAll(build, refs, at, b.Len, s.op.kind.keepsProbe(), s.room)
	for i, o := range build {
		s.cols[s.nProbe+i] = &o.Vector
	}
	s.batch, s.state = nil, expandSingles
	if took < len(refs) {
		at, s.batch = s.sel[s.from:s.from+took], b
	}
	s.from += took
	s.out = vector.Batch{Len: b.Len, Sel: at, Cols: s.cols}
	return &s.out
}

// expand puts out the next pairs of the current batch, then its rows without a match.
func (s *joinStream) expand() (*vector.Batch, error) {
	if s.state == expandSingles {
		return s.singles(s.batch), nil
	}
	if s.state == expandPairs {
		if s.from == len(s.refs) {
			s.nextPairs()
		}
		if len(s.refs) == 0 {
			s.state = expandUnmatched
			return nil, nil
		}
		return s.pairs()
	}
	b := s.batch
	s.batch = nil
	has := func(k int) bool { return s.hit[k] }
	switch kind := s.op.kind; {
	case kind == JoinSemi:
		return s.pick(b, true, has), nil
	case kind == JoinAnti:
		return s.pick(b, false, has), nil
	case kind.keepsProbe():
		out := s.pick(b, false, has)
		if out == nil {
			return nil, nil
		}
		return s.withoutBuild(out), nil
	}
	return nil, nil
}

// withoutBuild adds NULL build columns to rows of the probe side.
func (s *joinStream) withoutBuild(b *vector.Batch) *vector.Batch {
	copy(s.cols, b.Cols)
	for i, f := range s.op.build.Fields() {
		o := s.outs[s.nProbe+i]
		allNull(o, f.Type, b.Len)
		s.cols[s.nProbe+i] = &o.Vector
	}
	s.out = vector.Batch{Len: b.Len, Sel: b.Sel, Cols: s.cols}
	return &s.out
}

// nextPairs lists the next pairs of probe and build rows, at most a batch of them.
func (s *joinStream) nextPairs() {
	s.pairPos, s.pairRow, s.refs, s.from = s.pairPos[:0], s.pairRow[:0], s.refs[:0], 0
	limit, next := s.run.query.batchRows(), s.run.table.next
	for n := len(s.heads); s.pos < n; s.pos++ {
		ref := s.ref
		if ref == 0 {
			ref = s.heads[s.pos]
		}
		for ref != 0 {
			if len(s.refs) == limit {
				s.ref = ref
				return
			}
			s.pairPos = append(s.pairPos, uint16(rowAt(s.batch.Sel, s.pos)))
			s.pairRow = append(s.pairRow, uint16(s.pos))
			s.refs = append(s.refs, ref-1)
			ref = next[ref-1]
		}
		s.ref = 0
	}
}

// pairs gathers the listed pairs, as far as there is room for text, and applies the residual; nil if none is to be put out.
func (s *joinStream) pairs() (*vector.Batch, error) {
	refs, rows, t := s.refs[s.from:], s.pairRow[s.from:], s.run.table
	n := len(refs)
	for i, v := range s.batch.Cols {
		n = min(n, fetchProbe(s.outs[i], v, s.pairPos[s.from:], s.room))
	}
	if n = t.rows.fetchAll(s.outs[s.nProbe:], refs[:n], nil, n, false, s.room); n < len(refs) {
		for _, o := range s.outs {
			o.cut(n)
		}
	}
	for i, o := range s.outs {
		s.cols[i] = &o.Vector
	}
	s.from += n
	s.out = vector.Batch{Len: n, Cols: s.cols}
	if s.residual != nil {
		sel, err := s.residual.Apply(&s.out)
		if err != nil {
			return nil, err
		}
		s.out.Sel = sel
	}
	for k := range s.out.Rows() {
		i := s.out.Row(k)
		s.hit[rows[i]] = true
		if t.matched != nil {
			t.mark(refs[i])
		}
	}
	if s.out.Rows() == 0 || s.op.kind.probeOnly() || s.op.kind.buildOnly() {
		return nil, nil
	}
	return &s.out, nil
}

// nextRest puts out build rows without a match, or with one; only the stream that finished last gets here.
func (s *joinStream) nextRest() (*vector.Batch, error) {
	t, limit := s.run.table, s.run.query.batchRows()
	for ; s.rest.chunk < len(t.keys); s.rest.chunk, s.rest.row = s.rest.chunk+1, 0 {
		s.sel = s.sel[:0]
		rows := len(t.keys[s.rest.chunk].hashes)
		for ; s.rest.row < rows && len(s.sel) < limit; s.rest.row++ {
			if t.isMarked(uint32(s.rest.chunk<<chunkBits|s.rest.row)) == (s.op.kind == JoinBuildSemi) {
				s.sel = append(s.sel, uint16(s.rest.row))
			}
		}
		if len(s.sel) > 0 {
			chunk := t.rows.chunks[s.rest.chunk]
			if s.op.kind.buildOnly() {
				s.out = vector.Batch{Len: chunk.Len, Sel: s.sel, Cols: chunk.Cols}
				return &s.out, nil
			}
			for i, f := range s.op.probe.Fields() {
				allNull(s.outs[i], f.Type, chunk.Len)
				s.cols[i] = &s.outs[i].Vector
			}
			copy(s.cols[s.nProbe:], chunk.Cols)
			s.out = vector.Batch{Len: chunk.Len, Sel: s.sel, Cols: s.cols}
			return &s.out, nil
		}
	}
	return nil, io.EOF
}

func (s *joinStream) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	err := s.in.Close()
	if s.part != nil {
		s.part.Close()
	}
	s.run.leave()
	return err
}
