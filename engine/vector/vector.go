package vector

import (
	"github.com/featuresql/featuresql/engine/types"
)

// MaxRows is the greatest number of rows in a batch that flows between operators.
const MaxRows = 8192

// Vector is one column of a batch.
type Vector struct {
	Type  types.Type
	Phys  types.Physical // PhysI64 or PhysI128 for a Decimal, Type.Physical() for everything else
	Len   int
	Valid Bitmap // nil: no NULLs

	I32  []int32
	I64  []int64
	F64  []float64
	I128 []types.Int128
	Off  []int32 // PhysBytes: Len+1 offsets into Data
	Data []byte

	Codes []int32 // dictionary form: row i has the value Dict[Codes[i]]
	Dict  *Vector
}

// New returns a flat vector of n rows of zero values, none NULL; a PhysBytes vector has n empty strings.
func New(t types.Type, n int) *Vector { return NewPhys(t, t.Physical(), n) }

// NewPhys is New with an explicit layout (a narrow Decimal is PhysI64 whatever its precision).
func NewPhys(t types.Type, p types.Physical, n int) *Vector {
	v := &Vector{Type: t, Phys: p, Len: n}
	switch p {
	case types.PhysI32:
		v.I32 = make([]int32, n)
	case types.PhysI64:
		v.I64 = make([]int64, n)
	case types.PhysF64:
		v.F64 = make([]float64, n)
	case types.PhysI128:
		v.I128 = make([]types.Int128, n)
	case types.PhysBytes:
		v.Off = make([]int32, n+1)
	}
	return v
}

var zeroCodes = make([]int32, MaxRows)

// NewConst returns n rows (n <= MaxRows) of one value: a dictionary of one entry, or all NULL.
func NewConst(val types.Value, n int) *Vector {
	d := New(val.Type, 0)
	if val.Type.Kind == types.Decimal && val.D.Fits64() {
		d = NewPhys(val.Type, types.PhysI64, 0)
	}
	if val.Valid {
		d.AppendValue(val)
	} else {
		d.AppendZero()
	}
	v := &Vector{Type: val.Type, Phys: d.Phys, Len: n, Codes: zeroCodes[:n], Dict: d}
	if !val.Valid {
		v.Valid = NewBitmap(n)
	}
	return v
}

// IsConst reports whether every row certainly holds the same value (or all are NULL).
func (v *Vector) IsConst() bool {
	return v.Codes != nil && v.Dict.Len == 1 && (v.Valid == nil || v.AllNull())
}

// AllNull reports whether every row is NULL.
func (v *Vector) AllNull() bool { return v.Valid != nil && v.Valid.Count(v.Len) == 0 }

// IsNull reports whether row i is NULL.
func (v *Vector) IsNull(i int) bool { return v.Valid != nil && !v.Valid.Get(i) }

// Bytes returns the bytes of row i of a PhysBytes vector, flat or dictionary-coded; do not keep or change them.
func (v *Vector) Bytes(i int) []byte {
	if v.Codes != nil {
		v, i = v.Dict, int(v.Codes[i])
	}
	return v.Data[v.Off[i]:v.Off[i+1]]
}

// Int returns row i of a PhysI32 or PhysI64 vector, flat or dictionary-coded, widened.
func (v *Vector) Int(i int) int64 {
	if v.Codes != nil {
		v, i = v.Dict, int(v.Codes[i])
	}
	if v.Phys == types.PhysI32 {
		return int64(v.I32[i])
	}
	return v.I64[i]
}

// Float returns row i of a PhysF64 vector, flat or dictionary-coded.
func (v *Vector) Float(i int) float64 {
	if v.Codes != nil {
		v, i = v.Dict, int(v.Codes[i])
	}
	return v.F64[i]
}

// Decimal returns the unscaled value of row i of a Decimal vector, flat or dictionary-coded.
func (v *Vector) Decimal(i int) types.Int128 {
	if v.Codes != nil {
		v, i = v.Dict, int(v.Codes[i])
	}
	if v.Phys == types.PhysI64 {
		return types.Int128From(v.I64[i])
	}
	return v.I128[i]
}

// Value boxes row i.
func (v *Vector) Value(i int) types.Value {
	if v.IsNull(i) {
		return types.NullOf(v.Type)
	}
	val := types.Value{Type: v.Type, Valid: true}
	switch {
	case v.Type.Kind == types.Decimal:
		val.D = v.Decimal(i)
	case v.Phys == types.PhysF64:
		val.F = v.Float(i)
	case v.Phys == types.PhysBytes:
		val.S = string(v.Bytes(i))
	default:
		val.I = v.Int(i)
	}
	return val
}

