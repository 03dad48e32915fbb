package jsonscan

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth is the deepest nesting of objects and arrays that Skip follows.
const MaxDepth = 512

// Error says what is wrong with the text, and where.
type Error struct {
	Offset int // bytes from the start
	Reason string
}

func (e *Error) Error() string { return fmt.Sprintf("invalid JSON at byte %d: %s", e.Offset, e.Reason) }

// Scanner reads one JSON text. After the first error every method returns zero values and Err returns the
// error. The zero Scanner reads the empty text.
type Scanner struct {
	s   string
	pos int
	err *Error
}

// New returns a scanner at the start of text.
func New(text string) Scanner { return Scanner{s: text} }

// Err returns the first error, or nil.
func (s *Scanner) Err() error {
	if s.err == nil {
		return nil
	}
	return s.err
}

// Offset returns the number of bytes read so far.
func (s *Scanner) Offset() int { return s.pos }

// Fail records an error at the current position unless there is one already.
func (s *Scanner) Fail(reason string) {
	if s.err == nil {
		s.err = &Error{s.pos, reason}
	}
}

// Peek returns the first byte of the next token without reading it: one of {}[]",: or the first byte of a
// number or literal. It returns 0 at the end of the text and after an error.
func (s *Scanner) Peek() byte {
	if s.err != nil {
		return 0
	}
	for s.pos < len(s.s) {
		switch c := s.s[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// End reads the end of the text.
func (s *Scanner) End() {
	if s.err == nil && s.Peek() != 0 || s.err == nil && s.pos < len(s.s) {
		s.Fail("more text after the value")
	}
}

func (s *Scanner) expect(c byte, what string) bool {
	if s.Peek() != c || s.pos >= len(s.s) {
		s.Fail("expected " + what)
		return false
	}
	s.pos++
	return true
}

// BeginObject reads the opening brace of an object.
func (s *Scanner) BeginObject() bool { return s.expect('{', "an object") }

// BeginArray reads the opening bracket of an array.
func (s *Scanner) BeginArray() bool { return s.expect('[', "an array") }

// NextKey reads the next key of an object up to and including its colon; first is true for the first call
// after BeginObject. ok is false behind the last member, whose closing brace has then been read, and after an error.
func (s *Scanner) NextKey(first bool) (key string, ok bool) {
	if s.Peek() == '}' {
		s.pos++
		return "", false
	}
	if !first && !s.expect(',', "a comma or the end of the object") {
		return "", false
	}
	if !first {
		s.Peek()
	}
	key = s.String()
	if !s.expect(':', "a colon") {
		return "", false
	}
	return key, true
}

// NextElement moves to the next element of an array; first is true for the first call after BeginArray. ok is
// false behind the last element, whose closing bracket has then been read, and after an error.
func (s *Scanner) NextElement(first bool) bool {
	switch c := s.Peek(); {
	case c == ']' && s.err == nil && s.pos < len(s.s):
		s.pos++
		return false
	case first:
		return s.err == nil
	}
	return s.expect(',', "a comma or the end of the array")
}

// Null reads null if that is next, and reports whether it was.
func (s *Scanner) Null() bool {
	if s.Peek() != 'n' {
		return false
	}
	return s.literal("null")
}

// Bool reads true or false.
func (s *Scanner) Bool() bool {
	switch s.Peek() {
	case 't':
		return s.literal("true")
	case 'f':
		s.literal("false")
	default:
		s.Fail("expected true or false")
	}
	return false
}

func (s *Scanner) literal(word string) bool {
	if !strings.HasPrefix(s.s[s.pos:], word) {
		s.Fail("expected " + word)
		return false
	}
	s.pos += len(word)
	return true
}

// Number reads a number and returns its text.
func (s *Scanner) Number() string {
	s.Peek()
	start := s.pos
	i := start
	if i < len(s.s) && s.s[i] == '-' {
		i++
	}
	digits := i
	for i < len(s.s) && isDigit(s.s[i]) {
		i++
	}
	ok := i > digits && (s.s[digits] != '0' || i == digits+1)
	if ok && i < len(s.s) && s.s[i] == '.' {
		i++
		frac := i
		for i < len(s.s) && isDigit(s.s[i]) {
			i++
		}
		ok = i > frac
	}
	if ok && i < len(s.s) && s.s[i]|0x20 == 'e' {
		i++
		if i < len(s.s) && (s.s[i] == '+' || s.s[i] == '-') {
			i++
		}
		exp := i
		for i < len(s.s) && isDigit(s.s[i]) {
			i++
		}
		ok = i > exp
	}
	if s.err != nil || !ok {
		s.Fail("expected a number")
		return ""
	}
	s.pos = i
	return s.s[start:i]
}

func isDigit(c byte) bool { return c-'0' <= 9 }

// Int reads a number that is an integer of 64 bits; a fraction or an exponent is an error.
func (s *Scanner) Int() int64 {
	text := s.Number()
	if s.err != nil {
		return 0
	}
	n, ok := ParseInt(text)
	if !ok {
		s.Fail("expected an integer of 64 bits")
	}
	return n
}

// ParseInt converts a decimal integer with an optional minus sign.
func ParseInt(text string) (n int64, ok bool) {
	neg := strings.HasPrefix(text, "-")
	digits := text
	if neg {
		digits = text[1:]
	}
	if digits == "" || len(digits) > 19 {
		return 0, false
	}
	var u uint64
	for i := range len(digits) {
		if !isDigit(digits[i]) {
			return 0, false
		}
		u = u*10 + uint64(digits[i]-'0')
	}
	switch {
	case neg && u <= 1<<63:
		return -int64(u), true
	case !neg && u < 1<<63:
		return int64(u), true
	}
	return 0, false
}

// String reads a string. Lone surrogates come out as U+FFFD, bytes that are not UTF-8 as they are.
func (s *Scanner) String() string {
	raw, escaped := s.RawString()
	if !escaped {
		return raw
	}
	text, ok := Unescape(raw)
	if !ok {
		s.Fail("invalid escape in a string")
		return ""
	}
	return text
}

// RawString reads a string and returns what is between its quotes, and whether that holds escapes.
func (s *Scanner) RawString() (raw string, escaped bool) {
	if !s.expect('"', "a string") {
		return "", false
	}
	text, start := s.s, s.pos
	for i := plainBytes(text, start); i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			s.pos = i + 1
			return text[start:i], escaped
		case c == '\\':
			n := escapeLen(text[i+1:])
			if n == 0 {
				s.pos = i
				s.Fail("invalid escape in a string")
				return "", false
			}
			escaped = true
			i += n
		case c < ' ':
			s.pos = i
			s.Fail("control character in a string")
			return "", false
		}
	}
	s.pos = len(text)
	s.Fail("unterminated string")
	return "", false
}

// escapeLen returns the number of bytes behind the backslash of an escape, 0 where it is malformed.
func escapeLen(s string) int {
	if s == "" {
		return 0
	}
	if s[0] != 'u' {
		return strings.Count(simpleEscapes, s[:1])
	}
	if _, ok := hex4(s[1:]); !ok {
		return 0
	}
	return 5
}

// plainBytes returns the first position from i on, or one a few bytes in front of it, at which text has a quote, a
// backslash or a control character. It looks at eight bytes at once: a byte of x-1 borrows into its high bit where the
// byte is zero, and likewise for each of the three.
func plainBytes(text string, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(text); i += 8 {
		b := text[i : i+8]
		w := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 | uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		quote, slash := w^(ones*'"'), w^(ones*'\\')
		if ((quote-ones)&^quote|(slash-ones)&^slash|(w-ones*' ')&^w)&highs != 0 {
			break
		}
	}
	return i
}

// simpleEscapes are the characters that stand for one behind a backslash.
const simpleEscapes = `"\/bfnrt`

// Unescape decodes the escapes of what RawString returned; ok is false if one is malformed.
func Unescape(raw string) (text string, ok bool) {
	var b strings.Builder
	b.Grow(len(raw))
	for {
		i := strings.IndexByte(raw, '\\')
		if i < 0 {
			b.WriteString(raw)
			return b.String(), true
		}
		b.WriteString(raw[:i])
		if i+1 >= len(raw) {
			return "", false
		}
		c := raw[i+1]
		raw = raw[i+2:]
		if c != 'u' {
			j := strings.IndexByte(simpleEscapes, c)
			if j < 0 {
				return "", false
			}
			b.WriteByte("\"\\/\b\f\n\r\t"[j])
			continue
		}
		r, rest, good := unescapeRune(raw)
		if !good {
			return "", false
		}
		b.WriteRune(r)
		raw = rest
	}
}

// unescapeRune decodes the digits behind \u, and a second half of a surrogate pair if it follows.
func unescapeRune(raw string) (r rune, rest string, ok bool) {
	r, ok = hex4(raw)
	if !ok {
		return 0, "", false
	}
	raw = raw[4:]
	if !utf16.IsSurrogate(r) {
		return r, raw, true
	}
	if strings.HasPrefix(raw, `\u`) {
		if low, ok := hex4(raw[2:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, raw[6:], true
			}
		}
	}
	return utf8.RuneError, raw, true
}

func hex4(s string) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	var r rune
	for i := range 4 {
		c := s[i]
		switch {
		case isDigit(c):
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// Raw reads any value and returns its text.
func (s *Scanner) Raw() string {
	s.Peek()
	start := s.pos
	s.Skip()
	if s.err != nil {
		return ""
	}
	return s.s[start:s.pos]
}

// Skip reads any value and forgets it.
func (s *Scanner) Skip() {
	var stack [MaxDepth]bool // true: an object
	depth := 0
	for {
		opened := false
		switch c := s.Peek(); c {
		case '{', '[':
			if depth == MaxDepth {
				s.Fail("nested too deeply")
				return
			}
			s.pos++
			stack[depth] = c == '{'
			depth++
			opened = true
		case '"':
			s.RawString()
		case 't', 'f':
			s.Bool()
		case 'n':
			s.literal("null")
		default:
			s.Number()
		}
		for depth > 0 && s.err == nil {
			more := false
			if stack[depth-1] {
				more = s.skipKey(opened)
			} else {
				more = s.NextElement(opened)
			}
			if more {
				break
			}
			opened = false
			depth--
		}
		if depth == 0 || s.err != nil {
			return
		}
	}
}

// skipKey is NextKey without decoding the key.
func (s *Scanner) skipKey(first bool) bool {
	if s.Peek() == '}' {
		s.pos++
		return false
	}
	if !first && !s.expect(',', "a comma or the end of the object") {
		return false
	}
	s.Peek()
	s.RawString()
	return s.expect(':', "a colon")
}
