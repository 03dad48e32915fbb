package server_test

import (
	"context"
	"runtime"
	"testing"
	"time"
)

// heapBytes is what lives in the heap.
func heapBytes() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestUnreadResults has clients that ask for gigabytes and do not read them. Others read and write the same tables meanwhile, and what the server
// holds for the silent ones stays small.
func TestUnreadResults(t *testing.T) {
	w := startWarehouse(t, nil)
	other, _, _ := w.connect()
	bigTables(w, other)
	before := heapBytes()
	var cuts []func()
	for _, text := range []string{
		"SELECT a.id, b.id, a.s " + pairs,
		"SELECT a.id, b.id, a.s " + pairs + " UNION ALL SELECT a.id, b.id, b.s " + pairs,
		"SELECT a.id, row_number() OVER (PARTITION BY a.id ORDER BY a.v), b.s FROM big a JOIN big b ON a.g = b.g WHERE a.id <= 1000",
	} {
		c, _, cut := w.connect()
		rows, err := c.QueryContext(t.Context(), text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		defer rows.Close()
		cuts = append(cuts, cut)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for _, text := range []string{
		"INSERT INTO big VALUES (50001, 5, 1, 'a')", "UPDATE big SET v = 2 WHERE id = 50001", "ALTER TABLE sink ADD COLUMN more INT",
		"INSERT INTO sink (id, v) SELECT id, v FROM big", "CREATE TABLE fresh AS SELECT g, count(*) AS n FROM big GROUP BY g", "DROP TABLE fresh",
	} {
		if _, err := other.ExecContext(ctx, text); err != nil {
			t.Fatalf("beside clients that do not read, %s: %v", text, err)
		}
	}
	var rows int
	if err := other.QueryRowContext(ctx, "SELECT count(*) FROM sink").Scan(&rows); err != nil || rows != 41002 {
		t.Errorf("%d rows, %v", rows, err)
	}
	if running := w.server.Counts().Running; running < len(cuts) { // the end of the last statement may not be counted yet
		t.Errorf("%d statements run, of %d clients that do not read", running, len(cuts))
	}
	if held := heapBytes() - before; held > 128<<20 {
		t.Errorf("%d bytes are held for clients that do not read", held)
	}
	for _, cut := range cuts {
		cut()
	}
	w.idle()
	if used := w.engine.Activity().MemoryBytes; used != 0 {
		t.Errorf("%d bytes are still held", used)
	}
}
