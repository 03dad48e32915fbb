package logictest

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featuresql/featuresql/engine"
)

// rowsOf runs a query and returns its rows as text; with arguments it goes by the binary protocol.
func rowsOf(t *testing.T, db *sql.DB, query string, args ...any) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	cols, err := rows.Columns()
	must(t, err)
	var out []string
	for rows.Next() {
		vals, dest := make([]sql.NullString, len(cols)), make([]any, len(cols))
		for i := range dest {
			dest[i] = &vals[i]
		}
		must(t, rows.Scan(dest...))
		var line strings.Builder
		for i, v := range vals {
			if i > 0 {
				line.WriteString(" ")
			}
			if v.Valid {
				line.WriteString(v.String)
			} else {
				line.WriteString("NULL")
			}
		}
		out = append(out, line.String())
	}
	must(t, rows.Err())
	return out
}

func want(t *testing.T, got []string, rows ...string) {
	t.Helper()
	if !slices.Equal(got, rows) {
		t.Errorf("got %q, want %q", got, rows)
	}
}

// TestPreparedTypes stores an argument of every type and reads it back by the text and by the binary protocol.
func TestPreparedTypes(t *testing.T) {
	db := serve(t, engine.Options{})
	for i, tc := range []struct {
		typ  string
		arg  any
		text string
	}{
		{"BOOLEAN", true, "1"},
		{"TINYINT", int8(-128), "-128"},
		{"SMALLINT", int16(32767), "32767"},
		{"INT", int32(-2147483648), "-2147483648"},
		{"BIGINT", int64(-9223372036854775808), "-9223372036854775808"},
		{"FLOAT", float32(0.5), "0.5"},
		{"DOUBLE", 1e100, "1e100"},
		{"DECIMAL(38,10)", "1234567890123456789012345678.0123456789", "1234567890123456789012345678.0123456789"},
		{"STRING", "naïve 😀 'quoted'", "naïve 😀 'quoted'"},
		{"BINARY", []byte{0, 1, 255, '\''}, "\x00\x01\xff'"},
		{"DATE", "2024-02-29", "2024-02-29"},
		{"DATETIME(6)", time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC), "2026-01-02 03:04:05.678901"},
		{"TIMESTAMP(6)", "2026-01-02 03:04:05.678901", "2026-01-02 03:04:05.678901"},
		{"BIGINT", nil, "NULL"},
	} {
		name := fmt.Sprintf("t%d", i)
		exec(t, db, fmt.Sprintf("CREATE TABLE %s (id INT, v %s)", name, tc.typ))
		exec(t, db, "INSERT INTO "+name+" VALUES (?, ?)", 1, tc.arg)
		for _, got := range [][]string{
			rowsOf(t, db, "SELECT v FROM "+name+" WHERE id = 1"), rowsOf(t, db, "SELECT v FROM "+name+" WHERE id = ?", 1),
		} {
			if len(got) != 1 || got[0] != tc.text && got[0] != "1e+100" { // how database/sql prints a float
				t.Errorf("%s: %q, want %q", tc.typ, got, tc.text)
			}
		}
		if tc.arg != nil {
			want(t, rowsOf(t, db, "SELECT count(*) FROM "+name+" WHERE v = ?", tc.arg), "1")
		}
	}
}

