package textfile

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
)

// Splitter cuts a file into parts of whole lines, which can be read side by side; make it with NewSplitter.
type Splitter struct {
	src  io.Reader
	f    Format
	size int
	rest []byte // read, and not yet in a part
	err  error  // of src
	line int64  // lines in parts, or passed over
	pass *Reader
}

// NewSplitter returns a splitter of what r has, which makes parts of about size bytes.
func NewSplitter(r io.Reader, f Format, size int) *Splitter {
	s := &Splitter{src: r, f: f, size: size, pass: New(nil, f)}
	s.pass.passing = true
	return s
}

// Skip passes over n lines, before the first part; see Reader.Skip.
func (s *Splitter) Skip(n int64) error {
	r := New(s.src, s.f)
	err := r.Skip(n)
	s.rest, s.err, s.line = bytes.Clone(r.buf[r.pos:]), r.err, n
	return err
}

// errMore says that a line goes on behind the text that was read so far.
var errMore = errors.New("the line goes on")

// Next returns the next part, in buf's memory if it is large enough, and how many lines are before it, or io.EOF. NewOf reads it.
func (s *Splitter) Next(buf []byte) (text []byte, before int64, err error) {
	text = append(buf[:0], s.rest...)
	for size := max(s.size, len(text)); ; size *= 2 {
		for len(text) < size && s.err == nil {
			var n int
			text = slices.Grow(text, size-len(text))
			n, s.err = s.src.Read(text[len(text):size])
			text = text[:len(text)+n]
		}
		end, lines, err := s.whole(text)
		if end > 0 {
			before = s.line
			s.rest, s.line = append(s.rest[:0], text[end:]...), s.line+lines
			return text[:end], before, nil
		}
		if !errors.Is(err, errMore) {
			return nil, 0, err
		}
	}
}

// whole returns how many bytes of text whole lines have, how many lines, and why it is not more.
func (s *Splitter) whole(text []byte) (end int, lines int64, err error) {
	behind := s.err
	if behind == nil {
		behind = errMore
		if s.plain() {
			end = s.lastEnd(text)
			return end, s.count(text[:end]), s.tooLong(len(text) - end)
		}
	}
	r := s.pass
	r.Reset(text, s.line)
	r.err = behind
	for {
		if err := r.next(); err != nil {
			return end, lines, err
		}
		end = r.pos
		lines++
	}
}

func (s *Splitter) tooLong(n int) error {
	if n > MaxLineBytes {
		return tooLong(s.line + 1)
	}
	return errMore
}

// plain reports whether every end of a line that no escape is before ends one.
func (s *Splitter) plain() bool {
	f := s.f
	return f.Quote == "" && f.LineStart == "" && len(f.LineEnd) == 1 && f.LineEnd != f.Escape && !strings.ContainsAny(f.FieldEnd, f.LineEnd+f.Escape)
}

// lastEnd returns where the last line of plain text ends, 0 if none does.
func (s *Splitter) lastEnd(text []byte) int {
	for at := len(text); ; {
		if at = bytes.LastIndexByte(text[:at], s.f.LineEnd[0]); at < 0 {
			return 0
		}
		escapes := 0
		for s.f.Escape != "" && escapes < at && text[at-1-escapes] == s.f.Escape[0] {
			escapes++
		}
		if escapes%2 == 0 {
			return at + 1
		}
	}
}

// count counts the lines of plain text.
func (s *Splitter) count(text []byte) int64 {
	n := int64(bytes.Count(text, []byte(s.f.LineEnd)))
	for s.f.Escape != "" {
		at := bytes.IndexByte(text, s.f.Escape[0])
		if at < 0 {
			break
		}
		if text[at+1] == s.f.LineEnd[0] { // a line's end is behind every escape
			n--
		}
		text = text[at+2:]
	}
	return n
}
