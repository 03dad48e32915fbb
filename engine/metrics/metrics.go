package metrics

import (
	"strconv"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/featuresql/featuresql/engine"
	"github.com/featuresql/featuresql/engine/server"
)

// Metrics gathers the numbers of one server. Safe for concurrent use.
type Metrics struct {
	profiles bool // answered over HTTP

	engine   *engine.Engine
	server   atomic.Pointer[server.Server] // nil until Attach
	registry *prometheus.Registry

	statements [len(kinds)]prometheus.Counter
	seconds    [len(kinds)]prometheus.Observer
	errors     *prometheus.CounterVec
	logins     [2]prometheus.Counter // let in, refused
	panics     prometheus.Counter
	slow       prometheus.Counter
	conflicts  prometheus.Counter
	rows       prometheus.Counter
	reads      reads
}

// reads are the counters of what statements read.
type reads struct {
	files, filesSkipped, rowGroups, rowGroupsSkipped, pages, pagesSkipped, bytes, rows prometheus.Counter
}

// buckets of the latency, in seconds: look-ups take a tenth of a millisecond, trainings sets minutes.
var buckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}

// conflictCode is the MySQL error of a transaction that met a conflict.
const conflictCode = 1213

// New returns the metrics of an engine.
func New(e *engine.Engine) *Metrics {
	m := &Metrics{engine: e, registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), m)
	statements := m.vector("statements_total", "Statements that have ended, by their first word.", "kind")
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: prefix + "statement_seconds", Help: "Time from a statement's arrival to the end of its result.", Buckets: buckets,
	}, []string{"kind"})
	m.registry.MustRegister(seconds)
	for i, k := range kinds {
		m.statements[i], m.seconds[i] = statements.WithLabelValues(k), seconds.WithLabelValues(k)
	}
	m.errors = m.vector("errors_total", "Statements that failed, by MySQL error code.", "code")
	logins := m.vector("logins_total", "Log-ins, by outcome.", "outcome")
	m.logins = [2]prometheus.Counter{logins.WithLabelValues("accepted"), logins.WithLabelValues("refused")}
	m.panics = m.counter("panics_total", "Statements that ended by a panic; the log has the stack.")
	m.slow = m.counter("slow_statements_total", "Statements that took longer than --slow-query or long_query_time.")
	m.rows = m.counter("rows_total", "Rows sent to clients, or changed.")
	m.conflicts = m.counter("conflicts_total", "Statements that failed with error 1213 because another commit was in the way.")
	m.reads = m.readCounters()
	return m
}

// prefix begins the name of every metric.
const prefix = "featuresql_"

func (m *Metrics) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: prefix + name, Help: help})
	m.registry.MustRegister(c)
	return c
}

func (m *Metrics) vector(name, help, label string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + name, Help: help}, []string{label})
	m.registry.MustRegister(c)
	return c
}

func (m *Metrics) readCounters() reads {
	files := m.vector("files_total", "Data files of the tables that were scanned, read or skipped by partition values and statistics.", "outcome")
	groups := m.vector("row_groups_total", "Row groups of the files that were read, read or skipped.", "outcome")
	pages := m.vector("pages_total", "Pages of the row groups that were read, read or skipped.", "outcome")
	return reads{
		files: files.WithLabelValues("read"), filesSkipped: files.WithLabelValues("skipped"),
		rowGroups: groups.WithLabelValues("read"), rowGroupsSkipped: groups.WithLabelValues("skipped"),
		pages: pages.WithLabelValues("read"), pagesSkipped: pages.WithLabelValues("skipped"),
		bytes: m.counter("read_bytes_total", "Bytes of data files that were read from the store."),
		rows:  m.counter("rows_read_total", "Rows that scans decoded, before their filters."),
	}
}

// Watch adds the metrics to what a server tells, beside who is told already.
func (m *Metrics) Watch(cfg *server.Config) {
	statement, login := cfg.OnStatement, cfg.OnLogin
	cfg.OnStatement = func(e server.StatementEvent) {
		m.statement(&e)
		if statement != nil {
			statement(e)
		}
	}
	cfg.OnLogin = func(user, address string, err error) {
		i := 0
		if err != nil {
			i = 1
		}
		m.logins[i].Inc()
		if login != nil {
			login(user, address, err)
		}
	}
}

// Attach says whose connections are counted; until then the server is not ready.
func (m *Metrics) Attach(s *server.Server) { m.server.Store(s) }

func (m *Metrics) statement(e *server.StatementEvent) {
	k := kindOf(e.Text)
	m.statements[k].Inc()
	m.seconds[k].Observe(e.Elapsed.Seconds())
	if e.Rows > 0 {
		m.rows.Add(float64(e.Rows))
	}
	m.reads.add(e)
	if e.Slow {
		m.slow.Inc()
	}
	if e.Err == nil {
		return
	}
	m.errors.WithLabelValues(strconv.Itoa(e.Code)).Inc()
	if e.Code == conflictCode {
		m.conflicts.Inc()
	}
	if len(e.Stack) > 0 {
		m.panics.Inc()
	}
}

func (r *reads) add(e *server.StatementEvent) {
	s := &e.Reads
	for _, c := range [...]struct {
		counter prometheus.Counter
		n       int64
	}{
		{r.files, s.FilesOpened}, {r.filesSkipped, s.FilesSkipped}, {r.rowGroups, s.RowGroups - s.RowGroupsSkipped}, {r.rowGroupsSkipped, s.RowGroupsSkipped},
		{r.pages, s.Pages - s.PagesSkipped}, {r.pagesSkipped, s.PagesSkipped}, {r.bytes, s.BytesRead}, {r.rows, s.RowsRead},
	} {
		if c.n > 0 {
			c.counter.Add(float64(c.n))
		}
	}
}
