package parquet

import (
	"encoding/binary"
	"encoding/hex"
	"math"

	"github.com/parquet-go/parquet-go/encoding/bytestreamsplit"
	"github.com/parquet-go/parquet-go/format"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// maxPageValues bounds the levels of one page. Writers stay far below: 20,000 rows or one row group.
const maxPageValues = 1 << 24

type valueKind uint8

const (
	valuesCoded valueKind = iota // codes of the dictionary
	valuesFixed                  // fixed holds values of the converter's width
	valuesPlain                  // plain holds byte arrays, each after its length
	valuesArray                  // arrays holds byte arrays
	valuesBits                   // bits holds booleans
)

// valueReader are the values of one data page: without NULLs, in order. They are read once, front to back.
type valueReader struct {
	kind   valueKind
	conv   *converter
	codes  hybrid
	dict   *vector.Vector // of valuesCoded
	fixed  []byte
	plain  []byte
	marks  []uint32 // in plain, of which nothing is read: where every markEvery-th value begins; nil: not known
	arrays byteArrays
	next   int // in arrays
	bits   hybrid

	ints  []int64 // buffers
	ints4 []int32
	f64   []float64
	codeB []int32
	split []byte
}

// init prepares for reading the values in data: at most n, of the given encoding. data has padBytes behind it.
func (v *valueReader) init(l *leaf, enc format.Encoding, data []byte, n int, maxBytes int64) error {
	switch enc {
	case format.Plain:
		return v.initPlain(l, data, n)
	case format.PlainDictionary, format.RLEDictionary: //nolint:staticcheck // the old name of the same encoding
		v.kind = valuesCoded
		return v.initCodes(data)
	case format.RLE:
		if l.typ != format.Boolean {
			break
		}
		v.kind = valuesBits
		if len(data) == 0 {
			v.bits.init(nil, 1)
			return nil
		}
		if len(data) < 4 || uint64(binary.LittleEndian.Uint32(data)) > uint64(len(data)-4) {
			return corruptf("a page of run-length encoded booleans ends early")
		}
		v.bits.init(data[4:4+binary.LittleEndian.Uint32(data)], 1)
		return nil
	case format.DeltaBinaryPacked:
		return v.initDelta(l, data, n)
	case format.DeltaLengthByteArray:
		if l.typ != format.ByteArray {
			break
		}
		v.kind, v.next = valuesArray, 0
		return v.arrays.decodeDeltaLength(data, n)
	case format.DeltaByteArray:
		if l.typ != format.ByteArray && l.typ != format.FixedLenByteArray {
			break
		}
		v.kind, v.next = valuesArray, 0
		if err := v.arrays.decodeDeltaStrings(data, n, maxBytes); err != nil {
			return err
		}
		return v.fixArrays(l)
	case format.ByteStreamSplit:
		return v.initSplit(l, data)
	}
	return unsupportedf("encoding %s of %s", enc, l.typ)
}

func (v *valueReader) initPlain(l *leaf, data []byte, n int) error {
	switch {
	case l.typ == format.Boolean:
		v.kind = valuesBits
		v.bits.initPacked(data, 1, min(n, 8*len(data)))
	case l.typ == format.ByteArray:
		v.kind, v.plain, v.marks = valuesPlain, data, nil
	default:
		v.kind, v.fixed = valuesFixed, data
	}
	return nil
}

func (v *valueReader) initCodes(data []byte) error {
	if len(data) == 0 { // a page of NULLs only
		v.codes.init(nil, 0)
		return nil
	}
	if data[0] > 32 {
		return corruptf("dictionary codes of %d bits", data[0])
	}
	v.codes.init(data[1:], uint(data[0]))
	return nil
}

func (v *valueReader) initDelta(l *leaf, data []byte, n int) (err error) {
	v.kind = valuesFixed
	switch l.typ {
	case format.Int64:
		if v.ints, _, err = decodeDelta(v.ints, data, n); err != nil {
			return err
		}
		v.fixed = bytesOf(v.ints)
	case format.Int32:
		if v.ints4, v.ints, err = decodeDeltaInt32(v.ints4, v.ints, data, n); err != nil {
			return err
		}
		v.fixed = bytesOf(v.ints4)
	default:
		return unsupportedf("encoding %s of %s", format.DeltaBinaryPacked, l.typ)
	}
	return nil
}

// fixArrays checks that values of a type of fixed length have it, and makes them one run of bytes.
func (v *valueReader) fixArrays(l *leaf) error {
	if l.typ != format.FixedLenByteArray {
		return nil
	}
	for i := 1; i < len(v.arrays.off); i++ {
		if n := int(v.arrays.off[i] - v.arrays.off[i-1]); n != l.typeLen {
			return corruptf("a value of %d bytes in a column of %d", n, l.typeLen)
		}
	}
	v.kind, v.fixed = valuesFixed, v.arrays.data
	return nil
}

// initSplit undoes BYTE_STREAM_SPLIT.
func (v *valueReader) initSplit(l *leaf, data []byte) (err error) {
	w := l.width()
	if w == 0 || l.typ == format.Int96 {
		return unsupportedf("encoding %s of %s", format.ByteStreamSplit, l.typ)
	}
	if len(data)%w != 0 {
		return corruptf("%d bytes of values of %d bytes", len(data), w)
	}
	v.kind = valuesFixed
	switch w {
	case 8:
		v.f64, err = new(bytestreamsplit.Encoding).DecodeDouble(v.f64, data)
		v.fixed = bytesOf(v.f64)
	case 4:
		v.ints4, err = new(bytestreamsplit.Encoding).DecodeInt32(v.ints4, data)
		v.fixed = bytesOf(v.ints4)
	default:
		n := len(data) / w
		v.split = growBuffer(v.split, len(data))
		for k := range w {
			for i, c := range data[k*n : (k+1)*n] {
				v.split[i*w+k] = c
			}
		}
		v.fixed = v.split
	}
	if err != nil {
		return corruptf("%v", err)
	}
	return nil
}

var errShortPage = corruptf("a page has fewer values than its levels need")

// skip passes over n values.
func (v *valueReader) skip(n int) error {
	ok := true
	switch v.kind {
	case valuesCoded:
		ok = v.codes.skip(n)
	case valuesBits:
		ok = v.bits.skip(n)
	case valuesFixed:
		if ok = len(v.fixed) >= n*v.conv.width; ok {
			v.fixed = v.fixed[n*v.conv.width:]
		}
	case valuesArray:
		if ok = len(v.arrays.off)-1-v.next >= n; ok {
			v.next += n
		}
	case valuesPlain:
		if m := min(n/markEvery, len(v.marks)-1); m > 0 {
			v.plain, n = v.plain[v.marks[m]:], n-m*markEvery
		}
		v.marks = nil
		for ; n > 0 && ok; n-- {
			_, ok = v.plainNext()
		}
	}
	if !ok {
		return errShortPage
	}
	return nil
}

func (v *valueReader) plainNext() (value []byte, ok bool) {
	p := v.plain
	if len(p) < 4 {
		return nil, false
	}
	n := uint64(binary.LittleEndian.Uint32(p))
	if n > uint64(len(p)-4) {
		return nil, false
	}
	v.plain = p[4+n:]
	return p[4 : 4+n], true
}

// markEvery is the number of plain byte arrays between two marks.
const markEvery = 64

// marksOf returns where every markEvery-th of the plain byte arrays in data begins, as far as they are whole.
func marksOf(data []byte) []uint32 {
	var marks []uint32
	v := valueReader{plain: data}
	for i, ok := 0, true; ok; i++ {
		if i%markEvery == 0 {
			marks = append(marks, uint32(len(data)-len(v.plain)))
		}
		_, ok = v.plainNext()
	}
	return marks
}

// readCodes fills dst with codes and checks that the dictionary has them.
func (v *valueReader) readCodes(dst []int32) error {
	if !v.codes.read(dst) {
		return errShortPage
	}
	if v.dict == nil {
		if len(dst) == 0 {
			return nil
		}
		return corruptf("a page has dictionary codes, its column chunk no dictionary")
	}
	size := uint32(v.dict.Len)
	if v.codes.w < 32 && uint64(size) >= 1<<v.codes.w {
		return nil
	}
	var most uint32
	for _, c := range dst {
		most = max(most, uint32(c))
	}
	if most >= size && len(dst) > 0 {
		return corruptf("dictionary code %d of a dictionary of %d values", most, size)
	}
	return nil
}

// read converts the next n values into the rows of dst from at on. Rows of bytes are appended: dst.Off[at] is
// the end of dst.Data, and dst.Off has n more elements.
func (v *valueReader) read(dst *vector.Vector, at, n int) error {
	switch v.kind {
	case valuesCoded:
		return v.readDecoded(dst, at, n)
	case valuesBits:
		return v.readBools(dst, at, n)
	case valuesFixed:
		w := v.conv.width
		if len(v.fixed) < n*w {
			return errShortPage
		}
		src := v.fixed[:n*w]
		v.fixed = v.fixed[n*w:]
		if v.conv.phys == types.PhysBytes {
			return v.readFixedBytes(dst, at, src, n)
		}
		return v.conv.fixed(dst, at, src, n)
	case valuesArray:
		return v.readArrays(dst, at, n)
	}
	if v.conv.kind == convBytes {
		return v.readPlain(dst, at, n)
	}
	for i := range n {
		b, ok := v.plainNext()
		if !ok {
			return errShortPage
		}
		if err := v.conv.bigEndian(dst, at+i, b); err != nil {
			return err
		}
	}
	return nil
}

// readDecoded looks codes up in the dictionary.
func (v *valueReader) readDecoded(dst *vector.Vector, at, n int) error {
	if cap(v.codeB) < n {
		v.codeB = make([]int32, n)
	}
	codes := v.codeB[:n]
	if err := v.readCodes(codes); err != nil {
		return err
	}
	return lookUp(dst, at, v.dict, codes)
}

// lookUp writes dictionary values into the rows of dst from at on.
func lookUp(dst *vector.Vector, at int, dict *vector.Vector, codes []int32) error {
	if len(codes) == 0 {
		return nil
	}
	switch dst.Phys {
	case types.PhysI32:
		lookUpIn(dst.I32[at:], dict.I32, codes)
	case types.PhysI64:
		lookUpIn(dst.I64[at:], dict.I64, codes)
	case types.PhysF64:
		lookUpIn(dst.F64[at:], dict.F64, codes)
	case types.PhysI128:
		lookUpIn(dst.I128[at:], dict.I128, codes)
	default:
		off := dst.Off[at+1 : at+1+len(codes)]
		for i, c := range codes {
			dst.Data = append(dst.Data, dict.Data[dict.Off[c]:dict.Off[c+1]]...)
			off[i] = int32(len(dst.Data))
		}
		return checkBytes(dst)
	}
	return nil
}

func lookUpIn[T any](dst, dict []T, codes []int32) {
	dst = dst[:len(codes)]
	for i, c := range codes {
		dst[i] = dict[c]
	}
}

// checkBytes refuses vectors whose bytes do not fit 32-bit offsets.
func checkBytes(dst *vector.Vector) error {
	if len(dst.Data) > math.MaxInt32 {
		return unsupportedf("more than 2 GiB of values in one batch")
	}
	return nil
}

func (v *valueReader) readBools(dst *vector.Vector, at, n int) error {
	if !v.bits.read(dst.I32[at : at+n]) {
		return errShortPage
	}
	return nil
}

func (v *valueReader) readFixedBytes(dst *vector.Vector, at int, src []byte, n int) error {
	w := v.conv.width
	off := dst.Off[at+1 : at+1+n]
	if v.conv.kind == convUUID {
		for i := range off {
			dst.Data = appendUUID(dst.Data, src[16*i:16*i+16])
			off[i] = int32(len(dst.Data))
		}
		return checkBytes(dst)
	}
	end := len(dst.Data)
	dst.Data = append(dst.Data, src...)
	if err := checkBytes(dst); err != nil {
		return err
	}
	for i := range off {
		end += w
		off[i] = int32(end)
	}
	return nil
}

func appendUUID(dst, b []byte) []byte {
	for i, part := range [5][2]int{{0, 4}, {4, 6}, {6, 8}, {8, 10}, {10, 16}} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, b[part[0]:part[1]])
	}
	return dst
}

