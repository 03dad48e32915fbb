package exec

import (
	"encoding/binary"
	"math"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// Of a spilled batch a block holds: the number of rows, then each column: whether it has NULLs, their bitmap, and the values of the default layout of its type.

// appendBlock appends n rows of cols as a block.
func appendBlock(dst []byte, cols []*vector.Vector, n int) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(n))
	for _, v := range cols {
		dst = appendColumn(dst, v, n)
	}
	return dst
}

func appendColumn(dst []byte, v *vector.Vector, n int) []byte {
	if v.Valid == nil {
		dst = append(dst, 0)
	} else {
		dst = append(dst, 1)
		for i := range (n + 63) / 64 {
			dst = binary.LittleEndian.AppendUint64(dst, v.Valid[i])
		}
	}
	for i := range n {
		switch v.Type.Physical() {
		case types.PhysI32:
			dst = binary.LittleEndian.AppendUint32(dst, uint32(v.Int(i)))
		case types.PhysI64:
			dst = binary.LittleEndian.AppendUint64(dst, narrowBits(v, i))
		case types.PhysF64:
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(v.Float(i)))
		case types.PhysI128:
			d := v.Decimal(i)
			dst = binary.LittleEndian.AppendUint64(dst, d.Lo)
			dst = binary.LittleEndian.AppendUint64(dst, uint64(d.Hi))
		case types.PhysBytes:
			b := v.Bytes(i)
			if v.IsNull(i) {
				b = nil
			}
			dst = binary.LittleEndian.AppendUint32(dst, uint32(len(b)))
			dst = append(dst, b...)
		}
	}
	return dst
}

func narrowBits(v *vector.Vector, i int) uint64 {
	if v.Type.Kind == types.Decimal {
		return v.Decimal(i).Lo
	}
	return uint64(v.Int(i))
}

// readBlock reads the next block into cols, whose types say what it holds, or returns io.EOF.
func readBlock(in *spillReader, cols []*outVector, ts []types.Type) (n int, err error) {
	raw, err := in.next()
	if err != nil {
		return 0, err
	}
	n = int(binary.LittleEndian.Uint64(raw))
	rest := raw[8:]
	for i, o := range cols {
		rest = o.readColumn(rest, ts[i], n)
	}
	return n, nil
}

func (o *outVector) readColumn(b []byte, t types.Type, n int) []byte {
	resetVector(&o.Vector, t, n)
	hasNulls := b[0] != 0
	b = b[1:]
	if hasNulls {
		o.valid = resize(o.valid, (n+63)/64)
		for i := range o.valid {
			o.valid[i] = binary.LittleEndian.Uint64(b)
			b = b[8:]
		}
		o.Valid = o.valid
	}
	for i := range n {
		switch o.Phys {
		case types.PhysI32:
			o.I32[i] = int32(binary.LittleEndian.Uint32(b))
			b = b[4:]
		case types.PhysI64:
			o.I64[i] = int64(binary.LittleEndian.Uint64(b))
			b = b[8:]
		case types.PhysF64:
			o.F64[i] = math.Float64frombits(binary.LittleEndian.Uint64(b))
			b = b[8:]
		case types.PhysI128:
			o.I128[i] = types.Int128{Lo: binary.LittleEndian.Uint64(b), Hi: int64(binary.LittleEndian.Uint64(b[8:]))}
			b = b[16:]
		case types.PhysBytes:
			k := binary.LittleEndian.Uint32(b)
			o.Data = append(o.Data, b[4:4+k]...)
			o.Off = append(o.Off, int32(len(o.Data)))
			b = b[4+k:]
		}
	}
	return b
}

// blockFile is a spill file of batches, written in sections and read section by section.
type blockFile struct {
	*spillFile
	raw  []byte
	ends []int64 // of the sections
}

func (q *Query) newBlockFile() (*blockFile, error) {
	f, err := q.newSpillFile()
	if err != nil {
		return nil, err
	}
	return &blockFile{spillFile: f}, nil
}

// write appends a batch to the current section.
func (f *blockFile) write(cols []*vector.Vector, n int) error {
	f.raw = appendBlock(f.raw[:0], cols, n)
	_, err := f.append(f.raw)
	return err
}

// endSection ends the current section.
func (f *blockFile) endSection() { f.ends = append(f.ends, f.size) }

// section returns a reader of section i.
func (f *blockFile) section(i int) *spillReader {
	from := int64(0)
	if i > 0 {
		from = f.ends[i-1]
	}
	return f.reader(from, f.ends[i])
}
