package logictest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/engine"
)

// Other engines make tables without columns. No client understands a result without columns: it must be an error, over both protocols.
func TestTablesWithoutColumns(t *testing.T) {
	dir := t.TempDir()
	db := serve(t, engine.Options{Warehouse: dir})
	log := filepath.Join(dir, "none", "_delta_log")
	noError(t, os.MkdirAll(log, 0o700))
	noError(t, os.WriteFile(filepath.Join(log, "00000000000000000000.json"), []byte(`{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}
{"metaData":{"id":"x","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[],"configuration":{}}}
`), 0o600))
	for _, query := range []string{"SELECT * FROM none", "SELECT * FROM (SELECT * FROM none) AS q", "SELECT * FROM none AS OF VERSION 0", "TABLE none"} {
		if code, says := run(t.Context(), db, query); code != 1113 || !strings.Contains(says, "at least 1 column") {
			t.Errorf("%s: %d %s", query, code, says)
		}
		if st, err := db.PrepareContext(t.Context(), query); err == nil {
			if _, err := st.QueryContext(t.Context()); err == nil || !strings.Contains(err.Error(), "1113") {
				t.Errorf("%s, prepared: %v", query, err)
			}
		}
	}
	var n int
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM none").Scan(&n); err != nil || n != 0 {
		t.Error(n, err)
	}
}
