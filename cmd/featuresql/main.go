// Command featuresql serves Delta Lake tables over the MySQL protocol, and runs SQL on them directly.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/featuresql/featuresql/engine"
)

// cli is the command line; every flag is also an environment variable and a key of featuresql.yaml.
type cli struct {
	Serve   serveCmd   `cmd:"" help:"Serve the warehouse to MySQL clients."`
	SQL     sqlCmd     `cmd:"" name:"sql" help:"Run SQL on the warehouse, without a server."`
	Demo    demoCmd    `cmd:"" help:"Make example feature tables, show what can be done with them, and serve them."`
	Inspect inspectCmd `cmd:"" help:"Show a table's log: versions, schema, files, features."`
	Check   checkCmd   `cmd:"" help:"Verify a table: its log, and that every file is there and says what the log says."`
	Version versionCmd `cmd:"" help:"Print the version."`

	Config kong.ConfigFlag `help:"Configuration file." type:"path" placeholder:"FILE" env:"FEATURESQL_CONFIG"`
}

// engineFlags are the flags of every command that opens a warehouse.
type engineFlags struct {
	Warehouse   string        `help:"Folder of the tables: <warehouse>/<database>/<table>." default:"./warehouse" env:"FEATURESQL_WAREHOUSE"`
	Workers     int           `help:"Parallel streams per query (default: the number of cores)." env:"FEATURESQL_WORKERS"`
	MemoryLimit byteSize      `help:"Memory that the process aims to stay within, as 512MiB or 2g (default: 60 percent of the machine's or of the container's); 0 is unlimited." default:"-1" env:"FEATURESQL_MEMORY_LIMIT"`
	CacheMemory byteSize      `help:"Footers, indexes and hot pages that are kept in memory; at most an eighth of the memory limit." default:"1GiB" env:"FEATURESQL_CACHE_MEMORY"`
	QueryMemory byteSize      `help:"Memory that one query may hold before it spills; 0: what the memory limit leaves." env:"FEATURESQL_QUERY_MEMORY"`
	MemoryWait  time.Duration `help:"How long a query waits for others to give memory back before it fails." default:"30s" env:"FEATURESQL_MEMORY_WAIT"`
	SpillDir    string        `help:"Folder for data that does not fit in memory." aliases:"temp-dir" env:"FEATURESQL_SPILL_DIR,FEATURESQL_TEMP_DIR" type:"path"`
	BatchRows   int           `help:"Rows per batch, for tests." hidden:"" env:"FEATURESQL_BATCH_ROWS"`
	NoSkipping  bool          `help:"Read all files, row groups and pages, for tests." hidden:"" env:"FEATURESQL_NO_SKIPPING"`
	FileDir     string        `help:"Folder of files that LOAD DATA without LOCAL may read; none without it." env:"FEATURESQL_FILE_DIR" type:"path"`
}

func (f engineFlags) open(ctx context.Context, log *slog.Logger) (*engine.Engine, error) {
	memory := f.memory(machineBytes())
	memory.tellCollector()
	return engine.Open(ctx, engine.Options{
		Warehouse: f.Warehouse, Workers: f.Workers, MemoryBytes: memory.operators, QueryBytes: int64(f.QueryMemory), CacheBytes: memory.caches,
		MemoryWait: f.MemoryWait, TempDir: f.SpillDir, FileDir: f.FileDir, Log: log, BatchRows: f.BatchRows, NoSkipping: f.NoSkipping,
	})
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run() error {
	fmt.Println("featuresql", engine.Version)
	return nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c cli
	app, err := kong.New(&c,
		kong.Name("featuresql"),
		kong.Description("SQL over Delta Lake tables for any MySQL client: read any version, upsert with MERGE, join features point-in-time-correctly."),
		kong.Configuration(yamlConfig, "featuresql.yaml"),
		kong.UsageOnError(),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil { // of a configuration file
		fail(err)
	}
	k, err := app.Parse(os.Args[1:])
	app.FatalIfErrorf(err)
	if err := k.Run(); err != nil {
		stop()
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "featuresql:", message(err))
	os.Exit(1)
}
