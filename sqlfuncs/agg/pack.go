package agg

import (
	"encoding/binary"
	"errors"
)

// Packer is a Func that holds states beside the table: what it holds of a group can be written out and be folded
// into a state again.
type Packer interface {
	Func
	// Pack appends the state of group g: nothing, if there were no values.
	Pack(dst []byte, t Table, g uint32) []byte
	// Unpack folds what Pack has written into the state of group g.
	Unpack(t Table, g uint32, packed []byte) error
}

var (
	_ Packer = (*concat)(nil)
	_ Packer = (*jsonFunc)(nil)
	_ Packer = (*extreme)(nil)
)

var errPacked = errors.New("packed state of an aggregate function is damaged")

func appendSized(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

func cutSized(b []byte) (first, rest []byte, err error) {
	n, k := binary.Uvarint(b)
	if k <= 0 || n > uint64(len(b)-k) {
		return nil, nil, errPacked
	}
	return b[k : k+int(n)], b[k+int(n):], nil
}

// Pack implements Packer: the text and sort key of each row, in order.
func (f *concat) Pack(dst []byte, _ Table, g uint32) []byte {
	if int(g) >= len(f.lists) {
		return dst
	}
	for _, e := range f.lists[g] {
		dst = appendSized(appendSized(dst, e.text), e.key)
	}
	return dst
}

// Unpack implements Packer.
func (f *concat) Unpack(_ Table, g uint32, packed []byte) error {
	for len(packed) > 0 {
		text, rest, err := cutSized(packed)
		if err != nil {
			return err
		}
		key, rest, err := cutSized(rest)
		if err != nil {
			return err
		}
		packed = rest
		f.push(g, concatEntry{text: f.keep(text), key: f.keep(key)})
	}
	return nil
}

// Pack implements Packer: the text of an array's elements, or keys and values.
func (f *jsonFunc) Pack(dst []byte, _ Table, g uint32) []byte {
	if int(g) < len(f.arrays) {
		return append(dst, f.arrays[g]...)
	}
	if int(g) < len(f.maps) {
		for k, v := range f.maps[g] {
			dst = appendSized(appendSized(dst, []byte(k)), []byte(v))
		}
	}
	return dst
}

// Unpack implements Packer.
func (f *jsonFunc) Unpack(_ Table, g uint32, packed []byte) error {
	if !f.object {
		if len(packed) > 0 {
			f.element(g, packed)
		}
		return nil
	}
	for len(packed) > 0 {
		key, rest, err := cutSized(packed)
		if err != nil {
			return err
		}
		text, rest, err := cutSized(rest)
		if err != nil {
			return err
		}
		packed = rest
		f.member(g, string(key), string(text))
	}
	return nil
}

// Pack implements Packer for strings: a byte, then the string.
func (f *extreme) Pack(dst []byte, t Table, g uint32) []byte {
	if f.side == nil || t.at(g)[0] == 0 {
		return dst
	}
	return append(append(dst, 1), f.side.vals[g]...)
}

// Unpack implements Packer.
func (f *extreme) Unpack(t Table, g uint32, packed []byte) error {
	if len(packed) > 0 {
		f.foldBytes(t, g, packed[1:])
	}
	return nil
}
