package catalog

import (
	"fmt"

	"github.com/featuresql/featuresql/engine/exec"
)

// Stage is what the current statement of a session is doing, as far as its scans do not tell.
type Stage int32

// The stages of a statement.
const (
	Executing  Stage = iota
	Committing       // a version is being written to the log
	Sending          // the client takes the result
)

// Reads is where the scans of the current statement are gathered.
func (s *Session) Reads() *exec.Reads { return &s.scans }

// HoldsMemory reports whether the query that the session began last still holds memory: then a new one is part of the same
// statement. The budget given is that of the new query, which a later one asks about unless an earlier one still holds memory.
func (s *Session) HoldsMemory(next *exec.Budget) bool {
	if s.memory.UsedBytes() > 0 {
		return true
	}
	s.memory = next
	return false
}

// Enter says that the current statement is at a stage; it returns the stage before.
func (s *Session) Enter(at Stage) (before Stage) { return Stage(s.stage.Swap(int32(at))) }

// State describes, for SHOW PROCESSLIST, what the current statement is doing. Any goroutine may call it.
func (s *Session) State() string {
	switch Stage(s.stage.Load()) {
	case Committing:
		return "committing"
	case Sending:
		return "Sending to client"
	}
	if st := s.scans.Stats(); st.Files > st.FilesSkipped {
		return fmt.Sprintf("reading: %d of %d files", st.FilesOpened, st.Files-st.FilesSkipped)
	}
	return "executing"
}

// Show makes the session's progress visible in SHOW PROCESSLIST, under the number of its connection.
func (s *Session) Show() { s.provider.shown.Store(s.ID(), s) }

// Hide ends what Show began.
func (s *Session) Hide() { s.provider.shown.CompareAndDelete(s.ID(), s) }

// StateOf describes what the statement of a connection is doing.
func (s *Session) StateOf(connection uint32) string {
	if other, ok := s.provider.shown.Load(connection); ok {
		return other.(*Session).State()
	}
	return "executing"
}
