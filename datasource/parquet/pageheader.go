package parquet

import "github.com/parquet-go/parquet-go/format"

// pageHeader is what the reader needs of a page's header.
type pageHeader struct {
	typ              format.PageType
	uncompressed     int // bytes of the page, levels included
	compressed       int
	crc              uint32
	hasCRC           bool
	numValues        int // levels of a data page, values of a dictionary page
	numNulls         int // v2
	numRows          int // v2
	encoding         format.Encoding
	defEncoding      format.Encoding // v1
	repEncoding      format.Encoding // v1
	defBytes         int             // v2
	repBytes         int             // v2
	valuesCompressed bool            // v2
	headerBytes      int
}

// parsePageHeader decodes the header at the beginning of b and checks what can be checked without the page:
// b holds the header and, behind it, the whole page.
func parsePageHeader(b []byte, maxPageBytes int64) (pageHeader, error) {
	h := pageHeader{typ: -1, uncompressed: -1, compressed: -1, numValues: -1, valuesCompressed: true}
	r := &thriftReader{b: b}
	for id, t, ok := r.field(0); ok; id, t, ok = r.field(id) {
		switch {
		case id == 1 && t == thriftI32:
			h.typ = format.PageType(r.int32())
		case id == 2 && t == thriftI32:
			h.uncompressed = int(r.int32())
		case id == 3 && t == thriftI32:
			h.compressed = int(r.int32())
		case id == 4 && t == thriftI32:
			h.crc, h.hasCRC = uint32(r.varint()), true
		case id == 5 && t == thriftStruct && h.typ == format.DataPage:
			h.parseV1(r)
		case id == 7 && t == thriftStruct && h.typ == format.DictionaryPage:
			h.parseDictionary(r)
		case id == 8 && t == thriftStruct && h.typ == format.DataPageV2:
			h.parseV2(r)
		default:
			r.skip(t)
		}
	}
	h.headerBytes = r.i
	switch {
	case r.bad:
		return h, corruptf("a page header is malformed")
	case h.compressed < 0 || h.uncompressed < 0:
		return h, corruptf("a page has no size")
	case int64(h.compressed) > maxPageBytes || int64(h.uncompressed) > maxPageBytes:
		return h, corruptf("a page has %d bytes, %d uncompressed, the limit is %d", h.compressed, h.uncompressed, maxPageBytes)
	case h.compressed > len(b)-r.i:
		return h, corruptf("a page of %d bytes reaches over the end of its column chunk", h.compressed)
	}
	return h, h.check()
}

func (h *pageHeader) check() error {
	switch h.typ {
	case format.DataPage, format.DataPageV2, format.DictionaryPage:
		if h.numValues < 0 {
			return corruptf("a page header has no number of values")
		}
		if h.numValues > maxPageValues {
			return unsupportedf("page of %d values", h.numValues)
		}
	}
	if h.typ == format.DataPageV2 {
		lv := h.defBytes + h.repBytes
		if h.defBytes < 0 || h.repBytes < 0 || lv > h.compressed || lv > h.uncompressed {
			return corruptf("the levels of a page have %d bytes, the page %d", lv, h.compressed)
		}
		if h.numNulls < 0 || h.numNulls > h.numValues || h.numRows < 0 || h.numRows > h.numValues {
			return corruptf("a page has %d values, %d nulls and %d rows", h.numValues, h.numNulls, h.numRows)
		}
	}
	return nil
}

func (h *pageHeader) parseV1(r *thriftReader) {
	for id, t, ok := r.field(0); ok; id, t, ok = r.field(id) {
		switch {
		case id == 1 && t == thriftI32:
			h.numValues = int(r.int32())
		case id == 2 && t == thriftI32:
			h.encoding = format.Encoding(r.int32())
		case id == 3 && t == thriftI32:
			h.defEncoding = format.Encoding(r.int32())
		case id == 4 && t == thriftI32:
			h.repEncoding = format.Encoding(r.int32())
		default:
			r.skip(t)
		}
	}
}

func (h *pageHeader) parseDictionary(r *thriftReader) {
	for id, t, ok := r.field(0); ok; id, t, ok = r.field(id) {
		switch {
		case id == 1 && t == thriftI32:
			h.numValues = int(r.int32())
		case id == 2 && t == thriftI32:
			h.encoding = format.Encoding(r.int32())
		default:
			r.skip(t)
		}
	}
}

func (h *pageHeader) parseV2(r *thriftReader) {
	for id, t, ok := r.field(0); ok; id, t, ok = r.field(id) {
		switch {
		case id == 1 && t == thriftI32:
			h.numValues = int(r.int32())
		case id == 2 && t == thriftI32:
			h.numNulls = int(r.int32())
		case id == 3 && t == thriftI32:
			h.numRows = int(r.int32())
		case id == 4 && t == thriftI32:
			h.encoding = format.Encoding(r.int32())
		case id == 5 && t == thriftI32:
			h.defBytes = int(r.int32())
		case id == 6 && t == thriftI32:
			h.repBytes = int(r.int32())
		case id == 7 && (t == thriftTrue || t == thriftFalse):
			h.valuesCompressed = t == thriftTrue
		default:
			r.skip(t)
		}
	}
}
