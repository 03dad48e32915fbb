package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// A join whose build side is too large partitions both sides by the hash of their keys, and joins partition by
// partition; one that is still too large is partitioned again, by further bits, up to maxJoinDepth times. What is
// too large even then has few keys of many rows: all its pairs are tried.
const (
	joinPartLg    = 5
	joinParts     = 1 << joinPartLg
	maxJoinDepth  = 3
	partBlockRows = 256
	partBlockText = 64 << 10 // bytes from which on a column ends a block
)

// joinSpill is both sides of a join in files.
type joinSpill struct{ build, probe []*partFiles }

func (s *joinSpill) close() {
	for _, f := range append(s.build, s.probe...) {
		if f != nil {
			f.close()
		}
	}
}

// empty reports whether neither side has rows in a partition.
func (s *joinSpill) empty(part int) bool {
	for _, side := range [][]*partFiles{s.build, s.probe} {
		for _, f := range side {
			if f != nil && len(f.blocks[part]) > 0 {
				return false
			}
		}
	}
	return true
}

// partFiles is one worker's rows of one side, by partition, in one file.
type partFiles struct {
	file   *spillFile
	buf    []byte
	blocks [joinParts][]int64 // where the blocks of each partition start
	open   [joinParts][]*vector.Vector
	types  []types.Type
	sel    [joinParts][]uint16
	room   int // for the text of a column of a block
}

func (q *Query) newPartFiles(ts []types.Type) (*partFiles, error) {
	f, err := q.newSpillFile()
	if err != nil {
		return nil, err
	}
	return &partFiles{file: f, types: ts, room: min(partBlockText, q.textRoom())}, nil
}

func (p *partFiles) close() { p.file.close() }

