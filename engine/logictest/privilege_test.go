package logictest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/featuresql/featuresql/engine"
)

// secured is a server with tables, and a client of root.
type secured struct {
	t    *testing.T
	e    *engine.Engine
	root *sql.DB
	addr string
	dir  string
}

func newSecured(t *testing.T) *secured {
	t.Helper()
	dir := t.TempDir()
	e, root, addr := serveAt(t, engine.Options{Warehouse: dir})
	s := &secured{t: t, e: e, root: root, addr: addr, dir: dir}
	s.exec(root, `CREATE DATABASE fraud`, `CREATE DATABASE other`,
		`CREATE TABLE fraud.labels (id BIGINT PRIMARY KEY, ts TIMESTAMP, y INT)`,
		`CREATE TABLE fraud.features (id BIGINT, ts TIMESTAMP, v DOUBLE)`,
		`CREATE TABLE other.deep (id BIGINT, v INT)`,
		`INSERT INTO fraud.labels VALUES (1, '2026-01-02', 1), (2, '2026-01-03', 0)`,
		`INSERT INTO fraud.features VALUES (1, '2026-01-01', 0.5)`,
		`INSERT INTO other.deep VALUES (1, 2)`,
		`CREATE VIEW fraud.seen AS SELECT id, y FROM fraud.labels`,
		`ALTER USER root@localhost IDENTIFIED WITH mysql_native_password BY 'rootpw'`)
	s.root = s.open("root", "rootpw", "default")
	return s
}

