package textfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
)

// MaxLineBytes bounds the text of a line.
const MaxLineBytes = 64 << 20

// Format says where fields and lines end (MySQL 8.0 manual, "LOAD DATA Statement", "Field and Line Handling").
type Format struct {
	FieldEnd  string // never empty
	Quote     string // one byte, or empty
	Escape    string // one byte, or empty
	LineStart string // what stands before it is no part of the line; a line without it is skipped
	LineEnd   string // empty: the file is one line
}

// Default is the format without any clause.
var Default = Format{FieldEnd: "\t", Escape: `\`, LineEnd: "\n"}

// Field is one value of a line; its text is valid until the next line is read.
type Field struct {
	Text []byte
	Null bool
}

// LineError says that a line cannot be read.
type LineError struct {
	Line   int64 // from 1
	Reason string
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d of the file: %s", e.Line, e.Reason) }

// Reader reads lines; make it with New.
type Reader struct {
	src     io.Reader
	f       Format
	buf     []byte // what was read and not yet used is buf[pos:]
	pos     int
	err     error     // of src
	special [256]bool // bytes that may end a run of text
	quick   bool      // fields and lines end with one byte each, and no two marks are the same
	line    int64
	passing bool   // lines are passed over: of their text only the size counts
	size    int    // bytes of the text of the line's fields
	text    []byte // of all fields of the line
	ends    []fieldEnd
	fields  []Field
}

type fieldEnd struct {
	at           int
	quoted, null bool
}

// New returns a reader of r.
func New(r io.Reader, f Format) *Reader {
	out := &Reader{src: r, f: f}
	for _, mark := range []string{f.FieldEnd, f.LineEnd, f.Quote, f.Escape} {
		if mark != "" {
			out.special[mark[0]] = true
		}
	}
	marks := []string{f.FieldEnd, f.LineEnd, f.Quote, f.Escape}
	slices.Sort(marks)
	marks = slices.DeleteFunc(marks, func(m string) bool { return m == "" })
	out.quick = len(f.FieldEnd) == 1 && len(f.LineEnd) == 1 && len(slices.Compact(slices.Clone(marks))) == len(marks)
	return out
}

// NewOf returns a reader of text, the first line of which comes after as many as are given. The text is not changed.
func NewOf(text []byte, f Format, before int64) *Reader {
	r := New(nil, f)
	r.Reset(text, before)
	return r
}

// Reset makes r read text, as NewOf does.
func (r *Reader) Reset(text []byte, before int64) {
	r.buf, r.pos, r.err, r.line = text, 0, io.EOF, before
}

// Line is the number of the line that Next returned, from 1.
func (r *Reader) Line() int64 { return r.line }

const readBytes = 256 << 10

// fill makes n bytes available, or says why there are fewer.
func (r *Reader) fill(n int) error {
	for len(r.buf)-r.pos < n {
		if r.err != nil {
			return r.err
		}
		if r.pos > 0 && len(r.buf)+n > cap(r.buf) {
			r.buf = append(r.buf[:0], r.buf[r.pos:]...)
			r.pos = 0
		}
		r.buf = slices.Grow(r.buf, max(n, readBytes-len(r.buf)))
		var got int
		got, r.err = r.src.Read(r.buf[len(r.buf):cap(r.buf)])
		r.buf = r.buf[:len(r.buf)+got]
	}
	return nil
}

// at reports whether the mark comes next, and takes it.
func (r *Reader) at(mark string) bool {
	if mark == "" || r.buf[r.pos] != mark[0] {
		return false
	}
	if len(mark) > 1 && (r.fill(len(mark)) != nil || string(r.buf[r.pos:r.pos+len(mark)]) != mark) {
		return false
	}
	r.pos += len(mark)
	return true
}

// passBy passes over everything up to the mark and over the mark.
func (r *Reader) passBy(mark string) error {
	for {
		if err := r.fill(1); err != nil {
			return err
		}
		if r.at(mark) {
			return nil
		}
		r.pos++
	}
}

// Skip passes over n lines, whatever fields they have; fewer are no error.
func (r *Reader) Skip(n int64) error {
	for ; n > 0; n-- {
		r.line++
		if err := r.passBy(r.f.LineEnd); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
	return nil
}

// Next returns the fields of the next line, valid until the next call, or io.EOF.
func (r *Reader) Next() ([]Field, error) {
	if err := r.next(); err != nil {
		return nil, err
	}
	return r.cut(), nil
}

func (r *Reader) next() error {
	r.line++
	r.size, r.text, r.ends = 0, r.text[:0], r.ends[:0]
	if r.f.LineStart != "" {
		if err := r.passBy(r.f.LineStart); err != nil {
			return err
		}
	}
	if err := r.fill(1); err != nil {
		return err
	}
	for {
		last, err := r.field()
		if err != nil {
			return err
		}
		if r.size+fieldBytes*len(r.ends) > MaxLineBytes {
			return r.tooLong()
		}
		if last {
			return nil
		}
	}
}

// cut makes the fields of the line that was read.
func (r *Reader) cut() []Field {
	r.fields = r.fields[:0]
	from := 0
	for _, e := range r.ends {
		f := Field{Text: r.text[from:e.at:e.at]}
		word := !e.quoted && string(f.Text) == "NULL" && r.f.Quote != ""
		if word || e.null && len(f.Text) == 1 {
			f = Field{Null: true}
		}
		r.fields = append(r.fields, f)
		from = e.at
	}
	return r.fields
}

// run takes the text up to a byte that may be something else.
func (r *Reader) run() error {
	for {
		if err := r.fill(1); err != nil {
			return err
		}
		i := r.pos
		for i < len(r.buf) && !r.special[r.buf[i]] {
			i++
		}
		r.put(r.buf[r.pos:i]...)
		if r.pos = i; i < len(r.buf) {
			return nil
		}
		if r.size > MaxLineBytes {
			return r.tooLong()
		}
	}
}

// put adds to the text of the line.
func (r *Reader) put(text ...byte) {
	if r.size += len(text); !r.passing {
		r.text = append(r.text, text...)
	}
}

// fieldBytes is what a field takes beside its text.
const fieldBytes = 64

func (r *Reader) tooLong() error { return tooLong(r.line) }

func tooLong(line int64) error {
	return &LineError{line, "longer than 64 MiB; do its fields and lines end as LOAD DATA says?"}
}

// field reads a field and what ends it; last says that this is the line's end.
func (r *Reader) field() (last bool, err error) {
	if last, done := r.quickField(); done {
		return last, nil
	}
	e := fieldEnd{}
	if err := r.fill(1); err == nil && r.at(r.f.Quote) {
		e.quoted = true
		return r.quoted(e)
	}
	start := r.size
	for {
		err := r.run()
		switch {
		case errors.Is(err, io.EOF):
			if start != r.size || len(r.ends) == 0 { // behind a separator at the end of the file there is no field
				r.end(e)
			}
			return true, nil
		case err != nil:
			return false, err
		case r.size > MaxLineBytes:
			return false, r.tooLong()
		case r.at(r.f.Escape):
			if err := r.escaped(&e); err != nil {
				return false, err
			}
		case r.at(r.f.LineEnd):
			r.end(e)
			return true, nil
		case r.at(r.f.FieldEnd):
			r.end(e)
			return false, nil
		default:
			r.take()
		}
	}
}

// quickField is field for one without escapes or doubled quotes that ends within what was read, as most are; if it is not, it is not done.
func (r *Reader) quickField() (last, done bool) {
	if !r.quick || r.pos >= len(r.buf) {
		return false, false
	}
	at, e := r.pos, fieldEnd{}
	text := r.buf[at:]
	if r.f.Quote != "" && text[0] == r.f.Quote[0] {
		e.quoted = true
		text = text[1:]
		n := bytes.IndexByte(text, r.f.Quote[0])
		if n < 0 || r.f.Escape != "" && bytes.IndexByte(text[:n], r.f.Escape[0]) >= 0 {
			return false, false
		}
		text, at = text[:n], at+n+2
	} else {
		n := 0
		for n < len(text) && !r.special[text[n]] {
			n++
		}
		text, at = text[:n], at+n
	}
	if at >= len(r.buf) {
		return false, false
	}
	if last = r.buf[at] == r.f.LineEnd[0]; !last && r.buf[at] != r.f.FieldEnd[0] {
		return false, false
	}
	r.put(text...)
	r.pos = at + 1
	r.end(e)
	return last, true
}

// take adds the next byte to the text.
func (r *Reader) take() {
	r.put(r.buf[r.pos])
	r.pos++
}

func (r *Reader) end(e fieldEnd) {
	e.at = r.size
	r.ends = append(r.ends, e)
}

// quoted reads the rest of a field in quotes. A quote within it is doubled, or followed by neither end.
func (r *Reader) quoted(e fieldEnd) (last bool, err error) {
	for {
		err := r.run()
		switch {
		case errors.Is(err, io.EOF):
			return false, &LineError{r.line, "a field in quotes does not end"}
		case err != nil:
			return false, err
		case r.size > MaxLineBytes:
			return false, r.tooLong()
		case r.f.Escape != r.f.Quote && r.at(r.f.Escape):
			if err := r.escaped(&e); err != nil {
				return false, err
			}
		case r.at(r.f.Quote):
			err := r.fill(1)
			switch {
			case errors.Is(err, io.EOF), err == nil && r.at(r.f.LineEnd):
				r.end(e)
				return true, nil
			case err != nil:
				return false, err
			case r.at(r.f.FieldEnd):
				r.end(e)
				return false, nil
			}
			r.at(r.f.Quote)
			r.put(r.f.Quote[0])
		default:
			r.take()
		}
	}
}

// escaped reads the byte after an escape. \N alone is NULL.
func (r *Reader) escaped(e *fieldEnd) error {
	err := r.fill(1)
	if errors.Is(err, io.EOF) {
		r.put(r.f.Escape[0])
		return nil
	}
	if err != nil {
		return err
	}
	switch c := r.buf[r.pos]; c {
	case '0':
		r.put(0)
	case 'b':
		r.put('\b')
	case 'n':
		r.put('\n')
	case 'r':
		r.put('\r')
	case 't':
		r.put('\t')
	case 'Z':
		r.put(0x1a)
	default:
		e.null = e.null || c == 'N'
		r.put(c)
	}
	r.pos++
	return nil
}