// TestPreparedStatements has parameters in every kind of statement and of time travel.
func TestPreparedStatements(t *testing.T) {
	db := serve(t, engine.Options{})
	exec(t, db, "CREATE TABLE t (id BIGINT NOT NULL, v STRING, PRIMARY KEY (id))")
	exec(t, db, "INSERT INTO t VALUES (?, ?), (?, ?)", 1, "a", 2, nil)
	want(t, rowsOf(t, db, "SELECT id, v FROM t ORDER BY id"), "1 a", "2 NULL")
	time.Sleep(20 * time.Millisecond)
	var now string
	must(t, db.QueryRowContext(t.Context(), "SELECT now(6)").Scan(&now))
	time.Sleep(20 * time.Millisecond)
	exec(t, db, "UPDATE t SET v = ? WHERE id = ?", "b", 2)
	exec(t, db, `MERGE INTO t USING (SELECT ? AS id, ? AS v UNION ALL SELECT ?, ?) s ON t.id = s.id
WHEN MATCHED AND s.v = ? THEN DELETE WHEN MATCHED THEN UPDATE SET v = concat(s.v, ?) WHEN NOT MATCHED THEN INSERT (id, v) VALUES (s.id, s.v)`,
		1, "m", 3, "new", "gone", "!")
	want(t, rowsOf(t, db, "SELECT id, v FROM t WHERE id > ? ORDER BY id", 0), "1 m!", "2 b", "3 new")
	exec(t, db, "INSERT INTO t VALUES (?, ?) ON DUPLICATE KEY UPDATE v = ?", 3, "x", "dup")
	exec(t, db, "REPLACE INTO t VALUES (?, ?)", 2, "r")
	exec(t, db, "DELETE FROM t WHERE id IN (?, ?)", 1, 99)
	want(t, rowsOf(t, db, "SELECT id, v FROM t WHERE v LIKE ? OR id = ? ORDER BY id LIMIT ?", "d%", 2, 5), "2 r", "3 dup")

	want(t, rowsOf(t, db, "SELECT id, v FROM t AS OF VERSION ? WHERE id = ?", 1, 2), "2 NULL")
	want(t, rowsOf(t, db, "SELECT id, v FROM t AS OF VERSION ? WHERE id = ?", 2, 2), "2 b")
	want(t, rowsOf(t, db, "SELECT id, v FROM t TIMESTAMP AS OF ? ORDER BY id", now), "1 a", "2 NULL")
	want(t, rowsOf(t, db, "SELECT n.v, o.v FROM t n JOIN t AS OF VERSION ? o ON n.id = o.id WHERE n.id = ?", 1, 2), "r NULL")
	_, err := db.QueryContext(t.Context(), "SELECT * FROM t AS OF VERSION ?", 99)
	check(t, err, 1525, []string{"99", "0 to 6"})
	_, err = db.ExecContext(t.Context(), "INSERT INTO t VALUES (?, ?)", nil, "x")
	check(t, err, 1048, []string{"id"})

	exec(t, db, "CREATE TABLE d (n DECIMAL(10,0))")
	exec(t, db, "INSERT INTO d VALUES (?), (?)", "1", "2")
	want(t, rowsOf(t, db, "SELECT n FROM d WHERE n > ?", 1.5), "2")
	want(t, rowsOf(t, db, "SELECT n FROM d WHERE n = ? OR ? = n", 1.5, "2"), "2")

	stmt, err := db.PrepareContext(t.Context(), "SELECT count(*) FROM t AS OF VERSION ?")
	must(t, err)
	defer func() { _ = stmt.Close() }()
	for version, count := range []int{0, 2, 2, 3} {
		var n int
		must(t, stmt.QueryRowContext(t.Context(), version).Scan(&n))
		if n != count {
			t.Errorf("version %d has %d rows, want %d", version, n, count)
		}
	}
}

// A prepared statement may name columns that only the version has which its parameter will tell.
func TestPreparedVersionsWithOtherColumns(t *testing.T) {
	db := serve(t, engine.Options{Warehouse: t.TempDir()})
	db.SetMaxOpenConns(1) // PREPARE is of a connection
	exec := func(st string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), st); err != nil {
			t.Fatalf("%s: %v", st, err)
		}
	}
	for _, st := range []string{"CREATE TABLE x (id INT, v INT)", "INSERT INTO x VALUES (1, 50)", "CREATE OR REPLACE TABLE x (id INT)"} {
		exec(st)
	}
	want(t, rowsOf(t, db, "SELECT v FROM x AS OF VERSION ? WHERE v > ?", 1, 10), "50")
	st, err := db.PrepareContext(t.Context(), "WITH c AS (SELECT id, v FROM x AS OF VERSION ?) SELECT sum(v) AS s FROM c")
	must(t, err)
	for version, sum := range map[int]any{1: int64(50), 0: nil} {
		var got any
		if err := st.QueryRowContext(t.Context(), version).Scan(&got); err != nil || fmt.Sprint(got) != fmt.Sprint(sum) && fmt.Sprintf("%s", got) != fmt.Sprint(sum) {
			t.Errorf("version %d: %v, %v", version, got, err)
		}
	}
	if err := st.QueryRowContext(t.Context(), 2).Scan(new(any)); err == nil || !strings.Contains(err.Error(), "1054") {
		t.Errorf("version 2: %v", err)
	}
	must(t, st.Close())
	for _, text := range []string{"'SELECT v FROM x AS OF VERSION ?'", "@text"} {
		exec("SET @text = 'SELECT v + 0 FROM x AS OF VERSION ?'")
		exec("PREPARE p FROM " + text)
		exec("SET @v = 1")
		want(t, rowsOf(t, db, "EXECUTE p USING @v"), "50")
		exec("SET @v = 2")
		if code, _ := run(t.Context(), db, "EXECUTE p USING @v"); code != 1054 {
			t.Errorf("%s at version 2: %d", text, code)
		}
		exec("DEALLOCATE PREPARE p")
	}
	if code, _ := run(t.Context(), db, "PREPARE p FROM 'SELECT v FROM x'"); code != 1054 {
		t.Errorf("PREPARE without a version: %d", code)
	}
}
