package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/txn"
)

// Activity says what an engine has done since it was opened, and what it holds at the moment.
type Activity struct {
	Commits            int64 // transactions in a log
	CommitsPutAgain    int64 // attempts after another commit took the version, without a conflict
	PutsFailed         int64 // commits that the store did not take, put again
	PutsRecovered      int64 // commits that the store took but reported as failed
	ConflictsRetried   int64 // statements executed again because of a conflict
	Checkpoints        int64
	CheckpointsFailed  int64
	RowFallbacks       int64 // constructs that ran row by row
	KeptPlansUsed      int64
	CacheHits          int64 // of footers, indexes and pages
	CacheMisses        int64
	CacheBytes         int64
	MemoryBytes        int64 // that the operators of all queries hold
	MemoryPeakBytes    int64
	MemoryLimitBytes   int64 // 0: none
	SpilledBytes       int64 // written to temporary files by operators
	DamagedLogWarnings int64 // what the protocol allowed to work around
}

// counters are the parts of Activity that the engine counts itself.
type counters struct {
	commits, lost, putFailed, recovered, retried, checkpoints, checkpointsFailed, damaged atomic.Int64
}

// Activity returns the numbers of the moment.
func (e *Engine) Activity() Activity {
	c := &e.counters
	hits, misses := e.provider.Cache().Lookups()
	return Activity{
		Commits: c.commits.Load(), CommitsPutAgain: c.lost.Load(), PutsFailed: c.putFailed.Load(), PutsRecovered: c.recovered.Load(),
		ConflictsRetried: c.retried.Load(), Checkpoints: c.checkpoints.Load(), CheckpointsFailed: c.checkpointsFailed.Load(),
		RowFallbacks: e.runtime.Fallbacks(), KeptPlansUsed: e.runtime.PlanCacheHits(),
		CacheHits: hits, CacheMisses: misses, CacheBytes: e.provider.Cache().SizeBytes(),
		MemoryBytes: e.memory.UsedBytes(), MemoryPeakBytes: e.memory.PeakBytes(), MemoryLimitBytes: e.memory.LimitBytes(), SpilledBytes: e.memory.SpilledBytes(),
		DamagedLogWarnings: c.damaged.Load(),
	}
}

// observe counts what transactions tell, and logs what did not work.
func (e *Engine) observe(ev txn.Event) {
	c := &e.counters
	switch ev.Kind {
	case txn.Committed:
		c.commits.Add(1)
	case txn.Lost:
		c.lost.Add(1)
	case txn.PutFailed:
		c.putFailed.Add(1)
		e.options.Log.Warn("commit put again", "table", ev.Table, "version", ev.Version, "attempt", ev.Attempt, "error", ev.Err)
	case txn.Recovered:
		c.recovered.Add(1)
	case txn.Checkpointed:
		c.checkpoints.Add(1)
	case txn.CheckpointFailed:
		c.checkpointsFailed.Add(1)
		e.options.Log.Warn("checkpoint failed", "table", ev.Table, "version", ev.Version, "error", ev.Err)
	}
}

// Ping says why the warehouse cannot be read, nil if it can.
func (e *Engine) Ping(ctx context.Context) error {
	if e.root != "" { // a folder that is gone has no objects, which is no error
		if _, err := os.Stat(e.root); err != nil {
			return fmt.Errorf("warehouse: %w", err)
		}
		return nil
	}
	if _, err := e.options.Store.Head(ctx, "_featuresql/ping"); err != nil && !errors.Is(err, objstore.ErrNotFound) {
		return fmt.Errorf("warehouse: %w", err)
	}
	return nil
}
