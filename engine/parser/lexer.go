package parser

import "strings"

// kind classifies a token.
type kind uint8

const (
	kindEOF     kind = iota
	kindWord         // unquoted identifier or keyword
	kindQuoted       // quoted identifier
	kindString       // string literal
	kindNumber       // numeric, hexadecimal or bit literal
	kindParam        // ?
	kindVar          // @user_variable, @@system_variable, or the host part of an account
	kindPunct        // one byte of anything else
	kindSpecial      // /*! … */, which the host reads
	kindBad          // an unterminated string, name or comment
)

// token is a piece of a statement; text is src[start:end], with its quotes.
type token struct {
	kind       kind
	start, end int
}

// lexer cuts a statement into tokens as MySQL's and the host's lexers do, with exact offsets, which the host's
// does not give. Comments are skipped.
type lexer struct {
	inClause   bool // between ownClause and its end
	src        string
	pos        int
	ansiQuotes bool
}

func (l *lexer) next() token {
	if t, ok := l.skipBlank(); ok {
		return t
	}
	if l.pos >= len(l.src) {
		return token{kindEOF, len(l.src), len(l.src)}
	}
	start := l.pos
	switch c := l.src[start]; {
	case (c == 'x' || c == 'X' || c == 'b' || c == 'B') && l.peek(1) == '\'':
		l.pos++
		return l.quoted(start, '\'', kindNumber)
	case isWordStart(c):
		return l.word(start)
	case isDigit(c), c == '.' && isDigit(l.peek(1)) && !l.afterName():
		return l.number(start)
	case c == '\'', c == '"' && !l.ansiQuotes:
		return l.quoted(start, c, kindString)
	case c == '`', c == '"':
		return l.quoted(start, c, kindQuoted)
	case c == '?':
		l.pos++
		return token{kindParam, start, l.pos}
	case c == '@':
		return l.variable(start)
	}
	l.pos++
	return token{kindPunct, start, l.pos}
}

func (l *lexer) peek(n int) byte {
	if l.pos+n < len(l.src) {
		return l.src[l.pos+n]
	}
	return 0
}

// afterName reports whether the byte before is part of a name, so that a dot here qualifies it.
func (l *lexer) afterName() bool {
	if l.pos == 0 {
		return false
	}
	c := l.src[l.pos-1]
	return isWordPart(c) || c == '`'
}

// ownClause begins a comment that SHOW CREATE TABLE puts around what MySQL does not know; what is in it counts here.
const ownClause = "/*!999999 "

// skipBlank skips white space and comments, but for one that is a token: unterminated, or /*! … */.
func (l *lexer) skipBlank() (token, bool) {
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		switch {
		case isSpace(c):
			l.pos++
		case c == '#', c == '-' && l.peek(1) == '-' && (l.pos+2 >= len(l.src) || l.src[l.pos+2] <= ' '):
			if i := strings.IndexByte(l.src[l.pos:], '\n'); i >= 0 {
				l.pos += i + 1
			} else {
				l.pos = len(l.src)
			}
		case strings.HasPrefix(l.src[l.pos:], ownClause):
			l.pos += len(ownClause)
			l.inClause = true
		case l.inClause && c == '*' && l.peek(1) == '/':
			l.pos += 2
			l.inClause = false
		case c == '/' && l.peek(1) == '*':
			i := strings.Index(l.src[l.pos+2:], "*/")
			if i < 0 {
				t := token{kindBad, l.pos, len(l.src)}
				l.pos = len(l.src)
				return t, true
			}
			start := l.pos
			if l.pos += i + 4; l.src[start+2] == '!' {
				return token{kindSpecial, start, l.pos}, true
			}
		default:
			return token{}, false
		}
	}
	return token{}, false
}

func (l *lexer) word(start int) token {
	for l.pos < len(l.src) && isWordPart(l.src[l.pos]) {
		l.pos++
	}
	return token{kindWord, start, l.pos}
}

func (l *lexer) number(start int) token {
	if l.src[start] == '0' && (l.peek(1) == 'x' || l.peek(1) == 'X') {
		return l.word(start).as(kindNumber)
	}
	for isDigit(l.peek(0)) {
		l.pos++
	}
	if l.peek(0) == '.' {
		l.pos++
		for isDigit(l.peek(0)) {
			l.pos++
		}
	} else if c := l.peek(0); isWordPart(c) && !l.exponent() {
		return l.word(start) // a name that begins with a digit
	}
	if l.exponent() {
		l.pos += 2
		for isDigit(l.peek(0)) {
			l.pos++
		}
	}
	return token{kindNumber, start, l.pos}
}

