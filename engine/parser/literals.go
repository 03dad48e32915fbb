package parser

import (
	"slices"
	"strings"

	ast "github.com/dolthub/vitess/go/vt/sqlparser"
)

// Literal is a constant of a statement: an integer, or a string without its quotes.
type Literal struct {
	Text   string
	String bool
}

// OpenLiterals returns a SELECT with question marks in place of the integers and strings of its outermost WHERE clause,
// and these, in order. There are none if the text has parameters, or strings with escapes. The text with question
// marks need not be valid where a grammar wants a literal.
func OpenLiterals(text string, opts ast.ParserOptions) (string, []Literal) {
	l := lexer{src: text, ansiQuotes: opts.AnsiQuotes}
	var (
		out      strings.Builder
		found    []Literal
		before   [2]token // the last tokens
		copied   int
		depth    int
		in, over bool // inside of the clause; behind it
	)
	for t := l.next(); t.kind != kindEOF && !over; t = l.next() {
		word := text[t.start:t.end]
		switch t.kind {
		case kindParam, kindBad, kindSpecial, kindVar:
			return text, nil
		case kindPunct:
			switch word {
			case "(":
				depth++
			case ")":
				depth--
			case ";":
				over = true
			}
		case kindWord:
			if depth == 0 && !in {
				in = strings.EqualFold(word, "where")
			} else if depth == 0 {
				over = slices.ContainsFunc(afterWhere, func(w string) bool { return strings.EqualFold(w, word) })
			}
		case kindNumber, kindString:
			lit, ok := openable(text, t)
			if !in || !ok {
				break
			}
			start := t.start
			if !lit.String && isSign(text, before) {
				start, lit.Text = before[1].start, "-"+lit.Text
			}
			out.WriteString(text[copied:start])
			out.WriteByte('?')
			copied = t.end
			found = append(found, lit)
		}
		before[0], before[1] = before[1], t
	}
	if len(found) == 0 {
		return text, nil
	}
	out.WriteString(text[copied:])
	return out.String(), found
}

// afterWhere are the words that end a WHERE clause.
var afterWhere = []string{"group", "having", "order", "limit", "window", "union", "intersect", "except", "for", "into", "lock", "procedure"}

// openable returns the literal of a token if its text is its value.
func openable(text string, t token) (Literal, bool) {
	s := text[t.start:t.end]
	if t.kind == kindNumber {
		for i := range len(s) {
			if !isDigit(s[i]) {
				return Literal{}, false
			}
		}
		return Literal{Text: s}, len(s) <= 18
	}
	s = s[1 : len(s)-1]
	return Literal{Text: s, String: true}, !strings.ContainsAny(s, `\'"`)
}

// isSign reports whether the last of two tokens is the sign of a number that follows: a minus behind a comparison,
// a comma or a bracket.
func isSign(text string, before [2]token) bool {
	return before[1].kind == kindPunct && text[before[1].start] == '-' &&
		before[0].kind == kindPunct && strings.IndexByte("=<>(,", text[before[0].start]) >= 0
}

// QualifyView returns a CREATE VIEW statement with the database in front of the view's name, if it has none.
func QualifyView(text, database string) string {
	l := lexer{src: text}
	for t := l.next(); t.kind != kindEOF && t.kind != kindBad; t = l.next() {
		if t.kind != kindWord || !strings.EqualFold(text[t.start:t.end], "view") {
			continue
		}
		name := l.next()
		if after := l.next(); after.kind == kindPunct && text[after.start] == '.' || name.kind != kindWord && name.kind != kindQuoted {
			return text
		}
		return text[:name.start] + "`" + strings.ReplaceAll(database, "`", "``") + "`." + text[name.start:]
	}
	return text
}
