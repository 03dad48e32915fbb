package logictest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/featuresql/featuresql/engine"
)

// TestTimeTravelWithinSecond reads versions that are a tenth of a second apart, by functions of which the host computes whole seconds, or nothing.
func TestTimeTravelWithinSecond(t *testing.T) {
	warehouse := t.TempDir()
	l := newLoader(t, engine.Options{Warehouse: warehouse})
	l.exec("CREATE TABLE t (id INT)", "INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)", "INSERT INTO t VALUES (3)", "SET time_zone = '+02:00'")
	for v := range 4 {
		at := time.UnixMilli(1_767_225_600_000 + 100*int64(v)) // 2026-01-01
		if err := os.Chtimes(filepath.Join(warehouse, "t", "_delta_log", fmt.Sprintf("%020d.json", v)), at, at); err != nil {
			t.Fatal(err)
		}
	}
	for _, at := range []string{"FROM_UNIXTIME(1767225600.%d%s)", "ADDTIME('2026-01-01 02:00:00', '00:00:00.%d%s')", "FROM_UNIXTIME(1767225600) + INTERVAL %d%s000 MICROSECOND", "CONCAT('2026-01-01 02:00:00', '.%d%s')"} {
		for v := range 3 {
			l.want("SELECT COUNT(*) FROM t TIMESTAMP AS OF "+fmt.Sprintf(at, v, "00"), fmt.Sprint(v))
			l.want("SELECT COUNT(*) FROM t TIMESTAMP AS OF "+fmt.Sprintf(at, v, "99"), fmt.Sprint(v))
		}
	}
}
