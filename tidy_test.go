package featuresql_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/featuresql/featuresql"

// layers lists every package with the packages of this module that it may import: those above it in this list only.
// A package without a line fails the test; so does an import that is not listed.
var layers = map[string][]string{
	"engine/types":        nil,
	"engine/vector":       {"engine/types"},
	"engine/expr/kernel":  {"engine/types"},
	"engine/expr":         {"engine/expr/kernel", "engine/types", "engine/vector"},
	"engine/exec/sortkey": {"engine/types", "engine/vector"},
	"skipping":            {"engine/expr", "engine/types", "engine/vector"},
	"sqlfuncs/scalar":     {"engine/expr", "engine/types", "engine/vector"},
	"sqlfuncs/agg":        {"engine/exec/sortkey", "engine/expr", "engine/types", "engine/vector"},
	"engine/exec":         {"engine/exec/sortkey", "engine/expr", "engine/types", "engine/vector", "sqlfuncs/agg"},

	"datasource/objstore":            nil,
	"datasource/objstore/faultstore": {"datasource/objstore"},
	"datasource/objstore/storetest":  {"datasource/objstore"},
	"datasource/parquet":             {"engine/types", "engine/vector", "skipping"},
	"datasource/delta/jsonscan":      nil,
	"datasource/delta/action":        {"datasource/delta/jsonscan"},
	"datasource/delta/schema":        {"datasource/delta/action", "datasource/delta/jsonscan", "datasource/parquet", "engine/types"},
	"datasource/delta/feature":       {"datasource/delta/action", "datasource/delta/schema"},
	"datasource/delta/dv":            {"datasource/delta/action", "datasource/objstore", "engine/vector"},
	"datasource/delta/replay": {"datasource/delta/action", "datasource/delta/feature", "datasource/delta/jsonscan", "datasource/delta/schema",
		"engine/types", "engine/vector", "skipping"},
	"datasource/delta/log": {"datasource/delta/action", "datasource/delta/jsonscan", "datasource/delta/replay", "datasource/objstore"},
	"datasource/delta/checkpoint": {"datasource/delta/action", "datasource/delta/feature", "datasource/delta/jsonscan", "datasource/delta/log",
		"datasource/delta/replay", "datasource/objstore", "datasource/parquet", "engine/types", "engine/vector"},
	"datasource/delta": {"datasource/delta/action", "datasource/delta/checkpoint", "datasource/delta/feature", "datasource/delta/log",
		"datasource/delta/replay", "datasource/delta/schema", "datasource/objstore"},
	"datasource/delta/write": {"datasource/delta/action", "datasource/delta/schema", "datasource/objstore", "datasource/parquet", "engine/types",
		"engine/vector"},
	"datasource/delta/scan": {"datasource/delta/action", "datasource/delta/dv", "datasource/delta/replay", "datasource/delta/schema",
		"datasource/objstore", "datasource/parquet", "engine/exec", "engine/expr", "engine/types", "engine/vector",
		"skipping"},

	"datasource/delta/verify": {"datasource/delta", "datasource/delta/action", "datasource/delta/checkpoint", "datasource/delta/log", "datasource/delta/replay",
		"datasource/delta/scan", "datasource/objstore", "engine/exec", "engine/expr", "engine/types", "engine/vector"},

	"txn": {"datasource/delta", "datasource/delta/action", "datasource/delta/checkpoint", "datasource/delta/dv", "datasource/delta/feature",
		"datasource/delta/log", "datasource/delta/replay", "datasource/objstore", "engine/expr", "engine/vector",
		"skipping"},
	"engine/simulate": {"datasource/delta", "datasource/delta/action", "datasource/delta/dv", "datasource/delta/log", "datasource/delta/scan",
		"datasource/delta/write", "datasource/objstore", "datasource/objstore/faultstore", "engine/dml", "engine/exec", "engine/expr",
		"engine/types", "engine/vector", "txn"},
	"engine/dml": {"datasource/delta", "datasource/delta/action", "datasource/delta/dv", "datasource/delta/feature",
		"datasource/delta/scan", "datasource/delta/write", "engine/exec", "engine/expr", "engine/types", "engine/vector",
		"txn"},

	"engine/textfile":            nil,
	"engine/lru":                 nil,
	"engine/parser":              {"engine/textfile", "engine/types"},
	"engine/accounts":            {"datasource/objstore"},
	"engine/catalog":             {"datasource/delta", "datasource/delta/log", "datasource/delta/scan", "datasource/delta/schema", "datasource/objstore", "engine/accounts", "engine/exec", "engine/lru", "engine/parser", "txn"},
	"engine/catalog/information": {"datasource/delta/schema", "engine/accounts", "engine/catalog", "engine/parser"},
	"engine/planner": {"datasource/delta/action", "datasource/delta/checkpoint", "datasource/delta/feature", "datasource/delta/schema", "datasource/delta/verify", "datasource/delta/write",
		"datasource/objstore", "engine/accounts", "engine/catalog", "engine/catalog/information", "engine/dml", "engine/exec", "engine/expr", "engine/lru", "engine/parser",
		"engine/textfile", "engine/types", "engine/vector", "sqlfuncs/agg", "sqlfuncs/scalar", "txn"},
	"engine": {"datasource/delta/scan", "datasource/objstore", "engine/catalog", "engine/catalog/information", "engine/exec", "engine/parser", "engine/planner",
		"engine/types", "engine/vector", "txn"},
	"engine/mysqlerr":    {"datasource/objstore", "engine/expr"},
	"engine/server/wire": {"engine/types", "engine/vector"},
	"engine/server":      {"engine", "engine/accounts", "engine/catalog", "engine/exec", "engine/mysqlerr", "engine/parser", "engine/planner", "engine/server/wire"},
	"engine/metrics":     {"engine", "engine/server"},
	"engine/logictest":   {"engine", "engine/server"},
	"engine/hostsuites":  nil,
	"cmd/featuresql": {"datasource/delta", "datasource/delta/feature", "datasource/delta/scan", "datasource/delta/verify", "datasource/objstore", "engine", "engine/catalog", "engine/exec", "engine/metrics", "engine/mysqlerr",
		"engine/parser", "engine/server", "engine/types", "engine/vector"},
	"engine/torture": nil,
	"bench/client":   nil,
}

