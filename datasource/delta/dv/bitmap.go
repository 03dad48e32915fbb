package dv

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"github.com/featuresql/featuresql/engine/vector"
)

// magicNumber begins a serialized RoaringBitmapArray in the portable format.
const magicNumber = 1681511377

// nativeMagic begins one in Delta's older format, which the protocol's example of an inline vector has: the number
// of bitmaps, then each with its size in front; the keys are 0, 1, 2 … The numbers are in either byte order.
const nativeMagic = 1681511376

// minBucketBytes is the least that one 32-bit bitmap takes: its key and its cookie and size.
const minBucketBytes = 12

// Bitmap is a set of row positions, from 0. It is immutable.
type Bitmap struct {
	rows *roaring64.Bitmap
}

// NewBitmap returns the set of the given rows.
func NewBitmap(rows ...uint64) *Bitmap { return &Bitmap{roaring64.BitmapOf(rows...)} }

// FromRoaring returns the set that b holds; b must not be changed afterwards.
func FromRoaring(b *roaring64.Bitmap) *Bitmap { return &Bitmap{b} }

// Roaring returns the set as a roaring bitmap, which must not be changed.
func (b *Bitmap) Roaring() *roaring64.Bitmap { return b.rows }

// Contains reports whether a row is deleted.
func (b *Bitmap) Contains(row int64) bool { return row >= 0 && b.rows.Contains(uint64(row)) }

// Count returns the number of deleted rows.
func (b *Bitmap) Count() int64 { return int64(b.rows.GetCardinality()) }

// SizeBytes is the memory the set holds, approximately.
func (b *Bitmap) SizeBytes() int64 { return int64(b.rows.GetSizeInBytes()) }

// Rows yields the deleted rows, ascending.
func (b *Bitmap) Rows() iter.Seq[int64] {
	return func(yield func(int64) bool) {
		it := b.rows.Iterator()
		for it.HasNext() {
			if !yield(int64(it.Next())) {
				return
			}
		}
	}
}

// Bits returns the set as one bit a row of a file of numRows rows. A deleted row behind the end is an error.
func (b *Bitmap) Bits(numRows int64) (vector.Bitmap, error) {
	if !b.rows.IsEmpty() && b.rows.Maximum() >= uint64(max(0, numRows)) {
		return nil, fmt.Errorf("deletion vector deletes row %d of a file of %d rows", b.rows.Maximum(), numRows)
	}
	bits := vector.NewBitmap(int(numRows))
	var buf [256]uint64
	it := b.rows.ManyIterator()
	for n := it.NextMany(buf[:]); n > 0; n = it.NextMany(buf[:]) {
		for _, row := range buf[:n] {
			bits.Set(int(row))
		}
	}
	return bits, nil
}

// Encode returns the set in Delta's format: the magic number and a 64-bit bitmap in the portable format.
func (b *Bitmap) Encode() ([]byte, error) {
	rows := b.rows.Clone()
	rows.RunOptimize()
	var buf bytes.Buffer
	buf.Write(binary.LittleEndian.AppendUint32(nil, magicNumber))
	if _, err := rows.WriteTo(&buf); err != nil {
		return nil, fmt.Errorf("encode deletion vector: %w", err)
	}
	return buf.Bytes(), nil
}

var errTruncated = errors.New("it ends early")

// Decode reads what Encode wrote; anything that is no such set is an error.
func Decode(data []byte) (b *Bitmap, err error) {
	defer func() {
		if r := recover(); r != nil { // the library checks less than all of its input
			b, err = nil, fmt.Errorf("decode deletion vector: invalid bitmap: %v", r)
		}
	}()
	if len(data) < 12 {
		return nil, fmt.Errorf("decode deletion vector: %w", errTruncated)
	}
	switch m := binary.LittleEndian.Uint32(data); {
	case m == magicNumber:
		data = data[4:]
	case m == nativeMagic:
		data, err = fromNative(data[4:], binary.LittleEndian)
	case binary.BigEndian.Uint32(data) == nativeMagic:
		data, err = fromNative(data[4:], binary.BigEndian)
	default:
		err = fmt.Errorf("magic number %d instead of %d", m, magicNumber)
	}
	if err != nil {
		return nil, fmt.Errorf("decode deletion vector: %w", err)
	}
	if n := binary.LittleEndian.Uint64(data); n > uint64(len(data)/minBucketBytes) {
		return nil, fmt.Errorf("decode deletion vector: %d buckets in %d bytes", n, len(data))
	}
	rows := roaring64.New()
	n, err := rows.ReadFrom(bytes.NewReader(data))
	switch {
	case err != nil:
		return nil, fmt.Errorf("decode deletion vector: %w", err)
	case n != int64(len(data)):
		return nil, fmt.Errorf("decode deletion vector: %d bytes behind the bitmap", int64(len(data))-n)
	case rows.IsEmpty():
		return &Bitmap{roaring64.New()}, nil
	}
	if err := rows.Validate(); err != nil {
		return nil, fmt.Errorf("decode deletion vector: %w", err)
	}
	if rows.Maximum() >= 1<<63 {
		return nil, fmt.Errorf("decode deletion vector: row %d", rows.Maximum())
	}
	return &Bitmap{rows}, nil
}

// fromNative turns what follows the magic number of the older format into the portable format.
func fromNative(data []byte, order binary.ByteOrder) ([]byte, error) {
	n := order.Uint32(data)
	data = data[4:]
	if uint64(n) > uint64(len(data)/minBucketBytes) {
		return nil, fmt.Errorf("%d bitmaps in %d bytes", n, len(data))
	}
	out := binary.LittleEndian.AppendUint64(nil, uint64(n))
	for key := range n {
		if len(data) < 4 {
			return nil, errTruncated
		}
		size := order.Uint32(data)
		data = data[4:]
		if uint64(size) > uint64(len(data)) {
			return nil, errTruncated
		}
		out = binary.LittleEndian.AppendUint32(out, key)
		out = append(out, data[:size]...)
		data = data[size:]
	}
	return append(out, data...), nil
}
