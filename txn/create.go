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
}

// Create makes a table with default options: version 0 in the store of its root. See CreateTable.
func Create(ctx context.Context, store objstore.Store, metadata *action.Metadata, protocol *action.Protocol, actions ...action.Action) error {
	return CreateTable(ctx, store, Creation{Metadata: metadata, Protocol: protocol, Actions: actions}, Options{})
}

// CreateTable makes a table: version 0 in the store of its root. *TableExistsError if there is a log, or another writer was
// faster; *UnknownOutcomeError if it may have been made. A feature that this program cannot write is refused.
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
	err = l.put(ctx, a)
	if !errors.Is(err, errTaken) {
		return err
	}
	switch w, ours, err := l.readBack(ctx, a); {
	case ours:
		return nil
	case err != nil || w == nil:
		return l.unknownOutcome(a, errors.Join(errVanished, err))
	}
	return &TableExistsError{Table: store.URL()}
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
