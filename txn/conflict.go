package txn

import (
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
// The order is that of Delta: what makes the files incomparable comes first. Files are compared by path, so
// two changes to one file conflict whatever rows they touch; a check by rows would replace removedTwice and readRemoved.
func (tx *Transaction) conflict(w *winner) (*ConflictError, error) {
	for _, check := range []func(*winner) (Kind, string){
		tx.schemaChanged, tx.namesTaken,
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
	for _, check := range []func(*winner) (Kind, string){
		tx.readRemoved, tx.removedTwice, tx.addedTwice,
	} {
		if kind, subject := check(w); kind != 0 {
			return tx.conflictError(w, kind, subject), nil
		}
	}
	return nil, nil
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
		if a.DataChange {
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

func (tx *Transaction) readRemoved(w *winner) (Kind, string) {
	for _, r := range w.removes {
		if _, ok := tx.reads.files[tx.changes.root.CanonicalPath(r.Path)]; ok || tx.reads.all {
			return ConcurrentDeleteRead, r.Path
		}
	}
	return 0, ""
}

func (tx *Transaction) removedTwice(w *winner) (Kind, string) {
	for _, r := range w.removes {
		if _, ok := tx.changes.gone[tx.changes.root.CanonicalPath(r.Path)]; ok {
			return ConcurrentDeleteDelete, r.Path
		}
	}
	return 0, ""
}

// addedTwice finds a path that both add, or that one adds and the other removes, as restoring an old version does: rebased, the
// file would be live twice, or dead.
func (tx *Transaction) addedTwice(w *winner) (Kind, string) {
	for _, a := range w.adds {
		path := tx.changes.root.CanonicalPath(a.Path)
		_, added := tx.changes.live[path]
		if _, removed := tx.changes.gone[path]; added || removed {
			return ConcurrentAppend, a.Path
		}
	}
	for _, r := range w.removes {
		if _, ok := tx.changes.live[tx.changes.root.CanonicalPath(r.Path)]; ok {
			return ConcurrentDeleteRead, r.Path
		}
	}
	return 0, ""
}
