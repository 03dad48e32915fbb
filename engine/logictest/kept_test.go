package logictest

import (
	"database/sql"
	"fmt"
	"testing"

	"github.com/featuresql/featuresql/engine"
)

// kept runs a query three times, the last time from a kept plan, and compares each time.
func kept(t *testing.T, e *engine.Engine, db *sql.DB, query string, args []any, rows ...string) {
	t.Helper()
	for range 2 {
		want(t, rowsOf(t, db, query, args...), rows...)
	}
	before := e.Runtime().PlanCacheHits()
	want(t, rowsOf(t, db, query, args...), rows...)
	if e.Runtime().PlanCacheHits() == before {
		t.Errorf("%s %v: not run from a kept plan", query, args)
	}
}

func TestKeptPlans(t *testing.T) {
	e, db := serveEngine(t, engine.Options{})
	db.SetMaxOpenConns(1)
	exec := func(text string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	exec("CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(20), d DATE, x DECIMAL(10,2))")
	exec("INSERT INTO t VALUES (1,'a','2026-01-01',1.50),(2,'b','2026-01-02',2.50),(3,NULL,NULL,NULL)")
	one := []any{int64(2)}
	byID := "SELECT name FROM t WHERE id = ?"
	kept(t, e, db, byID, one, "b")
	kept(t, e, db, byID, []any{int64(3)}, "NULL")
	kept(t, e, db, byID, []any{int64(1) << 40}) // out of the column's range
	kept(t, e, db, byID, []any{"2"}, "b")       // a plan of its own: the parameter is a string
	kept(t, e, db, "SELECT id FROM t WHERE d = ?", []any{"2026-01-02"}, "2")
	kept(t, e, db, "SELECT id FROM t WHERE name LIKE ?", []any{"b%"}, "2")
	kept(t, e, db, "SELECT id FROM t WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 2", []any{int64(1), int64(3)}, "3", "2")
	kept(t, e, db, "SELECT id FROM t WHERE id IN (?, ?) AND NOT name = ?", []any{int64(1), int64(2), "a"}, "2")
	kept(t, e, db, "SELECT SUM(x), COUNT(*) FROM t WHERE x > ?", []any{int64(1)}, "4.00 2")
	kept(t, e, db, "SELECT a.id, b.name FROM t a JOIN t b ON a.id = b.id + 1 WHERE a.id > ? ORDER BY 1", []any{int64(1)}, "2 a", "3 b")

	// In a text, the constants of WHERE are parameters, too.
	kept(t, e, db, "SELECT name FROM t WHERE id = 1 AND name = 'a'", nil, "a")
	before := e.Runtime().PlanCacheHits()
	want(t, rowsOf(t, db, "SELECT name FROM t WHERE id = 2 AND name = 'b'"), "b")
	want(t, rowsOf(t, db, "SELECT name FROM t WHERE id = -2 AND name = 'b'"))
	if n := e.Runtime().PlanCacheHits() - before; n != 2 {
		t.Errorf("%d of 2 statements ran from the kept plan of a third", n)
	}
	kept(t, e, db, "SELECT id = 1 FROM t WHERE d = DATE '2026-01-01'", nil, "1")
	kept(t, e, db, "SELECT id FROM t WHERE id - 1 = 1", nil, "2") // not a comparison of the constant: kept as it is
	want(t, rowsOf(t, db, "SELECT id FROM t WHERE id - 2 = 1"), "3")

	for _, c := range []struct{ n, rows int }{{2, 3}, {2, 3}, {3, 0}, {2, 3}} { // subqueries in one another
		query := fmt.Sprintf("SELECT id FROM t WHERE (SELECT COUNT(*) FROM (SELECT (SELECT COUNT(*) FROM t AS u WHERE t.id > 1) AS x FROM t) AS y) > %d", c.n)
		if got := rowsOf(t, db, query); len(got) != c.rows {
			t.Errorf("%s: %d rows", query, len(got))
		}
	}

	exec("UPDATE t SET name = 'c' WHERE id = 2")
	kept(t, e, db, byID, one, "c")
	exec("ALTER TABLE t ADD COLUMN more INT")
	kept(t, e, db, "SELECT * FROM t WHERE id = ?", one, "2 c 2026-01-02 2.50 NULL")
	exec("ALTER TABLE t ADD COLUMN again INT")
	kept(t, e, db, "SELECT * FROM t WHERE id = ?", one, "2 c 2026-01-02 2.50 NULL NULL")
	exec("DROP TABLE t")
	if _, err := db.QueryContext(t.Context(), byID, one...); err == nil {
		t.Error("a dropped table was read from a kept plan")
	}
	exec("CREATE TABLE t (name VARCHAR(20), id BIGINT)")
	exec("INSERT INTO t VALUES ('new', 2)")
	kept(t, e, db, byID, one, "new")
	exec("BEGIN")
	exec("INSERT INTO t VALUES ('own', 7)")
	kept(t, e, db, byID, []any{int64(7)}, "own")
	exec("ROLLBACK")
	kept(t, e, db, byID, []any{int64(7)})
}

// Plans that depend on more than the text and the tables are not kept, or are kept apart.
func TestPlansThatAreNotKept(t *testing.T) {
	e, db := serveEngine(t, engine.Options{})
	db.SetMaxOpenConns(1)
	exec := func(text string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	exec("CREATE TABLE t (id INT, at TIMESTAMP)")
	exec("SET time_zone = '+00:00'")
	exec("INSERT INTO t VALUES (1,'2026-01-01 00:00:00'),(2,'2026-01-02 00:00:00')")
	exec("CREATE VIEW v AS SELECT id FROM t WHERE id = 1")
	kept(t, e, db, "SELECT at FROM t WHERE id = ?", []any{int64(1)}, "2026-01-01 00:00:00.000000")
	kept(t, e, db, "SELECT id FROM t WHERE at = ?", []any{"2026-01-02 00:00:00"}, "2")
	exec("SET time_zone = '+02:00'")
	kept(t, e, db, "SELECT at FROM t WHERE id = ?", []any{int64(1)}, "2026-01-01 02:00:00.000000")
	kept(t, e, db, "SELECT id FROM t WHERE at = ?", []any{"2026-01-02 02:00:00"}, "2")
	exec("SET @n = 1")
	before := e.Runtime().PlanCacheHits()
	for i := range 4 {
		exec(fmt.Sprintf("SET @n = %d", i%2+1))
		want(t, rowsOf(t, db, "SELECT id FROM t WHERE id = @n"), fmt.Sprint(i%2+1))
		want(t, rowsOf(t, db, "SELECT id FROM t ORDER BY id LIMIT ?", int64(i%2+1)), []string{"1", "2"}[:i%2+1]...)
		want(t, rowsOf(t, db, "SELECT COUNT(*) FROM t VERSION AS OF ?", int64(i%2)), []string{"0", "2"}[i%2])
		want(t, rowsOf(t, db, "SELECT ROUND(2.555, ?) FROM t LIMIT 1", int64(i%2)), []string{"3", "2.6"}[i%2])
		exec(fmt.Sprintf("CREATE OR REPLACE VIEW v AS SELECT id FROM t WHERE id = %d", i%2+1))
		want(t, rowsOf(t, db, "SELECT id FROM v"), fmt.Sprint(i%2+1))
		exec(fmt.Sprintf("SET featuresql_as_of = '%s'", []string{"", "0"}[i%2]))
		want(t, rowsOf(t, db, fmt.Sprintf("SELECT COUNT(*) FROM t WHERE id > -%d.5", i)), []string{"2", "0"}[i%2])
		exec("SET featuresql_as_of = ''")
	}
	if n := e.Runtime().PlanCacheHits() - before; n != 0 {
		t.Errorf("%d plans were kept", n)
	}
}
