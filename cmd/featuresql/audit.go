package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/featuresql/featuresql/engine/catalog"
	"github.com/featuresql/featuresql/engine/server"
)

// audit appends a JSON line to a file for every statement and every log-in. A line that cannot be written is reported in
// the log; the statement has run by then.
type audit struct {
	log *slog.Logger

	mu   sync.Mutex
	file *os.File
}

// auditLine is a line of the file. Passwords in statements are masked.
type auditLine struct {
	Time       time.Time              `json:"time"`
	Event      string                 `json:"event"` // "statement" or "login"
	Connection uint32                 `json:"connection,omitempty"`
	User       string                 `json:"user"`
	Account    string                 `json:"account,omitempty"`
	Address    string                 `json:"address,omitempty"`
	Statement  string                 `json:"statement,omitempty"`
	Versions   []catalog.TableVersion `json:"versions,omitempty"`
	Rows       int64                  `json:"rows,omitempty"`
	ElapsedUS  int64                  `json:"elapsed_us,omitempty"`
	Error      string                 `json:"error,omitempty"`
}

func openAudit(path string, log *slog.Logger) (*audit, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("audit log: %w", err)
	}
	return &audit{log: log, file: f}, nil
}

func (a *audit) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.file.Close(); err != nil {
		a.log.Error("closing the audit log failed", "error", err)
	}
}

// watch adds the audit log to what the server tells.
func (a *audit) watch(cfg *server.Config) {
	cfg.Versions = true
	before := cfg.OnStatement
	cfg.OnStatement = func(e server.StatementEvent) {
		line := auditLine{Time: time.Now().UTC(), Event: "statement", Connection: e.ConnectionID, User: e.User, Account: e.Account, Address: e.Address,
			Statement: e.Text, Versions: e.Versions, Rows: e.Rows, ElapsedUS: e.Elapsed.Microseconds()}
		if e.Err != nil {
			line.Error = e.Err.Error()
		}
		a.write(line)
		if before != nil {
			before(e)
		}
	}
	cfg.OnLogin = func(user, address string, err error) {
		line := auditLine{Time: time.Now().UTC(), Event: "login", User: user, Address: address}
		if err != nil {
			line.Error = err.Error()
		}
		a.write(line)
	}
}

func (a *audit) write(line auditLine) {
	doc, err := json.Marshal(line)
	if err == nil {
		a.mu.Lock()
		_, err = a.file.Write(append(doc, '\n'))
		a.mu.Unlock()
	}
	if err != nil {
		a.log.Error("the audit log cannot be written", "error", err)
	}
}
