package txn

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/feature"
	"github.com/featuresql/featuresql/datasource/delta/log"
	"github.com/featuresql/featuresql/datasource/objstore"
)

// Commit makes the changes the next version of the table, and returns it; with nothing changed, the base's. It closes the
// transaction, whatever comes of it.
//
// *ConflictError: nothing was committed, another commit is in the way. *UnknownOutcomeError: it may have been committed. Any
// other error: nothing was committed, and no attempt is under way.
func (tx *Transaction) Commit(ctx context.Context) (delta.Version, error) {
	if tx.closed {
		return 0, ErrClosed
	}
	tx.closed = true
	if !tx.Changed() {
		tx.outcome = committed
		return tx.base.Version(), nil
	}
	tx.outcome = abandoned
	if err := tx.check(); err != nil {
		return 0, err
	}
	if err := tx.writeRows(ctx); err != nil {
		return 0, err
	}
	c := &committer{
		tx: tx, log: commitLog{tx.table.Store(), tx.opts}, previous: tx.base.Timestamp(),
		next: attempt{version: tx.base.Version() + 1, txnID: tx.id, beside: tx.base.CommitObject()},
	}
	var err error
	if c.rowID, err = tx.baseRowID(); err == nil {
		err = c.run(ctx)
	}
	if isUnknown(err) {
		tx.outcome = unknown
	}
	if err != nil {
		return 0, err
	}
	tx.outcome = committed
	c.log.observe(Committed, c.next.version, c.next.number, nil)
	c.checkpoint(ctx)
	return c.next.version, nil
}

// check refuses what the table does not allow, before anything is written.
func (tx *Transaction) check() error {
	if err := feature.CheckWrite(tx.base.Protocol(), tx.base.Metadata()); err != nil {
		return fmt.Errorf("table %s: %w", tx.table.URL(), err)
	}
	if tx.changes.metadata != nil || tx.changes.protocol != nil {
		err := errors.Join(feature.CheckWrite(tx.protocol(), tx.metadata()), feature.CheckMetadata(tx.protocol(), tx.metadata()))
		if err != nil {
			return fmt.Errorf("table %s: %w", tx.table.URL(), err)
		}
	}
	if isTrue(tx.base.Metadata(), "delta.appendOnly") && tx.changes.removesData() {
		return &AppendOnlyError{Table: tx.table.URL()}
	}
	return nil
}

// committer carries one transaction through its attempts.
type committer struct {
	tx       *Transaction
	log      commitLog
	next     attempt
	previous time.Time       // timestamp of the version before
	rowID    int64           // the highest given out; of no interest without row tracking
	below    objstore.Object // the commit before the next one as it was first seen; empty where that is the base's
	members  []*member       // of a shared commit, of which tx is the sum; else nil
	written  []action.Add    // the files of the rows of members
}

// run puts the commit until it is there. Whenever the version is taken it goes past all winners.
func (c *committer) run(ctx context.Context) error {
	tx := c.tx
	for {
		if err := c.guardGap(ctx); err != nil {
			return err
		}
		c.next.number++
		if c.replaced(ctx) {
			return c.truncated()
		}
		if err := c.encode(); err != nil {
			return err
		}
		err := c.log.put(ctx, c.next)
		if err == nil && c.replaced(ctx) { // between the look and the put
			return errors.Join(c.truncated(), c.log.takeBack(ctx, c.next))
		}
		if errors.Is(err, errReplaced) {
			return c.truncated()
		}
		if !errors.Is(err, errTaken) {
			return err
		}
		ours, err := c.passWinners(ctx)
		if ours && c.replaced(ctx) {
			return errors.Join(c.truncated(), c.log.takeBack(ctx, c.next))
		}
		if ours || err != nil {
			return err
		}
		c.log.observe(Lost, c.next.version-1, c.next.number, nil)
		if c.next.number >= tx.opts.MaxAttempts {
			return &ConflictError{Table: tx.table.URL(), Kind: TooManyAttempts, Base: tx.base.Version(), Version: c.next.version - 1}
		}
		if err := tx.opts.Clock.Sleep(ctx, tx.opts.pause(c.next.number)); err != nil {
			return fmt.Errorf("table %s: commit: %w", tx.table.URL(), err)
		}
	}
}

// passWinners checks every commit from the version just tried on, and moves past them. ours says that the first is this very
// transaction's: a store that tries again by itself reports its own success as somebody else's.
func (c *committer) passWinners(ctx context.Context) (ours bool, err error) {
	w, ours, err := c.log.readBack(ctx, c.next)
	switch {
	case isCorrupt(err):
		return false, fmt.Errorf("table %s: commit: %w", c.tx.table.URL(), err)
	case err != nil:
		return false, c.log.unknownOutcome(c.next, err)
	case ours:
		c.log.observe(Recovered, c.next.version, c.next.number, nil)
		return true, nil
	case w == nil && c.replaced(ctx): // what took the version went with the table
		return false, c.truncated()
	case w == nil:
		return false, c.log.unknownOutcome(c.next, errVanished)
	}
	for w != nil {
		if err := c.admits(ctx, w); err != nil {
			return false, err
		}
		if err := c.rebase(w); err != nil {
			return false, err
		}
		c.next.version++
		if w, _, err = c.log.read(ctx, c.next.version); err != nil {
			return false, fmt.Errorf("table %s: commit: %w", c.tx.table.URL(), err)
		}
	}
	return false, c.tx.restage(ctx)
}

