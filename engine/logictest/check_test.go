package logictest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/engine"
)

// TestCheckTable: CHECK TABLE names the file that is damaged, and a table whose log cannot be read.
func TestCheckTable(t *testing.T) {
	folder := t.TempDir()
	l := newLoader(t, engine.Options{Warehouse: folder})
	l.exec("CREATE TABLE c (id BIGINT, v VARCHAR(20))", "INSERT INTO c VALUES (1, 'one'), (2, 'two')")
	ask := func() string {
		t.Helper()
		rows, err := l.conn.QueryContext(t.Context(), "CHECK TABLE c")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		var all []string
		for rows.Next() {
			var table, op, kind, text string
			if err := rows.Scan(&table, &op, &kind, &text); err != nil {
				t.Fatal(err)
			}
			all = append(all, kind+": "+text)
		}
		return strings.Join(all, "; ")
	}
	if got := ask(); got != "status: OK" {
		t.Error(got)
	}
	files, err := filepath.Glob(filepath.Join(folder, "c", "*.parquet"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	clear(data[4:64])
	if err := os.WriteFile(files[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := ask(); !strings.Contains(got, "error: "+filepath.Base(files[0])) || !strings.HasSuffix(got, "error: Corrupt") {
		t.Error(got)
	}
	if err := os.WriteFile(filepath.Join(folder, "c", "_delta_log", "00000000000000000001.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := ask(); !strings.Contains(got, "00000000000000000001.json") || !strings.HasSuffix(got, "error: Corrupt") {
		t.Error(got)
	}
}
