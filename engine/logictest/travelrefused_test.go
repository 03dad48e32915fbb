package logictest

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// travelConn is a connection to the table of travelServer.
func travelConn(t *testing.T, options string) *sql.Conn {
	t.Helper()
	db, err := sql.Open("mysql", "root@tcp("+travelServer(t)+")/default?"+options)
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	conn, err := db.Conn(t.Context())
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// TestTimeTravelRefused asks every spelling for what there is not, as text and as a parameter: never rows, always an error of its own.
func TestTimeTravelRefused(t *testing.T) {
	conn := travelConn(t, "")
	from := []string{"SELECT count(*) FROM %s", "SELECT (SELECT max(id) FROM %s)", "WITH c AS (SELECT id FROM %s) SELECT count(*) FROM c", "SELECT count(*) FROM t a JOIN %s b ON a.id = b.id", "EXPLAIN SELECT id FROM %s"}
	refuse := func(spelling, literal string, value any, names string) {
		t.Helper()
		for _, f := range from {
			for _, args := range [][]any{nil, {value}} {
				text := fmt.Sprintf(f, fmt.Sprintf(spelling, "t", literal))
				if args != nil {
					text = fmt.Sprintf(f, fmt.Sprintf(spelling, "t", "?"))
				}
				var n any
				err := conn.QueryRowContext(t.Context(), text, args...).Scan(&n)
				var my *mysql.MySQLError
				if !errors.As(err, &my) || my.Number != 1525 || !strings.Contains(my.Message, names) {
					t.Errorf("%s %v: %v, %v; want 1525 with %q", text, args, n, err, names)
				}
			}
		}
	}
	for _, s := range versionSpellings {
		refuse(s, "5", 5, "0 to 4")
		refuse(s, "9223372036854775807", int64(9223372036854775807), "0 to 4")
		refuse(s, "-1", -1, "")
		refuse(s, "NULL", nil, "")
	}
	for _, s := range timeSpellings[:4] {
		refuse(s, "'2025-12-31 23:59:59'", "2025-12-31 23:59:59", "2026-01-01 12:00:00")
		refuse(s, "'yesterday'", "yesterday", "yesterday")
		refuse(s, "NULL", nil, "")
	}
}

// TestTimeTravelZones reads the instants around each commit in zones east and west.
func TestTimeTravelZones(t *testing.T) {
	conn := travelConn(t, "")
	for hours := -12; hours <= 14; hours++ {
		_, err := conn.ExecContext(t.Context(), "SET time_zone = ?", fmt.Sprintf("%+03d:00", hours))
		must(t, err)
		for version := 1; version <= 4; version++ {
			for before, text := range []string{"00:00.000000", "59:59.999000"} {
				hour := 12 + hours - before
				at := fmt.Sprintf("2026-01-%02d %02d:%s", 1+version+(hour+24)/24-1, (hour+24)%24, text)
				for _, s := range timeSpellings[:4] {
					for _, args := range [][]any{nil, {at}} {
						q := "SELECT count(*) FROM " + fmt.Sprintf(s, "t", "'"+at+"'")
						if args != nil {
							q = "SELECT count(*) FROM " + fmt.Sprintf(s, "t", "?")
						}
						var got int
						if err := conn.QueryRowContext(t.Context(), q, args...).Scan(&got); err != nil || got != version-before {
							t.Errorf("%+d: %s %v: %d, %v; want %d", hours, q, args, got, err, version-before)
						}
					}
				}
			}
		}
	}
}

// TestTravelTextIsLeftAlone puts what reads like a version into strings, names and comments at random places of a statement.
func TestTravelTextIsLeftAlone(t *testing.T) {
	conn := travelConn(t, "")
	rng := rand.New(rand.NewPCG(4, 4))
	phrases := []string{"t AS OF VERSION 1", "t@v1", "FROM t VERSION AS OF 2", "t TIMESTAMP AS OF now()", "MERGE INTO t USING s", "l ASOF JOIN r ON", "it''s t@v2", `t "AS OF" 1`, "? AS OF ?", "-- t@v1", "/* t@v1"}
	pick := func() string { return phrases[rng.IntN(len(phrases))] }
	space := func() string {
		comment := strings.NewReplacer("/*", "", "*/", "").Replace(pick())
		return []string{" ", "\n", "/*" + comment + "*/", " -- " + pick() + "\n", " # " + pick() + "\n"}[rng.IntN(5)]
	}
	for range 2000 {
		literal, name := pick(), strings.ReplaceAll(pick(), "''", "'")
		words := []string{"SELECT", "'" + literal + "'", "AS", "`" + name + "`", ",", "count(*)", "FROM", "t", "AS", "OF", "VERSION", "3", "AS", "`" + name + "`", "WHERE", "`" + name + "`.`v`", "<>", "'" + literal + "'"}
		text := words[0]
		for _, w := range words[1:] {
			text += space() + w
		}
		rows, err := conn.QueryContext(t.Context(), text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		columns, err := rows.Columns()
		must(t, err)
		var got string
		var n int
		if !rows.Next() {
			t.Fatalf("%s: no row: %v", text, rows.Err())
		}
		must(t, rows.Scan(&got, &n))
		must(t, rows.Close())
		if want := strings.ReplaceAll(literal, "''", "'"); got != want || n != 3 || columns[0] != name {
			t.Fatalf("%s: %q %q %d; want %q %q 3", text, columns[0], got, n, name, want)
		}
	}
}
