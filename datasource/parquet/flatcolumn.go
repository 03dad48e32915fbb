package parquet

import (
	"context"
	"errors"
	"io"
	"unsafe"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// flatColumn reads a column that is not nested, forward only. Pages of which no row is read are passed over
// by their headers, and decoded only when a row of them is wanted.
type flatColumn struct {
	pages chunkPages
	conv  *converter
	vals  valueReader
	buf   []byte // the decompressed page

	row     int64   // next row, in the row group
	left    int     // rows of the current page from row on
	page    rawPage // the current page, not decoded as long as pending
	pending bool
	behind  int // rows of the page that were passed over since one of it was decoded
	nulls   bool
	def     hybrid

	dict     *vector.Vector
	dictRead bool
	dicts    Dictionaries // nil: dict is not kept
	dictKey  DictionaryKey

	out   vector.Vector // what read returns
	store vector.Vector // buffers of out: flat values, Codes, Valid
	cap   int           // rows that store can take
	nNull bool          // out has NULLs so far
	mode  outMode

	pagesRead, pagesSkipped int64
}

// outMode says which form the rows in out have so far.
type outMode uint8

const (
	outNone outMode = iota
	outCoded
	outFlat
)

func (c *flatColumn) open(ctx context.Context, f *File, rg int, l *leaf, conv *converter, ranges []RowRange) error {
	c.conv, c.vals.conv = conv, conv
	c.row, c.left, c.pending, c.behind = 0, 0, false, 0
	c.dict, c.dictRead = nil, false
	c.pagesRead, c.pagesSkipped = 0, 0
	c.cap = 0
	return c.pages.open(ctx, f, rg, l, ranges)
}

// read returns the n rows from row on as a vector; with sel (ascending positions among the n) only those rows are defined.
func (c *flatColumn) read(ctx context.Context, row int64, n int, sel []uint16) (*vector.Vector, error) {
	c.begin(n)
	for done := 0; done < n; {
		if err := c.locate(ctx, row+int64(done)); err != nil {
			return nil, err
		}
		k := min(n-done, c.left)
		lo, hi := 0, k
		if sel != nil {
			lo, hi, sel = selected(sel, done, k)
		}
		if lo == hi {
			c.hole(done, k)
			c.pass(k)
			done += k
			continue
		}
		c.hole(done, lo)
		c.pass(lo)
		if err := c.ensure(ctx); err != nil {
			return nil, err
		}
		if err := c.decode(done+lo, hi-lo, n); err != nil {
			return nil, err
		}
		c.hole(done+hi, k-hi)
		c.pass(k - hi)
		done += k
	}
	return c.finish(n), nil
}

// selected returns the part [lo, hi) of k rows from done on that the selection touches, and what is left of the selection.
func selected(sel []uint16, done, k int) (lo, hi int, rest []uint16) {
	i := 0
	for i < len(sel) && int(sel[i]) < done+k {
		i++
	}
	if i == 0 {
		return 0, 0, sel
	}
	return int(sel[0]) - done, int(sel[i-1]) - done + 1, sel[i:]
}

// locate makes the page with the row the current one and goes to the row.
func (c *flatColumn) locate(ctx context.Context, row int64) error {
	for {
		if c.left > 0 && row < c.row+int64(c.left) {
			c.pass(int(max(0, row-c.row)))
			return nil
		}
		if c.pending {
			c.pagesSkipped++
		}
		c.row += int64(c.left)
		c.left, c.pending = 0, false
		at := c.pages.next
		if first := c.pages.seek(row); first > c.row {
			c.row = first
			c.pagesSkipped += int64(c.pages.next - at)
		}
		page, err := c.pages.nextPage(ctx)
		if errors.Is(err, io.EOF) {
			return corruptf("column %s ends after %d rows of a row group of %d", c.pages.leaf.name(), c.row, c.pages.rows)
		}
		if err != nil {
			return err
		}
		if c.row+page.rows > c.pages.rows {
			return corruptf("column %s has more than the %d rows of its row group", c.pages.leaf.name(), c.pages.rows)
		}
		c.page, c.pending, c.behind, c.left = page, true, 0, int(page.rows)
	}
}

// pass passes over k rows of the current page.
func (c *flatColumn) pass(k int) {
	c.behind += k
	c.row += int64(k)
	c.left -= k
}

// ensure decodes the current page if it is pending, and catches up with rows that were passed over.
func (c *flatColumn) ensure(ctx context.Context) error {
	if c.pending {
		if err := c.decodePage(ctx); err != nil {
			return err
		}
		c.pending = false
	}
	k := c.behind
	c.behind = 0
	if k > 0 && c.nulls {
		var ok bool
		if k, ok = c.def.countOnes(k); !ok {
			return errShortPage
		}
	}
	return c.vals.skip(k)
}

func (c *flatColumn) decodePage(ctx context.Context) error {
	l := c.pages.leaf
	d, buf, err := c.pages.content(&c.page, c.buf)
	c.buf = buf
	if err != nil {
		return err
	}
	c.pagesRead++
	n := c.page.h.numValues
	c.nulls = false
	if l.maxDef > 0 {
		if err := c.def.initLevels(d.def, d.defEnc, l.maxDef, n); err != nil {
			return err
		}
		c.nulls = !c.def.isConstant(1, n)
	}
	if err := c.vals.init(l, c.page.h.encoding, d.values, n, c.pages.f.opts.MaxPageBytes); err != nil {
		return err
	}
	if c.page.kept != nil {
		c.vals.marks = c.page.kept.marks
	}
	if c.vals.kind != valuesCoded {
		return nil
	}
	if !c.dictRead {
		if err := c.loadDictionary(ctx); err != nil {
			return err
		}
	}
	c.vals.dict = c.dict
	return nil
}

// loadDictionary takes the chunk's dictionary from where it was kept, or decodes it.
func (c *flatColumn) loadDictionary(ctx context.Context) (err error) {
	if c.dicts != nil {
		c.dict = c.dicts.Dictionary(c.dictKey)
	}
	if c.dict == nil {
		if c.dict, err = loadDictionary(ctx, &c.pages, c.conv); err != nil {
			return err
		}
		if c.dicts != nil && c.dict != nil {
			c.dicts.Keep(c.dictKey, c.dict)
		}
	}
	c.dictRead = true
	return nil
}

// begin makes room for n rows.
func (c *flatColumn) begin(n int) {
	c.mode, c.nNull = outNone, false
	c.out = vector.Vector{Type: c.conv.want, Phys: c.conv.phys, Len: n}
	if n > c.cap {
		c.cap = n
		s := &c.store
		s.Codes = resize(s.Codes, n)
		s.Valid = resize(s.Valid, (n+63)/64)
		switch c.conv.phys {
		case types.PhysI32:
			s.I32 = resize(s.I32, n)
		case types.PhysI64:
			s.I64 = resize(s.I64, n)
		case types.PhysF64:
			s.F64 = resize(s.F64, n)
		case types.PhysI128:
			s.I128 = resize(s.I128, n)
		default:
			s.Off = resize(s.Off, n+1)
		}
	}
	c.store.Data = c.store.Data[:0]
	if c.conv.phys == types.PhysBytes {
		c.store.Off[0] = 0
	}
}

func resize[S ~[]T, T any](s S, n int) S {
	if cap(s) >= n {
		return s[:n]
	}
	return make(S, n)
}

// hole fills k undefined rows from at on so that they can be read.
func (c *flatColumn) hole(at, k int) {
	if k == 0 {
		return
	}
	if c.nNull {
		c.store.Valid.SetRange(at, at+k)
	}
	if c.mode != outFlat {
		clear(c.store.Codes[at : at+k])
	}
	if c.mode != outCoded && c.conv.phys == types.PhysBytes {
		fill(c.store.Off[at+1:at+1+k], c.store.Off[at])
	}
}

// decode puts the next k rows of the page into out from row at on; n is the size of the whole batch.
func (c *flatColumn) decode(at, k, n int) error {
	c.row += int64(k)
	c.left -= k
	nv := k
	if c.nulls {
		if !c.nNull {
			c.nNull = true
			clear(c.store.Valid)
			c.store.Valid.SetRange(0, at)
		}
		var ok bool
		if nv, ok = c.def.readBits(c.store.Valid, at, k); !ok {
			return errShortPage
		}
	} else if c.nNull {
		c.store.Valid.SetRange(at, at+k)
	}
	if c.vals.kind == valuesCoded && c.mode != outFlat && c.dict != nil && c.dict.Len > 0 {
		c.mode = outCoded
		codes := c.store.Codes[at : at+k]
		if err := c.vals.readCodes(codes[:nv]); err != nil {
			return err
		}
		if nv < k {
			clear(codes[nv:])
			spread(codes, c.store.Valid, at, nv)
		}
		return nil
	}
	if err := c.toFlat(at); err != nil {
		return err
	}
	if k == n && nv == k && c.alias(k) {
		return nil
	}
	if err := c.vals.read(&c.store, at, nv); err != nil {
		return err
	}
	if nv < k {
		c.spreadFlat(at, k, nv)
	}
	return nil
}

// toFlat turns the first at rows of the output, if they are codes, into values.
func (c *flatColumn) toFlat(at int) error {
	c.store.Phys = c.conv.phys
	coded := c.mode == outCoded
	c.mode = outFlat
	if !coded {
		return nil
	}
	return lookUp(&c.store, 0, c.dict, c.store.Codes[:at])
}

// alias makes out point into the page, if the page's k values are stored as the vector wants them.
func (c *flatColumn) alias(k int) bool {
	if c.vals.kind != valuesFixed || (c.conv.kind != convCopy64 && c.conv.kind != convCopy32) {
		return false
	}
	w := c.conv.width
	src := c.vals.fixed
	if k == 0 || len(src) < k*w || uintptr(unsafe.Pointer(&src[0]))%uintptr(w) != 0 {
		return false
	}
	p := unsafe.Pointer(&src[0])
	switch c.conv.phys {
	case types.PhysI32:
		c.out.I32 = unsafe.Slice((*int32)(p), k)
	case types.PhysI64:
		c.out.I64 = unsafe.Slice((*int64)(p), k)
	default:
		c.out.F64 = unsafe.Slice((*float64)(p), k)
	}
	c.vals.fixed = src[k*w:]
	return true
}

func (c *flatColumn) spreadFlat(at, k, nv int) {
	s := &c.store
	switch c.conv.phys {
	case types.PhysI32:
		spread(s.I32[at:at+k], s.Valid, at, nv)
	case types.PhysI64:
		spread(s.I64[at:at+k], s.Valid, at, nv)
	case types.PhysF64:
		spread(s.F64[at:at+k], s.Valid, at, nv)
	case types.PhysI128:
		spread(s.I128[at:at+k], s.Valid, at, nv)
	default:
		spreadOffsets(s.Off[at:at+k+1], s.Valid, at, nv)
	}
}

// finish points out at what was decoded.
func (c *flatColumn) finish(n int) *vector.Vector {
	o, s := &c.out, &c.store
	if c.nNull {
		if o.Valid = s.Valid[:(n+63)/64]; o.Valid.Count(n) == n {
			o.Valid = nil
		}
	}
	switch {
	case c.mode == outCoded:
		o.Codes, o.Dict = s.Codes[:n], c.dict
	case o.I32 != nil || o.I64 != nil || o.F64 != nil: // aliases the page
	case c.conv.phys == types.PhysI32:
		o.I32 = s.I32[:n]
	case c.conv.phys == types.PhysI64:
		o.I64 = s.I64[:n]
	case c.conv.phys == types.PhysF64:
		o.F64 = s.F64[:n]
	case c.conv.phys == types.PhysI128:
		o.I128 = s.I128[:n]
	default:
		o.Off, o.Data = s.Off[:n+1], s.Data
	}
	return o
}

// release forgets what the column refers to but its buffers.
func (c *flatColumn) release() {
	c.pages = chunkPages{buf: c.pages.buf}
	c.dict, c.dicts, c.vals.dict, c.out, c.page = nil, nil, nil, vector.Vector{}, rawPage{}
	if cap(c.store.Data) > maxPooledBytes {
		c.store.Data = nil
	}
}
