package parquet

import (
	"unsafe"

	"github.com/parquet-go/parquet-go/bloom/xxhash"
	"github.com/parquet-go/parquet-go/format"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// number is a Parquet type of fixed size that a Go type stands for.
type number interface {
	int32 | int64 | float32 | float64
}

// bufferOptions is what a value buffer has to know.
type bufferOptions struct {
	leaf       *leafColumn
	dictionary bool
	bloom      bool
	pageBytes  int
	scratch    *pageScratch
}

func (o *bufferOptions) use(s *pageScratch) { o.scratch = s }

// numbers is the value buffer of fixed-size numbers, and of booleans as 0 and 1.
type numbers[T number] struct {
	bufferOptions
	page     []T
	overflow bool // a value of the page did not fit T

	dict      *numberDict[T] // nil: the chunk's pages are plain from here on
	dictPages int            // pages of the chunk that refer to the dictionary
	ended     *numberDict[T] // the dictionary after it stopped to grow
	hashes    []uint64
}

func newNumbers[T number](o bufferOptions) *numbers[T] {
	n := &numbers[T]{bufferOptions: o}
	n.endChunk()
	return n
}

func (n *numbers[T]) gather(v *vector.Vector, r rowSpan) int {
	valid, codes := v.Valid, v.Codes
	if codes != nil {
		v = v.Dict
	}
	switch {
	case v.Phys == types.PhysI32:
		n.page = gatherNumbers(n.page, v.I32, codes, valid, r)
	case v.Phys == types.PhysF64:
		n.page = gatherNumbers(n.page, v.F64, codes, valid, r)
	case v.Phys == types.PhysI64 && n.leaf.physical == format.Int32:
		from := len(n.page)
		n.page = gatherNumbers(n.page, v.I64, codes, valid, r)
		n.overflow = n.overflow || !sameNumbers(n.page[from:], v.I64, codes, valid, r)
	case v.Phys == types.PhysI64:
		n.page = gatherNumbers(n.page, v.I64, codes, valid, r)
	default:
		n.gatherWide(v.I128, codes, valid, r)
	}
	return r.hi - r.lo
}

// row returns the position of row k of the span in a vector's slices, or in its codes.
func (r rowSpan) row(k int) int {
	if r.sel != nil {
		return int(r.sel[k])
	}
	return k
}

// gatherNumbers appends the rows of src that are not NULL, converted.
func gatherNumbers[T, S number](dst []T, src []S, codes []int32, valid vector.Bitmap, r rowSpan) []T {
	switch {
	case codes == nil && valid == nil && r.sel == nil:
		if same, ok := any(src).([]T); ok {
			return append(dst, same[r.lo:r.hi]...)
		}
		for _, x := range src[r.lo:r.hi] {
			dst = append(dst, T(x))
		}
	case codes == nil && valid == nil:
		for _, i := range r.sel[r.lo:r.hi] {
			dst = append(dst, T(src[i]))
		}
	default:
		for k := r.lo; k < r.hi; k++ {
			i := r.row(k)
			if valid != nil && !valid.Get(i) {
				continue
			}
			if codes != nil {
				i = int(codes[i])
			}
			dst = append(dst, T(src[i]))
		}
	}
	return dst
}

// sameNumbers reports whether dst, gathered from src, lost nothing in the conversion.
func sameNumbers[T number](dst []T, src []int64, codes []int32, valid vector.Bitmap, r rowSpan) bool {
	same := true
	at := 0
	for k := r.lo; k < r.hi; k++ {
		i := r.row(k)
		if valid != nil && !valid.Get(i) {
			continue
		}
		if codes != nil {
			i = int(codes[i])
		}
		same = same && int64(dst[at]) == src[i]
		at++
	}
	return same
}

// gatherWide takes narrow decimals from a vector of wide ones.
func (n *numbers[T]) gatherWide(src []types.Int128, codes []int32, valid vector.Bitmap, r rowSpan) {
	for k := r.lo; k < r.hi; k++ {
		i := r.row(k)
		if valid != nil && !valid.Get(i) {
			continue
		}
		if codes != nil {
			i = int(codes[i])
		}
		x := int64(src[i].Lo)
		n.overflow = n.overflow || !src[i].Fits64() || int64(T(x)) != x
		n.page = append(n.page, T(x))
	}
}

func (n *numbers[T]) add(v types.Value) {
	x := v.I
	switch {
	case v.Type.Kind == types.Decimal:
		x = int64(v.D.Lo)
		n.overflow = n.overflow || !v.D.Fits64()
	case v.Type.IsFloat():
		n.page = append(n.page, T(v.F))
		return
	}
	n.overflow = n.overflow || int64(T(x)) != x
	n.page = append(n.page, T(x))
}

func (n *numbers[T]) pageBytes() int {
	if n.leaf.physical == format.Boolean {
		return len(n.page) / 8
	}
	return len(n.page) * int(unsafe.Sizeof(T(0)))
}

func (n *numbers[T]) memoryBytes() int {
	size := int(unsafe.Sizeof(T(0)))
	m := cap(n.page)*size + 8*cap(n.hashes)
	if d := n.usedDict(); d != nil {
		m += cap(d.vals)*size + 4*cap(d.slots)
	}
	return m
}

// value boxes x with the column's type.
func (n *numbers[T]) value(x T) types.Value {
	switch t := n.leaf.typ; {
	case t.Kind == types.Decimal:
		return types.DecimalValue(t, types.Int128From(int64(x)))
	case t.IsFloat():
		return types.FloatValue(t, float64(x))
	default:
		return types.IntValue(t, int64(x))
	}
}

// pageBounds finds the least and the greatest number of the page; comparisons with NaN are false.
func (n *numbers[T]) pageBounds() (b valueBounds) {
	vals := n.page
	for len(vals) > 0 && vals[0] != vals[0] {
		vals, b.nan = vals[1:], true
	}
	if len(vals) == 0 {
		return b
	}
	lo, hi := vals[0], vals[0]
	for _, x := range vals {
		lo, hi = min(lo, x), max(hi, x)
	}
	if lo != lo { // a NaN poisons both
		b.nan = true
		lo, hi = vals[0], vals[0]
		for _, x := range vals {
			if x < lo {
				lo = x
			}
			if x > hi {
				hi = x
			}
		}
	}
	b.min, b.max = n.value(lo), n.value(hi)
	return b
}

func (n *numbers[T]) endPage(dst []byte) ([]byte, pageValues) {
	p := pageValues{encoding: format.Plain, bounds: n.pageBounds()}
	if n.overflow {
		p.err = &RangeError{Column: n.leaf.name, Type: n.leaf.typ}
	}
	switch {
	case n.leaf.physical == format.Boolean:
		dst = n.appendBits(dst)
	case len(n.page) > 0 && n.dict != nil && n.encodeCodes():
		p.encoding = format.RLEDictionary
		n.dictPages++
		dst = append(dst, n.scratch.packedCodes...)
	default:
		dst = append(dst, numberBytes(n.page)...)
		n.hashPage()
	}
	n.page, n.overflow = n.page[:0], false
	return dst, p
}

// encodeCodes turns the page into codes of the dictionary; false if the dictionary does not pay (any more).
func (n *numbers[T]) encodeCodes() bool {
	codes, ok := n.dict.encode(n.scratch.codes[:0], n.page)
	n.scratch.codes = codes
	if ok {
		ok = n.dict.pays(n.scratch.packCodes(codes), len(n.page))
	}
	if !ok {
		if n.dictPages > 0 {
			n.ended = n.dict
		} else {
			n.dict.reset()
			n.ended = nil
		}
		n.dict = nil
	}
	return ok
}

func (n *numbers[T]) hashPage() {
	if n.bloom {
		n.hashes = appendNumberHashes(n.hashes, n.page)
	}
}

// appendNumberHashes appends the XXH64 hashes of the plain-encoded values.
func appendNumberHashes[T number](dst []uint64, vals []T) []uint64 {
	for _, x := range vals {
		if unsafe.Sizeof(x) == 4 {
			dst = append(dst, xxhash.Sum64Uint32(uint32(numberBits(x))))
		} else {
			dst = append(dst, xxhash.Sum64Uint64(numberBits(x)))
		}
	}
	return dst
}

func (n *numbers[T]) appendBits(dst []byte) []byte {
	from := len(dst)
	dst = append(dst, make([]byte, (len(n.page)+7)/8)...)
	for i, x := range n.page {
		if x != 0 {
			dst[from+i>>3] |= 1 << (uint(i) & 7)
		}
	}
	return dst
}

func (n *numbers[T]) usedDict() *numberDict[T] {
	if n.dict != nil {
		return n.dict
	}
	return n.ended
}

func (n *numbers[T]) dictionary(dst []byte) ([]byte, int) {
	d := n.usedDict()
	if n.dictPages == 0 || d == nil {
		return dst, 0
	}
	return append(dst, numberBytes(d.vals)...), len(d.vals)
}

func (n *numbers[T]) endChunk() []uint64 {
	d := n.usedDict()
	hashes := n.hashes
	if d != nil && n.bloom && n.dictPages > 0 {
		hashes = appendNumberHashes(hashes, d.vals)
	}
	n.hashes = nil
	n.ended, n.dictPages, n.dict = nil, 0, nil
	if n.bufferOptions.dictionary {
		if d == nil {
			d = newNumberDict[T]()
		}
		d.reset()
		n.dict = d
	}
	return hashes
}

// numberBytes is the memory of vals, which on a little-endian machine is their plain encoding.
func numberBytes[T number](vals []T) []byte {
	if len(vals) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&vals[0])), len(vals)*int(unsafe.Sizeof(vals[0])))
}

// numberBits is the bit pattern of x.
func numberBits[T number](x T) uint64 {
	if unsafe.Sizeof(x) == 4 {
		return uint64(*(*uint32)(unsafe.Pointer(&x)))
	}
	return *(*uint64)(unsafe.Pointer(&x))
}
