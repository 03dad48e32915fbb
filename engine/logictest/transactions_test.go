package logictest

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/featuresql/featuresql/engine"
)

var (
	schedules = flag.Int("transactions", 24, "how many random schedules of transactions to compare with a model")
	firstSeed = flag.Uint64("first", 1, "the seed of the first schedule")
)

// layouts are those of the tables of TestTransactionsAgainstModel.
var layouts = []struct {
	text         string
	serializable bool
	batch        int
}{
	{"", false, 0},
	{"TBLPROPERTIES ('delta.enableDeletionVectors'='true')", false, 0},
	{"PARTITIONED BY (n) TBLPROPERTIES ('delta.enableDeletionVectors'='true', 'delta.checkpointInterval'='4')", false, 3},
	{"TBLPROPERTIES ('delta.enableDeletionVectors'='true', 'delta.isolationLevel'='Serializable')", true, 0},
	{"PARTITIONED BY (n) TBLPROPERTIES ('delta.isolationLevel'='Serializable', 'delta.columnMapping.mode'='name')", true, 3},
	{"TBLPROPERTIES ('delta.enableDeletionVectors'='true', 'delta.enableChangeDataFeed'='true', 'delta.enableRowTracking'='true')", false, 3},
}

// TestTransactionsAgainstModel runs statements of three connections, one at a time, and compares what each answers with a
// model: rows of SELECT at the transaction's snapshot with its own writes, affected rows, errors, and the versions of the tables.
func TestTransactionsAgainstModel(t *testing.T) {
	for i, l := range layouts {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			_, db, addr := serveAt(t, engine.Options{BatchRows: l.batch, Workers: 2})
			for seed := *firstSeed + uint64(i); seed < *firstSeed+uint64(*schedules); seed += uint64(len(layouts)) {
				w := &world{t: t, addr: addr, seed: seed, serializable: l.serializable}
				w.chooser = &chooser{Rand: rand.New(rand.NewPCG(seed, 1)), names: [2]string{fmt.Sprintf("f%d", seed), fmt.Sprintf("k%d", seed)}}
				w.run(db, l.text)
			}
		})
	}
}

// version is a version of a table in the model.
type tableVersion struct {
	rows  []tuple
	blind bool // by a transaction that read nothing of the table
	data  bool // it changed rows, and nothing else
}

// world is a server and its model.
type world struct {
	*chooser
	t            *testing.T
	addr         string
	seed         uint64
	serializable bool
	observer     *sql.Conn
	versions     [2][]tableVersion
	clients      [3]*client
	side         int // tables made beside the two
	script       []string
	quiet        bool // nothing is compared
}

// client is a connection and the model of its session.
type client struct {
	conn      *sql.Conn
	socket    net.Conn
	manual    bool // autocommit = 0
	begun     bool
	readOnly  bool // the open transaction
	readsOnly bool // the transactions of the session
	next      *bool
	pins      [2]int // versions; -1: not pinned
	wrote     int    // table, or -1
	rows      []tuple
	done      []applied
	reads     []seen
	looked    [2]bool // tables of which something was read
	searched  [2]bool // tables of which a writing statement read something
	marks     []mark
}

// applied is a statement of an open transaction that changed something.
type applied struct {
	change
	others   []tuple
	affected int
}

// seen is what a transaction read of a table before it wrote it.
type seen struct {
	table int
	query func([2][]tuple) []string
	rows  []string
}

type mark struct {
	name  string
	wrote int
	rows  []tuple
	done  int
}

func (c *client) explicit() bool { return c.manual || c.begun }

// end forgets the transaction.
func (c *client) end() {
	c.begun, c.readOnly, c.next = false, c.readsOnly, nil
	c.pins, c.wrote, c.rows, c.done, c.marks = [2]int{-1, -1}, -1, nil, nil, nil
	c.reads, c.looked, c.searched = nil, [2]bool{}, [2]bool{}
}

func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("go test ./engine/logictest -run TransactionsAgainstModel -transactions 1 -first %d\n%s\n%s", w.seed, strings.Join(w.script, ";\n"), fmt.Sprintf(format, args...))
}

func (w *world) newest(i int) int { return len(w.versions[i]) - 1 }

