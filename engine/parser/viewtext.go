package parser

import (
	"encoding/base64"
	"strings"
)

// A view is kept as the text that the host's grammar takes. What SHOW CREATE VIEW shows is what the user wrote, which
// the host hands on in a comment at the end of that text.
const (
	writtenMark = " /*featuresql written "
	writtenEnd  = " */"
)

// withWritten adds to the rewritten text of CREATE VIEW the text that the user wrote.
func (s *statement) withWritten(text string) string {
	if !s.isCreateView() || strings.Contains(text, writtenMark) {
		return text
	}
	written := s.src[s.at(0).start:s.at(len(s.toks)-1).start]
	return text + writtenMark + base64.StdEncoding.EncodeToString([]byte(written)) + writtenEnd
}

func (s *statement) isCreateView() bool {
	return s.is(0, "create") && s.viewWord() > 0
}

// viewWord is the position of VIEW in CREATE VIEW, 0 in any other statement.
func (s *statement) viewWord() int {
	for i := 1; i < len(s.toks); i++ {
		if s.is(i, "view") {
			return i
		}
		if s.is(i, "table", "as", "select", "database", "schema", "procedure", "function", "trigger", "event", "index", "user", "role") {
			break
		}
	}
	return 0
}

// CutWritten splits the text of a CREATE VIEW statement from what its user wrote, which is empty if that is not known.
func CutWritten(text string) (rewritten, written string) {
	i := strings.LastIndex(text, writtenMark)
	if i < 0 {
		return text, ""
	}
	coded, rest, ok := strings.Cut(text[i+len(writtenMark):], writtenEnd)
	if !ok {
		return text, ""
	}
	b, err := base64.StdEncoding.DecodeString(coded)
	if err != nil {
		return text, ""
	}
	return text[:i] + rest, string(b)
}

// ViewParts are the parts of a CREATE VIEW statement that are shown.
type ViewParts struct {
	Columns []string // as named in parentheses; nil: none
	Body    string   // the SELECT, as written but for comments
}

// ViewPartsOf reads a CREATE VIEW statement that was executed before.
func ViewPartsOf(text string, ansiQuotes bool) ViewParts {
	s := lexOne(text, ansiQuotes, false)
	i := s.viewWord() + 1
	if s.seq(i, "if", "not", "exists") {
		i += 3
	}
	for i++; s.punct(i, '.'); i += 2 { // the name's parts
	}
	var p ViewParts
	if end := s.closing(i); s.punct(i, '(') && end > 0 {
		for k := i + 1; k < end; k += 2 {
			p.Columns = append(p.Columns, s.name(k))
		}
		i = end + 1
	}
	if s.is(i, "as") {
		p.Body = s.withoutComments(i+1, len(s.toks)-1)
	}
	return p
}

// withoutComments is the text of the tokens from i to before end. A dump puts it into a comment of its own.
func (s *statement) withoutComments(i, end int) string {
	var b strings.Builder
	for ; i < end; i++ {
		b.WriteString(s.text(i))
		if i+1 == end {
			break
		}
		gap := s.src[s.at(i).end:s.at(i+1).start]
		if strings.TrimSpace(gap) != "" {
			gap = " "
		}
		b.WriteString(gap)
	}
	return b.String()
}
