package parser

import (
	"reflect"
	"strings"

	ast "github.com/dolthub/vitess/go/vt/sqlparser"
)

// The host names a column that has no alias by the text of its expression, which it takes from the rewritten statement,
// with comments, and without a NOT, or NOT (, that the select list begins with. MySQL names it as it was written.

// relabel gives the select lists of st, parsed from the text that the edits made of the statement, the names that MySQL gives them.
func (s *statement) relabel(st ast.Statement, edits []edit) {
	w := walker{enter: func(node any) bool {
		if a, ok := node.(*ast.AliasedExpr); ok && a.InputExpression != "" && a.EndParsePos > a.StartParsePos {
			first := s.tokenAt(s.written(edits, a.StartParsePos, false))
			last := s.tokenAt(s.written(edits, a.EndParsePos, true)) - 1
			for s.punct(first, ',') { // the host starts too early where a blank is before it
				first++
			}
			for s.is(first-1, "not") || s.is(first-2, "not") && s.punct(first-1, '(') {
				first--
			}
			if first < last || first == last && s.at(first).kind != kindString { // of a string, the host takes the quotes
				a.InputExpression = s.src[s.at(first).start:s.at(last).end]
			}
		}
		return true
	}}
	holder := reflect.New(statementType).Elem()
	holder.Set(reflect.ValueOf(st))
	w.walk(holder)
}

// written returns the place in the statement as written of a place in the text that the edits make of it; an edited place is at the
// beginning of what was replaced, or at its end.
func (s *statement) written(edits []edit, at int, end bool) int {
	shift := s.at(0).start // of what follows the last edit
	for _, e := range edits {
		switch from := e.start - shift; {
		case at < from || at == from && end:
			return at + shift
		case at < from+len(e.text) || at == from:
			if end {
				return e.end
			}
			return e.start
		}
		shift += e.end - e.start - len(e.text)
	}
	return at + shift
}

// tokenAt is the first token that begins at or behind a place in the statement.
func (s *statement) tokenAt(place int) int {
	low, high := 0, len(s.toks)-1
	for low < high {
		if mid := (low + high) / 2; s.toks[mid].start < place {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// labelsDiffer reports whether the text that the host sees may name columns otherwise than the statement.
func (s *statement) labelsDiffer(edits []edit) bool {
	if len(edits) > 0 {
		return true
	}
	for _, comment := range []string{"/*", "--", "#"} {
		if strings.Contains(s.src, comment) {
			return true
		}
	}
	for i := range s.toks {
		if s.punct(i, ',') && !s.adjacent(i-1) || s.is(i, "not") && s.is(i-1, "select", "all", "distinct", "sql_no_cache") {
			return true
		}
	}
	return false
}
