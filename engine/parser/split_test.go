package parser_test

import (
	"slices"
	"testing"

	"github.com/featuresql/featuresql/engine/parser"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		script string
		want   []string
	}{
		{"", nil},
		{" ; ;\n", nil},
		{"select 1", []string{"select 1"}},
		{"select 1; select ';' as `a;b` /* ; */ -- ;\n, 2 ;", []string{"select 1", "select ';' as `a;b` /* ; */ -- ;\n, 2"}},
		{"select 'it''s; fine'; select \"a\\\";\"", []string{"select 'it''s; fine'", "select \"a\\\";\""}},
		{"-- only a comment", nil},
		{"select 'open", []string{"select 'open"}},
	} {
		if got := parser.Split(c.script); !slices.Equal(got, c.want) {
			t.Errorf("Split(%q) = %q, want %q", c.script, got, c.want)
		}
	}
}

func TestComplete(t *testing.T) {
	for text, want := range map[string]bool{
		"": true, "select 1": false, "select 1;": true, "select ';": false, "select ';';": true,
		"select 1; -- done": true, "select 1; select": false, "select /* ;": false,
	} {
		if got := parser.Complete(text); got != want {
			t.Errorf("Complete(%q) = %v, want %v", text, got, want)
		}
	}
}
