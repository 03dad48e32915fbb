package server_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/featuresql/featuresql/engine"
	"github.com/featuresql/featuresql/engine/server"
)

// warehouseServer is a server over a real engine.
type warehouseServer struct {
	t      *testing.T
	engine *engine.Engine
	server *server.Server
	temp   string // where queries spill
	last   atomic.Pointer[server.StatementEvent]
	lastOf sync.Map // of each connection, by its id
}

func startWarehouse(t *testing.T, change func(*server.Config), options ...engine.Options) *warehouseServer {
	t.Helper()
	w := &warehouseServer{t: t, temp: t.TempDir()}
	opts := engine.Options{Warehouse: t.TempDir()}
	if len(options) > 0 {
		opts = options[0]
	}
	opts.Workers, opts.TempDir, opts.QueryBytes = 2, w.temp, 8<<20
	e, err := engine.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	cfg := server.Config{Engine: e.Host(), Sessions: server.Sessions(e), WithSink: server.PlannerSink, RunKept: e.Runtime().RunKept,
		Accounts: e.Provider().Accounts(), Address: "127.0.0.1:0", OnStatement: func(ev server.StatementEvent) { w.last.Store(&ev); w.lastOf.Store(ev.ConnectionID, &ev) }}
	if change != nil {
		change(&cfg)
	}
	if w.server, err = server.New(cfg); err != nil {
		t.Fatal(err)
	}
	w.engine = e
	go func() { _ = w.server.Serve(context.WithoutCancel(t.Context())) }()
	t.Cleanup(func() {
		done, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
		cancel()
		_ = w.server.Shutdown(done)
		_ = e.Close()
	})
	return w
}

