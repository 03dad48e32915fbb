package logictest

import (
	"testing"

	"github.com/featuresql/featuresql/engine"
)

// TestRemovedFilesAreForgotten writes and reads small files that are removed again: what was kept of them does not add up.
func TestRemovedFilesAreForgotten(t *testing.T) {
	for name, properties := range map[string]string{"plain": "'delta.enableDeletionVectors' = 'false'", "deletion vectors": "'delta.enableDeletionVectors' = 'true'"} {
		t.Run(name, func(t *testing.T) {
			e, db := serveEngine(t, engine.Options{})
			exec(t, db, "CREATE TABLE t (id INT, what STRING) TBLPROPERTIES ("+properties+")")
			var early int64
			for round := range 20 {
				exec(t, db, "INSERT INTO t VALUES (1, 'a'), (2, 'b')")
				exec(t, db, "UPDATE t SET what = 'c' WHERE id = 2")
				want(t, rowsOf(t, db, "SELECT id, what FROM t WHERE id >= 1 ORDER BY id"), "1 a", "2 c")
				exec(t, db, "DELETE FROM t WHERE id >= 0")
				want(t, rowsOf(t, db, "SELECT COUNT(*) FROM t WHERE id >= 0"), "0")
				switch now := e.Activity().CacheBytes; {
				case round == 4:
					early = now
				case round > 4 && now > early:
					t.Fatalf("round %d: %d bytes are kept, %d before", round, now, early)
				}
			}
		})
	}
}
