package txn

import (
	"context"
	"fmt"
	"strconv"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/checkpoint"
)

// defaultCheckpointInterval is how many commits apart checkpoints are, where the table does not say: as in delta-rs. A checkpoint
// names every file, so that with Spark's 10 a table of many small commits would be busy with them.
const defaultCheckpointInterval = 100

// checkpointDue says whether a checkpoint follows the commit of version v, which is not 0.
func checkpointDue(m *action.Metadata, v delta.Version) bool {
	n, err := strconv.ParseInt(m.Configuration["delta.checkpointInterval"], 10, 64)
	if err != nil || n <= 0 {
		n = defaultCheckpointInterval
	}
	return int64(v)%n == 0
}

// checkpoint writes a checkpoint if one is due. The commit stands whatever comes of it.
func (c *committer) checkpoint(ctx context.Context) {
	v := c.next.version
	if !checkpointDue(c.tx.metadata(), v) {
		return
	}
	if err := c.tx.opts.Checkpoint(ctx, c.tx.table, v); err != nil {
		c.log.observe(CheckpointFailed, v, c.next.number, err)
		return
	}
	c.log.observe(Checkpointed, v, c.next.number, nil)
}

func writeCheckpoint(ctx context.Context, t *delta.Table, v delta.Version) error {
	s, err := t.Snapshot(ctx)
	if err == nil && s.Version() != v {
		s, err = t.SnapshotAt(ctx, v)
	}
	if err != nil {
		return fmt.Errorf("table %s: checkpoint of version %d: %w", t.URL(), v, err)
	}
	if err := checkpoint.Write(ctx, s); err != nil {
		return fmt.Errorf("table %s: checkpoint of version %d: %w", t.URL(), v, err)
	}
	return nil
}
