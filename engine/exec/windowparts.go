package exec

import (
	"bytes"
	"math"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// changes says of each row whether it differs from the row before it in one of the columns.
type changes struct {
	columns []int
	at      []bool
}

// extend goes on to row n.
func (c *changes) extend(cols []*vector.Vector, n int) {
	from := len(c.at)
	c.at = append(c.at, make([]bool, n-from)...)
	for _, col := range c.columns {
		markChanges(c.at, cols[col], max(from, 1), n)
	}
}

// next returns the first row from…n-1 that differs from the one before it, or n.
func (c *changes) next(from, n int) int {
	for ; from < n; from++ {
		if c.at[from] {
			break
		}
	}
	return from
}

func (c *changes) drop(k int) { c.at = c.at[:copy(c.at, c.at[k:])] }

// markChanges sets at[i] where rows i-1 and i of the flat vector v differ; NULLs are equal, and so are NaNs and both
// zeros, as sort keys have it.
func markChanges(at []bool, v *vector.Vector, from, to int) {
	if v.Valid != nil {
		for i := from; i < to; i++ {
			at[i] = at[i] || v.Valid.Get(i) != v.Valid.Get(i-1)
		}
	}
	null := func(i int) bool { return v.Valid != nil && !v.Valid.Get(i) }
	switch v.Phys {
	case types.PhysI32:
		markFixed(at, v.I32, null, from, to)
	case types.PhysI64:
		markFixed(at, v.I64, null, from, to)
	case types.PhysI128:
		markFixed(at, v.I128, null, from, to)
	case types.PhysF64:
		for i := from; i < to; i++ {
			x, y := v.F64[i-1], v.F64[i]
			at[i] = at[i] || x != y && !(math.IsNaN(x) && math.IsNaN(y)) && !null(i)
		}
	case types.PhysBytes:
		for i := from; i < to; i++ {
			at[i] = at[i] || !null(i) && !bytes.Equal(v.Bytes(i-1), v.Bytes(i))
		}
	}
}

func markFixed[T comparable](at []bool, vals []T, null func(int) bool, from, to int) {
	for i := from; i < to; i++ {
		at[i] = at[i] || vals[i] != vals[i-1] && !null(i)
	}
}

// peers are the rows of a partition that are equal in a window's order: those of row i are first[i]…last[i]-1, and
// they are the group[i]-th of the partition, from 1. last is set once the next group has begun or the partition
// ended: for the rows before open.
type peers struct {
	changes
	first, last, group []int32
	open               int // the first row of the last group, or the end of a complete partition
}

// extend goes on to the end of what is known of p.
func (k *peers) extend(p *windowPart) {
	for i := len(k.first); i < p.end; i++ {
		switch {
		case i == p.start:
			k.open = i
			k.group = append(k.group, 1)
		case k.at[i]:
			k.close(i)
			k.group = append(k.group, k.group[i-1]+1)
		default:
			k.group = append(k.group, k.group[i-1])
		}
		k.first = append(k.first, int32(k.open))
	}
	if p.complete && k.open < p.end {
		k.close(p.end)
	}
}

// close ends the last group before row i.
func (k *peers) close(i int) {
	for len(k.last) < i {
		k.last = append(k.last, int32(i))
	}
	k.open = i
}

func (k *peers) drop(n int) {
	k.changes.drop(n)
	for _, rows := range []*[]int32{&k.first, &k.last} {
		old := *rows
		*rows = old[:copy(old, old[min(n, len(old)):])]
		for i := range *rows {
			(*rows)[i] -= int32(n)
		}
	}
	k.group = k.group[:copy(k.group, k.group[n:])]
	k.open -= n
}

func (k *peers) sizeBytes() int { return cap(k.at) + 4*(cap(k.first)+cap(k.last)+cap(k.group)) }

// rangeView makes dst rows from…to-1 of the flat vector src, whose memory it shares.
func rangeView(dst, src *vector.Vector, from, to int) {
	valid := dst.Valid[:0]
	*dst = vector.Vector{Type: src.Type, Phys: src.Phys, Len: to - from}
	switch src.Phys {
	case types.PhysI32:
		dst.I32 = src.I32[from:to]
	case types.PhysI64:
		dst.I64 = src.I64[from:to]
	case types.PhysF64:
		dst.F64 = src.F64[from:to]
	case types.PhysI128:
		dst.I128 = src.I128[from:to]
	case types.PhysBytes:
		dst.Off, dst.Data = src.Off[from:to+1], src.Data
	}
	if src.Valid == nil {
		return
	}
	valid = resize(valid, (to-from+63)/64)
	word, shift := from>>6, uint(from)&63
	for i := range valid {
		valid[i] = src.Valid[word+i] >> shift
		if shift > 0 && word+i+1 < len(src.Valid) {
			valid[i] |= src.Valid[word+i+1] << (64 - shift)
		}
	}
	dst.Valid = valid
}

// dropFront removes the first k rows of the flat vector v.
func dropFront(v *vector.Vector, k int) {
	var rest vector.Vector
	rangeView(&rest, v, k, v.Len)
	v.Len -= k
	v.I32 = v.I32[:copy(v.I32, rest.I32)]
	v.I64 = v.I64[:copy(v.I64, rest.I64)]
	v.F64 = v.F64[:copy(v.F64, rest.F64)]
	v.I128 = v.I128[:copy(v.I128, rest.I128)]
	if v.Phys == types.PhysBytes {
		base := v.Off[k]
		v.Data = v.Data[:copy(v.Data, v.Data[base:])]
		v.Off = v.Off[:copy(v.Off, v.Off[k:])]
		for i := range v.Off {
			v.Off[i] -= base
		}
	}
	if v.Valid != nil {
		v.Valid = v.Valid[:copy(v.Valid, rest.Valid)]
	}
}

// Instead of a row, what appendFrom takes.
const (
	noSource    = -1 // NULL
	otherSource = -2
)

// appendFrom appends to the flat vector dst row rows[k] of the flat vector src for each k: NULL for noSource, row
// other[k] of alt for otherSource.
func appendFrom(dst, src *vector.Vector, rows []int, alt *vector.Vector, other []int) {
	null := func(k int) bool {
		switch r := rows[k]; r {
		case noSource:
			return true
		case otherSource:
			return alt.IsNull(other[k])
		default:
			return src.IsNull(r)
		}
	}
	if alt == nil {
		alt = &vector.Vector{}
	}
	some := dst.Valid != nil
	for k := 0; k < len(rows) && !some; k++ {
		some = null(k)
	}
	if some {
		if dst.Valid == nil {
			dst.Valid = vector.FullBitmap(dst.Len)
		}
		appendValid(dst, nil, nil, len(rows))
		for k := range rows {
			if null(k) {
				dst.Valid.Clear(dst.Len + k)
			}
		}
	}
	switch dst.Phys {
	case types.PhysI32:
		dst.I32 = takeFrom(dst.I32, src.I32, alt.I32, rows, other)
	case types.PhysI64:
		dst.I64 = takeFrom(dst.I64, src.I64, alt.I64, rows, other)
	case types.PhysF64:
		dst.F64 = takeFrom(dst.F64, src.F64, alt.F64, rows, other)
	case types.PhysI128:
		dst.I128 = takeFrom(dst.I128, src.I128, alt.I128, rows, other)
	case types.PhysBytes:
		for k, r := range rows {
			if r >= 0 {
				dst.Data = append(dst.Data, src.Bytes(r)...)
			} else if r == otherSource {
				dst.Data = append(dst.Data, alt.Bytes(other[k])...)
			}
			dst.Off = append(dst.Off, int32(len(dst.Data)))
		}
	}
	dst.Len += len(rows)
}

func takeFrom[T any](dst, src, alt []T, rows, other []int) []T {
	for k, r := range rows {
		var x T
		if r >= 0 {
			x = src[r]
		} else if r == otherSource {
			x = alt[other[k]]
		}
		dst = append(dst, x)
	}
	return dst
}
