package logictest

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/featuresql/featuresql/engine"
)

// TestTableRaces: tables are made, replaced, dropped, written and read under one name by two servers at once. Each statement works or ends with an error that
// says what the others did, and what is there afterwards is a whole table or none.
func TestTableRaces(t *testing.T) {
	warehouse := t.TempDir()
	servers := []*sql.DB{serve(t, engine.Options{Warehouse: warehouse}), serve(t, engine.Options{Warehouse: warehouse})}
	statements := map[string][]uint16{
		"CREATE TABLE t (id INT)":                          {1050, 1213},
		"CREATE TABLE t AS SELECT 1 AS id":                 {1050, 1213},
		"CREATE OR REPLACE TABLE t (id INT)":               {1050, 1213},
		"CREATE OR REPLACE TABLE t AS SELECT 2 AS id":      {1050, 1213},
		"CREATE TABLE IF NOT EXISTS t (id INT)":            {1050, 1213},
		"DROP TABLE t":                                     {1051, 1213},
		"DROP TABLE IF EXISTS t":                           {1213},
		"INSERT INTO t VALUES (3)":                         {1146, 1213},
		"UPDATE t SET id = id + 1":                         {1146, 1213},
		"SELECT COUNT(*) FROM t":                           {1146, 1213},
		"DESCRIBE HISTORY t":                               {1146, 1213},
		"SELECT table_name FROM information_schema.tables": {},
	}
	texts := make([]string, 0, len(statements))
	for s := range statements {
		texts = append(texts, s)
	}
	slices.Sort(texts)
	run := func(c *sql.Conn, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 7))
		for range 30 {
			s := texts[r.IntN(len(texts))]
			_, err := c.ExecContext(context.Background(), s)
			if got := code(t, err); got != 0 && !slices.Contains(statements[s], got) {
				t.Errorf("seed %d: %s: %v", seed, s, err)
			}
		}
	}
	together(t, servers[0], 6, func(c *sql.Conn, i int) {
		if i%2 == 1 {
			other, err := servers[1].Conn(context.Background())
			noError(t, err)
			defer other.Close()
			c = other
		}
		run(c, uint64(i))
	})
	for _, db := range servers {
		exec(t, db, "DROP TABLE IF EXISTS t")
		exec(t, db, "CREATE TABLE t (id INT)")
		exec(t, db, "INSERT INTO t VALUES (1)")
		if got := rowsOf(t, db, "SELECT * FROM t"); fmt.Sprint(got) != "[1]" {
			t.Errorf("afterwards %v", got)
		}
	}
}
