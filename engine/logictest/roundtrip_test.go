package logictest

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/engine"
)

// TestShowCreateTable runs what SHOW CREATE TABLE gives back in another database: the new table must show the same, and
// take the same rows.
func TestShowCreateTable(t *testing.T) {
	db := serve(t, engine.Options{})
	exec := func(query string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	exec("CREATE DATABASE copies")
	for i, definition := range []string{
		"(id BIGINT)",
		"(id BIGINT, d DECIMAL(38,38)) TBLPROPERTIES ('delta.enableRowTracking' = 'true', 'delta.enableChangeDataFeed' = 'true')",
		`(id BIGINT NOT NULL COMMENT 'it''s the "key" \\ and
more', n INT UNSIGNED DEFAULT 7, v VARCHAR(5) DEFAULT 'a''b\\', c CHAR(2), e ENUM('x', 'y''z', 'q\\'), b BOOLEAN DEFAULT true, at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
			dt DATETIME, day DATE DEFAULT DATE '2026-01-02', today DATE DEFAULT CURRENT_DATE, d DECIMAL(10,2) DEFAULT -1.5, u DECIMAL(5,1) UNSIGNED, t TINYINT, m MEDIUMINT, y YEAR, s SMALLINT,
			f FLOAT, g DOUBLE, j JSON, bin BINARY DEFAULT x'00ff', vb VARBINARY(4), p STRING, ` + "`odd ``name` INT" + `,
			PRIMARY KEY (id, p), CONSTRAINT positive CHECK (d > 0 OR n < 5), CHECK (t <> 3))
			PARTITIONED BY (p, day) COMMENT 'a ''comment'' */ here' TBLPROPERTIES ('delta.enableDeletionVectors' = 'true', 'owner' = 'me; */ it''s', 'delta.checkpointInterval' = '5')`,
		`(id INT, s STRUCT<a: INT NOT NULL, ` + "`b c`" + `: ARRAY<STRING> COMMENT 'in''ner'>, m MAP<STRING, DECIMAL(5,2)>, a ARRAY<ARRAY<TIMESTAMP_NTZ>> NOT NULL COMMENT 'deep')
			TBLPROPERTIES ('delta.columnMapping.mode' = 'name', 'delta.enableInCommitTimestamps' = 'true')`,
	} {
		name := fmt.Sprintf("t%d", i)
		exec("CREATE TABLE " + name + " " + definition)
		text := shownCreate(t, db, "`default`."+name)
		if !strings.HasPrefix(text, "CREATE TABLE `"+name+"` (\n  `id` ") || strings.Count(text, "\n") != strings.Count(text, "\n  ")+1 {
			t.Errorf("not laid out as MySQL does:\n%s", text)
		}
		exec(strings.Replace(text, "CREATE TABLE ", "CREATE TABLE copies.", 1))
		if again := shownCreate(t, db, "copies."+name); again != text {
			t.Errorf("the copy differs:\n%s\n%s", text, again)
		}
		want(t, rowsOf(t, db, "DESCRIBE copies."+name), rowsOf(t, db, "DESCRIBE "+name)...)
		exec("INSERT INTO copies." + name + " SELECT * FROM " + name)
	}
}

func shownCreate(t *testing.T, db *sql.DB, table string) string {
	t.Helper()
	var name, text string
	must(t, db.QueryRowContext(t.Context(), "SHOW CREATE TABLE "+table).Scan(&name, &text))
	return text
}
