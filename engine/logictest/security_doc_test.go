package logictest

import (
	"os"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/engine"
)

// TestSecurityDoc runs the statements of docs/security.md.
func TestSecurityDoc(t *testing.T) {
	doc, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, ok := strings.Cut(string(doc), "```sql\n")
	block, _, closed := strings.Cut(block, "```")
	if !ok || !closed {
		t.Fatal("no statements")
	}
	db := serve(t, engine.Options{})
	db.SetMaxOpenConns(1)
	for st := range strings.SplitSeq(strings.TrimSpace(block), ";\n") {
		if code, message := run(t.Context(), db, strings.TrimSuffix(st, ";")); code != 0 {
			t.Errorf("%s: %d %s", st, code, message)
		}
	}
}
