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

// What begins and ends transactions does what it says, with every option.
func TestTransactionStatements(t *testing.T) {
	s := twoSessions(t)
	const count = "SELECT count(*) FROM f"
	s.ok(s.a, "CREATE TABLE f (id INT)", "CREATE TABLE g (id INT)")

	// DROP of several tables drops all or none.
	s.fails(s.a, 1051, "DROP TABLE f, nothing")
	s.one(s.a, count, "0")

	s.ok(s.a, "CREATE VIEW v AS SELECT 1 AS one")
	s.fails(s.a, 1051, "DROP VIEW v, nothing")
	s.fails(s.a, 1051, "DROP VIEW f")
	s.one(s.a, "SELECT one FROM v", "1")
	s.ok(s.a, "DROP VIEW IF EXISTS nothing, v")
	s.one(s.a, "SELECT @@warning_count", "1")
	s.fails(s.a, 1146, "SELECT one FROM v")

	// Switching autocommit on commits.
	s.ok(s.a, "SET autocommit = 0", "INSERT INTO f VALUES (1)")
	s.one(s.b, count, "0")
	s.ok(s.a, "SET autocommit = 1")
	s.one(s.b, count, "1")
	s.ok(s.a, "ROLLBACK")
	s.one(s.b, count, "1")
	s.ok(s.a, "BEGIN", "INSERT INTO f VALUES (2)", "SET autocommit = 1")
	s.one(s.b, count, "1") // it was on
	s.ok(s.a, "COMMIT")
	s.one(s.b, count, "2")

	// AND CHAIN begins the next one; AND NO CHAIN does not.
	s.ok(s.a, "BEGIN WORK", "INSERT INTO f VALUES (3)", "COMMIT AND CHAIN", "INSERT INTO f VALUES (4)")
	s.one(s.b, count, "3")
	s.ok(s.a, "ROLLBACK AND CHAIN", "INSERT INTO f VALUES (4)", "ROLLBACK WORK AND NO CHAIN NO RELEASE")
	s.one(s.b, count, "3")
	s.ok(s.a, "START TRANSACTION READ ONLY", "COMMIT AND CHAIN")
	s.fails(s.a, 1792, "INSERT INTO f VALUES (4)")
	s.ok(s.a, "COMMIT", "INSERT INTO f VALUES (4)")
	s.one(s.b, count, "4")
	s.fails(s.a, 1235, "COMMIT RELEASE")
	s.fails(s.a, 1064, "COMMIT AND")
	s.fails(s.a, 1064, "START TRANSACTION READ WRITE, READ ONLY")
	s.fails(s.a, 1064, "BEGIN f")

	// READ ONLY, for the session and for the next transaction.
	s.ok(s.a, "SET SESSION TRANSACTION READ ONLY")
	s.fails(s.a, 1792, "INSERT INTO f VALUES (5)")
	s.fails(s.a, 1792, "CREATE TABLE h (id INT)")
	s.ok(s.a, "BEGIN")
	s.fails(s.a, 1792, "DELETE FROM f")
	s.ok(s.a, "START TRANSACTION READ WRITE", "INSERT INTO f VALUES (5)", "COMMIT", "SET SESSION TRANSACTION READ WRITE", "INSERT INTO f VALUES (6)")
	s.one(s.b, count, "6")
	s.ok(s.a, "SET TRANSACTION READ ONLY", "START TRANSACTION")
	s.fails(s.a, 1792, "UPDATE f SET id = 0")
	s.fails(s.a, 1568, "SET TRANSACTION READ WRITE")
	s.ok(s.a, "COMMIT", "INSERT INTO f VALUES (7)")
	s.one(s.b, count, "7")

	// With autocommit = 0, too.
	s.ok(s.a, "SET autocommit = 0", "SET TRANSACTION READ ONLY", "SELECT id FROM f")
	s.fails(s.a, 1792, "DELETE FROM f")
	s.ok(s.a, "COMMIT", "SET SESSION TRANSACTION READ ONLY")
	s.fails(s.a, 1792, "DELETE FROM f")
	s.ok(s.a, "COMMIT", "SET SESSION TRANSACTION READ WRITE", "DELETE FROM f", "ROLLBACK", "SET autocommit = 1")
	s.one(s.b, count, "7")

	// DDL ends a transaction; the next one is as the session says now.
	s.ok(s.a, "BEGIN", "SET SESSION TRANSACTION READ ONLY", "CREATE TABLE h (id INT)")
	s.fails(s.a, 1792, "DELETE FROM f")
	s.ok(s.a, "SET SESSION TRANSACTION READ WRITE")

	// A savepoint of an old name replaces the old one.
	s.ok(s.a, "BEGIN", "SAVEPOINT p", "INSERT INTO f VALUES (8)", "SAVEPOINT q", "SAVEPOINT p", "INSERT INTO f VALUES (9)", "ROLLBACK TO p")
	s.one(s.a, count, "8")
	s.ok(s.a, "RELEASE SAVEPOINT p")
	s.fails(s.a, 1305, "ROLLBACK TO p")
	s.ok(s.a, "ROLLBACK TO SAVEPOINT q", "COMMIT")
	s.one(s.b, count, "8")

	// What failed or changed nothing does not make its table the one that is written.
	s.ok(s.a, "BEGIN", "SAVEPOINT p", "DELETE FROM f WHERE id = 99", "SAVEPOINT q")
	s.fails(s.a, 1136, "INSERT INTO f VALUES (1, 2)")
	s.ok(s.a, "INSERT INTO g VALUES (1)", "ROLLBACK TO q")
	s.one(s.a, "SELECT count(*) FROM g", "0")
	s.ok(s.a, "INSERT INTO g VALUES (1)")
	s.fails(s.a, 1235, "INSERT INTO f VALUES (10)")
	s.ok(s.a, "ROLLBACK TO p", "INSERT INTO f VALUES (10)", "COMMIT")
	s.one(s.b, "SELECT count(*) FROM g", "0")
	s.one(s.b, count, "9")

	// What a savepoint would bring back does.
	s.ok(s.a, "BEGIN", "INSERT INTO f VALUES (11)", "SAVEPOINT p", "DELETE FROM f WHERE id = 11")
	s.fails(s.a, 1235, "INSERT INTO g VALUES (1)")
	s.ok(s.a, "ROLLBACK TO p", "COMMIT")
	s.one(s.b, count, "10")
}

// The tables of the current database stay as they were at START TRANSACTION WITH CONSISTENT SNAPSHOT.
func TestConsistentSnapshot(t *testing.T) {
	s := twoSessions(t)
	s.ok(s.a, "CREATE TABLE f (id INT)", "CREATE DATABASE other", "CREATE TABLE other.f (id INT)", "START TRANSACTION READ ONLY, WITH CONSISTENT SNAPSHOT")
	s.ok(s.b, "INSERT INTO f VALUES (1)", "INSERT INTO other.f VALUES (1)")
	s.one(s.a, "SELECT count(*) FROM f", "0")
	s.one(s.a, "SELECT count(*) FROM other.f", "1")
	s.ok(s.a, "COMMIT")
	s.one(s.a, "SELECT count(*) FROM f", "1")
}
