package verify

import (
	"context"
	"errors"
	"fmt"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/log"
	"github.com/featuresql/featuresql/datasource/objstore"
)

// Finding is something that is wrong with a table.
type Finding struct {
	Path string // of the file that it is about, as the log or the store names it
	What string
	// Tolerated: readers work around it, with a warning; the rows that they read are right.
	Tolerated bool
}

// String says what is wrong with which file.
func (f Finding) String() string { return f.Path + ": " + f.What }

// Report says how much was verified.
type Report struct {
	Version                     action.Version // the newest
	Commits, Checkpoints, Files int
	Checksums                   int // version checksum files
	Rows                        int64
	Bad, Tolerated              int // findings
}

// check is one verification under way.
type check struct {
	store  objstore.Store
	found  func(Finding)
	report Report
	said   map[Finding]bool
}

func (c *check) bad(path, format string, args ...any) {
	c.say(Finding{Path: path, What: fmt.Sprintf(format, args...)})
}

func (c *check) tolerated(path, format string, args ...any) {
	c.say(Finding{Path: path, What: fmt.Sprintf(format, args...), Tolerated: true})
}

func (c *check) say(f Finding) {
	if c.said[f] {
		return
	}
	c.said[f] = true
	if f.Tolerated {
		c.report.Tolerated++
	} else {
		c.report.Bad++
	}
	c.found(f)
}

// wrong reports an error that is about the table; other errors, of ctx or the store, are returned.
func (c *check) wrong(ctx context.Context, path string, err error, tolerated bool) error {
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	var corrupt *action.CorruptionError
	if errors.As(err, &corrupt) {
		path, err = corrupt.Path, errors.New(corruption(corrupt))
	}
	c.say(Finding{Path: path, What: err.Error(), Tolerated: tolerated})
	return nil
}

func corruption(e *action.CorruptionError) string {
	if e.Err == nil {
		return e.Reason
	}
	return e.Reason + ": " + e.Err.Error()
}

// Table verifies the table in store and tells found of everything that is wrong. The error is of ctx, or *delta.NotATableError.
func Table(ctx context.Context, store objstore.Store, found func(Finding)) (Report, error) {
	c := &check{store: store, found: found, said: map[Finding]bool{}}
	l, err := log.List(ctx, store, 0)
	if err != nil {
		return c.report, fmt.Errorf("table %s: %w", store.URL(), err)
	}
	if err := c.files(ctx, l); err != nil {
		return c.report, err
	}
	t, err := delta.Open(ctx, store, delta.Options{OnWarning: func(w error) { c.warned(ctx, w) }})
	var none *delta.NotATableError
	if errors.As(err, &none) {
		return c.report, err
	}
	if err != nil {
		return c.report, c.wrong(ctx, "_delta_log", err, false)
	}
	if err := c.history(ctx, t, l); err != nil {
		return c.report, err
	}
	snap, err := t.Snapshot(ctx)
	if err != nil {
		return c.report, c.wrong(ctx, "_delta_log", err, false)
	}
	c.report.Version = snap.Version()
	return c.report, c.data(ctx, snap)
}

// warned takes in what opening the table has worked around.
func (c *check) warned(ctx context.Context, w error) {
	path := "_delta_log"
	var checkpoint *delta.CheckpointWarning
	if errors.As(w, &checkpoint) {
		path = checkpoint.Path
	}
	_ = c.wrong(ctx, path, w, true)
}

// files reads every commit and the hint to the last checkpoint by themselves, so that the first that is broken does not hide others.
func (c *check) files(ctx context.Context, l *log.Listing) error {
	for i, commit := range l.Commits {
		if i > 0 && commit.Version != l.Commits[i-1].Version+1 {
			c.bad(log.CommitKey(l.Commits[i-1].Version+1), "the commit is missing, commit %d is there", commit.Version)
		}
		if _, err := log.Read(ctx, c.store, commit.Version); err != nil {
			if err := c.wrong(ctx, commit.Object.Key, err, false); err != nil {
				return err
			}
		}
		c.report.Commits++
	}
	_, err := log.ReadLastCheckpoint(ctx, c.store)
	return c.wrong(ctx, log.LastCheckpointKey, err, true)
}
