package skipping

import (
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// bounds say what a value expression may be in each unit: any non-NULL value lies between lo and hi, or,
// with nan, is NaN.
type bounds struct {
	typ           types.Type
	lo, hi        side
	nan           bool
	null, nonNull vector.Bitmap // units in which some row may be NULL, or not NULL
}

// top is the upper end with NaN in mind: a value that may be NaN has none.
func (b *bounds) top() side {
	if b.nan {
		return side{}
	}
	return b.hi
}

// value is a node of a compiled value expression.
type value interface {
	bounds(c *evaluation) *bounds
}

// opaque is a value of which nothing is known.
type opaque struct{ typ types.Type }

func (v opaque) bounds(c *evaluation) *bounds {
	return &bounds{typ: v.typ, nan: v.typ.IsFloat(), null: c.ones(), nonNull: c.ones()}
}

// literal is a constant.
type literal struct{ val types.Value }

func (v literal) bounds(c *evaluation) *bounds {
	b := &bounds{typ: v.val.Type, null: c.bits(!v.val.Valid), nonNull: c.bits(v.val.Valid)}
	if isNaN(v.val) {
		b.nan = true
		return b
	}
	b.lo.val, b.hi.val = v.val, v.val
	return b
}

// column is a column of the units, of the type the predicate knows it by.
type column struct {
	index int
	typ   types.Type
	slack int64
}

func (v column) bounds(c *evaluation) *bounds {
	if b := c.slots[v.index]; b != nil && b.typ == v.typ {
		return b
	}
	b := opaque{v.typ}.bounds(c)
	if s := c.stats.Column(v.index); s != nil {
		v.fill(c, s, b)
	}
	c.slots[v.index] = b
	return b
}

// fill widens a column's statistics to the column's type. A length or a type that does not fit is unknown.
func (v column) fill(c *evaluation, s *ColumnStats, b *bounds) {
	if len(s.NullCount) == c.n {
		b.null, b.nonNull = countBits(c, s)
	}
	end := func(m *vector.Vector, up bool) side {
		if m == nil || m.Len != c.n || classOf(v.typ) == classNone {
			return side{}
		}
		if m.Type.IsFloat() {
			b.nan = true
		}
		if classOf(m.Type) == classOf(v.typ) && !m.Type.IsFloat() {
			return side{vec: m} // they order the same way whatever their width
		}
		return side{vec: convert(m, v.typ, conversion{up: up, slack: v.slack})}
	}
	b.lo, b.hi = end(s.Min, false), end(s.Max, true)
}

func countBits(c *evaluation, s *ColumnStats) (null, nonNull vector.Bitmap) {
	null, nonNull = vector.NewBitmap(c.n), vector.NewBitmap(c.n)
	rows := s.RowCount
	if len(rows) != c.n {
		rows = nil
	}
	for i, nulls := range s.NullCount {
		null[i>>6] |= bit(nulls != 0) << (uint(i) & 63)
		filled := nulls >= 0 && rows != nil && rows[i] == nulls
		nonNull[i>>6] |= bit(!filled) << (uint(i) & 63)
	}
	return null, nonNull
}

// cast is a conversion of a value to another type.
type cast struct {
	v     value
	to    types.Type
	slack int64
}

func (v cast) bounds(c *evaluation) *bounds {
	in := v.v.bounds(c)
	out := opaque{v.to}.bounds(c)
	out.nonNull, out.nan = in.nonNull, in.nan && v.to.IsFloat()
	if !in.nan || v.to.IsFloat() { // what NaN becomes elsewhere is not bounded by hi
		out.lo = in.lo.apply(func(x *vector.Vector) *vector.Vector { return convert(x, v.to, conversion{false, v.slack}) })
		out.hi = in.hi.apply(func(x *vector.Vector) *vector.Vector { return convert(x, v.to, conversion{true, v.slack}) })
	}
	if total(in.typ, v.to) {
		out.null = in.null
	} else {
		c.settle(in, out)
	}
	return out
}

// settle finishes a function that may fail on values it was not shown to be defined for: where either end
// is unknown, nothing is, not even that the result is not NULL.
func (c *evaluation) settle(in, out *bounds) {
	if !out.lo.known() || !out.hi.known() {
		out.lo, out.hi = side{}, side{}
		return
	}
	var known vector.Bitmap
	for _, s := range []side{out.lo, out.hi} {
		if s.vec != nil {
			known = vector.And(known, s.vec.Valid, c.n)
		}
	}
	out.null = orUnknown(in.null, known)
	if known != nil {
		out.lo, out.hi = masked(out.lo, known), masked(out.hi, known)
	}
}

func masked(s side, known vector.Bitmap) side {
	if s.vec == nil {
		return s
	}
	v := *s.vec
	v.Valid = known
	return side{vec: &v}
}
