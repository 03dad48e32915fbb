//go:build linux

package torture_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// writes are statements of all kinds that write, in an order in which they work.
var writes = []string{
	"INSERT INTO t VALUES (-1, 'x')",
	"INSERT INTO t SELECT id - 100, s FROM t WHERE id < 3",
	"UPDATE t SET s = 'changed' WHERE id = 1",
	"DELETE FROM t WHERE id = 2",
	"MERGE INTO t USING (SELECT 3 AS id UNION ALL SELECT -5) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET s = 'm' WHEN NOT MATCHED THEN INSERT (id, s) VALUES (s.id, 'n')",
	"CREATE TABLE made (id INT)",
	"CREATE TABLE copied AS SELECT * FROM t",
	"ALTER TABLE t ADD COLUMN more INT",
	"CREATE DATABASE another",
	"CREATE VIEW seen AS SELECT id FROM t",
	"CREATE USER somebody",
}

// refusedWrites executes every write, which must fail with a code and a sentence, and checks that nothing changed.
func refusedWrites(t *testing.T, db *sql.DB, code int, sentence string) {
	t.Helper()
	before := one(t, db, "SELECT COUNT(*) FROM t")
	for _, q := range writes {
		_, err := db.ExecContext(t.Context(), q)
		if number(err) != code || !strings.Contains(err.Error(), sentence) {
			t.Errorf("%s: %v, want error %d with %q", q, err, code, sentence)
		}
	}
	if n := one(t, db, "SELECT COUNT(*) FROM t WHERE id > -1000"); n != before {
		t.Errorf("%d rows, were %d", n, before)
	}
	if n := one(t, db, "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'default'"); n != 1 {
		t.Errorf("%d tables", n)
	}
}

// rowsOf selects rows that cannot be compressed.
func rowsOf(from, n int64) string {
	return fmt.Sprintf("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < %d) SELECT %d + n, sha2(concat(%d, '-', n), 512) FROM r", n, from, from)
}

// TestFullDisk fills the disk under four writers.
func TestFullDisk(t *testing.T) {
	m := startMounted(t, "5m")
	if m == nil {
		return
	}
	db := m.open(t)
	mustExec(t, db, "CREATE TABLE t (id BIGINT, s STRING) TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')", "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')")
	var acknowledged atomic.Int64
	acknowledged.Store(3)
	var refused atomic.Int64
	fill := func() {
		var writers sync.WaitGroup
		for w := range int64(4) {
			writers.Go(func() {
				for i := int64(1); refused.Load() < 40; i++ {
					n := 1 + i%3*400
					_, err := db.ExecContext(t.Context(), "INSERT INTO t "+rowsOf(acknowledged.Load()*1000+w, n))
					switch number(err) {
					case 0:
						acknowledged.Add(n)
						continue
					case 1021:
						refused.Add(1)
						if !strings.Contains(err.Error(), "disk is full; free some space") {
							t.Error(err)
						}
					default:
						t.Error(err)
						return
					}
				}
			})
		}
		writers.Wait()
	}
	check := func() {
		t.Helper()
		if n := one(t, db, "SELECT COUNT(*) FROM t"); n != acknowledged.Load() {
			t.Errorf("%d rows, acknowledged %d", n, acknowledged.Load())
		}
		if n := one(t, db, "SELECT SUM(length(s) > 0) FROM t"); n != acknowledged.Load() {
			t.Errorf("%d rows with their texts, acknowledged %d", n, acknowledged.Load())
		}
		checkFolder(t, m.path("t"))
	}
	fill()
	check()
	brim, err := os.Create(m.path("filler")) // not a byte is left
	if err != nil {
		t.Fatal(err)
	}
	for n := 1 << 16; n > 0; {
		if _, err := brim.Write(make([]byte, n)); err != nil {
			n /= 2
		}
	}
	if err := brim.Close(); err != nil {
		t.Fatal(err)
	}
	refusedWrites(t, db, 1021, "disk is full; free some space")
	check()
	if err := os.Remove(m.path("filler")); err != nil {
		t.Fatal(err)
	}
	m.remount(t, "size=20m")
	mustExec(t, db, writes...)
	for _, table := range []string{"t", "made", "copied"} {
		checkFolder(t, m.path(table))
	}
	if !m.alive() {
		t.Errorf("the server ended:\n%s", m.log)
	}
}

