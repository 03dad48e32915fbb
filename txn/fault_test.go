package txn_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/datasource/objstore/faultstore"
	"github.com/featuresql/featuresql/txn"
)

// commitPath is a commit in which a fault may strike: rows move from one file to another while somebody else appends, and a
// checkpoint follows.
type commitPath struct {
	store *faultstore.Store
	tx    *txn.Transaction
}

const before, after = "a x", "x b"

func newCommitPath(t *testing.T) commitPath {
	t.Helper()
	inner := localStore(t)
	create(t, inner, metadata("delta.checkpointInterval", "2"), protocol(), file("a", "p", 0, 9))
	p := commitPath{store: faultstore.New(inner, faultstore.Options{Seed: 1})}
	p.tx = begin(t, open(t, p.store), options("mine"))
	must(t, p.tx.ReadFiles(compare(t, "part", "=", "p"), nil), p.tx.RemoveFile(find(t, p.tx, "a"), true), p.tx.AddFile(file("b", "p", 0, 9)))
	other := begin(t, open(t, inner), options("other"))
	must(t, other.AddFile(file("x", "p", 0, 9)))
	commit(t, other)
	p.store.ResetTrace()
	return p
}

// TestCommitTrace is the golden trace of a commit that loses one race: what it costs on a remote store.
func TestCommitTrace(t *testing.T) {
	p := newCommitPath(t)
	commit(t, p.tx)
	want := "HEAD _delta_log/00000000000000000000.json\n" + // that the table, and the version before, are still the same, before and after each put
		"PUTIFABSENT _delta_log/00000000000000000001.json ! error\n" +
		"GET _delta_log/00000000000000000001.json\n" +
		"GET _delta_log/00000000000000000002.json ! error\n" +
		"HEAD _delta_log/00000000000000000000.json\n" +
		"HEAD _delta_log/00000000000000000001.json\n" +
		"PUTIFABSENT _delta_log/00000000000000000002.json\n" +
		"HEAD _delta_log/00000000000000000000.json\n" +
		"HEAD _delta_log/00000000000000000001.json\n"
	if got := p.store.TraceString(); len(got) < len(want) || got[:len(want)] != want {
		t.Errorf("trace\n%swant\n%s", got, want)
	}
}

// TestFaultSchedule strikes every store call of the commit path once, with every kind of fault. Afterwards a fresh reader
// sees the old or the new version, and the error says which.
func TestFaultSchedule(t *testing.T) {
	p := newCommitPath(t)
	commit(t, p.tx)
	calls := p.store.Trace()
	if len(calls) < 5 {
		t.Fatalf("only %d calls", len(calls))
	}
	for n, call := range calls {
		for _, kind := range faultstore.Kinds {
			if kind == faultstore.Partial && call.Op == faultstore.PutIfAbsent {
				continue // a store without atomic writes is another test
			}
			t.Run(fmt.Sprintf("%s/%d/%s", kind, n+1, call.Op), func(t *testing.T) {
				p := newCommitPath(t)
				p.store.SetRules(faultstore.Rule{Ops: faultstore.All, Nth: n + 1, Kind: kind})
				v, err := p.tx.Commit(context.Background())
				got := checkOutcome(t, p.store.Inner(), err)
				if err == nil && v != 2 {
					t.Errorf("version %d", v)
				}
				if !p.store.Crashed() && (err != nil || got != after) {
					t.Errorf("one fault in passing ended in %v, files %s", err, got)
				}
			})
		}
	}
}

// checkOutcome fails unless the files a fresh reader sees agree with the error of the commit, and returns them.
func checkOutcome(t *testing.T, inner objstore.Store, err error) string {
	t.Helper()
	got := files(snapshot(t, open(t, inner)))
	var unknown *txn.UnknownOutcomeError
	switch {
	case got != before && got != after:
		t.Errorf("neither the old nor the new version: %s", got)
	case err == nil && got != after:
		t.Errorf("reported as committed, but the files are %s", got)
	case err != nil && !errors.As(err, &unknown) && got != before:
		t.Errorf("reported as not committed (%v), but the files are %s", err, got)
	}
	return got
}

// TestLostAcknowledgement: the store did it but says it failed; or its own second try says that somebody was faster.
func TestLostAcknowledgement(t *testing.T) {
	for name, reported := range map[string]error{"error": nil, "exists": objstore.ErrAlreadyExists, "cancelled": context.Canceled} {
		p := newCommitPath(t)
		p.store.SetRules(faultstore.Rule{Ops: faultstore.PutIfAbsent, Nth: 2, Kind: faultstore.LostAck, Err: reported})
		v, err := p.tx.Commit(context.Background())
		if s := snapshot(t, open(t, p.store.Inner())); err != nil || v != 2 || s.Version() != 2 || files(s) != after {
			t.Errorf("%s: %d, %v; now version %d: %s", name, v, err, s.Version(), files(s))
		}
	}
}

// TestUnknownOutcome: the acknowledgement is lost and the commit cannot be read back. The error says so, and no file is given up.
func TestUnknownOutcome(t *testing.T) {
	p := newCommitPath(t)
	var seen int
	p.store.SetRules(
		faultstore.Rule{Ops: faultstore.PutIfAbsent, Nth: 2, Kind: faultstore.LostAck},
		faultstore.Rule{Ops: faultstore.Get, Key: func(k string) bool {
			if k == "_delta_log/00000000000000000002.json" {
				seen++
			}
			return k == "_delta_log/00000000000000000002.json" && seen > 1 // the first looks for more winners
		}, Kind: faultstore.Fail},
	)
	_, err := p.tx.Commit(context.Background())
	var unknown *txn.UnknownOutcomeError
	if !errors.As(err, &unknown) || unknown.Version != 2 || unknown.TxnID != "mine1" || !errors.Is(err, faultstore.ErrInjected) {
		t.Errorf("commit: %v", err)
	}
	if got := p.tx.Orphans(); got != nil {
		t.Errorf("orphans %q", got)
	}
}

