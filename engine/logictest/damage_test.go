package logictest

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/featuresql/featuresql/engine"
)

// damages are ways to spoil a table of three versions: created, and two rows appended one by one.
var damages = []struct {
	table string
	spoil func(t *testing.T, dir string)
	code  uint16   // of a read
	says  []string // parts of its message
	write uint16   // of a write; 0: the same
}{
	{"short_file", func(t *testing.T, dir string) {
		f := dataFile(t, dir)
		must(t, os.Truncate(f, size(t, f)/2))
	}, 1105, []string{".parquet"}, 0},
	{"no_file", func(t *testing.T, dir string) { must(t, os.Remove(dataFile(t, dir))) }, 1105, []string{".parquet", "missing"}, 0},
	{"bad_line", func(t *testing.T, dir string) {
		must(t, os.WriteFile(commit(dir, "1"), []byte(`{"add":{"path":`+"\n"), 0o644))
	}, 1105, []string{"00000000000000000001.json"}, 0},
	{"gap", func(t *testing.T, dir string) { must(t, os.Remove(commit(dir, "1"))) }, 1105, []string{"00000000000000000001.json", "missing"}, 0},
	{"reader_feature", func(t *testing.T, dir string) {
		must(t, os.WriteFile(commit(dir, "3"), []byte(`{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["fromTheFuture"],"writerFeatures":["fromTheFuture"]}}`+"\n"), 0o644))
	}, 1235, []string{"fromTheFuture", "read"}, 0},
	{"writer_feature", func(t *testing.T, dir string) {
		must(t, os.WriteFile(commit(dir, "3"), []byte(`{"protocol":{"minReaderVersion":1,"minWriterVersion":7,"writerFeatures":["fromTheFuture"]}}`+"\n"), 0o644))
	}, 0, []string{"fromTheFuture", "writ"}, 1235},
	{"no_log", func(t *testing.T, dir string) { must(t, os.RemoveAll(filepath.Join(dir, "_delta_log"))) }, 1146, []string{"no_log"}, 0},
}

// TestDamage reads and writes spoiled tables: each fails with an error that names what is wrong, nothing is written,
// and the server goes on.
func TestDamage(t *testing.T) {
	warehouse := t.TempDir()
	maker := serve(t, engine.Options{Warehouse: warehouse})
	for _, d := range damages {
		for _, q := range []string{"CREATE TABLE T (id INT, v STRING)", "INSERT INTO T VALUES (1, 'one')", "INSERT INTO T VALUES (2, 'two')"} {
			exec(t, maker, strings.Replace(q, " T ", " "+d.table+" ", 1))
		}
		d.spoil(t, filepath.Join(warehouse, d.table))
	}
	exec(t, maker, "CREATE TABLE sound (id INT)")
	exec(t, maker, "INSERT INTO sound VALUES (1)")
	db := serve(t, engine.Options{Warehouse: warehouse})
	for _, d := range damages {
		t.Run(d.table, func(t *testing.T) {
			before := tree(t, warehouse)
			var n int
			err := db.QueryRowContext(t.Context(), "SELECT sum(length(v)) FROM "+d.table).Scan(&n)
			check(t, err, d.code, d.says)
			_, err = db.ExecContext(t.Context(), "UPDATE "+d.table+" SET v = concat(v, '!')")
			check(t, err, max(d.code, d.write), d.says)
			if err != nil && !strings.Contains(err.Error(), "default."+d.table) && !strings.Contains(err.Error(), "'"+d.table+"'") || err != nil && strings.Contains(err.Error(), "file://") {
				t.Errorf("the table is not named default.%s: %v", d.table, err)
			}
			if after := tree(t, warehouse); !slices.Equal(before, after) {
				t.Errorf("files before: %v\nafter: %v", before, after)
			}
			if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM sound WHERE id > 0").Scan(&n); err != nil || n != 1 {
				t.Errorf("the sound table: %d, %v", n, err)
			}
		})
	}
}

// TestMissingDeletionVector reads a table whose deletion vector has gone: an error that names table and file, never the
// deleted row.
func TestMissingDeletionVector(t *testing.T) {
	warehouse := t.TempDir()
	maker := serve(t, engine.Options{Warehouse: warehouse})
	exec(t, maker, "CREATE DATABASE d")
	exec(t, maker, "CREATE TABLE d.gone (id INT) TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
	exec(t, maker, "INSERT INTO d.gone VALUES (1), (2), (3)")
	exec(t, maker, "DELETE FROM d.gone WHERE id = 2")
	vectors, err := filepath.Glob(filepath.Join(warehouse, "d", "gone", "deletion_vector_*"))
	if err != nil || len(vectors) != 1 {
		t.Fatal(vectors, err)
	}
	must(t, os.Remove(vectors[0]))
	var n int
	err = serve(t, engine.Options{Warehouse: warehouse}).QueryRowContext(t.Context(), "SELECT sum(id) FROM d.gone").Scan(&n)
	check(t, err, 1105, []string{"the deletion vector of data file", "of table d.gone is missing", filepath.Base(vectors[0])})
}

// check wants code and parts of the message; code 0 is success.
func check(t *testing.T, err error, code uint16, says []string) {
	t.Helper()
	var my *mysql.MySQLError
	switch {
	case code == 0 && err != nil:
		t.Errorf("failed: %v", err)
	case code == 0:
	case !errors.As(err, &my):
		t.Errorf("%v, want error %d", err, code)
	case my.Number != code:
		t.Errorf("%v, want error %d", err, code)
	default:
		for _, s := range says {
			if !strings.Contains(my.Message, s) {
				t.Errorf("%q does not say %q", my.Message, s)
			}
		}
	}
}

func exec(t *testing.T, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func commit(dir, version string) string {
	return filepath.Join(dir, "_delta_log", strings.Repeat("0", 20-len(version))+version+".json")
}

func dataFile(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.parquet"))
	if err != nil || len(files) != 2 {
		t.Fatalf("data files: %v, %v", files, err)
	}
	return files[0]
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	st, err := os.Stat(path)
	must(t, err)
	return st.Size()
}

// tree lists all files.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, path)
		}
		return err
	}))
	return out
}
