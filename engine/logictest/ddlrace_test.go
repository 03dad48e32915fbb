package logictest

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"
	"testing"

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