// torn is a store that keeps only the first lines of a commit and then fails.
type torn struct {
	objstore.Store
	lines int
}

func (s torn) PutIfAbsent(ctx context.Context, key string, data []byte) error {
	all := strings.SplitAfterN(string(data), "\n", s.lines+1)
	return errors.Join(s.Store.PutIfAbsent(ctx, key, []byte(strings.Join(all[:s.lines], ""))), faultstore.ErrInjected)
}

// TestTornCommit: a store that stored half a commit is not taken for one that committed, even if the half can be read.
func TestTornCommit(t *testing.T) {
	p := newCommitPath(t)
	p.store.SetRules(faultstore.Rule{Ops: faultstore.PutIfAbsent, Nth: 2, Kind: faultstore.Partial})
	_, err := p.tx.Commit(context.Background())
	var unknown *txn.UnknownOutcomeError
	if !errors.As(err, &unknown) {
		t.Errorf("commit: %v", err)
	}
	inner := localStore(t)
	create(t, inner, metadata(), protocol(), file("a", "p", 0, 9))
	tx := begin(t, open(t, torn{inner, 1}), options("mine"))
	must(t, tx.AddFile(file("b", "p", 0, 9)))
	if v, err := tx.Commit(context.Background()); !errors.As(err, &unknown) {
		t.Errorf("commit: %d, %v", v, err)
	}
}

// TestNotStored: failures that are certain are plain errors, and the files are given up.
func TestNotStored(t *testing.T) {
	p := newCommitPath(t)
	p.store.SetRules(faultstore.Rule{Ops: faultstore.PutIfAbsent, Kind: faultstore.Fail, Err: fmt.Errorf("%w: disk full", objstore.ErrNotStored)})
	_, err := p.tx.Commit(context.Background())
	var unknown *txn.UnknownOutcomeError
	if err == nil || errors.As(err, &unknown) || !errors.Is(err, objstore.ErrNotStored) {
		t.Errorf("commit: %v", err)
	}
	if got := checkOutcome(t, p.store.Inner(), err); got != before {
		t.Errorf("files %s", got)
	}
	if got := fmt.Sprint(p.tx.Orphans()); got != "[b]" {
		t.Errorf("orphans %s", got)
	}
	p = newCommitPath(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := p.tx.Commit(ctx); !errors.Is(err, context.Canceled) || errors.As(err, &unknown) || checkOutcome(t, p.store.Inner(), err) != before {
		t.Errorf("cancelled commit: %v", err)
	}
}

func TestTooManyAttempts(t *testing.T) {
	inner := localStore(t)
	table := create(t, inner, metadata(), protocol())
	opts := options("mine")
	opts.MaxAttempts = 3
	c := &clock{now: epoch}
	opts.Clock = c
	n := 0
	opts.Observe = func(e txn.Event) {
		if e.Kind == txn.Lost { // each time somebody is faster again
			n++
			other := begin(t, table, options(strconv.Itoa(n)))
			must(t, other.AddFile(file("x"+strconv.Itoa(n), "p", 0, 9)))
			commit(t, other)
		}
	}
	tx := begin(t, table, opts)
	must(t, tx.AddFile(file("mine", "p", 0, 9)))
	other := begin(t, table, options("other"))
	must(t, other.AddFile(file("x", "p", 0, 9)))
	commit(t, other)
	_, err := tx.Commit(context.Background())
	var conflict *txn.ConflictError
	if !errors.As(err, &conflict) || conflict.Kind != txn.TooManyAttempts || n != 3 || len(c.slept) != 2 || c.slept[1] != 2*c.slept[0] {
		t.Errorf("commit: %v after %d losses, pauses %v", err, n, c.slept)
	}
}

// TestCreateFaults strikes every store call of the creation of a table.
func TestCreateFaults(t *testing.T) {
	a := file("a", "p", 0, 9)
	run := func(rules ...faultstore.Rule) (*faultstore.Store, error) {
		s := faultstore.New(localStore(t), faultstore.Options{Rules: rules})
		return s, txn.CreateTable(context.Background(), s, txn.Creation{
			Metadata: metadata(), Protocol: protocol(), Actions: adds(a),
		}, options("create"))
	}
	s, err := run()
	must(t, err)
	for n, call := range s.Trace() {
		for _, kind := range faultstore.Kinds {
			if kind == faultstore.Partial {
				continue
			}
			s, err := run(faultstore.Rule{Ops: faultstore.All, Nth: n + 1, Kind: kind})
			var unknown *txn.UnknownOutcomeError
			table, openErr := delta.Open(context.Background(), s.Inner(), delta.Options{})
			there := openErr == nil
			if there {
				_, snapErr := table.Snapshot(context.Background())
				there = snapErr == nil
			}
			if err == nil && !there || err != nil && !errors.As(err, &unknown) && there {
				t.Errorf("%s of %s: %v, but table there: %v", kind, call.Op, err, there)
			}
			if !s.Crashed() && call.Op == faultstore.PutIfAbsent && err != nil {
				t.Errorf("%s of %s in passing: %v", kind, call.Op, err)
			}
		}
	}
	_, err = run(faultstore.Rule{Ops: faultstore.PutIfAbsent, Kind: faultstore.LostAck, Err: objstore.ErrAlreadyExists})
	if err != nil {
		t.Errorf("own creation taken for another's: %v", err)
	}
}
