package metrics_test

import (
	"bufio"
	"context"
	"database/sql"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"

	"github.com/featuresql/featuresql/engine"
	"github.com/featuresql/featuresql/engine/metrics"
	"github.com/featuresql/featuresql/engine/server"
)

// served is a server on a warehouse of its own, with its metrics on HTTP.
type served struct {
	t         *testing.T
	warehouse string
	url       string
	db        *sql.DB
	server    *server.Server
	metrics   *metrics.Metrics
}

func serve(t *testing.T) *served {
	t.Helper()
	s := &served{t: t, warehouse: t.TempDir()}
	e, err := engine.Open(t.Context(), engine.Options{Warehouse: s.warehouse, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	s.metrics = metrics.New(e)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.metrics.Serve(ctx, l) }()
	s.url = "http://" + l.Addr().String()
	if status, body := s.get("/readyz"); status != http.StatusServiceUnavailable || body != "starting\n" {
		t.Errorf("before the server is there: %d %s", status, body)
	}
	cfg := server.Config{Engine: e.Host(), Sessions: server.Sessions(e), WithSink: server.PlannerSink, RunKept: e.Runtime().RunKept,
		Accounts: e.Provider().Accounts(), Address: "127.0.0.1:0", MaxConnections: 3}
	s.metrics.Watch(&cfg)
	if s.server, err = server.New(cfg); err != nil {
		t.Fatal(err)
	}
	s.metrics.Attach(s.server)
	go func() { _ = s.server.Serve(context.WithoutCancel(t.Context())) }()
	if s.db, err = sql.Open("mysql", "root@tcp("+s.server.Addr().String()+")/"); err != nil {
		t.Fatal(err)
	}
	s.db.SetMaxOpenConns(1)
	t.Cleanup(func() {
		_ = s.db.Close()
		_ = s.server.Shutdown(context.WithoutCancel(t.Context()))
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		_ = e.Close()
	})
	return s
}

func (s *served) get(path string) (int, string) {
	s.t.Helper()
	res, err := http.Get(s.url + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// scrape returns every sample by its name and labels, once no statement runs: a client may have its answer before.
func (s *served) scrape() map[string]float64 {
	s.t.Helper()
	for began := time.Now(); s.server.Counts().Running > 0 && time.Since(began) < 5*time.Second; {
		time.Sleep(time.Millisecond)
	}
	status, body := s.get("/metrics")
	if status != http.StatusOK {
		s.t.Fatalf("%d: %s", status, body)
	}
	samples := map[string]float64{}
	for lines := bufio.NewScanner(strings.NewReader(body)); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		v, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			s.t.Fatalf("%q: %v", line, err)
		}
		samples[line[:at]] = v
	}
	return samples
}

func (s *served) exec(statements ...string) {
	s.t.Helper()
	for _, text := range statements {
		if _, err := s.db.Exec(text); err != nil {
			s.t.Fatalf("%s: %v", text, err)
		}
	}
}

func (s *served) count(query string) {
	s.t.Helper()
	var n int
	if err := s.db.QueryRow(query).Scan(&n); err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
}

// TestScrape checks every number that a known series of statements moves.
func TestScrape(t *testing.T) {
	s := serve(t)
	s.exec("CREATE DATABASE d", "CREATE TABLE d.t (id INT, v DOUBLE, p INT) PARTITIONED BY (p)",
		"INSERT INTO d.t VALUES (1, 1, 1), (2, 2, 1)", "INSERT INTO d.t VALUES (3, 3, 2)")
	before := s.scrape()
	for range 3 {
		s.count("SELECT id FROM d.t WHERE p = 2")
	}
	s.count("/* hint */ with w as (SELECT sum(v) AS n FROM d.t) SELECT n FROM w")
	for _, wrong := range []string{"SELECT * FROM d.nothing", "SELEKT"} {
		if _, err := s.db.Exec(wrong); err == nil {
			t.Errorf("%s succeeded", wrong)
		}
	}
	s.exec("UPDATE d.t SET v = 4 WHERE id = 3")
	after := s.scrape()
	for name, want := range map[string]float64{
		`featuresql_statements_total{kind="select"}`:        5,
		`featuresql_statement_seconds_count{kind="select"}`: 5,
		`featuresql_statements_total{kind="update"}`:        1,
		`featuresql_statements_total{kind="other"}`:         1,
		`featuresql_errors_total{code="1146"}`:              1,
		`featuresql_errors_total{code="1064"}`:              1,
		`featuresql_rows_total`:                             5,
		`featuresql_files_total{outcome="read"}`:            6,
		`featuresql_files_total{outcome="skipped"}`:         4,
		`featuresql_commits_total`:                          1,
		`featuresql_conflicts_total`:                        0,
		`featuresql_kept_plans_total`:                       2,
		`featuresql_panics_total`:                           0,
	} {
		if got := after[name] - before[name]; got != want {
			t.Errorf("%s grew by %v, want %v", name, got, want)
		}
	}
	for _, grows := range []string{"featuresql_read_bytes_total", "featuresql_rows_read_total", `featuresql_row_groups_total{outcome="read"}`,
		`featuresql_pages_total{outcome="read"}`, `featuresql_cache_lookups_total{outcome="hit"}`, `featuresql_statement_seconds_sum{kind="select"}`} {
		if after[grows] <= before[grows] {
			t.Errorf("%s: %v after %v", grows, after[grows], before[grows])
		}
	}
	for name, want := range map[string]float64{"featuresql_connections": 1, "featuresql_statements_running": 0, "featuresql_connections_total": 1,
		`featuresql_logins_total{outcome="accepted"}`: 1, "featuresql_query_memory_bytes": 0} {
		if after[name] != want {
			t.Errorf("%s is %v, want %v", name, after[name], want)
		}
	}
	if after["go_goroutines"] == 0 || after["featuresql_cache_bytes"] == 0 {
		t.Error("no numbers of the process or the cache")
	}
}

// TestConflicts counts a write that is executed again, and a transaction that fails.
func TestConflicts(t *testing.T) {
	s := serve(t)
	s.exec("USE `default`", "CREATE TABLE c (id INT, v INT)", "INSERT INTO c VALUES (1, 0)", "BEGIN", "UPDATE c SET v = v + 1")
	other, err := sql.Open("mysql", "root@tcp("+s.server.Addr().String()+")/default")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	if _, err := other.Exec("UPDATE c SET v = v + 10"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.Exec("COMMIT"); err == nil {
		t.Error("both updates were committed")
	}
	got := s.scrape()
	if got["featuresql_conflicts_total"] != 1 || got[`featuresql_errors_total{code="1213"}`] != 1 || got["featuresql_commits_total"] != 2 {
		t.Errorf("conflicts %v, errors %v, commits %v", got["featuresql_conflicts_total"], got[`featuresql_errors_total{code="1213"}`], got["featuresql_commits_total"])
	}
}

// TestRefusedConnections counts connections beyond the limit, and log-ins that failed.
func TestRefusedConnections(t *testing.T) {
	s := serve(t)
	for range 3 {
		if c, err := net.Dial("tcp", s.server.Addr().String()); err == nil {
			defer func() { _ = c.Close() }()
			_, _ = c.Read(make([]byte, 1)) // the handshake: it has been admitted
		}
	}
	if err := s.db.Ping(); err == nil {
		t.Error("a fourth connection")
	}
	if got := s.scrape(); got["featuresql_connections_refused_total"] < 1 || got["featuresql_connections"] != 3 {
		t.Errorf("refused %v of %v", got["featuresql_connections_refused_total"], got["featuresql_connections"])
	}
}

// TestHealth follows a server from its start to its end, and a warehouse that vanishes.
func TestHealth(t *testing.T) {
	s := serve(t)
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, body := s.get(path); status != http.StatusOK || body != "ok\n" {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, _ := s.get("/"); status != http.StatusNotFound {
		t.Errorf("/: %d", status)
	}
	away := filepath.Join(filepath.Dir(s.warehouse), "away")
	if err := os.Rename(s.warehouse, away); err != nil {
		t.Fatal(err)
	}
	if status, body := s.get("/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "warehouse") {
		t.Errorf("without a warehouse: %d %s", status, body)
	}
	if err := os.Rename(away, s.warehouse); err != nil {
		t.Fatal(err)
	}
	if err := s.server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status, body := s.get("/readyz"); status != http.StatusServiceUnavailable || body != "shutting down\n" {
		t.Errorf("after the end: %d %s", status, body)
	}
	if status, _ := s.get("/healthz"); status != http.StatusOK {
		t.Errorf("/healthz after the end: %d", status)
	}
}

// TestDocs holds docs/operations.md to the metrics that there are.
func TestDocs(t *testing.T) {
	doc, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t)
	s.exec("SELECT 1")
	_, _ = s.db.Exec("SELECT nothing")
	there := map[string]bool{}
	for sample := range s.scrape() {
		name, _, _ := strings.Cut(sample, "{")
		for _, part := range []string{"_bucket", "_sum", "_count"} {
			name = strings.TrimSuffix(name, part)
		}
		there[name] = true
		if strings.HasPrefix(name, "featuresql_") && !strings.Contains(string(doc), "`"+name+"`") && !strings.Contains(string(doc), "`"+name+"{") {
			t.Errorf("docs/operations.md does not say what %s is", name)
		}
	}
	for part := range strings.SplitSeq(string(doc), "`") {
		if name, _, _ := strings.Cut(part, "{"); strings.HasPrefix(name, "featuresql_") && !there[name] {
			t.Errorf("docs/operations.md tells of %s, which is not there", name)
		}
	}
}

// TestProfiles: profiles are answered only where they were asked for.
func TestProfiles(t *testing.T) {
	s := serve(t)
	if status, _ := s.get("/debug/pprof/"); status != http.StatusNotFound {
		t.Errorf("without the flag: %d", status)
	}
	s.metrics.ServeProfiles()
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap?debug=1", "/debug/pprof/profile?seconds=1"} {
		r := httptest.NewRecorder()
		s.metrics.Handler().ServeHTTP(r, httptest.NewRequest(http.MethodGet, path, nil))
		if r.Code != http.StatusOK || r.Body.Len() == 0 {
			t.Errorf("%s: %d, %d bytes", path, r.Code, r.Body.Len())
		}
	}
}
