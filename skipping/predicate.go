package skipping

import (
	"slices"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// ColumnStats are the statistics of one column in n units (files, row groups or pages), column-wise.
type ColumnStats struct {
	// Min and Max bound the non-NULL values of each unit from below and above; a NULL entry is unknown.
	// They are bounds, not necessarily attained values: whoever fills them has already widened values that
	// a writer truncated (pitfalls: timestamps cut to milliseconds, strings cut to a prefix). Their type may
	// be another numeric type than the predicate's column (an older, narrower one). nil: unknown for all.
	Min, Max *vector.Vector
	// NullCount and RowCount of each unit; -1 is unknown. nil: unknown for all.
	NullCount, RowCount []int64
}

// Stats gives the statistics of n units.
type Stats interface {
	// Len is the number of units.
	Len() int
	// Column returns the statistics of a column, or nil if there are none. col is the Index of an expr.Column.
	Column(col int) *ColumnStats
}

// Predicate is a compiled filter. It is immutable and may be used by any number of goroutines.
type Predicate struct {
	root       pred
	columns    []int
	equalities []Equality
}

// Compile prepares a filter over the columns of a Stats. A nil filter is true. Parts that statistics say
// nothing about are kept as unknown, so Compile accepts every expression.
func Compile(filter expr.Expr) *Predicate { return CompileEnv(filter, nil) }

// CompileEnv is Compile in an environment, with which constant subexpressions that depend on it are
// computed and conversions between instants and local times are narrowed. A nil env assumes any zone.
func CompileEnv(filter expr.Expr, env *expr.Env) *Predicate {
	if filter == nil {
		return &Predicate{root: constant{needTrue}}
	}
	c := &compiler{env: env, slack: zoneSlack(env), columns: map[int]bool{}}
	p := &Predicate{root: c.predicate(filter), equalities: c.equalities(filter)}
	for col := range c.columns {
		p.columns = append(p.columns, col)
	}
	slices.Sort(p.columns)
	return p
}

// Columns returns the columns whose statistics the predicate looks at, ascending.
func (p *Predicate) Columns() []int { return p.columns }

// Equalities returns conditions that every matching row fulfils: the column's value is one of Values. They
// are for bloom filters; a unit that holds none of the values of one of them cannot match.
func (p *Predicate) Equalities() []Equality { return p.equalities }

// Equality says that a column has one of the values, which are of the column's own type and not NULL.
type Equality struct {
	Column int
	Values []types.Value
}

// Prune clears the bits of the units that hold no matching row and returns how many it cleared. keep has
// s.Len() bits; it never sets one.
func (p *Predicate) Prune(s Stats, keep vector.Bitmap) (skipped int) {
	n := s.Len()
	before := keep.Count(n)
	if before == 0 {
		return 0
	}
	c := &evaluation{stats: s, n: n, slots: map[int]*bounds{}}
	t := p.root.eval(c, needTrue).t
	for i := range t {
		keep[i] &= t[i]
	}
	return before - keep.Count(n)
}

// Certain returns the units in which the predicate is true for every row, as far as that is certain: there it
// need not be evaluated. A unit without rows counts as one.
func (p *Predicate) Certain(s Stats) vector.Bitmap {
	c := &evaluation{stats: s, n: s.Len(), slots: map[int]*bounds{}}
	r := p.root.eval(c, needFalse|needNull)
	b := vector.FullBitmap(c.n)
	for i := range b {
		b[i] &^= r.f[i] | r.n[i]
	}
	return b
}

// evaluation is the state of one Prune or Certain: the units at hand and the bounds of the columns seen so far.
type evaluation struct {
	stats Stats
	n     int
	all   vector.Bitmap
	slots map[int]*bounds
}

// ones returns a bitmap of all units; it is shared and must not be changed.
func (c *evaluation) ones() vector.Bitmap {
	if c.all == nil {
		c.all = vector.FullBitmap(c.n)
	}
	return c.all
}

func (c *evaluation) zeros() vector.Bitmap { return vector.NewBitmap(c.n) }

func (c *evaluation) bits(set bool) vector.Bitmap {
	if set {
		return c.ones()
	}
	return c.zeros()
}
