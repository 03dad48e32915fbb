package exec

import (
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// rowText is how many bytes of text a column may have for each row of a full batch of rows that are gathered from others; where rows
// are longer, batches have fewer of them, but one at least. Offsets of 32 bits reach a thousand times as far.
const rowText = 256

// textRoom is how many bytes of text, about, a column of a batch may have.
func (q *Query) textRoom() int {
	room := int64(rowText * q.batchRows())
	if limit := q.Memory.tightest(); limit > 0 {
		room = min(room, max(limit/64, 64<<10))
	}
	return int(room)
}

// fetchAll makes dst vectors of n rows and puts the values of kept row refs[k] into row at[k] (nil at: row k). A ref of noRow
// gives NULL. Rows not in at are unspecified but readable. at ascends. It returns how many refs it got to until the text of a
// column passed room.
func (r *rowSet) fetchAll(dst []*outVector, refs []uint32, at []uint16, n int, outer bool, room int) int {
	for i, o := range dst {
		refs = refs[:r.fetch(o, i, refs, at, n, outer, room)]
	}
	return len(refs)
}

// fetch is fetchAll for one column.
func (r *rowSet) fetch(dst *outVector, col int, refs []uint32, at []uint16, n int, outer bool, room int) int {
	c := &r.cols[col]
	t := r.types[col]
	if c.codes != nil {
		r.fetchCodes(dst, c, refs, at, n, t)
		r.fetchNulls(dst, col, refs, at, outer)
		return len(refs)
	}
	resetVector(&dst.Vector, t, n)
	if len(r.chunks) == 0 {
		fillZero(dst, n)
		dst.allValid()
		clear(dst.Valid)
		return len(refs)
	}
	switch dst.Phys {
	case types.PhysI32:
		fetchFixed(dst.I32, c.i32, refs, at)
	case types.PhysI64:
		fetchFixed(dst.I64, c.i64, refs, at)
	case types.PhysF64:
		fetchFixed(dst.F64, c.f64, refs, at)
	case types.PhysI128:
		fetchFixed(dst.I128, c.i128, refs, at)
	case types.PhysBytes:
		refs = refs[:r.fetchBytes(dst, col, refs, at, n, room)]
	}
	r.fetchNulls(dst, col, refs, at, outer)
	return len(refs)
}

func fillZero(dst *outVector, n int) {
	clear(dst.I32)
	clear(dst.I64)
	clear(dst.F64)
	clear(dst.I128)
	if dst.Phys == types.PhysBytes {
		for range n {
			dst.Off = append(dst.Off, 0)
		}
	}
}

func fetchFixed[T any](dst []T, chunks [][]T, refs []uint32, at []uint16) {
	if at == nil {
		for k, ref := range refs {
			if ref != noRow {
				dst[k] = chunks[ref>>chunkBits][ref&(chunkRows-1)]
			}
		}
		return
	}
	for k, ref := range refs {
		if ref != noRow {
			dst[at[k]] = chunks[ref>>chunkBits][ref&(chunkRows-1)]
		}
	}
}

func (r *rowSet) fetchCodes(dst *outVector, c *rowColumn, refs []uint32, at []uint16, n int, t types.Type) {
	dst.codes = resize(dst.codes, n)
	if at != nil || len(refs) < n {
		clear(dst.codes) // rows without a value must hold a code in range
	}
	for k, ref := range refs {
		code := int32(0)
		if ref != noRow {
			code = c.codes[ref>>chunkBits][ref&(chunkRows-1)]
		}
		dst.codes[rowAt(at, k)] = code
	}
	v := &dst.Vector
	v.Type, v.Phys, v.Len, v.Valid, v.Codes, v.Dict = t, types.PhysBytes, n, nil, dst.codes, c.dict
}

func (r *rowSet) fetchBytes(dst *outVector, col int, refs []uint32, at []uint16, n, room int) int {
	took := len(refs)
	for k, ref := range refs {
		if len(dst.Data) > room {
			took = k
			break
		}
		if at != nil {
			for len(dst.Off) <= int(at[k]) {
				dst.Off = append(dst.Off, int32(len(dst.Data)))
			}
		}
		if ref != noRow {
			dst.Data = append(dst.Data, r.chunks[ref>>chunkBits].Cols[col].Bytes(int(ref&(chunkRows-1)))...)
		}
		dst.Off = append(dst.Off, int32(len(dst.Data)))
	}
	padOffsets(&dst.Vector, n)
	return took
}

// padOffsets makes the rows of v that have no text yet empty.
func padOffsets(v *vector.Vector, n int) {
	for len(v.Off) <= n {
		v.Off = append(v.Off, int32(len(v.Data)))
	}
}

func (r *rowSet) fetchNulls(dst *outVector, col int, refs []uint32, at []uint16, outer bool) {
	if !r.cols[col].nulls && !outer {
		return
	}
	for k, ref := range refs {
		if ref == noRow {
			dst.setNull(rowAt(at, k))
			continue
		}
		if v := r.chunks[ref>>chunkBits].Cols[col].Valid; v != nil && !v.Get(int(ref&(chunkRows-1))) {
			dst.setNull(rowAt(at, k))
		}
	}
}

// fetchProbe gathers rows of a batch's column into dst: dst[k] = v[idx[k]]. It returns how many rows it got to until their text
// passed room; the others are unspecified but readable.
func fetchProbe(dst *outVector, v *vector.Vector, idx []uint16, room int) int {
	n, took := len(idx), len(idx)
	if v.Codes != nil {
		dst.codes = resize(dst.codes, n)
		for k, i := range idx {
			dst.codes[k] = v.Codes[i]
		}
		d := &dst.Vector
		d.Type, d.Phys, d.Len, d.Valid, d.Codes, d.Dict = v.Type, v.Phys, n, nil, dst.codes, v.Dict
	} else {
		resetVector(&dst.Vector, v.Type, n)
		if dst.Phys != v.Phys { // a decimal that is narrow, or wide, in this batch
			resizeDecimal(&dst.Vector, v.Phys, n)
		}
		switch v.Phys {
		case types.PhysI32:
			takeFixed(dst.I32, v.I32, idx)
		case types.PhysI64:
			takeFixed(dst.I64, v.I64, idx)
		case types.PhysF64:
			takeFixed(dst.F64, v.F64, idx)
		case types.PhysI128:
			takeFixed(dst.I128, v.I128, idx)
		case types.PhysBytes:
			for k, i := range idx {
				if len(dst.Data) > room {
					took = k
					break
				}
				dst.Data = append(dst.Data, v.Data[v.Off[i]:v.Off[i+1]]...)
				dst.Off = append(dst.Off, int32(len(dst.Data)))
			}
			padOffsets(&dst.Vector, n)
		}
	}
	if v.Valid == nil {
		return took
	}
	dst.valid = resize(dst.valid, (n+63)/64)
	clear(dst.valid)
	for k, i := range idx {
		dst.valid[k>>6] |= v.Valid[i>>6] >> (i & 63) & 1 << (uint(k) & 63)
	}
	dst.Valid = dst.valid
	return took
}

// cut makes o its first n rows.
func (o *outVector) cut(n int) {
	v := &o.Vector
	v.Len = n
	switch {
	case v.Codes != nil:
		v.Codes = v.Codes[:n]
		return
	case v.Phys == types.PhysI32:
		v.I32 = v.I32[:n]
	case v.Phys == types.PhysI64:
		v.I64 = v.I64[:n]
	case v.Phys == types.PhysF64:
		v.F64 = v.F64[:n]
	case v.Phys == types.PhysI128:
		v.I128 = v.I128[:n]
	case v.Phys == types.PhysBytes:
		v.Off = v.Off[:n+1]
		v.Data = v.Data[:v.Off[n]]
	}
}

func resizeDecimal(v *vector.Vector, p types.Physical, n int) {
	v.Phys = p
	if p == types.PhysI64 {
		v.I64 = resize(v.I64, n)
	} else {
		v.I128 = resize(v.I128, n)
	}
}

func takeFixed[T any](dst, src []T, idx []uint16) {
	for k, i := range idx {
		dst[k] = src[i]
	}
}

// allNull makes dst n NULL rows of type t.
func allNull(dst *outVector, t types.Type, n int) {
	resetVector(&dst.Vector, t, n)
	fillZero(dst, n)
	dst.allValid()
	clear(dst.Valid)
}
