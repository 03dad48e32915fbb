package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// LeafColumn is one column of a row group as it is stored: the values that are there, and the levels that
// place them (Dremel, section 4.1). It is how nested rows are read without assembling them.
type LeafColumn struct {
	Values *vector.Vector // dense: without NULLs, flat
	Def    []uint8        // definition levels, nil if the greatest is 0
	Rep    []uint8        // repetition levels, nil if the greatest is 0
}

// ReadLeaf reads a column (a position in Leaves) of row group rg whole. Values has one element for each
// level that is MaxDef. Errors: *CorruptError, *UnsupportedError, *UnsupportedTypeError, what the file's reader returns.
func (f *File) ReadLeaf(ctx context.Context, rg, leafIndex int) (*LeafColumn, error) {
	if rg < 0 || rg >= len(f.meta.rowGroups) || leafIndex < 0 || leafIndex >= len(f.leaves) {
		return nil, fmt.Errorf("read column %d of row group %d of a Parquet file: there is none", leafIndex, rg)
	}
	c, err := f.readLeaf(ctx, rg, f.leaves[leafIndex])
	return c, named(err, f.opts.Path)
}

func (f *File) readLeaf(ctx context.Context, rg int, l *leaf) (*LeafColumn, error) {
	want := l.naturalType()
	if want.Kind == types.Invalid {
		return nil, &UnsupportedTypeError{Column: l.name(), File: l.describe()}
	}
	conv, err := newConverter(l, want)
	if err != nil {
		return nil, err
	}
	lr := leafReader{conv: conv}
	if err := lr.pages.open(ctx, f, rg, l, nil); err != nil {
		return nil, err
	}
	out := &LeafColumn{Values: conv.vector(0)}
	var rows int64
	levels := 0
	for {
		err := lr.nextPage(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		rows += int64(lr.pageRows)
		levels += lr.numLevels
		if err := checkLevels(l, levels); err != nil {
			return nil, err
		}
		out.Def = append(out.Def, lr.def...)
		out.Rep = append(out.Rep, lr.rep...)
		if err := lr.appendValues(out.Values, lr.numValues); err != nil {
			return nil, err
		}
	}
	if want := f.meta.rowGroups[rg].numRows; rows != want {
		return nil, corruptf("column %s has %d rows in row group %d, which has %d", l.name(), rows, rg, want)
	}
	return out, nil
}

// maxLevels bounds the levels that are held at once: pages of a few bytes can have millions.
const maxLevels = 1 << 27

func checkLevels(l *leaf, n int) error {
	if n > maxLevels {
		return unsupportedf("more than %d values of column %s at once", maxLevels, l.name())
	}
	return nil
}

// leafReader decodes the pages of one column with their levels.
type leafReader struct {
	pages chunkPages
	conv  *converter
	vals  valueReader
	buf   []byte
	dict  *vector.Vector

	// The current page.
	def, rep  []uint8 // nil if the greatest level is 0
	numLevels int
	numValues int // that are not NULL, of the page
	pageRows  int // rows that begin on the page
}

// nextPage decodes the levels of the next page; io.EOF behind the last.
func (r *leafReader) nextPage(ctx context.Context) error {
	page, err := r.pages.nextPage(ctx)
	if err != nil {
		return err
	}
	return r.decode(ctx, &page)
}

func (r *leafReader) decode(ctx context.Context, page *rawPage) error {
	l := r.pages.leaf
	d, buf, err := r.pages.decompress(page, r.buf)
	r.buf = buf
	if err != nil {
		return err
	}
	n := page.h.numValues
	r.numLevels, r.numValues, r.pageRows = n, n, n
	r.def, r.rep = r.def[:0], r.rep[:0]
	if l.maxDef > 0 {
		if r.def, err = decodeLevels(r.def, d.def, d, false, l.maxDef, n); err != nil {
			return err
		}
		r.numValues = 0
		for _, x := range r.def {
			if x == l.maxDef {
				r.numValues++
			}
		}
	}
	if l.maxRep > 0 {
		if r.rep, err = decodeLevels(r.rep, d.rep, d, true, l.maxRep, n); err != nil {
			return err
		}
		r.pageRows = 0
		for _, x := range r.rep {
			if x == 0 {
				r.pageRows++
			}
		}
	}
	if page.rows >= 0 && page.rows != int64(r.pageRows) {
		return corruptf("a page of column %s has %d rows, its header or index says %d", l.name(), r.pageRows, page.rows)
	}
	r.vals.conv = r.conv
	if err := r.vals.init(l, page.h.encoding, d.values, r.numValues, r.pages.f.opts.MaxPageBytes); err != nil {
		return err
	}
	if r.vals.kind == valuesCoded {
		return r.loadDictionary(ctx)
	}
	return nil
}

func decodeLevels(dst []uint8, b []byte, d pageData, rep bool, most uint8, n int) ([]uint8, error) {
	enc := d.defEnc
	if rep {
		enc = d.repEnc
	}
	var h hybrid
	if err := h.initLevels(b, enc, most, n); err != nil {
		return dst, err
	}
	dst, ok := h.readLevels(dst, n, most)
	if !ok {
		return dst, corruptf("the levels of a page end early or are greater than %d", most)
	}
	return dst, nil
}

// loadDictionary decodes the chunk's dictionary, once.
func (r *leafReader) loadDictionary(ctx context.Context) error {
	if r.dict == nil {
		dict, err := loadDictionary(ctx, &r.pages, r.conv)
		if err != nil {
			return err
		}
		r.dict = dict
	}
	r.vals.dict = r.dict
	return nil
}

// loadDictionary returns the decoded dictionary of a chunk, nil if it has none.
func loadDictionary(ctx context.Context, p *chunkPages, conv *converter) (*vector.Vector, error) {
	page, ok, err := p.dictionary(ctx)
	if err != nil || !ok {
		return nil, err
	}
	if err := p.verify(&page); err != nil {
		return nil, err
	}
	data, err := decompress(p.meta.codec, nil, page.body, page.h.uncompressed)
	if err != nil {
		return nil, err
	}
	return readDictionary(p.leaf, conv, data, page.h.numValues)
}

// appendValues appends the next n values of the page to a flat vector.
func (r *leafReader) appendValues(dst *vector.Vector, n int) error {
	at := dst.Len
	switch dst.Phys {
	case types.PhysI32:
		dst.I32 = extend(dst.I32, n)
	case types.PhysI64:
		dst.I64 = extend(dst.I64, n)
	case types.PhysF64:
		dst.F64 = extend(dst.F64, n)
	case types.PhysI128:
		dst.I128 = extend(dst.I128, n)
	default:
		dst.Off = extend(dst.Off, n)
	}
	dst.Len += n
	return r.vals.read(dst, at, n)
}

// extend returns s with n more elements.
func extend[T any](s []T, n int) []T {
	if cap(s)-len(s) >= n {
		return s[:len(s)+n]
	}
	bigger := make([]T, len(s)+n, len(s)+n+len(s)/2)
	copy(bigger, s)
	return bigger
}
