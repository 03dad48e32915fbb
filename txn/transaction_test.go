package txn_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/txn"
)

func effective(t *testing.T, tx *txn.Transaction) *delta.Snapshot {
	t.Helper()
	s, err := tx.Effective()
	must(t, err)
	return s
}

// TestStatements runs several statements in one transaction, each seeing what came before, one of them failing.
func TestStatements(t *testing.T) {
	ctx := context.Background()
	store := localStore(t)
	table := create(t, store, metadata(), protocol(), file("a", "p", 0, 9), file("b", "p", 10, 19), file("c", "q", 0, 9))
	tx := begin(t, table, options("tx"))
	if effective(t, tx) != tx.Base() || tx.Changed() {
		t.Error("a new transaction does not see its base")
	}
	for _, s := range []struct {
		steps string
		want  string
		fail  bool // take the statement back
	}{
		{steps: "add n1 p 20..29", want: "a b c n1"},
		{steps: "remove a, add n2 p 0..9", want: "b c n1 n2"},
		{steps: "remove n1, add n3 p 20..29, dv b one", want: "b c n1 n2", fail: true},
		{steps: "dv b one", want: "c n1 n2 b/one"},
		{steps: "dv b two, remove n1", want: "c n2 b/two"},
		{steps: "dv n2 three, remove c, add n4 q 0..9, metadata k v, app x, domain d", want: "c n2 b/two", fail: true},
		{steps: "remove b", want: "c n2"},
		{steps: "dv n2 four", want: "c n2/four"},
		{steps: "add n1 q 0..9", want: "c n2/four n1"},
	} {
		mark := tx.Mark()
		for one := range strings.SplitSeq(s.steps, ", ") {
			step(t, tx, one)
		}
		if s.fail {
			tx.RollbackTo(mark)
		}
		if got := files(effective(t, tx)); got != s.want {
			t.Errorf("after %q the transaction sees %s; want %s", s.steps, got, s.want)
		}
	}
	v, err := tx.Commit(ctx)
	must(t, err)
	s := snapshot(t, table)
	if got := files(s); v != 1 || got != "c n2/four n1" {
		t.Errorf("version %d: %s", v, got)
	}
	if _, ok := s.AppVersion("x"); ok || len(s.Metadata().Configuration) != 0 {
		t.Error("a statement that was taken back is in the commit")
	}
	var removed, added []string
	for _, a := range commitActions(t, store, 1) {
		switch {
		case a.Remove != nil:
			removed = append(removed, a.Remove.Path)
		case a.Add != nil:
			added = append(added, a.Add.Path)
		}
	}
	if slices.Sort(removed); strings.Join(removed, " ") != "a b" || strings.Join(added, " ") != "n2 n1" {
		t.Errorf("the commit removes %q and adds %q", removed, added)
	}
	if got := tx.Orphans(); !slices.Equal(got, []string{"n3", "n4"}) {
		t.Errorf("orphans %q", got)
	}
}

func TestInvalidChanges(t *testing.T) {
	table := create(t, localStore(t), metadata(), protocol(), file("dir/a%20b", "p", 0, 9))
	tx := begin(t, table, options("tx"))
	a := find(t, tx, "dir/a b")
	must(t, tx.AddFile(file("new", "p", 0, 9)), tx.RemoveFile(a, true))
	elsewhere := a
	elsewhere.Path = table.URL() + "/dir/a%20b"
	for name, err := range map[string]error{
		"add twice":                  tx.AddFile(file("new", "p", 0, 9)),
		"add twice, spelled anew":    tx.AddFile(file("./n%65w", "p", 0, 9)),
		"remove twice":               tx.RemoveFile(a, true),
		"remove twice, spelled anew": tx.RemoveFile(elsewhere, true),
		"replace a removed":          tx.ReplaceDV(a, inline("one"), ""),
		"add what was removed":       tx.AddFile(a),
		"row tracking domain":        tx.SetDomainMetadata(action.DomainMetadata{Domain: "delta.rowTracking"}),
	} {
		var invalid *txn.InvalidError
		if !errors.As(err, &invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := files(effective(t, tx)); got != "new" {
		t.Errorf("after refusals the transaction sees %s", got)
	}
}

func TestClosed(t *testing.T) {
	ctx := context.Background()
	table := create(t, localStore(t), metadata(), protocol(), file("a", "p", 0, 9))
	empty := begin(t, table, options("empty"))
	must(t, empty.SetOperation("DELETE", nil, nil))
	if v, err := empty.Commit(ctx); v != 0 || err != nil {
		t.Errorf("commit of nothing: %d, %v", v, err)
	}
	rolledBack := begin(t, table, options("back"))
	must(t, rolledBack.AddFile(file("new", "p", 0, 9)))
	if got := rolledBack.Orphans(); got != nil {
		t.Errorf("orphans while open: %q", got)
	}
	rolledBack.Rollback()
	if got := rolledBack.Orphans(); !slices.Equal(got, []string{"new"}) {
		t.Errorf("orphans %q", got)
	}
	for _, tx := range []*txn.Transaction{empty, rolledBack} {
		_, err := tx.Commit(ctx)
		for _, err := range []error{err, tx.AddFile(file("x", "p", 0, 9)), tx.RemoveFile(file("a", "p", 0, 9), true), tx.SetMetadata(metadata())} {
			if !errors.Is(err, txn.ErrClosed) {
				t.Errorf("closed transaction: %v", err)
			}
		}
	}
	if s := snapshot(t, table); s.Version() != 0 || files(s) != "a" {
		t.Errorf("version %d: %s", s.Version(), files(s))
	}
}

// TestRollbackProperty: taking back any statement leaves what was there before it, and the commit is what the transaction saw.
func TestRollbackProperty(t *testing.T) {
	table := create(t, localStore(t), metadata(), protocol(), file("a", "p", 0, 9), file("b", "p", 10, 19), file("c", "q", 0, 9))
	base := snapshot(t, table)
	rapid.Check(t, func(r *rapid.T) {
		tx := txn.Begin(table, base, options("tx"))
		n := 0
		change := func() {
			s, err := tx.Effective()
			if err != nil {
				r.Fatal(err)
			}
			live := s.Files().Len()
			n++
			name := string(rune('A'+n/26)) + string(rune('A'+n%26))
			switch k := rapid.IntRange(0, 2).Draw(r, "change"); {
			case k == 0 || live == 0:
				err = tx.AddFile(file(name, "p", 0, 9))
			case k == 1:
				err = tx.RemoveFile(s.Files().Add(rapid.IntRange(0, live-1).Draw(r, "file")), true)
			default:
				err = tx.ReplaceDV(s.Files().Add(rapid.IntRange(0, live-1).Draw(r, "file")), inline(name), "")
			}
			if err != nil {
				r.Fatal(err)
			}
		}
		view := func() string {
			s, err := tx.Effective()
			if err != nil {
				r.Fatal(err)
			}
			return files(s)
		}
		for range rapid.IntRange(1, 6).Draw(r, "statements") {
			before, mark := view(), tx.Mark()
			for range rapid.IntRange(0, 4).Draw(r, "changes") {
				change()
			}
			if !rapid.Bool().Draw(r, "fails") {
				continue
			}
			view() // must not outlive the rollback
			if tx.RollbackTo(mark); view() != before {
				r.Fatalf("rolled back to %s; want %s", view(), before)
			}
		}
		if changed := view() != files(base); changed && !tx.Changed() {
			r.Fatalf("sees %s and has nothing to commit", view())
		}
	})
}
