package txn_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/datasource/objstore/faultstore"
	"github.com/featuresql/featuresql/txn"
)

// restored is a table of version 3 whose log a group took to version 7, and which was then put back from a copy.
type restored struct {
	dir   string
	store *faultstore.Store
	table *delta.Table
	group txn.Group
	old   *txn.Transaction // began on version 5, before the log was put back
}

func newRestored(t *testing.T) *restored {
	t.Helper()
	r := &restored{dir: t.TempDir()}
	inner, err := objstore.NewLocal(r.dir)
	must(t, err)
	t.Cleanup(func() { inner.Close() })
	create(t, inner, metadata(), protocol())
	r.store = faultstore.New(inner, faultstore.Options{})
	r.table = open(t, r.store)
	backup := filepath.Join(t.TempDir(), "copy")
	for i := 1; i <= 7; i++ {
		r.append(t, fmt.Sprint("f", i), delta.Version(i))
		switch i {
		case 3:
			must(t, os.CopyFS(backup, os.DirFS(r.dir)))
		case 5:
			r.old = begin(t, r.table, options("old"))
			must(t, r.old.AddFile(file("old", "p", 0, 9)))
		}
	}
	r.putBack(t, backup)
	return r
}

func (r *restored) putBack(t *testing.T, backup string) {
	t.Helper()
	must(t, os.RemoveAll(filepath.Join(r.dir, "_delta_log")), os.CopyFS(r.dir, os.DirFS(backup)))
}

// append commits a file through the group, on the newest version.
func (r *restored) append(t *testing.T, name string, want delta.Version) {
	t.Helper()
	tx := begin(t, r.table, options(name))
	must(t, tx.AddFile(file(name, "p", 0, 9)))
	if v, err := r.group.Commit(context.Background(), tx); err != nil || v != want {
		t.Fatalf("%s: version %d, %v, want %d", name, v, err, want)
	}
}

// TestGroupAfterRestore: a log that was put back to an older version is continued from there, without a gap.
func TestGroupAfterRestore(t *testing.T) {
	r := newRestored(t)
	r.append(t, "n1", 4)
	r.append(t, "n2", 5)
	if got := files(snapshot(t, open(t, r.store.Inner()))); got != "f1 f2 f3 n1 n2" {
		t.Errorf("files %s", got)
	}
	_, err := r.group.Commit(context.Background(), r.old)
	var conflict *txn.ConflictError
	if !errors.As(err, &conflict) || conflict.Kind != txn.LogTruncated {
		t.Errorf("a transaction on a version that was taken back: %v", err)
	}
	if got := files(snapshot(t, open(t, r.store.Inner()))); got != "f1 f2 f3 n1 n2" {
		t.Errorf("files %s", got)
	}
}

// TestGroupMixesRestore: of transactions that share a commit, the one from before the log was put back is not in it.
func TestGroupMixesRestore(t *testing.T) {
	r := newRestored(t)
	for i := 4; i <= 7; i++ { // others bring the log past what the old transaction knows
		tx := begin(t, open(t, r.store.Inner()), options(fmt.Sprint("o", i)))
		must(t, tx.AddFile(file(fmt.Sprint("o", i), "p", 0, 9)))
		commit(t, tx)
	}
	var txs []*txn.Transaction
	for i := range 3 {
		tx := begin(t, r.table, options(fmt.Sprint("n", i, "-")))
		must(t, tx.AddFile(file(fmt.Sprint("n", i), "p", 0, 9)))
		txs = append(txs, tx)
	}
	txs = append(txs, r.old)
	r.store.SetRules(faultstore.Rule{Ops: faultstore.PutIfAbsent, Nth: 1, Kind: faultstore.Slow, Latency: 300 * time.Millisecond})
	_, errs := commitAll(&r.group, txs)
	var conflict *txn.ConflictError
	if must(t, errs[:3]...); !errors.As(errs[3], &conflict) || conflict.Kind != txn.LogTruncated {
		t.Errorf("a transaction on a version that was taken back: %v", errs[3])
	}
	if got := files(snapshot(t, open(t, r.store.Inner()))); len(got) != len("f1 f2 f3 o4 o5 o6 o7 n0 n1 n2") {
		t.Errorf("files %s", got)
	}
}

// TestRestoreWhileCommitting: two versions are taken back just before a commit is stored that has passed others. It is not acknowledged, and leaves
// no gap.
func TestRestoreWhileCommitting(t *testing.T) {
	for _, own := range []bool{true, false} {
		r := newRestored(t)
		r.append(t, "n4", 4)
		late := begin(t, r.table, options("late"))
		must(t, late.AddFile(file("late", "p", 0, 9)))
		for i := 5; i <= 6; i++ {
			if own {
				r.append(t, fmt.Sprint("n", i), delta.Version(i))
				continue
			}
			other := begin(t, open(t, r.store.Inner()), options(fmt.Sprint("o", i)))
			must(t, other.AddFile(file(fmt.Sprint("o", i), "p", 0, 9)))
			commit(t, other)
		}
		log := filepath.Join(r.dir, "_delta_log")
		r.store.SetRules(faultstore.Rule{
			Ops: faultstore.PutIfAbsent, Kind: faultstore.Slow, Key: func(k string) bool {
				if faultstore.Suffix("7.json")(k) {
					must(t, os.Remove(filepath.Join(log, "00000000000000000005.json")), os.Remove(filepath.Join(log, "00000000000000000006.json")))
				}
				return false
			},
		})
		_, err := r.group.Commit(context.Background(), late)
		var conflict *txn.ConflictError
		if !errors.As(err, &conflict) || conflict.Kind != txn.LogTruncated {
			t.Errorf("own %v: %v", own, err)
		}
		if s := snapshot(t, open(t, r.store.Inner())); s.Version() != 4 {
			t.Errorf("own %v: version %d", own, s.Version())
		}
	}
}
