package textfile_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/featuresql/featuresql/engine/textfile"
)

func read(t *testing.T, r *textfile.Reader) string {
	t.Helper()
	var out strings.Builder
	for {
		fields, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out.String()
		}
		if err != nil {
			return out.String() + err.Error()
		}
		for i, f := range fields {
			text := fmt.Sprintf("%q", f.Text)
			if f.Null {
				text = "NULL"
			}
			if i > 0 {
				text = " " + text
			}
			out.WriteString(text)
		}
		out.WriteString(";")
	}
}

func TestReader(t *testing.T) {
	csv := textfile.Format{FieldEnd: ",", Quote: `"`, Escape: `\`, LineEnd: "\n"}
	plain := textfile.Format{FieldEnd: ",", Quote: `"`, LineEnd: "\r\n"}
	for _, c := range []struct {
		format textfile.Format
		skip   int64
		text   string
		want   string
	}{
		{textfile.Default, 0, "1\ttwo\n\\N\t\n", `"1" "two";NULL "";`},
		{csv, 0, "1,x,\n2,y,", `"1" "x" "";"2" "y";`}, // at the end of the file there is no field behind a separator
		{csv, 0, `1,""`, `"1" "";`},
		{textfile.Default, 0, `a\tb\nc\0\Z\\\x` + "\tz", `"a\tb\nc\x00\x1a\\x" "z";`},
		{textfile.Default, 0, "a\\\nb\\\tc\n", `"a\nb\tc";`},
		{textfile.Default, 0, "\\Nx\tN\n\n", `"Nx" "N";"";`},
		{textfile.Format{FieldEnd: ",", LineEnd: "\n"}, 0, "NULL,\\N\n", `"NULL" "\\N";`}, // the word is NULL only where fields may have quotes
		{textfile.Default, 2, "head\nmore\n1\n", `"1";`},
		{textfile.Default, 9, "head\n", ""},
		{textfile.Default, 0, "", ""},
		{textfile.Default, 0, "a\\", `"a\\";`},
		{csv, 0, `1,"a ""b"", c",x"y"` + "\n" + `"li` + "\n" + `ne",NULL,"NULL",\N` + "\n", `"1" "a \"b\", c" "x\"y\"";"li\nne" NULL "NULL" NULL;`},
		{csv, 0, `"a"b",c` + "\n", `"a\"b" "c";`},
		{csv, 0, `"a\"b","\N"`, `"a\"b" NULL;`},
		{csv, 0, `"open`, `line 1 of the file: a field in quotes does not end`},
		{plain, 0, "a\\n,b\rc\r\n\"x\r\ny\",\r\n", `"a\\n" "b\rc";"x\r\ny" "";`},
		{textfile.Format{FieldEnd: "||", LineStart: "> ", LineEnd: ";;"}, 0, "junk> a||b;;no> c|d||;;rest", `"a" "b";"c|d" "";`},
		{textfile.Format{FieldEnd: ",", Quote: "'", Escape: "'", LineEnd: "\n"}, 0, "'it''s',b\n", `"it's" "b";`},
		{textfile.Format{FieldEnd: "||", Quote: `"`, LineEnd: ";;"}, 0, `"a"|b";x"||c;;"d";;`, `"a\"|b\";x" "c";"d";`},
		{textfile.Format{FieldEnd: ","}, 0, "a\nb,c", `"a\nb" "c";`},
	} {
		for _, in := range []io.Reader{strings.NewReader(c.text), iotest.OneByteReader(strings.NewReader(c.text))} {
			r := textfile.New(in, c.format)
			if err := r.Skip(c.skip); err != nil {
				t.Error(err)
			}
			if got := read(t, r); got != c.want {
				t.Errorf("%q: %s, want %s", c.text, got, c.want)
			}
		}
	}
}

func TestReaderFails(t *testing.T) {
	broken := errors.New("broken")
	for _, text := range []string{"", "a", `"a`, `"a"`, `\`} {
		r := textfile.New(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)), textfile.Format{FieldEnd: ",", Quote: `"`, Escape: `\`, LineEnd: "\n"})
		if _, err := r.Next(); !errors.Is(err, broken) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add("a,\"b\"\n", ",", "\"", "\\", "\n", "")
	f.Fuzz(func(t *testing.T, text, end, quote, escape, line, start string) {
		if end == "" || len(quote) > 1 || len(escape) > 1 {
			return
		}
		r := textfile.New(strings.NewReader(text), textfile.Format{FieldEnd: end, Quote: quote, Escape: escape, LineEnd: line, LineStart: start})
		for range len(text) + 2 {
			if _, err := r.Next(); err != nil {
				return
			}
		}
		t.Error("more lines than bytes")
	})
}

func BenchmarkReader(b *testing.B) {
	text := strings.Repeat("123456,\"some text\",2026-01-01 00:00:00,17.25\n", 10000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		r := textfile.New(strings.NewReader(text), textfile.Format{FieldEnd: ",", Quote: `"`, Escape: `\`, LineEnd: "\n"})
		for {
			if _, err := r.Next(); err != nil {
				break
			}
		}
	}
}

// TestReaderLimits: a line without end is no way to take all memory, whatever it is made of.
func TestReaderLimits(t *testing.T) {
	for _, text := range []string{strings.Repeat(",", 2<<20), strings.Repeat("a", textfile.MaxLineBytes+1<<20), strings.Repeat(`\,`, textfile.MaxLineBytes+1<<20), `"` + strings.Repeat(`""`, textfile.MaxLineBytes+1<<20)} {
		r := textfile.New(strings.NewReader(text), textfile.Format{FieldEnd: ",", Quote: `"`, Escape: `\`, LineEnd: "\n"})
		var e *textfile.LineError
		if _, err := r.Next(); !errors.As(err, &e) || !strings.Contains(e.Reason, "64 MiB") {
			t.Errorf("%.5q…: %v", text, err)
		}
	}
}
