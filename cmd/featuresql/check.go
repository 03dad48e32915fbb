package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/featuresql/featuresql/datasource/delta/verify"
	"github.com/featuresql/featuresql/datasource/objstore"
)

type checkCmd struct {
	engineFlags
	Table string `arg:"" help:"database.table, table (in the default database), or a path under the warehouse."`
}

// Run reads the log and every file of the newest version of a table, and prints what is wrong with them.
func (c checkCmd) Run(ctx context.Context) error {
	e, err := c.open(ctx, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	defer func() { _ = e.Close() }()
	loc, err := e.Provider().PathLocation(tablePath(c.Table))
	if err != nil {
		return err
	}
	r, err := verify.Table(ctx, objstore.Sub(e.Options().Store, loc), func(f verify.Finding) {
		word := "bad "
		if f.Tolerated {
			word = "warn"
		}
		fmt.Printf("%s  %s\n", word, f)
	})
	if err != nil {
		return err
	}
	fmt.Printf("%s version %d: %d commits, %d checkpoints, %d checksums, %d files, %d rows; %d bad, %d worked around\n",
		c.Table, r.Version, r.Commits, r.Checkpoints, r.Checksums, r.Files, r.Rows, r.Bad, r.Tolerated)
	if r.Bad > 0 {
		return errors.New("table " + c.Table + " is damaged")
	}
	return nil
}
