package skipping

import (
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

// maxEqualityValues bounds the probes of a bloom filter; longer lists are left to bounds.
const maxEqualityValues = 256

// equalities collects the conditions of the form column = constant that every matching row fulfils.
func (c *compiler) equalities(e expr.Expr) []Equality {
	call, ok := e.(*expr.Call)
	if ok && (call.Name == "and" || call.Name == "istrue") {
		var all []Equality
		for _, a := range call.Args {
			all = append(all, c.equalities(a)...)
		}
		return all
	}
	if ok {
		if q, ok := c.equality(call); ok && len(q.Values) <= maxEqualityValues {
			return []Equality{q}
		}
	}
	return nil
}

// equality reads a condition on one column: =, <=>, IN, or a disjunction of such.
func (c *compiler) equality(e *expr.Call) (Equality, bool) {
	if len(e.Args) < 2 {
		return Equality{}, false
	}
	switch e.Name {
	case "=", "<=>":
		if q, ok := c.listed(e.Args[0], e.Args[1:2]); ok {
			return q, e.Name == "=" || len(q.Values) > 0 // NULL <=> NULL holds
		}
		q, ok := c.listed(e.Args[1], e.Args[:1])
		return q, ok && (e.Name == "=" || len(q.Values) > 0)
	case "in":
		return c.listed(e.Args[0], e.Args[1:])
	case "or":
		var all Equality
		for i, a := range e.Args {
			call, ok := a.(*expr.Call)
			if !ok {
				return Equality{}, false
			}
			q, ok := c.equality(call)
			if !ok || i > 0 && q.Column != all.Column {
				return Equality{}, false
			}
			all.Column, all.Values = q.Column, append(all.Values, q.Values...)
		}
		return all, true
	}
	return Equality{}, false
}

// listed reads e = one of list, where e is a column, perhaps under casts that lose nothing.
func (c *compiler) listed(e expr.Expr, list []expr.Expr) (Equality, bool) {
	for {
		call, ok := e.(*expr.Call)
		if !ok || call.Name != "cast" || len(call.Args) != 1 || !oneToOne(call.Args[0].Type(), call.Typ) {
			break
		}
		e = call.Args[0]
	}
	col, ok := e.(*expr.Column)
	if !ok {
		return Equality{}, false
	}
	q := Equality{Column: col.Index}
	for _, a := range list {
		v, ok := c.constant(a)
		if !ok {
			return Equality{}, false
		}
		if !v.Valid {
			continue
		}
		v, ok = convertExactly(v, col.Typ)
		if !ok {
			return Equality{}, false
		}
		q.Values = append(q.Values, v)
	}
	return q, true
}

// oneToOne reports whether a cast keeps distinct values distinct and equal to themselves as exact numbers, bytes or dates.
func oneToOne(from, to types.Type) bool {
	cf, ct := classOf(from), classOf(to)
	switch {
	case from == to:
		return true
	case cf == classDecimal && ct == classDecimal && to.Scale < from.Scale:
		return false
	}
	return exactClass(from) && exactClass(to) && total(from, to) || cf == classBytes && ct == classBytes
}

// convertExactly turns a constant into the column's type if that changes nothing about it.
func convertExactly(v types.Value, to types.Type) (types.Value, bool) {
	cv, ct := classOf(v.Type), classOf(to)
	if ct == classInt || ct == classDecimal {
		x, ok := exact(v)
		if !ok {
			return v, false
		}
		d, ok := x.D.Rescale(int(x.Type.Scale), int(to.Scale))
		back, ok2 := d.Rescale(int(to.Scale), int(x.Type.Scale))
		switch {
		case !ok || !ok2 || back != x.D:
			return v, false
		case ct == classDecimal:
			return types.DecimalValue(to, d), fitsPrecision(d, int(to.Precision))
		}
		lo, hi := intRange(to)
		return types.IntValue(to, int64(d.Lo)), d.Fits64() && lo <= int64(d.Lo) && int64(d.Lo) <= hi
	}
	if cv != ct || ct == classNone || ct == classFloat { // floats have two zeros and many NaNs
		return v, false
	}
	v.Type = to
	return v, true
}
