package dml

import (
	"context"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/txn"
)

// A statement that adds more than this writes a file of its own.
const (
	maxSharedRows  = 64
	maxSharedBytes = 16 << 10
)

// held are rows that wait for the end of the statement, when it is known whether they are few.
type held struct {
	batches     []*vector.Batch
	rows, bytes int
}

// write writes rows to the appender's files, or holds them while they are few and may be shared.
func (a *appender) write(ctx context.Context, b *vector.Batch) error {
	if a.w == nil && a.t.Share && a.held.rows+b.Rows() <= maxSharedRows {
		c := b.Compact()
		a.held.batches = append(a.held.batches, c)
		a.held.rows += c.Len
		a.held.bytes += c.SizeBytes()
		return nil
	}
	if err := a.flush(ctx); err != nil {
		return err
	}
	return a.w.Write(ctx, b)
}

// flush opens the appender's writer and gives it what was held.
func (a *appender) flush(ctx context.Context) error {
	if a.w == nil {
		var err error
		if a.w, err = a.open(); err != nil {
			return err
		}
	}
	for _, b := range a.held.batches {
		if err := a.w.Write(ctx, b); err != nil {
			return err
		}
	}
	a.held = held{}
	return nil
}

// close ends the appender's files.
func (a *appender) close(ctx context.Context) ([]action.Add, error) {
	if a.held.rows > 0 {
		if err := a.flush(ctx); err != nil {
			return nil, err
		}
	}
	if a.w == nil {
		return nil, nil
	}
	return a.w.Close(ctx)
}

// shareRows leaves the rows that the appenders hold to the commit, if these are all there are, and few.
func (t *Table) shareRows(apps []*appender) (bool, error) {
	var all held
	for _, a := range apps {
		if a.w != nil || a.log != nil {
			return false, nil
		}
		all.batches = append(all.batches, a.held.batches...)
		all.rows += a.held.rows
		all.bytes += a.held.bytes
	}
	blind := len(t.Key) > 0 || t.Tx.Blind()
	if !t.Share || !blind || all.rows == 0 || all.rows > maxSharedRows || all.bytes > maxSharedBytes {
		return false, nil
	}
	rows := &txn.Rows{Batches: all.batches, Write: t.writeAll}
	if len(t.Key) > 0 {
		rows.Keys = t.wholeKeys(all.batches)
	}
	return true, t.Tx.AddRows(rows)
}

// wholeKeys returns the keys of rows, without those that have a NULL.
func (t *Table) wholeKeys(batches []*vector.Batch) []string {
	keys := []string{}
	for _, b := range batches {
		for i := range b.Len {
			if key, whole := encodeKey(t.keyColumns(b), i); whole {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// writeAll makes data files of batches.
func (t *Table) writeAll(ctx context.Context, batches []*vector.Batch) ([]action.Add, error) {
	w, err := t.newWriter(ctx)
	if err != nil {
		return nil, err
	}
	for _, b := range batches {
		if err := w.Write(ctx, b); err != nil {
			_ = w.Abort(ctx) // what failed before is the error to report
			return nil, err
		}
	}
	return w.Close(ctx)
}
