package txn

import (
	"context"
	"maps"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/engine/expr"
)

// Transaction gathers reads and changes against one snapshot until Commit or Rollback. It is for one goroutine at a time.
type Transaction struct {
	table *delta.Table
	base  *delta.Snapshot
	opts  Options
	id    string
	begun time.Time

	reads   readSet
	changes changes
	rows    *Rows // to be written by the commit; then there are no other changes
	undo    []func()
	effect  *delta.Snapshot // of the changes; nil when they moved on
	closed  bool
	outcome outcome
	rebased map[string]*vectorChange // files that winners took rows of, and this transaction others
}

// outcome says what became of the transaction, for Orphans.
type outcome uint8

const (
	pending outcome = iota
	committed
	abandoned
	unknown
)

// Mark is a point to which RollbackTo returns.
type Mark int

// Begin starts a transaction on table t that reads base, a snapshot of t.
func Begin(t *delta.Table, base *delta.Snapshot, opts Options) *Transaction {
	opts = opts.ensureDefaults()
	return &Transaction{
		table: t, base: base, opts: opts, id: opts.NewID(), begun: opts.Clock.Now(),
		changes: newChanges(action.NewRoot(t.URL())), reads: newReadSet(),
		rebased: map[string]*vectorChange{},
	}
}

// Table returns the table.
func (tx *Transaction) Table() *delta.Table { return tx.table }

// Base returns the snapshot the transaction began with.
func (tx *Transaction) Base() *delta.Snapshot { return tx.base }

// Changed says whether there is anything to commit.
func (tx *Transaction) Changed() bool { return tx.rows != nil || !tx.changes.empty() }

// Mark returns the present state, to which RollbackTo returns when a statement fails.
func (tx *Transaction) Mark() Mark { return Mark(len(tx.undo)) }

// RollbackTo takes back every change since m. Reads are kept: their results may have been seen.
func (tx *Transaction) RollbackTo(m Mark) {
	for len(tx.undo) > max(0, int(m)) {
		last := len(tx.undo) - 1
		tx.undo[last]()
		tx.undo = tx.undo[:last]
	}
	tx.effect = nil
}

// Rollback gives the transaction up. It does nothing after Commit.
func (tx *Transaction) Rollback() {
	if !tx.closed {
		tx.closed, tx.outcome = true, abandoned
	}
}

// did notes how to take a change back.
func (tx *Transaction) did(undo func()) {
	tx.undo = append(tx.undo, undo)
	tx.effect = nil
}

// ReadAll notes that the transaction's result depends on every row of the table.
func (tx *Transaction) ReadAll() { tx.reads.all = true }

// ReadFiles notes that the transaction depends on the rows for which filter is true (nil: on all), and that it
// read the given files, by their positions in the file list of Effective. The columns of filter are positions in the schema of
// the base. nil files means those that statistics do not rule out.
func (tx *Transaction) ReadFiles(filter expr.Expr, files []int) error {
	return tx.read(filter, files, nil)
}

// RowTest says whether a transaction read any of some rows of a file, given by its position in the file list of the base.
type RowTest func(ctx context.Context, base *delta.Snapshot, file int, rows *roaring64.Bitmap) (bool, error)

// ReadRows is ReadFiles of all files that filter does not rule out, for a reader that can tell afterwards which rows it read: commits
// that take other rows of these files by deletion vectors do not conflict.
func (tx *Transaction) ReadRows(filter expr.Expr, test RowTest) error {
	return tx.read(filter, nil, test)
}

func (tx *Transaction) read(filter expr.Expr, files []int, test RowTest) error {
	s, err := tx.Effective()
	if err != nil {
		return err
	}
	tx.reads.add(filter, files, s.Files())
	tx.reads.tests = append(tx.reads.tests, test)
	return nil
}

// ReadAppVersion notes that the transaction depends on the version of an application, and returns it as the transaction sees it.
func (tx *Transaction) ReadAppVersion(appID string) (int64, bool) {
	tx.reads.apps[appID] = struct{}{}
	if t, ok := tx.changes.apps[appID]; ok {
		return t.Version, true
	}
	return tx.base.AppVersion(appID)
}

// AddFile adds a data file. *InvalidError if the transaction has it already, or removed it as it is.
func (tx *Transaction) AddFile(a action.Add) error {
	if tx.closed {
		return ErrClosed
	}
	undo, reason := tx.changes.add(a)
	if reason != "" {
		return tx.invalid(a.Path, reason)
	}
	tx.did(undo)
	return nil
}

