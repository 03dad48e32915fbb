package scan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// stream reads morsels and yields their rows. It belongs to one goroutine.
type stream struct {
	p       *plan
	filters []*expr.Filter // one a conjunct

	file   *openFile
	reader *parquet.RowGroupReader // nil: no column is read, and rows are counted from at to end
	group  int
	at     int64
	end    int64
	done   bool
	taken  *sharedDictionaries // of the current morsel's row group; nil: none

	n     int              // rows of the current batch
	first int64            // position in the file of its first row
	work  vector.Batch     // columns by slot, nil until read
	live  []uint16         // buffer of the rows that are not deleted
	fixed []constantColumn // by slot
	out   vector.Batch
	ids   rowIDs

	testers []exec.LateTester // by late filter
	keys    []*vector.Vector
	started bool
}

func newStream(p *plan) (*stream, error) {
	s := &stream{p: p, work: vector.Batch{Cols: make([]*vector.Vector, len(p.slots))}, fixed: make([]constantColumn, len(p.slots))}
	for _, c := range p.conjuncts {
		f, err := expr.CompileFilter(c.expr, p.spec.Env)
		if err != nil {
			return nil, fmt.Errorf("filter %s: %w", c.expr, err)
		}
		s.filters = append(s.filters, f)
	}
	columns := len(p.output)
	if p.spec.RowIDs {
		columns += 2
	}
	s.out.Cols = make([]*vector.Vector, columns)
	return s, nil
}

// Next implements exec.Stream.
func (s *stream) Next(ctx context.Context) (*vector.Batch, error) {
	if !s.started {
		s.started = true
		s.p.learn()
		s.testers = s.p.testers()
	}
	for !s.done {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		more, err := s.advance(ctx)
		if err != nil {
			return nil, err
		}
		if !more {
			if err := s.nextMorsel(ctx); err != nil {
				return nil, err
			}
			continue
		}
		b, err := s.batch(ctx)
		if err != nil {
			if s.file != nil {
				err = s.named(err)
			}
			return nil, err
		}
		if b != nil {
			return b, nil
		}
	}
	return nil, io.EOF
}

// Close implements exec.Stream.
func (s *stream) Close() error {
	s.closeReader()
	s.done, s.file = true, nil
	return nil
}

func (s *stream) closeReader() {
	if s.taken != nil {
		s.taken.done()
		s.taken = nil
	}
	if s.reader == nil {
		return
	}
	c := &s.p.counters
	c.bytesRead.Add(s.reader.BytesRead())
	read, skipped := s.reader.PagesRead(), s.reader.PagesSkipped()
	c.pages.Add(read + skipped)
	c.pagesSkipped.Add(skipped)
	s.reader.Close()
	s.reader = nil
}

// named adds the file's name to an error of the store or the reader; errors of the filter stay as they are.
func (s *stream) named(err error) error {
	var e *columnError
	if errors.As(err, &e) {
		return s.p.src.readError(s.file.path, e.err)
	}
	return err
}

// columnError marks an error of reading a column.
type columnError struct{ err error }

func (e *columnError) Error() string { return e.err.Error() }
func (e *columnError) Unwrap() error { return e.err }

// nextMorsel takes a morsel off the queue and opens it; done is set at the end.
func (s *stream) nextMorsel(ctx context.Context) error {
	s.closeReader()
	m, ok, err := s.p.queue.take(ctx, s.p.open)
	if err != nil {
		return err
	}
	if !ok {
		s.done, s.file = true, nil
		return nil
	}
	if m.file != s.file {
		s.file = m.file
		for k := range s.p.slots {
			if s.p.slots[k].projected < 0 {
				s.fixed[k].set(m.file.constants[k])
			}
		}
	}
	s.group, s.at, s.end = m.group, m.from, m.to
	if s.p.unneeded(m.file.ordinal) {
		s.at = s.end
	}
	if m.group < 0 {
		return nil
	}
	s.at = s.end // nothing to count
	s.taken = &m.file.groups[m.group].dicts
	ranges, err := s.p.ranges(ctx, m)
	if err == nil {
		ranges, err = s.p.lateRanges(ctx, m, ranges)
	}
	if err != nil {
		return s.p.src.readError(m.file.path, err)
	}
	if len(ranges) == 0 {
		return nil
	}
	dicts, pages := s.p.kept(m)
	s.reader, err = m.file.projection.NewRowGroupReader(ctx, m.group, parquet.ReadOptions{
		Ranges: ranges, BatchRows: s.p.src.opts.BatchRows, Dictionaries: dicts, Pages: pages,
	})
	if err != nil {
		return s.p.src.readError(m.file.path, err)
	}
	return nil
}

// advance goes to the next rows of the morsel; false at its end.
func (s *stream) advance(ctx context.Context) (bool, error) {
	if s.reader != nil {
		n, first, err := s.reader.Next(ctx)
		if err == io.EOF { //nolint:errorlint // the reader returns it bare
			return false, nil
		}
		if err != nil {
			return false, s.p.src.readError(s.file.path, err)
		}
		s.n, s.first = n, first
		return true, nil
	}
	s.n, s.first = int(min(int64(s.p.src.opts.BatchRows), s.end-s.at)), s.at
	s.at += int64(s.n)
	return s.n > 0, nil
}

