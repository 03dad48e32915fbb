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

// TestNothingOutsideIsRead names files outside of the warehouse in every way that SQL, a log, a link or a symbolic link
// can: none is read, and none is written.
func TestNothingOutsideIsRead(t *testing.T) {
	base := t.TempDir()
	dir, out := filepath.Join(base, "wh"), filepath.Join(base, "outside")
	db := serve(t, engine.Options{Warehouse: dir})
	ctx := t.Context()
	for _, st := range []string{"CREATE TABLE t (id INT)", "INSERT INTO t VALUES (4711)"} {
		if _, err := db.ExecContext(ctx, st); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(out, "t"), os.DirFS(filepath.Join(dir, "t"))); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(out, "t", "*.parquet"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	secret := files[0]
	name := filepath.Base(secret)
	before := sizes(t, out)

	noError(t, os.Symlink(filepath.Join(out, "t"), filepath.Join(dir, "symlinked")))
	// A log that names the file elsewhere; the file itself is not in the table's folder.
	for i, path := range []string{secret, "file://" + secret, "file:" + secret, "../../outside/t/" + name, "..%2F..%2Foutside%2Ft%2F" + name,
		"file://" + dir + "/../outside/t/" + name, dir + "/../outside/t/" + name, "file://" + dir + "/symlinked/" + name,
		"%2e%2e/%2e%2e/outside/t/" + name, "x/../../../outside/t/" + name, "linked/" + name, "linked.parquet"} {
		table := fmt.Sprintf("bad%d", i)
		to := filepath.Join(dir, table)
		if err := os.CopyFS(to, os.DirFS(filepath.Join(dir, "t"))); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(to, name)); err != nil {
			t.Fatal(err)
		}
		noError(t, os.Symlink(filepath.Join(out, "t"), filepath.Join(to, "linked")))
		noError(t, os.Symlink(secret, filepath.Join(to, "linked.parquet")))
		log := filepath.Join(to, "_delta_log", fmt.Sprintf("%020d.json", 1))
		doc, err := os.ReadFile(log)
		noError(t, err)
		changed := strings.ReplaceAll(string(doc), name, path)
		if changed == string(doc) {
			t.Fatal("the log does not name the file")
		}
		noError(t, os.WriteFile(log, []byte(changed), 0o600))
		if code, _ := run(ctx, db, "SELECT id + 0 FROM "+table); code == 0 {
			t.Errorf("%s was read", path)
		}
		if code, _ := run(ctx, db, "DELETE FROM "+table+" WHERE id % 2 = 1"); code == 0 {
			t.Errorf("%s was read by DELETE", path)
		}
	}
	// A link object, a symbolic link in place of a table, and a view, made by hand.
	noError(t, os.MkdirAll(filepath.Join(dir, "_links"), 0o700))
	noError(t, os.WriteFile(filepath.Join(dir, "_links", "byhand.json"), []byte(`{"name": "byhand", "location": "`+filepath.Join(out, "t")+`"}`), 0o600))
	noError(t, os.WriteFile(filepath.Join(dir, "_links", "updir.json"), []byte(`{"name": "updir", "location": "../outside/t"}`), 0o600))
	noError(t, os.MkdirAll(filepath.Join(dir, "_views"), 0o700))
	noError(t, os.WriteFile(filepath.Join(dir, "_views", "peek.json"),
		[]byte("{\"name\": \"peek\", \"select\": \"SELECT * FROM delta.`"+out+"/t`\", \"statement\": \"CREATE VIEW peek AS SELECT * FROM delta.`"+out+"/t`\"}"), 0o600))
	for _, st := range []string{
		"SELECT * FROM byhand", "SELECT * FROM updir", "SELECT * FROM symlinked", "SELECT * FROM peek",
		"SELECT * FROM delta.`" + out + "/t`", "SELECT * FROM delta.`file://" + out + "/t`", "SELECT * FROM delta.`../outside/t`", "SELECT * FROM delta.`t/../../outside/t`",
		"SELECT * FROM delta.`symlinked`", "SELECT * FROM delta.`t/linked`", "DESCRIBE DETAIL delta.`" + out + "/t`",
		"CREATE TABLE n (id INT) LOCATION '" + out + "/new'", "CREATE TABLE n (id INT) LOCATION '../outside/new'", "CREATE TABLE n LOCATION '" + out + "/t'",
		"CREATE TABLE delta.`" + out + "/new` (id INT)", "DROP TABLE delta.`" + out + "/t`", "INSERT INTO delta.`" + out + "/t` VALUES (1)",
		"CREATE DATABASE `../outside`", "CREATE TABLE `../outside/x` (id INT)",
		"LOAD DATA INFILE '" + secret + "' INTO TABLE t", "SELECT * FROM t INTO OUTFILE '" + out + "/dump'", "SELECT * FROM t INTO DUMPFILE '" + out + "/dump'",
	} {
		if code, _ := run(ctx, db, st); code == 0 {
			t.Errorf("%s: no error", st)
		}
	}
	var got any
	if err := db.QueryRowContext(ctx, "SELECT load_file('"+secret+"')").Scan(&got); err == nil && got != nil {
		t.Error("LOAD_FILE read a file")
	}
	if after := sizes(t, out); after != before {
		t.Errorf("outside of the warehouse was\n%s\nand is\n%s", before, after)
	}
}

