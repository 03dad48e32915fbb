package txn

import (
	"context"
	"slices"

	"github.com/featuresql/featuresql/datasource/delta/action"
)

// isolation is how strictly a transaction is checked against the winners.
type isolation uint8

const (
	// writeSerializable lets blind appends through: writes are serializable, a read may miss rows appended meanwhile.
	writeSerializable isolation = iota
	// serializable checks every addition.
	serializable
	// snapshotIsolation checks none; enough for what only moves rows.
	snapshotIsolation
)

var isolationNames = []string{"WriteSerializable", "Serializable", "SnapshotIsolation"}

// isolation returns the level for this transaction's commit: the table's, but less for one that only moves rows.
func (tx *Transaction) isolation() isolation {
	c := &tx.changes
	if c.metadata == nil && c.protocol == nil && len(c.live)+len(c.removes) > 0 && !c.changesData() {
		return snapshotIsolation
	}
	return tableIsolation(tx.base.Metadata())
}

func tableIsolation(m *action.Metadata) isolation {
	switch m.Configuration["delta.isolationLevel"] {
	case "", "WriteSerializable":
		return writeSerializable
	}
	return serializable // the strictest, for names this program does not know, too
}

// blindAppend says that the transaction adds files without having read any.
func (tx *Transaction) blindAppend() bool { return len(tx.changes.removes) == 0 && tx.reads.empty() }

// conflict returns how w stands in the way of the transaction, or nil. An error is of reading w's additions.
//
// The order is that of Delta: what makes the files incomparable comes first. Files are compared by path, but for a winner that only
// took rows out of a file by a deletion vector: see rebase.go.
func (tx *Transaction) conflict(ctx context.Context, w *winner) (*ConflictError, error) {
	for _, check := range []func(*winner) (Kind, string){
		tx.schemaChanged, tx.namesTaken, tx.addedWithoutRowIDs,
	} {
		if kind, subject := check(w); kind != 0 {
			return tx.conflictError(w, kind, subject), nil
		}
	}
	path, err := tx.appended(w)
	if err != nil {
		return nil, err
	}
	if path != "" {
		return tx.conflictError(w, ConcurrentAppend, path), nil
	}
	kind, subject, err := tx.filesChanged(ctx, w)
	if err != nil {
		return nil, err
	}
	if kind == 0 {
		kind, subject = tx.addedTwice(w)
	}
	if kind != 0 {
		return tx.conflictError(w, kind, subject), nil
	}
	tx.follow(w)
	return nil, nil
}

// filesChanged finds a file that w removed, or took rows of, and that the transaction read or removes.
func (tx *Transaction) filesChanged(ctx context.Context, w *winner) (Kind, string, error) {
	moves := w.onlyMoves()
	for i := range w.removes {
		r := &w.removes[i]
		path := tx.changes.root.CanonicalPath(r.Path)
		_, read := tx.reads.files[path]
		read = !moves && (read || tx.reads.all)
		_, gone := tx.changes.gone[path]
		if !read && !gone {
			continue
		}
		var c *vectorChange
		if tx.knowsRows(path, read, gone) {
			var err error
			if c, err = tx.vectorChange(ctx, w, r); err != nil {
				return 0, "", err
			}
		}
		if read && c != nil {
			var err error
			if read, err = tx.readRow(ctx, c); err != nil {
				return 0, "", err
			}
		}
		switch {
		case read:
			return ConcurrentDeleteRead, r.Path, nil
		case gone && (c == nil || !tx.mergeRows(c)):
			return ConcurrentDeleteDelete, r.Path, nil
		}
	}
	return 0, "", nil
}

// follow takes the files to which w moved rows that the transaction read into its read set: what a later winner does to
// them counts.
func (tx *Transaction) follow(w *winner) {
	if !w.onlyMoves() {
		return
	}
	for _, r := range w.removes {
		if _, read := tx.reads.files[tx.changes.root.CanonicalPath(r.Path)]; read {
			for _, a := range w.adds {
				tx.reads.files[tx.changes.root.CanonicalPath(a.Path)] = struct{}{}
			}
			return
		}
	}
}