// add appends the rows that p.sel names for each partition, and empties p.sel.
func (p *partFiles) add(cols []*vector.Vector, n int) error {
	for part, sel := range p.sel {
		if len(sel) == 0 {
			continue
		}
		if p.open[part] == nil {
			p.open[part] = make([]*vector.Vector, len(p.types))
			for i, t := range p.types {
				p.open[part][i] = vector.New(t, 0)
			}
		}
		for i, v := range p.open[part] {
			appendRows(v, cols[i], sel, n)
		}
		p.sel[part] = sel[:0]
		text := func(v *vector.Vector) bool { return len(v.Data) > p.room }
		if p.open[part][0].Len >= partBlockRows || slices.ContainsFunc(p.open[part], text) {
			if err := p.flush(part); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush writes the open block of a partition.
func (p *partFiles) flush(part int) error {
	cols := p.open[part]
	if cols == nil || cols[0].Len == 0 {
		return nil
	}
	p.buf = appendBlock(p.buf[:0], cols, cols[0].Len)
	at, err := p.file.append(p.buf)
	if err != nil {
		return err
	}
	p.blocks[part] = append(p.blocks[part], at)
	for i, v := range cols {
		resetVector(v, p.types[i], 0)
	}
	return nil
}

func (p *partFiles) flushAll() error {
	for part := range p.open {
		if err := p.flush(part); err != nil {
			return err
		}
		p.open[part] = nil
	}
	return nil
}

// spillable reports whether the join can go on in files.
func (r *joinRun) spillable() bool {
	return r.columns && r.op.depth < maxJoinDepth && len(r.op.probe.Fields()) > 0 && len(r.op.build.Fields()) > 0
}

// take keeps the build rows of a batch, in memory as long as all workers have room.
func (b *joinBuilder) take(in *vector.Batch) error {
	if !b.run.spilling.Load() {
		before := b.rowsOf.rows
		cols, sel, err := b.add(in)
		if err == nil {
			err = b.rowsOf.add(cols, sel, in.Len)
		}
		if err == nil || !isFull(err) || !b.run.spillable() {
			return err
		}
		b.run.spilling.Store(true)
		if err := b.spillKept(before); err != nil {
			return err
		}
	} else if err := b.spillKept(b.rowsOf.rows); err != nil {
		return err
	}
	return b.route(in)
}

// spillKept writes the first rows rows that were kept in memory to files.
func (b *joinBuilder) spillKept(rows int) error {
	if b.files == nil {
		f, err := b.run.query.newPartFiles(fieldTypes(b.run.op.build.Fields()))
		if err != nil {
			return err
		}
		b.files = f
	}
	unlock := b.rowsOf.schema.lockDicts()
	defer unlock()
	for _, c := range b.rowsOf.chunks {
		n := min(c.Len, rows)
		rows -= n
		if n == 0 {
			break
		}
		sel := make([]uint16, n)
		for i := range sel {
			sel[i] = uint16(i)
		}
		if err := b.route(&vector.Batch{Len: c.Len, Sel: sel, Cols: c.Cols}); err != nil {
			return err
		}
	}
	b.rowsOf.acct.free()
	b.acct.free()
	b.rowsOf.chunks, b.rowsOf.rows, b.keys = nil, 0, nil
	return nil
}

func (b *joinBuilder) route(in *vector.Batch) error {
	vecs, err := b.set.eval(in)
	if err != nil {
		return err
	}
	err = b.files.route(b.table.codec, &b.kb, vecs, in, b.keep)
	b.null, b.all = b.null || len(b.kb.nulls) > 0, b.all+b.kb.n
	return err
}

// route sends the rows of a batch to the partitions of their keys; a row with a NULL key, which matches
// nothing, to the first one, or nowhere.
func (p *partFiles) route(codec *keyCodec, kb *keyBatch, vecs []*vector.Vector, in *vector.Batch, keepNull bool) error {
	codec.encode(kb, vecs, in.Sel, in.Len)
	for k := range kb.n {
		part := kb.hashes[k] >> (64 - joinPartLg)
		if kb.isNull[k] {
			if !keepNull {
				continue
			}
			part = 0
		}
		p.sel[part] = append(p.sel[part], uint16(rowAt(in.Sel, k)))
	}
	return p.add(in.Cols, in.Len)
}

// spillAll writes out what the builders still hold, then all of the probe side.
func (r *joinRun) spillAll(ctx context.Context, builders []*joinBuilder) error {
	s := &joinSpill{probe: make([]*partFiles, len(r.probes))}
	r.spill = s
	defer func() {
		for _, b := range builders {
			s.build = append(s.build, b.files)
		}
	}()
	for _, b := range builders {
		if err := b.spillKept(b.rowsOf.rows); err != nil {
			return err
		}
		if err := b.files.flushAll(); err != nil {
			return err
		}
	}
	op := r.op
	if op.kind == JoinAntiNullAware && slices.ContainsFunc(builders, func(b *joinBuilder) bool { return b.null }) {
		s.probe = nil
		return closeAll(r.probes) // x NOT IN (…, NULL) is never true; x is compared with something, so neither for a NULL x
	}
	codec := newKeyCodec(exprTypes(op.probeKeys), true)
	codec.skip = builders[0].table.codec.skip
	keepNull := op.kind.keepsProbe() || op.kind == JoinAnti || op.kind == JoinAntiNullAware && !slices.ContainsFunc(builders, func(b *joinBuilder) bool { return b.all > 0 })
	return parallel(ctx, len(r.probes), func(ctx context.Context, i int) error {
		set, err := compileExprs(op.probeKeys, r.query.Env)
		if err != nil {
			return err
		}
		f, err := r.query.newPartFiles(fieldTypes(op.probe.Fields()))
		if err != nil {
			return err
		}
		s.probe[i] = f
		var kb keyBatch
		err = drain(ctx, r.probes[i], func(b *vector.Batch) error {
			vecs, err := set.eval(b)
			if err != nil {
				return err
			}
			return f.route(codec, &kb, vecs, b, keepNull)
		})
		return errors.Join(err, f.flushAll())
	})
}

// nextSpilled joins the partitions that the stream gets hold of.
func (s *joinStream) nextSpilled(ctx context.Context) (*vector.Batch, error) {
	for {
		if s.part == nil {
			p := int(s.run.part.Add(1) - 1)
			if p >= joinParts {
				return nil, io.EOF
			}
			if s.run.spill.empty(p) {
				continue
			}
			if err := s.openPart(ctx, p); err != nil {
				return nil, err
			}
		}
		b, err := s.part.Next(ctx)
		if isFull(err) && s.retry != nil {
			if err := s.openLoop(ctx); err != nil {
				return nil, err
			}
			continue
		}
		if s.retry = nil; !errors.Is(err, io.EOF) {
			return b, err
		}
		err = s.part.Close()
		if s.part = nil; err != nil {
			return nil, err
		}
	}
}

func (s *joinStream) openPart(ctx context.Context, p int) error {
	op := *s.op
	op.depth++
	if op.kind == JoinAntiNullAware {
		op.kind = JoinAnti // spillAll has seen to the NULLs
	}
	op.probe = &partSource{Operator: s.op.probe, files: s.run.spill.probe, part: p}
	op.build = &partSource{Operator: s.op.build, files: s.run.spill.build, part: p}
	if op.depth == maxJoinDepth {
		s.retry = &op
	}
	return s.openAlone(ctx, &op)
}

func (s *joinStream) openAlone(ctx context.Context, op Operator) error {
	q := *s.run.query
	q.Workers = 1
	streams, err := op.Open(ctx, &q)
	if err != nil {
		return err
	}
	s.part = streams[0]
	return nil
}

// openLoop joins the partition by trying all pairs. No row of it has been put out: the table that had no room
// comes first.
func (s *joinStream) openLoop(ctx context.Context) error {
	op := s.retry
	s.retry = nil
	if err := s.part.Close(); err != nil {
		return err
	}
	s.part = nil
	cond := op.residual
	for i, p := range op.probeKeys {
		build := expr.MapColumns(op.buildKeys[i], func(c *expr.Column) expr.Expr {
			moved := *c
			moved.Index += s.nProbe
			return &moved
		})
		same, err := expr.New("=", p, build)
		if err != nil {
			return err
		}
		if cond == nil {
			cond = same
		} else if cond, err = expr.New("and", same, cond); err != nil {
			return err
		}
	}
	loop, err := op.loop(cond)
	if err != nil {
		return err
	}
	return s.openAlone(ctx, loop)
}

// loop returns the join that tries all pairs. It puts out rows of its probe side alone: where j puts out those of its
// build side, they change places.
func (j *HashJoinOp) loop(cond expr.Expr) (*NestedLoopOp, error) {
	if !j.kind.buildOnly() {
		return NewNestedLoop(j.probe, j.build, j.kind, cond)
	}
	kind, probe, build := JoinSemi, len(j.probe.Fields()), len(j.build.Fields())
	if j.kind == JoinBuildAnti {
		kind = JoinAnti
	}
	return NewNestedLoop(j.build, j.probe, kind, expr.MapColumns(cond, func(c *expr.Column) expr.Expr {
		moved := *c
		if c.Index < probe {
			moved.Index += build
		} else {
			moved.Index -= probe
		}
		return &moved
	}))
}

// partSource reads one partition of one side.
type partSource struct {
	Operator // whose rows were spilled; describes them
	files    []*partFiles
	part     int
}

// Open implements Operator.
func (p *partSource) Open(context.Context, *Query) ([]Stream, error) {
	s := &partStream{source: p}
	s.outs, s.out.Cols = newOutVectors(fieldTypes(p.Fields()))
	return []Stream{s}, nil
}

type partStream struct {
	source *partSource
	file   int
	block  int
	in     spillReader
	outs   []*outVector
	out    vector.Batch
}

func (s *partStream) Next(context.Context) (*vector.Batch, error) {
	for ; s.file < len(s.source.files); s.file, s.block = s.file+1, 0 {
		f := s.source.files[s.file]
		blocks := f.blocks[s.source.part]
		if s.block == len(blocks) {
			continue
		}
		at := blocks[s.block]
		s.in.file, s.in.at, s.in.end = f.file, at, f.file.size
		n, err := readBlock(&s.in, s.outs, f.types)
		if err != nil {
			return nil, fmt.Errorf("read spilled rows: %w", err)
		}
		s.out.Len = n
		s.block++
		return &s.out, nil
	}
	return nil, io.EOF
}

func (s *partStream) Close() error { return nil }
