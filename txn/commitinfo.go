package txn

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/feature"
)

// Table properties of in-commit timestamps (PROTOCOL.md, In-Commit Timestamps).
const (
	timestampsProperty       = "delta.enableInCommitTimestamps"
	timestampsSinceVersion   = "delta.inCommitTimestampEnablementVersion"
	timestampsSinceTimestamp = "delta.inCommitTimestampEnablementTimestamp"
)

// commitInfo returns the provenance of the commit as version v, and the metadata it writes, nil for none. previous is the timestamp of the
// version before.
//
// With in-commit timestamps the commit's is now, but always later than the one before. The
// commit that switches them on says so in the table's properties, for those who look for older versions by time.
func (tx *Transaction) commitInfo(v delta.Version, previous, now time.Time) (*action.CommitInfo, *action.Metadata) {
	op := tx.changes.operation
	if op.name == "" {
		op.name = "WRITE"
	}
	ms, read, blind := now.UnixMilli(), int64(tx.base.Version()), tx.blindAppend()
	info := &action.CommitInfo{
		Timestamp: &ms, Operation: op.name, OperationParameters: op.params, OperationMetrics: op.metrics,
		ReadVersion: &read, IsolationLevel: isolationNames[tx.isolation()], IsBlindAppend: &blind,
		EngineInfo: tx.opts.EngineInfo, TxnID: tx.id,
	}
	if feature.Enabled(tx.protocol(), tx.metadata(), feature.RowTracking, rowTrackingEnabled) {
		info.Extra = map[string]json.RawMessage{"tags": json.RawMessage(fmt.Sprintf(`{"delta.rowTracking.preserved":"%t"}`, !tx.changes.renumbers()))}
	}
	if !hasTimestamps(tx.protocol(), tx.metadata()) {
		return info, tx.changes.metadata
	}
	at := max(ms, previous.UnixMilli()+1)
	info.InCommitTimestamp = &at
	if hasTimestamps(tx.base.Protocol(), tx.base.Metadata()) {
		return info, tx.changes.metadata
	}
	m := *tx.metadata()
	m.Configuration = maps.Clone(m.Configuration)
	m.Configuration[timestampsSinceVersion] = strconv.FormatInt(int64(v), 10)
	m.Configuration[timestampsSinceTimestamp] = strconv.FormatInt(at, 10)
	return info, &m
}

func hasTimestamps(p *action.Protocol, m *action.Metadata) bool {
	return feature.Enabled(p, m, feature.InCommitTimestamp, timestampsProperty)
}
