package logictest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/engine"
)

// TestRestoredUnderServer: a table that is put back from a copy while a server is running goes on from the copy's version: nothing that is
// acknowledged later is lost, and the log has no gap.
func TestRestoredUnderServer(t *testing.T) {
	warehouse := t.TempDir()
	db := serve(t, engine.Options{Warehouse: warehouse})
	exec(t, db, "CREATE TABLE t (id INT)")
	dir, copied := filepath.Join(warehouse, "t"), filepath.Join(t.TempDir(), "t")
	for i := range 7 {
		if i == 3 {
			must(t, os.CopyFS(copied, os.DirFS(dir)))
		}
		exec(t, db, fmt.Sprintf("INSERT INTO t VALUES (%d)", i))
	}
	for round := range 2 { // with and without a look at the table between the copy's return and the next write
		must(t, os.RemoveAll(dir))
		must(t, os.CopyFS(dir, os.DirFS(copied)))
		if round == 0 {
			want(t, rowsOf(t, db, "SELECT id FROM t ORDER BY id"), "0", "1", "2")
		}
		for i := range 5 {
			exec(t, db, fmt.Sprintf("INSERT INTO t VALUES (%d)", 100+i))
		}
		exec(t, db, "UPDATE t SET id = 200 WHERE id = 104")
		want(t, rowsOf(t, db, "SELECT id FROM t ORDER BY id"), "0", "1", "2", "100", "101", "102", "103", "200")
		commits, err := filepath.Glob(filepath.Join(dir, "_delta_log", strings.Repeat("[0-9]", 20)+".json"))
		must(t, err)
		for v, path := range commits {
			if path != numbered(dir, v) {
				t.Errorf("version %d is missing: %s", v, path)
			}
		}
		if len(commits) != 10 {
			t.Errorf("%d commits", len(commits))
		}
		want(t, rowsOf(t, serve(t, engine.Options{Warehouse: warehouse}), "SELECT id FROM t ORDER BY id"), "0", "1", "2", "100", "101", "102", "103", "200")
	}
}
