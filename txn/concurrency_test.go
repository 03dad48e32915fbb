package txn_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/datasource/objstore/faultstore"
	"github.com/featuresql/featuresql/txn"
)

func adds(files ...action.Add) []action.Action {
	var out []action.Action
	for i := range files {
		out = append(out, action.Action{Add: &files[i]})
	}
	return out
}

// increment reads the counter, a table of one file named after the count, and writes the next. It tries again
// after a conflict. unknown says that it cannot tell whether it did.
func increment(ctx context.Context, table *delta.Table, name string) (unknown bool, err error) {
	for {
		s, err := table.Snapshot(ctx)
		if errors.Is(err, faultstore.ErrInjected) {
			continue
		}
		if err != nil {
			return false, err
		}
		if s.Files().Len() != 1 {
			return false, fmt.Errorf("version %d has the files %s", s.Version(), files(s))
		}
		old := s.Files().Add(0)
		var n int
		if _, err := fmt.Sscanf(old.Path, "c%d", &n); err != nil {
			return false, err
		}
		tx := txn.Begin(table, s, txn.Options{})
		tx.ReadAll()
		next := file(fmt.Sprintf("c%d-%s-%d", n+1, name, rand.Uint64()), "p", 0, 9)
		if err := errors.Join(tx.RemoveFile(old, true), tx.AddFile(next)); err != nil {
			return false, err
		}
		_, err = tx.Commit(ctx)
		var conflict *txn.ConflictError
		var lost *txn.UnknownOutcomeError
		switch {
		case err == nil:
			return false, nil
		case errors.As(err, &lost):
			return true, nil
		case !errors.As(err, &conflict) && !errors.Is(err, faultstore.ErrInjected):
			return false, err
		}
	}
}

func count(t *testing.T, s objstore.Store) (n int, v delta.Version) {
	t.Helper()
	now := snapshot(t, open(t, s))
	if _, err := fmt.Sscanf(files(now), "c%d", &n); err != nil {
		t.Fatalf("files %s: %v", files(now), err)
	}
	return n, now.Version()
}

// TestIncrements lets many goroutines, each with its own view of the table, count up. None is lost and none is counted twice.
func TestIncrements(t *testing.T) {
	store := localStore(t)
	create(t, store, metadata(), protocol(), file("c0", "p", 0, 9))
	const writers, each = 8, 6
	var wg sync.WaitGroup
	for w := range writers {
		table := open(t, store)
		wg.Go(func() {
			for range each {
				if unknown, err := increment(context.Background(), table, fmt.Sprint(w)); err != nil || unknown {
					t.Errorf("writer %d: %v, unknown %v", w, err, unknown)
					return
				}
			}
		})
	}
	wg.Wait()
	if n, v := count(t, store); n != writers*each || v != writers*each {
		t.Errorf("counted to %d in version %d; want %d", n, v, writers*each)
	}
}

// TestIncrementsWithFaults counts while one store call in ten fails, or is done and reported as failed.
func TestIncrementsWithFaults(t *testing.T) {
	inner := localStore(t)
	create(t, inner, metadata(), protocol(), file("c0", "p", 0, 9))
	const writers, each = 4, 6
	var unknowns atomic.Int64
	var wg sync.WaitGroup
	for w := range writers {
		faulty := faultstore.New(inner, faultstore.Options{Seed: uint64(w)})
		table := open(t, faulty)
		faulty.SetRules(
			faultstore.Rule{Ops: faultstore.PutIfAbsent, Prob: 0.2, Kind: faultstore.LostAck},
			faultstore.Rule{Ops: faultstore.All, Prob: 0.1, Kind: faultstore.Fail},
		)
		wg.Go(func() {
			for range each {
				unknown, err := increment(context.Background(), table, fmt.Sprint(w))
				if err != nil {
					t.Errorf("writer %d: %v", w, err)
					return
				}
				if unknown {
					unknowns.Add(1)
				}
			}
		})
	}
	wg.Wait()
	n, v := count(t, inner)
	if low := writers*each - int(unknowns.Load()); n < low || n > writers*each || int(v) != n {
		t.Errorf("counted to %d in version %d with %d unknown outcomes; want %d", n, v, unknowns.Load(), writers*each)
	}
}

// TestAppends: appends never conflict, and each is there once.
func TestAppends(t *testing.T) {
	store := localStore(t)
	create(t, store, metadata(), protocol())
	const writers, each = 8, 6
	var lost atomic.Int64
	var wg sync.WaitGroup
	for w := range writers {
		table := open(t, store)
		base := snapshot(t, table)
		wg.Go(func() {
			for i := range each {
				tx := txn.Begin(table, base, txn.Options{Observe: func(e txn.Event) {
					if e.Kind == txn.Lost {
						lost.Add(1)
					}
				}})
				err := tx.AddFile(file(fmt.Sprintf("f%d-%d", w, i), "p", 0, 9))
				if err == nil {
					_, err = tx.Commit(context.Background())
				}
				if err != nil {
					t.Errorf("writer %d: %v", w, err)
				}
			}
		})
	}
	wg.Wait()
	if s := snapshot(t, open(t, store)); s.Files().Len() != writers*each || s.Version() != writers*each {
		t.Errorf("version %d has %d files; want %d", s.Version(), s.Files().Len(), writers*each)
	}
	if lost.Load() == 0 {
		t.Error("nobody lost a race; the test shows nothing")
	}
}
