package txn_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/objstore/faultstore"
	"github.com/featuresql/featuresql/txn"
)

// groupTable is a table whose first commit after its creation takes long, so that others gather behind it.
func groupTable(t *testing.T, rules ...faultstore.Rule) (*faultstore.Store, *delta.Table) {
	t.Helper()
	inner := localStore(t)
	create(t, inner, metadata(), protocol())
	slow := faultstore.Rule{Ops: faultstore.PutIfAbsent, Nth: 1, Kind: faultstore.Slow, Latency: 300 * time.Millisecond}
	store := faultstore.New(inner, faultstore.Options{Rules: append([]faultstore.Rule{slow}, rules...)})
	return store, open(t, store)
}

// commitAll commits all transactions through one group, the first of them a little earlier.
func commitAll(g *txn.Group, txs []*txn.Transaction) ([]delta.Version, []error) {
	versions, errs := make([]delta.Version, len(txs)), make([]error, len(txs))
	var wg sync.WaitGroup
	for i, tx := range txs {
		wg.Go(func() { versions[i], errs[i] = g.Commit(context.Background(), tx) })
		if i == 0 {
			time.Sleep(100 * time.Millisecond)
		}
	}
	wg.Wait()
	return versions, errs
}

// TestGroupShares: transactions that come while a commit is under way share the next one, each once.
func TestGroupShares(t *testing.T) {
	store, table := groupTable(t)
	var txs []*txn.Transaction
	var told atomic.Int64
	for i := range 9 {
		o := options(fmt.Sprint("t", i, "-"))
		o.Observe = func(e txn.Event) {
			if e.Kind == txn.Committed {
				told.Add(1)
			}
		}
		tx := begin(t, table, o)
		must(t, tx.AddFile(file(fmt.Sprint("f", i), "p", 0, 9)), tx.SetOperation("WRITE", nil, map[string]string{"numTargetRowsInserted": "2"}))
		txs = append(txs, tx)
	}
	versions, errs := commitAll(&txn.Group{}, txs)
	must(t, errs...)
	for i, v := range versions {
		if want := delta.Version(min(i, 1) + 1); v != want {
			t.Errorf("transaction %d is in version %d, want %d", i, v, want)
		}
		if got := txs[i].Orphans(); len(got) > 0 {
			t.Errorf("orphans %q", got)
		}
	}
	if s := snapshot(t, table); s.Version() != 2 || s.Files().Len() != 9 {
		t.Errorf("version %d: %s", s.Version(), files(s))
	}
	if told.Load() != 9 {
		t.Errorf("told of %d transactions", told.Load())
	}
	info := commitActions(t, store.Inner(), 2)[0].CommitInfo
	if info == nil || info.OperationMetrics["numTargetRowsInserted"] != "16" || info.OperationParameters[txn.TransactionsParameter] == "" || !*info.IsBlindAppend {
		t.Errorf("commitInfo %+v", info)
	}
}

// TestGroupConflicts: of members that read what another adds, one commits; who reads something else does, too.
func TestGroupConflicts(t *testing.T) {
	_, table := groupTable(t)
	var txs []*txn.Transaction
	for i, id := range []string{"900", "5", "5", "6", "5"} {
		tx := begin(t, table, options(fmt.Sprint("t", i, "-")))
		must(t, tx.ReadFiles(compare(t, "id", "=", id), nil))
		n := int64(id[0] - '0')
		must(t, tx.AddFile(file(fmt.Sprint("f", i), "p", n, n)))
		txs = append(txs, tx)
	}
	_, errs := commitAll(&txn.Group{}, txs)
	won := 0
	for i, err := range errs {
		var conflict *txn.ConflictError
		switch {
		case err == nil && i != 0 && i != 3:
			won++
		case err == nil:
		case !errors.As(err, &conflict) || conflict.Kind != txn.ConcurrentAppend || i == 0 || i == 3:
			t.Errorf("transaction %d: %v", i, err)
		default:
			if got := fmt.Sprint(txs[i].Orphans()); got != fmt.Sprintf("[f%d]", i) {
				t.Errorf("orphans %s of transaction %d", got, i)
			}
		}
	}
	if s := snapshot(t, table); won != 1 || s.Files().Len() != 3 {
		t.Errorf("%d won: %s", won, files(s))
	}
}

// TestGroupFails: a store that fails for good fails every member, and none of their rows is there.
func TestGroupFails(t *testing.T) {
	broken := faultstore.Rule{Ops: faultstore.PutIfAbsent, Key: faultstore.Suffix("2.json"), Kind: faultstore.Fail}
	_, table := groupTable(t, broken)
	var txs []*txn.Transaction
	for i := range 3 {
		tx := begin(t, table, options(fmt.Sprint("t", i, "-")))
		must(t, tx.AddFile(file(fmt.Sprint("f", i), "p", 0, 9)))
		txs = append(txs, tx)
	}
	_, errs := commitAll(&txn.Group{}, txs)
	var open *txn.UnknownOutcomeError
	if errs[0] != nil || !errors.As(errs[1], &open) || !errors.As(errs[2], &open) {
		t.Errorf("commits: %v", errs)
	}
	if s := snapshot(t, table); files(s) != "f0" {
		t.Errorf("files %s", files(s))
	}
}

// TestGroupLeavesOthersAlone: what does more than add files commits by itself, and a cancelled member not at all.
func TestGroupLeavesOthersAlone(t *testing.T) {
	_, table := groupTable(t)
	g := &txn.Group{}
	tx := begin(t, table, options("a"))
	must(t, tx.SetMetadata(metadata("k", "v")))
	if v, err := g.Commit(t.Context(), tx); err != nil || v != 1 {
		t.Errorf("metadata: %d, %v", v, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	tx = begin(t, table, options("b"))
	must(t, tx.AddFile(file("f", "p", 0, 9)))
	if _, err := g.Commit(ctx, tx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := g.Commit(t.Context(), tx); !errors.Is(err, txn.ErrClosed) {
		t.Errorf("again: %v", err)
	}
	if got := fmt.Sprint(tx.Orphans()); got != "[f]" {
		t.Errorf("orphans %s", got)
	}
}
