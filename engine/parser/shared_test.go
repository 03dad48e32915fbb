package parser_test

import (
	"errors"
	"testing"

	"github.com/featuresql/featuresql/engine/parser"
)

// TestShared lists conditions with the part that MySQL and Spark read differently.
func TestCheckShared(t *testing.T) {
	for condition, part := range map[string]string{
		"a > 0 AND (b IS NULL OR b IN ('x', 'y''z'))": "", "char_length(a) <= 3 AND trim(a) <> ''": "", "a % 2 = 0": "", "NOT (a BETWEEN 1 AND 2)": "",
		"(`a b` >= 0) IS NOT FALSE": "", "s.length > 0": "", "d >= DATE '2026-01-01'": "", "a LIKE 'x\\\\%' OR a <=> \"q\"": "", "case when (a) then (b) else (c) end": "",
		"a || b": "||", "a && b": "&&", "a / 2 > 1": "/", "a % b = 1": "%", "a % 0 = 1": "%", "length(a) < 5": "length", "LENGTH (a) < 5": "length", "a regexp 'x'": "regexp", "a RLIKE 'x'": "rlike",
		"element_at(a, 1) = 2": "element_at", "a::int > 1": "::", "a == 1": "==", "a = '\\d'": `'\d'`, "greatest(a, b) > 1": "greatest", "cast(a as date) > d": "cast", "a DIV 2 = 1": "div",
		"a = b'01'": "b'01'", "a > @x": "@x", "a COLLATE x = 'a'": "collate", "a = 'open": "'open",
	} {
		_, err := parser.Shared(condition)
		var u *parser.UnsharedError
		if part == "" && err != nil || part != "" && (!errors.As(err, &u) || u.Part != part) {
			t.Errorf("%s: %v, want %q", condition, err, part)
		}
	}
	if got, err := parser.Shared(`a <> "it's ""x""" AND b = 'y'`); got != `a <> 'it\'s "x"' AND b = 'y'` || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}
