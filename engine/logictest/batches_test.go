package logictest

import (
	"database/sql"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/featuresql/featuresql/engine"
)

// batched runs statements and fails where one of them has a construct that runs row by row.
type batched struct {
	*testing.T
	engine *engine.Engine
	db     *sql.DB
}

func newBatched(t *testing.T) *batched {
	e, db := serveEngine(t, engine.Options{})
	db.SetMaxOpenConns(1)
	return &batched{t, e, db}
}

func (b *batched) run(stmt string) {
	b.Helper()
	before := b.engine.Activity().RowFallbacks
	if rows, err := b.db.QueryContext(b.Context(), stmt); err != nil {
		b.Fatalf("%s: %v", stmt, err)
	} else {
		for rows.Next() {
		}
		if err := rows.Close(); err != nil {
			b.Fatal(err)
		}
	}
	if n := b.engine.Activity().RowFallbacks - before; n != 0 {
		b.Errorf("%d constructs ran row by row: %s", n, stmt)
	}
}

// TestTPCHRunsOnBatches runs the 22 queries over empty tables: what a plan is made of does not depend on the rows.
func TestTPCHRunsOnBatches(t *testing.T) {
	b := newBatched(t)
	for _, table := range tpchTables {
		b.run("CREATE TABLE " + table)
	}
	files, err := filepath.Glob("../../bench/queries/q*.sql")
	if err != nil || len(files) != 22 {
		t.Fatalf("%d queries, %v", len(files), err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		b.run(string(text))
	}
}

// TestWritesRunOnBatches runs each form of the statements that write.
func TestWritesRunOnBatches(t *testing.T) {
	mysql.RegisterReaderHandler("batches", func() io.Reader { return strings.NewReader("1\t2\t3\n7\t8\t9\n") })
	defer mysql.DeregisterReaderHandler("batches")
	for _, kind := range []string{"", " TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')"} {
		b := newBatched(t)
		b.run("CREATE TABLE k (id INT NOT NULL, n INT DEFAULT 5, s STRING, PRIMARY KEY (id))" + kind)
		b.run("CREATE TABLE u (id INT, n INT, s STRING)" + kind)
		for _, stmt := range writes {
			b.run(stmt)
		}
	}
}

var writes = []string{
	"INSERT INTO u VALUES (1, 2, 'a'), (2, NULL, CONCAT('b', 'c')), (3, 1 + 1, UPPER('x')), (4, (SELECT 4), NULL)",
	"INSERT INTO u (id) VALUES (5)",
	"INSERT INTO u SET id = 6, n = 7",
	"INSERT INTO u SELECT id + 10, n, s FROM u WHERE id < 3",
	"INSERT INTO u WITH c AS (SELECT id FROM u) SELECT id, count(*), max(id) FROM c GROUP BY id",
	"INSERT INTO u SELECT id, n, s FROM u UNION SELECT 1, 2, 'three' ORDER BY 1 LIMIT 3",
	"INSERT INTO k VALUES (1, DEFAULT, 'a'), (2, 3, 'b')",
	"INSERT INTO k (id, s) SELECT DISTINCT id + 2, 'c' FROM u WHERE id < 3",
	"INSERT IGNORE INTO k VALUES (1, 2, 'c'), (40, 5, 'd')",
	"INSERT IGNORE INTO k SELECT id, n, s FROM u WHERE id > 3",
	"INSERT INTO k VALUES (1, 2, 'c'), (41, 5, 'd') ON DUPLICATE KEY UPDATE n = VALUES(n) + n, s = CONCAT(s, VALUES(s))",
	"INSERT INTO k SELECT id, n, s FROM (SELECT 1 AS id, 3 AS n, 'z' AS s) d ON DUPLICATE KEY UPDATE n = n + 1",
	"REPLACE INTO k VALUES (1, 2, 'c'), (42, 5, 'd')",
	"REPLACE INTO k SELECT DISTINCT id, n, s FROM u WHERE id = 2",
	"UPDATE u SET n = n + 1",
	"UPDATE u SET n = 0, s = CONCAT(s, n) WHERE id IN (SELECT id FROM k)",
	"UPDATE u SET n = (SELECT max(n) FROM k) WHERE id = 1",
	"UPDATE k SET n = (SELECT sum(u.n) FROM u WHERE u.id = k.id) WHERE id < 10",
	"UPDATE k SET n = (SELECT count(*) FROM u WHERE u.id < k.id), s = (SELECT max(s) FROM u WHERE u.id = k.n)",
	"UPDATE k SET n = DEFAULT ORDER BY id DESC LIMIT 2",
	"DELETE FROM u WHERE n IS NULL OR s LIKE 'q%'",
	"DELETE FROM u WHERE NOT EXISTS (SELECT 1 FROM k WHERE k.id = u.id)",
	"DELETE FROM u WHERE n < (SELECT avg(n) FROM k WHERE k.id = u.id)",
	"DELETE FROM k ORDER BY n LIMIT 1",
	"MERGE INTO k USING (SELECT DISTINCT id, 3 AS n FROM u) AS s ON k.id = s.id AND s.n >= 0 WHEN MATCHED AND s.n > 5 THEN DELETE WHEN MATCHED THEN UPDATE SET n = s.n + k.n, s = DEFAULT " +
		"WHEN NOT MATCHED AND s.n IS NOT NULL THEN INSERT (id, n) VALUES (s.id, s.n * 2) WHEN NOT MATCHED BY SOURCE AND k.n < 0 THEN DELETE WHEN NOT MATCHED BY SOURCE THEN UPDATE SET n = 1",
	"MERGE INTO u USING (SELECT id, max(n) AS n, max(s) AS s FROM k GROUP BY id) s ON u.id = s.id WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *",
	"MERGE INTO k USING (SELECT DISTINCT id FROM u) s ON k.id = s.id WHEN MATCHED AND EXISTS (SELECT 1 FROM u WHERE n = 3) THEN UPDATE SET n = (SELECT max(n) FROM u)",
	"LOAD DATA LOCAL INFILE 'Reader::batches' INTO TABLE u",
	"LOAD DATA LOCAL INFILE 'Reader::batches' REPLACE INTO TABLE k (@i, n, s) SET id = @i + 100",
	"CREATE TABLE c AS SELECT u.id, sum(k.n) AS n, count(*) OVER () AS c FROM u LEFT JOIN k ON k.id = u.id GROUP BY u.id",
	"CREATE OR REPLACE TABLE c AS SELECT id, row_number() OVER (ORDER BY id) AS r FROM u",
	"TRUNCATE TABLE c",
	"DELETE FROM u",
}
