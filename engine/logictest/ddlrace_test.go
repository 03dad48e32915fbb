package logictest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/datasource/objstore/faultstore"
	"github.com/featuresql/featuresql/engine"
)

// TestReplacedViewIsAlwaysThere: whoever reads a view while others replace it reads the old or the new one.
func TestReplacedViewIsAlwaysThere(t *testing.T) {
	warehouse := t.TempDir()
	one, two := serve(t, engine.Options{Warehouse: warehouse}), serve(t, engine.Options{Warehouse: warehouse})
	exec(t, one, "CREATE VIEW v AS SELECT 0 AS n")
	var done atomic.Bool
	together(t, two, 3, func(c *sql.Conn, i int) {
		switch i {
		case 0:
			for n := range 60 {
				_, err := one.ExecContext(context.Background(), fmt.Sprintf("CREATE OR REPLACE VIEW v AS SELECT %d AS n", n))
				noError(t, err)
			}
			done.Store(true)
		default:
			for last := 0; !done.Load(); {
				var n int
				err := c.QueryRowContext(context.Background(), "SELECT n FROM v").Scan(&n)
				if code(t, err) != 0 || n < last {
					t.Errorf("%d after %d, %v", n, last, err)
					return
				}
				last = n
			}
		}
	})
	if got := rowsOf(t, two, "SELECT n FROM v"); fmt.Sprint(got) != "[59]" {
		t.Errorf("at last %v", got)
	}
}

// TestCreatedMeanwhile: another server makes the table just before this one does.
func TestCreatedMeanwhile(t *testing.T) {
	for _, c := range []struct {
		statement, want string
		code            uint16
	}{
		{"CREATE TABLE t AS SELECT 1 AS id", "[7]", 1050},
		{"CREATE TABLE t (id INT)", "[7]", 1050},
		{"CREATE TABLE IF NOT EXISTS t AS SELECT 1 AS id", "[7]", 0},
		{"CREATE OR REPLACE TABLE t AS SELECT 1 AS id", "[1]", 0},
		{"CREATE OR REPLACE TABLE t (id INT)", "[]", 0},
	} {
		dir := t.TempDir()
		local, err := objstore.NewLocal(dir)
		noError(t, err)
		other := serve(t, engine.Options{Store: local})
		exec(t, other, "CREATE TABLE u AS SELECT 7 AS id")
		made := false
		store := faultstore.New(local, faultstore.Options{Rules: []faultstore.Rule{{Ops: faultstore.PutIfAbsent, Kind: faultstore.Slow, Key: func(key string) bool {
			if !made && key == "t/_delta_log/00000000000000000000.json" {
				made = true
				_ = os.CopyFS(filepath.Join(dir, "t"), os.DirFS(filepath.Join(dir, "u")))
			}
			return false
		}}}})
		_, err = serve(t, engine.Options{Store: store}).ExecContext(t.Context(), c.statement)
		if got := code(t, err); got != c.code || !made {
			t.Errorf("%s: made %t, %v", c.statement, made, err)
		}
		if got := rowsOf(t, other, "SELECT id FROM t"); fmt.Sprint(got) != c.want {
			t.Errorf("%s: %v", c.statement, got)
		}
	}
}

// TestDroppedMeanwhile: another server drops the table in the middle of a statement, and in every second case makes it anew.
func TestDroppedMeanwhile(t *testing.T) {
	data := func(key string) bool { return strings.HasPrefix(key, "t/part-") }
	commit := func(v int) func(string) bool {
		return func(key string) bool { return key == fmt.Sprintf("t/_delta_log/%020d.json", v) }
	}
	for _, c := range []struct {
		statement      string
		ops            faultstore.Op
		key            func(string) bool
		gone, replaced uint16
		want           string // where the table was made anew
	}{
		{"SELECT * FROM t", faultstore.GetRange, data, 1213, 1213, "[7]"},
		{"UPDATE t SET id = id + 1", faultstore.GetRange, data, 1146, 0, "[8]"},
		{"DELETE FROM t WHERE id = 1", faultstore.GetRange, data, 1146, 0, "[7]"},
		{"INSERT INTO t VALUES (3)", faultstore.PutIfAbsent, commit(1), 1146, 0, "[3 7]"},
		{"ALTER TABLE t ADD COLUMN n INT", faultstore.PutIfAbsent, commit(1), 1213, 1213, "[7]"},
		{"DESCRIBE HISTORY t", faultstore.Get, commit(0), 1146, 0, "[7]"},
		{"CREATE OR REPLACE TABLE t AS SELECT 2 AS id", faultstore.Put, data, 0, 0, "[2]"},
		{"CREATE OR REPLACE TABLE t AS SELECT 2 AS id", faultstore.PutIfAbsent, commit(1), 0, 0, "[2]"},
		{"DROP TABLE t", faultstore.List, func(key string) bool { return key == "t/" }, 0, 0, ""},
	} {
		for _, anew := range []bool{false, true} {
			dir := t.TempDir()
			local, err := objstore.NewLocal(dir)
			noError(t, err)
			other := serve(t, engine.Options{Store: local})
			exec(t, other, "CREATE TABLE t AS SELECT 1 AS id")
			exec(t, other, "CREATE TABLE u AS SELECT 7 AS id")
			var done atomic.Bool
			store := faultstore.New(local, faultstore.Options{Rules: []faultstore.Rule{{Ops: c.ops, Kind: faultstore.Slow, Key: func(key string) bool {
				if c.key(key) && done.CompareAndSwap(false, true) {
					noError(t, objstore.DropFolder(t.Context(), local, "t"))
					if anew {
						noError(t, os.CopyFS(filepath.Join(dir, "t"), os.DirFS(filepath.Join(dir, "u"))))
					}
				}
				return false
			}}}})
			_, err = serve(t, engine.Options{Store: store}).ExecContext(t.Context(), c.statement)
			want := c.gone
			if anew {
				want = c.replaced
			}
			if got := code(t, err); got != want || !done.Load() {
				t.Errorf("%s, made anew %t: dropped %t, %v", c.statement, anew, done.Load(), err)
			}
			if anew && c.want != "" {
				if got := rowsOf(t, other, "SELECT * FROM t ORDER BY 1"); fmt.Sprint(got) != c.want {
					t.Errorf("%s: %v", c.statement, got)
				}
			}
		}
	}
}