// TestShallowClone reads and changes a table whose log names the files of another one of the warehouse, as Spark's SHALLOW CLONE
// makes it. The other one stays as it is.
func TestShallowClone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "wh")
	db := serve(t, engine.Options{Warehouse: dir})
	ctx := t.Context()
	for _, st := range []string{"CREATE TABLE t (id INT, v INT) TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')", "INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)", "UPDATE t SET v = 30 WHERE id = 3"} {
		if _, err := db.ExecContext(ctx, st); err != nil {
			t.Fatal(err)
		}
	}
	log := filepath.Join(dir, "clone", "_delta_log")
	noError(t, os.MkdirAll(log, 0o700))
	vectors, err := filepath.Glob(filepath.Join(dir, "t", "*.bin"))
	if err != nil || len(vectors) != 1 {
		t.Fatal(vectors, err)
	}
	vector := regexp.MustCompile(`"storageType":"u","pathOrInlineDv":"[^"]*"`)
	for v := range 3 {
		doc, err := os.ReadFile(filepath.Join(dir, "t", "_delta_log", fmt.Sprintf("%020d.json", v)))
		noError(t, err)
		var out strings.Builder
		for line := range strings.Lines(string(doc)) {
			line = strings.Replace(line, `"path":"`, `"path":"file://`+dir+`/t/`, 1)
			out.WriteString(vector.ReplaceAllLiteralString(line, `"storageType":"p","pathOrInlineDv":"file://`+vectors[0]+`"`))
		}
		noError(t, os.WriteFile(filepath.Join(log, fmt.Sprintf("%020d.json", v)), []byte(out.String()), 0o600))
	}
	sum := func(query string, want int) {
		t.Helper()
		var got int
		if err := db.QueryRowContext(ctx, query).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %d, %v, want %d", query, got, err, want)
		}
	}
	sum("SELECT sum(v) FROM clone AS OF VERSION 1", 6)
	for _, st := range []string{"INSERT INTO clone VALUES (4, 400)", "DELETE FROM clone WHERE id = 1", "UPDATE clone SET v = 20 WHERE id = 2",
		"MERGE INTO clone USING (SELECT 2 AS id) AS s ON clone.id = s.id WHEN MATCHED THEN UPDATE SET v = clone.v + 1"} {
		if _, err := db.ExecContext(ctx, st); err != nil {
			t.Fatal(st, err)
		}
	}
	sum("SELECT sum(v) FROM clone WHERE v < 400", 51)
	sum("SELECT sum(v) FROM t", 33)
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sizes lists files with their sizes.
func sizes(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	noError(t, filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			fmt.Fprintln(&b, path, info.Size())
		}
		return err
	}))
	return b.String()
}