// outside says which packages alone may import a module from outside; a name ending in "/" stands for all below it.
var outside = map[string][]string{
	"github.com/dolthub/":               {"engine/parser", "engine/accounts", "engine/catalog", "engine/catalog/information", "engine/planner", "engine/server", "engine/server/wire", "engine/mysqlerr", "engine"},
	"github.com/parquet-go/":            {"datasource/parquet"},
	"github.com/apache/arrow/":          {"engine/vector"},
	"github.com/go-sql-driver/mysql":    {"engine/logictest", "bench/client"},
	"github.com/prometheus/":            {"engine/metrics"},
	"github.com/alecthomas/kong":        {"cmd/featuresql"},
	"github.com/RoaringBitmap/roaring/": {"datasource/delta/dv", "engine/dml", "datasource/delta/scan", "txn"},
}

// never holds the rules about everything that a package is linked with: no package whose name starts with the key may
// need, even through others, a package whose path starts with one of the values.
var never = map[string][]string{
	"skipping":         {module + "/datasource/", module + "/txn", "github.com/dolthub/"},
	"sqlfuncs/":        {module + "/datasource/", module + "/txn", "github.com/dolthub/"},
	"engine/exec":      {module + "/datasource/", module + "/txn", "github.com/dolthub/"},
	"engine/expr":      {module + "/datasource/", module + "/txn", "github.com/dolthub/"},
	"datasource/":      {module + "/txn", "github.com/dolthub/"},
	"txn":              {"github.com/dolthub/"},
	"cmd/":             {"github.com/apache/arrow/go/v15/parquet"},
	"engine/logictest": {"github.com/apache/arrow/go/v15/parquet"},
}

type listed struct {
	Name       string
	Doc        string
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
	Deps       []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=Name,Doc,ImportPath,Dir,GoFiles,Imports,Deps", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p listed
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles) > 0 {
			all = append(all, p)
		}
	}
	return all
}

func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		if p.ImportPath == module {
			if len(p.Imports) > 0 {
				t.Errorf("the root package imports %v", p.Imports)
			}
			continue
		}
		allowed, known := layers[name]
		if !known {
			t.Errorf("package %s has no line in layers", name)
			continue
		}
		for _, imp := range p.Imports {
			if inner, ok := strings.CutPrefix(imp, module+"/"); ok && !slices.Contains(allowed, inner) {
				t.Errorf("%s must not import %s", name, inner)
			}
			for prefix, who := range outside {
				if strings.HasPrefix(imp, prefix) && !slices.Contains(who, name) {
					t.Errorf("%s must not import %s", name, imp)
				}
			}
		}
	}
}

// TestLinks looks at what packages need through others.
func TestLinks(t *testing.T) {
	used := map[string]bool{}
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		for prefix, refused := range never {
			if !strings.HasPrefix(name, prefix) {
				continue
			}
			used[prefix] = true
			for _, dep := range p.Deps {
				for _, r := range refused {
					if strings.HasPrefix(dep, r) {
						t.Errorf("%s must not need %s", name, dep)
					}
				}
			}
		}
	}
	for prefix := range never {
		if !used[prefix] {
			t.Errorf("no package is called %s…", prefix)
		}
	}
}

// TestPackageDocs wants every package documented: commands at their head, others in doc.go.
func TestPackageDocs(t *testing.T) {
	for _, p := range packages(t) {
		if p.Doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
		if p.Name == "main" {
			continue
		}
		if _, err := os.Stat(filepath.Join(p.Dir, "doc.go")); err != nil {
			t.Errorf("%s has no doc.go", p.ImportPath)
		}
	}
}

func TestSourceRules(t *testing.T) {
	for _, p := range packages(t) {
		for _, f := range p.GoFiles {
			path := filepath.Join(p.Dir, f)
			src, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(src, []byte("\n")); n > 800 {
				t.Errorf("%s has %d lines; split it along its ideas (800 at most)", path, n)
			}
			for _, word := range []string{"TO" + "DO", "FIX" + "ME", "XX" + "X"} {
				if bytes.Contains(src, []byte(word)) {
					t.Errorf("%s contains %s", path, word)
				}
			}
		}
	}
}

func TestReadmeShape(t *testing.T) {
	src, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(src), "\n")
	if len(lines) > 121 {
		t.Errorf("README.md has %d lines, 120 at most", len(lines))
	}
	for i, l := range lines {
		if strings.HasPrefix(l, "go run ./cmd/featuresql demo") {
			if i >= 20 {
				t.Errorf("README.md's first command is on line %d, it belongs above line 20", i+1)
			}
			return
		}
	}
	t.Error("README.md does not start with the demo")
}
