package logictest

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/featuresql/featuresql/engine"
)

// TestLabels reads the names of columns without an alias: MySQL's are the texts of their expressions, as written.
func TestLabels(t *testing.T) {
	db := serve(t, engine.Options{Warehouse: t.TempDir()})
	for _, c := range []struct {
		list   string
		labels []string
	}{
		{"NOT EXISTS (SELECT 1)", []string{"NOT EXISTS (SELECT 1)"}},
		{"not a, NOT a", []string{"not a", "NOT a"}},
		{"NOT  not a", []string{"NOT  not a"}},
		{"not(a)", []string{"not(a)"}},
		{"DISTINCT NOT ( a )", []string{"NOT ( a )"}},
		{"NOT a OR a", []string{"NOT a OR a"}},
		{"!a, -a, - a", []string{"!a", "-a", "- a"}},
		{"DATE '2020-01-01'", []string{"DATE '2020-01-01'"}},
		{"a,date'2020-01-01' + INTERVAL 1 DAY,TIME '10:00:00' , timestamp '2020-01-01 00:00:00'",
			[]string{"a", "date'2020-01-01' + INTERVAL 1 DAY", "TIME '10:00:00'", "timestamp '2020-01-01 00:00:00'"}},
		{"0b101, 5--3, a = ANY (SELECT 1)", []string{"0b101", "5--3", "a = ANY (SELECT 1)"}},
		{"/* x */ 1 /* y */, -- z\n 2 # w\n", []string{"1", "2"}},
		{"'x', \"y\", a, t.a, (a)", []string{"x", "y", "a", "a", "(a)"}},
		{"(1) , (2) ,  3 , a", []string{"(1)", "(2)", "3", "a"}},
		{"NOT a AS x, DATE '2020-01-01' y", []string{"x", "y"}},
		{"(SELECT NOT a)", []string{"(SELECT NOT a)"}},
	} {
		rows, err := db.QueryContext(t.Context(), "SELECT "+c.list+" FROM (SELECT 1 AS a) AS t")
		noError(t, err)
		got, err := rows.Columns()
		noError(t, err)
		for rows.Next() { // to the end
		}
		noError(t, rows.Err())
		if !slices.Equal(got, c.labels) {
			t.Errorf("SELECT %s: %q, want %q", c.list, got, c.labels)
		}
	}
}

// TestRubbishIsNoTable puts a file that is no commit and no checkpoint where the log of a table would be.
func TestRubbishIsNoTable(t *testing.T) {
	dir := t.TempDir()
	db := serve(t, engine.Options{Warehouse: dir})
	for _, folder := range []string{"junk", "db/junk"} {
		log := filepath.Join(dir, folder, "_delta_log")
		noError(t, os.MkdirAll(log, 0o750))
		for _, name := range []string{"rubbish.txt", "0.json", "00000000000000000000.json.tmp", "_last_checkpoint"} {
			noError(t, os.WriteFile(filepath.Join(log, name), []byte("x"), 0o600))
		}
	}
	for st, want := range map[string]int{"SELECT * FROM junk": 1146, "CREATE TABLE junk (a INT)": 1005, "CREATE DATABASE junk": 1103, "USE junk": 1049,
		"SELECT * FROM db.junk": 1146, "DROP TABLE db.junk": 1051} {
		if code, msg := run(t.Context(), db, st); code != want {
			t.Errorf("%s: %d %s, want %d", st, code, msg, want)
		}
	}
	for _, st := range []string{"SHOW TABLES", "SHOW TABLES FROM db", "SHOW DATABASES LIKE 'junk'"} {
		rows, err := db.QueryContext(t.Context(), st)
		noError(t, err)
		for rows.Next() {
			t.Errorf("%s has a row", st)
		}
		noError(t, rows.Err())
	}
}