// SetNull marks row i NULL.
func (v *Vector) SetNull(i int) {
	if v.Valid == nil {
		v.Valid = FullBitmap(v.Len)
	}
	v.Valid.Clear(i)
}

// AppendZero appends a zero value (not NULL) to a flat vector.
func (v *Vector) AppendZero() {
	switch v.Phys {
	case types.PhysI32:
		v.I32 = append(v.I32, 0)
	case types.PhysI64:
		v.I64 = append(v.I64, 0)
	case types.PhysF64:
		v.F64 = append(v.F64, 0)
	case types.PhysI128:
		v.I128 = append(v.I128, types.Int128{})
	case types.PhysBytes:
		if len(v.Off) == 0 {
			v.Off = append(v.Off, 0)
		}
		v.Off = append(v.Off, int32(len(v.Data)))
	}
	v.growValid(true)
	v.Len++
}

// AppendNull appends a NULL to a flat vector.
func (v *Vector) AppendNull() {
	if v.Valid == nil {
		v.Valid = FullBitmap(v.Len)
	}
	v.AppendZero()
	v.Valid.Clear(v.Len - 1)
}

// AppendBytes appends a value to a flat vector of text.
func (v *Vector) AppendBytes(b []byte) {
	v.Data = append(v.Data, b...)
	v.Off = append(v.Off, int32(len(v.Data)))
	v.growValid(true)
	v.Len++
}

func (v *Vector) growValid(valid bool) {
	if v.Valid == nil {
		return
	}
	if v.Len>>6 >= len(v.Valid) {
		v.Valid = append(v.Valid, 0)
	}
	if valid {
		v.Valid.Set(v.Len)
	}
}

// AppendValue appends val, of v's type, to a flat vector. A Decimal that does not fit a narrow vector widens it.
func (v *Vector) AppendValue(val types.Value) {
	if !val.Valid {
		v.AppendNull()
		return
	}
	switch {
	case v.Type.Kind == types.Decimal && v.Phys == types.PhysI64 && !val.D.Fits64():
		v.Widen()
		v.I128 = append(v.I128, val.D)
	case v.Phys == types.PhysI64 && v.Type.Kind == types.Decimal:
		v.I64 = append(v.I64, int64(val.D.Lo))
	case v.Phys == types.PhysI32:
		v.I32 = append(v.I32, int32(val.I))
	case v.Phys == types.PhysI64:
		v.I64 = append(v.I64, val.I)
	case v.Phys == types.PhysF64:
		v.F64 = append(v.F64, val.F)
	case v.Phys == types.PhysI128:
		v.I128 = append(v.I128, val.D)
	case v.Phys == types.PhysBytes:
		if len(v.Off) == 0 {
			v.Off = append(v.Off, 0)
		}
		v.Data = append(v.Data, val.S...)
		v.Off = append(v.Off, int32(len(v.Data)))
	}
	v.growValid(true)
	v.Len++
}

// Widen turns a narrow flat Decimal vector into PhysI128 in place.
func (v *Vector) Widen() {
	if v.Phys != types.PhysI64 || v.Type.Kind != types.Decimal {
		return
	}
	v.I128 = make([]types.Int128, len(v.I64), cap(v.I64))
	for i, x := range v.I64 {
		v.I128[i] = types.Int128From(x)
	}
	v.Phys, v.I64 = types.PhysI128, nil
}

// Flat returns v without dictionary codes: v itself, or a copy with the values in place.
func (v *Vector) Flat() *Vector {
	if v.Codes == nil {
		return v
	}
	r := v.Dict.Gather32(v.Codes)
	r.Valid = v.Valid
	return r
}

// Gather32 returns the rows of a flat vector without NULLs that idx names (values only; Valid is gathered if present).
func (v *Vector) Gather32(idx []int32) *Vector { return gather(v, idx) }

// Gather returns a flat copy of the rows that sel names.
func (v *Vector) Gather(sel []uint16) *Vector { return gather(v, sel) }

// Compact returns a copy of the selected rows that keeps dictionary codes: the dictionary is shared. A nil sel copies all rows.
func (v *Vector) Compact(sel []uint16) *Vector {
	if v.Codes == nil {
		if sel == nil {
			return v.Clone()
		}
		return gather(v, sel)
	}
	r := &Vector{Type: v.Type, Phys: v.Phys, Dict: v.Dict}
	if sel == nil {
		r.Len, r.Codes, r.Valid = v.Len, append([]int32(nil), v.Codes...), v.Valid.Clone()
		return r
	}
	r.Len, r.Codes = len(sel), make([]int32, len(sel))
	for k, i := range sel {
		r.Codes[k] = v.Codes[i]
	}
	r.Valid = gatherValid(v.Valid, sel)
	return r
}

