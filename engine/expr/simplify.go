package expr

import "github.com/featuresql/featuresql/engine/types"

// simplify drops literal operands of AND and OR that decide nothing, and replaces a call by the literal that
// decides it. Operands before that literal might have failed; MySQL does not evaluate them either.
func simplify(c *Call) Expr {
	if c.Name != "and" && c.Name != "or" {
		return c
	}
	decides := int64(0)
	if c.Name == "or" {
		decides = 1
	}
	args := make([]Expr, 0, len(c.Args))
	for _, a := range c.Args {
		l, ok := a.(*Literal)
		switch {
		case !ok || !l.Val.Valid:
			args = append(args, a)
		case (l.Val.I != 0) == (decides == 1):
			return &Literal{Val: types.BoolValue(decides == 1)}
		}
	}
	switch len(args) {
	case 0:
		return &Literal{Val: types.BoolValue(decides == 0)}
	case 1:
		return args[0]
	case len(c.Args):
		return c
	}
	s := *c
	s.Args, s.Null = args, anyNullable(args)
	return &s
}
