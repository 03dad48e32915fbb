package logictest

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/featuresql/featuresql/engine"
)

// sessions are connections of one server.
type sessions struct {
	t         *testing.T
	a, b      *sql.Conn
	warehouse string
}

func twoSessions(t *testing.T) sessions {
	t.Helper()
	s := sessions{t: t, warehouse: t.TempDir()}
	db := serve(t, engine.Options{Warehouse: s.warehouse, MaxAttempts: 1})
	for _, c := range []**sql.Conn{&s.a, &s.b} {
		var err error
		if *c, err = db.Conn(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = (*c).Close() })
	}
	return s
}

// ok runs statements that must succeed.
func (s sessions) ok(c *sql.Conn, statements ...string) {
	s.t.Helper()
	for _, text := range statements {
		if _, err := c.ExecContext(s.t.Context(), text); err != nil {
			s.t.Fatalf("%s: %v", text, err)
		}
	}
}

// fails runs a statement that must fail with a code.
func (s sessions) fails(c *sql.Conn, code uint16, text string) {
	s.t.Helper()
	_, err := c.ExecContext(s.t.Context(), text)
	var my *mysql.MySQLError
	if !errors.As(err, &my) || my.Number != code {
		s.t.Fatalf("%s: %v, want error %d", text, err, code)
	}
}

// one compares the single value of a query.
func (s sessions) one(c *sql.Conn, query, want string) {
	s.t.Helper()
	var got sql.NullString
	if err := c.QueryRowContext(s.t.Context(), query).Scan(&got); err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
	if got.String != want {
		s.t.Errorf("%s: %q, want %q", query, got.String, want)
	}
}

// A COMMIT that fails ends the transaction: what follows commits by itself.
func TestFailedCommitEndsTheTransaction(t *testing.T) {
	s := twoSessions(t)
	s.ok(s.a, "CREATE TABLE f (id INT, v INT)", "INSERT INTO f VALUES (1, 1)", "CREATE TABLE g (id INT)", "BEGIN", "UPDATE f SET v = 2")
	s.ok(s.b, "UPDATE f SET v = 3")
	s.fails(s.a, 1213, "COMMIT")
	s.ok(s.a, "INSERT INTO g VALUES (42)")
	s.one(s.b, "SELECT id FROM g", "42")
	s.one(s.b, "SELECT v FROM f", "3")
}

// A transaction never puts a version into a table that was dropped, or made anew, since it began.
func TestCommitAfterDrop(t *testing.T) {
	s := twoSessions(t)
	s.ok(s.a, "CREATE TABLE d (id INT)", "INSERT INTO d VALUES (1)", "BEGIN", "INSERT INTO d VALUES (2)")
	s.ok(s.b, "DROP TABLE d")
	s.fails(s.a, 1213, "COMMIT")
	s.ok(s.b, "CREATE TABLE d (name VARCHAR(10))")
	s.ok(s.a, "BEGIN", "INSERT INTO d VALUES ('a')")
	s.ok(s.b, "DROP TABLE d", "CREATE TABLE d (id INT)", "INSERT INTO d VALUES (9)")
	s.fails(s.a, 1213, "COMMIT")
	s.one(s.a, "SELECT id FROM d", "9")
	s.ok(s.b, "INSERT INTO d VALUES (10)")
	s.one(s.a, "SELECT COUNT(*) FROM d", "2")
}

// DDL commits what the transaction did before, and itself.
func TestImplicitCommit(t *testing.T) {
	s := twoSessions(t)
	s.ok(s.a, "CREATE TABLE t (id INT)")
	for _, ddl := range []string{"CREATE TABLE u (id INT)", "ALTER TABLE t ADD COLUMN a INT", "DROP TABLE u", "CREATE VIEW v AS SELECT 1 AS x",
		"DROP VIEW v", "CREATE DATABASE d", "DROP DATABASE d", "ALTER TABLE t ADD CONSTRAINT c CHECK (id < 100)"} {
		s.ok(s.a, "BEGIN", "INSERT INTO t (id) VALUES (1)", ddl, "ROLLBACK")
	}
	s.one(s.b, "SELECT COUNT(*) FROM t", "8")
	s.ok(s.a, "BEGIN", "ALTER TABLE t ADD COLUMN b INT", "ALTER TABLE t ADD COLUMN c INT", "INSERT INTO t VALUES (2, 3, 4, 5)", "COMMIT")
	s.one(s.b, "SELECT a + b + c FROM t WHERE id = 2", "12")
	s.ok(s.a, "BEGIN", "INSERT INTO t (id) VALUES (3)", "TRUNCATE TABLE t", "ROLLBACK")
	s.one(s.b, "SELECT COUNT(*) FROM t", "0")
	s.ok(s.a, "SET autocommit = 0", "INSERT INTO t (id) VALUES (4)", "CREATE TABLE w (id INT)", "ROLLBACK")
	s.one(s.b, "SELECT id FROM t", "4")
	s.one(s.b, "SELECT COUNT(*) FROM w", "0")
}

func TestReadOnlyTransactions(t *testing.T) {
	s := twoSessions(t)
	s.ok(s.a, "CREATE TABLE t (id INT)", "START TRANSACTION READ ONLY")
	s.fails(s.a, 1792, "INSERT INTO t VALUES (1)")
	s.fails(s.a, 1792, "ALTER TABLE t ADD COLUMN a INT")
	s.ok(s.a, "COMMIT", "INSERT INTO t VALUES (1)")
	s.one(s.b, "SELECT COUNT(*) FROM t", "1")
}