// Clone returns a deep copy of v's rows; a dictionary is shared.
func (v *Vector) Clone() *Vector {
	r := &Vector{Type: v.Type, Phys: v.Phys, Len: v.Len, Valid: v.Valid.Clone(), Dict: v.Dict}
	r.I32 = append([]int32(nil), v.I32...)
	r.I64 = append([]int64(nil), v.I64...)
	r.F64 = append([]float64(nil), v.F64...)
	r.I128 = append([]types.Int128(nil), v.I128...)
	r.Off = append([]int32(nil), v.Off...)
	r.Data = append([]byte(nil), v.Data...)
	r.Codes = append([]int32(nil), v.Codes...)
	return r
}

type index interface{ ~uint16 | ~int32 }

func gatherValid[I index](valid Bitmap, idx []I) Bitmap {
	if valid == nil {
		return nil
	}
	b := NewBitmap(len(idx))
	for k, i := range idx {
		b[k>>6] |= valid[int(i)>>6] >> (uint(i) & 63) & 1 << (uint(k) & 63)
	}
	return b
}

func gather[I index](v *Vector, idx []I) *Vector {
	valid := gatherValid(v.Valid, idx)
	if v.Codes != nil {
		codes := make([]int32, len(idx))
		for k, i := range idx {
			codes[k] = v.Codes[i]
		}
		r := gather(v.Dict, codes)
		r.Valid = valid
		return r
	}
	r := &Vector{Type: v.Type, Phys: v.Phys, Len: len(idx), Valid: valid}
	switch v.Phys {
	case types.PhysI32:
		r.I32 = take(v.I32, idx)
	case types.PhysI64:
		r.I64 = take(v.I64, idx)
	case types.PhysF64:
		r.F64 = take(v.F64, idx)
	case types.PhysI128:
		r.I128 = take(v.I128, idx)
	case types.PhysBytes:
		takeBytes(r, v, idx)
	}
	return r
}

func take[T any, I index](src []T, idx []I) []T {
	out := make([]T, len(idx))
	for k, i := range idx {
		out[k] = src[i]
	}
	return out
}

func takeBytes[I index](r, v *Vector, idx []I) {
	size := 0
	for _, i := range idx {
		size += int(v.Off[i+1] - v.Off[i])
	}
	r.Off, r.Data = make([]int32, len(idx)+1), make([]byte, 0, size)
	for k, i := range idx {
		r.Data = append(r.Data, v.Data[v.Off[i]:v.Off[i+1]]...)
		r.Off[k+1] = int32(len(r.Data))
	}
}

// AppendRows appends the rows of src that sel names (nil: all) to the flat vector v of the same type.
func (v *Vector) AppendRows(src *Vector, sel []uint16) {
	n := len(sel)
	if sel == nil {
		n = src.Len
	}
	row := func(k int) int {
		if sel == nil {
			return k
		}
		return int(sel[k])
	}
	if src.Valid != nil && v.Valid == nil {
		v.Valid = FullBitmap(v.Len)
	}
	if v.Valid != nil {
		for len(v.Valid)*64 < v.Len+n {
			v.Valid = append(v.Valid, 0)
		}
		for k := range n {
			if !src.IsNull(row(k)) {
				v.Valid.Set(v.Len + k)
			}
		}
	}
	if v.Phys == types.PhysI64 && src.Phys == types.PhysI128 {
		v.Widen()
	}
	for k := range n {
		i := row(k)
		switch v.Phys {
		case types.PhysI32:
			v.I32 = append(v.I32, int32(src.Int(i)))
		case types.PhysI64:
			v.I64 = append(v.I64, src.Int(i))
		case types.PhysF64:
			v.F64 = append(v.F64, src.Float(i))
		case types.PhysI128:
			v.I128 = append(v.I128, src.Decimal(i))
		case types.PhysBytes:
			if len(v.Off) == 0 {
				v.Off = append(v.Off, 0)
			}
			v.Data = append(v.Data, src.Bytes(i)...)
			v.Off = append(v.Off, int32(len(v.Data)))
		}
	}
	v.Len += n
}

// SizeBytes is the memory that v's own slices hold; a shared dictionary counts in full.
func (v *Vector) SizeBytes() int {
	n := len(v.Valid)*8 + len(v.I32)*4 + len(v.I64)*8 + len(v.F64)*8 + len(v.I128)*16 + len(v.Off)*4 + len(v.Data) + len(v.Codes)*4
	if v.Dict != nil {
		n += v.Dict.SizeBytes()
	}
	return n
}
