package expr

import (
	"slices"

	"github.com/featuresql/featuresql/engine/types"
)

// And returns the conjunction of es: TRUE for none, the expression itself for one, else one flat "and".
func And(es ...Expr) Expr {
	var flat []Expr
	for _, e := range es {
		flat = append(flat, Conjuncts(e)...)
	}
	switch len(flat) {
	case 0:
		return &Literal{Val: types.BoolValue(true)}
	case 1:
		return flat[0]
	}
	c := &Call{Name: "and", Args: flat, Typ: types.Of(types.Bool), impl: Lookup("and")}
	for i, e := range flat {
		flat[i] = asBool(e)
		c.Null = c.Null || flat[i].Nullable()
	}
	return c
}

// Conjuncts splits e at its top-level ANDs; the literal TRUE has none. A nil e has none either.
func Conjuncts(e Expr) []Expr {
	if e == nil {
		return nil
	}
	if l, ok := e.(*Literal); ok && l.Val.Type.Kind == types.Bool && l.Val.Valid && l.Val.I == 1 {
		return nil
	}
	c, ok := e.(*Call)
	if !ok || c.Name != "and" {
		return []Expr{e}
	}
	var out []Expr
	for _, a := range c.Args {
		out = append(out, Conjuncts(a)...)
	}
	return out
}

// Walk calls f for e and everything below it, parents first, operands in order. f returns false to leave out
// the operands of the node it was called with.
func Walk(e Expr, f func(Expr) bool) {
	if e == nil || !f(e) {
		return
	}
	for _, c := range e.Children() {
		Walk(c, f)
	}
}

// MapColumns returns e with every column replaced by what f returns for it. Unchanged subtrees are shared.
func MapColumns(e Expr, f func(*Column) Expr) Expr {
	switch e := e.(type) {
	case *Column:
		return f(e)
	case *Call:
		args, changed := mapAll(e.Args, f)
		if !changed {
			return e
		}
		c := *e
		c.Args = args
		c.Null = c.Null || (!anyNullable(e.Args) && anyNullable(args))
		return &c
	case *RowFunc:
		args, changed := mapAll(e.Args, f)
		if !changed {
			return e
		}
		c := *e
		c.Args = args
		return &c
	}
	return e
}

func mapAll(args []Expr, f func(*Column) Expr) ([]Expr, bool) {
	out, changed := args, false
	for i, a := range args {
		m := MapColumns(a, f)
		if m == a {
			continue
		}
		if !changed {
			out, changed = slices.Clone(args), true
		}
		out[i] = m
	}
	return out, changed
}

func anyNullable(es []Expr) bool {
	return slices.ContainsFunc(es, Expr.Nullable)
}

// Columns returns the positions of the columns that e reads, ascending, each once.
func Columns(e Expr) []int {
	var out []int
	Walk(e, func(x Expr) bool {
		if c, ok := x.(*Column); ok {
			out = append(out, c.Index)
		}
		return true
	})
	slices.Sort(out)
	return slices.Compact(out)
}
