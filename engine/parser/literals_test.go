package parser_test

import (
	"fmt"
	"testing"

	ast "github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/featuresql/featuresql/engine/parser"
)

func TestOpenLiterals(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT a, 1 FROM t WHERE id = 5 AND s = 'x'":                     "SELECT a, 1 FROM t WHERE id = ? AND s = ? [5 'x']",
		"SELECT a FROM t WHERE id=-5 ORDER BY 1 LIMIT 3":                  "SELECT a FROM t WHERE id=? ORDER BY 1 LIMIT 3 [-5]",
		"select a from t where (a in (1, -2, 3)) group by a having a > 1": "select a from t where (a in (?, ?, ?)) group by a having a > 1 [1 -2 3]",
		"SELECT a FROM t WHERE a - 1 = 2":                                 "SELECT a FROM t WHERE a - ? = ? [1 2]",
		"SELECT (SELECT 1 FROM u WHERE x = 2) FROM t":                     "SELECT (SELECT 1 FROM u WHERE x = 2) FROM t []",
		"SELECT a FROM t WHERE a = 1.5 AND b = 0x41 AND c = 'it''s'":      "SELECT a FROM t WHERE a = 1.5 AND b = 0x41 AND c = 'it''s' []",
		"SELECT a FROM t WHERE a = ?":                                     "SELECT a FROM t WHERE a = ? []",
		"SELECT a FROM t WHERE a = @x OR a = 1":                           "SELECT a FROM t WHERE a = @x OR a = 1 []",
		"SELECT a FROM t WHERE a = 1 -- 2\n AND b = 3":                    "SELECT a FROM t WHERE a = ? -- 2\n AND b = ? [1 3]",
		"SELECT a FROM t WHERE a = 1; SELECT 2":                           "SELECT a FROM t WHERE a = ?; SELECT 2 [1]",
		"SELECT a FROM t WHERE a = 1234567890123456789":                   "SELECT a FROM t WHERE a = 1234567890123456789 []",
		"SELECT 'where' FROM t WHERE":                                     "SELECT 'where' FROM t WHERE []",
		"SELECT a FROM t WHERE a = 'unterminated":                         "SELECT a FROM t WHERE a = 'unterminated []",
	} {
		open, found := parser.OpenLiterals(text, ast.ParserOptions{})
		got := []string{}
		for _, l := range found {
			if l.String {
				l.Text = "'" + l.Text + "'"
			}
			got = append(got, l.Text)
		}
		if s := fmt.Sprintf("%s %v", open, got); s != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, s, want)
		}
	}
}

func TestQualifyView(t *testing.T) {
	for text, want := range map[string]string{
		"CREATE VIEW v AS SELECT 1":                                   "CREATE VIEW `d`.v AS SELECT 1",
		"create or replace sql security invoker view `a b` AS SELECT": "create or replace sql security invoker view `d`.`a b` AS SELECT",
		"CREATE VIEW x.v AS SELECT 1":                                 "CREATE VIEW x.v AS SELECT 1",
		"CREATE VIEW":                                                 "CREATE VIEW",
	} {
		if got := parser.QualifyView(text, "d"); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
