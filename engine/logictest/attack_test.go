package logictest

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
)

// canary stands in a column that the attacker may not read.
const canary = "sesame"

// attacks are statements of an account that may do everything in the database mine, and in fraud read and write the column id of
// secrets alone. WH stands for the warehouse's folder. None may show the canary, tell by its rows what it is, or move it elsewhere.
var attacks = []string{
	"SELECT word FROM fraud.secrets", "SELECT * FROM fraud.secrets", "SELECT s.* FROM fraud.secrets s", "SELECT s.word FROM fraud.secrets AS s", "TABLE fraud.secrets",
	"SELECT id FROM fraud.secrets WHERE word LIKE 'ses%'", "SELECT id FROM fraud.secrets ORDER BY word", "SELECT count(*) FROM fraud.secrets GROUP BY word",
	"SELECT id FROM fraud.secrets GROUP BY id HAVING max(word) > 'a'", "SELECT count(DISTINCT word) FROM fraud.secrets", "SELECT group_concat(word) FROM fraud.secrets",
	"SELECT id, row_number() OVER (ORDER BY word) FROM fraud.secrets", "SELECT id, first_value(word) OVER (PARTITION BY id) FROM fraud.secrets",
	"SELECT id, sum(id) OVER w FROM fraud.secrets WINDOW w AS (PARTITION BY word)", "SELECT DISTINCT word FROM fraud.secrets", "SELECT length(word) FROM fraud.secrets",
	"SELECT word FROM fraud.secrets AS OF VERSION 1", "SELECT word FROM fraud.secrets VERSION AS OF 1", "SELECT word FROM fraud.secrets FOR SYSTEM_TIME AS OF '2099-01-01'",
	"SELECT word FROM fraud.secrets@v1", "SELECT word FROM `fraud@v1`.secrets", "SELECT word FROM `fraud@2099-01-01`.secrets",
	"SELECT word FROM delta.`fraud/secrets`", "SELECT word FROM delta.`fraud/secrets` AS OF VERSION 1", "SELECT word FROM delta.`fraud/secrets@v1`", "SELECT word FROM delta.`fraud/secrets/`",
	"SELECT word FROM delta.`./fraud/secrets`", "SELECT word FROM delta.`fraud//secrets`", "SELECT word FROM delta.`mine/../fraud/secrets`", "SELECT word FROM delta.`FRAUD/SECRETS`",
	"SELECT word FROM delta.`WH/fraud/secrets`", "SELECT word FROM delta.`file://WH/fraud/secrets`", "SELECT word FROM delta.`fraud%2Fsecrets`", "SELECT word FROM DELTA.`fraud/secrets`",
	"SELECT word FROM delta.`mine/t/../../fraud/secrets`", "SELECT word FROM `delta`.`/fraud/secrets`", "SELECT word FROM delta.`fraud\\\\secrets`",
	"SELECT (SELECT word FROM fraud.secrets LIMIT 1)", "SELECT 1 WHERE EXISTS (SELECT 1 FROM fraud.secrets WHERE word = 'sesame')", "SELECT 'sesame' IN (SELECT word FROM fraud.secrets)",
	"SELECT 'a' < ALL (SELECT word FROM fraud.secrets)", "SELECT t.x FROM mine.t t WHERE t.x = (SELECT length(s.word) - 5 FROM fraud.secrets s WHERE s.id = t.x)",
	"SELECT * FROM (SELECT word FROM fraud.secrets) AS d", "SELECT * FROM (SELECT * FROM fraud.secrets) AS d (a, b)", "SELECT * FROM mine.t, LATERAL (SELECT word FROM fraud.secrets WHERE id = x) AS l",
	"WITH c AS (SELECT * FROM fraud.secrets) SELECT id FROM c", "WITH c (a, b) AS (SELECT id, word FROM fraud.secrets) SELECT b FROM c", "WITH secrets AS (SELECT * FROM fraud.secrets) SELECT * FROM secrets",
	"WITH RECURSIVE r (n, w) AS (SELECT 1, word FROM fraud.secrets UNION ALL SELECT n + 1, w FROM r WHERE n < 2) SELECT w FROM r",
	"SELECT x FROM mine.t UNION SELECT word FROM fraud.secrets", "SELECT id FROM fraud.secrets EXCEPT SELECT length(word) FROM fraud.secrets", "SELECT id FROM fraud.secrets INTERSECT SELECT length(word) - 5 FROM fraud.secrets",
	"SELECT count(*) FROM mine.w JOIN fraud.secrets USING (word)", "SELECT count(*) FROM mine.w NATURAL JOIN fraud.secrets", "SELECT count(*) FROM mine.t JOIN fraud.secrets s ON s.word = 'sesame'",
	"SELECT count(*) FROM mine.w LEFT JOIN fraud.secrets USING (word, id)", "SELECT word FROM mine.t JOIN fraud.secrets ON id = x", "SELECT * FROM mine.t ASOF JOIN fraud.secrets s ON x = s.id AND x >= s.id",
	"SELECT x FROM mine.w ASOF JOIN fraud.secrets s ON w.word = s.word AND w.id >= s.id",
	"INSERT INTO mine.w SELECT id, word FROM fraud.secrets", "INSERT INTO mine.w TABLE fraud.secrets", "REPLACE INTO mine.w SELECT * FROM fraud.secrets",
	"INSERT INTO mine.w VALUES (1, (SELECT word FROM fraud.secrets LIMIT 1))", "CREATE TABLE mine.stolen AS SELECT * FROM fraud.secrets", "CREATE TABLE mine.stolen AS TABLE fraud.secrets",
	"CREATE OR REPLACE TABLE mine.stolen AS SELECT word FROM fraud.secrets", "CREATE TABLE mine.linked LOCATION 'fraud/secrets'", "CREATE TABLE mine.linked (id INT, word STRING) LOCATION 'fraud/secrets'",
	"CREATE TABLE mine.linked SHALLOW CLONE fraud.secrets", "ALTER TABLE mine.t SET LOCATION 'fraud/secrets'", "ALTER TABLE fraud.secrets RENAME TO mine.stolen", "RENAME TABLE fraud.secrets TO mine.stolen",
	"RENAME TABLE mine.t TO fraud.secrets2", "RESTORE TABLE fraud.secrets TO VERSION AS OF 0", "ALTER TABLE fraud.secrets ADD COLUMN x INT", "TRUNCATE TABLE fraud.secrets", "DROP TABLE fraud.secrets",
	"DROP TABLE delta.`fraud/secrets`", "DELETE FROM delta.`fraud/secrets`", "INSERT INTO delta.`fraud/secrets` VALUES (9, 'x')",
	"UPDATE mine.w SET word = (SELECT word FROM fraud.secrets LIMIT 1)", "DELETE FROM mine.w WHERE word IN (SELECT word FROM fraud.secrets)", "DELETE FROM mine.w WHERE word <> (SELECT max(word) FROM fraud.secrets)",
	"UPDATE mine.w JOIN fraud.secrets s ON w.id = s.id SET w.word = s.word", "UPDATE fraud.secrets SET id = 7 WHERE word = 'sesame'", "DELETE FROM fraud.secrets WHERE word = 'sesame'",
	"UPDATE fraud.secrets SET word = 'x'", "INSERT INTO fraud.secrets VALUES (1, 'x')", "INSERT INTO fraud.secrets (id, word) VALUES (1, 'x')", "INSERT INTO fraud.secrets (id) VALUES (1) ON DUPLICATE KEY UPDATE word = 'x'",
	"MERGE INTO mine.w USING fraud.secrets s ON w.id = s.id WHEN MATCHED THEN UPDATE SET word = s.word", "MERGE INTO mine.w USING fraud.secrets s ON w.id = s.id WHEN NOT MATCHED THEN INSERT *",
	"MERGE INTO mine.w USING fraud.secrets s ON w.word = s.word WHEN MATCHED THEN DELETE", "MERGE INTO mine.w USING (SELECT * FROM fraud.secrets) s ON w.id = s.id WHEN NOT MATCHED THEN INSERT (word) VALUES (s.word)",
	"MERGE INTO mine.w USING fraud.secrets s ON w.id = s.id WHEN MATCHED AND s.word > 'a' THEN DELETE", "MERGE INTO fraud.secrets t USING mine.w s ON t.word = s.word WHEN MATCHED THEN UPDATE SET id = 7",
	"MERGE INTO mine.w USING fraud.secrets s ON w.id = s.id WHEN MATCHED THEN UPDATE SET *",
	"SELECT word INTO @w FROM fraud.secrets LIMIT 1", "SET @w = (SELECT word FROM fraud.secrets LIMIT 1)", "SELECT @w := word FROM fraud.secrets",
	"EXPLAIN SELECT id FROM fraud.secrets WHERE word = 'sesame'", "EXPLAIN ANALYZE SELECT count(*) FROM fraud.secrets WHERE word = 'sesame'", "EXPLAIN INSERT INTO mine.w SELECT * FROM fraud.secrets",
	"SELECT * FROM table_changes('fraud.secrets', 0)", "SELECT * FROM table_changes('`fraud`.`secrets`', 0, 1)", "DESCRIBE HISTORY fraud.secrets", "DESCRIBE DETAIL fraud.secrets",
	"DESCRIBE HISTORY delta.`fraud/secrets`", "SHOW CREATE TABLE fraud.hidden", "SHOW COLUMNS FROM fraud.hidden", "DESCRIBE fraud.hidden", "SHOW INDEX FROM fraud.hidden", "SHOW CREATE VIEW fraud.open",
	"SELECT * FROM fraud.hidden", "SELECT count(*) FROM fraud.hidden", "SELECT 1 FROM fraud.hidden", "CREATE TABLE mine.alike LIKE fraud.hidden", "SELECT word FROM fraud.open",
	"CREATE DEFINER = root@localhost VIEW mine.by_root AS SELECT word FROM fraud.secrets", "GRANT SELECT ON fraud.secrets TO u", "GRANT ALL ON *.* TO u", "GRANT root@localhost TO u",
	"CREATE USER v", "ALTER USER root@localhost IDENTIFIED BY 'mine'", "SET PASSWORD FOR root@localhost = 'mine'", "DROP USER root@localhost", "SHOW GRANTS FOR root@localhost", "SHOW CREATE USER root@localhost",
	"SET GLOBAL max_connections = 1", "SET PERSIST max_connections = 1", "SET @@GLOBAL.featuresql_as_of = '0'", "KILL 1",
	"CREATE VIEW mine.own AS SELECT word FROM fraud.secrets", "SELECT * FROM mine.own", "CREATE VIEW mine.all_of AS SELECT * FROM fraud.secrets", "SELECT * FROM mine.all_of",
	"CREATE SQL SECURITY INVOKER VIEW mine.mine_as AS SELECT word FROM fraud.secrets", "SELECT * FROM mine.mine_as", "SELECT * FROM mine.earlier", "SELECT id FROM mine.guess", "SELECT id FROM mine.united", "SELECT x FROM mine.nested", "SELECT word FROM mine.`over`", "SELECT word FROM mine.cte", "SELECT word FROM mine.old",
	"CREATE TABLE mine.stolen AS SELECT * FROM mine.earlier", "INSERT INTO mine.w (word) SELECT word FROM mine.earlier", "SELECT id FROM mine.t JOIN mine.earlier ON word > 'a'",
	"MERGE INTO mine.w USING mine.earlier e ON w.word = e.word WHEN MATCHED THEN DELETE", "SELECT word FROM fraud.as_invoker", "SELECT id FROM fraud.as_invoker WHERE word > 'a'",
	"SELECT s.word FROM fraud.secrets s JOIN mine.sees i ON i.id = s.id", "SELECT s.word FROM mine.sees i JOIN fraud.secrets s ON i.id = s.id", "SELECT word FROM fraud.secrets WHERE id IN (SELECT id FROM mine.sees)",
	"SELECT s.word, (SELECT max(id) FROM mine.sees) FROM fraud.secrets s", "WITH v AS (SELECT * FROM mine.sees) SELECT s.word FROM fraud.secrets s, v", "SELECT word FROM fraud.secrets UNION SELECT id FROM mine.sees",
	"INSERT INTO mine.w SELECT s.* FROM fraud.secrets s JOIN mine.sees v ON v.id = s.id", "SELECT s.word FROM fraud.secrets s JOIN information_schema.views v ON 1 = 1", "SELECT e.word FROM mine.sees v JOIN mine.earlier e",
	"SELECT load_file('WH/fraud/secrets/_delta_log/00000000000000000000.json')", "LOAD DATA INFILE 'WH/fraud/secrets/_delta_log/00000000000000000001.json' INTO TABLE mine.w",
	"SELECT * FROM mine.t INTO OUTFILE 'WH/mine/t/_delta_log/00000000000000000009.json'", "SELECT * FROM delta.`_featuresql/accounts`",
	"CREATE TABLE delta.`_featuresql/accounts` (id INT)", "CREATE TABLE mine.`../fraud/x` (id INT)", "CREATE TABLE mine.`_delta_log` (id INT) LOCATION 'fraud/secrets/_delta_log'",
	"CREATE TABLE mine.inside (id INT) LOCATION 'fraud/secrets/inside'", "CREATE TABLE mine.inside (id INT) LOCATION 'fraud/inside'",
}

