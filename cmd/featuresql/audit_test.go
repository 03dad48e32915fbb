package main

import (
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/engine/catalog"
	"github.com/featuresql/featuresql/engine/server"
)

// TestAuditLines writes one line for each event, readable by the owner alone.
func TestAuditLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	a, err := openAudit(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	cfg := server.Config{OnStatement: func(server.StatementEvent) { told++ }}
	a.watch(&cfg)
	cfg.OnLogin("u", "10.0.0.1", errors.New("denied"))
	cfg.OnStatement(server.StatementEvent{ConnectionID: 7, User: "u", Account: "u@%", Text: "SELECT 1\n", Rows: 3,
		Versions: []catalog.TableVersion{{Table: "fraud/labels", Version: 4}}})
	a.close()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(doc)), "\n")
	var login, statement auditLine
	if len(lines) != 2 || json.Unmarshal([]byte(lines[0]), &login) != nil || json.Unmarshal([]byte(lines[1]), &statement) != nil {
		t.Fatalf("%s", doc)
	}
	if login.Event != "login" || login.Error != "denied" || statement.Account != "u@%" || statement.Rows != 3 || told != 1 ||
		len(statement.Versions) != 1 || statement.Versions[0].Version != 4 || !cfg.Versions {
		t.Errorf("%+v %+v, told %d", login, statement, told)
	}
}