// RemoveFile removes a file of Effective: of the base, or of the transaction's own, which then vanishes without a trace in
// the log. dataChange is false where rows only move to other files. *InvalidError if it was removed before.
func (tx *Transaction) RemoveFile(a action.Add, dataChange bool) error {
	if tx.closed {
		return ErrClosed
	}
	undo, reason := tx.changes.remove(a, dataChange)
	if reason != "" {
		return tx.invalid(a.Path, reason)
	}
	tx.did(undo)
	return nil
}

// ReplaceDV gives a file of Effective another deletion vector, nil for none: old is removed and added again with dv. stats replaces the file's statistics unless
// empty; bounds that are no longer tight must say so.
func (tx *Transaction) ReplaceDV(old action.Add, dv *action.DeletionVectorDescriptor, stats string) error {
	mark := tx.Mark()
	if err := tx.RemoveFile(old, true); err != nil {
		return err
	}
	a := old
	a.DeletionVector, a.DataChange = dv, true
	if stats != "" {
		a.Stats = stats
	}
	if err := tx.AddFile(a); err != nil {
		tx.RollbackTo(mark)
		return err
	}
	return nil
}

// AddCDC adds a file of the change data feed.
func (tx *Transaction) AddCDC(c action.CDC) error {
	return tx.change(func(ch *changes) func() {
		n := len(ch.cdc)
		ch.cdc = append(ch.cdc, c)
		return func() {
			ch.cdc = ch.cdc[:n]
			ch.undone = append(ch.undone, ch.root.CanonicalPath(c.Path))
		}
	})
}

// SetMetadata replaces the table's metadata.
func (tx *Transaction) SetMetadata(m *action.Metadata) error {
	return tx.change(func(ch *changes) func() {
		old := ch.metadata
		ch.metadata = m
		return func() { ch.metadata = old }
	})
}

// SetProtocol replaces the table's protocol.
func (tx *Transaction) SetProtocol(p *action.Protocol) error {
	return tx.change(func(ch *changes) func() {
		old := ch.protocol
		ch.protocol = p
		return func() { ch.protocol = old }
	})
}

// SetAppVersion sets the version that an application has reached. Two transactions that set or read one application conflict.
func (tx *Transaction) SetAppVersion(appID string, v int64) error {
	return tx.change(func(ch *changes) func() {
		at := tx.opts.Clock.Now().UnixMilli()
		return put(ch.apps, appID, action.Txn{AppID: appID, Version: v, LastUpdated: &at})
	})
}

// SetDomainMetadata sets the configuration of a metadata domain. That of row tracking is the commit's own: *InvalidError.
func (tx *Transaction) SetDomainMetadata(d action.DomainMetadata) error {
	if d.Domain == rowTrackingDomain {
		return tx.invalid("", "the metadata domain "+d.Domain+" cannot be set")
	}
	return tx.change(func(ch *changes) func() { return put(ch.domains, d.Domain, d) })
}

// SetOperation says what the commit does, for its commitInfo and DESCRIBE HISTORY. Of several calls the last counts.
func (tx *Transaction) SetOperation(op string, params, metrics map[string]string) error {
	return tx.change(func(ch *changes) func() {
		old := ch.operation
		ch.operation = operation{name: op, params: maps.Clone(params), metrics: maps.Clone(metrics), set: true}
		return func() { ch.operation = old }
	})
}

func (tx *Transaction) change(f func(*changes) func()) error {
	if tx.closed {
		return ErrClosed
	}
	tx.did(f(&tx.changes))
	return nil
}

// put sets a map's entry and returns how to take that back.
func put[V any](m map[string]V, key string, v V) func() {
	old, had := m[key]
	m[key] = v
	return func() {
		delete(m, key)
		if had {
			m[key] = old
		}
	}
}

func (tx *Transaction) invalid(path, reason string) error {
	return &InvalidError{Table: tx.table.URL(), Path: path, Reason: reason}
}

// metadata returns the metadata that the commit leaves behind; protocol likewise.
func (tx *Transaction) metadata() *action.Metadata {
	if tx.changes.metadata != nil {
		return tx.changes.metadata
	}
	return tx.base.Metadata()
}

func (tx *Transaction) protocol() *action.Protocol {
	if tx.changes.protocol != nil {
		return tx.changes.protocol
	}
	return tx.base.Protocol()
}
