package mysqlerr_test

import (
	"go/ast"
	goparser "go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/engine/mysqlerr"
)

// withoutRow are error types that need no row of their own.
var withoutRow = map[string]string{
	"expr.ValueError":         "carries its code",
	"delta.CheckpointWarning": "is reported, not returned",
	"delta.CompactionWarning": "is reported, not returned",
}

// TestComplete looks for exported error types in the repository that the table does not know: they would leave as 1105.
func TestComplete(t *testing.T) {
	known := map[string]bool{}
	for _, e := range mysqlerr.Entries() {
		known[e.Error] = true
	}
	found := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{"bench", "cmd", "examples", "interop", "testdata", ".cache"}, d.Name()):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		f, err := goparser.ParseFile(token.NewFileSet(), path, nil, goparser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, name := range errorTypes(f) {
			found++
			if typ := f.Name.Name + "." + name; !known[typ] && withoutRow[typ] == "" {
				t.Errorf("%s (%s) has no row in own.go", typ, path)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 40 {
		t.Errorf("only %d error types found", found)
	}
}

// errorTypes lists the exported types of a file that have a method Error() string.
func errorTypes(f *ast.File) (names []string) {
	for _, d := range f.Decls {
		m, ok := d.(*ast.FuncDecl)
		if !ok || m.Recv == nil || m.Name.Name != "Error" || len(m.Type.Params.List) > 0 {
			continue
		}
		recv := m.Recv.List[0].Type
		if star, ok := recv.(*ast.StarExpr); ok {
			recv = star.X
		}
		if id, ok := recv.(*ast.Ident); ok && id.IsExported() {
			names = append(names, id.Name)
		}
	}
	return names
}
