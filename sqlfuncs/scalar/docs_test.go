package scalar_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/engine/expr"
)

var update = flag.Bool("update", false, "write docs/functions.md")

var categories = []struct{ name, title string }{
	{"operator", "Operators and control flow"}, {"string", "Strings"}, {"numeric", "Numbers"}, {"temporal", "Dates and times"},
	{"json", "JSON"}, {"misc", "Others"},
}

// functionsDoc renders the registry.
func functionsDoc(t *testing.T) []byte {
	var b bytes.Buffer
	b.WriteString("# Scalar functions\n\nGenerated from the registry; `go test ./sqlfuncs/scalar -update` writes it anew.\n\n" +
		"These run on column batches, with MySQL's results and result types. Functions that are not listed are evaluated row by\n" +
		"row, which `EXPLAIN` shows as `row:name(…)`. Unless the description says otherwise a NULL operand makes the result NULL.\n\n" +
		"Text compares and matches by bytes or code points (`utf8mb4_0900_bin`). Regular expressions have RE2's syntax.\n")
	listed := 0
	for _, c := range categories {
		fmt.Fprintf(&b, "\n## %s\n\n| function | also | description |\n|---|---|---|\n", c.title)
		for _, f := range expr.Functions() {
			if f.Category != c.name {
				continue
			}
			listed++
			if f.Signature == "" || !strings.HasSuffix(f.Doc, ".") {
				t.Errorf("%s has no signature or no sentence that describes it", f.Name)
			}
			var also []string
			for _, a := range f.Aliases {
				also = append(also, "`"+a+"`")
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", strings.ReplaceAll(f.Signature, "|", `\|`), strings.Join(also, ", "), strings.ReplaceAll(f.Doc, "|", `\|`))
		}
	}
	if all := len(expr.Functions()); listed != all {
		t.Errorf("%d of %d functions are in a category", listed, all)
	}
	return b.Bytes()
}

func TestFunctionsDocIsFresh(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "functions.md")
	want := functionsDoc(t)
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/functions.md is stale (%v); run go test ./sqlfuncs/scalar -update", err)
	}
}

// TestEveryFunctionHasAnExample looks for each name and alias in the tables of this package's tests.
func TestEveryFunctionHasAnExample(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var src strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		src.Write(b)
	}
	for _, f := range expr.Functions() {
		for _, name := range append([]string{f.Name}, f.Aliases...) {
			if !strings.Contains(src.String(), "`"+name+"(") && !strings.Contains(src.String(), " "+name+"(") && !strings.Contains(src.String(), "("+name+"(") {
				t.Errorf("%s has no example", name)
			}
		}
	}
}
