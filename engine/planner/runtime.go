package planner

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/rowexec"
	ast "github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/engine/catalog"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/lru"
	"github.com/featuresql/featuresql/engine/parser"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/txn"
)

// Options of a Runtime.
type Options struct {
	Workers     int           // parallel streams per query
	BatchRows   int           // rows per batch; 0: the default
	Memory      *exec.Budget  // of the server
	QueryBytes  int64         // memory limit of one query; 0: the server's
	MemoryWait  time.Duration // how long a query waits for room in Memory before it begins
	TempDir     string
	FileDir     string // below which LOAD DATA may read files of the server; empty: none
	MaxAttempts int    // executions of an autocommit write that meets conflicts
	TableStore  func(loc string) objstore.Store
	Status      func() map[string]any                      // the server's counters, for SHOW STATUS
	OnFallback  func(what string)                          // a construct ran row by row
	OnConflict  func(table string, attempt int, err error) // an autocommit write is executed again
}

// Runtime plans and runs statements; it is shared by all sessions.
type Runtime struct {
	host      hostEngine // binds the text of constraints, and statements whose plan is kept
	opts      Options
	provider  *catalog.Provider
	hostExec  sql.NodeExecBuilder
	fallbacks atomic.Int64
	plans     *planCache
	groups    *lru.Cache[string, *txn.Group] // by table
}

// maxGroups is on how many tables the server's statements share commits. One that is forgotten while it works does so on: two groups of a table are like two servers.
const maxGroups = 1024

// NewRuntime returns the runtime of an engine.
func NewRuntime(p *catalog.Provider, opts Options) *Runtime {
	catalog.SetTypeMapper(columnType)
	rt := &Runtime{opts: opts, provider: p, plans: newPlanCache(), groups: lru.New[string, *txn.Group](maxGroups, nil)}
	rt.hostExec = rowexec.NewOverrideBuilder(recursion{rt})
	return rt
}

// hostEngine is the part of the host's engine that the planner calls back: it binds statements.
type hostEngine interface {
	AnalyzeQuery(ctx *sql.Context, query string) (sql.Node, error)
	BoundQueryPlan(ctx *sql.Context, query string, parsed ast.Statement, bindings map[string]ast.Expr) (sql.Node, error)
}

// ObserveConflicts adds an observer of autocommit writes that are executed again.
func (rt *Runtime) ObserveConflicts(f func(table string, attempt int, err error)) {
	before := rt.opts.OnConflict
	rt.opts.OnConflict = func(table string, attempt int, err error) {
		if before != nil {
			before(table, attempt, err)
		}
		f(table, attempt, err)
	}
}

// SetHost gives the runtime its host, once that exists.
func (rt *Runtime) SetHost(h hostEngine) { rt.host = h }

// Fallbacks counts the constructs that ran row by row since the start.
func (rt *Runtime) Fallbacks() int64 { return rt.fallbacks.Load() }

func defaultEnv() *expr.Env { return &expr.Env{Location: time.UTC, Now: time.Unix(0, 0).UTC()} }

// env is the expression environment of the current statement.
func (rt *Runtime) env(ctx *sql.Context) (*expr.Env, error) {
	loc, err := catalog.SessionLocation(ctx)
	if err != nil {
		return nil, err
	}
	return &expr.Env{
		Location:             loc,
		Now:                  ctx.QueryTime(),
		Lenient:              !modeHas(ctx, "STRICT_TRANS_TABLES", "STRICT_ALL_TABLES", "TRADITIONAL"),
		DivisionByZeroSilent: !modeHas(ctx, "ERROR_FOR_DIVISION_BY_ZERO", "TRADITIONAL"),
		Warn:                 func(code int, msg string) { ctx.Warn(code, "%s", msg) },
	}, nil
}

// modeHas reports whether sql_mode has one of the modes.
func modeHas(ctx *sql.Context, modes ...string) bool {
	return slices.ContainsFunc(modes, sqlMode(ctx).ModeEnabled)
}

// parsedMode is an sql_mode and its text.
type parsedMode struct {
	text string
	mode *sql.SqlMode
}

// lastMode is what sqlMode parsed last: nearly all sessions of a server have the same.
var lastMode atomic.Pointer[parsedMode]

// sqlMode is the session's sql_mode.
func sqlMode(ctx *sql.Context) *sql.SqlMode {
	v, err := ctx.Session.GetSessionVariable(ctx, sql.SqlModeSessionVar)
	text, ok := v.(string)
	if err != nil || !ok {
		return sql.LoadSqlMode(ctx)
	}
	last := lastMode.Load()
	if last == nil || last.text != text {
		last = &parsedMode{text, sql.NewSqlModeFromString(text)}
		lastMode.Store(last)
	}
	return last.mode
}

// forDML is e for a statement that changes rows: what does not fit fails it, unless it says IGNORE.
func forDML(e *expr.Env, stmt parser.Statement) *expr.Env {
	out := *e
	switch s := stmt.(type) {
	case *parser.Insert:
		out.Lenient = out.Lenient || s.Ignore
	case *parser.Update:
		out.Lenient = out.Lenient || s.Ignore
	}
	out.DivisionByZeroError = !out.Lenient && !out.DivisionByZeroSilent
	return &out
}

