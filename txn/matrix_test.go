package txn_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/featuresql/featuresql/txn"
)

// TestConflictMatrix runs testdata/matrix.td. "operation" defines what a transaction does to one partition, with NEW for a file name of its own;
// "matrix" lets each operation meet each other one that won, on a new table with the given properties, one case a line.
func TestConflictMatrix(t *testing.T) {
	var names []string
	scripts := map[string][]string{}
	datadriven.RunTest(t, "testdata/matrix.td", func(t *testing.T, d *datadriven.TestData) string {
		if d.Cmd == "operation" {
			name := d.CmdArgs[0].Key
			names = append(names, name)
			scripts[name] = strings.Split(strings.TrimSpace(d.Input), "\n")
			return ""
		}
		var properties []string
		for _, a := range d.CmdArgs {
			properties = append(properties, a.Key, a.Vals[0])
		}
		var out strings.Builder
		for _, mine := range names {
			for _, other := range names {
				result := meet(t, properties, scripts[mine], scripts[other])
				fmt.Fprintf(&out, "%-17s after %-17s %s\n", mine, other+":", result)
			}
		}
		return out.String()
	})
	if len(names) < 9 {
		t.Errorf("only the operations %v", names)
	}
}

// meet commits mine after other, both begun on the same version.
func meet(t *testing.T, properties, mine, other []string) string {
	t.Helper()
	table := create(t, localStore(t), metadata(properties...), protocol(), file("a0", "a", 0, 9), file("a1", "a", 10, 19), file("b0", "b", 0, 9))
	loser, winner := begin(t, table, options("mine")), begin(t, table, options("other"))
	for _, line := range mine {
		step(t, loser, strings.ReplaceAll(line, "NEW", "mine"))
	}
	for _, line := range other {
		step(t, winner, strings.ReplaceAll(line, "NEW", "other"))
	}
	commit(t, winner)
	_, err := loser.Commit(context.Background())
	var conflict *txn.ConflictError
	switch {
	case errors.As(err, &conflict):
		return conflict.Kind.String()
	case err != nil:
		t.Fatal(err)
	}
	checkFiles(t, table)
	return "commits"
}
