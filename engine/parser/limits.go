package parser

// Limits on what the host's parser, binder and analyzer, which recurse and in places take quadratic time or
// worse, are given. At each of them a statement takes about a second.
const (
	// MaxStatementBytes is the greatest length of a statement.
	MaxStatementBytes = 64 << 20
	// MaxNesting is the greatest depth of parentheses; the host's own limit is a little beyond.
	MaxNesting = 200
	// MaxSubqueries is the greatest depth of SELECT within SELECT: time doubles with each.
	MaxSubqueries = 12
	// MaxLogical is the greatest number of AND, OR and XOR in one expression.
	MaxLogical = 4000
	// MaxArithmetic is the greatest number of + - * / % || in one expression.
	MaxArithmetic = 700
	// MaxUnions is the greatest number of UNION, INTERSECT and EXCEPT in one statement.
	MaxUnions = 150
	// MaxUnary is the greatest number of NOT, !, - and ~ in a row.
	MaxUnary = 100
	// MaxJoins is the greatest number of joins in one statement.
	MaxJoins = 120
)

// level counts what stands between one pair of parentheses since the last comma.
type level struct {
	selects             bool
	logical, arithmetic int
}

// limiter walks over a statement and counts.
type limiter struct {
	*statement
	open                         []level
	selects, unary, joins, union int
}

// checkLimits refuses a statement that is nested too deeply or too long a chain.
func (s *statement) checkLimits() error {
	l := limiter{statement: s, open: make([]level, 1, 16)}
	for i := range s.toks {
		top := &l.open[len(l.open)-1]
		l.count(i, top)
		switch {
		case len(l.open) > MaxNesting+1:
			return s.errorAt(i, "more than %d nested parentheses", MaxNesting)
		case l.selects > MaxSubqueries:
			return s.errorAt(i, "more than %d nested subqueries", MaxSubqueries)
		case top.logical > MaxLogical:
			return s.errorAt(i, "more than %d AND, OR and XOR in an expression", MaxLogical)
		case top.arithmetic > MaxArithmetic:
			return s.errorAt(i, "more than %d arithmetic operators in an expression", MaxArithmetic)
		case l.union > MaxUnions:
			return s.errorAt(i, "more than %d UNION, INTERSECT and EXCEPT", MaxUnions)
		case l.unary > MaxUnary:
			return s.errorAt(i, "more than %d unary operators in a row", MaxUnary)
		case l.joins > MaxJoins:
			return s.errorAt(i, "more than %d joins", MaxJoins)
		}
	}
	return nil
}

// count takes token i into account; top is the innermost open level before it.
func (l *limiter) count(i int, top *level) {
	unary := false
	switch t := l.at(i); {
	case t.kind == kindWord:
		switch {
		case l.is(i, "and", "or", "xor"):
			top.logical++
		case l.is(i, "union", "intersect", "except"):
			l.union++
		case l.is(i, "join", "straight_join"):
			l.joins++
		}
		unary = l.is(i, "not")
	case t.kind == kindPunct:
		switch l.src[t.start] {
		case '(':
			begins := l.is(i+1, "select", "with", "values", "table")
			if l.open = append(l.open, level{selects: begins}); begins {
				l.selects++
			}
		case ')':
			if len(l.open) == 1 {
				break
			}
			if top.selects {
				l.selects--
			}
			l.open = l.open[:len(l.open)-1]
		case ',':
			top.logical, top.arithmetic = 0, 0
		case '+', '-':
			top.arithmetic++
			unary = true
		case '*', '/', '%', '|':
			top.arithmetic++
		case '!', '~':
			unary = true
		}
	}
	if l.unary++; !unary {
		l.unary = 0
	}
}