func (tx *Transaction) conflictError(w *winner, kind Kind, subject string) *ConflictError {
	return &ConflictError{
		Table: tx.table.URL(), Kind: kind, Base: tx.base.Version(), Version: w.version, Operation: w.operation(), Subject: subject,
	}
}

func (tx *Transaction) schemaChanged(w *winner) (Kind, string) {
	switch {
	case w.protocol:
		return ProtocolChanged, ""
	case w.metadata:
		return MetadataChanged, ""
	}
	return 0, ""
}

func (tx *Transaction) namesTaken(w *winner) (Kind, string) {
	for _, app := range w.apps {
		_, set := tx.changes.apps[app]
		if _, read := tx.reads.apps[app]; set || read {
			return ConcurrentTransaction, app
		}
	}
	for _, d := range w.domains {
		if _, ok := tx.changes.domains[d.Domain]; ok {
			return ConcurrentDomainMetadata, d.Domain
		}
	}
	return 0, ""
}

// addedWithoutRowIDs finds a file that w added before row tracking, which the transaction switches on, asked for row ids.
func (tx *Transaction) addedWithoutRowIDs(w *winner) (Kind, string) {
	if tx.changes.protocol == nil || !assignsRowIDs(tx.protocol(), tx.metadata()) {
		return 0, ""
	}
	for _, a := range w.adds {
		if a.BaseRowID == nil {
			return ConcurrentAppend, a.Path
		}
	}
	return 0, ""
}

// appended returns a file of w that the transaction would have read. Files that w only moved rows to hold nothing new: where
// the transaction read those rows, their old file is in its read set.
func (tx *Transaction) appended(w *winner) (string, error) {
	level := tx.isolation()
	blindIsFine := level == writeSerializable && tx.changes.metadata == nil
	if level == snapshotIsolation || tx.reads.empty() || blindIsFine && w.blindAppend() {
		return "", nil
	}
	var adds []action.Add
	for _, a := range w.adds {
		if a.DataChange && !tx.comparedByRows(w, &a) {
			adds = append(adds, a)
		}
	}
	if len(adds) == 0 {
		return "", nil
	}
	list, err := tx.listOf(adds)
	if err != nil {
		return "", err
	}
	if i, ok := tx.reads.matched(list); ok {
		return list.Path(i), nil
	}
	return "", nil
}

// comparedByRows says that a is a file that w gave another deletion vector and that the transaction read or removes: filesChanged looks at its rows.
func (tx *Transaction) comparedByRows(w *winner, a *action.Add) bool {
	path := tx.changes.root.CanonicalPath(a.Path)
	_, read := tx.reads.files[path]
	_, gone := tx.changes.gone[path]
	return (read || gone || tx.reads.all) && a.DeletionVector != nil && slices.ContainsFunc(w.removes, func(r action.Remove) bool {
		return tx.changes.root.CanonicalPath(r.Path) == path
	})
}

// addedTwice finds a path that both add, or that one adds and the other removes, as restoring an old version does: rebased, the
// file would be live twice, or dead.
func (tx *Transaction) addedTwice(w *winner) (Kind, string) {
	for _, a := range w.adds {
		path := tx.changes.root.CanonicalPath(a.Path)
		_, added := tx.changes.live[path]
		if _, removed := tx.changes.gone[path]; (added || removed) && tx.rebased[path] == nil {
			return ConcurrentAppend, a.Path
		}
	}
	for _, r := range w.removes {
		path := tx.changes.root.CanonicalPath(r.Path)
		if _, ok := tx.changes.live[path]; ok && tx.rebased[path] == nil {
			return ConcurrentDeleteRead, r.Path
		}
	}
	return 0, ""
}
