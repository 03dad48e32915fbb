package planner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/parser"
	"github.com/featuresql/featuresql/engine/textfile"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// fileRel is the rows of the file of LOAD DATA.
type fileRel struct {
	name   string
	out    []exec.Field
	serial bool
	open   func(context.Context) (exec.Sections, error)
}

func (r *fileRel) fields() []exec.Field { return r.out }
func (r *fileRel) inputs() []rel        { return nil }
func (r *fileRel) estimate() float64    { return 1000 }

// loadSectionBytes is about how much of a file is decoded at once, by one of the workers.
const loadSectionBytes = 1 << 20

// loadLines cuts the file of LOAD DATA into sections of whole lines.
type loadLines struct {
	file  *loadedFile
	f     *parser.LoadFile
	env   *expr.Env
	lines *textfile.Splitter
	ascii bool // all marks of the format are
}

// openLines begins to read the file.
func (w *writing) openLines(ctx context.Context, f *parser.LoadFile) (exec.Sections, error) {
	w.s.file.lines.Store(0)
	l := &loadLines{file: w.s.file, f: f, env: w.c.env, lines: textfile.NewSplitter(w.s.file.reader(ctx), f.Format, loadSectionBytes)}
	marks := f.Format.FieldEnd + f.Format.LineEnd + f.Format.Quote + f.Format.Escape + f.Format.LineStart
	l.ascii = !strings.ContainsFunc(marks, func(c rune) bool { return c >= utf8.RuneSelf })
	if err := l.lines.Skip(f.Skip); err != nil && !errors.Is(err, io.EOF) {
		return nil, &LoadError{Path: f.Path, Err: err}
	}
	return l, nil
}

func (l *loadLines) Close() error { return nil }

func (l *loadLines) Next(_ context.Context, used exec.Section) (exec.Section, error) {
	s, _ := used.(*loadSection)
	if s == nil {
		s = &loadSection{loadLines: l, r: textfile.NewOf(nil, l.f.Format, 0)}
	}
	text, before, err := l.lines.Next(s.text)
	if err != nil {
		return nil, l.failed(err)
	}
	s.text, s.checked = text, false
	s.r.Reset(text, before)
	return s, nil
}

func (l *loadLines) failed(err error) error {
	if errors.Is(err, io.EOF) {
		return err
	}
	var line *textfile.LineError
	return &LoadError{Path: l.f.Path, Err: err, Line: errors.As(err, &line)}
}

// loadSection is some lines: of each the fields that are wanted, and how many there are.
type loadSection struct {
	*loadLines
	text    []byte
	r       *textfile.Reader
	checked bool // the text is known to be UTF-8, or not to be
	valid   bool // it is
}

// Before implements exec.Section.
func (s *loadSection) Before() int64 { return s.r.Line() - s.f.Skip }

// Fill implements exec.Section.
func (s *loadSection) Fill(ctx context.Context, cols []*vector.Vector, limit, room int) (n int, err error) {
	if !s.checked {
		s.checked, s.valid = true, s.f.Binary || !s.f.Latin1 && s.ascii && utf8.Valid(s.text)
	}
	wanted := len(cols) - 1
	for full := false; n < limit && !full; n++ {
		fields, err := s.r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil && n%1024 == 0 {
			err = ctx.Err()
		}
		if err != nil {
			return 0, s.failed(err)
		}
		if len(fields) != wanted {
			if err := s.count(len(fields), wanted); err != nil {
				return 0, err
			}
		}
		for i, col := range cols[:wanted] {
			if i >= len(fields) || fields[i].Null {
				col.AppendNull()
				continue
			}
			text := fields[i].Text
			if !s.valid {
				if text, err = s.decode(text); err != nil {
					return 0, err
				}
			}
			col.AppendBytes(text)
			full = full || len(col.Data) > room
		}
		cols[wanted].AppendValue(types.IntValue(types.Of(types.Int64), int64(len(fields))))
	}
	s.file.lines.Add(int64(n))
	return n, nil
}

// count reports a line of too few or too many fields.
func (s *loadSection) count(got, want int) error {
	code, what := 1261, fmt.Sprintf("Row %d doesn't contain data for all columns", s.Before())
	if got > want {
		code, what = 1262, fmt.Sprintf("Row %d was truncated; it contained more data than there were input columns", s.Before())
	}
	if s.env.Lenient {
		s.env.Warn(code, what)
		return nil
	}
	return &FieldCountError{Code: code, Message: what}
}

// decode brings a field to UTF-8.
func (s *loadSection) decode(text []byte) ([]byte, error) {
	switch {
	case s.f.Latin1: // MySQL's is Windows-1252, which has a character for every byte
		text, _ = sql.CharacterSet_latin1.Encoder().Decode(text)
	case !utf8.Valid(text):
		return nil, &LoadError{Path: s.f.Path, Line: true, Err: fmt.Errorf("line %d: Invalid utf8mb4 character string: '%.20q'; say CHARACTER SET latin1 or binary if it is", s.r.Line(), text)}
	}
	return text, nil
}
