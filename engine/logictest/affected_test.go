package logictest

import (
	"database/sql"
	"testing"

	"github.com/featuresql/featuresql/engine"
)

// Statements report the rows that they changed, as MySQL does, and commit nothing if there are none.
func TestAffectedRows(t *testing.T) {
	_, plain, addr := serveAt(t, engine.Options{})
	found, err := sql.Open("mysql", "root@tcp("+addr+")/default?clientFoundRows=true")
	must(t, err)
	defer found.Close()
	for _, text := range []string{"CREATE TABLE k (id INT, v INT, s STRING, f DOUBLE, d DECIMAL(10,2), PRIMARY KEY (id))", "INSERT INTO k VALUES (1, 1, 'a', 0.5, 1.5), (2, NULL, NULL, NULL, NULL), (3, 3, 'c', -0.0, 0)"} {
		_, err := plain.ExecContext(t.Context(), text)
		must(t, err)
	}
	for _, tc := range []struct {
		text           string
		changed, found int64 // rows, without and with CLIENT_FOUND_ROWS
		commits        int
	}{
		{"UPDATE k SET v = v, s = s, f = f, d = d + 0", 0, 3, 0},
		{"UPDATE k SET v = 1", 2, 3, 1},
		{"UPDATE k SET v = 1, s = 'a' WHERE id < 3", 1, 2, 1},
		{"UPDATE k SET v = v + 1, v = v - 1", 0, 3, 0},
		{"UPDATE k SET s = 'A' WHERE id = 1", 1, 1, 1},
		{"UPDATE k SET s = 'a' WHERE id = 1", 1, 1, 1},
		{"UPDATE k SET v = 9 WHERE id = 99", 0, 0, 0},
		{"INSERT INTO k (id, v) VALUES (1, 1) ON DUPLICATE KEY UPDATE v = VALUES(v)", 0, 1, 0},
		{"INSERT INTO k (id, v) VALUES (1, 1), (2, 5), (4, 4) ON DUPLICATE KEY UPDATE v = VALUES(v)", 3, 4, 1},
		{"UPDATE k SET v = 1 WHERE id = 2", 1, 1, 1},
		{"DELETE FROM k WHERE id = 4", 1, 1, 1},
		{"INSERT INTO k (id, v) VALUES (4, 1), (4, 2) ON DUPLICATE KEY UPDATE v = v + VALUES(v)", 3, 3, 1},
		{"REPLACE INTO k (id) VALUES (4)", 2, 2, 1},
		{"INSERT IGNORE INTO k (id) VALUES (4), (5)", 1, 1, 1},
		{"DELETE FROM k WHERE id > 3", 2, 2, 1},
		{"MERGE INTO k USING (SELECT 1 AS id) s ON k.id = s.id WHEN MATCHED THEN UPDATE SET v = 1", 1, 1, 1},
	} {
		// Each statement runs on both kinds of connection, on the same rows.
		for _, c := range []struct {
			db   *sql.DB
			rows int64
		}{{plain, tc.changed}, {found, tc.found}} {
			before := version(t, plain)
			conn, err := c.db.Conn(t.Context())
			must(t, err)
			res, err := conn.ExecContext(t.Context(), tc.text)
			must(t, err)
			n, err := res.RowsAffected()
			must(t, err)
			if n != c.rows {
				t.Errorf("%s: %d rows, want %d", tc.text, n, c.rows)
			}
			var count int64
			must(t, conn.QueryRowContext(t.Context(), "SELECT row_count()").Scan(&count))
			if count != n {
				t.Errorf("%s: row_count() is %d, not %d", tc.text, count, n)
			}
			must(t, conn.QueryRowContext(t.Context(), "SELECT row_count()").Scan(&count))
			if count != -1 {
				t.Errorf("row_count() after a SELECT is %d", count)
			}
			must(t, conn.Close())
			after := version(t, plain)
			if after-before != tc.commits {
				t.Errorf("%s: %d commits, want %d", tc.text, after-before, tc.commits)
			}
			if c.db == plain && tc.commits > 0 {
				_, err := plain.ExecContext(t.Context(), "CREATE OR REPLACE TABLE k2 AS SELECT * FROM k AS OF VERSION ?", before)
				must(t, err)
				_, err = plain.ExecContext(t.Context(), "DELETE FROM k")
				must(t, err)
				_, err = plain.ExecContext(t.Context(), "INSERT INTO k SELECT * FROM k2")
				must(t, err)
			}
		}
	}
}

func version(t *testing.T, db *sql.DB) int {
	t.Helper()
	return len(rowsOf(t, db, "DESCRIBE HISTORY k")) - 1
}

// FOUND_ROWS() is the number of rows of the SELECT before.
func TestFoundRows(t *testing.T) {
	db := serve(t, engine.Options{})
	c, err := db.Conn(t.Context())
	must(t, err)
	defer c.Close()
	s := sessions{t: t}
	s.ok(c, "CREATE TABLE t (id INT)", "INSERT INTO t VALUES (1), (2), (3)")
	for range 3 { // the second and third run from a kept plan
		rows, err := c.QueryContext(t.Context(), "SELECT id FROM t WHERE id > 1")
		must(t, err)
		for rows.Next() {
		}
		must(t, rows.Close())
		s.one(c, "SELECT found_rows()", "2")
	}
}
