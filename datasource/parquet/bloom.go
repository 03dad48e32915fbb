package parquet

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/parquet-go/parquet-go/bloom"
	"github.com/parquet-go/parquet-go/format"

	"github.com/featuresql/featuresql/engine/types"
)

// Bloom is the bloom filter of one column chunk.
type Bloom struct {
	filter bloom.SplitBlockFilter
	leaf   *leaf
	conv   *converter
	bytes  int64
}

const (
	maxBloomBytes    = 128 << 20 // of a filter's bits, as parquet-mr's greatest
	bloomHeaderBytes = 64        // more than any header has
)

// Bloom reads the bloom filter of column col of row group rg; nil if there is none, or none of the only kind
// that the format defines. Errors: *CorruptError, what the file's reader returns.
func (p *Projection) Bloom(ctx context.Context, rg, col int) (*Bloom, error) {
	c := &p.cols[col]
	if c.leaf == nil {
		return nil, nil
	}
	m := &p.f.meta.rowGroups[rg].columns[c.leaf.index]
	if m.bloomOffset <= 0 || m.encrypted {
		return nil, nil
	}
	b, err := p.f.bloom(ctx, m)
	if err != nil {
		return nil, fmt.Errorf("read bloom filter of column %s: %w", c.leaf.name(), named(err, p.f.opts.Path))
	}
	if b != nil {
		b.leaf, b.conv = c.leaf, c.conv
	}
	return b, nil
}

func (f *File) bloom(ctx context.Context, m *chunkMeta) (*Bloom, error) {
	n := int64(bloomHeaderBytes)
	if m.bloomLength > 0 && m.bloomLength <= maxBloomBytes {
		n = int64(m.bloomLength)
	}
	if m.bloomOffset > f.size {
		return nil, corruptf("a bloom filter lies behind the end of the file")
	}
	buf := make([]byte, min(n, f.size-m.bloomOffset))
	if err := f.r.ReadRange(ctx, m.bloomOffset, buf); err != nil {
		return nil, err
	}
	size, header, known := parseBloomHeader(buf)
	if !known {
		return nil, nil
	}
	switch {
	case size <= 0 || size > maxBloomBytes || size%bloom.BlockSize != 0:
		return nil, corruptf("a bloom filter of %d bytes", size)
	case int64(header)+size > f.size-m.bloomOffset:
		return nil, corruptf("a bloom filter reaches over the end of the file")
	}
	bits := make([]byte, size)
	if have := copy(bits, buf[header:]); int64(have) < size {
		if err := f.r.ReadRange(ctx, m.bloomOffset+int64(header+have), bits[have:]); err != nil {
			return nil, err
		}
	}
	return &Bloom{filter: bloom.MakeSplitBlockFilter(bits), bytes: size}, nil
}

// parseBloomHeader returns the size of the bits and of the header; known is false for a filter of another kind.
func parseBloomHeader(b []byte) (size int64, header int, known bool) {
	r := &thriftReader{b: b}
	standard := 0
	for id, t, ok := r.field(0); ok; id, t, ok = r.field(id) {
		switch {
		case id == 1 && t == thriftI32:
			size = int64(r.int32())
		case id >= 2 && id <= 4 && t == thriftStruct:
			for u, ut, more := r.field(0); more; u, ut, more = r.field(u) {
				if u == 1 { // block algorithm, xxHash, uncompressed
					standard |= 1 << id
				}
				r.skip(ut)
			}
		default:
			r.skip(t)
		}
	}
	return size, r.i, !r.bad && standard == 1<<2|1<<3|1<<4
}

// SizeBytes is the memory of the filter.
func (b *Bloom) SizeBytes() int64 { return b.bytes }

// MayContain reports whether the chunk may hold a value equal to v. It is false only if that is certain; true
// for a value of a type that is not comparable without a conversion, and for one whose form in the file is not unique.
func (b *Bloom) MayContain(v types.Value) bool {
	if !v.Valid {
		return true
	}
	v, ok, answer := b.normal(v)
	if !ok {
		return answer
	}
	var buf [16]byte
	raw, answer := b.encode(buf[:0], v)
	if raw == nil {
		return answer
	}
	return b.filter.Check(bloom.XXH64{}.Sum64(raw))
}

