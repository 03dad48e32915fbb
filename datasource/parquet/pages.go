package parquet

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"sort"

	"github.com/parquet-go/parquet-go/format"
)

// rawPage is a page that is still compressed.
type rawPage struct {
	h    pageHeader
	body []byte // aliases the chunk's buffer
	rows int64  // rows that begin on the page; -1 unknown
	kept *Page  // the page, decompressed, in place of body; nil: it was not kept
	at   int    // the number of the page, if the chunk has an offset index
}

// RowRange is a half-open range of rows of a row group.
type RowRange struct{ From, To int64 }

// chunkPages walks the pages of one column chunk.
//
// It reads the chunk with one request, unless the chunk has an offset index and the wanted ranges lie on few
// of its pages; then it reads runs of neighbouring pages. Both are read when a page that was not kept is reached.
type chunkPages struct {
	f    *File
	leaf *leaf
	meta *chunkMeta
	rows int64 // of the row group

	buf  []byte // the bytes from file position base on, with padding
	base int64
	pos  int // of the next page in buf, while walking

	locs []pageLocation // offset index; nil: pages are found by walking
	next int            // the next page of locs
	runs []pageRun      // what is read when a page of it is reached; nil: buf is the whole chunk

	rg        int
	kept      Pages // of the pages of runs; nil: none
	dict      rawPage
	hasDict   bool
	bytesRead int64
}

// pageRun is a run of pages that are read together.
type pageRun struct {
	from, to   int // pages
	start, end int64
}

// Which gaps between needed pages are read along, and from which share of a chunk on all of it is.
const (
	runGapBytes   = 64 << 10
	wholeChunkNum = 1
	wholeChunkDen = 2
)

// open prepares for walking the pages of a chunk; ranges nil means all rows.
func (p *chunkPages) open(ctx context.Context, f *File, rg int, l *leaf, ranges []RowRange) error {
	m := &f.meta.rowGroups[rg].columns[l.index]
	*p = chunkPages{f: f, rg: rg, leaf: l, meta: m, rows: f.meta.rowGroups[rg].numRows, buf: p.buf[:0]}
	switch {
	case m.encrypted:
		return unsupportedf("encrypted column %s", l.name())
	case m.external:
		return unsupportedf("column %s in another file", l.name())
	}
	start := m.start()
	if start < 4 || m.compressedSize < 0 || m.compressedSize > f.size-start {
		return corruptf("column %s of row group %d lies at %d, %d bytes long, in a file of %d", l.name(), rg, start, m.compressedSize, f.size)
	}
	if ranges != nil && m.offsetIndexLength > 0 {
		locs, err := f.offsetIndex(ctx, rg, l.index)
		if err != nil {
			return err
		}
		p.locs = locs
		if len(locs) > 0 {
			p.runs = p.planRuns(ranges)
			return nil
		}
	}
	return p.load(ctx, start, start+m.compressedSize)
}

// planRuns decides which pages are read together: runs of neighbours, or the whole chunk where that is not much more.
func (p *chunkPages) planRuns(ranges []RowRange) []pageRun {
	start := p.meta.start()
	whole := pageRun{to: len(p.locs), start: start, end: start + p.meta.compressedSize}
	runs := make([]pageRun, 0, min(len(ranges), 8))
	var total int64
	for _, r := range ranges {
		if r.From >= r.To {
			continue
		}
		from := sort.Search(len(p.locs), func(i int) bool { return p.locs[i].firstRow > r.From }) - 1
		to := sort.Search(len(p.locs), func(i int) bool { return p.locs[i].firstRow >= r.To })
		if from < 0 {
			return append(runs[:0], whole)
		}
		run := pageRun{from: from, to: to, start: p.locs[from].offset, end: p.locs[to-1].end()}
		if n := len(runs); n > 0 && run.start-runs[n-1].end <= runGapBytes {
			runs[n-1].to, runs[n-1].end = max(runs[n-1].to, to), max(runs[n-1].end, run.end)
			continue
		}
		runs = append(runs, run)
	}
	if len(runs) == 0 {
		return runs
	}
	if d := runs[0].start - start; d > 0 && d <= runGapBytes { // take the dictionary along
		runs[0].start = start
	}
	for _, r := range runs {
		total += r.end - r.start
	}
	if total*wholeChunkDen > p.meta.compressedSize*wholeChunkNum {
		return append(runs[:0], whole)
	}
	return runs
}

// load reads the bytes from start to end into buf.
func (p *chunkPages) load(ctx context.Context, start, end int64) error {
	n := int(end - start)
	p.buf = growBuffer(p.buf, n)
	p.base, p.pos = start, 0
	if n == 0 {
		return nil
	}
	if err := p.f.r.ReadRange(ctx, start, p.buf); err != nil {
		return fmt.Errorf("read column %s: %w", p.leaf.name(), err)
	}
	p.bytesRead += int64(n)
	return nil
}

