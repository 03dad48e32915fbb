package logictest

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/featuresql/featuresql/engine"
)

// dial logs in and returns MySQL's code.
func (s *secured) dial(user, password, params string) int {
	s.t.Helper()
	db, err := sql.Open("mysql", fmt.Sprintf("%s:%s@tcp(%s)/information_schema?%s", user, password, s.addr, params))
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	var who string
	err = db.QueryRowContext(s.t.Context(), "SELECT current_user()").Scan(&who)
	var e *mysql.MySQLError
	switch {
	case err == nil && strings.HasPrefix(who, user+"@"):
		return 0
	case errors.As(err, &e):
		return int(e.Number)
	}
	s.t.Errorf("%s: %q %v", user, who, err)
	return -1
}

// TestLogIn logs in by both plugins, with right and wrong passwords, in the clear and over TLS.
func TestLogIn(t *testing.T) {
	const tls = "tls=skip-verify"
	s := newSecured(t)
	s.exec(s.root, `CREATE USER native@'%' IDENTIFIED WITH mysql_native_password BY 'pä\'w'`, `CREATE USER sha IDENTIFIED BY 'pw'`,
		`CREATE USER tlsonly IDENTIFIED WITH mysql_native_password BY 'pw' REQUIRE SSL`,
		`CREATE USER locked IDENTIFIED WITH mysql_native_password BY 'pw' ACCOUNT LOCK`,
		`CREATE USER away@'10.1.2.3' IDENTIFIED WITH mysql_native_password BY 'pw'`,
		`CREATE USER near@'127.0.0.0/8' IDENTIFIED WITH mysql_native_password BY 'pw'`, `CREATE USER empty`, `CREATE ROLE r`)
	for _, c := range []struct {
		user, password, params string
		code                   int
	}{
		{"native", "pä'w", "", 0}, {"native", "pä'w", tls, 0}, {"native", "x", "", 1045}, {"native", "", "", 1045},
		{"sha", "pw", tls, 0}, {"sha", "pw", tls, 0}, {"sha", "x", tls, 1045}, {"sha", "", tls, 1045}, {"sha", "pw", "", 1045},
		{"tlsonly", "pw", tls, 0}, {"tlsonly", "pw", "", 1045}, {"locked", "pw", "", 3118}, {"away", "pw", "", 1045}, {"near", "pw", "", 0},
		{"empty", "", "", 0}, {"empty", "x", "", 1045}, {"r", "", "", 1045}, {"nobody", "", "", 1045}, {"root", "", "", 1045}, {"root", "rootpw", "", 0},
	} {
		if got := s.dial(c.user, c.password, c.params); got != c.code {
			t.Errorf("%+v: %d", c, got)
		}
	}
	s.exec(s.root, `SET PASSWORD FOR sha = 'new'`)
	if old, now := s.dial("sha", "pw", tls), s.dial("sha", "new", tls); old != 1045 || now != 0 {
		t.Errorf("after SET PASSWORD: old %d, new %d", old, now)
	}
}

// TestFirstAccountClosesRoot: root needs no password until there is another account.
func TestFirstAccountClosesRoot(t *testing.T) {
	e, root, addr := serveAt(t, engine.Options{})
	s := &secured{t: t, e: e, root: root, addr: addr}
	if s.dial("root", "", "") != 0 || s.dial("somebody", "", "") != 1045 {
		t.Error("a fresh warehouse lets in root, and nobody else")
	}
	root.SetMaxOpenConns(1)
	s.exec(root, `CREATE ROLE r`)
	if s.dial("root", "", "") != 0 {
		t.Error("a role is nobody who can log in")
	}
	s.exec(root, `CREATE USER u`)
	var level, code, message string
	if err := root.QueryRowContext(t.Context(), "SHOW WARNINGS").Scan(&level, &code, &message); err != nil || !strings.Contains(message, "root has no password") {
		t.Errorf("warning %q %v", message, err)
	}
	if s.dial("root", "", "") != 1045 {
		t.Error("root without a password was let in beside another account")
	}
	if _, err := e.Session("default").Query(t.Context(), "ALTER USER root@localhost IDENTIFIED WITH mysql_native_password BY 'pw'"); err != nil {
		t.Fatal(err)
	}
	if s.dial("root", "pw", "") != 0 {
		t.Error("root with its new password was not let in")
	}
}

// TestFailuresAreSlowed guesses passwords.
func TestFailuresAreSlowed(t *testing.T) {
	s := newSecured(t)
	s.exec(s.root, `CREATE USER u IDENTIFIED WITH mysql_native_password BY 'pw'`)
	started := time.Now()
	for range 5 {
		if got := s.dial("u", "wrong", ""); got != 1045 {
			t.Fatal(got)
		}
	}
	if took := time.Since(started); took < 200*time.Millisecond {
		t.Errorf("five guesses took %v", took)
	}
	if got := s.dial("u", "pw", ""); got != 0 {
		t.Errorf("the right password: %d", got)
	}
}

