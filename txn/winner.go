package txn

import (
	"slices"
	"time"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/objstore"
)

// winner is a commit that took a version before this transaction, as far as conflicts go.
type winner struct {
	version  delta.Version
	info     *action.CommitInfo
	protocol bool
	metadata bool
	adds     []action.Add
	removes  []action.Remove
	apps     []string
	domains  []action.DomainMetadata
	object   objstore.Object     // of an own commit: its file, as it was stored
	keys     map[string]struct{} // of all rows that an own commit of rows alone added; else nil
}

// summarize reads a commit file. *action.CorruptionError.
func summarize(v delta.Version, key string, data []byte) (*winner, error) {
	w := &winner{version: v}
	err := action.ParseLines(key, string(data), func(_ int, a *action.Action) error {
		switch {
		case a.CommitInfo != nil:
			w.info = a.CommitInfo
		case a.Protocol != nil:
			w.protocol = true
		case a.Metadata != nil:
			w.metadata = true
		case a.Add != nil:
			w.adds = append(w.adds, *a.Add)
		case a.Remove != nil:
			w.removes = append(w.removes, *a.Remove)
		case a.Txn != nil:
			w.apps = append(w.apps, a.Txn.AppID)
		case a.DomainMetadata != nil:
			w.domains = append(w.domains, *a.DomainMetadata)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return w, nil
}

// txnID returns the id of the transaction, if its writer gave it one.
func (w *winner) txnID() string {
	if w.info == nil {
		return ""
	}
	return w.info.TxnID
}

func (w *winner) operation() string {
	if w.info == nil {
		return ""
	}
	return w.info.Operation
}

// blindAppend says whether the winner claims to have added files without reading any.
func (w *winner) blindAppend() bool {
	return w.info != nil && w.info.IsBlindAppend != nil && *w.info.IsBlindAppend
}

// onlyMoves says that the winner moved rows between files, and neither added, changed nor removed any.
func (w *winner) onlyMoves() bool {
	return len(w.removes) > 0 && !slices.ContainsFunc(w.removes, func(r action.Remove) bool { return r.DataChange }) &&
		!slices.ContainsFunc(w.adds, func(a action.Add) bool { return a.DataChange })
}

// timestamp returns the in-commit timestamp, or else what the writer's clock said.
func (w *winner) timestamp() (time.Time, bool) {
	switch {
	case w.info == nil:
	case w.info.InCommitTimestamp != nil:
		return time.UnixMilli(*w.info.InCommitTimestamp), true
	case w.info.Timestamp != nil:
		return time.UnixMilli(*w.info.Timestamp), true
	}
	return time.Time{}, false
}

// rowTracking returns the winner's row tracking domain, nil for none.
func (w *winner) rowTracking() *action.DomainMetadata {
	for i := range w.domains {
		if w.domains[i].Domain == rowTrackingDomain {
			return &w.domains[i]
		}
	}
	return nil
}
