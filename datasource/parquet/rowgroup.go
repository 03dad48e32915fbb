package parquet

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// ReadOptions say which rows of a row group are read.
type ReadOptions struct {
	Ranges       []RowRange   // ascending and disjoint; nil: all rows
	BatchRows    int          // greatest batch; default and maximum vector.MaxRows
	Dictionaries Dictionaries // where decoded dictionaries are kept; nil: nowhere
	Pages        Pages        // where decompressed pages are kept that are read by the offset index; nil: nowhere
}

// Pages keeps decompressed data pages of one file, for readers that come to a few of them again. A page that was kept is
// shared and not changed. It may be used by several goroutines at once.
type Pages interface {
	// Page returns what was kept under a key, nil if there is nothing.
	Page(key PageKey) *Page
	// KeepPage may keep a page.
	KeepPage(key PageKey, page *Page)
}

// PageKey names a data page: Number counts the pages of the column chunk from 0.
type PageKey struct{ RowGroup, Leaf, Number int }

// Page is a decompressed data page whose checksum was right.
type Page struct {
	h     pageHeader
	data  pageData
	marks []uint32 // of plain byte arrays, for valueReader
	bytes int
}

// SizeBytes returns the memory of the page.
func (p *Page) SizeBytes() int64 { return int64(p.bytes) }

// Dictionaries keeps decoded dictionaries of one file, for readers that come to a column chunk again. A dictionary that
// was kept is shared and must not be changed. It may be used by several goroutines at once.
type Dictionaries interface {
	// Dictionary returns what was kept under a key, nil if there is nothing.
	Dictionary(key DictionaryKey) *vector.Vector
	// Keep may keep a dictionary.
	Keep(key DictionaryKey, dict *vector.Vector)
}

// DictionaryKey names the dictionary of a column chunk, read as a type.
type DictionaryKey struct {
	RowGroup, Leaf int
	Type           types.Type
}

// RowGroupReader reads columns of a row group in lock-step: Next sizes a batch of rows, Read materialises a
// column of it. A column that is not read costs nothing, and of a column that is read only for some rows
// only the pages of these rows are decoded. It belongs to one goroutine.
type RowGroupReader struct {
	p         *Projection
	rg        int
	ranges    []RowRange
	explicit  []RowRange // nil if all rows are read
	batchRows int
	dicts     Dictionaries
	kept      Pages
	row       int64 // of the row group, first row of the batch
	n         int   // rows of the batch
	cols      []columnState
	failed    error
	done      counters // of the columns that Close has let go
}

type counters struct{ bytes, read, skipped int64 }

// columnState is the progress of one column.
type columnState struct {
	flat   *flatColumn
	nested *nestedColumn
	vec    *vector.Vector // of the current batch
	all    bool           // vec has all rows
	sel    []uint16       // else the rows that vec has
}

var flatColumns = sync.Pool{New: func() any { return new(flatColumn) }}

// NewRowGroupReader returns a reader of row group rg. It reads nothing yet.
func (p *Projection) NewRowGroupReader(_ context.Context, rg int, opts ReadOptions) (*RowGroupReader, error) {
	if rg < 0 || rg >= len(p.f.meta.rowGroups) {
		return nil, fmt.Errorf("read row group %d of a Parquet file: there is none", rg)
	}
	rows := p.f.meta.rowGroups[rg].numRows
	r := &RowGroupReader{p: p, rg: rg, explicit: opts.Ranges, batchRows: opts.BatchRows, dicts: opts.Dictionaries, kept: opts.Pages, cols: make([]columnState, len(p.cols))}
	if r.batchRows <= 0 || r.batchRows > vector.MaxRows {
		r.batchRows = vector.MaxRows
	}
	if widest := p.widest(rg); widest > maxBatchBytes {
		r.batchRows = max(1, int(int64(r.batchRows)*maxBatchBytes/widest))
	}
	last := int64(0)
	for _, g := range opts.Ranges {
		if g.From < last || g.To < g.From || g.To > rows {
			return nil, fmt.Errorf("row range %d to %d of a row group of %d rows is out of order or out of range", g.From, g.To, rows)
		}
		last = g.To
	}
	r.ranges = slices.Clone(opts.Ranges)
	if opts.Ranges == nil {
		r.ranges = []RowRange{{0, rows}}
	}
	return r, nil
}

// maxBatchBytes is how many bytes vector.MaxRows rows of a column may have, on average and before compression, until batches get fewer rows.
const maxBatchBytes = 4 << 20

// widest returns how many bytes, on average, vector.MaxRows rows of the widest column of a row group have.
func (p *Projection) widest(rg int) (bytes int64) {
	g := &p.f.meta.rowGroups[rg]
	for i := range p.cols {
		sum := int64(0)
		switch c := &p.cols[i]; {
		case c.missing():
		case c.nested != nil:
			for _, l := range c.nested.leaves {
				sum += g.columns[l.leaf.index].plainSize
			}
		default:
			sum = g.columns[c.leaf.index].plainSize
		}
		bytes = max(bytes, int64(float64(sum)/float64(max(g.numRows, 1))*vector.MaxRows))
	}
	return bytes
}