// TestReadOnlyDisk makes the file system read-only under a server.
func TestReadOnlyDisk(t *testing.T) {
	m := startMounted(t, "20m")
	if m == nil {
		return
	}
	db := m.open(t)
	mustExec(t, db, "CREATE TABLE t (id BIGINT, s STRING)", "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')")
	m.remount(t, "ro")
	refusedWrites(t, db, 1290, "mounted read-only")
	for _, q := range []string{"DROP TABLE t", "RENAME TABLE t TO u", "TRUNCATE TABLE t"} {
		if _, err := db.ExecContext(t.Context(), q); number(err) != 1290 {
			t.Errorf("%s: %v", q, err)
		}
	}
	m.remount(t, "rw")
	mustExec(t, db, writes...)
	checkFolder(t, m.path("t"))
	mustExec(t, db, "RENAME TABLE t TO u", "TRUNCATE TABLE u", "DROP TABLE u")
	if !m.alive() {
		t.Errorf("the server ended:\n%s", m.log)
	}
}

// TestOpenFiles lets fifty connections write and read with a server that may open 64 files.
func TestOpenFiles(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, []string{"sh", "-c", `ulimit -n 64; exec "$0" "$@"`})
	db := p.open(t)
	mustExec(t, db, "CREATE TABLE t (id BIGINT, s STRING)")
	for i := range 30 {
		mustExec(t, db, fmt.Sprintf("INSERT INTO t VALUES (%d, 'x')", i))
	}
	_ = db.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	var acknowledged, unknown, short atomic.Int64
	var clients sync.WaitGroup
	for w := range 50 {
		clients.Go(func() {
			c, done, err := p.connect(ctx)
			if err != nil {
				return // it waits for the server to accept
			}
			defer done()
			for i := 0; ctx.Err() == nil; i++ {
				_, err = c.ExecContext(ctx, fmt.Sprintf("INSERT INTO t VALUES (%d, 'x')", 1000*(w+1)+i))
				switch number(err) {
				case 0:
					acknowledged.Add(1)
				case 1180, -1:
					unknown.Add(1)
				case 1041:
					short.Add(1)
				default:
					t.Errorf("INSERT: %v", err)
				}
				var n int64
				err = c.QueryRowContext(ctx, "SELECT SUM(length(s)) FROM t").Scan(&n)
				if k := number(err); k == 1041 {
					short.Add(1)
				} else if k > 0 && ctx.Err() == nil {
					t.Errorf("SELECT: %v", err)
				}
			}
		})
	}
	clients.Wait()
	if !p.alive() {
		t.Fatalf("the server ended:\n%s", p.log)
	}
	db = p.open(t)
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) { // the server lets go of the clients' files soon after they left
		if _, err := db.ExecContext(t.Context(), "SELECT COUNT(*) FROM t"); number(err) != 1041 || time.Now().After(end) {
			break
		}
	}
	sure, most := 30+acknowledged.Load(), 30+acknowledged.Load()+unknown.Load()
	if n := one(t, db, "SELECT COUNT(*) FROM t"); n < sure || n > most {
		t.Errorf("%d rows, acknowledged %d, unknown %d", n, sure, most-sure)
	}
	if n := one(t, db, "SELECT COUNT(*) - COUNT(DISTINCT id) FROM t"); n != 0 {
		t.Errorf("%d rows are there twice", n)
	}
	mustExec(t, db, writes...)
	if short.Load() == 0 {
		t.Error("the server had enough files")
	}
	t.Logf("%d acknowledged, %d unknown, %d times too few files; %d temporary files left", acknowledged.Load(), unknown.Load(), short.Load(),
		len(temporary(t, filepath.Join(dir, "t"))))
}
