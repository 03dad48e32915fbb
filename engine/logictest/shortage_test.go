package logictest

import (
	"errors"
	"io/fs"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/datasource/objstore/faultstore"
	"github.com/featuresql/featuresql/engine"
)

// shortages are what a store may lack all at once, with the code and the sentence that a client gets.
var shortages = []struct {
	errno    syscall.Errno
	code     int
	sentence string
}{
	{syscall.ENOSPC, 1021, "disk is full; free some space"},
	{syscall.EROFS, 1290, "mounted read-only"},
	{syscall.EIO, 1030, "input/output error"},
}

// shortWrites are statements of all kinds that write, with a query whose answer each of them changes.
var shortWrites = []struct{ text, shows string }{
	{"INSERT INTO t VALUES (9, 'x')", "SELECT COUNT(*) FROM t"},
	{"INSERT INTO t SELECT id + 100, s FROM t", "SELECT COUNT(*) FROM t"},
	{"UPDATE t SET s = concat(s, '!')", "SELECT SUM(length(s)) FROM t"},
	{"DELETE FROM t WHERE id = (SELECT MIN(id) FROM p)", "SELECT COUNT(*) FROM t"},
	{"MERGE INTO t USING (SELECT 3 AS id UNION ALL SELECT -5) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET s = 'm' WHEN NOT MATCHED THEN INSERT (id, s) VALUES (s.id, 'n')", "SELECT COUNT(*) FROM t"},
	{"INSERT INTO p VALUES (5, 'a'), (6, 'b') ON DUPLICATE KEY UPDATE s = concat(s, '?')", "SELECT COUNT(*) + SUM(length(s)) FROM p"},
	{"CREATE TABLE u AS SELECT * FROM t", "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'default'"},
	{"ALTER TABLE t ADD COLUMN more INT", "SELECT COUNT(*) FROM information_schema.columns WHERE table_name = 't'"},
	{"CREATE VIEW v AS SELECT id FROM t", "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'default'"},
	{"CREATE DATABASE d", "SELECT COUNT(*) FROM information_schema.schemata"},
}

// TestShortages makes every write to the store fail from the n-th of a statement on, for all n: the client learns why, nothing of the
// statement is there, and once the cause is gone it works.
func TestShortages(t *testing.T) {
	for _, s := range shortages {
		t.Run(s.errno.Error(), func(t *testing.T) {
			local, err := objstore.NewLocal(t.TempDir())
			noError(t, err)
			var lacks atomic.Bool
			var passed, allowed atomic.Int64
			store := faultstore.New(local, faultstore.Options{Rules: []faultstore.Rule{{
				Ops: faultstore.Put | faultstore.PutIfAbsent,
				Key: func(string) bool { return lacks.Load() && passed.Add(1) > allowed.Load() },
				Err: errors.Join(objstore.ErrNotStored, &fs.PathError{Op: "write", Path: "p", Err: s.errno}), Kind: faultstore.Fail,
			}}})
			db := serve(t, engine.Options{Store: store})
			for _, q := range []string{"CREATE TABLE t (id INT, s STRING) TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')",
				"CREATE TABLE p (id INT PRIMARY KEY, s STRING)", "INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three')", "INSERT INTO p VALUES (3, 'a'), (5, 'b')"} {
				exec(t, db, q)
			}
			refused := 0
			for _, w := range shortWrites {
				var before, after int
				noError(t, db.QueryRowContext(t.Context(), w.shows).Scan(&before))
				for n := int64(0); ; n++ {
					lacks.Store(true)
					passed.Store(0)
					allowed.Store(n)
					_, err := db.ExecContext(t.Context(), w.text)
					noError(t, db.QueryRowContext(t.Context(), w.shows).Scan(&after))
					lacks.Store(false)
					if err == nil {
						break
					}
					refused++
					var my *mysql.MySQLError
					if !errors.As(err, &my) || int(my.Number) != s.code || !strings.Contains(my.Message, s.sentence) {
						t.Errorf("%s, write %d failing: %v, want error %d with %q", w.text, n, err, s.code, s.sentence)
					}
					if after != before || n > 20 {
						t.Fatalf("%s, write %d failing: %s is %d, was %d", w.text, n, w.shows, after, before)
					}
				}
				if after == before {
					t.Errorf("%s: %s is still %d", w.text, w.shows, before)
				}
			}
			if refused < len(shortWrites) {
				t.Errorf("%d statements refused", refused)
			}
		})
	}
}
