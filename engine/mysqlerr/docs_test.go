package mysqlerr_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/engine/mysqlerr"
)

var update = flag.Bool("update", false, "write docs/errors.md")

const (
	page  = "../../docs/errors.md"
	cases = "../../testdata/logic/errors.test"
)

const head = `# Errors

The codes and SQLSTATEs that a client gets for featuresql's own errors, with a statement that raises each. The statements
are run over the wire by a test (` + "`testdata/logic/errors.test`" + `, which also has the tables); where no statement alone raises an error, the
tests damage a table first. Errors of the dialect (unknown columns, a wrong number of arguments and so on) have MySQL's own codes.

<!-- Generated from engine/mysqlerr by make docs. Do not edit. -->

| code | SQLSTATE | when | example |
|---|---|---|---|
`

// table writes the page; errors of one code and one reason are one line.
func table() string {
	entries := mysqlerr.Entries()
	slices.SortStableFunc(entries, func(a, b mysqlerr.Entry) int { return a.Code - b.Code })
	var b strings.Builder
	b.WriteString(head)
	seen := map[string]bool{}
	for _, e := range entries {
		example := "–"
		if e.Example != "" {
			fence := "`"
			if strings.Contains(e.Example, "`") {
				fence = "``"
			}
			example = fence + strings.ReplaceAll(e.Example, "|", `\|`) + fence
		}
		line := fmt.Sprintf("| %d | %s | %s | %s |\n", e.Code, e.State, e.When, example)
		if !seen[line] {
			b.WriteString(line)
		}
		seen[line] = true
	}
	return b.String()
}

func TestGenerated(t *testing.T) {
	want := table()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is stale: make docs", page)
	}
}

// TestExamplesRun looks for every example, with its code, in the statements that are run over the wire.
func TestExamplesRun(t *testing.T) {
	src, err := os.ReadFile(cases)
	if err != nil {
		t.Fatal(err)
	}
	run := map[string]string{}
	for record := range strings.SplitSeq(string(src), "\n\n") {
		lines := strings.Split(strings.TrimSpace(record), "\n")
		for i, l := range lines {
			if strings.HasPrefix(l, "statement error ") {
				code, _, _ := strings.Cut(strings.Fields(l)[2], "/")
				run[strings.Join(lines[i+1:], "\n")] = code
			}
		}
	}
	examples := 0
	for _, e := range mysqlerr.Entries() {
		if e.Example == "" {
			continue
		}
		examples++
		if run[e.Example] != fmt.Sprint(e.Code) {
			t.Errorf("%s: %q fails with %q in %s, not with %d", e.Error, e.Example, run[e.Example], cases, e.Code)
		}
	}
	if examples < 25 {
		t.Errorf("only %d examples", examples)
	}
}
