package agg

import (
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// Arg is one argument column of a batch, with its dense forms made on demand and kept: functions over the
// same argument share one Arg. Dense means only live rows that are not NULL.
type Arg struct {
	v      *vector.Vector
	sel    []uint16
	n      int
	groups []uint32

	split  bool // rows and rowGroups are those of this batch
	all    bool // no row is NULL
	rows   []uint16
	group  []uint32
	rowBuf []uint16
	grpBuf []uint32

	hasI64, hasF64, hasI128 bool
	i64                     []int64
	f64                     []float64
	i128                    []types.Int128
	i64Buf                  []int64
	f64Buf                  []float64
	i128Buf                 []types.Int128
}

// Set makes a stand for column v of the live rows (sel, or all n), whose groups are given row by live row.
func (a *Arg) Set(v *vector.Vector, sel []uint16, n int, groups []uint32) {
	if sel != nil {
		n = len(sel)
	}
	a.v, a.sel, a.n, a.groups = v, sel, n, groups
	a.split, a.hasI64, a.hasF64, a.hasI128 = false, false, false, false
}

// dense splits off NULLs: positions (nil: 0…n-1) and groups (nil: Single) of the rows that have a value.
func (a *Arg) dense() (n int, rows []uint16, groups []uint32) {
	if !a.split {
		a.split = true
		a.splitNulls()
	}
	if a.all {
		return a.n, a.sel, a.groups
	}
	return len(a.rows), a.rows, a.group
}

func (a *Arg) splitNulls() {
	a.all = a.v.Valid == nil
	if a.all {
		return
	}
	if cap(a.rowBuf) < a.n {
		a.rowBuf, a.grpBuf = make([]uint16, a.n, max(a.n, vector.MaxRows)), make([]uint32, a.n, max(a.n, vector.MaxRows))
	}
	rows, valid := a.rowBuf[:cap(a.rowBuf)], a.v.Valid
	m := 0
	if a.groups == nil {
		for k := range a.n {
			i := a.row(k)
			rows[m] = uint16(i)
			m += int(valid[i>>6] >> (uint(i) & 63) & 1)
		}
		a.rows, a.group = rows[:m], nil
		return
	}
	groups := a.grpBuf[:cap(a.grpBuf)]
	for k, g := range a.groups[:a.n] {
		i := a.row(k)
		rows[m], groups[m] = uint16(i), g
		m += int(valid[i>>6] >> (uint(i) & 63) & 1)
	}
	a.rows, a.group = rows[:m], groups[:m]
}

func (a *Arg) row(k int) int {
	if a.sel == nil {
		return k
	}
	return int(a.sel[k])
}

// wide reports whether the values do not fit 64 bits.
func (a *Arg) wide() bool { return a.v.Phys == types.PhysI128 }

// Ints returns the dense values of an integer-backed column.
func (a *Arg) Ints() ([]int64, []uint32) {
	n, rows, groups := a.dense()
	if !a.hasI64 {
		a.hasI64 = true
		if a.v.Phys == types.PhysI32 {
			a.i64, a.i64Buf = widen(a.i64Buf, a.v, rows, n)
		} else {
			a.i64, a.i64Buf = pick(a.i64Buf, a.v.I64, a.v, func(d *vector.Vector) []int64 { return d.I64 }, rows, n)
		}
	}
	return a.i64, groups
}

// Floats returns the dense values of a float column.
func (a *Arg) Floats() ([]float64, []uint32) {
	n, rows, groups := a.dense()
	if !a.hasF64 {
		a.hasF64 = true
		a.f64, a.f64Buf = pick(a.f64Buf, a.v.F64, a.v, func(d *vector.Vector) []float64 { return d.F64 }, rows, n)
	}
	return a.f64, groups
}

// Wide returns the dense values of a decimal column, whatever its layout.
func (a *Arg) Wide() ([]types.Int128, []uint32) {
	n, rows, groups := a.dense()
	if !a.hasI128 {
		a.hasI128 = true
		if a.wide() {
			a.i128, a.i128Buf = pick(a.i128Buf, a.v.I128, a.v, func(d *vector.Vector) []types.Int128 { return d.I128 }, rows, n)
			return a.i128, groups
		}
		a.i128Buf = a.i128Buf[:0]
		for k := range n {
			a.i128Buf = append(a.i128Buf, a.v.Decimal(position(rows, k)))
		}
		a.i128 = a.i128Buf
	}
	return a.i128, groups
}

func position(rows []uint16, k int) int {
	if rows == nil {
		return k
	}
	return int(rows[k])
}

// pick returns the values at rows: flat itself when nothing needs to move, else buf filled.
func pick[T any](buf, flat []T, v *vector.Vector, of func(*vector.Vector) []T, rows []uint16, n int) (vals, newBuf []T) {
	if v.Codes == nil && rows == nil {
		return flat[:n], buf
	}
	if cap(buf) < n {
		buf = make([]T, n, max(n, vector.MaxRows))
	}
	buf = buf[:n]
	switch {
	case v.Codes == nil:
		for k, i := range rows {
			buf[k] = flat[i]
		}
	case rows == nil:
		dict := of(v.Dict)
		for k, c := range v.Codes[:n] {
			buf[k] = dict[c]
		}
	default:
		dict := of(v.Dict)
		for k, i := range rows {
			buf[k] = dict[v.Codes[i]]
		}
	}
	return buf, buf
}

func widen(buf []int64, v *vector.Vector, rows []uint16, n int) (vals, newBuf []int64) {
	if cap(buf) < n {
		buf = make([]int64, n, max(n, vector.MaxRows))
	}
	buf = buf[:n]
	switch {
	case v.Codes != nil:
		for k := range buf {
			buf[k] = int64(v.Dict.I32[v.Codes[position(rows, k)]])
		}
	case rows == nil:
		for k, x := range v.I32[:n] {
			buf[k] = int64(x)
		}
	default:
		for k, i := range rows {
			buf[k] = int64(v.I32[i])
		}
	}
	return buf, buf
}
