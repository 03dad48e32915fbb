package parser

import (
	"encoding/hex"
	"strings"

	ast "github.com/dolthub/vitess/go/vt/sqlparser"
)

// The wire library parses the text of COM_STMT_PREPARE itself, with the plain grammar, to count its parameters.
// Rewrite therefore wraps every text into a SELECT of as many parameters that carries the original in hexadecimal,
// where no quote, comment or semicolon can end it:
//
//	SELECT /*featuresql:6d65726765…*/ ?, ?
//
// Restore takes it out again. A parser made by New does so by itself.
const (
	placeholderStart = "SELECT /*featuresql:"
	placeholderEnd   = "*/ "
)

// MaxParameters is the greatest number of parameters of a prepared statement (MySQL error 1390 beyond).
const MaxParameters = 65535

// Rewrite returns a statement of the plain grammar with as many parameters as text has, from which Restore gets
// text back. With too many parameters there are none in the result: whoever restores it must check ParameterCount.
func Rewrite(text string, opts ast.ParserOptions) string {
	n := ParameterCount(text, opts)
	if n > MaxParameters {
		n = 0
	}
	var b strings.Builder
	b.Grow(len(placeholderStart) + 2*len(text) + len(placeholderEnd) + 2*n + 1)
	b.WriteString(placeholderStart)
	b.WriteString(hex.EncodeToString([]byte(text)))
	b.WriteString(placeholderEnd)
	if n == 0 {
		b.WriteByte('1')
	} else {
		b.WriteString(strings.Repeat("?,", n-1))
		b.WriteByte('?')
	}
	return b.String()
}

// Restore returns the text that Rewrite put into placeholder; false if it is no placeholder.
func Restore(placeholder string) (string, bool) {
	rest, ok := strings.CutPrefix(placeholder, placeholderStart)
	if !ok {
		return "", false
	}
	digits, _, ok := strings.Cut(rest, placeholderEnd)
	if !ok {
		return "", false
	}
	text, err := hex.DecodeString(digits)
	if err != nil || strings.HasPrefix(string(text), placeholderStart) {
		return "", false
	}
	return string(text), true
}

// ParameterCount counts the question marks of text outside strings, names and comments.
func ParameterCount(text string, opts ast.ParserOptions) int {
	n := 0
	l := lexer{src: text, ansiQuotes: opts.AnsiQuotes}
	for t := l.next(); t.kind != kindEOF; t = l.next() {
		if t.kind == kindParam {
			n++
		}
	}
	return n
}
