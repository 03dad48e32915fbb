package parser_test

import (
	"strings"
	"testing"

	ast "github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/featuresql/featuresql/engine/parser"
)

// BenchmarkInsert parses an INSERT of 10,000 rows, with our parser and with the host's alone.
func BenchmarkInsert(b *testing.B) {
	text := "INSERT INTO t (a, b, c, d) VALUES " + strings.Repeat("(12345, 'some text', 1.5, NULL),", 9999) + "(1, 'x', 2, NULL)"
	b.Run("ours", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			if _, _, _, err := parser.New(nil).ParseWithOptions(b.Context(), text, ';', true, ast.ParserOptions{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("host", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			if _, err := ast.Parse(text); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkPoint parses a point query.
func BenchmarkPoint(b *testing.B) {
	const text = "SELECT a, b, c FROM db.t AS OF VERSION 3 WHERE id = 42 AND b > 'x' ORDER BY c LIMIT 10"
	for b.Loop() {
		if _, _, _, err := parser.New(nil).ParseWithOptions(b.Context(), text, ';', true, ast.ParserOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
