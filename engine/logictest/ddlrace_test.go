package logictest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
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