// connect returns a connection, its number, and what cuts its socket.
func (w *warehouseServer) connect() (c *sql.Conn, id int, cut func()) {
	w.t.Helper()
	cfg := driver.NewConfig()
	cfg.User, cfg.Net, cfg.Addr, cfg.DBName, cfg.Logger = "root", "tcp", w.server.Addr().String(), "default", silent{}
	var socket net.Conn
	cfg.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		s, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		socket = s
		return s, err
	}
	connector, err := driver.NewConnector(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	w.t.Cleanup(func() { _ = db.Close() })
	if c, err = db.Conn(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	if err := c.QueryRowContext(w.t.Context(), "SELECT connection_id()").Scan(&id); err != nil {
		w.t.Fatal(err)
	}
	return c, id, func() { _ = socket.Close() }
}

type silent struct{}

// Print implements the driver's logger.
func (silent) Print(...any) {}

func (w *warehouseServer) exec(c *sql.Conn, statements ...string) {
	w.t.Helper()
	for _, s := range statements {
		if _, err := c.ExecContext(w.t.Context(), s); err != nil {
			w.t.Fatalf("%s: %v", s, err)
		}
	}
}

// idle waits until no statement runs and says how long that took.
func (w *warehouseServer) idle() time.Duration {
	began := time.Now()
	for w.server.Counts().Running > 0 && time.Since(began) < 20*time.Second {
		time.Sleep(time.Millisecond)
	}
	return time.Since(began)
}

// pairs has 400 million rows, all but for nothing to store.
const pairs = "FROM big a JOIN big b ON a.g = b.g"

// longStatements run for many seconds, each in an operator of its own.
var longStatements = map[string]string{
	"scan":        "SELECT count(*) FROM wide WHERE sha2(repeat(s, 100), 512) = 'x'",
	"hash join":   "SELECT count(*) " + pairs + " WHERE a.v + b.v < 0",
	"nested loop": "SELECT count(*) FROM big a JOIN big b ON a.v + b.v < 0",
	"asof join":   "SELECT count(*) FROM (SELECT a.g, a.v " + pairs + ") l ASOF JOIN big f ON l.g = f.g AND l.v >= f.v",
	"sort":        "SELECT a.id " + pairs + " ORDER BY a.v * b.v, a.id",
	"aggregate":   "SELECT count(*) FROM (SELECT a.id, b.id AS i, sum(a.v) " + pairs + " GROUP BY a.id, b.id) x",
	"window":      "SELECT max(r) FROM (SELECT sum(a.v) OVER (PARTITION BY a.g ORDER BY a.v, b.v) AS r " + pairs + ") x",
	"subquery":    "SELECT count(*) FROM big a WHERE EXISTS (SELECT 1 FROM big b WHERE b.v + a.v < 0)",
	"union":       "SELECT count(*) FROM (SELECT a.id " + pairs + " UNION SELECT a.v * b.v " + pairs + ") x",
	"host":        "SELECT sleep(30)",
	"rows":        "SELECT * FROM information_schema.collations a, information_schema.collations b, information_schema.collations c",
	"insert":      "INSERT INTO sink SELECT a.id, a.v " + pairs,
	"update":      "UPDATE big SET v = 0 WHERE EXISTS (SELECT 1 FROM big b WHERE b.v + big.v < 0)",
	"delete":      "DELETE FROM big WHERE EXISTS (SELECT 1 FROM big b WHERE b.v + big.v < 0)",
	"merge": "MERGE INTO sink t USING (SELECT a.id * 1000000 + b.id AS id, a.v " + pairs + " WHERE a.v + b.v < 0) s ON t.id = s.id " +
		"WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT (id, v) VALUES (s.id, s.v)",
	"create": "CREATE TABLE made AS SELECT a.id, a.v " + pairs,
	"result": "SELECT a.id, b.id, a.s " + pairs,
	"unread": "SELECT a.id, b.id, a.s " + pairs,
}

// spilling are the statements that hold more than the session lets them.
var spilling = []string{"sort", "aggregate", "window", "union"}

func bigTables(w *warehouseServer, c *sql.Conn) {
	w.exec(c, "CREATE TABLE big (id INT, g INT, v BIGINT, s STRING)", "CREATE TABLE sink (id BIGINT, v BIGINT)",
		"INSERT INTO big WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 1000) SELECT n, n % 4, n, concat('x', n) FROM r",
		"INSERT INTO big SELECT a.id * 1000 + b.id, b.g, a.v * 1000 + b.v, a.s FROM big a JOIN big b ON b.id <= 40",
		"CREATE TABLE wide AS SELECT concat(a.id, b.id, a.s) AS s FROM big a JOIN big b ON b.id <= 15", "INSERT INTO sink VALUES (1, 1)")
}

// soon is how long work may go on after its end was ordered: 0.1 s on a machine that is not busy.
const soon = time.Second

// TestWorkStops interrupts a long statement of every operator by KILL QUERY, some also by max_execution_time and by a client that
// vanishes, and looks for what they leave behind.
func TestWorkStops(t *testing.T) {
	w := startWarehouse(t, nil)
	setup, _, _ := w.connect()
	bigTables(w, setup)
	for name, text := range longStatements {
		hows := []string{"kill"}
		switch name {
		case "scan", "sort", "host", "rows", "result", "unread":
			hows = []string{"kill", "limit", "vanish"}
		}
		for _, how := range hows {
			t.Run(name+"/"+how, func(t *testing.T) { w.interrupt(t, setup, name, text, how) })
		}
	}
	var rows, sum int
	if err := setup.QueryRowContext(t.Context(), "SELECT count(*), (SELECT count(*) FROM sink) FROM big WHERE v > 0").Scan(&rows, &sum); err != nil || rows != 41000 || sum != 1 {
		t.Errorf("afterwards the tables have %d and %d rows, %v", rows, sum, err)
	}
}

func (w *warehouseServer) interrupt(t *testing.T, other *sql.Conn, name, text, how string) {
	c, id, cut := w.connect()
	if slices.Contains(spilling, name) {
		w.exec(c, "SET featuresql_query_memory = 4000000")
	}
	if how == "limit" {
		w.exec(c, "SET max_execution_time = 150")
	}
	ended := make(chan error, 1)
	unread := make(chan struct{})
	go func() {
		rows, err := c.QueryContext(t.Context(), text)
		if err == nil {
			if name == "unread" {
				<-unread
			}
			for rows.Next() { //nolint:revive // read and forgotten
			}
			err = rows.Err()
			_ = rows.Close()
		}
		ended <- err
	}()
	time.Sleep(150 * time.Millisecond)
	code := 1317
	switch how {
	case "kill":
		w.exec(other, fmt.Sprintf("KILL QUERY %d", id))
	case "vanish":
		code = 1158
		cut()
	case "limit":
		code = 3024
	}
	took := w.idle()
	if took > soon {
		t.Errorf("went on for %v", took)
	}
	close(unread)
	if err := <-ended; err == nil {
		t.Error("the statement ended well")
	}
	if e, ok := w.lastOf.Load(uint32(id)); !ok {
		t.Errorf("the server says nothing of connection %d", id)
	} else if e := e.(*server.StatementEvent); e.Code != code && (how != "vanish" || e.Code != 1160) {
		t.Errorf("the server ended connection %d with %d %v, want %d", id, e.Code, e.Err, code)
	}
	if used := w.engine.Activity().MemoryBytes; used != 0 {
		t.Errorf("%d bytes are still held", used)
	}
	if left, err := filepath.Glob(filepath.Join(w.temp, "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// endless is a file that a client goes on sending until it is told to stop.
type endless struct {
	asked atomic.Int32
	stop  chan struct{}
}

// Read implements io.Reader.
func (e *endless) Read(p []byte) (int, error) {
	e.asked.Add(1)
	select {
	case <-e.stop:
		return 0, io.EOF
	default:
		return copy(p, strings.Repeat("1\t2\n", len(p)/4)), nil
	}
}

// TestLoadStops kills LOAD DATA LOCAL while the client sends: nothing is stored, nothing held, and the connection goes on.
func TestLoadStops(t *testing.T) {
	w := startWarehouse(t, nil)
	other, _, _ := w.connect()
	w.exec(other, "CREATE TABLE sink (id BIGINT, v BIGINT)")
	c, id, _ := w.connect()
	file := &endless{stop: make(chan struct{})}
	driver.RegisterReaderHandler("endless", func() io.Reader { return file })
	defer driver.DeregisterReaderHandler("endless")
	ended := make(chan error, 1)
	go func() {
		_, err := c.ExecContext(t.Context(), "LOAD DATA LOCAL INFILE 'Reader::endless' INTO TABLE sink")
		ended <- err
	}()
	for began := time.Now(); file.asked.Load() < 10 && time.Since(began) < 20*time.Second; {
		time.Sleep(time.Millisecond)
	}
	w.exec(other, fmt.Sprintf("KILL QUERY %d", id))
	began := time.Now()
	for w.engine.Activity().MemoryBytes != 0 && time.Since(began) < 20*time.Second {
		time.Sleep(time.Millisecond)
	}
	if took := time.Since(began); took > soon {
		t.Errorf("memory was held for %v", took)
	}
	close(file.stop)
	var e *driver.MySQLError
	if err := <-ended; !errors.As(err, &e) || e.Number != 1317 {
		t.Errorf("the statement ended with %v", err)
	}
	if took := w.idle(); took > soon {
		t.Errorf("went on for %v", took)
	}
	var rows int
	if err := c.QueryRowContext(t.Context(), "SELECT count(*) FROM sink").Scan(&rows); err != nil || rows != 0 {
		t.Errorf("afterwards %d rows, %v", rows, err)
	}
	if left, err := filepath.Glob(filepath.Join(w.temp, "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// cutShort is a file in the middle of which the client is gone.
type cutShort struct {
	asked int
	cut   func()
}

// Read implements io.Reader.
func (f *cutShort) Read(p []byte) (int, error) {
	if f.asked++; f.asked == 3 {
		f.cut()
	}
	return copy(p, strings.Repeat("1\t2\n", len(p)/4)), nil
}

// TestLoadOfLostClient: a client that is gone between two packets of its file has not sent all of it, and nothing is stored.
func TestLoadOfLostClient(t *testing.T) {
	w := startWarehouse(t, nil)
	other, _, _ := w.connect()
	w.exec(other, "CREATE TABLE sink (id BIGINT, v BIGINT)")
	c, _, cut := w.connect()
	driver.RegisterReaderHandler("cut", func() io.Reader { return &cutShort{cut: cut} })
	defer driver.DeregisterReaderHandler("cut")
	if _, err := c.ExecContext(t.Context(), "LOAD DATA LOCAL INFILE 'Reader::cut' INTO TABLE sink"); err == nil {
		t.Error("the statement succeeded")
	}
	w.idle()
	var rows int
	if err := other.QueryRowContext(t.Context(), "SELECT count(*) FROM sink").Scan(&rows); err != nil || rows != 0 {
		t.Errorf("afterwards %d rows, %v", rows, err)
	}
}

// TestLimitIsForSelect: max_execution_time ends a SELECT that begins with WITH, and no write that does.
func TestLimitIsForSelect(t *testing.T) {
	w := startWarehouse(t, nil)
	c, _, _ := w.connect()
	w.exec(c, "CREATE TABLE lim (v INT)", "INSERT INTO lim VALUES (1), (2)", "SET max_execution_time = 10")
	w.exec(c, "WITH x AS (SELECT 1 AS v) DELETE FROM lim WHERE v IN (SELECT v FROM x) AND sleep(0.05) = 0")
	st, err := c.PrepareContext(t.Context(), "WITH x AS (SELECT 2 AS v) DELETE FROM lim WHERE v IN (SELECT v FROM x) AND sleep(?) = 0")
	if err == nil {
		_, err = st.ExecContext(t.Context(), 0.05)
	}
	if err != nil {
		t.Errorf("prepared: %v", err)
	}
	var n int
	err = c.QueryRowContext(t.Context(), "WITH x AS (SELECT 1 AS v) SELECT sleep(30) FROM x").Scan(&n)
	if code, _ := mysqlError(err); code != 3024 {
		t.Errorf("SELECT: %v", err)
	}
	if err := c.QueryRowContext(t.Context(), "SELECT count(*) FROM lim").Scan(&n); err != nil || n != 0 {
		t.Errorf("%d rows are left, %v", n, err)
	}
}
