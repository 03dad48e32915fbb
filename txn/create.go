package txn

import (
	"context"
	"errors"
	"fmt"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/feature"
	"github.com/featuresql/featuresql/datasource/delta/log"
	"github.com/featuresql/featuresql/datasource/objstore"
)

// Creation is version 0 of a table.
type Creation struct {
	Metadata  *action.Metadata
	Protocol  *action.Protocol
	Actions   []action.Action   // Add, Txn and DomainMetadata
	Operation string            // "CREATE TABLE" by default
	Params    map[string]string // of the operation
	Metrics   map[string]string
	// Staged says that the files of Actions were put into the table's folder for it. They are all there when the table is: a DROP of another
	// table of this name may have taken some with it.
	Staged bool
}

// Create makes a table with default options: version 0 in the store of its root. See CreateTable.
func Create(ctx context.Context, store objstore.Store, metadata *action.Metadata, protocol *action.Protocol, actions ...action.Action) error {
	return CreateTable(ctx, store, Creation{Metadata: metadata, Protocol: protocol, Actions: actions}, Options{})
}

// CreateTable makes a table: version 0 in the store of its root. *TableExistsError if there is a log, or another writer was
// faster; *ConflictError if others made and dropped tables there meanwhile; *UnknownOutcomeError if it may have been made. A feature that this
// program cannot write is refused.
func CreateTable(ctx context.Context, store objstore.Store, c Creation, opts Options) error {
	opts = opts.ensureDefaults()
	if err := errors.Join(feature.CheckWrite(c.Protocol, c.Metadata), feature.CheckMetadata(c.Protocol, c.Metadata)); err != nil {
		return fmt.Errorf("create table %s: %w", store.URL(), err)
	}
	for _, a := range c.Actions {
		if a.Add == nil && a.Txn == nil && a.DomainMetadata == nil {
			return &InvalidError{Table: store.URL(), Reason: "version 0 can only add files, applications and domains"}
		}
	}
	for o, err := range store.List(ctx, log.Prefix, "") {
		if err != nil {
			return fmt.Errorf("create table %s: %w", store.URL(), err)
		}
		if log.IsVersioned(o.Key) {
			return &TableExistsError{Table: store.URL()}
		}
	}
	l := commitLog{store, opts}
	a := attempt{txnID: opts.NewID(), number: 1}
	var err error
	if a.data, err = c.encode(store.URL(), a.txnID, opts); err != nil {
		return err
	}
	if a.beside, err = c.staged(ctx, store); err != nil {
		return err
	}
	err = l.put(ctx, a)
	if errors.Is(err, errReplaced) {
		return dropped(store)
	}
	if !errors.Is(err, errTaken) {
		return err
	}
	switch w, ours, err := l.readBack(ctx, a); {
	case ours:
		return nil
	case err != nil:
		return l.unknownOutcome(a, err)
	case w == nil: // it was another's table and is gone, or ours and was dropped
		return dropped(store)
	}
	return &TableExistsError{Table: store.URL()}
}

func dropped(store objstore.Store) error {
	return &ConflictError{Table: store.URL(), Kind: LogTruncated}
}

// staged looks that all files are there, and returns one of them. A DROP takes all that a folder holds, so that they are there as
// long as that one is.
func (c Creation) staged(ctx context.Context, store objstore.Store) (one objstore.Object, err error) {
	if !c.Staged {
		return one, nil
	}
	for _, a := range c.Actions {
		if a.Add == nil {
			continue
		}
		one, err = store.Head(ctx, action.Unescape(a.Add.Path))
		if errors.Is(err, objstore.ErrNotFound) {
			return one, dropped(store)
		}
		if err != nil {
			return one, fmt.Errorf("create table %s: %w", store.URL(), err)
		}
	}
	return one, nil
}

// encode returns the commit file of version 0.
func (c Creation) encode(table, txnID string, opts Options) ([]byte, error) {
	now, blind := opts.Clock.Now().UnixMilli(), true
	op := c.Operation
	if op == "" {
		op = "CREATE TABLE"
	}
	info := &action.CommitInfo{
		Timestamp: &now, Operation: op, OperationParameters: c.Params, OperationMetrics: c.Metrics,
		IsolationLevel: isolationNames[tableIsolation(c.Metadata)], IsBlindAppend: &blind, EngineInfo: opts.EngineInfo, TxnID: txnID,
	}
	if hasTimestamps(c.Protocol, c.Metadata) {
		info.InCommitTimestamp = &now
	}
	all := append([]action.Action{{CommitInfo: info}, {Protocol: c.Protocol}, {Metadata: c.Metadata}}, c.Actions...)
	if assignsRowIDs(c.Protocol, c.Metadata) {
		var err error
		if all, err = assignRowIDs(all, table, 0, -1); err != nil {
			return nil, err
		}
	}
	return encodeLines(all), nil
}
