package parser

// Limits on what the host's parser, binder and analyzer, which recurse and in places take quadratic time or
// worse, are given.
const (
	// MaxStatementBytes is the greatest length of a statement.
	MaxStatementBytes = 64 << 20
	// MaxNesting is the greatest depth of parentheses.
	MaxNesting = 200
	// MaxSubqueries is the greatest depth of SELECT within SELECT.
	MaxSubqueries = 16
	// MaxOperators is the greatest number of AND, OR and XOR, and of UNION, INTERSECT and EXCEPT in one statement.
	MaxOperators = 5000
	// MaxUnary is the greatest number of NOT, !, - and ~ in a row.
	MaxUnary = 100
	// MaxJoins is the greatest number of joins in one statement.
	MaxJoins = 120
)

// checkLimits refuses a statement that is nested too deeply or too long a chain.
func (s *statement) checkLimits() error {
	var depth, selects, chain, unary, joins int
	var open []bool // for each open parenthesis, whether a SELECT began in it
	for i := range s.toks {
		switch {
		case s.punct(i, '('):
			depth++
			begins := s.is(i+1, "select", "with", "values", "table")
			if open = append(open, begins); begins {
				selects++
			}
		case s.punct(i, ')') && depth > 0:
			depth--
			if open[depth] {
				selects--
			}
			open = open[:depth]
		case s.is(i, "and", "or", "xor", "union", "intersect", "except"):
			chain++
		case s.is(i, "join", "straight_join"):
			joins++
		}
		if s.is(i, "not") || s.punct(i, '!') || s.punct(i, '-') || s.punct(i, '~') || s.punct(i, '+') {
			unary++
		} else {
			unary = 0
		}
		switch {
		case depth > MaxNesting:
			return s.errorAt(i, "more than %d nested parentheses", MaxNesting)
		case selects > MaxSubqueries:
			return s.errorAt(i, "more than %d nested subqueries", MaxSubqueries)
		case chain > MaxOperators:
			return s.errorAt(i, "more than %d AND, OR, XOR and UNION", MaxOperators)
		case unary > MaxUnary:
			return s.errorAt(i, "more than %d unary operators in a row", MaxUnary)
		case joins > MaxJoins:
			return s.errorAt(i, "more than %d joins", MaxJoins)
		}
	}
	return nil
}
