package logictest

import (
	"database/sql"
	"testing"

	"github.com/featuresql/featuresql/engine"
)

// meanwhile runs slow, whose condition waits for the lock 'go' once it has the lock 'running', and others while it waits.
func meanwhile(t *testing.T, db *sql.DB, slow string, others ...string) uint16 {
	t.Helper()
	ctx := t.Context()
	holder, err := db.Conn(ctx)
	must(t, err)
	defer holder.Close()
	var n any
	must(t, holder.QueryRowContext(ctx, "SELECT get_lock('go', 0)").Scan(&n))
	writer, err := db.Conn(ctx)
	must(t, err)
	defer writer.Close()
	done := make(chan error, 1)
	go func() {
		_, err := writer.ExecContext(ctx, slow)
		done <- err
	}()
	for n = nil; n == nil && len(done) == 0; {
		must(t, holder.QueryRowContext(ctx, "SELECT is_used_lock('running')").Scan(&n))
	}
	for _, s := range others {
		_, err := holder.ExecContext(ctx, s)
		must(t, err)
	}
	must(t, holder.QueryRowContext(ctx, "SELECT release_lock('go')").Scan(&n))
	ended := code(t, <-done)
	var warnings int
	must(t, writer.QueryRowContext(ctx, "SELECT @@warning_count").Scan(&warnings))
	if warnings > 1 { // it has one cause at most
		t.Errorf("%s: %d warnings", slow, warnings)
	}
	must(t, writer.QueryRowContext(ctx, "SELECT release_all_locks()").Scan(&n))
	return ended
}

// waits is true, after a while; see meanwhile.
const waits = "get_lock('running', 9) + get_lock('go', 99) = 2"

// TestRedefinedMeanwhile: a statement that is executed again, as another one has changed the columns of its table, does not take others
// for those that it names: it fails, or does the same by their names.
func TestRedefinedMeanwhile(t *testing.T) {
	for _, c := range []struct {
		slow, ddl string
		code      uint16
		want      []string
	}{
		{"UPDATE c SET a = a + 1 WHERE b = 10 AND " + waits, "ALTER TABLE c ADD COLUMN z INT FIRST", 1213, []string{"1 10", "2 20"}},
		{"DELETE FROM c WHERE b IN (20, 1) AND " + waits, "ALTER TABLE c ADD COLUMN z INT FIRST", 1213, []string{"1 10", "2 20"}},
		{"INSERT INTO c SELECT a + 10, b FROM c WHERE " + waits, "ALTER TABLE c MODIFY COLUMN b INT FIRST", 1213, []string{"1 10", "2 20"}},
		{"MERGE INTO c USING (SELECT 1 AS k WHERE " + waits + ") s ON c.a = s.k WHEN MATCHED THEN UPDATE SET b = 11", "ALTER TABLE c ADD COLUMN z INT FIRST",
			1213, []string{"1 10", "2 20"}},
		{"INSERT INTO c (a, b) SELECT 3, 30 WHERE " + waits, "ALTER TABLE c ADD COLUMN z INT FIRST", 0, []string{"1 10", "2 20", "3 30"}},
		{"UPDATE c SET a = a + 1 WHERE b = 10 AND " + waits, "ALTER TABLE c SET TBLPROPERTIES ('own' = '1')", 0, []string{"2 10", "2 20"}},
	} {
		db := serve(t, engine.Options{})
		exec(t, db, "CREATE TABLE c (a INT, b INT)")
		exec(t, db, "INSERT INTO c VALUES (1, 10), (2, 20)")
		if got := meanwhile(t, db, c.slow, c.ddl); got != c.code {
			t.Errorf("%s: error %d, want %d", c.slow, got, c.code)
		}
		want(t, rowsOf(t, db, "SELECT a, b FROM c ORDER BY a, b"), c.want...)
	}
}

// TestReplacedByItself: CREATE OR REPLACE TABLE … AS SELECT from the table itself keeps the rows that others add meanwhile.
func TestReplacedByItself(t *testing.T) {
	db := serve(t, engine.Options{})
	exec(t, db, "CREATE TABLE c (a INT, b INT)")
	exec(t, db, "INSERT INTO c VALUES (1, 10), (2, 20)")
	if got := meanwhile(t, db, "CREATE OR REPLACE TABLE c AS SELECT a, b + 1 AS d FROM c WHERE "+waits, "INSERT INTO c VALUES (3, 30)"); got != 0 {
		t.Errorf("error %d", got)
	}
	want(t, rowsOf(t, db, "SELECT a, d FROM c ORDER BY a"), "1 11", "2 21", "3 31")
	if got := meanwhile(t, db, "CREATE OR REPLACE TABLE c AS SELECT a FROM c WHERE "+waits, "CREATE OR REPLACE TABLE c (d INT, a INT)"); got != 1213 {
		t.Errorf("error %d for columns that are others", got)
	}
}

// TestSidesAreReadAgain: a statement that is executed again reads the newest version by all sides of a set operation, too.
func TestSidesAreReadAgain(t *testing.T) {
	for _, c := range []struct {
		slow, other string
		want        []string
	}{
		{"CREATE OR REPLACE TABLE c AS SELECT a, b FROM c WHERE " + waits + " UNION ALL SELECT a + 10, b FROM c", "INSERT INTO c VALUES (3, 30)",
			[]string{"1 10", "2 20", "3 30", "11 10", "12 20", "13 30"}},
		{"INSERT INTO c SELECT max(a) + 1, 0 FROM c WHERE " + waits + " UNION ALL SELECT 100, max(a) FROM c", "UPDATE c SET a = 50 WHERE a = 2",
			[]string{"1 10", "50 20", "51 0", "100 50"}},
		{"MERGE INTO c USING (SELECT 2 AS k, max(a) AS m FROM c WHERE " + waits + " UNION SELECT 1, max(a) FROM c) s ON c.b = s.k * 10 WHEN MATCHED THEN UPDATE SET a = s.m + s.k",
			"UPDATE c SET a = 50 WHERE a = 2", []string{"51 10", "52 20"}},
		{"DELETE FROM c WHERE a IN (SELECT max(a) FROM c WHERE " + waits + " UNION SELECT min(a) FROM c)", "UPDATE c SET a = -a",
			nil},
	} {
		db := serve(t, engine.Options{})
		exec(t, db, "CREATE TABLE c (a INT, b INT)")
		exec(t, db, "INSERT INTO c VALUES (1, 10), (2, 20)")
		if got := meanwhile(t, db, c.slow, c.other); got != 0 {
			t.Errorf("%s: error %d", c.slow, got)
		}
		want(t, rowsOf(t, db, "SELECT a, b FROM c ORDER BY a, b"), c.want...)
	}
}

// TestWarningsOnce: a statement that is executed again warns as if it had been executed once, see meanwhile.
func TestWarningsOnce(t *testing.T) {
	db := serve(t, engine.Options{})
	exec(t, db, "CREATE TABLE c (a INT PRIMARY KEY, b INT)")
	exec(t, db, "INSERT INTO c VALUES (1, 10), (2, 20)")
	if got := meanwhile(t, db, "INSERT IGNORE INTO c SELECT a, 5 FROM c WHERE "+waits+" UNION ALL SELECT 9, 9", "UPDATE c SET b = 11 WHERE a = 1"); got != 0 {
		t.Errorf("error %d", got)
	}
	want(t, rowsOf(t, db, "SELECT a, b FROM c ORDER BY a"), "1 11", "2 20", "9 9")
}
