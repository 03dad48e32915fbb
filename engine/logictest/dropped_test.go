package logictest

import (
	"testing"

	"github.com/featuresql/featuresql/engine"
)

// TestDroppedElsewhere: what one server remembers of its commits to a table does not count for the table of the same name that another server made.
func TestDroppedElsewhere(t *testing.T) {
	warehouse := t.TempDir()
	one, two := serve(t, engine.Options{Warehouse: warehouse}), serve(t, engine.Options{Warehouse: warehouse})
	exec(t, one, "CREATE TABLE t (id INT)")
	for range 3 {
		exec(t, one, "INSERT INTO t VALUES (1)")
	}
	exec(t, two, "DROP TABLE t")
	exec(t, two, "CREATE TABLE t (id INT)")
	exec(t, one, "INSERT INTO t VALUES (7)")
	exec(t, two, "INSERT INTO t VALUES (8)")
	var n int
	noError(t, one.QueryRowContext(t.Context(), "SELECT SUM(id) FROM t").Scan(&n))
	if n != 15 {
		t.Errorf("the first server reads %d", n)
	}
	noError(t, two.QueryRowContext(t.Context(), "SELECT SUM(id) FROM t").Scan(&n))
	if n != 15 {
		t.Errorf("the second server reads %d", n)
	}
}
