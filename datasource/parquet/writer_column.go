package parquet

import (
	"encoding/binary"
	"fmt"

	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/format"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// leafColumn describes one column of the file.
type leafColumn struct {
	path           []string
	name           string // of the field, for errors
	typ            types.Type
	physical       format.Type
	length         int // of a FIXED_LEN_BYTE_ARRAY
	maxDef, maxRep uint8
}

// valueBuffer holds the values, without NULLs, of the page under way, and the dictionary of the chunk under way.
type valueBuffer interface {
	// gather appends the values of rows that are not NULL and returns how many of the rows it took: all,
	// unless the page became too large.
	gather(v *vector.Vector, r rowSpan) int
	// add appends one value of the column's type.
	add(v types.Value)
	// pageBytes is about the encoded size of the page's values.
	pageBytes() int
	// use makes the buffer work in s from here on.
	use(s *pageScratch)
	// memoryBytes is what the buffer holds.
	memoryBytes() int
	// endPage appends the encoded values to dst and begins the next page.
	endPage(dst []byte) ([]byte, pageValues)
	// dictionary returns the plain-encoded dictionary, and how many entries it has: 0 when no page refers to it.
	dictionary(dst []byte) ([]byte, int)
	// endChunk forgets the dictionary and returns the hashes for a bloom filter, if any were asked for.
	endChunk() []uint64
}

// pageValues says what endPage encoded.
type pageValues struct {
	encoding format.Encoding
	bounds   valueBounds
	err      error
}

// rowSpan is rows lo to hi-1 of a selection, or of the vector when sel is nil.
type rowSpan struct {
	sel    []uint16
	lo, hi int
}

// pageEntry is what the page index says about a page.
type pageEntry struct {
	offset    int64 // from the first data page of the chunk
	sizeBytes int32 // with header
	firstRow  int64 // in the row group
	slots     int64 // values and NULLs
	nulls     int64
	bounds    valueBounds // strings cut: a page may hold only one, and that be long
}

// columnWriter turns one leaf column into pages and keeps those of the row group under way.
type columnWriter struct {
	leaf     leafColumn
	opts     *WriterOptions
	values   valueBuffer
	pageRows int // rows at which a page ends
	bloom    bool
	codec    Codec

	// The page under way. def is empty while every slot is at maxDef; then only slots counts.
	def, rep    []uint8
	slots, rows int
	nulls       int

	chunk columnChunk
	file  valueBounds // of all pages of the file
	nullsInFile,
	slotsInFile int64

	scratch *pageScratch // of the worker that is at the column
}

// pageScratch is memory in which a worker puts a page together.
type pageScratch struct {
	json                jsonParser
	raw, packed, levels []byte
	codes               []int32
	packedCodes         []byte
	levelEncoding       rle.Encoding
	codeEncoding        rle.DictionaryEncoding
}

func (s *pageScratch) sizeBytes() int {
	return cap(s.raw) + cap(s.packed) + cap(s.levels) + 4*cap(s.codes) + cap(s.packedCodes)
}

// columnChunk is the finished pages of a column in the row group under way.
type columnChunk struct {
	body      []byte // headers and pages
	pages     []pageEntry
	rows      int64
	slots     int64
	nulls     int64
	rawBytes  int64                   // headers and pages before compression
	encodings map[format.Encoding]int // data pages by encoding
	bounds    valueBounds
}

func newColumnWriter(leaf leafColumn, opts *WriterOptions, scratch *pageScratch) *columnWriter {
	c := &columnWriter{leaf: leaf, opts: opts, scratch: scratch, codec: opts.Compression}
	c.chunk.encodings = map[format.Encoding]int{}
	c.pageRows = maxPageRows
	if w := leaf.width(); w > 0 {
		for c.pageRows > 64 && c.pageRows*w > opts.PageBytes {
			c.pageRows /= 2
		}
	}
	return c
}

// init makes the value buffer; it waits until it is known whether the column gets a bloom filter.
func (c *columnWriter) init() {
	b := bufferOptions{leaf: &c.leaf, dictionary: !c.opts.NoDictionary, bloom: c.bloom, pageBytes: c.opts.PageBytes, scratch: c.scratch}
	switch c.leaf.physical {
	case format.Boolean:
		b.dictionary, b.bloom, c.bloom = false, false, false
		c.values = newNumbers[int32](b)
	case format.Int32:
		c.values = newNumbers[int32](b)
	case format.Int64:
		c.values = newNumbers[int64](b)
	case format.Float:
		b.bloom, c.bloom = false, false
		c.values = newNumbers[float32](b)
	case format.Double:
		b.bloom, c.bloom = false, false
		c.values = newNumbers[float64](b)
	default:
		c.values = newStrings(b)
	}
}

// width is the size of a plain-encoded value, 0 when it varies.
func (l *leafColumn) width() int {
	switch l.physical {
	case format.Boolean:
		return 1
	case format.Int32, format.Float:
		return 4
	case format.Int64, format.Double:
		return 8
	case format.FixedLenByteArray:
		return l.length
	}
	return 0
}

// appendRows writes rows of a top-level primitive column.
func (c *columnWriter) appendRows(v *vector.Vector, r rowSpan) error {
	for r.lo < r.hi {
		n := min(r.hi-r.lo, c.pageRows-c.rows)
		part := rowSpan{r.sel, r.lo, r.lo + n}
		part.hi = part.lo + c.values.gather(v, part)
		if err := c.appendLevels(v, part); err != nil {
			return err
		}
		r.lo = part.hi
		if c.full() {
			if err := c.endPage(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *columnWriter) full() bool {
	return c.rows >= c.pageRows || c.slots >= maxPageRows*16 || c.values.pageBytes() >= c.opts.PageBytes
}

// appendLevels adds the definition levels of rows whose values have been gathered.
func (c *columnWriter) appendLevels(v *vector.Vector, r rowSpan) error {
	n := r.hi - r.lo
	nulls := 0
	if v.Valid != nil {
		nulls = n - validRows(v.Valid, r)
	}
	c.rows += n
	if nulls == 0 {
		c.addFull(n)
		return nil
	}
	if c.leaf.maxDef == 0 {
		return &NullError{Column: c.leaf.name}
	}
	c.spellDef()
	c.nulls += nulls
	c.slots += n
	for k := r.lo; k < r.hi; k++ {
		i := k
		if r.sel != nil {
			i = int(r.sel[k])
		}
		c.def = append(c.def, uint8(v.Valid[i>>6]>>(uint(i)&63)&1))
	}
	return nil
}

func validRows(valid vector.Bitmap, r rowSpan) int {
	n := 0
	if r.sel == nil {
		for i := r.lo; i < r.hi; i++ {
			n += int(valid[i>>6] >> (uint(i) & 63) & 1)
		}
		return n
	}
	for _, i := range r.sel[r.lo:r.hi] {
		n += int(valid[i>>6] >> (uint(i) & 63) & 1)
	}
	return n
}

// addFull adds n slots that hold a value.
func (c *columnWriter) addFull(n int) {
	c.slots += n
	if len(c.def) > 0 {
		for range n {
			c.def = append(c.def, c.leaf.maxDef)
		}
	}
}

// spellDef makes the implied definition levels explicit.
func (c *columnWriter) spellDef() {
	if len(c.def) == 0 {
		for range c.slots {
			c.def = append(c.def, c.leaf.maxDef)
		}
	}
}

// addSlot writes one slot of a nested column. A valid v is at the greatest definition level.
func (c *columnWriter) addSlot(rep, def uint8, v types.Value) {
	if c.leaf.maxRep > 0 {
		c.rep = append(c.rep, rep)
	}
	if v.Valid {
		c.addFull(1)
		c.values.add(v)
		return
	}
	c.spellDef()
	c.slots++
	c.nulls++
	c.def = append(c.def, def)
}

// endRow ends a row of a nested column, and the page when it is full.
func (c *columnWriter) endRow() error {
	if c.rows++; c.full() {
		return c.endPage()
	}
	return nil
}

// endPage encodes, compresses and keeps the page under way, if it has rows.
func (c *columnWriter) endPage() error {
	if c.rows == 0 {
		return nil
	}
	raw := c.appendPageLevels(c.scratch.raw[:0])
	raw, pv := c.values.endPage(raw)
	c.scratch.raw = raw
	if pv.err == nil {
		pv.err = c.leaf.checkBounds(pv.bounds)
	}
	if pv.err != nil {
		return pv.err
	}
	if len(raw) > maxPageSize {
		return &UnsupportedError{Feature: fmt.Sprintf("column %s: a page of %d bytes", c.leaf.name, len(raw))}
	}
	ch := &c.chunk
	body := c.compress(raw)
	head, err := dataPageHeader(c.slots, pv.encoding, len(raw), body)
	if err != nil {
		return err
	}
	ch.pages = append(ch.pages, pageEntry{
		offset: int64(len(ch.body)), sizeBytes: int32(len(head) + len(body)), firstRow: ch.rows,
		slots: int64(c.slots), nulls: int64(c.nulls), bounds: c.leaf.cut(pv.bounds),
	})
	ch.body = append(append(ch.body, head...), body...)
	ch.rawBytes += int64(len(head) + len(raw))
	ch.encodings[pv.encoding]++
	ch.rows += int64(c.rows)
	ch.slots += int64(c.slots)
	ch.nulls += int64(c.nulls)
	ch.bounds.merge(pv.bounds)
	c.def, c.rep, c.slots, c.rows, c.nulls = c.def[:0], c.rep[:0], 0, 0, 0
	return nil
}

// maxPageSize keeps sizes within the int32 of page headers.
const maxPageSize = 1 << 30

// compress returns raw as it is stored. The column's first page decides whether compression pays, for the
// whole file: some readers expect one codec a column.
func (c *columnWriter) compress(raw []byte) []byte {
	if c.codec == Uncompressed {
		return raw
	}
	c.scratch.packed = compressBlock(c.codec, c.scratch.packed, raw, c.leaf.physical == format.ByteArray)
	first := c.slotsInFile == 0 && len(c.chunk.pages) == 0
	if first && len(raw) >= minTellingBytes && len(c.scratch.packed) > len(raw)-len(raw)/16 {
		c.codec = Uncompressed
		return raw
	}
	return c.scratch.packed
}

// minTellingBytes is the least size of a page from which the use of compression can be judged.
const minTellingBytes = 4096

// appendPageLevels appends repetition and definition levels in the form of data page version 1.
func (c *columnWriter) appendPageLevels(dst []byte) []byte {
	if c.leaf.maxRep > 0 {
		dst = c.appendLevelRuns(dst, c.rep, c.leaf.maxRep)
	}
	switch {
	case c.leaf.maxDef == 0:
	case len(c.def) > 0:
		dst = c.appendLevelRuns(dst, c.def, c.leaf.maxDef)
	default:
		run := binary.AppendUvarint(nil, uint64(c.slots)<<1)
		run = append(run, c.leaf.maxDef)
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(run)))
		dst = append(dst, run...)
	}
	return dst
}

func (c *columnWriter) appendLevelRuns(dst []byte, levels []uint8, most uint8) []byte {
	c.scratch.levelEncoding.BitWidth = bitsOf(uint32(most))
	out, err := c.scratch.levelEncoding.EncodeLevels(c.scratch.levels[:0], levels)
	if err != nil {
		panic(err) // levels never exceed their maximum; Write turns this into an error
	}
	c.scratch.levels = out
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(out)))
	return append(dst, out...)
}

// bufferedBytes is about the size of the pages kept and the page under way.
func (c *columnWriter) bufferedBytes() int64 {
	return int64(len(c.chunk.body)) + int64(c.values.pageBytes())
}

// memoryBytes is the memory of the column without the shared scratch.
func (c *columnWriter) memoryBytes() int64 {
	const fixed, page = 1000, 240 // of the structs
	return fixed + int64(cap(c.chunk.body)+cap(c.def)+cap(c.rep)+page*cap(c.chunk.pages)) + int64(c.values.memoryBytes())
}

// endChunk resets the column for the next row group.
func (c *columnWriter) endChunk() {
	ch := &c.chunk
	c.file.merge(ch.bounds)
	c.nullsInFile += ch.nulls
	c.slotsInFile += ch.slots
	clear(ch.encodings)
	*ch = columnChunk{body: ch.body[:0], encodings: ch.encodings}
}
