package simulate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/datasource/objstore/faultstore"
	"github.com/featuresql/featuresql/txn"
)

var stored = []Row{{0, 10}, {1, 11}, {2, 12}, {3, 13}}

// statementsOf are the statements whose every store call is struck.
func statementsOf(l Layout) []Statement {
	rows := []Row{{1, 5}, {7, 7}}
	out := []Statement{{Kind: Update, ID: 1, By: 5}, {Kind: UpdateAll, By: 5}, {Kind: Delete, ID: 2}, {Kind: Merge, Rows: rows}, {Kind: Ignore, Rows: rows}, {Kind: Compact}, {Kind: Property}}
	if l.Keyed {
		return append(out, Statement{Kind: Insert, Rows: rows[1:]}, Statement{Kind: Insert, Rows: rows}, Statement{Kind: Upsert, Rows: rows})
	}
	return append(out, Statement{Kind: Append, Rows: rows})
}

// prepare makes a table of two files; with deletion vectors, the first has one.
func prepare(t *testing.T, l Layout) *Memory {
	t.Helper()
	store := NewMemory()
	if err := txn.CreateTable(context.Background(), store, l.creation(0), txn.Options{}); err != nil {
		t.Fatal(err)
	}
	for _, s := range []Statement{{Kind: Append, Rows: append([]Row{{9, 9}}, stored[:3]...)}, {Kind: Append, Rows: stored[3:]}, {Kind: Delete, ID: 9}} {
		if _, err := execute(store, s, l); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

func execute(store objstore.Store, s Statement, l Layout) (*txn.Transaction, error) {
	ctx := context.Background()
	table, err := delta.Open(ctx, store, delta.Options{})
	if err != nil {
		return nil, err
	}
	snap, err := table.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	tx := txn.Begin(table, snap, txn.Options{})
	if err = s.stage(ctx, tx, l.Keyed); err == nil && tx.Changed() {
		_, err = tx.Commit(ctx)
	}
	tx.Rollback()
	tx.Clean(ctx)
	return tx, err
}

// TestEveryCallFails lets each store call of each kind of statement go wrong in every way, once. The table is as before or as after the
// statement, as the error says, and unless the process died no file is left that no commit names.
func TestEveryCallFails(t *testing.T) {
	for _, l := range []Layout{{}, {Vectors: true}, {Keyed: true}, {Vectors: true, Keyed: true}} {
		for _, s := range statementsOf(l) {
			m := model{}
			for _, r := range stored {
				m.rows = append(m.rows, modelRow{r, -1})
			}
			refused := m.apply(s, 1, 0, l) != nil
			after := m.sorted()
			faults := faultstore.New(prepare(t, l), faultstore.Options{})
			if _, err := execute(faults, s, l); (err != nil) != refused {
				t.Fatalf("%v %s: %v", l, s.Kind, err)
			}
			for n := range faults.Trace() {
				for _, kind := range faultstore.Kinds {
					strike(t, l, s, n+1, kind, refused, after)
				}
			}
		}
	}
}

func strike(t *testing.T, l Layout, s Statement, n int, kind faultstore.Kind, refused bool, after []Row) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { // pauses take no time
		store := prepare(t, l)
		faults := faultstore.New(store, faultstore.Options{Rules: []faultstore.Rule{{Ops: faultstore.All, Nth: n, Kind: kind}}})
		_, err := execute(faults, s, l)
		name := fmt.Sprintf("%v %s: %s of call %d", l, s.Kind, kind, n)
		if at := faults.Trace(); len(at) >= n {
			name += " (" + at[n-1].String() + ")"
			if kind == faultstore.Partial && at[n-1].Op == faultstore.PutIfAbsent {
				return // only on a store that breaks its promise
			}
		}
		var unknown *txn.UnknownOutcomeError
		rows := rowsOf(t, store)
		committed := !slices.Equal(rows, stored)
		switch {
		case committed && !slices.Equal(rows, after):
			t.Errorf("%s: rows %v", name, rows)
		case err == nil && !refused && !slices.Equal(rows, after):
			t.Errorf("%s: reported as done, but the rows are %v", name, rows)
		case err != nil && committed && !errors.As(err, &unknown) && !faults.Crashed():
			t.Errorf("%s: reported as failed (%v), but the rows are %v", name, err, rows)
		}
		if !faults.Crashed() && !errors.As(err, &unknown) {
			noOrphans(t, name, store)
		}
	})
}

func rowsOf(t *testing.T, store objstore.Store) []Row {
	t.Helper()
	table, err := delta.Open(context.Background(), store, delta.Options{})
	if err != nil {
		t.Fatal(err)
	}
	snap, err := table.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	rows, err := readRows(context.Background(), snap)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// noOrphans fails if a file is left that no commit names.
func noOrphans(t *testing.T, name string, store *Memory) {
	t.Helper()
	r := run{store: store}
	named := map[string]bool{}
	for v := delta.Version(0); ; v++ {
		if _, err := r.commit(context.Background(), v, named); errors.Is(err, objstore.ErrNotFound) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if err := r.checkFiles(named); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}
