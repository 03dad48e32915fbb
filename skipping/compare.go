package skipping

import (
	"bytes"
	"slices"
	"sort"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// comparison is a op b for one of = < <= <=>; the others are built from these by swapping and negation,
// which is exact in three-valued logic.
type comparison struct {
	op   comparisonOp
	a, b value
}

type comparisonOp uint8

const (
	equal comparisonOp = iota
	lessThan
	atMost
	nullSafeEqual
)

func (p comparison) eval(c *evaluation, want need) tri {
	a, b := p.a.bounds(c), p.b.bounds(c)
	var r tri
	if want&needTrue != 0 {
		r.t = p.mayBeTrue(c, a, b)
	}
	if want&needFalse != 0 {
		r.f = p.mayBeFalse(c, a, b)
	}
	both := intersect(a.nonNull, b.nonNull)
	if r.t != nil {
		r.t = intersect(r.t, both)
	}
	if r.f != nil {
		r.f = intersect(r.f, both)
	}
	if p.op != nullSafeEqual {
		if want&needNull != 0 {
			r.n = union(a.null, b.null)
		}
		return r
	}
	if r.t != nil {
		r.t = union(r.t, intersect(a.null, b.null))
	}
	if r.f != nil {
		r.f = union(r.f, union(intersect(a.null, b.nonNull), intersect(a.nonNull, b.null)))
	}
	r.n = c.zeros()
	return r
}

// mayBeTrue returns the units in which the comparison may hold between non-NULL values.
func (p comparison) mayBeTrue(c *evaluation, a, b *bounds) vector.Bitmap {
	switch p.op {
	case lessThan:
		return c.below(a.lo, b.top(), false)
	case atMost:
		return c.below(a.lo, b.top(), true)
	}
	if a.nan && b.nan {
		return c.ones()
	}
	return intersect(c.below(a.lo, b.hi, true), c.below(b.lo, a.hi, true))
}

// mayBeFalse returns the units in which the comparison may fail between non-NULL values.
func (p comparison) mayBeFalse(c *evaluation, a, b *bounds) vector.Bitmap {
	switch p.op {
	case lessThan:
		return c.below(b.lo, a.top(), true)
	case atMost:
		return c.below(b.lo, a.top(), false)
	}
	return union(c.below(a.lo, b.top(), false), c.below(b.lo, a.top(), false))
}

// isNull is the test of a value for NULL.
type isNull struct{ v value }

func (p isNull) eval(c *evaluation, _ need) tri {
	b := p.v.bounds(c)
	return tri{b.null, b.nonNull, c.zeros()}
}

// among is v IN (values), the values sorted and comparable with one another; withNull says that the list holds a NULL, too.
type among struct {
	v        value
	vals     []types.Value
	withNull bool
}

func (p among) eval(c *evaluation, want need) tri {
	b := p.v.bounds(c)
	r := tri{t: c.ones(), f: c.ones(), n: b.null}
	if p.withNull {
		r.f, r.n = c.zeros(), union(b.null, b.nonNull)
	}
	if want&needTrue != 0 && len(p.vals) > 0 {
		first, last := side{val: p.vals[0]}, side{val: p.vals[len(p.vals)-1]}
		r.t = intersect(c.below(b.lo, last, true), c.below(first, b.hi, true))
		p.refine(c, b, r.t)
	}
	if len(p.vals) == 0 {
		r.t = c.zeros()
	} else if want&needFalse != 0 && !p.withNull && !b.nan {
		r.f = p.mayMiss(c, b)
	}
	r.t, r.f = intersect(r.t, b.nonNull), intersect(r.f, b.nonNull)
	return r
}

// refine clears the units of t whose interval falls between two neighbours of the list.
func (p among) refine(c *evaluation, b *bounds, t vector.Bitmap) {
	lo, hi := b.lo.vec, b.hi.vec
	if lo == nil || hi == nil || len(p.vals) == 1 {
		return
	}
	first, within := p.search(lo, hi)
	for i := range c.n {
		if !t.Get(i) || lo.IsNull(i) || hi.IsNull(i) {
			continue
		}
		if k := first(i); k == len(p.vals) || !within(k, i) {
			t.Clear(i)
		}
	}
}

// search returns two functions of a unit i: the position of the first value of the list that is not below
// the unit's interval, and whether the value at a position is not above it.
func (p among) search(lo, hi *vector.Vector) (first func(i int) int, within func(k, i int) bool) {
	cl := classOf(lo.Type)
	same := cl == classOf(hi.Type) && !slices.ContainsFunc(p.vals, func(v types.Value) bool { return classOf(v.Type) != cl })
	switch {
	case same && cl == classBytes:
		keys := make([][]byte, len(p.vals))
		for k, v := range p.vals {
			keys[k] = []byte(v.S)
		}
		first = func(i int) int {
			l := lo.Bytes(i)
			return sort.Search(len(keys), func(k int) bool { return bytes.Compare(keys[k], l) >= 0 })
		}
		return first, func(k, i int) bool { return bytes.Compare(keys[k], hi.Bytes(i)) <= 0 }
	case same && cl != classDecimal && cl != classFloat && cl != classUint:
		keys := make([]int64, len(p.vals))
		for k, v := range p.vals {
			keys[k] = v.I
		}
		first = func(i int) int {
			k, _ := slices.BinarySearch(keys, lo.Int(i))
			return k
		}
		return first, func(k, i int) bool { return keys[k] <= hi.Int(i) }
	}
	first = func(i int) int { // what does not compare, like NaN, is nowhere above
		l := lo.Value(i)
		return sort.Search(len(p.vals), func(k int) bool {
			order, ok := compare(p.vals[k], l)
			return !ok || order >= 0
		})
	}
	return first, func(k, i int) bool {
		order, ok := compare(p.vals[k], hi.Value(i))
		return !ok || order <= 0
	}
}

// mayMiss returns the units that may hold a value that is not in the list: all but those with one value, which is in it.
func (p among) mayMiss(c *evaluation, b *bounds) vector.Bitmap {
	r := c.ones()
	if len(p.vals) > 16 { // long lists are not negated to prune units of a single value
		return r
	}
	for _, v := range p.vals {
		k := &bounds{lo: side{val: v}, hi: side{val: v}}
		r = intersect(r, comparison{op: equal}.mayBeFalse(c, b, k))
	}
	return r
}

// sortValues sorts values of one class and reports whether they have one; NaN has none.
func sortValues(vals []types.Value) bool {
	for _, v := range vals {
		if _, ok := compare(v, vals[0]); !ok {
			return false
		}
	}
	slices.SortFunc(vals, func(a, b types.Value) int {
		order, _ := compare(a, b)
		return order
	})
	return true
}

// prefix is v LIKE 'text%…': matching strings begin with text. whole says that every string that does so matches.
type prefix struct {
	v     value
	text  string
	whole bool
}

func (p prefix) eval(c *evaluation, want need) tri {
	b := p.v.bounds(c)
	r := tri{f: c.ones(), n: b.null}
	from := side{val: types.StringValue(p.text)}
	if want&needTrue != 0 { // some string of the interval is at or after text, some is before or begins with it
		r.t = intersect(c.below(from, b.hi, true), union(c.below(b.lo, from, true), p.begins(c, b.lo)))
		r.t = intersect(r.t, b.nonNull)
	}
	if want&needFalse != 0 && p.whole { // what lies between two strings with a prefix has it
		l, h := p.begins(c, b.lo), p.begins(c, b.hi)
		both := vector.And(known(b.lo), known(b.hi), c.n)
		all := intersect(l, h)
		r.f = vector.NewBitmap(c.n)
		for i := range r.f {
			r.f[i] = ^all[i]
			if both != nil {
				r.f[i] |= ^both[i]
			}
		}
	}
	r.f = intersect(r.f, b.nonNull)
	return r
}

func known(s side) vector.Bitmap {
	if s.vec == nil {
		return nil
	}
	return s.vec.Valid
}

// begins returns the units whose bound begins with the text; an unknown one does not.
func (p prefix) begins(c *evaluation, s side) vector.Bitmap {
	b, text := vector.NewBitmap(c.n), []byte(p.text)
	switch {
	case s.vec == nil:
		return c.bits(s.val.Valid && bytes.HasPrefix([]byte(s.val.S), text))
	case s.vec.Phys != types.PhysBytes:
		return b
	}
	for i := range c.n {
		if !s.vec.IsNull(i) && bytes.HasPrefix(s.vec.Bytes(i), text) {
			b.Set(i)
		}
	}
	return b
}
