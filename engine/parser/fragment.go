package parser

import (
	"strconv"
	"strings"

	ast "github.com/dolthub/vitess/go/vt/sqlparser"
)

func itoa(n int) string { return strconv.Itoa(n) }

// fragment returns the text of tokens from to to-1 with every parameter under its number in the whole statement,
// so that pieces can be moved and parsed one by one.
func (s *statement) fragment(from, to int) string {
	n := 0
	for i := range from {
		if s.toks[i].kind == kindParam {
			n++
		}
	}
	var b strings.Builder
	at := s.at(from).start
	for i := from; i < to; i++ {
		if t := s.toks[i]; t.kind == kindParam {
			n++
			b.WriteString(s.src[at:t.start])
			b.WriteString(" :v" + itoa(n) + " ")
			at = t.end
		}
	}
	if to > from {
		b.WriteString(s.src[at:s.at(to-1).end])
	}
	return b.String()
}

// parseExpr parses the expression of tokens from to to-1.
func (c *compiler) parseExpr(from, to int) (ast.Expr, error) {
	if from >= to {
		return nil, c.errorAt(from, "an expression is missing")
	}
	sel, err := c.parseSelect("SELECT (" + c.fragment(from, to) + "\n)")
	if err != nil {
		return nil, err
	}
	if s, ok := sel.(*ast.Select); ok && len(s.SelectExprs) == 1 {
		if a, ok := s.SelectExprs[0].(*ast.AliasedExpr); ok {
			if _, tuple := a.Expr.(ast.ValTuple); !tuple {
				return unparen(a.Expr), nil
			}
		}
	}
	return nil, c.errorAt(from, "not an expression")
}

// parseSelect parses a text of ours that must be a SELECT.
func (c *compiler) parseSelect(text string) (ast.SelectStatement, error) {
	s := lexOne(text, c.ansi, false)
	st, _, err := c.host(&s)
	if err != nil {
		return nil, err
	}
	sel, ok := st.(ast.SelectStatement)
	if !ok {
		return nil, s.errorAt(0, "a SELECT is missing")
	}
	return sel, nil
}

// until returns the first token from i on, outside of parentheses and of CASE … END, for which stop is true, or
// the EOF token.
func (s *statement) until(i int, stop func(i int) bool) int {
	cases := 0
	for ; i < len(s.toks)-1; i++ {
		switch {
		case s.is(i, "end") && cases > 0:
			cases--
			continue
		case cases == 0 && stop(i):
			return i
		case s.punct(i, '('):
			if i = s.closing(i); i < 0 {
				return len(s.toks) - 1
			}
		case s.is(i, "case"):
			cases++
		}
	}
	return len(s.toks) - 1
}

// list splits tokens from to to-1 at the commas outside of parentheses and calls f for each piece.
func (s *statement) list(from, to int, f func(from, to int) error) error {
	for {
		end := min(s.until(from, func(i int) bool { return s.punct(i, ',') }), to)
		if end <= from {
			return s.errorAt(from, "something is missing here")
		}
		if err := f(from, end); err != nil || end >= to {
			return err
		}
		from = end + 1
	}
}
