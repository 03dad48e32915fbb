package txn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/log"
	"github.com/featuresql/featuresql/datasource/objstore"
)

// commitLog puts and reads the commit files of one table, through the failures of its store.
type commitLog struct {
	store objstore.Store
	opts  Options
}

// errTaken says that there is a commit at the version, this transaction's own or another's.
var errTaken = errors.New("version is taken")

// errReplaced says that the table was dropped since the transaction began; another may be in its place.
var errReplaced = errors.New("the table was dropped")

// errVanished says that what took a version cannot be found.
var errVanished = errors.New("the commit that has the version cannot be found")

// errTorn says that a commit is there with this transaction's id but not its bytes: the store is not atomic.
var errTorn = errors.New("the commit was stored in part")

// storeAttempts bounds how often one version is put, or read, while the store fails.
const storeAttempts = 4

// attempt is one commit file to be put.
type attempt struct {
	version delta.Version
	data    []byte
	txnID   string
	number  int             // of the transaction's attempts, for events
	beside  objstore.Object // the commit that the transaction began on; of version 0 a data file, if it has any
}

// put stores a commit: nil if it did, errTaken if something is there, errReplaced if the log is not the one of a.beside, else as Transaction.Commit says.
//
// After most errors it is open whether the commit was stored, or still will be. Reading the version back shows whether
// something is there; while nothing is, putting the same bytes again is safe, since the first to arrive is ours either way.
func (l commitLog) put(ctx context.Context, a attempt) error {
	var putErr error
	open := false
	for n := 1; n <= storeAttempts; n++ {
		err := objstore.PutIfAbsentBeside(ctx, l.store, log.CommitKey(a.version), a.data, a.beside)
		if err == nil {
			return nil
		}
		if errors.Is(err, objstore.ErrReplaced) {
			return errReplaced
		}
		if errors.Is(err, objstore.ErrAlreadyExists) {
			return errTaken
		}
		putErr = err
		if !errors.Is(err, objstore.ErrNotStored) {
			open = true
			w, _, err := l.readBack(ctx, a)
			if w != nil || isCorrupt(err) {
				return errTaken
			}
			putErr = errors.Join(putErr, err)
		}
		l.observe(PutFailed, a.version, a.number, putErr)
		if ctx.Err() != nil || l.opts.Clock.Sleep(ctx, l.opts.pause(n)) != nil {
			break
		}
	}
	if open {
		return l.unknownOutcome(a, putErr)
	}
	return fmt.Errorf("table %s: commit: %w", l.store.URL(), putErr)
}

// takeBack removes a commit that was put into the log of another table than its own, if it is there: it may have gone with the table
// that it was put into, and another's be in its place.
func (l commitLog) takeBack(ctx context.Context, a attempt) error {
	switch _, ours, err := l.readBack(ctx, a); {
	case err != nil:
		return fmt.Errorf("table %s: version %d was put into the log of another table perhaps: %w", l.store.URL(), a.version, err)
	case !ours:
		return nil
	}
	if err := l.store.Delete(context.WithoutCancel(ctx), log.CommitKey(a.version)); err != nil {
		return fmt.Errorf("table %s: version %d was put into the log of another table and could not be removed: %w", l.store.URL(), a.version, err)
	}
	return nil
}

func (l commitLog) unknownOutcome(a attempt, err error) error {
	return &UnknownOutcomeError{Table: l.store.URL(), Version: a.version, TxnID: a.txnID, Err: err}
}

func (l commitLog) observe(kind EventKind, v delta.Version, attempt int, err error) {
	l.opts.Observe(Event{Kind: kind, Table: l.store.URL(), Version: v, Attempt: attempt, Err: err})
}

// readBackTimeout bounds reading a version back once the statement itself is cancelled.
const readBackTimeout = 10 * time.Second

// readBack reads the commit at a's version, nil if there is none, and says whether it is a's. It goes on after ctx
// has ended, as the caller must learn what became of the commit. *action.CorruptionError is of another's commit.
func (l commitLog) readBack(ctx context.Context, a attempt) (w *winner, ours bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readBackTimeout)
	defer cancel()
	w, data, err := l.read(ctx, a.version)
	if w == nil || err != nil || w.txnID() != a.txnID {
		if err != nil && bytes.HasPrefix(a.data, data) && len(data) > 0 {
			err = errTorn
		}
		return w, false, err
	}
	if !bytes.Equal(data, a.data) {
		return nil, false, errTorn
	}
	return w, true, nil
}

func isCorrupt(err error) bool {
	var corrupt *action.CorruptionError
	return errors.As(err, &corrupt)
}

// read returns the commit of a version and its bytes, nil if there is none. A store that fails is asked again.
func (l commitLog) read(ctx context.Context, v delta.Version) (w *winner, data []byte, err error) {
	key := log.CommitKey(v)
	for n := 1; ; n++ {
		data, err = l.store.Get(ctx, key, log.MaxCommitBytes)
		if errors.Is(err, objstore.ErrNotFound) {
			return nil, nil, nil
		}
		if err == nil {
			w, err = summarize(v, key, data)
			return w, data, err
		}
		if n < storeAttempts && ctx.Err() == nil {
			err = errors.Join(err, l.opts.Clock.Sleep(ctx, l.opts.pause(n)))
		}
		if n == storeAttempts || ctx.Err() != nil {
			return nil, nil, fmt.Errorf("read version %d: %w", v, err)
		}
	}
}

// newestListed returns the newest version of which the log holds a commit, or from-1 if none is at or after from, which is not negative.
func (l commitLog) newestListed(ctx context.Context, from delta.Version) (delta.Version, error) {
	newest, after := from-1, ""
	if from > 0 {
		after = log.CommitKey(newest)
	}
	for o, err := range l.store.List(ctx, log.Prefix, after) {
		if err != nil {
			return 0, err
		}
		if v, ok := log.ParseCommitKey(o.Key); ok {
			newest = max(newest, v)
		}
	}
	return newest, nil
}

// encodeLines returns a commit file.
func encodeLines(actions []action.Action) []byte {
	var b []byte
	for i := range actions {
		b = action.AppendLine(b, &actions[i])
	}
	return b
}
