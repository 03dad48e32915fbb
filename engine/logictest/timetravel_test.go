package logictest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/featuresql/featuresql/engine"
)

// travelWant is what every statement finds in a table t whose version k has k rows, the ids 1 to k, and was committed at
// noon of January 1+k, 2026, for k = 0 to 4.
const travelWant = 3

// An argument is a way to say version 3, or a time within its day. @u is a user variable and ? a parameter; both hold value.
type argument struct {
	text  string
	value any
}

var versionArguments = []argument{
	{"3", nil}, {"1 + 2", nil}, {"abs(-3)", nil}, {"CAST('3' AS SIGNED)", nil}, {"(4 - 1)", nil}, {"@u", 3}, {"@u + 1", 2}, {"?", 3}, {"? + ?", nil}, {"'3'", nil},
}

var timeArguments = []argument{
	{"'2026-01-04 18:00:00'", nil}, {"'2026-01-04 18:00:00.123456'", nil}, {"'2026-01-05'", nil}, {"TIMESTAMP '2026-01-04 18:00:00'", nil}, {"DATE '2026-01-05'", nil},
	{"'2026-01-05 06:00:00' - INTERVAL 12 HOUR", nil}, {"date_add('2026-01-03 18:00:00', INTERVAL 1 DAY)", nil},
	{"CAST('2026-01-04 18:00:00' AS DATETIME)", nil}, {"@u", "2026-01-04 18:00:00"}, {"?", "2026-01-04 18:00:00"}, {"? - INTERVAL 1 DAY", "2026-01-05 18:00:00"},
}

var versionSpellings = []string{"%s AS OF VERSION %s", "%s VERSION AS OF %s", "%s FOR VERSION AS OF %s", "%s AS OF %s"}

var timeSpellings = []string{"%s AS OF TIMESTAMP %s", "%s TIMESTAMP AS OF %s", "%s FOR SYSTEM_TIME AS OF %s", "%s FOR TIMESTAMP AS OF %s", "%s AS OF %s"}

// pinned are the spellings that take no expression.
var pinned = []string{"%s@v3", "%s@20260104180000000"}

// A place is where a table can stand; %[1]s is the table, at a version. The statement's value, or the number of rows of c after it, is 3.
type place struct {
	text  string
	write bool // of table c, which holds the ids 1 to 4 before
	plain bool // takes neither variables nor parameters
}

var places = []place{
	{text: "SELECT count(*) FROM %[1]s"},
	{text: "SELECT count(*) FROM %[1]s AS x WHERE x.id > 0"},
	{text: "select /* t AS OF VERSION 1 */ max(`x`.id) from %[1]s x where x.v <> 't AS OF VERSION 1' -- t@v1\n"},
	{text: "SELECT count(*) FROM %[1]s a JOIN t b ON a.id = b.id"},
	{text: "SELECT count(*) FROM t AS OF VERSION 4 a LEFT JOIN %[1]s b ON a.id = b.id WHERE b.id IS NOT NULL"},
	{text: "SELECT count(*) FROM %[1]s a JOIN %[1]s b USING (id)"},
	{text: "SELECT count(*) FROM (SELECT * FROM %[1]s WHERE id <= 4) x"},
	{text: "SELECT (SELECT count(*) FROM %[1]s)"},
	{text: "SELECT count(*) FROM t WHERE id IN (SELECT id FROM %[1]s)"},
	{text: "SELECT count(*) FROM t o WHERE EXISTS (SELECT 1 FROM %[1]s i WHERE i.id = o.id)"},
	{text: "WITH c AS (SELECT id FROM %[1]s) SELECT count(*) FROM c"},
	{text: "SELECT count(*) FROM t@v4 o WHERE o.id <= ANY (SELECT i.id FROM %[1]s AS i)"},
	{text: "SELECT max(id) FROM (SELECT id FROM t@v1 UNION ALL (SELECT id FROM %[1]s ORDER BY id DESC LIMIT 1)) u"},
	{text: "SELECT max(n) FROM (SELECT row_number() OVER (ORDER BY id) AS n FROM %[1]s) x"},
	{text: "SELECT count(*) FROM (SELECT id FROM %[1]s UNION SELECT id FROM t@v2) u"},
	{text: "SELECT max(r.id) FROM (SELECT 1 AS k, id FROM t AS OF VERSION 4) l ASOF JOIN (SELECT 1 AS k, id FROM %[1]s) r ON l.k = r.k AND l.id >= r.id"},
	{text: "SELECT count(*) FROM t AS OF VERSION 4 l ASOF LEFT JOIN %[1]s r ON l.v = r.v AND l.id >= r.id WHERE r.id IS NOT NULL"},
	{text: "CREATE OR REPLACE VIEW w AS SELECT count(*) AS n FROM %[1]s; SELECT n FROM w", plain: true},
	{text: "CREATE OR REPLACE TABLE c AS SELECT id FROM %[1]s", write: true},
	{text: "DELETE FROM c WHERE id NOT IN (SELECT id FROM %[1]s)", write: true},
	{text: "MERGE INTO c USING %[1]s s ON c.id = s.id WHEN NOT MATCHED BY SOURCE THEN DELETE", write: true},
	{text: "UPDATE c SET id = NULL WHERE id > (SELECT max(id) FROM %[1]s)", write: true},
	{text: "INSERT INTO c SELECT -id FROM %[1]s", write: true},
}

// journey runs cases on one connection.
type journey struct {
	t     *testing.T
	conn  *sql.Conn
	cases int
}

