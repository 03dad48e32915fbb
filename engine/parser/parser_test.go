package parser_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/dolthub/go-mysql-server/sql"
	ast "github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/featuresql/featuresql/engine/parser"
)

// TestData runs testdata/*.td. Commands:
//
//	parse     the text in the host's grammar, or the statement as data and its children; an error
//	multi     every statement of a text of several
//	prepare   the number of parameters
func TestData(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.td")
	if err != nil || len(paths) == 0 {
		t.Fatal("no data", err)
	}
	for _, path := range paths {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			opts := ast.ParserOptions{AnsiQuotes: d.HasArg("ansi")}
			switch d.Cmd {
			case "parse":
				return show(d.Input, opts)
			case "multi":
				var out strings.Builder
				for rest := d.Input; rest != ""; {
					var parsed string
					var err error
					_, parsed, rest, err = parser.New(nil).ParseWithOptions(t.Context(), rest, ';', true, opts)
					if err != nil {
						fmt.Fprintf(&out, "error: %v\n", err)
						break
					}
					fmt.Fprintf(&out, "[%s]\n", parsed)
				}
				return out.String()
			case "prepare":
				return fmt.Sprintf("%d\n", parser.ParameterCount(d.Input, opts))
			}
			t.Fatalf("unknown command %s", d.Cmd)
			return ""
		})
	}
}