func (rt *Runtime) newConverter(ctx *sql.Context) (*converter, error) {
	env, err := rt.env(ctx)
	if err != nil {
		return nil, err
	}
	return &converter{ctx: ctx, env: env, rt: rt, marks: marksFrom(ctx), onRead: rt.readsOfTransaction(ctx, env)}, nil
}

// QueryMemoryVariable is the session variable of the bytes that a statement may hold; 0 is the server's setting,
// which a session may only lower.
const QueryMemoryVariable = "featuresql_query_memory"

func (rt *Runtime) query(ctx *sql.Context, env *expr.Env) *exec.Query {
	memory := exec.NewBudget(rt.queryBytes(ctx), rt.opts.Memory)
	q := &exec.Query{Workers: rt.opts.Workers, BatchRows: rt.opts.BatchRows, Env: env, Memory: memory, Wait: rt.opts.MemoryWait, TempDir: rt.opts.TempDir}
	if session, ok := ctx.Session.(*catalog.Session); ok {
		if session.HoldsMemory(memory) {
			q.Wait = 0 // part of a statement that runs: it would wait for itself
		}
		q.Reads = session.Reads()
	}
	return q
}

// queryBytes is the memory limit of a statement of the session, 0 for none.
func (rt *Runtime) queryBytes(ctx *sql.Context) int64 {
	limit := rt.opts.QueryBytes
	v, err := ctx.GetSessionVariable(ctx, QueryMemoryVariable)
	if err != nil {
		return limit // a session of a host without the variable
	}
	if n, ok := v.(int64); ok && n > 0 && (limit == 0 || n < limit) {
		return n
	}
	return limit
}

func (rt *Runtime) noteFallbacks(c *converter) {
	for _, f := range c.fallbacks {
		rt.fallbacks.Add(1)
		if rt.opts.OnFallback != nil {
			rt.opts.OnFallback(f)
		}
	}
}

// plan makes r executable.
func (rt *Runtime) plan(ctx *sql.Context, c *converter, r rel) (exec.Operator, error) {
	return (&lowering{ctx: ctx, c: c, rt: rt}).lower(optimize(r))
}

// run executes r and hands every batch to sink.
func (rt *Runtime) run(ctx *sql.Context, c *converter, r rel, sink func(*vector.Batch) error) error {
	op, err := rt.plan(ctx, c, r)
	if err != nil {
		return err
	}
	return exec.Run(ctx, rt.query(ctx, c.env), op, sink)
}

// maxCollected bounds the rows of a subquery that is held as a list of values.
const maxCollected = 10_000_000

// collect executes r and boxes its rows; it is for subqueries, whose results are small or become lists.
func (rt *Runtime) collect(ctx *sql.Context, c *converter, r rel) ([][]types.Value, error) {
	var rows [][]types.Value
	budget := exec.NewBudget(rt.queryBytes(ctx), rt.opts.Memory)
	defer func() { budget.Release(budget.UsedBytes()) }()
	err := rt.run(ctx, c, r, func(b *vector.Batch) error {
		for k := range b.Rows() {
			i := b.Row(k)
			row := make([]types.Value, len(b.Cols))
			bytes := int64(unsafe.Sizeof(row))
			for j, col := range b.Cols {
				row[j] = col.Value(i)
				bytes += int64(unsafe.Sizeof(row[j])) + int64(len(row[j].S))
			}
			if err := budget.Reserve("the values of a subquery", bytes); err != nil {
				return err
			}
			rows = append(rows, row)
		}
		if len(rows) > maxCollected {
			return fmt.Errorf("a subquery gave more than %d rows; write it as a join", maxCollected)
		}
		return nil
	})
	return rows, err
}

// batchIter hands the rows of a running query to the host one by one.
type batchIter struct {
	cancel  context.CancelFunc
	rows    chan *vector.Batch
	done    chan error
	loc     *time.Location
	current *vector.Batch
	next    int
	closed  bool
}

// rowIter runs r in the background and converts its batches to host rows.
func (rt *Runtime) rowIter(ctx *sql.Context, c *converter, op exec.Operator) sql.RowIter {
	sub, cancel := context.WithCancel(ctx)
	it := &batchIter{cancel: cancel, rows: make(chan *vector.Batch), done: make(chan error, 1), loc: c.env.Location}
	go func() {
		err := exec.Run(sub, rt.query(ctx, c.env), op, func(b *vector.Batch) error {
			select {
			case it.rows <- b.Compact():
				return nil
			case <-sub.Done():
				return sub.Err()
			}
		})
		close(it.rows)
		it.done <- err
	}()
	return it
}

// Next implements sql.RowIter.
func (it *batchIter) Next(*sql.Context) (sql.Row, error) {
	for it.current == nil || it.next >= it.current.Len {
		b, ok := <-it.rows
		if !ok {
			err := <-it.done
			it.done <- err
			if err == nil {
				err = io.EOF
			}
			return nil, err
		}
		it.current, it.next = b, 0
	}
	row := make(sql.Row, len(it.current.Cols))
	for j, col := range it.current.Cols {
		row[j] = toHost(col.Value(it.next), it.loc)
	}
	it.next++
	return row, nil
}

// Close implements sql.RowIter: it waits until the query's work has stopped.
func (it *batchIter) Close(*sql.Context) error {
	if it.closed {
		return nil
	}
	it.closed = true
	it.cancel()
	for range it.rows { //nolint:revive // drained so that the producer can end
	}
	<-it.done
	return nil
}
