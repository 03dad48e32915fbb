package skipping

import "github.com/featuresql/featuresql/engine/vector"

// need says which of the three bitmaps of a node the caller will look at; the others may be left out.
type need uint8

const (
	needTrue need = 1 << iota
	needFalse
	needNull
	needAll = needTrue | needFalse | needNull
)

// tri is a three-valued result over all units: whether some row may make the node true, false or NULL. A
// bitmap that was not needed is nil. Bitmaps are immutable once returned.
type tri struct{ t, f, n vector.Bitmap }

// pred is a node of a compiled predicate.
type pred interface {
	eval(c *evaluation, want need) tri
}

// constant may have the outcomes of its set, in every unit; needAll is the unknown predicate.
type constant struct{ outcomes need }

func (p constant) eval(c *evaluation, _ need) tri {
	return tri{c.bits(p.outcomes&needTrue != 0), c.bits(p.outcomes&needFalse != 0), c.bits(p.outcomes&needNull != 0)}
}

var unknown = constant{needAll}

// and is the conjunction of its operands.
type and []pred

func (p and) eval(c *evaluation, want need) tri {
	down := want & (needTrue | needFalse)
	if want&needNull != 0 {
		down |= needNull | needTrue
	}
	r := p[0].eval(c, down)
	for _, q := range p[1:] {
		s := q.eval(c, down)
		if want&needNull != 0 { // NULL and (true or NULL), either way round
			r.n = union(intersect(r.n, union(s.t, s.n)), intersect(s.n, r.t))
		}
		if down&needTrue != 0 {
			r.t = intersect(r.t, s.t)
		}
		if down&needFalse != 0 {
			r.f = union(r.f, s.f)
		}
	}
	return r
}

// or is the disjunction of its operands: not (not a and not b).
type or []pred

func (p or) eval(c *evaluation, want need) tri {
	inner := make(and, len(p))
	for i, q := range p {
		inner[i] = not{q}
	}
	return not{inner}.eval(c, want)
}

// not is the negation.
type not struct{ p pred }

func (p not) eval(c *evaluation, want need) tri {
	r := p.p.eval(c, swapped(want))
	return tri{r.f, r.t, r.n}
}

func swapped(w need) need {
	s := w & needNull
	if w&needTrue != 0 {
		s |= needFalse
	}
	if w&needFalse != 0 {
		s |= needTrue
	}
	return s
}

// xor is the exclusive disjunction of two operands.
type xor struct{ a, b pred }

func (p xor) eval(c *evaluation, _ need) tri {
	a, b := p.a.eval(c, needAll), p.b.eval(c, needAll)
	return tri{
		t: union(intersect(a.t, b.f), intersect(a.f, b.t)),
		f: union(intersect(a.t, b.t), intersect(a.f, b.f)),
		n: union(a.n, b.n),
	}
}

// is tests for one of the outcomes (true, false or NULL) and is never NULL itself.
type is struct {
	p       pred
	outcome need
}

func (p is) eval(c *evaluation, want need) tri {
	down := need(0)
	if want&needTrue != 0 {
		down |= p.outcome
	}
	if want&needFalse != 0 {
		down |= needAll &^ p.outcome
	}
	r := p.p.eval(c, down)
	out := tri{n: c.zeros()}
	hit := func(o need, b vector.Bitmap) {
		switch {
		case down&o == 0:
		case o == p.outcome:
			out.t = b
		case out.f == nil:
			out.f = b
		default:
			out.f = union(out.f, b)
		}
	}
	hit(needTrue, r.t)
	hit(needFalse, r.f)
	hit(needNull, r.n)
	return out
}

// coalesce is the first operand that is not NULL.
type coalesce []pred

func (p coalesce) eval(c *evaluation, _ need) tri {
	r := p[0].eval(c, needAll)
	for _, q := range p[1:] {
		s := q.eval(c, needAll)
		r = tri{union(r.t, intersect(r.n, s.t)), union(r.f, intersect(r.n, s.f)), intersect(r.n, s.n)}
	}
	return r
}

func intersect(a, b vector.Bitmap) vector.Bitmap {
	r := make(vector.Bitmap, len(a))
	for i := range r {
		r[i] = a[i] & b[i]
	}
	return r
}

func union(a, b vector.Bitmap) vector.Bitmap {
	r := make(vector.Bitmap, len(a))
	for i := range r {
		r[i] = a[i] | b[i]
	}
	return r
}