// batch filters the current rows and reads the output columns of those that are left; nil if none is.
func (s *stream) batch(ctx context.Context) (*vector.Batch, error) {
	s.work.Len, s.work.Sel = s.n, nil
	clear(s.work.Cols)
	if s.file.deleted != nil && anySet(s.file.deleted, s.first, s.n) {
		if s.live == nil { // a nil selection would mean all rows
			s.live = make([]uint16, 0, s.p.src.opts.BatchRows)
		}
		s.live = appendLive(s.live[:0], s.file.deleted, s.first, s.n)
		s.work.Sel = s.live
	}
	s.p.counters.rowsRead.Add(int64(s.work.Rows()))
	for i, f := range s.filters {
		if s.work.Rows() == 0 {
			return nil, nil
		}
		if s.reader != nil && s.file.certain[i] != nil && s.file.certain[i].Get(s.group) {
			continue
		}
		for _, k := range s.p.conjuncts[i].slots {
			if err := s.load(ctx, k); err != nil {
				return nil, err
			}
		}
		sel, err := f.Apply(&s.work)
		if err != nil {
			return nil, err
		}
		if s.work.Sel = sel; len(sel) == s.n {
			s.work.Sel = nil
		}
	}
	if err := s.sift(ctx); err != nil {
		return nil, err
	}
	if s.work.Rows() == 0 {
		return nil, nil
	}
	for i, k := range s.p.output {
		if err := s.load(ctx, k); err != nil {
			return nil, err
		}
		s.out.Cols[i] = s.work.Cols[k]
	}
	if s.p.spec.RowIDs {
		if s.file.ordinal > math.MaxInt32 {
			return nil, fmt.Errorf("the table has more than %d files", math.MaxInt32)
		}
		s.out.Cols[len(s.p.output)], s.out.Cols[len(s.p.output)+1] = s.ids.fill(s.file.ordinal, s.first, s.n)
	}
	s.out.Len, s.out.Sel = s.n, s.work.Sel
	return &s.out, nil
}

// load puts a column of the live rows into the work batch.
func (s *stream) load(ctx context.Context, k int) error {
	if s.work.Cols[k] != nil {
		return nil
	}
	if s.p.slots[k].projected < 0 {
		s.work.Cols[k] = s.fixed[k].rows(s.n)
		return nil
	}
	sel := s.work.Sel
	if len(sel) > s.n-s.n/8 {
		sel = nil // nearly all rows are decoded faster in one go
	}
	v, err := s.reader.Read(ctx, s.p.slots[k].projected, sel)
	if err != nil {
		return &columnError{err}
	}
	s.work.Cols[k] = v
	return nil
}

// anySet reports whether one of the n bits from first on is set.
func anySet(b vector.Bitmap, first int64, n int) bool {
	lo, hi := uint64(first), uint64(first)+uint64(n)
	for w := lo >> 6; w<<6 < hi; w++ {
		word := b[w]
		if w == lo>>6 {
			word &= ^uint64(0) << (lo & 63)
		}
		if end := hi - w<<6; end < 64 {
			word &= 1<<end - 1
		}
		if word != 0 {
			return true
		}
	}
	return false
}

// appendLive appends the rows from 0 to n-1 whose bit at first + row is not set.
func appendLive(dst []uint16, deleted vector.Bitmap, first int64, n int) []uint16 {
	for i := range n {
		if !deleted.Get(int(first) + i) {
			dst = append(dst, uint16(i))
		}
	}
	return dst
}

// constantColumn yields one value for any number of rows without allocating.
type constantColumn struct{ full, part *vector.Vector }

func (c *constantColumn) set(v types.Value) {
	c.full = vector.NewConst(v, vector.MaxRows)
	part := *c.full
	c.part = &part
}

func (c *constantColumn) rows(n int) *vector.Vector {
	c.part.Len, c.part.Codes = n, c.full.Codes[:n]
	if c.full.Valid != nil {
		c.part.Valid = c.full.Valid[:(n+63)/64]
	}
	return c.part
}

// rowIDs are the two columns that name rows: the file's ordinal and the row's position in it.
type rowIDs struct {
	file     constantColumn
	ordinal  int
	position vector.Vector
}

func (r *rowIDs) fill(ordinal int, first int64, n int) (file, position *vector.Vector) {
	if r.file.full == nil || r.ordinal != ordinal {
		r.ordinal = ordinal
		r.file.set(types.IntValue(types.Of(types.Int32), int64(ordinal)))
	}
	if cap(r.position.I64) < n {
		r.position = vector.Vector{Type: types.Of(types.Int64), Phys: types.PhysI64, I64: make([]int64, vector.MaxRows)}
	}
	r.position.Len, r.position.I64 = n, r.position.I64[:n]
	for i := range r.position.I64 {
		r.position.I64[i] = first + int64(i)
	}
	return r.file.rows(n), &r.position
}
