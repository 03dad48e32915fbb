package parquet

import (
	"context"
	"fmt"
	"math"
)

// pageLocation is where a page lies and which row begins it.
type pageLocation struct {
	offset   int64 // in the file
	size     int32 // header and body
	firstRow int64 // in the row group
}

func (l pageLocation) end() int64 { return l.offset + int64(l.size) }

type indexKey struct{ rg, leaf int }

// maxIndexBytes bounds one offset or column index.
const maxIndexBytes = 64 << 20

// offsetIndex returns the locations of a chunk's pages, nil if the file has no offset index for it. It is read once per File.
func (f *File) offsetIndex(ctx context.Context, rg, leaf int) ([]pageLocation, error) {
	key := indexKey{rg, leaf}
	f.indexMu.Lock()
	locs, ok := f.indexes[key]
	f.indexMu.Unlock()
	if ok {
		return locs, nil
	}
	g := &f.meta.rowGroups[rg]
	m := &g.columns[leaf]
	if m.offsetIndexLength <= 0 {
		return nil, nil
	}
	start, end := m.offsetIndexOffset, m.offsetIndexOffset+int64(m.offsetIndexLength)
	if from, to := g.offsetIndexSpan(); to-from <= indexSpanBytes {
		start, end = min(start, from), max(end, to)
	}
	b, err := f.readIndex(ctx, start, end-start)
	if err != nil {
		return nil, fmt.Errorf("read offset index of column %s: %w", f.leaves[leaf].name(), err)
	}
	f.indexMu.Lock()
	defer f.indexMu.Unlock()
	for i := range g.columns {
		c := &g.columns[i]
		from, to := c.offsetIndexOffset-start, c.offsetIndexOffset+int64(c.offsetIndexLength)-start
		if c.offsetIndexLength <= 0 || from < 0 || to > int64(len(b)) {
			continue
		}
		found, err := parseOffsetIndex(b[from:to], c, g.numRows)
		if err != nil && i == leaf {
			return nil, err
		}
		if err == nil { // of other columns an error is reported when they are asked for
			f.indexes[indexKey{rg, i}] = found
		}
	}
	return f.indexes[key], nil
}

// indexSpanBytes is up to which size the offset indexes of all columns of a row group are read with one request.
const indexSpanBytes = 256 << 10

// offsetIndexSpan returns where the offset indexes of the row group lie: usually one behind the other.
func (g *rowGroupMeta) offsetIndexSpan() (start, end int64) {
	start = math.MaxInt64
	for i := range g.columns {
		if c := &g.columns[i]; c.offsetIndexLength > 0 {
			start = min(start, c.offsetIndexOffset)
			end = max(end, c.offsetIndexOffset+int64(c.offsetIndexLength))
		}
	}
	if start < 4 || end < start {
		return 0, math.MaxInt64
	}
	return start, end
}

func (f *File) readIndex(ctx context.Context, off, length int64) ([]byte, error) {
	if off < 4 || length <= 0 || length > maxIndexBytes || length > f.size-off {
		return nil, corruptf("a page index lies at %d, %d bytes long, in a file of %d", off, length, f.size)
	}
	b := make([]byte, length)
	return b, f.r.ReadRange(ctx, off, b)
}

// parseOffsetIndex decodes and checks an offset index: pages lie in the chunk one after the other and begin
// with ascending rows, the first with row 0. A page may have no rows (Arrow writes such): the next begins with the same.
func parseOffsetIndex(b []byte, m *chunkMeta, numRows int64) ([]pageLocation, error) {
	r := &thriftReader{b: b}
	var locs []pageLocation
	for id, t, ok := r.field(0); ok; id, t, ok = r.field(id) {
		if id != 1 || t != thriftList {
			r.skip(t)
			continue
		}
		n, elem := r.list()
		if n > 0 && elem != thriftStruct {
			r.fail()
		}
		for ; n > 0 && !r.bad; n-- {
			locs = append(locs, parsePageLocation(r))
		}
	}
	if r.bad {
		return nil, corruptf("an offset index is malformed")
	}
	if len(locs) == 0 && numRows > 0 {
		return nil, corruptf("an offset index has no pages")
	}
	at, row := m.start(), int64(-1)
	for i, l := range locs {
		if l.offset < at || l.size <= 0 || l.end() > m.start()+m.compressedSize || l.firstRow < row || l.firstRow > numRows || (i == 0 && l.firstRow != 0) {
			return nil, corruptf("page %d of an offset index lies at %d, %d bytes long, and begins with row %d", i, l.offset, l.size, l.firstRow)
		}
		at, row = l.end(), l.firstRow
	}
	return locs, nil
}

func parsePageLocation(r *thriftReader) (l pageLocation) {
	seen := 0
	for id, t, ok := r.field(0); ok; id, t, ok = r.field(id) {
		switch {
		case id == 1 && t == thriftI64:
			l.offset, seen = r.varint(), seen|1
		case id == 2 && t == thriftI32:
			l.size, seen = r.int32(), seen|2
		case id == 3 && t == thriftI64:
			l.firstRow, seen = r.varint(), seen|4
		default:
			r.skip(t)
		}
	}
	if seen != 7 {
		r.fail()
	}
	return l
}
