package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var binary string

// TestMain builds the program once; the tests below run it as a user does.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "featuresql-cli-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "featuresql")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// run executes the program in a folder and returns what it printed.
func run(t *testing.T, dir, stdin string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

func mustRun(t *testing.T, dir, stdin string, args ...string) string {
	t.Helper()
	out, errs, err := run(t, dir, stdin, args...)
	if err != nil {
		t.Fatalf("%v: %v\n%s%s", args, err, out, errs)
	}
	return out
}

func TestSQLFormats(t *testing.T) {
	dir := t.TempDir()
	mustRun(t, dir, "", "sql", "-e", "CREATE TABLE t (id INT, d DECIMAL(10,2), s STRING, b BOOLEAN, st STRUCT<x: INT>); INSERT INTO t VALUES (1, 1.50, 'a,\"b', true, '{\"x\":7}'), (2, NULL, NULL, NULL, NULL)")
	if got, want := mustRun(t, dir, "", "sql", "--format", "csv", "-e", "SELECT * FROM t ORDER BY id"), "id,d,s,b,st\n1,1.50,\"a,\"\"b\",1,\"{\"\"x\"\":7}\"\n2,,,,\n"; got != want {
		t.Errorf("csv:\n%s\nwant:\n%s", got, want)
	}
	want := `{"id":1,"d":1.50,"s":"a,\"b","b":true,"st":{"x":7}}` + "\n" + `{"id":2,"d":null,"s":null,"b":null,"st":null}` + "\n"
	if got := mustRun(t, dir, "SELECT * FROM t ORDER BY id;", "sql", "--format", "json"); got != want {
		t.Errorf("json from standard input:\n%s\nwant:\n%s", got, want)
	}
	if got := mustRun(t, dir, "", "sql", "-e", "SELECT count(*) AS n FROM t"); !strings.Contains(got, "| n |") || !strings.Contains(got, "| 2 |") {
		t.Errorf("table:\n%s", got)
	}
}

// TestSQLWarnings: what a statement warns of is shown once, also if it returns no rows.
func TestSQLWarnings(t *testing.T) {
	got := mustRun(t, t.TempDir(), "", "sql", "-e", "CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1); INSERT IGNORE INTO t VALUES (1); INSERT INTO t VALUES (2)")
	if strings.Count(got, "warning: ") != 1 || !strings.Contains(got, "OK, 0 rows affected") {
		t.Errorf("INSERT IGNORE of a key that is there:\n%s", got)
	}
}

func TestSQLFormatsOfValues(t *testing.T) {
	dir := t.TempDir()
	const query = "SELECT x'00FF' AS b, '' AS e, NULL AS n, CAST('-01:02:03.5' AS TIME(6)) AS t, ' x' AS s"
	if got, want := mustRun(t, dir, "", "sql", "--format", "csv", "-e", query), "b,e,n,t,s\n0x00FF,\"\",,-01:02:03.500000,\" x\"\n"; got != want {
		t.Errorf("csv:\n%s\nwant:\n%s", got, want)
	}
	if got, want := mustRun(t, dir, "", "sql", "--format", "json", "-e", query), `{"b":"0x00FF","e":"","n":null,"t":"-01:02:03.500000","s":" x"}`+"\n"; got != want {
		t.Errorf("json:\n%s\nwant:\n%s", got, want)
	}
}

func TestSQLError(t *testing.T) {
	out, errs, err := run(t, t.TempDir(), "", "sql", "-e", "SELECT 1 AS one; SELECT * FROM nothing; SELECT 2 AS two")
	if err == nil || !strings.Contains(errs, "ERROR 1146 (42S02)") || !strings.Contains(errs, "nothing") {
		t.Errorf("%v: %s", err, errs)
	}
	if !strings.Contains(out, "one") || strings.Contains(out, "two") {
		t.Errorf("a script must end at its first error:\n%s", out)
	}
}

func TestInspectAndCheck(t *testing.T) {
	dir := t.TempDir()
	mustRun(t, dir, "", "sql", "-e", "CREATE DATABASE db; CREATE TABLE db.t (id INT, s STRING) TBLPROPERTIES ('delta.enableDeletionVectors'='true'); INSERT INTO db.t VALUES (1,'a'),(2,'b'),(3,'c'); DELETE FROM db.t WHERE id = 2")
	out := mustRun(t, dir, "", "inspect", "db.t")
	for _, want := range []string{"version    2", "deletionVectors", "| id", "CREATE TABLE", "DELETE"} {
		if !strings.Contains(out, want) {
			t.Errorf("inspect lacks %q:\n%s", want, out)
		}
	}
	if out := mustRun(t, dir, "", "check", "db.t"); !strings.Contains(out, "2 rows; 0 bad") {
		t.Errorf("check: %s", out)
	}
	files, err := filepath.Glob(filepath.Join(dir, "warehouse", "db", "t", "*.parquet"))
	if err != nil || len(files) != 1 {
		t.Fatalf("data files: %v, %v", files, err)
	}
	stray := `{"commitInfo":{"operation":"stray"}}` + "\n" + `{"remove":{"path":"gone.parquet","dataChange":true,"deletionTimestamp":1}}`
	commit := filepath.Join(dir, "warehouse", "db", "t", "_delta_log", "00000000000000000003.json")
	if err := os.WriteFile(commit, []byte(stray), 0o666); err != nil {
		t.Fatal(err)
	}
	out, _, err = run(t, dir, "", "check", "db.t")
	if err == nil || !strings.Contains(out, "bad   _delta_log/00000000000000000003.json: removes a file that is not in the table: gone.parquet") {
		t.Errorf("check of a remove of nothing: %v\n%s", err, out)
	}
	if err := os.Truncate(files[0], 100); err != nil {
		t.Fatal(err)
	}
	out, _, err = run(t, dir, "", "check", "db.t")
	if err == nil || !strings.Contains(out, "bad   "+filepath.Base(files[0])) {
		t.Errorf("check of a truncated file: %v\n%s", err, out)
	}
	_, errs, err := run(t, dir, "", "inspect", "db.missing")
	if err == nil || !strings.Contains(errs, "missing") {
		t.Errorf("inspect of nothing: %v %s", err, errs)
	}
}

func TestVersionAndDemo(t *testing.T) {
	if out := mustRun(t, t.TempDir(), "", "version"); !strings.HasPrefix(out, "featuresql ") {
		t.Error(out)
	}
	out := mustRun(t, t.TempDir(), "", "demo", "--once")
	if !strings.Contains(out, "5 skipped") || !strings.Contains(out, "980.00") {
		t.Errorf("demo:\n%s", out)
	}
}

// All of the tour runs on batches.
func TestDemoRunsOnBatches(t *testing.T) {
	e, err := engineFlags{Warehouse: t.TempDir()}.open(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := (&tour{engine: e, session: e.Session("default"), sql: sqlCmd{Format: "table"}}).run(t.Context()); err != nil {
		t.Error(err)
	}
	if a := e.Activity(); a.RowFallbacks != 0 || a.Commits == 0 {
		t.Errorf("%d constructs ran row by row, %d commits", a.RowFallbacks, a.Commits)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

// Ctrl-C ends the statement under way; the next one runs.
func TestReplAfterInterrupt(t *testing.T) {
	e, err := engineFlags{Warehouse: t.TempDir()}.open(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	s := e.Session("default")
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // what the first interrupt did
	sqlCmd{Format: "csv"}.typed(ctx, s, "CREATE TABLE t (id INT); INSERT INTO t VALUES (1);")
	res, err := s.Query(t.Context(), "SELECT COUNT(*) FROM t")
	if err != nil || res.Rows[0][0].I != 1 {
		t.Errorf("%v, %v", res, err)
	}
}

func TestReplCommands(t *testing.T) {
	for text, want := range map[string][2]bool{"\\q": {true, true}, "EXIT;": {true, true}, "quit": {true, true}, "help": {true, false}, "\\h": {true, false}, "SELECT 1;": {false, false}} {
		if is, leave := command(text); [2]bool{is, leave} != want {
			t.Errorf("%q: %v, %v", text, is, leave)
		}
	}
}