// normal returns v as a value of the field's type; if there is none, ok is false and answer is MayContain's.
func (b *Bloom) normal(v types.Value) (out types.Value, ok, answer bool) {
	want := b.conv.want
	switch {
	case v.Type == want:
		return v, true, true
	case v.Type.Kind == types.Uint64 || want.Kind == types.Uint64:
		return v, false, true
	case v.Type.IsInteger() && want.IsInteger(), v.Type.IsFloat() && want.IsFloat(), v.Type.IsBytes() && want.IsBytes():
		v.Type = want
		return v, true, true
	case want.Kind != types.Decimal:
		return v, false, true
	case v.Type.IsInteger():
		v.D = types.Int128From(v.I)
	case v.Type.Kind != types.Decimal:
		return v, false, true
	}
	d, fits := v.D.Rescale(int(v.Type.Scale), int(want.Scale))
	if !fits {
		return v, false, false
	}
	out = types.DecimalValue(want, d)
	if back := types.DecimalValue(v.Type, v.D); types.Compare(out, back) != 0 {
		return v, false, false // more digits than the column has
	}
	return out, true, true
}

// encode appends v as the file stores it to dst, which is empty; nil and the answer if that is not possible.
func (b *Bloom) encode(dst []byte, v types.Value) (raw []byte, answer bool) {
	switch b.conv.kind {
	case convCopy32, convCopy64:
		if v.Type.IsFloat() {
			return encodeFloat(dst, v.F, false)
		}
		x := v.I
		if v.Type.Kind == types.Decimal {
			if !v.D.Fits64() {
				return nil, false
			}
			x = int64(v.D.Lo)
		}
		return b.encodeInt(dst, x)
	case convWiden32, convMul64:
		x := v.I
		if v.Type.Kind == types.Decimal {
			if !v.D.Fits64() {
				return nil, false
			}
			x = int64(v.D.Lo)
		}
		if x%b.conv.mul != 0 {
			return nil, false
		}
		return b.encodeInt(dst, x/b.conv.mul)
	case convUnsigned32:
		if v.I < 0 || v.I > math.MaxUint32 {
			return nil, false
		}
		return binary.LittleEndian.AppendUint32(dst, uint32(v.I)), true
	case convPositive64:
		return b.encodeInt(dst, v.I)
	case convFloat32:
		return encodeFloat(dst, v.F, true)
	case convBytes:
		if b.leaf.typ == format.FixedLenByteArray && len(v.S) != b.leaf.typeLen {
			return nil, false
		}
		return append(slices.Grow(dst, len(v.S)+1), v.S...), true
	case convDecimal, convDecimal128:
		return b.encodeDecimal(dst, v.D)
	}
	return nil, true
}

func (b *Bloom) encodeInt(dst []byte, x int64) ([]byte, bool) {
	if b.leaf.typ == format.Int64 {
		return binary.LittleEndian.AppendUint64(dst, uint64(x)), true
	}
	if x != int64(int32(x)) {
		return nil, false
	}
	return binary.LittleEndian.AppendUint32(dst, uint32(x)), true
}

// encodeFloat leaves out zero and NaN, each of which has several forms.
func encodeFloat(dst []byte, f float64, single bool) ([]byte, bool) {
	switch {
	case f == 0 || math.IsNaN(f):
		return nil, true
	case !single:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f)), true
	case float64(float32(f)) != f:
		return nil, false
	}
	return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(f))), true
}

func (b *Bloom) encodeDecimal(dst []byte, d types.Int128) ([]byte, bool) {
	for shift := b.conv.scale; shift > 0; shift -= min(shift, types.MaxPrecision64) {
		q, r := d.DivMod64(types.Pow10Int64(min(shift, types.MaxPrecision64)))
		if r != 0 {
			return nil, false
		}
		d = q
	}
	switch b.leaf.typ {
	case format.Int32, format.Int64:
		if !d.Fits64() {
			return nil, false
		}
		return b.encodeInt(dst, int64(d.Lo))
	case format.FixedLenByteArray:
	default:
		return nil, true // a byte array may have leading zeros
	}
	raw := slices.Grow(dst, b.leaf.typeLen)[:b.leaf.typeLen]
	for i := len(raw) - 1; i >= 0; i-- {
		raw[i] = byte(d.Lo)
		d = types.Int128{Lo: d.Lo>>8 | uint64(d.Hi)<<56, Hi: d.Hi >> 8}
	}
	if d.Hi != d.Hi>>63 || d.Lo != uint64(d.Hi) || (len(raw) > 0 && int64(int8(raw[0]))>>7 != d.Hi>>63) {
		return nil, false
	}
	return raw, len(raw) > 0
}
