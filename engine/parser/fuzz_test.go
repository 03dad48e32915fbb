package parser_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	ast "github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/featuresql/featuresql/engine/parser"
)

// addLogic gives a fuzzer the statements of the logic tests.
func addLogic(f *testing.F) {
	paths, err := filepath.Glob("../../testdata/logic/*.test")
	if err != nil || len(paths) == 0 {
		f.Fatal("no statements", err)
	}
	for _, path := range paths {
		doc, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for record := range strings.SplitSeq(string(doc), "\n\n") {
			head, rest, _ := strings.Cut(record, "\n")
			if strings.HasPrefix(head, "statement") || strings.HasPrefix(head, "query") {
				text, _, _ := strings.Cut(rest, "\n----")
				f.Add(text, len(text)%2 == 0)
			}
		}
	}
	for _, text := range []string{"", "'", "`", "/*", "/*!", "--", "#", "\x00", "SELECT ?", "t@v3", "SELECT 1;;SELECT", "SELECT '\\", "x'", "b'", "@@", ":=", "SELECT''"} {
		f.Add(text, false)
	}
}

// FuzzGrammar parses any text, alone and as several statements: an error or a statement, never a panic, and what is left of several gets shorter.
func FuzzGrammar(f *testing.F) {
	addLogic(f)
	f.Fuzz(func(t *testing.T, text string, ansi bool) {
		opts := ast.ParserOptions{AnsiQuotes: ansi}
		_, _, _, _ = parser.New(nil).ParseWithOptions(t.Context(), text, ';', false, opts)
		for rest := text; rest != ""; {
			_, _, next, err := parser.New(nil).ParseWithOptions(t.Context(), rest, ';', true, opts)
			if err != nil {
				break
			}
			if len(next) >= len(rest) {
				t.Fatalf("%q is left of %q", next, rest)
			}
			rest = next
		}
	})
}

// FuzzTexts hands any text to what works on texts: prepared statements come back as they were, statements with open literals have as many parameters.
func FuzzTexts(f *testing.F) {
	addLogic(f)
	f.Fuzz(func(t *testing.T, text string, ansi bool) {
		opts := ast.ParserOptions{AnsiQuotes: ansi}
		placeholder := parser.Rewrite(text, opts)
		back, ok := parser.Restore(placeholder)
		if again := parser.Rewrite(placeholder, opts); (!ok || back != text) && !strings.HasPrefix(text, again[:10]) {
			t.Errorf("%q came back as %q, %t", text, back, ok)
		}
		before := parser.ParameterCount(text, opts)
		if open, literals := parser.OpenLiterals(text, opts); len(literals) > 0 {
			if n := parser.ParameterCount(open, opts); n != before+len(literals) {
				t.Errorf("%q has %d parameters for %d literals of %q", open, n, len(literals), text)
			}
		}
		if masked := parser.MaskPasswords(text); utf8.ValidString(text) && !utf8.ValidString(masked) {
			t.Errorf("%q is masked as %q", text, masked)
		}
	})
}