// allowed are statements of the same account that go through: what attacks must not be refused for.
var allowed = []string{
	"SELECT id FROM fraud.secrets", "SELECT count(*) FROM fraud.secrets", "SELECT id FROM fraud.secrets AS OF VERSION 1 WHERE id > 0 ORDER BY id", "SELECT id FROM delta.`fraud/secrets`",
	"SELECT x FROM mine.t JOIN fraud.secrets ON x = id", "INSERT INTO fraud.secrets (id) VALUES (5)", "INSERT INTO mine.t SELECT id FROM fraud.secrets", "WITH c AS (SELECT id FROM fraud.secrets) SELECT * FROM c",
	"MERGE INTO mine.t USING (SELECT id FROM fraud.secrets) s ON t.x = s.id WHEN NOT MATCHED THEN INSERT (x) VALUES (s.id)", "CREATE VIEW mine.ids AS SELECT id FROM fraud.secrets", "SELECT * FROM mine.ids", "SELECT * FROM mine.sees", "SELECT v.id FROM mine.sees v JOIN fraud.secrets s ON s.id = v.id",
}

// stolen runs a statement, as text or prepared, and returns its code with everything that it shows.
func stolen(ctx context.Context, db *sql.DB, st string, prepared bool) (code int, shown string) {
	if prepared {
		code, shown = prepareAndRun(ctx, db, st)
		return code, shown
	}
	rows, err := db.QueryContext(ctx, st)
	if err != nil {
		return run(ctx, db, st)
	}
	defer rows.Close()
	columns, _ := rows.Columns()
	var text strings.Builder
	for rows.Next() {
		vals, dest := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range vals {
			dest[i] = &vals[i]
		}
		_ = rows.Scan(dest...)
		fmt.Fprintln(&text, vals)
	}
	if rows.Err() != nil {
		return -1, rows.Err().Error()
	}
	return 0, text.String()
}