// admits checks the transaction, or each member of a shared commit, against a winner. The error is nil while there is something left to commit.
func (c *committer) admits(ctx context.Context, w *winner) error {
	if c.members != nil {
		if c.drop(ctx, w); len(c.members) == 0 {
			return errNobody
		}
		return nil
	}
	conflict, err := c.tx.conflict(ctx, w)
	switch {
	case err != nil:
		return fmt.Errorf("table %s: check against version %d: %w", c.tx.table.URL(), w.version, err)
	case conflict != nil:
		return conflict
	}
	return nil
}

// errNobody says that every member of a shared commit was told of a conflict.
var errNobody = errors.New("nothing is left to commit")

func isUnknown(err error) bool {
	var open *UnknownOutcomeError
	return errors.As(err, &open)
}

// rebase takes over what the next commit builds upon.
func (c *committer) rebase(w *winner) error {
	if at, ok := w.timestamp(); ok && at.After(c.previous) {
		c.previous = at
	}
	if d := w.rowTracking(); d != nil {
		highest, err := highestRowID(d)
		if err != nil {
			return fmt.Errorf("table %s: version %d: %w", c.tx.table.URL(), w.version, err)
		}
		c.rowID = highest
	}
	return nil
}

// replaced reports whether the log that the transaction began on, or the commit that the next one is to follow, is gone: the table was
// dropped, and another may stand in its place, or its log was put back from a copy. Where the store cannot say, they are taken to be there.
func (c *committer) replaced(ctx context.Context) bool {
	if there, err := c.tx.base.StillThere(ctx); err == nil && !there {
		return true
	}
	before := c.next.version - 1
	if before == c.tx.base.Version() {
		return false
	}
	o, err := c.log.store.Head(ctx, log.CommitKey(before))
	if err != nil {
		return errors.Is(err, objstore.ErrNotFound)
	}
	if c.below.Key != o.Key {
		c.below = o
	}
	return !o.Same(c.below)
}

func (c *committer) truncated() error {
	return &ConflictError{Table: c.tx.table.URL(), Kind: LogTruncated, Base: c.tx.base.Version(), Version: c.next.version}
}

// maxAge is how long after its beginning a transaction trusts that the log it read is still there.
const maxAge = 10 * time.Second

// guardGap refuses to put a version into a log that was cleaned up past it, or removed with its table: the version would be
// absent, and yet not the next. Only a transaction that took long has to look.
func (c *committer) guardGap(ctx context.Context) error {
	tx, v := c.tx, c.next.version
	if tx.opts.Clock.Now().Sub(tx.begun) < maxAge {
		return nil
	}
	tx.begun = tx.opts.Clock.Now()
	newest, err := c.log.newestListed(ctx, v-1)
	gone := err == nil && newest < v-1
	if err == nil && newest >= v {
		var w *winner
		w, _, err = c.log.read(ctx, v)
		gone = err == nil && w == nil
	}
	if err != nil {
		return fmt.Errorf("table %s: commit: %w", tx.table.URL(), err)
	}
	if gone {
		return c.truncated()
	}
	return nil
}

// encode makes the commit file of the next version.
func (c *committer) encode() error {
	tx, v, now := c.tx, c.next.version, c.tx.opts.Clock.Now()
	if at := c.below.ModTime; at.After(c.previous) && !hasTimestamps(tx.base.Protocol(), tx.base.Metadata()) {
		c.previous = at // without timestamps in the commits, the time of the file is the version's
	}
	info, metadata := tx.commitInfo(v, c.previous, now)
	actions := append([]action.Action{{CommitInfo: info}}, tx.changes.actions(metadata, now.UnixMilli())...)
	if assignsRowIDs(tx.protocol(), tx.metadata()) {
		var err error
		if actions, err = assignRowIDs(actions, tx.table.URL(), v, c.rowID); err != nil {
			return err
		}
	}
	c.next.data = encodeLines(actions)
	if len(c.next.data) > log.MaxCommitBytes {
		return &InvalidError{Table: tx.table.URL(), Reason: fmt.Sprintf("the commit has %d bytes, more than %d", len(c.next.data), log.MaxCommitBytes)}
	}
	return nil
}

func isTrue(m *action.Metadata, property string) bool {
	return strings.EqualFold(m.Configuration[property], "true")
}