// Next goes to the next batch and returns its number of rows and the position in the file of the first of them.
// The rows of a batch follow one another in the file. io.EOF behind the last batch.
func (r *RowGroupReader) Next(ctx context.Context) (n int, firstRow int64, err error) {
	if r.failed != nil {
		return 0, 0, r.failed
	}
	if err := ctx.Err(); err != nil {
		return 0, 0, err
	}
	for len(r.ranges) > 0 && r.ranges[0].From >= r.ranges[0].To {
		r.ranges = r.ranges[1:]
	}
	for i := range r.cols {
		r.cols[i].vec = nil
	}
	if len(r.ranges) == 0 {
		r.n = 0
		return 0, 0, io.EOF
	}
	g := &r.ranges[0]
	r.row, r.n = g.From, int(min(int64(r.batchRows), g.To-g.From))
	g.From += int64(r.n)
	return r.n, r.p.f.meta.rowGroups[r.rg].firstRow + r.row, nil
}

// Read returns column col of the current batch: as many rows as Next said. If sel is not nil, only the rows it
// names (ascending) are defined. The vector is valid until the next call of Next; columns whose pages have a dictionary
// come as codes of it. A column may be read again for rows that it was read for already.
// Errors: *CorruptError, *UnsupportedError, what the file's reader returns.
func (r *RowGroupReader) Read(ctx context.Context, col int, sel []uint16) (*vector.Vector, error) {
	if r.failed != nil {
		return nil, r.failed
	}
	s := &r.cols[col]
	if s.vec != nil {
		if s.all || (sel != nil && isSubset(sel, s.sel)) {
			return s.vec, nil
		}
		return nil, fmt.Errorf("column %s was read for other rows of the batch before", r.p.cols[col].field.Name)
	}
	v, err := r.read(ctx, col, s, sel)
	if err != nil {
		r.failed = named(err, r.p.f.opts.Path)
		return nil, r.failed
	}
	s.vec, s.all = v, sel == nil
	if sel != nil {
		s.sel = append(s.sel[:0], sel...)
	}
	return v, nil
}

func (r *RowGroupReader) read(ctx context.Context, col int, s *columnState, sel []uint16) (*vector.Vector, error) {
	c := &r.p.cols[col]
	switch {
	case c.missing():
		return allNull(c, r.n), nil
	case c.nested != nil:
		if s.nested == nil {
			s.nested = new(nestedColumn)
			if err := s.nested.open(ctx, r.p.f, r.rg, c.nested, r.explicit); err != nil {
				return nil, err
			}
		}
		return s.nested.read(ctx, r.row, r.n, sel)
	}
	if s.flat == nil {
		flat, ok := flatColumns.Get().(*flatColumn)
		if !ok {
			flat = new(flatColumn)
		}
		s.flat = flat
		if err := s.flat.open(ctx, r.p.f, r.rg, c.leaf, c.conv, r.explicit); err != nil {
			return nil, err
		}
		s.flat.pages.kept = r.kept
		s.flat.dicts = r.dicts
		s.flat.dictKey = DictionaryKey{RowGroup: r.rg, Leaf: c.leaf.index, Type: c.conv.want}
	}
	return s.flat.read(ctx, r.row, r.n, sel)
}

// allNull returns n rows of NULL.
func allNull(c *projected, n int) *vector.Vector {
	v := vector.New(c.field.VectorType(), n)
	v.Valid = vector.NewBitmap(n)
	return v
}

// isSubset reports whether every element of the ascending a is in the ascending b.
func isSubset(a, b []uint16) bool {
	i := 0
	for _, x := range a {
		for i < len(b) && b[i] < x {
			i++
		}
		if i == len(b) || b[i] != x {
			return false
		}
	}
	return true
}

// BytesRead returns how many bytes of the file were read so far.
func (r *RowGroupReader) BytesRead() int64 { return r.counters().bytes }

// PagesRead returns how many data pages were decoded so far.
func (r *RowGroupReader) PagesRead() int64 { return r.counters().read }

// PagesSkipped returns how many data pages were passed over so far, by their headers or by the offset index.
func (r *RowGroupReader) PagesSkipped() int64 { return r.counters().skipped }

func (r *RowGroupReader) counters() counters {
	n := r.done
	for i := range r.cols {
		if c := r.cols[i].flat; c != nil {
			n.bytes, n.read, n.skipped = n.bytes+c.pages.bytesRead, n.read+c.pagesRead, n.skipped+c.pagesSkipped
		}
		if c := r.cols[i].nested; c != nil {
			for k := range c.leaves {
				l := &c.leaves[k]
				n.bytes, n.read, n.skipped = n.bytes+l.pages.bytesRead, n.read+l.pagesRead, n.skipped+l.pagesSkipped
			}
		}
	}
	return n
}

// Close lets go of the reader's buffers; vectors it returned must not be used any more. The counters stay.
func (r *RowGroupReader) Close() {
	r.done = r.counters()
	for i := range r.cols {
		if c := r.cols[i].flat; c != nil && cap(c.buf) <= maxPooledBytes && cap(c.pages.buf) <= maxPooledBytes {
			c.release()
			flatColumns.Put(c)
		}
		r.cols[i] = columnState{}
	}
	r.ranges, r.n = nil, 0
	r.failed = errClosed
}

var errClosed = fmt.Errorf("the reader of a row group is closed")

// maxPooledBytes bounds the buffers that are kept for the next reader.
const maxPooledBytes = 32 << 20
