package exec

import (
	"encoding/binary"
	"hash/maphash"
	"math"
	"math/bits"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// keyCodec turns the key columns of rows into words, or into bytes where a column is a string or there are too
// many. Two rows have equal keys exactly when their words (bytes) are equal: NULL equals NULL, every NaN equals
// every NaN, -0 equals 0; the scale of decimals and the width of integers is the caller's business.
//
// Words, in order: each column's value, two 32-bit columns sharing a word, then a word of NULL flags if a
// column can be NULL. A single one-word column has no flags: its rows that are NULL are listed in keyBatch.nulls
// and their words mean nothing.
//
// Bytes: each column is a flag (0 NULL, 1 a value), then 8 or 16 bytes, or a length of 4 bytes and the bytes.
type keyCodec struct {
	cols   []keyColumn
	words  int // a row; 0: bytes
	flags  int // word of NULL flags, or -1
	single bool
	join   bool // rows with a NULL match nothing: no flags, nulls lists them
	skip   uint // upper bits of the hashes to drop, because all keys have them in common
}

type keyColumn struct {
	typ   types.Type
	word  int
	shift uint
	size  int // 4, 8 or 16 bytes; 0: variable
}

const maxKeyWords = 8

func newKeyCodec(ts []types.Type, join bool) *keyCodec {
	c := &keyCodec{flags: -1, join: join}
	variable, total := false, 0
	for _, t := range ts {
		k := keyColumn{typ: t, size: keySize(t, join)}
		variable = variable || k.size == 0
		total += k.size
		c.cols = append(c.cols, k)
	}
	c.layout()
	if variable || total > (maxKeyWords-1)*8 {
		c.words, c.flags = 0, -1
	}
	c.single = c.words == 1 && len(ts) == 1
	return c
}

func keySize(t types.Type, join bool) int {
	switch t.Physical() {
	case types.PhysI32:
		if join {
			return 8 // so that an INT matches a BIGINT
		}
		return 4
	case types.PhysI128:
		return 16
	case types.PhysBytes:
		return 0
	}
	return 8
}

// types returns the types of the keys.
func (c *keyCodec) types() []types.Type {
	ts := make([]types.Type, len(c.cols))
	for i, k := range c.cols {
		ts[i] = k.typ
	}
	return ts
}

func (c *keyCodec) layout() {
	half := -1 // word with a free upper half
	single := len(c.cols) == 1
	for i := range c.cols {
		k := &c.cols[i]
		switch {
		case k.size == 4 && half >= 0:
			k.word, k.shift, half = half, 32, -1
		case k.size == 4 && !single:
			k.word, half = c.words, c.words
			c.words++
		default:
			k.word = c.words
			c.words += max(1, k.size/8)
		}
	}
	if !c.join && !(single && c.words == 1) {
		c.flags = c.words
		c.words++
	}
}

// keyBatch is the keys of the live rows of a batch, for one goroutine.
type keyBatch struct {
	n      int
	words  []uint64 // n * codec.words
	hashes []uint64
	nulls  []uint16 // live rows (not positions) that hold a NULL: of a single-column or join codec
	isNull []bool   // by live row; only set where nulls names it
	off    []int32  // bytes: n+1 offsets into buf
	buf    []byte
	at     []int32
}

// row returns the key bytes of live row k.
func (b *keyBatch) row(k int) []byte { return b.buf[b.off[k]:b.off[k+1]] }

// encode fills b from the key columns of the live rows.
func (c *keyCodec) encode(b *keyBatch, vecs []*vector.Vector, sel []uint16, n int) {
	if sel != nil {
		n = len(sel)
	}
	b.n = n
	for _, k := range b.nulls {
		b.isNull[k] = false
	}
	b.nulls = b.nulls[:0]
	if len(b.isNull) < n {
		b.isNull = make([]bool, max(n, vector.MaxRows))
	}
	b.hashes = resize(b.hashes, n)
	if c.words == 0 {
		c.encodeBytes(b, vecs, sel)
		return
	}
	b.words = resize(b.words, n*c.words)
	if c.words > 1 {
		clear(b.words)
	}
	for i, v := range vecs {
		k := &c.cols[i]
		if v.Valid != nil {
			c.markNulls(b, i, v, sel)
		}
		if c.words == 1 {
			encodeSingle(b.words, v, sel)
		} else {
			c.encodeColumn(b, v, k, sel)
		}
	}
	if c.flags >= 0 || (c.join && c.words > 1) {
		c.zeroNulls(b, vecs, sel)
	}
	c.hash(b)
}

func (c *keyCodec) markNulls(b *keyBatch, col int, v *vector.Vector, sel []uint16) {
	for k := range b.n {
		if v.Valid.Get(rowAt(sel, k)) {
			continue
		}
		if c.flags >= 0 {
			b.words[k*c.words+c.flags] |= 1 << uint(col&63)
		} else if !b.isNull[k] {
			b.isNull[k] = true
			b.nulls = append(b.nulls, uint16(k))
		}
	}
}

// zeroNulls clears what lies under NULLs, so that equal keys have equal words.
func (c *keyCodec) zeroNulls(b *keyBatch, vecs []*vector.Vector, sel []uint16) {
	if c.flags < 0 {
		return // NULL rows match nothing
	}
	for i, v := range vecs {
		if v.Valid == nil {
			continue
		}
		k := &c.cols[i]
		for r := range b.n {
			if v.Valid.Get(rowAt(sel, r)) {
				continue
			}
			w := r*c.words + k.word
			switch k.size {
			case 4:
				b.words[w] &^= 0xffffffff << k.shift
			case 16:
				b.words[w+1] = 0
				b.words[w] = 0
			default:
				b.words[w] = 0
			}
		}
	}
}

func encodeSingle(words []uint64, v *vector.Vector, sel []uint16) {
	if v.Codes == nil && sel == nil {
		switch v.Phys {
		case types.PhysI64:
			for i, x := range v.I64[:len(words)] {
				words[i] = uint64(x)
			}
			return
		case types.PhysI32:
			for i, x := range v.I32[:len(words)] {
				words[i] = uint64(int64(x))
			}
			return
		}
	}
	for i := range words {
		words[i] = keyWord(v, rowAt(sel, i))
	}
}

// keyWord returns row i of a vector of one-word values.
func keyWord(v *vector.Vector, i int) uint64 {
	if v.Codes != nil {
		v, i = v.Dict, int(v.Codes[i])
	}
	switch v.Phys {
	case types.PhysI32:
		return uint64(int64(v.I32[i]))
	case types.PhysI64:
		return uint64(v.I64[i])
	case types.PhysI128:
		return v.I128[i].Lo
	}
	return floatWord(v.F64[i])
}

// floatWord maps equal floats to equal words: one NaN, one zero.
func floatWord(f float64) uint64 {
	switch {
	case f == 0:
		return 0
	case f != f:
		return math.Float64bits(math.NaN())
	}
	return math.Float64bits(f)
}

func (c *keyCodec) encodeColumn(b *keyBatch, v *vector.Vector, k *keyColumn, sel []uint16) {
	w, stride := k.word, c.words
	switch k.size {
	case 4:
		for r := range b.n {
			b.words[w] |= uint64(uint32(keyWord(v, rowAt(sel, r)))) << k.shift
			w += stride
		}
	case 16:
		for r := range b.n {
			d := v.Decimal(rowAt(sel, r))
			b.words[w], b.words[w+1] = d.Lo, uint64(d.Hi)
			w += stride
		}
	default:
		for r := range b.n {
			b.words[w] = keyWord(v, rowAt(sel, r))
			w += stride
		}
	}
}

// hashWord mixes a 64-bit word; all bits of the result are good.
func hashWord(x uint64) uint64 {
	hi, lo := bits.Mul64(x^0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
	return hi ^ lo
}

func hashWords(w []uint64) uint64 {
	h := hashWord(w[0])
	for _, x := range w[1:] {
		h = hashWord(h ^ bits.RotateLeft64(x, 32) + x)
	}
	return h
}

func (c *keyCodec) hash(b *keyBatch) {
	hashes := b.hashes[:b.n]
	if c.words == 1 {
		words := b.words[:len(hashes)]
		for i, x := range words {
			hashes[i] = hashWord(x) << c.skip
		}
		return
	}
	for i := range hashes {
		hashes[i] = hashWords(b.words[i*c.words:(i+1)*c.words]) << c.skip
	}
}

var hashSeed = maphash.MakeSeed()

func (c *keyCodec) encodeBytes(b *keyBatch, vecs []*vector.Vector, sel []uint16) {
	c.measure(b, vecs, sel)
	for i, v := range vecs {
		size := c.cols[i].size
		for r := range b.n {
			p := b.at[r]
			row := rowAt(sel, r)
			if v.IsNull(row) {
				b.buf[p] = 0
				b.at[r] = p + 1
				if c.join && !b.isNull[r] {
					b.isNull[r] = true
					b.nulls = append(b.nulls, uint16(r))
				}
				continue
			}
			b.buf[p] = 1
			switch size {
			case 0:
				s := v.Bytes(row)
				binary.LittleEndian.PutUint32(b.buf[p+1:], uint32(len(s)))
				copy(b.buf[p+5:], s)
				b.at[r] = p + 5 + int32(len(s))
			case 16:
				d := v.Decimal(row)
				binary.LittleEndian.PutUint64(b.buf[p+1:], d.Lo)
				binary.LittleEndian.PutUint64(b.buf[p+9:], uint64(d.Hi))
				b.at[r] = p + 17
			default:
				binary.LittleEndian.PutUint64(b.buf[p+1:], keyWord(v, row))
				b.at[r] = p + 9
			}
		}
	}
	c.hashRows(b)
}

func (c *keyCodec) hashRows(b *keyBatch) {
	for r := range b.n {
		b.hashes[r] = maphash.Bytes(hashSeed, b.row(r)) << c.skip
	}
}

// measure sets the offsets of the rows' key bytes and makes room for them.
func (c *keyCodec) measure(b *keyBatch, vecs []*vector.Vector, sel []uint16) {
	b.off, b.at = resize(b.off, b.n+1), resize(b.at, b.n)
	at := b.at
	clear(at)
	for i, v := range vecs {
		size := int32(c.cols[i].size)
		if size == 4 {
			size = 8
		}
		for r := range at {
			row := rowAt(sel, r)
			switch {
			case v.IsNull(row):
				at[r]++
			case size == 0:
				at[r] += 5 + int32(len(v.Bytes(row)))
			default:
				at[r] += 1 + size
			}
		}
	}
	total := int32(0)
	for r, n := range at {
		b.off[r], at[r] = total, total
		total += n
	}
	b.off[b.n] = total
	b.buf = resize(b.buf, int(total))
}

// decode appends n keys to one vector a column. Key k is words[k*stride:], or what keyBytes(k) returns.
func (c *keyCodec) decode(cols []*outVector, n int, words func(k int) []uint64, keyBytes func(k int) []byte) {
	for i, k := range c.cols {
		resetVector(&cols[i].Vector, k.typ, n)
	}
	if c.words == 0 {
		for r := range n {
			c.decodeBytes(cols, r, keyBytes(r))
		}
		return
	}
	for i := range c.cols {
		k := &c.cols[i]
		for r := range n {
			w := words(r)
			putWord(&cols[i].Vector, r, w[k.word:], k)
			if c.flags >= 0 && w[c.flags]>>uint(i&63)&1 != 0 {
				cols[i].setNull(r)
			}
		}
	}
}

func putWord(v *vector.Vector, r int, w []uint64, k *keyColumn) {
	switch v.Phys {
	case types.PhysI32:
		v.I32[r] = int32(w[0] >> k.shift)
	case types.PhysI64:
		v.I64[r] = int64(w[0])
	case types.PhysF64:
		v.F64[r] = math.Float64frombits(w[0])
	case types.PhysI128:
		v.I128[r] = types.Int128{Lo: w[0], Hi: int64(w[1])}
	}
}

func (c *keyCodec) decodeBytes(cols []*outVector, r int, key []byte) {
	for i := range c.cols {
		k := &c.cols[i]
		v := &cols[i].Vector
		valid := key[0] != 0
		key = key[1:]
		switch {
		case k.size == 0:
			if valid {
				n := binary.LittleEndian.Uint32(key)
				v.Data = append(v.Data, key[4:4+n]...)
				key = key[4+n:]
			}
			v.Off = append(v.Off, int32(len(v.Data)))
		case !valid:
			putWord(v, r, []uint64{0, 0}, &keyColumn{})
		case k.size == 16:
			putWord(v, r, []uint64{binary.LittleEndian.Uint64(key), binary.LittleEndian.Uint64(key[8:])}, k)
			key = key[16:]
		default:
			putWord(v, r, []uint64{binary.LittleEndian.Uint64(key)}, &keyColumn{})
			key = key[8:]
		}
		if !valid {
			cols[i].setNull(r)
		}
	}
}
