package parser_test

import (
	"regexp"
	"strings"
	"testing"

	ast "github.com/dolthub/vitess/go/vt/sqlparser"
	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/engine/parser"
)

var dashes = regexp.MustCompile(`--[^ \n]|//`)

const numbers = 8 // of the pieces, with the system variable

var pieces = []string{"12", "1.5", ".5", "1e5", "0x1F", "x'4f'", "b'01'", "@@g.x", "a", "T1", "_x", "select", "AS", "OF", "version", "'it''s'", `'a\'b'`, `"d""q"`,
	"`b``q`", "`", "'", `"`, "?", "@v", "(", ")", ",", ";", ".", "+", "-", "->", "<=>", "!=", ":=", "/* c */", "/* ; ' */", "-- c '\n", "# ` \n", " ", "\n", "\t"}

// TestLexerAgreesWithTheHost compares the tokens of random texts with those of the host's tokenizer, which decides
// where strings, names and comments end.
func TestLexerAgreesWithTheHost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		between := rapid.SampledFrom([]string{"", " "}).Draw(t, "between")
		from := pieces
		if between == "" { // a name and a number, or a variable and a quote, without a blank are cut differently, which does not matter
			from = from[numbers:]
		}
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(from), 0, 12).Draw(t, "pieces"), between)
		if dashes.MatchString(text) { // no comment in MySQL; the rewriting makes it none for the host
			return
		}
		starts, ends, kinds := parser.Tokens(text)
		var ours strings.Builder
		for i := range starts {
			if i > 0 && starts[i] < ends[i-1] {
				t.Fatalf("%q: tokens overlap", text)
			}
			if kinds[i] == 8 {
				return // unterminated: refused
			}
			if i > 0 && starts[i] > ends[i-1] {
				if gap := text[ends[i-1]:starts[i]]; strings.TrimSpace(gap) != "" {
					ours.WriteString(" /* */")
				}
				ours.WriteByte('\n')
			}
			ours.WriteString(text[starts[i]:ends[i]])
		}
		// Without what we take for blanks and comments the host sees the same tokens, so it takes the same for them,
		// and the same strings and names for whole.
		if want, got := scan(text), scan(ours.String()); want != got {
			t.Fatalf("%q: cut into %q:\n%q\n%q", text, ours.String(), want, got)
		}
	})
}

func scan(text string) string {
	var out strings.Builder
	z := ast.NewStringTokenizer(text)
	for range 1000 {
		typ, val := z.Scan()
		switch typ {
		case 0:
			return out.String()
		case ast.COMMENT:
			continue
		case ast.LEX_ERROR:
			return out.String() + "error"
		}
		out.WriteString(string(rune(typ)) + string(val) + "|")
	}
	return out.String()
}

// TestAnyText parses random texts of SQL pieces: an error or a tree, never a panic.
func TestAnyText(t *testing.T) {
	words := append([]string{"SELECT", "FROM", "MERGE INTO", "USING", "ON", "WHEN MATCHED", "WHEN NOT MATCHED", "THEN", "UPDATE SET", "DELETE", "INSERT", "VALUES",
		"CREATE TABLE", "ARRAY<", "STRUCT<", "MAP<", ">", "INT", "STRING", "PRIMARY KEY", "PARTITIONED BY", "TBLPROPERTIES", "ALTER TABLE", "ADD COLUMN", "DROP TABLE",
		"DESCRIBE HISTORY", "EXPLAIN", "ASOF JOIN", "MATCH_CONDITION", "t@v3", "VERSION AS OF", "AS OF TIMESTAMP", "DEFAULT", "ON DUPLICATE KEY UPDATE", "*", "=", "CASE", "END", "WITH c AS"}, pieces...)
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 0, 25).Draw(t, "words"), " ")
		for rest := text; rest != ""; {
			var err error
			if _, _, rest, err = parser.New(nil).ParseWithOptions(t.Context(), rest, ';', true, ast.ParserOptions{}); err != nil && rest == text {
				break
			}
		}
	})
}