func (s *secured) open(user, password, database string) *sql.DB {
	s.t.Helper()
	db, err := sql.Open("mysql", fmt.Sprintf("%s:%s@tcp(%s)/%s", user, password, s.addr, database))
	if err != nil {
		s.t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	s.t.Cleanup(func() { _ = db.Close() })
	return db
}

func (s *secured) exec(db *sql.DB, statements ...string) {
	s.t.Helper()
	for _, st := range statements {
		if _, err := db.ExecContext(s.t.Context(), st); err != nil {
			s.t.Fatalf("%s: %v", st, err)
		}
	}
}

// run runs a statement and returns MySQL's code, 0 for success.
func run(ctx context.Context, db *sql.DB, st string, args ...any) (int, string) {
	rows, err := db.QueryContext(ctx, st, args...)
	if err == nil {
		for rows.Next() {
		}
		err = rows.Err()
		_ = rows.Close()
	}
	var e *mysql.MySQLError
	switch {
	case err == nil:
		return 0, ""
	case errors.As(err, &e):
		return int(e.Number), e.Message
	}
	return -1, err.Error()
}

// privilegeCases are statements with all that they need, as GRANT spells it, and the code with which each one missing is
// refused. The statements are made harmless by running them with nothing missing last.
var privilegeCases = []struct {
	statement string
	needs     []string
	code      int
}{
	{`SELECT * FROM fraud.labels`, []string{`SELECT ON fraud.labels`}, 1142},
	{`SELECT y FROM fraud.labels`, []string{`SELECT (y) ON fraud.labels`}, 1142},
	{`SELECT count(*) FROM fraud.labels AS OF VERSION 0`, []string{`SELECT ON fraud.labels`}, 1142},
	{`SELECT count(*) FROM fraud.labels@v1`, []string{`SELECT ON fraud.labels`}, 1142},
	{"SELECT count(*) FROM `fraud@2099-01-01`.labels", []string{`SELECT ON fraud.labels`}, 1142},
	{"SELECT * FROM delta.`fraud/labels`", []string{`SELECT ON fraud.labels`}, 1142},
	{`SELECT l.id, f.v FROM fraud.labels l ASOF LEFT JOIN fraud.features f ON l.id = f.id AND l.ts >= f.ts`,
		[]string{`SELECT ON fraud.labels`, `SELECT ON fraud.features`}, 1142},
	{`SELECT 1 WHERE EXISTS (SELECT 1 FROM fraud.labels)`, []string{`SELECT ON fraud.labels`}, 1142},
	{`SELECT (SELECT max(y) FROM fraud.labels) + 1`, []string{`SELECT ON fraud.labels`}, 1142},
	{`WITH c AS (SELECT * FROM fraud.labels) SELECT * FROM c`, []string{`SELECT ON fraud.labels`}, 1142},
	{`WITH fraud AS (SELECT 1 AS x) SELECT * FROM fraud.labels`, []string{`SELECT ON fraud.labels`}, 1142},
	{`WITH labels AS (SELECT 1 AS id) SELECT * FROM labels UNION ALL SELECT id FROM fraud.features`, []string{`SELECT ON fraud.features`}, 1142},
	{`SELECT id FROM fraud.labels UNION SELECT id FROM fraud.features`, []string{`SELECT ON fraud.labels`, `SELECT ON fraud.features`}, 1142},
	{`SELECT sum(y) OVER (PARTITION BY id) FROM fraud.labels`, []string{`SELECT ON fraud.labels`}, 1142},
	{`SELECT * FROM fraud.seen`, []string{`SELECT ON fraud.seen`}, 1142},
	{`EXPLAIN SELECT * FROM fraud.labels`, []string{`SELECT ON fraud.labels`}, 1142},
	{`EXPLAIN ANALYZE SELECT * FROM fraud.labels`, []string{`SELECT ON fraud.labels`}, 1142},
	{`EXPLAIN DELETE FROM fraud.labels`, []string{`DELETE ON fraud.labels`}, 1142},
	{`DESCRIBE HISTORY fraud.labels`, []string{`SELECT ON fraud.labels`}, 1142},
	{`DESCRIBE DETAIL fraud.labels`, []string{`SELECT ON fraud.labels`}, 1142},
	{`SHOW CREATE TABLE fraud.labels`, []string{`SELECT ON fraud.labels`}, 1142},
	{`SHOW COLUMNS FROM fraud.labels`, []string{`INSERT ON fraud.labels`}, 1142},
	{`DESCRIBE fraud.labels`, []string{`INSERT ON fraud.labels`}, 1142},
	{`SHOW INDEX FROM fraud.labels`, []string{`SELECT ON fraud.labels`}, 1142},
	{`SHOW CREATE VIEW fraud.seen`, []string{`SELECT ON fraud.seen`, `SHOW VIEW ON fraud.seen`}, 1142},
	{`INSERT INTO fraud.labels VALUES (3, NULL, 1)`, []string{`INSERT ON fraud.labels`}, 1142},
	{`INSERT INTO fraud.labels (id) VALUES (4)`, []string{`INSERT (id) ON fraud.labels`}, 1142},
	{`INSERT INTO fraud.features SELECT id, ts, 1 FROM fraud.labels`, []string{`INSERT ON fraud.features`, `SELECT ON fraud.labels`}, 1142},
	{`INSERT INTO fraud.labels VALUES (3, NULL, 1) ON DUPLICATE KEY UPDATE y = 2`, []string{`INSERT ON fraud.labels`, `UPDATE ON fraud.labels`}, 1142},
	{`REPLACE INTO fraud.labels VALUES (3, NULL, 0)`, []string{`INSERT ON fraud.labels`, `DELETE ON fraud.labels`}, 1142},
	{`UPDATE fraud.labels SET y = 1`, []string{`UPDATE ON fraud.labels`}, 1142},
	{`UPDATE fraud.labels SET y = 1 WHERE id = 1`, []string{`UPDATE (y) ON fraud.labels`, `SELECT (id) ON fraud.labels`}, 0},
	{`UPDATE fraud.labels SET y = (SELECT max(v) FROM other.deep)`, []string{`UPDATE ON fraud.labels`, `SELECT ON other.deep`}, 1142},
	{`DELETE FROM fraud.labels WHERE id = 4`, []string{`DELETE ON fraud.labels`, `SELECT (id) ON fraud.labels`}, 0},
	{`MERGE INTO fraud.labels t USING other.deep s ON t.id = s.id WHEN MATCHED THEN UPDATE SET y = s.v WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id) WHEN NOT MATCHED BY SOURCE AND t.id = 99 THEN DELETE`,
		[]string{`SELECT ON fraud.labels`, `SELECT ON other.deep`, `UPDATE ON fraud.labels`, `INSERT ON fraud.labels`, `DELETE ON fraud.labels`}, 1142},
	{`CREATE TABLE fraud.made (id INT)`, []string{`CREATE ON fraud.*`}, 1142},
	{`CREATE OR REPLACE TABLE fraud.made (id INT)`, []string{`CREATE ON fraud.made`, `DROP ON fraud.made`}, 1142},
	{`CREATE TABLE fraud.copied AS SELECT * FROM other.deep`, []string{`CREATE ON fraud.*`, `INSERT ON fraud.*`, `SELECT ON other.deep`}, 1142},
	{`CREATE TABLE fraud.liked LIKE other.deep`, []string{`CREATE ON fraud.*`, `SELECT ON other.deep`}, 1142},
	{`CREATE TABLE fraud.linked LOCATION 'other/deep'`, []string{`CREATE ON fraud.*`, `CREATE ON other.deep`, `SELECT ON other.deep`}, 1142},
	{`TRUNCATE TABLE fraud.made`, []string{`DROP ON fraud.made`}, 1142},
	{`ALTER TABLE fraud.made ADD COLUMN x INT`, []string{`ALTER ON fraud.made`}, 1142},
	{`ALTER TABLE fraud.made RENAME TO fraud.made2`, []string{`ALTER ON fraud.made`, `DROP ON fraud.made`, `CREATE ON fraud.made2`}, 1142},
	{`DROP TABLE fraud.made2`, []string{`DROP ON fraud.made2`}, 1142},
	{`CREATE VIEW fraud.v2 AS SELECT id FROM fraud.labels`, []string{`CREATE VIEW ON fraud.*`, `SELECT ON fraud.labels`}, 1142},
	{`DROP VIEW fraud.v2`, []string{`DROP ON fraud.v2`}, 1142},
	{`USE fraud`, []string{`SELECT ON fraud.labels`}, 1044},
	{`SHOW TABLES FROM fraud`, []string{`SELECT ON fraud.labels`}, 1044},
	{`CREATE DATABASE extra`, []string{`CREATE ON *.*`}, 1044},
	{`DROP DATABASE extra`, []string{`DROP ON *.*`}, 1044},
	{`FLUSH PRIVILEGES`, []string{`RELOAD ON *.*`}, 1227},
	{`SET GLOBAL max_connections = 100`, []string{`SUPER ON *.*`}, 1227},
	{`CREATE USER x1`, []string{`CREATE USER ON *.*`}, 1227},
	{`ALTER USER x1 IDENTIFIED BY 'y'`, []string{`CREATE USER ON *.*`}, 1227},
	{`RENAME USER x1 TO x2`, []string{`CREATE USER ON *.*`}, 1227},
	{`CREATE ROLE r1`, []string{`CREATE ROLE ON *.*`}, 1227},
	{`SHOW GRANTS FOR x2`, []string{`SUPER ON *.*`}, 1227},
	{`GRANT r1 TO x2`, []string{`SUPER ON *.*`}, 1227},
	{`DROP ROLE r1`, []string{`DROP ROLE ON *.*`}, 1227},
	{`DROP USER x2`, []string{`CREATE USER ON *.*`}, 1227},
	{`KILL 4000000`, []string{`SUPER ON *.*`}, 1227},
}

// TestPrivileges runs every statement with each of the privileges that it needs missing, and with none missing, as text
// and as a prepared statement.
func TestPrivileges(t *testing.T) {
	s := newSecured(t)
	s.exec(s.root, `CREATE USER u IDENTIFIED WITH mysql_native_password BY 'pw'`)
	u := s.open("u", "pw", "information_schema")
	for _, c := range privilegeCases {
		for _, prepared := range []bool{false, true} {
			for missing := range c.needs {
				for i, p := range c.needs {
					if i != missing {
						s.exec(s.root, "GRANT "+p+" TO u")
					}
				}
				got, message := run(t.Context(), u, c.statement)
				if prepared {
					got, message = prepareAndRun(t.Context(), u, c.statement)
				}
				if got != c.code && (c.code != 0 || got != 1142 && got != 1143) {
					t.Errorf("%s without %s (prepared %t): %d %s, want %d", c.statement, c.needs[missing], prepared, got, message, c.code)
				}
				s.exec(s.root, "REVOKE ALL PRIVILEGES, GRANT OPTION FROM u")
			}
		}
		for _, p := range c.needs {
			s.exec(s.root, "GRANT "+p+" TO u")
		}
		want := 0
		if strings.HasPrefix(c.statement, "KILL") {
			want = 1094
		}
		if got, message := run(t.Context(), u, c.statement); got != want && !(got == 1008 || got == 1049) {
			t.Errorf("%s with %q: %d %s", c.statement, c.needs, got, message)
		}
		s.exec(s.root, "REVOKE ALL PRIVILEGES, GRANT OPTION FROM u")
	}
}

func prepareAndRun(ctx context.Context, db *sql.DB, st string) (int, string) {
	p, err := db.PrepareContext(ctx, st)
	if err == nil {
		_, err = p.ExecContext(ctx)
		_ = p.Close()
	}
	var e *mysql.MySQLError
	switch {
	case err == nil:
		return 0, ""
	case errors.As(err, &e):
		return int(e.Number), e.Message
	}
	return -1, err.Error()
}

// TestRevokedPlans revokes while a plan is kept and a statement prepared: the next execution is refused.
func TestRevokedPlans(t *testing.T) {
	s := newSecured(t)
	s.exec(s.root, `CREATE USER u IDENTIFIED WITH mysql_native_password BY 'pw'`, `GRANT SELECT ON fraud.labels TO u`,
		`CREATE ROLE reader`, `GRANT SELECT ON fraud.features TO reader`, `GRANT reader TO u`)
	u := s.open("u", "pw", "")
	const q = "SELECT y FROM fraud.labels WHERE id = ?"
	p, err := u.PrepareContext(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	before := s.e.Runtime().PlanCacheHits()
	read := func() error { var y int; return p.QueryRowContext(t.Context(), 1).Scan(&y) }
	for range 4 {
		if err := read(); err != nil {
			t.Fatal(err)
		}
	}
	if s.e.Runtime().PlanCacheHits() == before {
		t.Fatal("no plan was kept")
	}
	s.exec(s.root, `REVOKE SELECT ON fraud.labels FROM u`)
	var e *mysql.MySQLError
	if err := read(); !errors.As(err, &e) || e.Number != 1142 {
		t.Errorf("after REVOKE: %v", err)
	}
	s.exec(s.root, `GRANT SELECT (id) ON fraud.labels TO u`)
	if err := read(); !errors.As(err, &e) || e.Number != 1143 {
		t.Errorf("with another column: %v", err)
	}
	const byRole = "SELECT count(*) FROM fraud.features"
	for _, c := range []struct {
		set  string
		code int
	}{{"SET ROLE NONE", 1142}, {"SET ROLE reader", 0}, {"SET ROLE reader", 0}, {"SET ROLE ALL", 0}, {"SET ROLE DEFAULT", 1142}, {"SET ROLE NONE", 1142}} {
		s.exec(u, c.set)
		for range 3 {
			if got, message := run(t.Context(), u, byRole); got != c.code {
				t.Errorf("%s: %d %s", c.set, got, message)
			}
		}
	}
	s.exec(s.root, `SET DEFAULT ROLE reader TO u`)
	if got, message := run(t.Context(), s.open("u", "pw", ""), byRole); got != 0 {
		t.Errorf("default role: %d %s", got, message)
	}
}

// TestViewDefiner reads a view by its definer's privileges, and by the reader's where it says so.
func TestViewDefiner(t *testing.T) {
	s := newSecured(t)
	s.exec(s.root, `CREATE USER maker IDENTIFIED WITH mysql_native_password BY 'pw'`, `CREATE USER u IDENTIFIED WITH mysql_native_password BY 'pw'`,
		`GRANT SELECT, CREATE VIEW ON fraud.* TO maker`, `GRANT SELECT ON fraud.by_definer TO u`, `GRANT SELECT ON fraud.by_invoker TO u`)
	maker, u := s.open("maker", "pw", "fraud"), s.open("u", "pw", "fraud")
	s.exec(maker, `CREATE VIEW by_definer AS SELECT y FROM labels`, `CREATE SQL SECURITY INVOKER VIEW by_invoker AS SELECT y FROM labels`)
	expect := func(st string, code int) {
		t.Helper()
		for range 3 { // the third may run from a kept plan
			if got, message := run(t.Context(), u, st); got != code {
				t.Errorf("%s: %d %s, want %d", st, got, message, code)
			}
		}
	}
	expect(`SELECT * FROM by_definer`, 0)
	expect(`SELECT * FROM by_invoker`, 1142)
	expect(`SELECT * FROM labels`, 1142)
	expect(`SELECT * FROM by_definer, labels`, 1142)
	s.exec(s.root, `REVOKE SELECT ON fraud.* FROM maker`)
	expect(`SELECT * FROM by_definer`, 1356)
	s.exec(s.root, `DROP USER maker`)
	expect(`SELECT * FROM by_definer`, 1449)
	s.exec(s.root, `GRANT CREATE VIEW ON fraud.* TO u`)
	expect(`CREATE DEFINER = root@localhost VIEW stolen AS SELECT 1 AS x`, 1227)
}

// TestNamesAreHidden lists nothing of what an account has no privilege on.
func TestNamesAreHidden(t *testing.T) {
	s := newSecured(t)
	s.exec(s.root, `CREATE USER u IDENTIFIED WITH mysql_native_password BY 'pw'`, `GRANT SELECT ON fraud.labels TO u`)
	u := s.open("u", "pw", "fraud")
	for st, want := range map[string]string{
		`SHOW TABLES`: "labels",
		`SELECT group_concat(table_name) FROM information_schema.tables WHERE table_schema IN ('fraud', 'other')`:           "labels",
		`SELECT group_concat(schema_name) FROM information_schema.schemata WHERE schema_name <> 'information_schema'`:       "fraud",
		`SELECT group_concat(DISTINCT table_name) FROM information_schema.columns WHERE table_schema IN ('fraud', 'other')`: "labels",
		`SELECT group_concat(DISTINCT user) FROM information_schema.processlist`:                                            "u",
	} {
		var got string
		if err := u.QueryRowContext(t.Context(), st).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %q %v, want %q", st, got, err, want)
		}
	}
}

// TestProcessesOfOthers lists the connections of others to those with PROCESS alone.
func TestProcessesOfOthers(t *testing.T) {
	s := newSecured(t)
	s.exec(s.root, `CREATE USER u IDENTIFIED WITH mysql_native_password BY 'pw'`)
	u := s.open("u", "pw", "")
	users := func() string {
		rows, err := u.QueryContext(t.Context(), "SHOW PROCESSLIST")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var list []string
		for rows.Next() {
			var user string
			var other any
			if err := rows.Scan(&other, &user, &other, &other, &other, &other, &other, &other); err != nil {
				t.Fatal(err)
			}
			list = append(list, user)
		}
		slices.Sort(list)
		return strings.Join(slices.Compact(list), ",")
	}
	if got := users(); got != "u" {
		t.Errorf("without PROCESS: %s", got)
	}
	s.exec(s.root, `GRANT PROCESS ON *.* TO u`)
	if got := users(); got != "root,u" {
		t.Errorf("with PROCESS: %s", got)
	}
}

// TestAccountsArePasswordSafe looks for the passwords in everything that lies in the warehouse.
func TestAccountsArePasswordSafe(t *testing.T) {
	s := newSecured(t)
	s.exec(s.root, `CREATE USER a IDENTIFIED BY 'verysecret'`, `SET PASSWORD FOR a = 'verysecret2'`)
	found := 0
	err := filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		doc, err := os.ReadFile(path)
		if strings.Contains(string(doc), "verysecret") || strings.Contains(string(doc), "rootpw") {
			t.Errorf("%s holds a password", path)
		}
		found++
		return err
	})
	if err != nil || found == 0 {
		t.Fatal(err)
	}
}