func (v *valueReader) readArrays(dst *vector.Vector, at, n int) error {
	a := &v.arrays
	if len(a.off)-1-v.next < n {
		return errShortPage
	}
	offs := a.off[v.next : v.next+n+1]
	v.next += n
	if v.conv.kind != convBytes {
		for i := range n {
			if err := v.conv.bigEndian(dst, at+i, a.data[offs[i]:offs[i+1]]); err != nil {
				return err
			}
		}
		return nil
	}
	shift := int32(len(dst.Data)) - offs[0]
	dst.Data = append(dst.Data, a.data[offs[0]:offs[n]]...)
	if err := checkBytes(dst); err != nil {
		return err
	}
	out := dst.Off[at+1 : at+1+n]
	for i := range out {
		out[i] = offs[i+1] + shift
	}
	return nil
}

// readPlain copies byte arrays. Short ones, the most frequent, are copied as 16 bytes at once: both sides have room.
func (v *valueReader) readPlain(dst *vector.Vector, at, n int) error {
	p, data := v.plain, dst.Data
	off := dst.Off[at+1 : at+1+n]
	for i := range off {
		if len(p) < 4 {
			return errShortPage
		}
		size := int(binary.LittleEndian.Uint32(p))
		if size > len(p)-4 {
			return errShortPage
		}
		end := len(data) + size
		if end+16 > cap(data) {
			data = growData(data, end+16, len(p))
		}
		if size <= 16 {
			copy(data[end-size:end-size+16:cap(data)], p[4:20:cap(p)])
		} else {
			copy(data[end-size:end:cap(data)], p[4:4+size])
		}
		data = data[:end]
		p = p[4+size:]
		off[i] = int32(end)
	}
	v.plain, v.marks, dst.Data = p, nil, data
	return checkBytes(dst)
}

// growData makes room for need bytes, and for about as much again while the page has it.
func growData(data []byte, need, left int) []byte {
	bigger := make([]byte, len(data), need+min(left, need)+padBytes)
	copy(bigger, data)
	return bigger
}

// readDictionary decodes a dictionary page of n values.
func readDictionary(l *leaf, c *converter, data []byte, n int) (*vector.Vector, error) {
	least := n * l.width()
	switch l.typ {
	case format.Boolean:
		least = (n + 7) / 8
	case format.ByteArray:
		least = 4 * n
	}
	if len(data) < least {
		return nil, corruptf("a dictionary of %d values in %d bytes", n, len(data))
	}
	v := valueReader{conv: c}
	if err := v.initPlain(l, data, n); err != nil {
		return nil, err
	}
	dict := c.vector(n)
	if c.phys == types.PhysBytes {
		dict.Data = make([]byte, 0, max(0, len(data)-least)+padBytes)
	}
	if err := v.read(dict, 0, n); err != nil {
		return nil, err
	}
	return dict, nil
}