// sees returns the rows of a table as c sees them, and pins its version in a transaction.
func (w *world) sees(c *client, i int) []tuple {
	if c.wrote == i {
		return c.rows
	}
	if !c.explicit() {
		return w.versions[i][w.newest(i)].rows
	}
	if c.pins[i] < 0 {
		c.pins[i] = w.newest(i)
	}
	return w.versions[i][c.pins[i]].rows
}

func (w *world) run(db *sql.DB, layout string) {
	var err error
	if w.observer, err = db.Conn(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = w.observer.Close() }()
	for i, key := range []string{"", ", PRIMARY KEY (id)"} {
		text := fmt.Sprintf("CREATE TABLE %s (id INT NOT NULL, n INT, s VARCHAR(3), CHECK (n < 50)%s) %s", w.names[i], key, layout)
		if _, err := w.observer.ExecContext(w.t.Context(), text); err != nil {
			w.t.Fatal(err)
		}
		w.versions[i] = []tableVersion{{}}
	}
	for k := range w.clients {
		w.clients[k] = w.connect()
		defer func() { _ = w.clients[k].conn.Close() }()
	}
	for range 60 {
		w.step(w.IntN(len(w.clients)))
	}
	for i := range w.versions {
		for v, want := range w.versions[i] {
			w.compare(w.observer, fmt.Sprintf("SELECT id, n, s FROM %s AS OF VERSION %d", w.names[i], v), sortedTuples(want.rows))
		}
	}
}

func (w *world) connect() *client {
	c := &client{}
	c.end()
	config, err := mysql.ParseDSN("root@tcp(" + w.addr + ")/default")
	if err != nil {
		w.t.Fatal(err)
	}
	config.Logger = log.New(io.Discard, "", 0) // connections are cut off on purpose
	config.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, addr)
		c.socket = conn
		return conn, err
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		w.t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	w.t.Cleanup(func() { _ = db.Close() })
	if c.conn, err = db.Conn(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return c
}

// exec runs a statement and returns the rows that it changed and its error's code.
func (w *world) exec(k int, text string) (affected int, code int) {
	w.t.Helper()
	w.script = append(w.script, fmt.Sprintf("/* %d */ %s", k, text))
	res, err := w.clients[k].conn.ExecContext(w.t.Context(), text)
	var my *mysql.MySQLError
	switch {
	case errors.As(err, &my):
		w.script[len(w.script)-1] += fmt.Sprintf(" -- error %d", my.Number)
		return 0, int(my.Number)
	case err != nil:
		w.fail("%v", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		w.fail("%v", err)
	}
	return int(n), 0
}

// expect runs a statement that gives this code, 0 for none.
func (w *world) expect(k int, text string, want int) {
	w.t.Helper()
	if _, code := w.exec(k, text); code != want {
		w.fail("error %d, want %d", code, want)
	}
}

// compare runs a query, as text or prepared, and compares its rows in any order.
func (w *world) compare(conn *sql.Conn, query string, want []string) {
	w.t.Helper()
	got := w.rows(conn, query)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.fail("%s\ngot  %v\nwant %v", query, got, want)
	}
}

// rows runs a query and returns its rows in order.
func (w *world) rows(conn *sql.Conn, query string) []string {
	w.t.Helper()
	var args []any
	if w.IntN(3) == 0 {
		query, args = query+" LIMIT ?", []any{1000}
	}
	rows, err := conn.QueryContext(w.t.Context(), query, args...)
	if err != nil {
		w.fail("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		w.fail("%s: %v", query, err)
	}
	got := []string{}
	for rows.Next() {
		values, dest, texts := make([]sql.NullString, len(columns)), make([]any, len(columns)), make([]string, len(columns))
		for i := range dest {
			dest[i] = &values[i]
		}
		if err := rows.Scan(dest...); err != nil {
			w.fail("%s: %v", query, err)
		}
		for i, v := range values {
			if texts[i] = "NULL"; v.Valid {
				texts[i] = v.String
			}
		}
		got = append(got, strings.Join(texts, ","))
	}
	if err := rows.Err(); err != nil {
		w.fail("%s: %v", query, err)
	}
	slices.Sort(got)
	return got
}
