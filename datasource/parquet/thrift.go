package parquet

import "encoding/binary"

// Wire types of Thrift's compact protocol.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftI8     = 3
	thriftI16    = 4
	thriftI32    = 5
	thriftI64    = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftMap    = 11
	thriftStruct = 12
)

const maxThriftDepth = 24

// thriftReader reads Thrift's compact protocol from bytes that are not to be trusted. The first error
// sticks: from then on every method returns zero values and loops end.
type thriftReader struct {
	b   []byte
	i   int
	bad bool
}

func (r *thriftReader) fail() {
	r.bad = true
	r.i = len(r.b)
}

func (r *thriftReader) byte() byte {
	if r.i >= len(r.b) {
		r.fail()
		return 0
	}
	c := r.b[r.i]
	r.i++
	return c
}

func (r *thriftReader) uvarint() uint64 {
	u, n := binary.Uvarint(r.b[r.i:])
	if n <= 0 {
		r.fail()
		return 0
	}
	r.i += n
	return u
}

// varint reads an integer of any width.
func (r *thriftReader) varint() int64 {
	u := r.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// int32 reads an i32; one that does not fit is an error.
func (r *thriftReader) int32() int32 {
	v := r.varint()
	if v != int64(int32(v)) {
		r.fail()
		return 0
	}
	return int32(v)
}

// field reads the header of the next field after the one with the given id; ok is false at the end of the struct.
func (r *thriftReader) field(last int16) (id int16, typ byte, ok bool) {
	h := r.byte()
	if r.bad || h == 0 {
		return 0, 0, false
	}
	if d := int16(h >> 4); d != 0 {
		id = last + d
	} else {
		id = int16(r.varint())
	}
	return id, h & 15, !r.bad
}

// list reads the header of a list or set. Every element takes at least one byte, so n never exceeds what is left.
func (r *thriftReader) list() (n int, elem byte) {
	h := r.byte()
	u := uint64(h >> 4)
	if u == 15 {
		u = r.uvarint()
	}
	if u > uint64(len(r.b)-r.i) {
		r.fail()
		return 0, 0
	}
	return int(u), h & 15
}

// bytes reads a binary value; it aliases the input.
func (r *thriftReader) bytes() []byte {
	u := r.uvarint()
	if r.bad || u > uint64(len(r.b)-r.i) {
		r.fail()
		return nil
	}
	p := r.b[r.i : r.i+int(u) : r.i+int(u)]
	r.i += int(u)
	return p
}

// skip passes over a value of the given wire type.
func (r *thriftReader) skip(typ byte) { r.skipNested(typ, 0) }

func (r *thriftReader) advance(n int) {
	if n > len(r.b)-r.i {
		r.fail()
		return
	}
	r.i += n
}

func (r *thriftReader) skipNested(typ byte, depth int) {
	if depth > maxThriftDepth {
		r.fail()
	}
	if r.bad {
		return
	}
	switch typ {
	case thriftTrue, thriftFalse:
	case thriftI8:
		r.advance(1)
	case thriftI16, thriftI32, thriftI64:
		r.uvarint()
	case thriftDouble:
		r.advance(8)
	case thriftBinary:
		r.bytes()
	case thriftList, thriftSet:
		n, elem := r.list()
		for ; n > 0 && !r.bad; n-- {
			r.skipElement(elem, depth+1)
		}
	case thriftMap:
		r.skipMap(depth)
	case thriftStruct:
		for id, t, ok := r.field(0); ok; id, t, ok = r.field(id) {
			r.skipNested(t, depth+1)
		}
	default:
		r.fail()
	}
}

func (r *thriftReader) skipMap(depth int) {
	n := r.uvarint()
	if n == 0 {
		return
	}
	types := r.byte()
	for ; n > 0 && !r.bad; n-- {
		r.skipElement(types>>4, depth+1)
		r.skipElement(types&15, depth+1)
	}
}

// skipElement is skip for an element of a collection, where a boolean takes a byte.
func (r *thriftReader) skipElement(typ byte, depth int) {
	if typ == thriftTrue || typ == thriftFalse {
		r.advance(1)
		return
	}
	r.skipNested(typ, depth)
}