// nextPage returns the next data page; io.EOF behind the last. Its body is valid until the next call.
func (p *chunkPages) nextPage(ctx context.Context) (rawPage, error) {
	if p.locs != nil {
		return p.nextLocated(ctx)
	}
	for p.pos < len(p.buf) {
		page, err := p.parse(p.buf[p.pos:])
		if err != nil {
			return page, err
		}
		p.pos += page.h.headerBytes + page.h.compressed
		switch page.h.typ {
		case format.DictionaryPage:
			if p.hasDict {
				return page, corruptf("column %s has two dictionaries in one chunk", p.leaf.name())
			}
			p.dict, p.hasDict = page, true
		case format.DataPage, format.DataPageV2:
			return page, nil
		}
	}
	return rawPage{}, io.EOF
}

func (p *chunkPages) parse(b []byte) (rawPage, error) {
	h, err := parsePageHeader(b, p.f.opts.MaxPageBytes)
	if err != nil {
		return rawPage{}, err
	}
	page := rawPage{h: h, body: b[h.headerBytes : h.headerBytes+h.compressed], rows: -1}
	switch {
	case p.leaf.maxRep == 0:
		page.rows = int64(h.numValues)
	case h.typ == format.DataPageV2:
		page.rows = int64(h.numRows)
	}
	return page, nil
}

// nextLocated is nextPage with an offset index.
func (p *chunkPages) nextLocated(ctx context.Context) (rawPage, error) {
	if p.next >= len(p.locs) {
		return rawPage{}, io.EOF
	}
	if page := p.keptPage(); page != nil {
		out := rawPage{h: page.h, rows: p.rowsOf(p.next), kept: page, at: p.next}
		p.next++
		return out, nil
	}
	loc := p.locs[p.next]
	if err := p.loadRun(ctx, p.next); err != nil {
		return rawPage{}, err
	}
	b, err := p.slice(loc.offset, loc.end())
	if err != nil {
		return rawPage{}, err
	}
	page, err := p.parse(b)
	if err != nil {
		return page, err
	}
	rows := p.rowsOf(p.next)
	switch {
	case page.h.typ != format.DataPage && page.h.typ != format.DataPageV2:
		return page, corruptf("the offset index of column %s points to a page of type %d", p.leaf.name(), page.h.typ)
	case page.rows >= 0 && page.rows != rows:
		return page, corruptf("a page of column %s has %d rows, the offset index says %d", p.leaf.name(), page.rows, rows)
	}
	page.rows, page.at = rows, p.next
	p.next++
	return page, nil
}

// keptPage returns the next page if it was kept decompressed.
func (p *chunkPages) keptPage() *Page {
	if p.kept == nil || p.runs == nil {
		return nil
	}
	return p.kept.Page(PageKey{p.rg, p.leaf.index, p.next})
}

// keep decompresses a page into memory of its own and keeps it.
func (p *chunkPages) keep(page *rawPage) (pageData, error) {
	d, _, err := p.decompress(page, nil)
	if err != nil {
		return d, err
	}
	bytes := len(d.values) + len(d.rep) + len(d.def)
	if page.h.typ == format.DataPageV2 || p.meta.codec == format.Uncompressed { // parts that alias the chunk's buffer
		d.rep, d.def, d.values = withPadding(d.rep), withPadding(d.def), withPadding(d.values)
	}
	kept := &Page{h: page.h, data: d, bytes: bytes + 3*padBytes}
	if page.h.encoding == format.Plain && p.leaf.typ == format.ByteArray {
		kept.marks = marksOf(d.values)
		kept.bytes += 4 * len(kept.marks)
	}
	p.kept.KeepPage(PageKey{p.rg, p.leaf.index, page.at}, kept)
	return d, nil
}

// withPadding copies a part of a page, with padding behind it.
func withPadding(b []byte) []byte {
	if b == nil {
		return nil
	}
	out := make([]byte, len(b), len(b)+padBytes)
	copy(out, b)
	return out
}

// content returns a page decompressed: as it was kept, or into buf (reused).
func (p *chunkPages) content(page *rawPage, buf []byte) (d pageData, out []byte, err error) {
	switch {
	case page.kept != nil:
		return page.kept.data, buf, nil
	case p.kept != nil && p.runs != nil:
		d, err = p.keep(page)
		return d, buf, err
	}
	return p.decompress(page, buf)
}

func (p *chunkPages) rowsOf(page int) int64 {
	if page+1 < len(p.locs) {
		return p.locs[page+1].firstRow - p.locs[page].firstRow
	}
	return p.rows - p.locs[page].firstRow
}

