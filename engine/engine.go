package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	sqle "github.com/dolthub/go-mysql-server"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer"

	"github.com/featuresql/featuresql/datasource/delta/scan"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/engine/catalog"
	"github.com/featuresql/featuresql/engine/catalog/information"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/parser"
	"github.com/featuresql/featuresql/engine/planner"
	"github.com/featuresql/featuresql/txn"
)

// Version is the version of featuresql; releases set it at build time.
var Version = "0.1.0-dev"

// MySQLVersion is the version of MySQL that clients are told, whose dialect is meant.
const MySQLVersion = "8.0.33-featuresql"

// Options of an Engine. The zero value of every field but Warehouse has a default.
type Options struct {
	Warehouse   string         // a folder; created if it does not exist
	Store       objstore.Store // instead of Warehouse
	Workers     int            // parallel streams per query; default: the number of cores
	BatchRows   int            // rows per batch; smaller ones are for tests
	NoSkipping  bool           // queries read all files, row groups and pages, for tests
	MemoryBytes int64          // that the operators of all queries may hold; default: unlimited
	QueryBytes  int64          // that one query may hold; default: MemoryBytes
	CacheBytes  int64          // of cached footers and indexes; default 256 MiB
	MemoryWait  time.Duration  // how long a query waits for others to give memory back; default 30 s
	TempDir     string         // for what does not fit in memory; what a killed process left there is removed
	FileDir     string         // below which LOAD DATA without LOCAL may read files of the server; default: nowhere
	MaxAttempts int            // executions of an autocommit write that meets conflicts; default 10
	Log         *slog.Logger
}

func (o Options) ensureDefaults() Options {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.CacheBytes <= 0 {
		o.CacheBytes = 256 << 20
	}
	if o.TempDir == "" {
		o.TempDir = os.TempDir()
	}
	if o.MemoryWait <= 0 {
		o.MemoryWait = 30 * time.Second
	}
	if o.MaxAttempts <= 0 {
		o.MaxAttempts = 10
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Engine is an open warehouse. Safe for concurrent use.
type Engine struct {
	options  Options
	provider *catalog.Provider
	runtime  *planner.Runtime
	host     *sqle.Engine
	memory   *exec.Budget
	root     string // the warehouse's folder, empty for another store
	nextID   atomic.Uint32
	counters counters
	started  time.Time
}

// TempDir is the folder for what does not fit in memory.
func (e *Engine) TempDir() string { return e.options.TempDir }

// Open opens the warehouse of opts.
func Open(_ context.Context, opts Options) (*Engine, error) {
	opts = opts.ensureDefaults()
	root := ""
	if opts.Store == nil {
		abs, err := filepath.Abs(opts.Warehouse)
		if err != nil {
			return nil, fmt.Errorf("warehouse %s: %w", opts.Warehouse, err)
		}
		if _, err := os.Stat(abs); errors.Is(err, os.ErrNotExist) {
			opts.Log.Warn("the warehouse folder did not exist and is created", "folder", abs)
		}
		if err := os.MkdirAll(abs, 0o777); err != nil { //nolint:gosec // as any tool that writes tables, left to the umask
			return nil, fmt.Errorf("warehouse %s: %w", opts.Warehouse, err)
		}
		if opts.Store, err = objstore.NewLocal(abs); err != nil {
			return nil, fmt.Errorf("warehouse %s: %w", opts.Warehouse, err)
		}
		root = abs
	}
	exec.RemoveSpilled(opts.TempDir)
	e := &Engine{options: opts, started: time.Now(), root: root, memory: exec.NewBudget(opts.MemoryBytes, nil)}
	e.provider = catalog.NewProvider(opts.Store, root, scan.NewCache(opts.CacheBytes), func(table string, w error) {
		e.counters.damaged.Add(1)
		opts.Log.Warn("table log damaged", "table", table, "error", w)
	})
	e.provider.SetNoSkipping(opts.NoSkipping)
	e.runtime = planner.NewRuntime(e.provider, planner.Options{
		Workers: opts.Workers, BatchRows: opts.BatchRows, Memory: e.memory, QueryBytes: opts.QueryBytes, MemoryWait: opts.MemoryWait,
		TempDir: opts.TempDir, FileDir: opts.FileDir, Status: e.status, MaxAttempts: opts.MaxAttempts,
		OnConflict: func(table string, attempt int, err error) {
			e.counters.retried.Add(1)
			opts.Log.Info("conflict, write retried", "table", table, "attempt", attempt, "error", err)
		},
	})
	e.openHost()
	return e, nil
}

var lockFunctions sync.Once // the host has one provider of functions for all engines of a process

// openHost builds the host with the parser, the planner's rules and its execution builder.
func (e *Engine) openHost() {
	registerVariables()
	lockFunctions.Do(func() { analyzer.ExternalFunctionProvider = planner.LockFunctions{} })
	p := parser.New(e.runtime)
	sql.GlobalParser = p
	sql.SetAuthorizationHandlerFactory(catalog.Authorization{})
	a := analyzer.NewBuilder(e.provider).Build()
	a.Parser = p
	e.runtime.Install(a)
	a.Catalog.InfoSchema = information.New(e.provider, e.runtime.ViewColumns)
	e.provider.SetSystem(information.NewPerformance(e.status))
	e.host = sqle.New(a, &sqle.Config{})
	e.host.Parser = p
	e.runtime.SetHost(e.host)
}

// Host returns the host's engine, for the server.
func (e *Engine) Host() *sqle.Engine { return e.host }

// Runtime returns the planner's runtime.
func (e *Engine) Runtime() *planner.Runtime { return e.runtime }

// Provider returns the warehouse.
func (e *Engine) Provider() *catalog.Provider { return e.provider }

// Options returns the options with their defaults filled in.
func (e *Engine) Options() Options { return e.options }

// NewSession wraps a session of the host.
func (e *Engine) NewSession(base *sql.BaseSession) *catalog.Session {
	s := catalog.NewSession(base, e.provider, txn.Options{EngineInfo: "featuresql/" + Version, Linger: 2 * time.Millisecond, Observe: e.observe})
	s.SetEvaluator(e.runtime.Evaluate)
	return s
}

// Close lets go of what the engine holds. Sessions must have ended.
func (e *Engine) Close() error {
	if err := e.host.Close(); !errors.Is(err, context.Canceled) { // which is how the host's background threads end
		return err
	}
	return nil
}
