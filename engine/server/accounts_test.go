package server_test

import (
	"context"
	"database/sql"
	"testing"

	wiremysql "github.com/dolthub/vitess/go/mysql"

	"github.com/featuresql/featuresql/engine/server"
)

// TestAccounts logs in with and without the right password, in the clear and over TLS.
func TestAccounts(t *testing.T) {
	for _, require := range []bool{false, true} {
		h := start(t, func(c *server.Config) {
			c.RequireTLS = require
			db := c.Engine.Analyzer.Catalog.MySQLDb
			ed := db.Editor()
			db.AddSuperUser(ed, "ann", "%", "secret")
			ed.Close()
			db.SetEnabled(true)
		})
		for _, tc := range []struct {
			dsn  string
			code uint16
		}{
			{"ann:secret@tcp(%)/db", 0}, {"ann:wrong@tcp(%)/db", 1045}, {"ann@tcp(%)/db", 1045}, {"bob:secret@tcp(%)/db", 1045},
			{"ann:secret@tcp(%)/db?tls=skip-verify", 0}, {"ann:wrong@tcp(%)/db?tls=skip-verify", 1045}, {"ann:secret@tcp(%)/nosuch?tls=skip-verify", 1049},
		} {
			dsn := tc.dsn
			for i := range dsn {
				if dsn[i] == '%' {
					dsn = dsn[:i] + h.addr + dsn[i+1:]
					break
				}
			}
			db, err := sql.Open("mysql", dsn)
			if err != nil {
				t.Fatal(err)
			}
			var user string
			err = db.QueryRowContext(context.Background(), "SELECT user()").Scan(&user)
			db.Close()
			want := tc.code
			if require && len(tc.dsn) < 25 {
				want = 3159
			}
			code, state := mysqlError(err)
			if code != want || code == 1045 && state != "28000" || err != nil && code == 0 {
				t.Errorf("require %t, %s: %v", require, tc.dsn, err)
			}
			if err == nil && user == "" {
				t.Errorf("%s: no user", tc.dsn)
			}
		}
	}
}

// TestChangeUserNeedsPassword changes to an account with a wrong answer.
func TestChangeUserNeedsPassword(t *testing.T) {
	h := start(t, func(c *server.Config) {
		db := c.Engine.Analyzer.Catalog.MySQLDb
		ed := db.Editor()
		db.AddSuperUser(ed, "root", "%", "")
		db.AddSuperUser(ed, "ann", "%", "secret")
		ed.Close()
		db.SetEnabled(true)
	})
	for _, password := range []string{"secret", "wrong", ""} {
		c := h.dial(0)
		c.command(17, "ann\x00\x00db\x00\x2d\x00mysql_native_password\x00")
		ask := c.read()
		salt := ask[len("\xfemysql_native_password\x00") : len(ask)-1]
		c.write(wiremysql.ScramblePassword(salt, []byte(password)))
		answer := c.read()
		if password != "secret" {
			wantError(t, answer, 1045, "28000")
			if _, err := c.tryRead(); err == nil {
				t.Error("the connection stays open")
			}
			continue
		}
		if answer[0] != 0 {
			t.Fatalf("%q", answer)
		}
		if got := c.query("SELECT 1"); got != "[\x011]" {
			t.Errorf("%q", got)
		}
	}
}