// slice returns the bytes between two file positions, which must be loaded.
func (p *chunkPages) slice(start, end int64) ([]byte, error) {
	if start < p.base || end > p.base+int64(len(p.buf)) {
		return nil, corruptf("the offset index of column %s points outside its column chunk", p.leaf.name())
	}
	return p.buf[start-p.base : end-p.base], nil
}

// loadRun makes sure that the run with the page is in buf.
func (p *chunkPages) loadRun(ctx context.Context, page int) error {
	if p.runs == nil {
		return nil
	}
	i := sort.Search(len(p.runs), func(i int) bool { return p.runs[i].to > page })
	if i == len(p.runs) || page < p.runs[i].from {
		return corruptf("page %d of column %s was not planned to be read", page, p.leaf.name())
	}
	run := p.runs[i]
	if p.base == run.start && int64(len(p.buf)) == run.end-run.start {
		return nil
	}
	return p.load(ctx, run.start, run.end)
}

// seek goes to the page that holds a row, if the chunk has an offset index. It returns the first row of the
// page that nextPage returns next, or -1 without an index.
func (p *chunkPages) seek(row int64) int64 {
	if len(p.locs) == 0 {
		return -1
	}
	p.next = max(0, sort.Search(len(p.locs), func(i int) bool { return p.locs[i].firstRow > row })-1)
	return p.locs[p.next].firstRow
}

// dictionary returns the chunk's dictionary page, if it has one. Data pages that were returned before stay valid
// only if it was met on the way already; else it is read on its own, into a buffer of its own.
func (p *chunkPages) dictionary(ctx context.Context) (rawPage, bool, error) {
	if p.hasDict || len(p.locs) == 0 {
		return p.dict, p.hasDict, nil
	}
	start, end := p.meta.start(), p.locs[0].offset
	if start >= end || end-start > p.meta.compressedSize {
		return rawPage{}, false, nil
	}
	b, err := p.slice(start, end)
	if err != nil {
		b = growBuffer(nil, int(end-start))
		if err := p.f.r.ReadRange(ctx, start, b); err != nil {
			return rawPage{}, false, fmt.Errorf("read dictionary of column %s: %w", p.leaf.name(), err)
		}
		p.bytesRead += end - start
	}
	page, err := p.parse(b)
	if err != nil {
		return page, false, err
	}
	p.dict, p.hasDict = page, page.h.typ == format.DictionaryPage
	return p.dict, p.hasDict, nil
}

// verify checks the page's checksum, if it has one.
func (p *chunkPages) verify(page *rawPage) error {
	if page.h.hasCRC && !p.f.opts.SkipCRC && crc32.ChecksumIEEE(page.body) != page.h.crc {
		return corruptf("a page of column %s has a wrong checksum", p.leaf.name())
	}
	return nil
}

// pageData is a decompressed page in its three parts.
type pageData struct {
	rep, def []byte // encoded levels; nil where the maximum level is 0
	values   []byte
	repEnc   format.Encoding
	defEnc   format.Encoding
}

// decompress verifies and decompresses a data page into buf (reused), and cuts it into its parts. Every part
// has padBytes readable bytes behind it.
func (p *chunkPages) decompress(page *rawPage, buf []byte) (d pageData, out []byte, err error) {
	if err := p.verify(page); err != nil {
		return d, buf, err
	}
	h := &page.h
	if h.typ == format.DataPageV2 {
		lv := h.defBytes + h.repBytes
		codec := p.meta.codec
		if !h.valuesCompressed {
			codec = format.Uncompressed
		}
		if lv == h.uncompressed && lv == h.compressed {
			codec = format.Uncompressed // no values: nothing was compressed
		}
		d = pageData{rep: page.body[:h.repBytes], def: page.body[h.repBytes:lv], repEnc: format.RLE, defEnc: format.RLE}
		d.values, out, err = inflate(codec, buf, page.body[lv:], h.uncompressed-lv)
		return d, out, err
	}
	d = pageData{repEnc: h.repEncoding, defEnc: h.defEncoding}
	if d.values, out, err = inflate(p.meta.codec, buf, page.body, h.uncompressed); err != nil {
		return d, out, err
	}
	if p.leaf.maxRep > 0 {
		if d.rep, d.values, err = cutLevels(d.values, d.repEnc, p.leaf.maxRep, h.numValues); err != nil {
			return d, out, err
		}
	}
	if p.leaf.maxDef > 0 {
		if d.def, d.values, err = cutLevels(d.values, d.defEnc, p.leaf.maxDef, h.numValues); err != nil {
			return d, out, err
		}
	}
	return d, out, nil
}

// inflate decompresses src into buf; what is not compressed stays where it is.
func inflate(codec format.CompressionCodec, buf, src []byte, size int) (data, out []byte, err error) {
	if codec == format.Uncompressed && len(src) == size {
		return src, buf, nil
	}
	if out, err = decompress(codec, buf, src, size); err != nil {
		return nil, buf, err
	}
	return out, out, nil
}