// Under Serializable, of two transactions whose reads the other's writes would change, one fails.
func TestSerializableReads(t *testing.T) {
	for name, tc := range map[string]struct{ a, b []string }{
		"insert from itself": {[]string{"INSERT INTO t SELECT MAX(id) + 1, 0 FROM t"}, []string{"INSERT INTO t SELECT MAX(id) + 1, 0 FROM t"}},
		"count from the log": {[]string{"INSERT INTO t SELECT COUNT(*), 0 FROM t"}, []string{"INSERT INTO t SELECT COUNT(*), 0 FROM t"}},
		"subquery": {[]string{"UPDATE t SET v = (SELECT SUM(v) FROM t) WHERE id = 1"},
			[]string{"UPDATE t SET v = (SELECT SUM(v) FROM t) WHERE id = 2"}},
		"correlated subquery": {[]string{"UPDATE t SET v = (SELECT SUM(v) FROM t x WHERE x.id <> t.id) WHERE id = 1"},
			[]string{"UPDATE t SET v = (SELECT SUM(v) FROM t x WHERE x.id <> t.id) WHERE id = 2"}},
		"select before": {[]string{"SELECT SUM(v) FROM t", "UPDATE t SET v = 5 WHERE id = 1"}, []string{"SELECT SUM(v) FROM t", "UPDATE t SET v = 6 WHERE id = 2"}},
		"select after":  {[]string{"UPDATE t SET v = 5 WHERE id = 1", "SELECT SUM(v) FROM t"}, []string{"UPDATE t SET v = 6 WHERE id = 2", "SELECT SUM(v) FROM t"}},
		"merge source": {[]string{"MERGE INTO t USING (SELECT MAX(id) + 1 AS id FROM t) s ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id, v) VALUES (s.id, 0)"},
			[]string{"MERGE INTO t USING (SELECT MAX(id) + 1 AS id FROM t) s ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id, v) VALUES (s.id, 0)"}},
		"savepoint": {[]string{"SAVEPOINT p", "SELECT SUM(v) FROM t", "UPDATE t SET v = 9 WHERE id = 1", "ROLLBACK TO p", "UPDATE t SET v = 5 WHERE id = 1"},
			[]string{"SELECT SUM(v) FROM t", "UPDATE t SET v = 6 WHERE id = 2"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := twoSessions(t)
			s.ok(s.a, "CREATE TABLE t (id INT, v INT) TBLPROPERTIES ('delta.isolationLevel' = 'Serializable', 'delta.enableDeletionVectors' = 'true')",
				"INSERT INTO t VALUES (1, 10), (2, 20)", "BEGIN")
			s.ok(s.b, "BEGIN")
			s.ok(s.a, tc.a...)
			s.ok(s.b, tc.b...)
			s.ok(s.a, "COMMIT")
			s.fails(s.b, 1213, "COMMIT")
		})
	}
}

// Under the default level plain SELECTs of a transaction do not stand in the way of others.
func TestWriteSerializableReads(t *testing.T) {
	s := twoSessions(t)
	s.ok(s.a, "CREATE TABLE t (id INT, v INT) TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')", "INSERT INTO t VALUES (1, 10), (2, 20)",
		"BEGIN", "SELECT SUM(v) FROM t", "INSERT INTO t VALUES (3, 30)")
	s.ok(s.b, "UPDATE t SET v = 21 WHERE id = 2")
	s.ok(s.a, "COMMIT")
	s.one(s.b, "SELECT SUM(v) FROM t", "61")
}

// What a transaction staged is deleted with it.
func TestNothingStaysOfATransaction(t *testing.T) {
	s := twoSessions(t)
	s.ok(s.a, "CREATE TABLE t (id INT)", "BEGIN", "INSERT INTO t VALUES (1)", "ROLLBACK", "BEGIN", "SAVEPOINT p", "INSERT INTO t VALUES (1)", "ROLLBACK TO p", "COMMIT")
	s.ok(s.b, "BEGIN", "INSERT INTO t VALUES (2)")
	if err := s.b.Raw(func(any) error { return context.Canceled }); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	s.ok(s.b, "ROLLBACK")
	files, err := filepath.Glob(filepath.Join(s.warehouse, "t", "*.parquet"))
	if err != nil || len(files) != 0 {
		t.Errorf("%v, %v", files, err)
	}
	if _, err := os.Stat(filepath.Join(s.warehouse, "t", "_delta_log", "00000000000000000001.json")); !os.IsNotExist(err) {
		t.Errorf("something was committed: %v", err)
	}
}

// A view is read by its full name without a current database, and from another one.
func TestViewsByFullName(t *testing.T) {
	db := serve(t, engine.Options{})
	for _, text := range []string{"CREATE DATABASE a", "CREATE TABLE a.t (id INT)", "INSERT INTO a.t VALUES (1)", "CREATE VIEW a.v AS SELECT id FROM a.t"} {
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s := sessions{t: t}
	s.ok(c, "USE a", "CREATE VIEW w AS SELECT id FROM t", "CREATE DATABASE b", "USE b", "DROP DATABASE b")
	s.one(c, "SELECT id FROM a.v", "1")
	s.one(c, "SELECT id FROM a.w", "1")
}
