package agg

import (
	"bytes"
	"math"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// extreme is MIN, MAX and ANY_VALUE. State: whether there is a value, then the value in one word or two; or,
// for strings, only whether there is one, and the bytes in side.
//
// Numbers are kept in a form that a signed comparison orders: unsigned ones with the top bit flipped, floats
// mapped monotonically.
type extreme struct {
	want int // -1: the least, 1: the greatest, 0: the first
	typ  types.Type
	side *sideBytes
	vals []int64
}

// sideBytes holds a string a group.
type sideBytes struct {
	vals  [][]byte
	bytes int64
}

func (s *sideBytes) set(g uint32, b []byte) {
	for int(g) >= len(s.vals) {
		s.vals = append(s.vals, nil)
	}
	old := cap(s.vals[g])
	s.vals[g] = append(s.vals[g][:0], b...)
	s.bytes += int64(cap(s.vals[g]) - old)
}

func newExtreme(fn string, t types.Type) *extreme {
	f := &extreme{typ: t}
	switch fn {
	case "min":
		f.want = -1
	case "max":
		f.want = 1
	}
	if t.Physical() == types.PhysBytes {
		f.side = &sideBytes{}
	}
	return f
}

func (f *extreme) Words() int {
	switch f.typ.Physical() {
	case types.PhysBytes:
		return 1
	case types.PhysI128:
		return 3
	}
	return 2
}

func (f *extreme) SizeBytes() int64 {
	if f.side == nil {
		return 0
	}
	return f.side.bytes + int64(cap(f.side.vals)*24)
}

func (f *extreme) Update(t Table, in *Input) error {
	a := in.Args[0]
	switch f.typ.Physical() {
	case types.PhysBytes:
		f.updateBytes(t, a)
	case types.PhysI128:
		vals, groups := a.Wide()
		for i, x := range vals {
			f.foldWide(t.at(groupOf(groups, i)), x)
		}
	case types.PhysF64:
		vals, groups := a.Floats()
		f.vals = f.vals[:0]
		for _, x := range vals {
			f.vals = append(f.vals, floatOrder(x))
		}
		f.updateInts(t, f.vals, groups)
	default:
		f.updateNarrow(t, a)
	}
	return nil
}

func (f *extreme) updateNarrow(t Table, a *Arg) {
	if a.wide() { // a decimal of few digits that came in the wide layout
		vals, groups := a.Wide()
		f.vals = f.vals[:0]
		for _, x := range vals {
			f.vals = append(f.vals, int64(x.Lo))
		}
		f.updateInts(t, f.vals, groups)
		return
	}
	vals, groups := a.Ints()
	if f.typ.Kind == types.Uint64 {
		f.vals = f.vals[:0]
		for _, x := range vals {
			f.vals = append(f.vals, x^math.MinInt64)
		}
		vals = f.vals
	}
	f.updateInts(t, vals, groups)
}

// floatOrder maps floats to integers of the same order, NaN above all; floatFrom is its inverse.
func floatOrder(x float64) int64 {
	if x != x {
		return math.MaxInt64
	}
	b := int64(math.Float64bits(x + 0)) // -0 becomes 0
	return b ^ int64(uint64(b>>63)>>1)
}

func floatFrom(x int64) float64 {
	if x == math.MaxInt64 {
		return math.NaN()
	}
	return math.Float64frombits(uint64(x ^ int64(uint64(x>>63)>>1)))
}

func (f *extreme) updateInts(t Table, vals []int64, groups []uint32) {
	if len(vals) == 0 {
		return
	}
	switch {
	case groups == nil:
		f.updateSingle(t.at(Single), vals)
	case f.want < 0:
		rows, stride, off := t.Rows, t.Stride, t.Offset
		for i, x := range vals {
			at := int(groups[i])*stride + off
			if s := rows[at : at+2 : at+2]; s[0] == 0 || x < int64(s[1]) {
				s[0], s[1] = 1, uint64(x)
			}
		}
	case f.want > 0:
		rows, stride, off := t.Rows, t.Stride, t.Offset
		for i, x := range vals {
			at := int(groups[i])*stride + off
			if s := rows[at : at+2 : at+2]; s[0] == 0 || x > int64(s[1]) {
				s[0], s[1] = 1, uint64(x)
			}
		}
	default:
		for i, x := range vals {
			if s := t.at(groups[i]); s[0] == 0 {
				s[0], s[1] = 1, uint64(x)
			}
		}
	}
}

func (f *extreme) updateSingle(s []uint64, vals []int64) {
	best := vals[0]
	if s[0] != 0 {
		best = int64(s[1])
	}
	switch {
	case f.want < 0:
		for _, x := range vals {
			best = min(best, x)
		}
	case f.want > 0:
		for _, x := range vals {
			best = max(best, x)
		}
	}
	s[0], s[1] = 1, uint64(best)
}

func (f *extreme) foldWide(s []uint64, x types.Int128) {
	if s[0] == 0 || x.Cmp(sumOf(s))*f.want > 0 {
		s[0], s[1], s[2] = 1, x.Lo, uint64(x.Hi)
	}
}

func (f *extreme) updateBytes(t Table, a *Arg) {
	n, rows, groups := a.dense()
	for k := range n {
		f.foldBytes(t, groupOf(groups, k), a.v.Bytes(position(rows, k)))
	}
}

func (f *extreme) foldBytes(t Table, g uint32, b []byte) {
	s := t.at(g)
	if s[0] == 0 || (f.want != 0 && bytes.Compare(b, f.side.vals[g])*f.want > 0) {
		s[0] = 1
		f.side.set(g, b)
	}
}

func (f *extreme) Merge(t Table, into []uint32, src Func, st Table, from []uint32) error {
	for i, g := range into {
		s, o := t.at(g), st.at(from[i])
		if o[0] == 0 {
			continue
		}
		switch f.typ.Physical() {
		case types.PhysBytes:
			f.foldBytes(t, g, src.(*extreme).side.vals[from[i]])
		case types.PhysI128:
			f.foldWide(s, sumOf(o))
		default:
			x, y := int64(o[1]), int64(s[1])
			if s[0] == 0 || (f.want < 0 && x < y) || (f.want > 0 && x > y) {
				s[0], s[1] = 1, uint64(x)
			}
		}
	}
	return nil
}

func (f *extreme) Result(t Table, groups []uint32, out *vector.Vector) error {
	for i, g := range groups {
		s := t.at(g)
		if out.Phys == types.PhysBytes {
			if s[0] != 0 {
				out.Data = append(out.Data, f.side.vals[g]...)
			}
			out.Off = append(out.Off, int32(len(out.Data)))
		}
		if s[0] == 0 {
			out.SetNull(i)
			continue
		}
		switch out.Phys {
		case types.PhysI32:
			out.I32[i] = int32(s[1])
		case types.PhysI64:
			out.I64[i] = int64(s[1])
			if f.typ.Kind == types.Uint64 {
				out.I64[i] ^= math.MinInt64
			}
		case types.PhysF64:
			out.F64[i] = floatFrom(int64(s[1]))
		case types.PhysI128:
			out.I128[i] = sumOf(s)
		}
	}
	return nil
}
