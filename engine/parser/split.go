package parser

import "strings"

// Split cuts a script into its statements, at the semicolons outside of strings, names and comments. Empty
// statements are left out; the last needs no semicolon.
func Split(script string) []string {
	l := &lexer{src: script}
	var out []string
	start, empty := 0, true
	for {
		t := l.next()
		switch {
		case t.kind == kindEOF || t.kind == kindBad && t.end >= len(script):
			if t.kind == kindBad || !empty {
				out = append(out, strings.TrimSpace(script[start:]))
			}
			return out
		case t.kind == kindPunct && script[t.start] == ';':
			if !empty {
				out = append(out, strings.TrimSpace(script[start:t.start]))
			}
			start, empty = t.end, true
		default:
			empty = false
		}
	}
}

// Complete reports whether text ends with a statement's semicolon (or has no statement at all): a line editor
// asks for more otherwise.
func Complete(text string) bool {
	l := &lexer{src: text}
	ended := true
	for {
		t := l.next()
		switch {
		case t.kind == kindEOF:
			return ended
		case t.kind == kindBad:
			return false
		}
		ended = t.kind == kindPunct && text[t.start] == ';'
	}
}