func show(text string, opts ast.ParserOptions) string {
	st, parsed, _, err := parser.New(nil).ParseWithOptions(context.Background(), text, ';', false, opts)
	if err != nil {
		return fmt.Sprintf("error (%T): %v\n", err, err)
	}
	in, ok := st.(ast.InjectedStatement)
	if !ok {
		return fmt.Sprintf("%s\n%s\n", parsed, render(st))
	}
	stmt := parser.StatementOf(in)
	data, err := json.Marshal(stmt)
	if err != nil {
		return err.Error()
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s %s\n", stmt.Verb(), compact(string(data)))
	fmt.Fprintf(&out, "needs %s on %s\n", in.Auth.AuthType, strings.Join(in.Auth.TargetNames, "."))
	for _, c := range in.Children {
		if i, ok := c.(ast.InjectedExpr); ok && i.Auth.AuthType != ast.AuthType_IGNORE {
			fmt.Fprintf(&out, "needs %s on %s\n", i.Auth.AuthType, strings.Join(i.Auth.TargetNames, "."))
			continue
		}
		fmt.Fprintf(&out, "child %s\n", render(c))
	}
	return out.String()
}

func render(n ast.SQLNode) string { return strings.Join(strings.Fields(ast.String(n)), " ") }

// compact leaves the zero fields out of a statement's JSON.
func compact(s string) string {
	var v any
	if json.Unmarshal([]byte(s), &v) != nil {
		return s
	}
	b, _ := json.Marshal(prune(v))
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&", `"`, "").Replace(string(b))
}

func prune(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if x = prune(x); x == nil || x == "" || x == false || x == 0.0 && k != "Expr" && k != "Cond" {
				delete(v, k)
			} else {
				v[k] = x
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		for i := range v {
			v[i] = prune(v[i])
		}
		if len(v) == 0 {
			return nil
		}
	}
	return v
}

var spellings = []struct{ sql, tag, value string }{
	{"t AS OF VERSION 3", "version", "3"}, {"t VERSION AS OF 3", "version", "3"}, {"t FOR VERSION AS OF 3", "version", "3"},
	{"t FOR SYSTEM_VERSION AS OF 3", "version", "3"}, {"t AS OF 3", "any", "3"}, {"t@v3", "version", "3"},
	{"t AS OF TIMESTAMP '2026-01-01'", "timestamp", "'2026-01-01'"}, {"t TIMESTAMP AS OF '2026-01-01'", "timestamp", "'2026-01-01'"},
	{"t FOR TIMESTAMP AS OF '2026-01-01'", "timestamp", "'2026-01-01'"}, {"t FOR SYSTEM_TIME AS OF '2026-01-01'", "timestamp", "'2026-01-01'"},
	{"t@20260101000000000", "timestamp", "'20260101000000000'"}, {"t AS OF '2026-01-01'", "any", "'2026-01-01'"},
	{"t version as of 1 + 2 * 3", "version", "1 + 2 * 3"}, {"t as of version 8 | 1", "version", "8 | 1"}, {"t as of version -1", "version", "-1"},
	{"t AS OF VERSION @v", "version", "@v"}, {"t AS OF @v", "any", "@v"}, {"t VERSION AS OF ?", "version", ":v1"}, {"t AS OF ?", "any", ":v1"},
	{"t TIMESTAMP AS OF ? - interval 1 day", "timestamp", ":v1 - interval 1 day"}, {"t AS OF TIMESTAMP now()", "timestamp", "now()"},
	{"t TIMESTAMP AS OF date_sub(now(), interval 1 hour)", "timestamp", "date_sub(now(), interval 1 hour)"},
	{"t AS OF TIMESTAMP('2026-01-01')", "timestamp", "TIMESTAMP('2026-01-01')"}, {"t AS OF VERSION (1)", "version", "(1)"},
	{"t AS /* a */ OF -- b\n VERSION 3", "version", "3"}, {"t\nVERSION\tAS\nOF\n3", "version", "3"},
	{"`t` VERSION AS OF 3", "version", "3"}, {"`t`@v3", "version", "3"}, {"db.t VERSION AS OF 3", "version", "3"}, {"db.t@v3", "version", "3"},
	{"`db`.`t x`@v3", "version", "3"}, {"delta.`/a/b c` VERSION AS OF 3", "version", "3"}, {"delta.`s3://b/p`@v3", "version", "3"},
	{"version VERSION AS OF 3", "version", "3"}, {"timestamp AS OF VERSION 3", "version", "3"},
}

// contexts are where a table can be read; %s is a spelling, and what follows it can be an alias.
var contexts = []string{
	"SELECT * FROM %s", "SELECT * FROM %s x", "SELECT * FROM %s AS x WHERE x.a = 1", "SELECT * FROM %s ORDER BY 1 LIMIT 2", "SELECT * FROM (%s)",
	"SELECT * FROM %s x JOIN u ON x.a = u.a", "SELECT * FROM u JOIN %s x ON x.a = u.a", "SELECT * FROM u LEFT JOIN %s x USING (a)", "SELECT * FROM u, %s x, w",
	"SELECT * FROM (SELECT * FROM %s) d", "SELECT (SELECT max(a) FROM %s)", "SELECT * FROM u WHERE a IN (SELECT a FROM %s)",
	"SELECT 1 FROM u WHERE EXISTS (SELECT * FROM %s x WHERE x.a = u.a)", "WITH c AS (SELECT * FROM %s) SELECT * FROM c",
	"SELECT * FROM %s x UNION ALL SELECT * FROM u", "SELECT * FROM u UNION SELECT * FROM %s", "EXPLAIN SELECT * FROM %s",
	"INSERT INTO u SELECT * FROM %s x", "INSERT INTO u (a) SELECT a FROM %s", "REPLACE INTO u SELECT * FROM %s", "UPDATE u SET a = (SELECT 1 FROM %s)",
	"DELETE FROM u WHERE a IN (SELECT a FROM %s)", "CREATE TABLE u AS SELECT * FROM %s", "CREATE VIEW u AS SELECT * FROM %s",
	"MERGE INTO u USING %s s ON u.a = s.a WHEN MATCHED THEN DELETE", "MERGE INTO u USING (SELECT * FROM %s) s ON u.a = s.a WHEN MATCHED THEN DELETE",
	"MERGE INTO u USING s ON u.a = s.a WHEN MATCHED AND s.a IN (SELECT a FROM %s) THEN UPDATE SET a = 1",
	"SELECT 'x AS OF VERSION 1', `t@v1`, \"t VERSION AS OF 2\" FROM %s -- AS OF VERSION 9",
}

// TestTimeTravel puts every spelling into every context and looks for the tagged AS OF in the tree.
func TestTimeTravel(t *testing.T) {
	for _, s := range spellings {
		for _, context := range contexts {
			text := fmt.Sprintf(context, s.sql)
			st, parsed, _, err := parser.New(nil).ParseWithOptions(t.Context(), text, ';', false, ast.ParserOptions{})
			if err != nil {
				t.Errorf("%s: %v", text, err)
				continue
			}
			want := s.tag + " " + normal(t, s.value)
			if got := parser.TimeTravel(st); len(got) != 1 || got[0] != want {
				t.Errorf("%s: %q, want %q", text, got, want)
			}
			if strings.Contains(context, "'x AS OF") && !strings.Contains(parsed, "SELECT 'x AS OF VERSION 1', `t@v1`, \"t VERSION AS OF 2\" FROM") {
				t.Errorf("%s: quoted text changed: %s", text, parsed)
			}
			// What is handed back as the text means the same when it is parsed again: view bodies are.
			again, twice, _, err := parser.New(nil).ParseWithOptions(t.Context(), parsed, ';', false, ast.ParserOptions{})
			if err != nil || twice != parsed || len(parser.TimeTravel(again)) != 1 || parser.TimeTravel(again)[0] != want {
				t.Errorf("%s: parsed again: %s, %v", text, twice, err)
			}
		}
	}
}

func normal(t *testing.T, expr string) string {
	t.Helper()
	st, err := ast.Parse("select " + expr)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(ast.String(st), "select ")
}

// TestNotTimeTravel has texts that look like it.
func TestNotTimeTravel(t *testing.T) {
	for _, text := range []string{
		"SELECT 'a@v3', \"t AS OF VERSION 3\", `x VERSION AS OF 3` FROM t", "SELECT a AS `of` FROM t", "SELECT version AS v, timestamp AS ts FROM t",
		"SELECT @v3, @@version", "SELECT a /* t@v3 */ FROM t # AS OF VERSION 3", "SELECT timestamp FROM t", "SELECT timestamp('2026-01-01')",
		"CREATE USER u@v3", "GRANT SELECT ON *.* TO u@v3", "DROP USER u@v3", "SHOW GRANTS FOR u@v3", "SET @a = 'x@v3'", "SELECT t.version FROM t",
	} {
		st, parsed, _, err := parser.New(nil).ParseWithOptions(t.Context(), text, ';', false, ast.ParserOptions{})
		if err != nil || parsed != text || len(parser.TimeTravel(st)) != 0 {
			t.Errorf("%s: %s, %v, %v", text, parsed, err, parser.TimeTravel(st))
		}
	}
}

// TestNoOtherStatement compares the tree of statements of the host with and without our parser.
func TestNoOtherStatement(t *testing.T) {
	for _, text := range []string{
		"SELECT 1", "SELECT a-1, a - -1, a--1 FROM t", "SHOW TABLES", "SHOW CREATE TABLE t", "SET NAMES utf8mb4", "SAVEPOINT s", "ROLLBACK TO s", "USE db", "DESCRIBE t",
		"CREATE DATABASE d", "DROP DATABASE d", "SELECT * FROM t WHERE a = 'it''s' AND b = \"x\\\"y\"", "/*!40101 SET NAMES utf8 */", "SELECT * FROM t FOR UPDATE",
		"KILL QUERY 3", "SELECT x'41', b'01', 0x41, 1e5, .5, 1., 1.5e-3 FROM t", "SET SESSION TRANSACTION READ ONLY", "SELECT a->'$.x', a->>'$.y' FROM t",
		"SELECT CASE WHEN a THEN b END FROM t", "CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END",
		"CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW BEGIN SET @a = 1; END", "SELECT * FROM t LEFT JOIN u ON t.a = u.a AND t.b > u.b",
	} {
		want, err := ast.Parse(strings.ReplaceAll(text, "a--1", "a - -1"))
		if err != nil {
			t.Fatal(text, err)
		}
		got, parsed, _, err := parser.New(nil).ParseWithOptions(t.Context(), text, ';', false, ast.ParserOptions{})
		if err != nil || ast.String(got) != ast.String(want) {
			t.Errorf("%s: %v, %v", text, parsed, err)
		}
	}
}

func TestRewriteRestore(t *testing.T) {
	for _, text := range []string{
		"SELECT 1", "", "MERGE INTO t USING s ON t.a = ? WHEN MATCHED THEN DELETE", "SELECT '*/ ?', \"?\", `?`, ? -- ?\n, ? /* ? */", "\x00\xff ?",
	} {
		p := parser.Rewrite(text, ast.ParserOptions{})
		st, err := ast.Parse(p)
		if err != nil {
			t.Fatalf("%q: %v", p, err)
		}
		n := 0
		_ = ast.Walk(func(node ast.SQLNode) (bool, error) {
			if v, ok := node.(*ast.SQLVal); ok && v.Type == ast.ValArg {
				n++
			}
			return true, nil
		}, st)
		if back, ok := parser.Restore(p); !ok || back != text || n != parser.ParameterCount(text, ast.ParserOptions{}) {
			t.Errorf("%q: %q, %t, %d parameters", text, back, ok, n)
		}
	}
	for _, text := range []string{"SELECT 1", "SELECT /*featuresql:zz*/ 1", "SELECT /*featuresql:00", parser.Rewrite(parser.Rewrite("SELECT 1", ast.ParserOptions{}), ast.ParserOptions{})} {
		if got, ok := parser.Restore(text); ok {
			t.Errorf("restored %q from %q", got, text)
		}
	}
	st, _, _, err := parser.New(nil).ParseWithOptions(t.Context(), parser.Rewrite("SELECT 42", ast.ParserOptions{}), ';', false, ast.ParserOptions{})
	if err != nil || ast.String(st) != "select 42" {
		t.Errorf("%v, %v", st, err)
	}
}

// TestLimits has texts on which the host's recursive code would take minutes or overflow the stack.
func TestLimits(t *testing.T) {
	deep := func(open, middle, closing string, n int) string {
		return "SELECT " + strings.Repeat(open, n) + middle + strings.Repeat(closing, n)
	}
	for _, text := range []string{
		deep("(", "1", ")", 100000), deep("NOT ", "1", "", 100000), deep("-", "1", "", 100000), deep("(SELECT ", "1", ")", 30), deep("1 AND ", "1", "", 50000),
		deep("~", "1", "", 100000), deep("f(", "1", ")", 100000), "SELECT 1" + strings.Repeat(" UNION SELECT 1", 50000), "SELECT * FROM t" + strings.Repeat(" JOIN t", 1000), deep("1+", "1", "", 50000),
		"MERGE INTO t USING " + strings.Repeat("(", 100000) + " s ON 1", "CREATE TABLE t (a " + strings.Repeat("ARRAY<", 1000) + "INT" + strings.Repeat(">", 1000) + ")",
		"SELECT '" + strings.Repeat("x", parser.MaxStatementBytes) + "'",
	} {
		_, _, _, err := parser.New(nil).ParseWithOptions(t.Context(), text, ';', false, ast.ParserOptions{})
		var syntax *parser.SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%.40s…: %v", text, err)
		}
	}
	for _, text := range []string{deep("(", "1", ")", 100), deep("1 AND ", "1", "", 1000), "SELECT 1 IN (" + strings.Repeat("1,", 50000) + "1)", "INSERT INTO t VALUES " + strings.Repeat("(-1+2,1 AND 2),", 5000) + "(1,1)"} {
		if _, _, _, err := parser.New(nil).ParseWithOptions(t.Context(), text, ';', false, ast.ParserOptions{}); err != nil {
			t.Errorf("%.40s…: %v", text, err)
		}
	}
}

var _ sql.Parser = (*parser.Parser)(nil)

// TestColumnName reads the name of a first column that follows SELECT without a blank.
func TestColumnName(t *testing.T) {
	for text, name := range map[string]string{
		"SELECT''": "", "SELECT'abc'": "abc", "SELECT-1": "-1", "SELECT(1)": "(1)", "SELECT DISTINCT'q'": "q",
		"SELECT/**/ALL''": "", "SELECT COUNT(DISTINCT'q')": "COUNT(DISTINCT'q')",
	} {
		st, _, _, err := parser.New(nil).ParseWithOptions(t.Context(), text, ';', false, ast.ParserOptions{})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := st.(*ast.Select).SelectExprs[0].(*ast.AliasedExpr).InputExpression; got != name {
			t.Errorf("the column of %s is called %q", text, got)
		}
	}
}
