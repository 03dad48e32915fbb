package logictest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/featuresql/featuresql/engine"
)

// TestInCommitTimestamps: on a table with in-commit timestamps every commit of every kind says a time later than the one before, also where the
// clock has run back, and AS OF TIMESTAMP goes by them, from the version on since which the table has them, and by the times of files before.
func TestInCommitTimestamps(t *testing.T) {
	warehouse := t.TempDir()
	dir := filepath.Join(warehouse, "t")
	db := serve(t, engine.Options{Warehouse: warehouse})
	const properties = "TBLPROPERTIES ('delta.enableDeletionVectors' = 'true', 'delta.enableInCommitTimestamps' = 'true', 'delta.checkpointInterval' = '3')"
	exec(t, db, "CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	exec(t, db, "INSERT INTO t VALUES (0, 0)")
	old := time.Now().Add(-time.Hour).Truncate(time.Second)
	for v := range 2 {
		at := old.Add(time.Duration(v) * time.Minute)
		must(t, os.Chtimes(commit(dir, strconv.Itoa(v)), at, at))
	}
	exec(t, db, "ALTER TABLE t SET "+properties)
	since := len(rowsOf(t, db, "DESCRIBE HISTORY t")) - 1
	exec(t, db, "INSERT INTO t VALUES (1, 1)")
	// The clock was an hour ahead when the newest commit was written.
	ahead := time.Now().Add(time.Hour).UnixMilli()
	path := commit(dir, strconv.Itoa(since+1))
	b, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, regexp.MustCompile(`"inCommitTimestamp":\d+`).ReplaceAll(b, []byte(`"inCommitTimestamp":`+strconv.FormatInt(ahead, 10))), 0o644))
	db = serve(t, engine.Options{Warehouse: warehouse})
	other := serve(t, engine.Options{Warehouse: warehouse})
	writeTogether(t, db)
	writeTogether(t, other)
	exec(t, db, "ALTER TABLE t ADD COLUMN x INT")
	exec(t, db, "TRUNCATE TABLE t")
	exec(t, db, "CREATE OR REPLACE TABLE t (id INT, w INT) "+properties)
	exec(t, db, "INSERT INTO t VALUES (7, 7)")
	last := len(rowsOf(t, db, "DESCRIBE HISTORY t")) - 1

	times := saidTimes(t, dir, since, last, ahead, old)
	db = serve(t, engine.Options{Warehouse: warehouse})
	asOf := func(ms int64, want int) {
		t.Helper()
		at := time.UnixMilli(ms).UTC().Format("'2006-01-02 15:04:05.000 UTC'")
		got := rowsOf(t, db, "SELECT * FROM t AS OF TIMESTAMP "+at+" ORDER BY 1")
		is := rowsOf(t, db, fmt.Sprintf("SELECT * FROM t AS OF VERSION %d ORDER BY 1", want))
		if fmt.Sprint(got) != fmt.Sprint(is) {
			t.Errorf("at %d: %v, but version %d has %v", ms, got, want, is)
		}
	}
	asOf(old.UnixMilli(), 0)
	asOf(old.UnixMilli()+59_999, 0)
	asOf(old.UnixMilli()+60_000, 1)
	asOf(times[since]-1, 1)
	for v := since; v < last; v++ {
		asOf(times[v], v)
		asOf(times[v+1]-1, v)
	}
	asOf(times[last]+1, last)
	_, err = db.ExecContext(t.Context(), "SELECT * FROM t AS OF TIMESTAMP "+time.UnixMilli(old.UnixMilli()-1).UTC().Format("'2006-01-02 15:04:05.000 UTC'"))
	if code(t, err) == 0 {
		t.Error("a time before all versions was read")
	}
}

// saidTimes returns the in-commit timestamps of versions since to last, of which all but the first are later than the one before and not before ahead. It
// gives all their files the same time, as a copy of the table may have.
func saidTimes(t *testing.T, dir string, since, last int, ahead int64, files time.Time) map[int]int64 {
	t.Helper()
	times := map[int]int64{}
	for v := since; v <= last; v++ {
		b, err := os.ReadFile(commit(dir, strconv.Itoa(v)))
		must(t, err)
		m := regexp.MustCompile(`^\{"commitInfo":.*"inCommitTimestamp":(\d+)`).FindStringSubmatch(strings.SplitN(string(b), "\n", 2)[0])
		if m == nil {
			t.Fatalf("version %d does not begin with its timestamp:\n%.300s", v, b)
		}
		times[v], _ = strconv.ParseInt(m[1], 10, 64)
		if v > since && times[v] <= times[v-1] || v > since && times[v] < ahead {
			t.Errorf("version %d: %d after %d", v, times[v], times[v-1])
		}
		must(t, os.Chtimes(commit(dir, strconv.Itoa(v)), files, files))
	}
	return times
}

// writeTogether writes the table of TestInCommitTimestamps on several connections at once, and leaves its rows as they were.
func writeTogether(t *testing.T, db *sql.DB) {
	t.Helper()
	together(t, db, 6, func(c *sql.Conn, i int) {
		for r := range 3 {
			id := strconv.Itoa(10 + i*10 + r)
			for _, st := range []string{"REPLACE INTO t VALUES (" + id + ", 1)", "UPDATE t SET v = v + 1 WHERE id = " + id, "DELETE FROM t WHERE id = " + id} {
				for {
					_, err := c.ExecContext(context.Background(), st)
					if code(t, err) != 1213 {
						noError(t, err)
						break
					}
				}
			}
		}
	})
}
