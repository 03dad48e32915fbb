package parser

import (
	"strconv"
	"strings"
)

// hostVersion is the MySQL version that comments are compared with: /*!50001 … */ is code for 5.0.1 and later.
const hostVersion = 80033

// ownVersion marks code for featuresql alone; see ownClause.
const ownVersion = 999999

// openComments makes code of /*! … */ and /*!80000 … */, and a comment of those for a later version: blanks take the
// place of what opens and closes them, so that every offset stays (MySQL 8.0 manual, "Comments").
func openComments(query string, ansi bool) string {
	if !strings.Contains(query, "/*!") {
		return query
	}
	b := []byte(query)
	open := false
	l := lexer{src: query, ansiQuotes: ansi}
	for l.pos < len(query) {
		rest := query[l.pos:]
		switch {
		case open && strings.HasPrefix(rest, "*/"):
			b[l.pos], b[l.pos+1] = ' ', ' '
			l.pos, open = l.pos+2, false
		case strings.HasPrefix(rest, "/*!"):
			n, version := commentVersion(rest)
			if version > hostVersion && version != ownVersion {
				b[l.pos+2] = ' '
				l.skipComment()
				continue
			}
			for i := range n {
				b[l.pos+i] = ' '
			}
			l.pos, open = l.pos+n, true
		case isSpace(rest[0]):
			l.pos++
		case rest[0] == '#', strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "/*"):
			l.skipComment()
		default:
			l.next()
		}
	}
	if open { // which is an error, found where the statement is read
		return query
	}
	return string(b)
}

// commentVersion returns the length of what opens a comment at the beginning of text, and its version, 0 for none.
func commentVersion(text string) (length, version int) {
	length = len("/*!")
	for length < len(text) && length < len("/*!999999") && isDigit(text[length]) {
		length++
	}
	if length < len("/*!50000") {
		return len("/*!"), 0
	}
	version, _ = strconv.Atoi(text[len("/*!"):length])
	return length, version
}

// skipComment passes over the comment at the lexer's position, or the byte there if none begins.
func (l *lexer) skipComment() {
	rest := l.src[l.pos:]
	end, skip := "\n", 0
	switch {
	case strings.HasPrefix(rest, "/*"):
		end, skip = "*/", 2
	case strings.HasPrefix(rest, "--") && len(rest) > 2 && rest[2] > ' ':
		l.pos++
		return
	}
	i := strings.Index(rest[skip:], end)
	if i < 0 {
		l.pos = len(l.src)
		return
	}
	l.pos += skip + i + len(end)
}
