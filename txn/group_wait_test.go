package txn_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/objstore/faultstore"
	"github.com/featuresql/featuresql/txn"
)

// TestGroupLingers: after a commit of several, one that comes alone is joined by another that comes a little later.
func TestGroupLingers(t *testing.T) {
	_, table := groupTable(t, faultstore.Rule{Ops: faultstore.PutIfAbsent, Nth: 2, Kind: faultstore.Slow, Latency: 800 * time.Millisecond})
	var txs []*txn.Transaction
	for i := range 6 {
		opts := options(fmt.Sprint("t", i, "-"))
		opts.Linger = 10 * time.Second // half a commit is what counts
		tx := begin(t, table, opts)
		must(t, tx.AddFile(file(fmt.Sprint("f", i), "p", 0, 9)))
		txs = append(txs, tx)
	}
	g := &txn.Group{}
	_, errs := commitAll(g, txs[:4]) // the last three of them in the slow commit
	must(t, errs...)
	versions, errs := commitAll(g, txs[4:])
	must(t, errs...)
	if versions[0] != 3 || versions[1] != 3 {
		t.Errorf("versions %d", versions)
	}
}

// TestGroupGoesOnBesideCheckpoint: the transaction that has a checkpoint written waits for it, whatever else commits does not. A bug there is no error of the commit.
func TestGroupGoesOnBesideCheckpoint(t *testing.T) {
	table := create(t, localStore(t), metadata("delta.checkpointInterval", "2"), protocol())
	g, began, release := &txn.Group{}, make(chan struct{}), make(chan struct{})
	var failed error
	next := func(name string) *txn.Transaction {
		opts := options(name)
		opts.Checkpoint = func(context.Context, *delta.Table, delta.Version) error {
			close(began)
			<-release
			panic("a bug")
		}
		opts.Observe = func(e txn.Event) {
			if e.Kind == txn.CheckpointFailed {
				failed = e.Err
			}
		}
		tx := begin(t, table, opts)
		must(t, tx.AddFile(file(name, "p", 0, 9)))
		return tx
	}
	ctx := context.Background()
	_, err := g.Commit(ctx, next("a"))
	must(t, err)
	done := make(chan error)
	go func() {
		v, err := g.Commit(ctx, next("b"))
		done <- errors.Join(err, wantVersion(v, 2))
	}()
	<-began
	v, err := g.Commit(ctx, next("c"))
	must(t, err, wantVersion(v, 3))
	select {
	case err := <-done:
		t.Errorf("the transaction did not wait for its checkpoint: %v", err)
	default:
	}
	close(release)
	must(t, <-done)
	var bug *txn.PanicError
	if !errors.As(failed, &bug) {
		t.Errorf("the checkpoint ended with %v", failed)
	}
}

func wantVersion(got, want delta.Version) error {
	if got != want {
		return fmt.Errorf("version %d, want %d", got, want)
	}
	return nil
}
