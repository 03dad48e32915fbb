package expr

import (
	"strings"

	"github.com/featuresql/featuresql/engine/types"
)

// Expr is a node of a typed, immutable expression tree over the columns of one batch.
type Expr interface {
	// Type is the type of the result.
	Type() types.Type
	// Nullable reports whether the result can be NULL.
	Nullable() bool
	// Children returns the operands, in order.
	Children() []Expr
	// String renders SQL-like text for EXPLAIN and errors.
	String() string
}

// Column reads column Index of the input batch.
type Column struct {
	Index int
	Name  string
	Typ   types.Type
	Null  bool
}

// Type implements Expr.
func (c *Column) Type() types.Type { return c.Typ }

// Nullable implements Expr.
func (c *Column) Nullable() bool { return c.Null }

// Children implements Expr.
func (c *Column) Children() []Expr { return nil }

func (c *Column) String() string { return c.Name }

// Literal is a constant.
type Literal struct{ Val types.Value }

// Type implements Expr.
func (l *Literal) Type() types.Type { return l.Val.Type }

// Nullable implements Expr.
func (l *Literal) Nullable() bool { return !l.Val.Valid }

// Children implements Expr.
func (l *Literal) Children() []Expr { return nil }

func (l *Literal) String() string { return l.Val.String() }

// Call applies a named function or operator. Build it with New, which resolves the function and
// derives the type by MySQL's rules; never as a literal.
//
// Names are lower case. Operators that other packages may look for (skipping, planner):
//
//	=  <>  <  <=  >  >=  <=>          comparisons, both operands of the same type after New
//	and  or  not  xor                 three-valued; "and" and "or" take two or more operands
//	isnull  istrue  isfalse           one operand, never NULL themselves
//	in                                operand, then the list
//	like                              value, pattern, escape (a string literal, "\" by default)
//	+  -  *  /  div  %  neg           arithmetic with MySQL's result types
//	cast                              one operand; the target is Typ
//	case                              when, then, when, then, …, else
//	if  ifnull  nullif  coalesce
//
// BETWEEN is built as two comparisons under "and".
type Call struct {
	Name string
	Args []Expr
	Typ  types.Type
	Null bool
	impl *Function
}

// Type implements Expr.
func (c *Call) Type() types.Type { return c.Typ }

// Nullable implements Expr.
func (c *Call) Nullable() bool { return c.Null }

// Children implements Expr.
func (c *Call) Children() []Expr { return c.Args }

func (c *Call) String() string {
	parts := make([]string, len(c.Args))
	for i, a := range c.Args {
		parts[i] = a.String()
	}
	switch {
	case c.Name == "cast":
		return "cast(" + parts[0] + " as " + c.Typ.String() + ")"
	case c.Name == "in":
		return parts[0] + " in (" + strings.Join(parts[1:], ", ") + ")"
	case len(parts) >= 2 && strings.ContainsAny(c.Name[:1], "=<>+-*/%"), c.Name == "and", c.Name == "or":
		return "(" + strings.Join(parts, " "+c.Name+" ") + ")"
	}
	return c.Name + "(" + strings.Join(parts, ", ") + ")"
}

// RowFunc calls back to a function that exists only row by row (the host's). It is the counted
// fallback of a single expression: the operators around it stay vectorized.
type RowFunc struct {
	Name string
	Args []Expr
	Typ  types.Type
	// Call computes one row. args hold one Value per operand and are reused between calls.
	Call func(args []types.Value) (types.Value, error)
}

// Type implements Expr.
func (f *RowFunc) Type() types.Type { return f.Typ }

// Nullable implements Expr.
func (f *RowFunc) Nullable() bool { return true }

// Children implements Expr.
func (f *RowFunc) Children() []Expr { return f.Args }

func (f *RowFunc) String() string {
	parts := make([]string, len(f.Args))
	for i, a := range f.Args {
		parts[i] = a.String()
	}
	return "row:" + f.Name + "(" + strings.Join(parts, ", ") + ")"
}
