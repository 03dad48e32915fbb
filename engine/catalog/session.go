package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/engine/accounts"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/txn"
)

// Session is one connection: what it has pinned, and what its transaction has written.
type Session struct {
	*sql.BaseSession
	provider *Provider
	pins     map[string]*delta.Snapshot // newest version per location, fixed for the statement or transaction
	write    *txn.Transaction           // of an explicit transaction
	writeLoc string
	reads    map[string][]ReadNote // of an explicit transaction, per location
	marks    []savepoint
	options  txn.Options
	warnings sync.Mutex // workers of a query warn at the same time
	scans    exec.Reads // of the current statement
	stage    atomic.Int32
	memory   *exec.Budget // of the query that was begun last

	trusted  bool // may do everything
	access   *accounts.Access
	roles    []accounts.Name // active
	rolesSet bool            // false until the default roles are known
	limited  []accounts.Place
	definers []DefinerLimit
	audited  bool
	used     []TableVersion // by the current statement, if audited
	viewed   accounts.Place // the first view that the statement names
	next     *bool          // whether the next transaction is read only, if SET TRANSACTION said it
	within   string         // the database of that view, while the statement is bound
	warned   uint16         // warnings of the statement before
	evaluate func(*sql.Context, sql.Expression) (any, bool)

	openVersion bool // a table was bound whose version EXECUTE will tell
}

type savepoint struct {
	name string
	mark txn.Mark
	had  bool // the transaction had written when the savepoint was set

	changed bool // and what it had written would have been a commit
}

var _ sql.TransactionSession = (*Session)(nil)

// NewSession wraps the host's session.
func NewSession(base *sql.BaseSession, p *Provider, options txn.Options) *Session {
	return &Session{BaseSession: base, provider: p, pins: map[string]*delta.Snapshot{}, reads: map[string][]ReadNote{}, options: options}
}

// SetEvaluator sets what Evaluate does.
func (s *Session) SetEvaluator(evaluate func(*sql.Context, sql.Expression) (any, bool)) {
	s.evaluate = evaluate
}

// GetCollation is the collation of literals, by which they compare as columns do: collation_connection has no effect.
func (s *Session) GetCollation() sql.CollationID { return sql.Collation_utf8mb4_0900_bin }

// NoteOpenVersion implements parser.Preparer.
func (s *Session) NoteOpenVersion() { s.openVersion = true }

// TakeOpenVersion reports, once, whether a statement was bound whose versions only EXECUTE will tell.
func (s *Session) TakeOpenVersion() bool {
	open := s.openVersion
	s.openVersion = false
	return open
}

// Evaluate implements parser.Evaluator.
func (s *Session) Evaluate(ctx *sql.Context, e sql.Expression) (any, bool) {
	if s.evaluate == nil {
		return nil, false
	}
	return s.evaluate(ctx, e)
}

// SessionOf returns the featuresql session of a host context.
func SessionOf(ctx *sql.Context) (*Session, error) {
	s, ok := ctx.Session.(*Session)
	if !ok {
		return nil, fmt.Errorf("session of type %T has no catalog", ctx.Session)
	}
	return s, nil
}

// CommandBegin implements sql.LifecycleAwareSession: outside of a transaction each statement sees the newest versions.
func (s *Session) CommandBegin() error { return nil }

// CommandEnd implements sql.LifecycleAwareSession.
func (s *Session) CommandEnd() {}

// Locks are the named locks of the server.
func (s *Session) Locks() *Locks { return s.provider.locks }

// SessionEnd implements sql.LifecycleAwareSession: an open transaction is rolled back.
func (s *Session) SessionEnd() { s.clear() }

// ValidateSession is called by the host before each statement is bound.
func (s *Session) ValidateSession(ctx *sql.Context) error {
	if explicit, err := s.Explicit(ctx); err != nil || explicit {
		return err
	}
	s.clear()
	ctx.SetTransaction(nil) // an autocommit statement that failed leaves its transaction behind
	return nil
}

// maxWarnings bounds what SHOW WARNINGS shows, as MySQL's max_error_count does by default.
const maxWarnings = 1024

// Warn implements sql.Session, for several goroutines.
func (s *Session) Warn(w *sql.Warning) {
	s.warnings.Lock()
	defer s.warnings.Unlock()
	if s.WarningCount() < maxWarnings {
		s.BaseSession.Warn(w)
	}
}

// MarkWarnings returns what forgets the warnings that come from now on.
func (s *Session) MarkWarnings() (forget func()) {
	before := s.Warnings()
	return func() {
		s.warnings.Lock()
		defer s.warnings.Unlock()
		s.BaseSession.ClearWarnings()
		for _, w := range slices.Backward(before) { // the newest is the first
			s.BaseSession.Warn(w)
		}
	}
}

// Explicit reports whether a transaction of several statements is open, or would be (autocommit = 0).
func (s *Session) Explicit(ctx *sql.Context) (bool, error) {
	auto, err := plan.IsSessionAutocommit(ctx)
	return !auto || ctx.GetIgnoreAutoCommit(), err
}

// clear forgets the transaction, and deletes the files that it staged and that no commit names.
func (s *Session) clear() {
	clear(s.pins)
	clear(s.reads)
	s.marks = nil
	s.dropWrite()
}

