package textfile_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/featuresql/featuresql/engine/textfile"
)

// split reads text in parts, each by a reader of its own, and gives its lines their numbers.
func split(t *testing.T, in io.Reader, f textfile.Format, skip int64, size int) string {
	t.Helper()
	s := textfile.NewSplitter(in, f, size)
	if err := s.Skip(skip); err != nil {
		return err.Error()
	}
	var out strings.Builder
	var buf []byte
	for {
		text, before, err := s.Next(buf)
		if errors.Is(err, io.EOF) {
			return out.String()
		}
		if err != nil {
			return out.String() + err.Error()
		}
		if buf = text; len(text) == 0 {
			t.Fatal("an empty part")
		}
		r := textfile.NewOf(text, f, before)
		for {
			fields, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return out.String() + err.Error()
			}
			fmt.Fprintf(&out, "%d:", r.Line())
			for _, f := range fields {
				fmt.Fprintf(&out, " %q %v", f.Text, f.Null)
			}
			out.WriteString("\n")
		}
	}
}

// TestSplitter: however small the parts are, they have the lines that a file in one part has.
func TestSplitter(t *testing.T) {
	formats := []textfile.Format{
		textfile.Default,
		{FieldEnd: ",", LineEnd: "\n"},
		{FieldEnd: ",", Quote: `"`, Escape: `\`, LineEnd: "\n"},
		{FieldEnd: ",", Quote: `"`, LineEnd: "\r\n"},
		{FieldEnd: ",", Quote: `"`, Escape: `"`, LineEnd: "\n"},
		{FieldEnd: ",\n", Escape: `\`, LineEnd: "\n"},
		{FieldEnd: `\,`, Escape: `\`, LineEnd: "\n"},
		{FieldEnd: ",", Escape: "\n", LineEnd: "\n"},
		{FieldEnd: ",", LineStart: "r", LineEnd: "\n"},
		{FieldEnd: ",", Escape: `\`},
	}
	alphabet := []string{"a", "NULL", ",", "\n", `"`, `\`, "\r", "\r\n", "ré", `\N`}
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range 3_000 {
		f := formats[i%len(formats)]
		var b strings.Builder
		for range rnd.IntN(30) {
			b.WriteString(alphabet[rnd.IntN(len(alphabet))])
		}
		text, skip := b.String(), rnd.Int64N(3)
		want := split(t, strings.NewReader(text), f, skip, 1<<20)
		size := 1 + rnd.IntN(12)
		if got := split(t, strings.NewReader(text), f, skip, size); got != want {
			t.Fatalf("%+v, %q, %d lines skipped, in parts of %d bytes:\n%swant\n%s", f, text, skip, size, got, want)
		}
		if got := split(t, iotest.OneByteReader(strings.NewReader(text)), f, skip, size); got != want {
			t.Fatalf("%+v, %q byte by byte:\n%swant\n%s", f, text, got, want)
		}
		r := textfile.New(strings.NewReader(text), f)
		if err := r.Skip(skip); err != nil {
			t.Fatal(err)
		}
		var whole strings.Builder
		for {
			fields, err := r.Next()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					whole.WriteString(err.Error())
				}
				break
			}
			fmt.Fprintf(&whole, "%d:", r.Line())
			for _, f := range fields {
				fmt.Fprintf(&whole, " %q %v", f.Text, f.Null)
			}
			whole.WriteString("\n")
		}
		if want != whole.String() {
			t.Fatalf("%+v, %q, %d lines skipped, in one part:\n%swant\n%s", f, text, skip, want, whole.String())
		}
	}
}

func TestSplitterFails(t *testing.T) {
	broken := errors.New("broken")
	for _, text := range []string{"", "a", "a\nb", `"a`} {
		s := textfile.NewSplitter(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)), textfile.Format{FieldEnd: ",", Quote: `"`, LineEnd: "\n"}, 100)
		var err error
		for err == nil {
			_, _, err = s.Next(nil)
		}
		if !errors.Is(err, broken) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, f := range []textfile.Format{textfile.Default, {FieldEnd: ",", Quote: `"`, LineEnd: "\n"}} {
		s := textfile.NewSplitter(strings.NewReader("a\n"+strings.Repeat("a", 2*textfile.MaxLineBytes)), f, 100)
		if _, _, err := s.Next(nil); err != nil {
			t.Error(err)
		}
		var e *textfile.LineError
		if _, _, err := s.Next(nil); !errors.As(err, &e) || e.Line != 2 || !strings.Contains(e.Reason, "64 MiB") {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

func BenchmarkSplitter(b *testing.B) {
	text := strings.Repeat("123456,\"some text\",2026-01-01 00:00:00,17.25\n", 100_000)
	for name, quote := range map[string]string{"quotes": `"`, "plain": ""} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				s := textfile.NewSplitter(strings.NewReader(text), textfile.Format{FieldEnd: ",", Quote: quote, Escape: `\`, LineEnd: "\n"}, 1<<20)
				var buf []byte
				for {
					part, _, err := s.Next(buf)
					if err != nil {
						break
					}
					buf = part
				}
			}
		})
	}
}