func (j *journey) exec(text string, args ...any) error {
	_, err := j.conn.ExecContext(j.t.Context(), text, args...)
	return err
}

// TestTimeTravelEverywhere puts every spelling with every kind of argument into every place, over text and prepared statements.
func TestTimeTravelEverywhere(t *testing.T) {
	addr := travelServer(t)
	total := 0
	for _, protocol := range []string{"interpolateParams=true", "interpolateParams=false", "prepared"} {
		db, err := sql.Open("mysql", "root@tcp("+addr+")/default?multiStatements=true&"+protocol)
		must(t, err)
		t.Cleanup(func() { _ = db.Close() })
		conn, err := db.Conn(t.Context())
		must(t, err)
		j := &journey{t: t, conn: conn}
		for _, p := range places {
			j.visit(p, "t", protocol)
			if !p.write && protocol == "prepared" {
				j.visit(p, "`default`.`t`", protocol)
			}
		}
		total += j.cases
		must(t, conn.Close())
	}
	if t.Logf("%d cases", total); total < 3000 {
		t.Errorf("only %d cases", total)
	}
}

// visit tries every spelling and argument in a place; writes, which cost a commit, get each kind of argument once.
func (j *journey) visit(p place, name, protocol string) {
	for i, spelling := range versionSpellings {
		for k, a := range versionArguments {
			if !p.write || k%len(versionSpellings) == i {
				j.try(p, fmt.Sprintf(spelling, name, a.text), a, protocol)
			}
		}
	}
	for i, spelling := range timeSpellings {
		for k, a := range timeArguments {
			if strings.HasSuffix(spelling, "s AS OF %s") && a.value == nil && !strings.HasPrefix(a.text, "TIMESTAMP") {
				continue // what is read as a version
			}
			if !p.write || k%len(timeSpellings) == i {
				j.try(p, fmt.Sprintf(spelling, name, a.text), a, protocol)
			}
		}
	}
	for _, spelling := range pinned {
		j.try(p, fmt.Sprintf(spelling, name), argument{}, protocol)
	}
}

func (j *journey) try(p place, table string, a argument, protocol string) {
	j.t.Helper()
	prepared := protocol == "prepared"
	parameters := strings.Contains(a.text, "?")
	if p.plain && (parameters || prepared || strings.Contains(a.text, "@")) || protocol == "interpolateParams=false" && !parameters {
		return
	}
	j.cases++
	text := fmt.Sprintf(p.text, table)
	if strings.Contains(a.text, "@u") {
		must(j.t, j.exec("SET @u = ?", a.value))
	}
	if p.write {
		must(j.t, j.exec("CREATE OR REPLACE TABLE c AS SELECT id FROM t"))
	}
	var args []any
	for range strings.Count(text, "?") {
		if a.value == nil {
			args = append(args, []any{1, 2}[len(args)%2])
		} else {
			args = append(args, a.value)
		}
	}
	got, err := j.value(p, text, args, prepared)
	if want := int64(travelWant); err != nil || got != want {
		j.t.Errorf("%s %v: %d, %v; want %d", text, args, got, err, want)
	}
}

func (j *journey) value(p place, text string, args []any, prepared bool) (got int64, err error) {
	ctx := j.t.Context()
	if p.write {
		if err := j.run(ctx, text, args, prepared); err != nil {
			return 0, err
		}
		err := j.conn.QueryRowContext(ctx, "SELECT count(*) FROM c WHERE id BETWEEN 1 AND 3 AND (SELECT count(*) FROM c WHERE id < 0) IN (0, 3)").Scan(&got)
		return got, err
	}
	if prepared {
		st, err := j.conn.PrepareContext(ctx, text)
		if err != nil {
			return 0, err
		}
		defer func() { _ = st.Close() }()
		return got, st.QueryRowContext(ctx, args...).Scan(&got)
	}
	rows, err := j.conn.QueryContext(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	defer func() { _ = rows.Close() }()
	for more := true; more; more = rows.NextResultSet() {
		for rows.Next() {
			if err := rows.Scan(&got); err != nil {
				return 0, err
			}
		}
	}
	return got, rows.Err()
}

func (j *journey) run(ctx context.Context, text string, args []any, prepared bool) error {
	if !prepared {
		return j.exec(text, args...)
	}
	st, err := j.conn.PrepareContext(ctx, text)
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }()
	_, err = st.ExecContext(ctx, args...)
	return err
}

// travelServer serves the table, as a server finds it that did not write it.
func travelServer(t *testing.T) (addr string) {
	t.Helper()
	warehouse := t.TempDir()
	e, err := engine.Open(t.Context(), engine.Options{Warehouse: warehouse, TempDir: t.TempDir()})
	must(t, err)
	s := e.Session("default")
	for _, text := range []string{"CREATE TABLE t (id INT, v STRING)", "INSERT INTO t VALUES (1, 'a')", "INSERT INTO t VALUES (2, 'b')", "INSERT INTO t VALUES (3, 'c')", "INSERT INTO t VALUES (4, 'd')"} {
		_, err := s.Query(t.Context(), text)
		must(t, err)
	}
	must(t, e.Close())
	for k := range 5 {
		at := time.Date(2026, 1, 1+k, 12, 0, 0, 0, time.UTC)
		must(t, os.Chtimes(filepath.Join(warehouse, "t", "_delta_log", fmt.Sprintf("%020d.json", k)), at, at))
	}
	_, _, addr = serveAt(t, engine.Options{Warehouse: warehouse})
	return addr
}