// TestTwoServersShareAccounts changes accounts by two servers on one warehouse at once: nothing is lost, and each
// sees the other's changes at its next statement.
func TestTwoServersShareAccounts(t *testing.T) {
	dir := t.TempDir()
	first, _, _ := serveAt(t, engine.Options{Warehouse: dir})
	second, _, addr := serveAt(t, engine.Options{Warehouse: dir})
	const each = 10
	var wg sync.WaitGroup
	for i, e := range []*engine.Engine{first, second} {
		wg.Go(func() {
			for k := range each {
				st := fmt.Sprintf("CREATE USER u%d_%d IDENTIFIED WITH mysql_native_password BY 'pw'", i, k)
				if _, err := e.Session("default").Query(t.Context(), st); err != nil {
					t.Errorf("%s: %v", st, err)
				}
			}
		})
	}
	wg.Wait()
	s := &secured{t: t, e: second, addr: addr}
	for i := range 2 {
		for k := range each {
			if got := s.dial(fmt.Sprintf("u%d_%d", i, k), "pw", ""); got != 0 {
				t.Errorf("u%d_%d: %d", i, k, got)
			}
		}
	}
	if _, err := first.Session("default").Query(t.Context(), "CREATE TABLE t (id INT)"); err != nil {
		t.Fatal(err)
	}
	u := s.open("u0_0", "pw", "")
	for _, c := range []struct {
		st   string
		code int
	}{{"GRANT SELECT ON default.t TO u0_0", 0}, {"REVOKE SELECT ON default.t FROM u0_0", 1142}, {"GRANT SELECT ON *.* TO u0_0", 0}, {"DROP USER u0_0", 1142}} {
		if _, err := first.Session("default").Query(t.Context(), strings.Replace(c.st, "default.", "`default`.", 1)); err != nil {
			t.Fatal(err)
		}
		if got, message := run(t.Context(), u, "SELECT * FROM `default`.t"); got != c.code {
			t.Errorf("%s: %d %s", c.st, got, message)
		}
	}
}

// TestConnectionsOfAnAccount opens more than an account may have.
func TestConnectionsOfAnAccount(t *testing.T) {
	s := newSecured(t)
	s.exec(s.root, `CREATE USER u IDENTIFIED WITH mysql_native_password BY 'pw' WITH MAX_USER_CONNECTIONS 1`)
	u := s.open("u", "pw", "")
	s.exec(u, "SET @x = 1")
	if got := s.dial("u", "pw", ""); got != 1226 {
		t.Errorf("second connection: %d", got)
	}
}

// TestShowGrants shows what GRANT made, and hides passwords in the process list.
func TestShowGrants(t *testing.T) {
	s := newSecured(t)
	s.exec(s.root, `CREATE USER u IDENTIFIED BY 'pw'`, `CREATE ROLE r`, `GRANT SELECT, INSERT (id, y) ON fraud.labels TO u WITH GRANT OPTION`,
		`GRANT ALL ON other.* TO u`, `GRANT PROCESS, RELOAD ON *.* TO u`, `GRANT r TO u WITH ADMIN OPTION`, `GRANT DELETE ON fraud.labels TO r`,
		`REVOKE RELOAD ON *.* FROM u`)
	for st, want := range map[string]string{
		`SHOW GRANTS FOR u`: "GRANT PROCESS ON *.* TO `u`@`%`|GRANT SELECT, INSERT (`id`), INSERT (`y`) ON `fraud`.`labels` TO `u`@`%` WITH GRANT OPTION|" +
			"GRANT ALL PRIVILEGES ON `other`.* TO `u`@`%`|GRANT `r`@`%` TO `u`@`%` WITH ADMIN OPTION",
		`SHOW GRANTS FOR r`: "GRANT USAGE ON *.* TO `r`@`%`|GRANT DELETE ON `fraud`.`labels` TO `r`@`%`",
		`SHOW GRANTS`:       "GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION",
	} {
		rows, err := s.root.QueryContext(t.Context(), st)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			got = append(got, line)
		}
		_ = rows.Close()
		if want = strings.ReplaceAll(want, "INSERT (`id`), INSERT (`y`)", "INSERT (`id`, `y`)"); strings.Join(got, "|") != want {
			t.Errorf("%s:\n%s\nwant\n%s", st, strings.Join(got, "|"), want)
		}
	}
}

// TestGrantOption: one can give what one has with GRANT OPTION, and take nothing from who may do more.
func TestGrantOption(t *testing.T) {
	s := newSecured(t)
	s.exec(s.root, `CREATE USER u IDENTIFIED WITH mysql_native_password BY 'pw'`, `CREATE USER v`, `GRANT SELECT ON fraud.labels TO u WITH GRANT OPTION`,
		`GRANT CREATE USER ON *.* TO u`)
	u := s.open("u", "pw", "")
	for st, code := range map[string]int{
		`GRANT SELECT ON fraud.labels TO v`: 0, `GRANT SELECT (y) ON fraud.labels TO v`: 0, `GRANT INSERT ON fraud.labels TO v`: 1142, `GRANT SELECT ON fraud.* TO v`: 1044,
		`GRANT ALL ON *.* TO u`: 1045, `ALTER USER root@localhost IDENTIFIED BY 'mine'`: 1227, `DROP USER root@localhost`: 1227,
		`RENAME USER root@localhost TO x`: 1227, `SET PASSWORD FOR root@localhost = 'mine'`: 1227, `REVOKE ALL PRIVILEGES, GRANT OPTION FROM root@localhost`: 1227,
		`SET PASSWORD = 'pw'`: 0, `ALTER USER current_user() IDENTIFIED WITH mysql_native_password BY 'pw'`: 0,
	} {
		if got, message := run(t.Context(), u, st); got != code {
			t.Errorf("%s: %d %s, want %d", st, got, message, code)
		}
	}
	if got, message := run(t.Context(), s.root, `DROP USER root@localhost`); got != 1396 {
		t.Errorf("the last who may do everything: %d %s", got, message)
	}
}
