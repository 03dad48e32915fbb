package logictest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/engine"
)

// TestDropDatabaseOfOthers: a database whose folder holds what belongs to no table is not dropped, and nothing in it is touched.
func TestDropDatabaseOfOthers(t *testing.T) {
	for _, foreign := range []string{"notes.txt", "raw/2026.csv", "_spark_metadata/0", "deep/er/_delta_log/00000000000000000000.json"} {
		warehouse := t.TempDir()
		db := serve(t, engine.Options{Warehouse: warehouse})
		for _, s := range []string{"CREATE DATABASE d", "CREATE TABLE d.t AS SELECT 1 AS id", "CREATE TABLE d.zz AS SELECT 2 AS id", "CREATE VIEW d.v AS SELECT 1 AS x"} {
			exec(t, db, s)
		}
		file := filepath.Join(warehouse, "d", foreign)
		noError(t, os.MkdirAll(filepath.Dir(file), 0o700))
		noError(t, os.WriteFile(file, []byte("{}"), 0o600))
		_, err := db.ExecContext(t.Context(), "DROP DATABASE d")
		if code(t, err) != 1010 || !strings.Contains(err.Error(), "'d/"+foreign+"'") {
			t.Errorf("%s: %v", foreign, err)
		}
		if got := rowsOf(t, db, "SELECT id FROM d.t"); len(got) != 1 {
			t.Errorf("%s: the table has %v", foreign, got)
		}
		noError(t, os.Remove(file))
		exec(t, db, "DROP DATABASE d")
		if _, err := os.Stat(filepath.Join(warehouse, "d", "t")); !os.IsNotExist(err) {
			t.Errorf("%s: the table's folder: %v", foreign, err)
		}
	}
}