func (s *Session) dropWrite() {
	if s.write != nil {
		s.write.Rollback()
		s.write.Clean(context.Background())
	}
	s.write, s.writeLoc = nil, ""
}

// Snapshot returns the version of the table at loc that the current statement sees, the transaction's own writes included.
func (s *Session) Snapshot(ctx *sql.Context, loc string) (*delta.Snapshot, error) {
	if s.write != nil && s.writeLoc == loc {
		return s.write.Effective()
	}
	if snap, ok := s.pins[loc]; ok {
		s.note(loc, snap.Version())
		return snap, nil
	}
	t, err := s.provider.OpenTable(ctx, loc)
	if err != nil {
		return nil, err
	}
	snap, err := t.Snapshot(ctx)
	if err != nil {
		var gone *delta.NotATableError
		if errors.As(err, &gone) {
			s.provider.Forget(loc)
		}
		return nil, err
	}
	s.pins[loc] = snap
	s.note(loc, snap.Version())
	return snap, nil
}

// TableVersion is a version of the table at a location of the warehouse.
type TableVersion struct {
	Table   string `json:"table"`
	Version int64  `json:"version"`
}

// Audit makes the session remember which versions its statements use.
func (s *Session) Audit() { s.audited = true }

// TakeUsed returns the versions that were used since it was called last.
func (s *Session) TakeUsed() []TableVersion {
	out := s.used
	s.used = nil
	return out
}

func (s *Session) note(loc string, v delta.Version) {
	if u := (TableVersion{loc, int64(v)}); s.audited && !slices.Contains(s.used, u) {
		s.used = append(s.used, u)
	}
}

// Current returns the version of t that the current statement sees: t itself if it is that.
func (s *Session) Current(ctx *sql.Context, t *Table) (*Table, error) {
	snap, err := s.Snapshot(ctx, t.loc)
	if err != nil || snap == t.snap {
		return t, err
	}
	return newTable(&Database{provider: s.provider, name: t.database}, t.name, t.loc, snap, false), nil
}

// TableAt returns a version of the table at loc under a name.
func (s *Session) TableAt(name, loc string, snap *delta.Snapshot) *Table {
	return newTable(&Database{provider: s.provider}, name, loc, snap, false)
}

// ReadNote tells a transaction of something that was read of its table.
type ReadNote func(*txn.Transaction) error

// maxReadNotes bounds what is known of a transaction's reads of a table; beyond it everything counts as read.
const maxReadNotes = 256

// NoteRead notes a read of the table at loc in the open transaction, for whose changes of the table it counts, whether they
// come before or after it.
func (s *Session) NoteRead(loc string, note ReadNote) error {
	if len(s.reads[loc]) >= maxReadNotes {
		note = func(tx *txn.Transaction) error {
			tx.ReadAll()
			return nil
		}
		s.reads[loc] = s.reads[loc][:0]
	}
	s.reads[loc] = append(s.reads[loc], note)
	if s.write != nil && s.writeLoc == loc {
		return note(s.write)
	}
	return nil
}

// EndStatement forgets what an autocommit statement has pinned.
func (s *Session) EndStatement(ctx *sql.Context) {
	if explicit, err := s.Explicit(ctx); err == nil && !explicit {
		s.clear()
	}
}

// Refresh forgets the pinned version of a table, so that a retried statement sees the newest.
func (s *Session) Refresh(loc string) { delete(s.pins, loc) }

// SecondTableError says that a transaction tried to write a second table.
type SecondTableError struct{ First, Second string }

func (e *SecondTableError) Error() string {
	return fmt.Sprintf("a transaction writes one table, since a Delta commit is of one table: it has written %s and cannot write %s too; commit first",
		strings.ReplaceAll(e.First, "/", "."), strings.ReplaceAll(e.Second, "/", "."))
}

// Begin returns the transaction in which the current statement writes the table at loc. own is true when the
// statement is its own transaction and has to commit it itself.
func (s *Session) Begin(ctx *sql.Context, loc string) (tx *txn.Transaction, own bool, err error) {
	explicit, err := s.Explicit(ctx)
	if err != nil {
		return nil, false, err
	}
	if t := ctx.GetTransaction(); t != nil && t.IsReadOnly() {
		return nil, false, sql.ErrReadOnlyTransaction.New()
	}
	if explicit && s.write != nil {
		if s.writeLoc == loc {
			return s.write, false, nil
		}
		if s.write.Changed() || slices.ContainsFunc(s.marks, func(m savepoint) bool { return m.changed }) {
			return nil, false, &SecondTableError{First: s.writeLoc, Second: loc}
		}
		s.dropWrite() // its statements failed, or changed nothing
		for i := range s.marks {
			s.marks[i].had = false
		}
	}
	snap, err := s.Snapshot(ctx, loc)
	if err != nil {
		return nil, false, err
	}
	tx = txn.Begin(snap.Table(), snap, s.options)
	if !explicit {
		return tx, true, nil
	}
	s.write, s.writeLoc = tx, loc
	for _, note := range s.reads[loc] {
		if err := note(tx); err != nil {
			return nil, false, err
		}
	}
	return tx, false, nil
}

// TxnOptions are the options of transactions begun outside of Begin (CREATE TABLE).
func (s *Session) TxnOptions() txn.Options { return s.options }
