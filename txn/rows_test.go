package txn_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/txn"
)

var errBadRow = errors.New("a row that no file can hold")

// rowsOf returns one row with a key. Its Write makes a file a call, and refuses a batch of two rows; made counts files.
func rowsOf(key string, bad bool, made *int) *txn.Rows {
	n := 1
	if bad {
		n = 2
	}
	batch := &vector.Batch{Len: n, Cols: []*vector.Vector{vector.New(types.Of(types.Int64), n)}}
	return &txn.Rows{Batches: []*vector.Batch{batch}, Keys: []string{key}, Write: func(_ context.Context, all []*vector.Batch) ([]action.Add, error) {
		for _, b := range all {
			if b.Len > 1 {
				return nil, errBadRow
			}
		}
		*made++
		return []action.Add{file(fmt.Sprint("rows", *made), "p", 0, int64(len(all)))}, nil
	}}
}

// TestGroupRows: the rows of those who share a commit are in one file; who has a key that an earlier one has, or a row that
// cannot be written, has an error alone.
func TestGroupRows(t *testing.T) {
	for _, bad := range []bool{false, true} {
		_, table := groupTable(t)
		made := 0
		var txs []*txn.Transaction
		for i, key := range []string{"a", "b", "c", "b", "d", "a"} {
			tx := begin(t, table, options(fmt.Sprint("t", i, "-")))
			must(t, tx.ReadFiles(nil, nil), tx.AddRows(rowsOf(key, bad && key == "d", &made)))
			txs = append(txs, tx)
		}
		_, errs := commitAll(&txn.Group{}, txs)
		conflicts, others, bads := 0, 0, 0
		for _, err := range errs {
			var c *txn.ConflictError
			switch {
			case errors.As(err, &c) && c.Kind == txn.ConcurrentAppend:
				conflicts++
			case errors.Is(err, errBadRow):
				bads++
			case err != nil:
				others++
			}
		}
		files := snapshot(t, table).Files().Len()
		switch {
		case conflicts != 2 || others > 0:
			t.Errorf("bad=%t: %v", bad, errs)
		case !bad && (files != 2 || made != 2 || bads > 0):
			t.Errorf("%d files of %d made: %v", files, made, errs)
		case bad && (files != 3 || bads != 1):
			t.Errorf("with a bad row %d files: %v", files, errs)
		}
	}
}

// TestAddRowsAlone: rows for the commit to write go with no other change, and without keys with no reads.
func TestAddRowsAlone(t *testing.T) {
	_, table := groupTable(t)
	made := 0
	tx := begin(t, table, options("t"))
	must(t, tx.AddFile(file("f", "p", 0, 1)))
	var invalid *txn.InvalidError
	if err := tx.AddRows(rowsOf("a", false, &made)); !errors.As(err, &invalid) {
		t.Errorf("beside a file: %v", err)
	}
	tx = begin(t, table, options("u"))
	must(t, tx.ReadFiles(nil, nil))
	r := rowsOf("a", false, &made)
	if r.Keys = nil; !errors.As(tx.AddRows(r), &invalid) {
		t.Error("rows without keys after a read were taken")
	}
	tx = begin(t, table, options("v"))
	must(t, tx.AddRows(rowsOf("a", false, &made)))
	if _, err := tx.Commit(context.Background()); err != nil || snapshot(t, table).Files().Len() != 1 {
		t.Errorf("a commit of its own: %v", err)
	}
}
