package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sort"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/feature"
	"github.com/featuresql/featuresql/datasource/delta/scan"
	"github.com/featuresql/featuresql/engine"
)

type inspectCmd struct {
	engineFlags
	Table   string `arg:"" help:"database.table, table (in the default database), or a path under the warehouse."`
	History int    `help:"How many versions to list." default:"10"`
}

// openTable opens the warehouse and the table that a user named.
func openTable(ctx context.Context, f engineFlags, name string) (*engine.Engine, *delta.Table, error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	e, err := f.open(ctx, log)
	if err != nil {
		return nil, nil, err
	}
	loc, err := e.Provider().PathLocation(tablePath(name))
	if err == nil {
		var t *delta.Table
		if t, err = e.Provider().OpenTable(ctx, loc); err == nil {
			return e, t, nil
		}
	}
	return nil, nil, errors.Join(err, e.Close())
}

// tablePath turns database.table into a path; what has a slash is one already.
func tablePath(name string) string {
	if strings.Contains(name, "/") {
		return name
	}
	if db, table, ok := strings.Cut(name, "."); ok {
		if db == "default" {
			return table
		}
		return db + "/" + table
	}
	return name
}

// Run prints what the log says of the table.
func (c inspectCmd) Run(ctx context.Context) error {
	e, t, err := openTable(ctx, c.engineFlags, c.Table)
	if err != nil {
		return err
	}
	defer func() { _ = e.Close() }()
	snap, err := t.Snapshot(ctx)
	if err != nil {
		return err
	}
	oldest, newest, err := t.VersionRange(ctx)
	if err != nil {
		return err
	}
	files := snap.Files()
	var size int64
	for i := range files.Len() {
		size += files.Size(i)
	}
	meta, proto := snap.Metadata(), snap.Protocol()
	fmt.Printf("table      %s\nlocation   %s\nversion    %d (readable: %d to %d)\nprotocol   reader %d, writer %d %v\nfiles      %d, %d bytes\npartitions %s\n",
		c.Table, t.URL(), snap.Version(), oldest, newest, proto.MinReader, proto.MinWriter, feature.WriterFeatures(proto),
		files.Len(), size, strings.Join(meta.PartitionColumns, ", "))
	printProperties(meta.Configuration)
	columns := table.NewWriter()
	columns.AppendHeader(table.Row{"column", "type", "nullable"})
	for _, f := range scan.NewSource(snap, scan.Options{}).Fields() {
		columns.AppendRow(table.Row{f.Name, f.Type, f.Nullable})
	}
	fmt.Println(columns.Render())
	return c.history(ctx, t)
}

func printProperties(conf map[string]string) {
	keys := make([]string, 0, len(conf))
	for k := range conf {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		fmt.Printf("property   %s = %s\n", k, conf[k])
	}
}

func (c inspectCmd) history(ctx context.Context, t *delta.Table) error {
	entries, err := t.History(ctx, c.History)
	if err != nil {
		return err
	}
	versions := table.NewWriter()
	versions.AppendHeader(table.Row{"version", "time", "operation", "engine"})
	for _, h := range entries {
		operation, by := "", ""
		if h.Info != nil {
			operation, by = h.Info.Operation, h.Info.EngineInfo
		}
		versions.AppendRow(table.Row{h.Version, h.Timestamp.UTC().Format("2006-01-02 15:04:05.000"), operation, by})
	}
	fmt.Println(versions.Render())
	return nil
}