// exponent reports whether an exponent follows: e1, e+1, E-1.
func (l *lexer) exponent() bool {
	if c := l.peek(0); c != 'e' && c != 'E' {
		return false
	}
	c := l.peek(1)
	return isDigit(c) || (c == '+' || c == '-') && isDigit(l.peek(2))
}

func (t token) as(k kind) token { t.kind = k; return t }

// quoted reads to the closing quote q; pos is at the opening one.
func (l *lexer) quoted(start int, q byte, k kind) token {
	for l.pos++; l.pos < len(l.src); l.pos++ {
		switch c := l.src[l.pos]; {
		case c == '\\' && k != kindQuoted:
			l.pos++
		case c == q && l.peek(1) == q:
			l.pos++
		case c == q:
			l.pos++
			return token{k, start, l.pos}
		}
	}
	l.pos = len(l.src)
	return token{kindBad, start, l.pos}
}

func (l *lexer) variable(start int) token {
	l.pos++
	if l.peek(0) == '@' {
		l.pos++
	}
	if c := l.peek(0); c == '`' || c == '\'' || c == '"' {
		return l.quoted(start, c, kindVar)
	}
	system := l.pos-start == 2
	for l.pos < len(l.src) && (isWordPart(l.src[l.pos]) || system && l.src[l.pos] == '.') {
		l.pos++
	}
	return token{kindVar, start, l.pos}
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isWordStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$' || c >= 0x80
}

func isWordPart(c byte) bool { return isWordStart(c) || isDigit(c) }

// statement is the tokens of one statement, closed by an EOF token at its end.
type statement struct {
	src  string
	toks []token
	end  int // offset of what follows the statement and its semicolon
	ansi bool
}

// lexOne cuts the first non-empty statement of src, which a semicolon or the end of src ends. When whole is set
// semicolons do not end it. A /*! … */ is a token only at the beginning, where it leaves the statement to the host.
func lexOne(src string, ansi, whole bool) statement {
	l := lexer{src: src, ansiQuotes: ansi}
	s := statement{src: src, ansi: ansi, toks: make([]token, 0, min(len(src)/4+2, 1<<16))}
	for {
		t := l.next()
		if t.kind == kindPunct && src[t.start] == ';' && !whole {
			if len(s.toks) == 0 {
				continue
			}
			t = token{kindEOF, t.start, t.start}
		}
		if t.kind == kindSpecial && len(s.toks) > 0 {
			continue
		}
		s.toks = append(s.toks, t)
		if t.kind == kindEOF || t.kind == kindBad {
			s.end = l.pos
			return s
		}
	}
}

// at returns token i, and the EOF token beyond the end.
func (s *statement) at(i int) token {
	if i < 0 || i >= len(s.toks) {
		return token{kindEOF, len(s.src), len(s.src)}
	}
	return s.toks[i]
}

// text returns the text of token i.
func (s *statement) text(i int) string {
	t := s.at(i)
	return s.src[t.start:t.end]
}

// is reports whether token i is one of the keywords.
func (s *statement) is(i int, words ...string) bool {
	if s.at(i).kind != kindWord {
		return false
	}
	text := s.text(i)
	for _, w := range words { // in lower case
		if len(w) == len(text) && w[0] == text[0]|0x20 && strings.EqualFold(w, text) {
			return true
		}
	}
	return false
}

// seq reports whether the tokens from i on are these keywords.
func (s *statement) seq(i int, words ...string) bool {
	for k, w := range words {
		if !s.is(i+k, w) {
			return false
		}
	}
	return true
}

// punct reports whether token i is the byte c.
func (s *statement) punct(i int, c byte) bool {
	t := s.at(i)
	return t.kind == kindPunct && s.src[t.start] == c
}

// isName reports whether token i can be an identifier.
func (s *statement) isName(i int) bool {
	k := s.at(i).kind
	return k == kindWord || k == kindQuoted
}

// name returns the identifier that token i spells, without its quotes.
func (s *statement) name(i int) string {
	text := s.text(i)
	if s.at(i).kind != kindQuoted {
		return text
	}
	q := text[:1]
	return strings.ReplaceAll(text[1:len(text)-1], q+q, q)
}

// adjacent reports whether nothing stands between tokens i and i+1.
func (s *statement) adjacent(i int) bool { return s.at(i).end == s.at(i+1).start }

// closing returns the index of the parenthesis that closes the one at i, or -1.
func (s *statement) closing(i int) int {
	depth := 0
	for ; i < len(s.toks); i++ {
		switch {
		case s.punct(i, '('):
			depth++
		case s.punct(i, ')'):
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}