// TestColumnsCannotBeStolen tries to read, guess, move and change a column that is not granted.
func TestColumnsCannotBeStolen(t *testing.T) {
	s := newSecured(t)
	s.exec(s.root, "CREATE DATABASE mine", "CREATE TABLE fraud.secrets (id INT, word STRING)", "INSERT INTO fraud.secrets VALUES (1, '"+canary+"')",
		"CREATE TABLE fraud.hidden (id INT, word STRING)", "CREATE VIEW fraud.open AS SELECT id, word FROM fraud.secrets",
		"CREATE TABLE mine.t (x INT)", "CREATE TABLE mine.w (id INT, word STRING)", "INSERT INTO mine.t VALUES (1)", "INSERT INTO mine.w VALUES (1, '"+canary+"')",
		"CREATE USER u IDENTIFIED WITH mysql_native_password BY 'pw'", "GRANT ALL ON mine.* TO u", "GRANT SELECT, INSERT (id), UPDATE (id) ON fraud.secrets TO u")
	u := s.open("u", "pw", "mine")
	s.exec(u, "CREATE VIEW earlier AS SELECT word FROM fraud.secrets", "CREATE VIEW sees AS SELECT id FROM fraud.secrets", "CREATE VIEW united AS SELECT id FROM fraud.secrets UNION SELECT length(word) FROM fraud.secrets", "CREATE VIEW nested AS SELECT x FROM t WHERE EXISTS (SELECT 1 FROM fraud.secrets WHERE word > 'a')",
		"CREATE VIEW `over` AS SELECT * FROM earlier", "CREATE VIEW cte AS WITH c AS (SELECT * FROM fraud.secrets) SELECT word FROM c", "CREATE VIEW old AS SELECT word FROM fraud.secrets AS OF VERSION 1", "CREATE VIEW guess AS SELECT id FROM fraud.secrets WHERE word LIKE 's%'")
	s.exec(s.root, "CREATE SQL SECURITY INVOKER VIEW fraud.as_invoker AS SELECT * FROM fraud.secrets", "GRANT SELECT ON fraud.as_invoker TO u", "REVOKE SELECT ON fraud.secrets FROM u", "GRANT SELECT (id) ON fraud.secrets TO u")
	for _, prepared := range []bool{false, true} {
		for _, st := range attacks {
			st = strings.ReplaceAll(st, "WH", s.dir)
			if code, shown := stolen(t.Context(), u, st, prepared); code == 0 && !strings.HasPrefix(st, "SELECT load_file") {
				t.Errorf("%s (prepared %t) went through: %s", st, prepared, shown)
			} else if strings.Contains(shown, canary) && !strings.Contains(st, canary) {
				t.Errorf("%s (prepared %t): %d %s", st, prepared, code, shown)
			}
		}
	}
	for _, st := range allowed {
		if code, message := run(t.Context(), u, st); code != 0 {
			t.Errorf("%s: %d %s", st, code, message)
		}
	}
	for name, code := range map[string]int{"information_schema.tables WHERE table_name IN ('hidden', 'open')": 0, "information_schema.columns WHERE column_name = 'word' AND table_schema = 'fraud'": 0,
		"information_schema.views WHERE table_schema = 'fraud' AND table_name <> 'as_invoker'": 0, "information_schema.statistics WHERE table_schema = 'fraud'": 0} {
		var n int
		if err := u.QueryRowContext(t.Context(), "SELECT count(*) FROM "+name).Scan(&n); err != nil || n != code {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
	if code, message := run(t.Context(), s.root, "SELECT * FROM mine.earlier"); code != 1356 {
		t.Errorf("root reads more than the definer: %d %s", code, message)
	}
	var sum int
	if err := s.root.QueryRowContext(t.Context(), "SELECT count(*) FROM fraud.secrets WHERE id = 1 AND word = '"+canary+"'").Scan(&sum); err != nil || sum != 1 {
		t.Errorf("afterwards the secret is there %d times: %v", sum, err)
	}
}
