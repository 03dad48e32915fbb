package parquet

import (
	"bytes"
	"encoding/binary"

	"github.com/parquet-go/parquet-go/bloom/xxhash"
	"github.com/parquet-go/parquet-go/format"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// byteStrings is the value buffer of byte arrays, and of wide decimals as byte arrays of fixed length. A page is
// either codes or plain values; a dictionary that outgrows its limits within a page makes the page plain.
type byteStrings struct {
	bufferOptions
	fixed bool

	plain     []byte // the page's plain-encoded values when dict is nil
	count     int    // values in plain
	low, high []byte // least and greatest of plain
	hashes    []uint64

	dict      *stringDict // nil: the chunk's pages are plain from here on
	dictPages int
	ended     *stringDict
	codes     []int32
	raw       int     // bytes that codes stand for
	fresh     int     // of them, in entries that this page added
	remap     []int32 // code in the vector's dictionary → code here, -1: unknown
	decimal   [16]byte
}

// pageStep is a number of rows after which pages of strings like to end: pages of several columns that end
// together are read together.
const pageStep = 512

func newStrings(o bufferOptions) *byteStrings {
	s := &byteStrings{bufferOptions: o, fixed: o.leaf.physical == format.FixedLenByteArray}
	s.endChunk()
	return s
}

func (s *byteStrings) gather(v *vector.Vector, r rowSpan) int {
	if s.dict != nil && v.Codes != nil {
		return s.gatherCodes(v, r)
	}
	limit := s.bufferOptions.pageBytes
	for k := r.lo; k < r.hi; k++ {
		i := r.row(k)
		if v.Valid != nil && !v.Valid.Get(i) {
			continue
		}
		s.appendRow(v, i)
		if n := s.pageBytes(); n >= limit && ((k+1-r.lo)%pageStep == 0 || n >= 2*limit) {
			return k + 1 - r.lo
		}
	}
	return r.hi - r.lo
}

// gatherCodes translates the codes of a dictionary vector, looking each entry up once.
func (s *byteStrings) gatherCodes(v *vector.Vector, r rowSpan) int {
	s.remap = s.remap[:0]
	for range v.Dict.Len {
		s.remap = append(s.remap, -1)
	}
	limit := s.bufferOptions.pageBytes
	for k := r.lo; k < r.hi; k++ {
		i := r.row(k)
		if v.Valid != nil && !v.Valid.Get(i) {
			continue
		}
		c := v.Codes[i]
		if code := s.remap[c]; code >= 0 && s.dict != nil {
			s.codes = append(s.codes, code)
			s.raw += len(s.dict.entry(code))
			if s.raw < rawPerPage*limit {
				continue
			}
		} else {
			s.appendRow(v.Dict, int(c))
			if s.dict != nil {
				s.remap[c] = s.codes[len(s.codes)-1]
			}
		}
		if s.pageBytes() >= 2*limit || s.raw >= rawPerPage*limit {
			return k + 1 - r.lo
		}
	}
	return r.hi - r.lo
}

func (s *byteStrings) appendRow(v *vector.Vector, i int) {
	if s.fixed {
		s.append(appendDecimal(s.decimal[:0], v.Decimal(i), s.leaf.length))
		return
	}
	s.append(v.Bytes(i))
}

func (s *byteStrings) add(v types.Value) {
	if s.fixed {
		s.append(appendDecimal(s.decimal[:0], v.D, s.leaf.length))
		return
	}
	s.append([]byte(v.S))
}

// rawPerPage is how many times as large as a page what its codes stand for may be: they may yet have to be spelt out.
const rawPerPage = 64

// append adds one encoded value to the page.
func (s *byteStrings) append(b []byte) {
	if s.dict == nil {
		s.appendPlain(b)
		return
	}
	known := s.dict.len()
	s.codes = append(s.codes, s.dict.code(b))
	s.raw += len(b)
	if s.dict.len() == known {
		return
	}
	s.fresh += len(b)
	if s.dict.full() || s.raw > s.bufferOptions.pageBytes && s.fresh > s.raw-s.raw/4 {
		s.spill()
	}
}

// spill turns the page under way from codes to plain values and ends the dictionary.
func (s *byteStrings) spill() {
	d := s.dict
	s.dict = nil
	for _, c := range s.codes {
		s.appendPlain(d.entry(c))
	}
	s.codes, s.raw, s.fresh = s.codes[:0], 0, 0
	if s.dictPages > 0 {
		s.ended = d
	}
}

func (s *byteStrings) appendPlain(b []byte) {
	from := len(s.plain)
	if !s.fixed {
		s.plain = binary.LittleEndian.AppendUint32(s.plain, uint32(len(b)))
		from += 4
	}
	s.plain = append(s.plain, b...)
	b = s.plain[from:]
	if s.bloom {
		s.hashes = append(s.hashes, xxhash.Sum64(b))
	}
	switch {
	case s.count == 0:
		s.low, s.high = append(s.low[:0], b...), append(s.high[:0], b...)
	case s.compare(b, s.low) < 0:
		s.low = append(s.low[:0], b...)
	case s.compare(b, s.high) > 0:
		s.high = append(s.high[:0], b...)
	}
	s.count++
}

// compare orders encoded values: strings by their bytes, decimals by value.
func (s *byteStrings) compare(a, b []byte) int {
	if s.fixed && (a[0]^b[0])&0x80 != 0 {
		return int(b[0]>>7) - int(a[0]>>7)
	}
	return bytes.Compare(a, b)
}

func (s *byteStrings) pageBytes() int {
	if s.dict != nil {
		return max(2*len(s.codes), s.raw/rawPerPage)
	}
	return len(s.plain)
}

func (s *byteStrings) memoryBytes() int {
	m := cap(s.plain) + cap(s.low) + cap(s.high) + 8*cap(s.hashes) + 4*cap(s.codes) + 4*cap(s.remap)
	if d := s.usedDict(); d != nil {
		m += cap(d.data) + 4*(cap(d.off)+cap(d.hashes)+cap(d.slots)+cap(d.used))
	}
	return m
}

// value boxes an encoded value.
func (s *byteStrings) value(b []byte) types.Value {
	if !s.fixed {
		return types.BytesValue(s.leaf.typ, string(b))
	}
	return types.DecimalValue(s.leaf.typ, parseDecimalBytes(b))
}

// parseDecimalBytes reads a big-endian two's complement number of 1 to 16 bytes.
func parseDecimalBytes(b []byte) types.Int128 {
	var p [16]byte
	if b[0]&0x80 != 0 {
		for i := range p {
			p[i] = 0xff
		}
	}
	copy(p[16-len(b):], b)
	return types.Int128{Lo: binary.BigEndian.Uint64(p[8:]), Hi: int64(binary.BigEndian.Uint64(p[:8]))}
}

func (s *byteStrings) endPage(dst []byte) ([]byte, pageValues) {
	if len(s.codes) > 0 && s.packCodes() {
		p := pageValues{encoding: format.RLEDictionary, bounds: s.codeBounds()}
		s.dictPages++
		s.codes, s.raw, s.fresh = s.codes[:0], 0, 0
		return append(dst, s.scratch.packedCodes...), p
	}
	p := pageValues{encoding: format.Plain}
	if s.count > 0 {
		p.bounds.min, p.bounds.max = s.value(s.low), s.value(s.high)
	}
	dst = append(dst, s.plain...)
	s.plain, s.count = s.plain[:0], 0
	if cap(s.plain) > 8*s.bufferOptions.pageBytes {
		s.plain = nil
	}
	return dst, p
}

// packCodes encodes the page's codes; if the dictionary does not pay it spills and reports false.
func (s *byteStrings) packCodes() bool {
	d := s.dict
	packed := s.scratch.packCodes(s.codes)
	dictBytes := len(d.data)
	d.codeBytes += packed
	d.plainBytes += s.raw
	if !s.fixed {
		dictBytes += 4 * d.len()
		d.plainBytes += 4 * len(s.codes)
	}
	if !dictPays(dictBytes, d.codeBytes, d.plainBytes) {
		s.spill()
		return false
	}
	return true
}

// codeBounds finds the least and the greatest entry among the page's codes, looking at each entry once.
func (s *byteStrings) codeBounds() (b valueBounds) {
	d, page := s.dict, int32(s.dictPages+1)
	low, high := d.entry(s.codes[0]), d.entry(s.codes[0])
	for _, c := range s.codes {
		if d.used[c] == page {
			continue
		}
		d.used[c] = page
		e := d.entry(c)
		if s.compare(e, low) < 0 {
			low = e
		} else if s.compare(e, high) > 0 {
			high = e
		}
	}
	b.min, b.max = s.value(low), s.value(high)
	return b
}

func (s *byteStrings) usedDict() *stringDict {
	if s.dict != nil {
		return s.dict
	}
	return s.ended
}

func (s *byteStrings) dictionary(dst []byte) ([]byte, int) {
	d := s.usedDict()
	if s.dictPages == 0 || d == nil {
		return dst, 0
	}
	if s.fixed {
		return append(dst, d.data...), d.len()
	}
	for c := range d.len() {
		e := d.entry(int32(c))
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(e)))
		dst = append(dst, e...)
	}
	return dst, d.len()
}

func (s *byteStrings) endChunk() []uint64 {
	d := s.usedDict()
	hashes := s.hashes
	if d != nil && s.bloom && s.dictPages > 0 {
		for c := range d.len() {
			hashes = append(hashes, xxhash.Sum64(d.entry(int32(c))))
		}
	}
	s.hashes, s.ended, s.dictPages, s.dict = nil, nil, 0, nil
	if s.bufferOptions.dictionary {
		if d == nil {
			d = newStringDict()
		}
		d.reset()
		s.dict = d
	}
	return hashes
}
