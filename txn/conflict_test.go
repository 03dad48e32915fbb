package txn_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/txn"
)

// TestConflicts runs testdata/conflicts.td. "table" describes a table; each "race" makes a new one, begins a transaction, commits
// all others, and then it. Lines are "mine" or "other" and a step of script.
func TestConflicts(t *testing.T) {
	var properties []string
	var start []action.Add
	kinds := map[txn.Kind]bool{}
	datadriven.RunTest(t, "testdata/conflicts.td", func(t *testing.T, d *datadriven.TestData) string {
		if d.Cmd == "table" {
			properties, start = nil, nil
			for _, a := range d.CmdArgs {
				properties = append(properties, a.Key, a.Vals[0])
			}
			for line := range strings.Lines(d.Input) {
				start = append(start, parseFile(t, strings.Fields(line)))
			}
			return ""
		}
		table := create(t, localStore(t), metadata(properties...), protocol(), start...)
		mine := begin(t, table, options("mine"))
		other := begin(t, table, options("other"))
		for line := range strings.Lines(d.Input) {
			who, what, _ := strings.Cut(strings.TrimSpace(line), " ")
			switch {
			case who == "mine":
				step(t, mine, what)
			case what == "commit":
				commit(t, other)
				other = begin(t, table, options("other"))
			default:
				step(t, other, what)
			}
		}
		if other.Changed() {
			commit(t, other)
		}
		v, err := mine.Commit(context.Background())
		var conflict *txn.ConflictError
		var appendOnly *txn.AppendOnlyError
		switch {
		case errors.As(err, &appendOnly):
			return "append-only\n"
		case errors.As(err, &conflict):
			kinds[conflict.Kind] = true
			return strings.TrimSpace(fmt.Sprintf("%s with version %d: %s", conflict.Kind, conflict.Version, conflict.Subject)) + "\n"
		case err != nil:
			return err.Error() + "\n"
		}
		checkFiles(t, table)
		return fmt.Sprintf("version %d: %s\n", v, files(snapshot(t, table)))
	})
	for k := txn.ProtocolChanged; k <= txn.ConcurrentDomainMetadata; k++ {
		if !kinds[k] {
			t.Errorf("no race ends in %s", k)
		}
	}
}

func commit(t *testing.T, tx *txn.Transaction) delta.Version {
	t.Helper()
	v, err := tx.Commit(context.Background())
	must(t, err)
	return v
}

// checkFiles fails if a file is live twice.
func checkFiles(t *testing.T, table *delta.Table) {
	t.Helper()
	seen := map[string]bool{}
	s := snapshot(t, table)
	for i := range s.Files().Len() {
		path := s.Files().Path(i)
		if seen[path] {
			t.Errorf("file %s is live twice in version %d", path, s.Version())
		}
		seen[path] = true
	}
}

// parseFile reads "name part lo..hi", with "move" behind for a file whose rows were there before.
func parseFile(t *testing.T, words []string) action.Add {
	t.Helper()
	var lo, hi int64
	if _, err := fmt.Sscanf(words[2], "%d..%d", &lo, &hi); err != nil {
		t.Fatalf("%v: %v", words, err)
	}
	a := file(words[0], strings.Trim(words[1], "-"), lo, hi)
	a.DataChange = len(words) < 4
	return a
}

// step does one line of a script to a transaction.
func step(t *testing.T, tx *txn.Transaction, what string) {
	t.Helper()
	words := strings.Fields(what)
	args := words[1:]
	switch words[0] {
	case "read-all":
		tx.ReadAll()
	case "read":
		must(t, tx.ReadFiles(compare(t, args[0], args[1], args[2]), nil))
	case "read-file":
		s, err := tx.Effective()
		must(t, err)
		for i := range s.Files().Len() {
			if s.Files().Path(i) == args[3] {
				must(t, tx.ReadFiles(compare(t, args[0], args[1], args[2]), []int{i}))
			}
		}
	case "add":
		must(t, tx.AddFile(parseFile(t, args)))
	case "remove":
		must(t, tx.RemoveFile(find(t, tx, args[0]), len(args) < 2))
	case "dv":
		must(t, tx.ReplaceDV(find(t, tx, args[0]), inline(args[1]), ""))
	case "metadata":
		must(t, tx.SetMetadata(metadata(args...)))
	case "protocol":
		must(t, tx.SetProtocol(protocol("invariants")))
	case "app":
		must(t, tx.SetAppVersion(args[0], 7))
	case "read-app":
		tx.ReadAppVersion(args[0])
	case "domain":
		must(t, tx.SetDomainMetadata(action.DomainMetadata{Domain: args[0], Configuration: "{}"}))
	case "operation":
		must(t, tx.SetOperation(args[0], nil, nil))
	default:
		t.Fatalf("unknown step %q", what)
	}
}
