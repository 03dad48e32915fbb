package logictest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/engine"
)

// TestSpillIsShown: EXPLAIN ANALYZE says what a query has written to files, and what a killed server has left is removed.
func TestSpillIsShown(t *testing.T) {
	dir := t.TempDir()
	left, other := filepath.Join(dir, "featuresql-spill-123"), filepath.Join(dir, "precious")
	for _, name := range []string{left, other} {
		noError(t, os.WriteFile(name, []byte("rows"), 0o600))
	}
	db := serve(t, engine.Options{Warehouse: t.TempDir(), TempDir: dir})
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("the file of an earlier process is still there: %v", err)
	}
	_, err := os.Stat(other)
	noError(t, err)
	exec(t, db, "CREATE TABLE d (n INT)")
	exec(t, db, "INSERT INTO d VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)")
	const query = "EXPLAIN ANALYZE SELECT count(DISTINCT a.n + 10 * b.n + 100 * c.n + 1000 * e.n) FROM d a, d b, d c, d e"
	plan := func() string {
		rows, err := db.QueryContext(t.Context(), query)
		noError(t, err)
		defer rows.Close()
		var all strings.Builder
		for rows.Next() {
			var line string
			noError(t, rows.Scan(&line))
			all.WriteString(line + "\n")
		}
		noError(t, rows.Err())
		return all.String()
	}
	if p := plan(); strings.Contains(p, "spilled") {
		t.Errorf("enough memory:\n%s", p)
	}
	db.SetMaxOpenConns(1)
	exec(t, db, "SET @@featuresql_query_memory = '50kB'")
	if p := plan(); !strings.Contains(p, "spilled to files: ") {
		t.Errorf("50 kB:\n%s", p)
	}
}
