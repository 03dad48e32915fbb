package logictest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/featuresql/featuresql/engine"
)

// code is the MySQL error number of err, 0 for none.
func code(t *testing.T, err error) uint16 {
	t.Helper()
	var e *mysql.MySQLError
	if err != nil && !errors.As(err, &e) {
		t.Error(err)
	}
	if e == nil {
		return 0
	}
	return e.Number
}

// together runs f on n connections at once.
func together(t *testing.T, db *sql.DB, n int, f func(c *sql.Conn, i int)) {
	t.Helper()
	var ready, all sync.WaitGroup
	for i := range n {
		c, err := db.Conn(t.Context())
		must(t, err)
		ready.Add(1)
		all.Go(func() {
			defer c.Close()
			ready.Done()
			ready.Wait()
			f(c, i)
		})
	}
	all.Wait()
}

// TestConcurrentCounters: UPDATEs that count up are all counted, whether they meet in one file or in one row, on tables with and
// without deletion vectors. A client repeats what ends in 1213, as drivers do.
func TestConcurrentCounters(t *testing.T) {
	const writers, rounds = 6, 6
	for _, vectors := range []bool{false, true} {
		db := serve(t, engine.Options{})
		exec(t, db, fmt.Sprintf("CREATE TABLE c (id INT, n INT) TBLPROPERTIES ('delta.enableDeletionVectors' = '%t')", vectors))
		exec(t, db, "INSERT INTO c VALUES (0,0),(1,0),(2,0),(3,0),(4,0),(5,0)")
		together(t, db, writers, func(c *sql.Conn, i int) {
			for r := range rounds {
				id := i
				if r%3 == 2 { // the row of all
					id = 0
				}
				for {
					res, err := c.ExecContext(context.Background(), "UPDATE c SET n = n + 1 WHERE id = ?", id)
					if n := code(t, err); n == 1213 {
						continue
					} else if n != 0 {
						t.Error(err)
						return
					}
					if n, err := res.RowsAffected(); err != nil || n != 1 {
						t.Errorf("%d rows, %v", n, err)
					}
					break
				}
			}
		})
		want(t, rowsOf(t, db, "SELECT id, n FROM c ORDER BY id"), "0 16", "1 4", "2 4", "3 4", "4 4", "5 4")
	}
}

// TestRowLevelConcurrency: without one conflict, transactions that change different rows of one file all commit; those of one row do not.
func TestRowLevelConcurrency(t *testing.T) {
	db := serve(t, engine.Options{})
	exec(t, db, "CREATE TABLE c (id INT, n INT) TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
	exec(t, db, "INSERT INTO c VALUES (0,0),(1,0),(2,0),(3,0),(4,0)")
	statements := []string{"UPDATE c SET n = 9 WHERE id = 0", "DELETE FROM c WHERE id = 1",
		"MERGE INTO c USING (SELECT 2 AS id, 7 AS n) s ON c.id = s.id WHEN MATCHED THEN UPDATE SET n = s.n", "UPDATE c SET n = 1 WHERE id = 0"}
	var conns []*sql.Conn
	for _, s := range statements {
		c, err := db.Conn(t.Context())
		must(t, err)
		defer c.Close()
		conns = append(conns, c)
		for _, q := range []string{"BEGIN", s} {
			_, err = c.ExecContext(t.Context(), q)
			must(t, err)
		}
	}
	for i, c := range conns {
		_, err := c.ExecContext(t.Context(), "COMMIT")
		if got := code(t, err); got != 0 && i < 3 || i == 3 && got != 1213 {
			t.Errorf("COMMIT of %s: %v", statements[i], err)
		}
	}
	want(t, rowsOf(t, db, "SELECT id, n FROM c ORDER BY id"), "0 9", "2 7", "3 0", "4 0")
	exec(t, db, "DELETE FROM c WHERE id >= 3")
	want(t, rowsOf(t, db, "SELECT id, n FROM c ORDER BY id"), "0 9", "2 7")
}

// TestOneKeyOneWinner: of concurrent INSERTs of one key exactly one succeeds, the others are 1062.
func TestOneKeyOneWinner(t *testing.T) {
	const writers, rounds = 6, 5
	db := serve(t, engine.Options{})
	exec(t, db, "CREATE TABLE k (id INT PRIMARY KEY, who INT)")
	var won, lost [rounds]atomic.Int32
	together(t, db, writers, func(c *sql.Conn, i int) {
		for r := range rounds {
			for {
				_, err := c.ExecContext(context.Background(), "INSERT INTO k VALUES (?, ?)", r, i)
				switch n := code(t, err); n {
				case 1213:
					continue
				case 0:
					won[r].Add(1)
				case 1062:
					lost[r].Add(1)
				default:
					t.Error(err)
				}
				break
			}
		}
	})
	for r := range rounds {
		if won[r].Load() != 1 || lost[r].Load() != writers-1 {
			t.Errorf("key %d: %d INSERTs won, %d were refused", r, won[r].Load(), lost[r].Load())
		}
	}
	want(t, rowsOf(t, db, "SELECT COUNT(*), COUNT(DISTINCT id) FROM k"), fmt.Sprintf("%d %d", rounds, rounds))
}
