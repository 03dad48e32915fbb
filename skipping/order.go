package skipping

import (
	"bytes"
	"cmp"
	"math"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// class groups the types whose values compare with one another without a conversion.
type class uint8

const (
	classNone class = iota // JSON, Null: no order that statistics know
	classInt
	classUint
	classFloat
	classDecimal
	classDate
	classInstant
	classLocal
	classTime
	classBytes
)

func classOf(t types.Type) class {
	switch t.Kind {
	case types.Bool, types.Int8, types.Int16, types.Int32, types.Int64:
		return classInt
	case types.Uint64:
		return classUint
	case types.Float32, types.Float64:
		return classFloat
	case types.Decimal:
		return classDecimal
	case types.Date:
		return classDate
	case types.Timestamp:
		return classInstant
	case types.TimestampNTZ:
		return classLocal
	case types.Time:
		return classTime
	case types.String, types.Binary:
		return classBytes
	}
	return classNone
}

// compare orders two values exactly; ok is false when they have no common order here. Exact numbers of
// different types compare as numbers; a float and an exact number do not, because an engine may have rounded one of them.
func compare(a, b types.Value) (order int, ok bool) {
	ca, cb := classOf(a.Type), classOf(b.Type)
	if !a.Valid || !b.Valid || ca == classNone || isNaN(a) || isNaN(b) {
		return 0, false
	}
	if ca == cb {
		return types.Compare(a, b), true
	}
	x, okX := exact(a)
	y, okY := exact(b)
	if !okX || !okY {
		return 0, false
	}
	return types.Compare(x, y), true
}

// exact views an integer as a decimal without digits after the point.
func exact(v types.Value) (types.Value, bool) {
	t := types.DecimalOf(38, 0)
	switch classOf(v.Type) {
	case classInt:
		return types.DecimalValue(t, types.Int128From(v.I)), true
	case classUint:
		return types.DecimalValue(t, types.Int128{Lo: uint64(v.I)}), true
	case classDecimal:
		return v, true
	}
	return v, false
}

func isNaN(v types.Value) bool { return v.Type.IsFloat() && math.IsNaN(v.F) }

// side is one end of an interval in every unit: a vector (NULL is unknown), one value for all, or, when
// both are missing, unknown.
type side struct {
	vec *vector.Vector
	val types.Value
}

func (s side) known() bool { return s.vec != nil || s.val.Valid }

// below returns the units in which l < r (or l <= r) holds or is not known not to.
func (c *evaluation) below(l, r side, orEqual bool) vector.Bitmap {
	rel := less
	if orEqual {
		rel = lessEqual
	}
	switch {
	case !l.known() || !r.known():
		return c.ones()
	case l.vec != nil && r.vec != nil:
		return c.belowEach(l.vec, r.vec, orEqual)
	case l.vec != nil:
		return c.relate(l.vec, rel, r.val)
	case r.vec != nil:
		return c.relate(r.vec, rel+2, l.val)
	}
	order, ok := compare(l.val, r.val)
	return c.bits(!ok || rel.holds(order))
}

// relation is a comparison of a vector's values with a constant.
type relation uint8

const (
	less relation = iota
	lessEqual
	greater // less and lessEqual with the sides swapped, in that order
	greaterEqual
)

func (r relation) holds(order int) bool {
	switch r {
	case less:
		return order < 0
	case lessEqual:
		return order <= 0
	case greater:
		return order > 0
	}
	return order >= 0
}

// relate returns the units whose entry of v is unknown or stands in relation rel to k.
func (c *evaluation) relate(v *vector.Vector, rel relation, k types.Value) vector.Bitmap {
	var b vector.Bitmap
	if v.Codes != nil {
		d := (&evaluation{n: v.Dict.Len}).relate(v.Dict, rel, k)
		b = make(vector.Bitmap, (v.Len+63)/64)
		for i, code := range v.Codes {
			b[i>>6] |= d[code>>6] >> (uint(code) & 63) & 1 << (uint(i) & 63)
		}
	} else {
		b = c.relateFlat(v, rel, k)
	}
	return orUnknown(b, v.Valid)
}

// orUnknown adds the bits of entries that are not valid to b.
func orUnknown(b, valid vector.Bitmap) vector.Bitmap {
	if valid == nil {
		return b
	}
	r := make(vector.Bitmap, len(b))
	for i := range b {
		r[i] = b[i] | ^valid[i]
	}
	return r
}

func (c *evaluation) relateFlat(v *vector.Vector, rel relation, k types.Value) vector.Bitmap {
	cv, ck := classOf(v.Type), classOf(k.Type)
	switch {
	case cv == classNone || ck == classNone || isNaN(k):
		return c.ones()
	case cv != ck || cv == classUint:
	case v.Phys == types.PhysF64:
		return compareAll(v.F64, rel, k.F)
	case v.Phys == types.PhysBytes:
		return compareBytes(v, rel, k.S)
	case v.Phys == types.PhysI32:
		switch {
		case k.I > math.MaxInt32:
			return c.bits(rel.holds(-1))
		case k.I < math.MinInt32:
			return c.bits(rel.holds(1))
		}
		return compareAll(v.I32, rel, int32(k.I))
	case v.Phys == types.PhysI64 && cv == classDecimal:
		x, ok := k.D.Rescale(int(k.Type.Scale), int(v.Type.Scale))
		if ok && k.Type.Scale <= v.Type.Scale && x.Fits64() {
			return compareAll(v.I64, rel, int64(x.Lo))
		}
	case v.Phys == types.PhysI64:
		return compareAll(v.I64, rel, k.I)
	}
	b := vector.NewBitmap(v.Len)
	for i := range v.Len {
		if order, ok := compare(v.Value(i), k); !ok || rel.holds(order) {
			b.Set(i)
		}
	}
	return b
}

// compareAll compares every value with a constant. The tests are written the other way round so that NaN
// among the values, which is no bound, counts as a hit.
func compareAll[T int32 | int64 | float64](x []T, rel relation, k T) vector.Bitmap {
	b := vector.NewBitmap(len(x))
	for w := range b {
		part := x[w*64 : min(len(x), w*64+64)]
		var word uint64
		switch rel {
		case less:
			for j, v := range part {
				word |= bit(!(v >= k)) << (uint(j) & 63)
			}
		case lessEqual:
			for j, v := range part {
				word |= bit(!(v > k)) << (uint(j) & 63)
			}
		case greater:
			for j, v := range part {
				word |= bit(!(v <= k)) << (uint(j) & 63)
			}
		case greaterEqual:
			for j, v := range part {
				word |= bit(!(v < k)) << (uint(j) & 63)
			}
		}
		b[w] = word
	}
	return b
}

func bit(b bool) uint64 {
	var x uint64
	if b {
		x = 1
	}
	return x
}

func compareBytes(v *vector.Vector, rel relation, k string) vector.Bitmap {
	b, key := vector.NewBitmap(v.Len), []byte(k)
	for i := range v.Len {
		if rel.holds(bytes.Compare(v.Data[v.Off[i]:v.Off[i+1]], key)) {
			b.Set(i)
		}
	}
	return b
}

// belowEach compares two vectors unit by unit.
func (c *evaluation) belowEach(l, r *vector.Vector, orEqual bool) vector.Bitmap {
	cl, cr := classOf(l.Type), classOf(r.Type)
	if cl == classNone || cr == classNone {
		return c.ones()
	}
	l, r = l.Flat(), r.Flat()
	b := vector.NewBitmap(c.n)
	plain := cl == cr && l.Phys == r.Phys && l.Type.Scale == r.Type.Scale && cl != classUint
	for i := range c.n {
		order, ok := 0, true
		switch {
		case !plain:
			order, ok = compare(l.Value(i), r.Value(i))
		case l.Phys == types.PhysI32:
			order = cmp.Compare(l.I32[i], r.I32[i])
		case l.Phys == types.PhysI64:
			order = cmp.Compare(l.I64[i], r.I64[i])
		default:
			order, ok = compare(l.Value(i), r.Value(i))
		}
		if !ok || order < 0 || orEqual && order == 0 {
			b.Set(i)
		}
	}
	return orUnknown(orUnknown(b, l.Valid), r.Valid)
}
