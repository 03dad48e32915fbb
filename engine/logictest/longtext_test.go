package logictest

import (
	"testing"

	"github.com/featuresql/featuresql/engine"
)

// TestLongTextBesideManyRows joins a few long texts to so many rows that the text of a batch of all of them would be beyond what
// offsets of 32 bits reach, and windows rows that are long for the memory there is.
func TestLongTextBesideManyRows(t *testing.T) {
	_, db := serveEngine(t, engine.Options{})
	db.SetMaxOpenConns(1)
	exec(t, db, "SET @@cte_max_recursion_depth = 20000")
	exec(t, db, "CREATE TABLE doc AS WITH RECURSIVE r(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM r WHERE n < 4) SELECT n AS id, REPEAT(CHAR(97 + n), 500000) AS v FROM r")
	exec(t, db, "CREATE TABLE big AS WITH RECURSIVE r(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM r WHERE n < 8999) SELECT n AS id, n % 5 AS k FROM r")
	for _, from := range []string{
		"big LEFT JOIN doc ON big.k = doc.id", "big JOIN doc ON big.k = doc.id AND big.id >= doc.id", "big ASOF JOIN doc ON big.k >= doc.id",
	} {
		want(t, rowsOf(t, db, "SELECT COUNT(*), SUM(LENGTH(v)), SUM(SUBSTRING(v, 499999, 1) = CHAR(97 + k)) FROM "+from), "9000 4500000000 9000")
	}
	// What functions make of short rows is computed piece by piece where it is long.
	want(t, rowsOf(t, db, "SELECT COUNT(*), SUM(LENGTH(v)), SUM(LENGTH(v) = 33000 + id AND SUBSTRING(v, 33000, 1) = CHAR(97 + k)) "+
		"FROM (SELECT id, k, REPEAT(CHAR(97 + k), 33000 + id) AS v FROM big LIMIT 8999) AS x"), "8999 337453501 8999")
	exec(t, db, "SET @@featuresql_query_memory = 16777216")
	exec(t, db, "CREATE TABLE wide AS SELECT big.id, CONCAT(LPAD(big.id, 5, '0'), SUBSTRING(v, 1, 50000)) AS v FROM big JOIN doc ON big.k = doc.id WHERE big.id < 1000")
	for _, call := range []string{"LAG(v, 2) OVER (ORDER BY v DESC)", "FIRST_VALUE(v) OVER (PARTITION BY id % 3 ORDER BY id)", "MAX(v) OVER (PARTITION BY id % 3)"} {
		want(t, rowsOf(t, db, "SELECT COUNT(*), SUM(LENGTH(v)), SUM(LENGTH(a)) >= 49904990 FROM (SELECT v, "+call+" AS a FROM wide) AS x"), "1000 50005000 1")
	}
	want(t, rowsOf(t, db, "SELECT SUM(LENGTH(v)) FROM (SELECT v FROM wide ORDER BY v DESC) AS x"), "50005000")
}
