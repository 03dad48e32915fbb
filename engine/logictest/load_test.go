package logictest

import (
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/featuresql/featuresql/engine"
)

// loader sends texts as files of the client.
type loader struct {
	t    *testing.T
	conn *sql.Conn
	n    int
}

func newLoader(t *testing.T, opts engine.Options) *loader {
	t.Helper()
	conn, err := serve(t, opts).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &loader{t: t, conn: conn}
}

// load runs LOAD DATA; a %s in the statement is the file.
func (l *loader) load(statement string, text func() io.Reader) (int64, error) {
	l.t.Helper()
	l.n++
	name := fmt.Sprintf("%s %d", l.t.Name(), l.n)
	mysql.RegisterReaderHandler(name, text)
	defer mysql.DeregisterReaderHandler(name)
	res, err := l.conn.ExecContext(l.t.Context(), strings.Replace(statement, "%s", "'Reader::"+name+"'", 1))
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (l *loader) exec(statements ...string) {
	l.t.Helper()
	for _, s := range statements {
		if _, err := l.conn.ExecContext(l.t.Context(), s); err != nil {
			l.t.Fatalf("%s: %v", s, err)
		}
	}
}

// want runs a query of one text column.
func (l *loader) want(query, want string) {
	l.t.Helper()
	rows, err := l.conn.QueryContext(l.t.Context(), query)
	if err != nil {
		l.t.Fatal(err)
	}
	defer rows.Close()
	var got []string
	for rows.Next() {
		var s sql.NullString
		if err := rows.Scan(&s); err != nil {
			l.t.Fatal(err)
		}
		got = append(got, s.String)
	}
	if out := strings.Join(got, ";"); out != want {
		l.t.Errorf("%s\n%s\nwant\n%s", query, out, want)
	}
}

const itemRows = `SELECT concat_ws('|', coalesce(id, 'NULL'), coalesce(name, 'NULL'), coalesce(price, 'NULL'), coalesce(day, 'NULL')) FROM items ORDER BY id`

// TestLoadData loads files of every format into a table with a key, defaults and several types.
func TestLoadData(t *testing.T) {
	l := newLoader(t, engine.Options{})
	for _, c := range []struct{ clauses, text, want, warnings string }{
		{"", "1\tone\t1.5\t2026-01-01\n2\t\\N\t\\N\t\\N\n", "1|one|1.50|2026-01-01;2|NULL|NULL|NULL", ""},
		{"FIELDS TERMINATED BY ',' ENCLOSED BY '\"' LINES TERMINATED BY '\\r\\n' IGNORE 1 ROWS", "id,name\r\n\"1\",\"a, \"\"b\"\"\",NULL,\"2026-01-01\"\r\n",
			`1|a, "b"|NULL|2026-01-01`, ""},
		{"COLUMNS TERMINATED BY '||' LINES STARTING BY 'x ' TERMINATED BY ';'", "no;x 1||a||2||2026-01-01;junk x 2||b||3||2026-01-02", "1|a|2.00|2026-01-01;2|b|3.00|2026-01-02", ""},
		{"(id, name)", "1\ta\n2\tb\n", "1|a|7.00|NULL;2|b|7.00|NULL", ""},
		{"(name, id, @x, @y) SET price = @x * 2, day = date_add(@y, INTERVAL 1 DAY), name = upper(name)", "a\t1\t2.5\t2026-01-01\n", "1|A|5.00|2026-01-02", ""},
		{"(id, @skip, name) SET day = DEFAULT", "1\tno\tyes\n", "1|yes|7.00|NULL", ""},
		{"", "1\ta\n2\tb\t1\t2026-01-01\tmore\n\n", "0|NULL|7.00|NULL;1|a|7.00|NULL;2|b|1.00|2026-01-01", "1261;1261;1262;1366"},
		{"", "1\ta\tx\t2026-13-01\n1\tb\t1\t2026-01-01\n", "1|a|0.00|NULL", "1062;1292;1366"},
		{"CHARACTER SET latin1", "1\t\xe4\x80\x81\t1\t2026-01-01\n", "1|ä€\u0081|1.00|2026-01-01", ""},
		{"FIELDS ESCAPED BY '' (id, name)", "1\t\\N\n2\tNULL\n", `1|\N|7.00|NULL;2|NULL|7.00|NULL`, ""},
		{"", "", "", ""},
	} {
		l.exec("DROP TABLE IF EXISTS items", "CREATE TABLE items (id BIGINT PRIMARY KEY, name VARCHAR(20), price DECIMAL(10,2) DEFAULT 7, day DATE)")
		_, err := l.load("LOAD DATA LOCAL INFILE %s INTO TABLE items "+c.clauses, func() io.Reader { return strings.NewReader(c.text) })
		if err != nil {
			t.Errorf("%s: %v", c.clauses, err)
			continue
		}
		l.warnings(c.clauses, c.warnings)
		l.want(itemRows, c.want)
	}
}

// warnings compares the codes of SHOW WARNINGS.
func (l *loader) warnings(of, want string) {
	l.t.Helper()
	rows, err := l.conn.QueryContext(l.t.Context(), "SHOW WARNINGS")
	if err != nil {
		l.t.Fatal(err)
	}
	defer rows.Close()
	var codes []string
	for rows.Next() {
		var level, code, message string
		if err := rows.Scan(&level, &code, &message); err != nil {
			l.t.Fatal(err)
		}
		codes = append(codes, code)
	}
	slices.Sort(codes)
	if got := strings.Join(codes, ";"); got != want {
		l.t.Errorf("%s: warnings %s, want %s", of, got, want)
	}
}

// TestLoadDataReplaces: REPLACE takes the new rows, IGNORE keeps the old ones.
func TestLoadDataReplaces(t *testing.T) {
	l := newLoader(t, engine.Options{})
	l.exec("CREATE TABLE items (id BIGINT PRIMARY KEY, name VARCHAR(20), price DECIMAL(10,2), day DATE)", "INSERT INTO items VALUES (1, 'old', NULL, NULL)")
	text := func() io.Reader { return strings.NewReader("1\tnew\t1\t2026-01-01\n2\tnew\t1\t2026-01-01\n") }
	if n, err := l.load("LOAD DATA LOW_PRIORITY LOCAL INFILE %s IGNORE INTO TABLE items", text); n != 1 || err != nil {
		t.Error(n, err)
	}
	l.want(itemRows, "1|old|NULL|NULL;2|new|1.00|2026-01-01")
	if n, err := l.load("LOAD DATA LOCAL INFILE %s REPLACE INTO TABLE items", text); n != 3 || err != nil { // the second row is what it was
		t.Error(n, err)
	}
	l.want(itemRows, "1|new|1.00|2026-01-01;2|new|1.00|2026-01-01")
}

// TestLoadDataLong sends a file that does not stay in memory, within a transaction.
func TestLoadDataLong(t *testing.T) {
	const lines = 300_000
	l := newLoader(t, engine.Options{})
	l.exec("CREATE TABLE items (id BIGINT, name VARCHAR(100))", "BEGIN")
	line := strings.Repeat("x", 60) + "\n"
	text := func() io.Reader {
		in, out := io.Pipe()
		go func() {
			for i := range lines {
				if _, err := fmt.Fprintf(out, "%d\t%s", i, line); err != nil {
					return
				}
			}
			_ = out.Close()
		}()
		return in
	}
	if n, err := l.load("LOAD DATA LOCAL INFILE %s INTO TABLE items", text); n != lines || err != nil {
		t.Fatal(n, err)
	}
	l.want("SELECT concat(count(*), ' ', sum(id), ' ', min(length(name))) FROM items", fmt.Sprintf("%d %d 60", lines, lines*(lines-1)/2))
	l.exec("ROLLBACK")
	l.want("SELECT count(*) FROM items", "0")
}

// TestLoadDataErrors: what cannot be loaded fails as in MySQL, leaves nothing, and the connection goes on.
func TestLoadDataErrors(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	for path, text := range map[string]string{dir + "/ok.csv": "1,a\n2,b\n", dir + "/short.csv": "1\n", dir + "/long.csv": "1,a,x\n", dir + "/bad.csv": "x,a\n",
		dir + "/twice.csv": "1,a\n1,b\n", dir + "/quote.csv": "1,'a\n", dir + "/binary.csv": "1,\xff\n", out + "/secret": "1,a\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(out+"/secret", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	l := newLoader(t, engine.Options{FileDir: dir})
	l.exec("CREATE TABLE k (id BIGINT PRIMARY KEY, name VARCHAR(20))")
	const into = " INTO TABLE k FIELDS TERMINATED BY ',' ENCLOSED BY ''''"
	for statement, code := range map[string]int{
		"LOAD DATA INFILE '" + filepath.Join(out, "secret") + "'" + into: 1290, "LOAD DATA INFILE '../x'" + into: 1290,
		"LOAD DATA INFILE 'link'" + into: 29, "LOAD DATA INFILE 'missing'" + into: 29, "LOAD DATA INFILE '/etc/passwd'" + into: 1290,
		"LOAD DATA INFILE 'short.csv'" + into: 1261, "LOAD DATA INFILE 'long.csv'" + into: 1262, "LOAD DATA INFILE 'bad.csv'" + into: 1366,
		"LOAD DATA INFILE 'twice.csv'" + into: 1062, "LOAD DATA INFILE 'quote.csv'" + into: 1300, "LOAD DATA INFILE 'binary.csv'" + into: 1300,
		"LOAD DATA INFILE 'ok.csv' INTO TABLE k (id, nope)": 1054, "LOAD DATA INFILE 'ok.csv' INTO TABLE k (id, id)": 1110,
		"LOAD DATA INFILE 'ok.csv' INTO TABLE nowhere": 1146, "LOAD DATA INFILE 'ok.csv' INTO TABLE k CHARACTER SET koi8r": 1235,
		"LOAD DATA INFILE 'ok.csv' INTO TABLE k FIELDS TERMINATED BY ''": 1235, "LOAD DATA INFILE 'ok.csv' INTO TABLE k FIELDS ESCAPED BY 'ab'": 1064,
		"LOAD DATA INFILE 'ok.csv' INTO TABLE k (id) SET name = nope": 1054,
	} {
		_, err := l.conn.ExecContext(t.Context(), statement)
		var e *mysql.MySQLError
		if !errors.As(err, &e) || int(e.Number) != code {
			t.Errorf("%s: %v, want %d", statement, err, code)
		}
	}
	l.want("SELECT count(*) FROM k", "0")
	l.exec("LOAD DATA INFILE '" + dir + "/ok.csv'" + into)
	l.want("SELECT concat(id, name) FROM k ORDER BY id", "1a;2b")
	if _, err := l.load("LOAD DATA LOCAL INFILE %s INTO TABLE nowhere", func() io.Reader { return strings.NewReader("1\n") }); err == nil {
		t.Error("loaded into no table")
	}
	broken := errors.New("broken")
	if _, err := l.load("LOAD DATA LOCAL INFILE %s INTO TABLE k", func() io.Reader {
		return io.MultiReader(strings.NewReader("7\tx\n"), &failing{broken})
	}); err == nil {
		t.Error("a file that the client cannot read was loaded")
	}
	l.want("SELECT 'still here'", "still here")
	l.exec("SET GLOBAL local_infile = 0")
	defer l.exec("SET GLOBAL local_infile = 1")
	if _, err := l.load("LOAD DATA LOCAL INFILE %s INTO TABLE k", func() io.Reader { return strings.NewReader("9\tx\n") }); err == nil || !strings.Contains(err.Error(), "3948") {
		t.Error(err)
	}
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

// TestLoadDataBeyondPacket sends a file that is greater than any command may be.
func TestLoadDataBeyondPacket(t *testing.T) {
	const lines = 1200
	l := newLoader(t, engine.Options{})
	l.exec("CREATE TABLE texts (s LONGTEXT)")
	line := strings.Repeat("x", 60_000) + "\n"
	text := func() io.Reader {
		in, out := io.Pipe()
		go func() {
			for range lines {
				if _, err := io.WriteString(out, line); err != nil {
					return
				}
			}
			_ = out.Close()
		}()
		return in
	}
	if n, err := l.load("LOAD DATA LOCAL INFILE %s INTO TABLE texts", text); n != lines || err != nil {
		t.Fatal(n, err)
	}
	l.want("SELECT concat(count(*), ' ', sum(length(s))) FROM texts", fmt.Sprintf("%d %d", lines, lines*60_000))
}

// TestLoadDataSideBySide: the lines of a file of many sections, decoded side by side, are taken in their order where that counts, and
// have their numbers in messages.
func TestLoadDataSideBySide(t *testing.T) {
	const lines, keys = 300_000, 70_000
	dir := t.TempDir()
	l := newLoader(t, engine.Options{FileDir: dir})
	l.exec("CREATE TABLE first (id BIGINT PRIMARY KEY, n BIGINT, x DOUBLE)", "CREATE TABLE last LIKE first", "CREATE TABLE every (id BIGINT, n BIGINT, x DOUBLE)")
	var text strings.Builder
	for i := range lines {
		fmt.Fprintf(&text, "%d,%d,\"%d.25\"\n", i*7919%keys, i, i)
	}
	file := func() io.Reader { return strings.NewReader(text.String()) }
	const form = " FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"'"
	for table, affected := range map[string]int64{"first": keys, "last REPLACE": 2*lines - keys, "every": lines} {
		table, how, _ := strings.Cut(table, " ")
		if n, err := l.load("LOAD DATA LOCAL INFILE %s "+how+" INTO TABLE "+table+form, file); n != affected || err != nil {
			t.Errorf("%s: %d rows, %v", table, n, err)
		}
	}
	sum := func(from int) (sum int) {
		for i := from; i < from+keys; i++ {
			sum += i * 10
		}
		return sum
	}
	const sums = "SELECT concat(count(*), ' ', count(DISTINCT id), ' ', sum(n * 10), ' ', sum(x = n + 0.25)) FROM "
	l.want(sums+"first", fmt.Sprintf("%d %d %d %d", keys, keys, sum(0), keys))
	l.want(sums+"last", fmt.Sprintf("%d %d %d %d", keys, keys, sum(lines-keys), keys))
	l.want(sums+"every", fmt.Sprintf("%d %d %d %d", lines, keys, lines*(lines-1)/2*10, lines))

	var once strings.Builder // no key repeats, nor do they ascend
	for i := range 150_000 {
		fmt.Fprintf(&once, "%d,%d,0\n", i*7919%150_000, i)
	}
	l.exec("CREATE TABLE once LIKE first", "INSERT INTO once VALUES (150001, -1, 0)")
	for _, c := range []struct {
		how      string
		affected int64
	}{{"", 150_000}, {"", 0}, {"REPLACE", 0}} {
		if n, err := l.load("LOAD DATA LOCAL INFILE %s "+c.how+" INTO TABLE once"+form, func() io.Reader { return strings.NewReader(once.String()) }); n != c.affected && c.how == "" || err != nil {
			t.Errorf("%s: %d rows, %v", c.how, n, err)
		}
		l.want("SELECT concat(count(*), ' ', count(DISTINCT id), ' ', sum(n)) FROM once", fmt.Sprintf("150001 150001 %d", 150_000*149_999/2-1))
	}

	bad := strings.Replace(text.String(), ",290000,", ",no number,", 1)
	if err := os.WriteFile(dir+"/bad.csv", []byte("head\n"+bad), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := l.conn.ExecContext(t.Context(), "LOAD DATA INFILE 'bad.csv' INTO TABLE every"+form+" IGNORE 1 LINES")
	var e *mysql.MySQLError
	if !errors.As(err, &e) || e.Message != "Incorrect integer value: 'no number' for column 'n' at row 290001" {
		t.Error(err)
	}
	short := strings.Replace(text.String(), ",\"250000.25\"", "", 1)
	if n, err := l.load("LOAD DATA LOCAL INFILE %s INTO TABLE every"+form, func() io.Reader { return strings.NewReader(short) }); n != lines || err != nil {
		t.Error(n, err)
	}
	var level, code, message string
	if err := l.conn.QueryRowContext(t.Context(), "SHOW WARNINGS").Scan(&level, &code, &message); err != nil || message != "Row 250001 doesn't contain data for all columns" {
		t.Error(message, err)
	}
}
