package exec

import (
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// resize returns a slice of n elements that reuses s's memory; the contents are unspecified.
func resize[T any](s []T, n int) []T {
	if cap(s) >= n {
		return s[:n]
	}
	return make([]T, n, max(n, min(2*cap(s), n+vector.MaxRows)))
}

// resetVector makes v a flat vector of n rows of type t in its default layout, none NULL. Values are
// unspecified; PhysBytes starts with no offsets but the first. Memory is reused.
func resetVector(v *vector.Vector, t types.Type, n int) {
	v.Type, v.Phys, v.Len, v.Codes, v.Dict = t, t.Physical(), n, nil, nil
	v.Valid = v.Valid[:0]
	switch v.Phys {
	case types.PhysI32:
		v.I32 = resize(v.I32, n)
	case types.PhysI64:
		v.I64 = resize(v.I64, n)
	case types.PhysF64:
		v.F64 = resize(v.F64, n)
	case types.PhysI128:
		v.I128 = resize(v.I128, n)
	case types.PhysBytes:
		v.Off = append(v.Off[:0], 0)
		v.Data = v.Data[:0]
	}
	v.Valid = nil
}

// outVector is a vector whose memory is used again for every batch.
type outVector struct {
	vector.Vector
	valid vector.Bitmap
	codes []int32
}

func newOutVectors(ts []types.Type) ([]*outVector, []*vector.Vector) {
	outs, cols := make([]*outVector, len(ts)), make([]*vector.Vector, len(ts))
	for i, t := range ts {
		outs[i] = &outVector{}
		resetVector(&outs[i].Vector, t, 0)
		cols[i] = &outs[i].Vector
	}
	return outs, cols
}

// allValid gives the vector a validity bitmap of all ones that may be written to.
func (o *outVector) allValid() {
	o.valid = resize(o.valid, (o.Len+63)/64)
	clear(o.valid)
	o.valid.SetRange(0, o.Len)
	o.Valid = o.valid
}

// setNull marks row i NULL.
func (o *outVector) setNull(i int) {
	if o.Valid == nil {
		o.allValid()
	}
	o.Valid.Clear(i)
}

// rowAt returns the position of live row k.
func rowAt(sel []uint16, k int) int {
	if sel == nil {
		return k
	}
	return int(sel[k])
}

// appendFixed appends the selected elements of src, looked up through codes if there are any.
func appendFixed[T any](dst, src []T, codes []int32, sel []uint16, n int) []T {
	switch {
	case codes != nil && sel != nil:
		for _, i := range sel {
			dst = append(dst, src[codes[i]])
		}
	case codes != nil:
		for _, c := range codes[:n] {
			dst = append(dst, src[c])
		}
	case sel != nil:
		for _, i := range sel {
			dst = append(dst, src[i])
		}
	default:
		dst = append(dst, src[:n]...)
	}
	return dst
}

// appendRows appends the rows of src that sel names (nil: all n) to the flat vector dst, which is in the
// default layout of its type.
func appendRows(dst, src *vector.Vector, sel []uint16, n int) {
	if sel != nil {
		n = len(sel)
	}
	appendValid(dst, src.Valid, sel, n)
	vals := src
	if src.Codes != nil {
		vals = src.Dict
	}
	switch dst.Phys {
	case types.PhysI32:
		dst.I32 = appendFixed(dst.I32, vals.I32, src.Codes, sel, n)
	case types.PhysI64:
		if vals.Phys == types.PhysI128 {
			for k := range n {
				dst.I64 = append(dst.I64, int64(src.Decimal(rowAt(sel, k)).Lo))
			}
			break
		}
		dst.I64 = appendFixed(dst.I64, vals.I64, src.Codes, sel, n)
	case types.PhysF64:
		dst.F64 = appendFixed(dst.F64, vals.F64, src.Codes, sel, n)
	case types.PhysI128:
		if vals.Phys == types.PhysI64 {
			for k := range n {
				dst.I128 = append(dst.I128, src.Decimal(rowAt(sel, k)))
			}
			break
		}
		dst.I128 = appendFixed(dst.I128, vals.I128, src.Codes, sel, n)
	case types.PhysBytes:
		if len(dst.Off) == 0 {
			dst.Off = append(dst.Off, 0)
		}
		for k := range n {
			i := rowAt(sel, k)
			if !src.IsNull(i) {
				dst.Data = append(dst.Data, src.Bytes(i)...)
			}
			dst.Off = append(dst.Off, int32(len(dst.Data)))
		}
	}
	dst.Len += n
}

// appendValid appends n validity bits to dst, before dst.Len is advanced.
func appendValid(dst *vector.Vector, valid vector.Bitmap, sel []uint16, n int) {
	if valid == nil && dst.Valid == nil {
		return
	}
	if dst.Valid == nil {
		dst.Valid = vector.FullBitmap(dst.Len)
	}
	for len(dst.Valid)*64 < dst.Len+n {
		dst.Valid = append(dst.Valid, 0)
	}
	if valid == nil {
		dst.Valid.SetRange(dst.Len, dst.Len+n)
		return
	}
	for k := range n {
		if valid.Get(rowAt(sel, k)) {
			dst.Valid.Set(dst.Len + k)
		}
	}
}
