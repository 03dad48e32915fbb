package logictest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/engine"
)

// TestNoVectorOutsideIsRead names a deletion vector that lies outside of the warehouse in every way that a log can: the table is not
// read, neither with nor without the vector.
func TestNoVectorOutsideIsRead(t *testing.T) {
	base := t.TempDir()
	dir, out := filepath.Join(base, "wh"), filepath.Join(base, "outside")
	db := serve(t, engine.Options{Warehouse: dir})
	for _, st := range []string{"CREATE TABLE t (id INT) TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')", "INSERT INTO t VALUES (1), (2), (3)", "DELETE FROM t WHERE id = 2"} {
		if code, message := run(t.Context(), db, st); code != 0 {
			t.Fatal(st, message)
		}
	}
	noError(t, os.CopyFS(out, os.DirFS(filepath.Join(dir, "t"))))
	vectors, err := filepath.Glob(filepath.Join(out, "*.bin"))
	if err != nil || len(vectors) != 1 {
		t.Fatal(vectors, err)
	}
	vector, name := vectors[0], filepath.Base(vectors[0])
	named := regexp.MustCompile(`"storageType":"u","pathOrInlineDv":"[^"]*"`)
	table := func(i int, path string) string {
		to := filepath.Join(dir, fmt.Sprint("d", i))
		noError(t, os.CopyFS(to, os.DirFS(filepath.Join(dir, "t"))))
		noError(t, os.Remove(filepath.Join(to, name)))
		noError(t, os.Symlink(out, filepath.Join(to, "linked")))
		commit := filepath.Join(to, "_delta_log", fmt.Sprintf("%020d.json", 2))
		doc, err := os.ReadFile(commit)
		noError(t, err)
		changed := named.ReplaceAllLiteralString(string(doc), `"storageType":"p","pathOrInlineDv":"`+strings.ReplaceAll(path, "DIR", to)+`"`)
		if changed == string(doc) {
			t.Fatal("the log names no vector")
		}
		noError(t, os.WriteFile(commit, []byte(changed), 0o600))
		return filepath.Base(to)
	}
	inside := table(0, "file://"+filepath.Join(dir, "t", name)) // what is refused below is refused for its place alone
	if code, message := run(t.Context(), db, "SELECT id + 0 FROM "+inside); code != 0 {
		t.Fatal(message)
	}
	for i, path := range []string{vector, "file://" + vector, "file:" + vector, "../../outside/" + name, "..%2F..%2Foutside%2F" + name, "file://DIR/../../outside/" + name,
		"file://DIR/linked/" + name, "DIR/linked/" + name, "linked/" + name, "http://127.0.0.1:1/" + name, "s3://elsewhere/" + name} {
		d := table(i+1, path)
		for _, st := range []string{"SELECT id + 0 FROM ", "SELECT count(*) FROM ", "DELETE FROM "} {
			text := st + d + " WHERE id < 9"
			if code, message := run(t.Context(), db, text); code == 0 || strings.Contains(message, "panic") {
				t.Errorf("%s: %s: %d %s", path, text, code, message)
			}
		}
	}
}

// TestReservedFoldersAreNoNames: no database or table is one of the folders in which the warehouse keeps accounts, views and links.
func TestReservedFoldersAreNoNames(t *testing.T) {
	db := serve(t, engine.Options{Warehouse: t.TempDir()})
	for _, name := range []string{"_featuresql", "_views", "_links", "_delta_log", "..", ".", "a/b", `a\b`, ".hidden"} {
		for _, st := range []string{"CREATE DATABASE `%s`", "CREATE TABLE `%s` (id INT)", "CREATE TABLE x (id INT) LOCATION '%s'", "CREATE TABLE x (id INT) LOCATION '%s/accounts'", "CREATE TABLE delta.`%s/accounts` (id INT)",
			"CREATE VIEW `%s` AS SELECT 1 AS x"} {
			if (strings.Contains(st, "/accounts") || strings.Contains(st, "LOCATION")) && (name == "." || strings.ContainsAny(name, `/\`)) {
				continue // a folder like others
			}
			st = fmt.Sprintf(st, name)
			if code, _ := run(t.Context(), db, st); code == 0 {
				t.Errorf("%s went through", st)
			}
		}
	}
}
