package txn

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/featuresql/featuresql/datasource/delta"
)

// Clock tells the time and lets it pass; tests bring their own.
type Clock interface {
	Now() time.Time
	// Sleep waits for d or until ctx is done, whose error it returns.
	Sleep(ctx context.Context, d time.Duration) error
}

// Options set up transactions. The zero value is ready to use.
type Options struct {
	Clock Clock
	// Rand returns numbers in [0, 1) for jitter and is called by one goroutine at a time for each transaction.
	Rand func() float64
	// NewID returns the id of a transaction, unique among all writers.
	NewID func() string
	// MaxAttempts bounds how often a commit is put, by default 200.
	MaxAttempts int
	// EngineInfo names the writer in commitInfo, "featuresql/<version>".
	EngineInfo string
	// Checkpoint writes the checkpoint of a version; nil writes it at once, after the commit. Its failure is reported to Observe only.
	Checkpoint func(ctx context.Context, t *delta.Table, v delta.Version) error
	// Linger bounds how long a shared commit waits for transactions that are likely to come; zero waits for nobody.
	Linger time.Duration
	// Observe is told what happened, on the committing goroutine; nil tells nobody.
	Observe func(Event)
}

// Event is something that the caller may count or log.
type Event struct {
	Kind    EventKind
	Table   string
	Version delta.Version // at which it happened
	Attempt int           // from 1
	Err     error
}

// EventKind says what happened.
type EventKind uint8

// The kinds of event.
const (
	// Committed: the transaction is in the log.
	Committed EventKind = iota
	// Lost: another commit took the version, without a conflict; the next one is tried.
	Lost
	// Recovered: the store reported an error for a commit that turned out to be stored.
	Recovered
	// PutFailed: the store reported an error for a commit that turned out not to be stored; it is put again.
	PutFailed
	// Checkpointed: a checkpoint of the version was written.
	Checkpointed
	// CheckpointFailed: it was not; the commit stands.
	CheckpointFailed
)

func (o Options) ensureDefaults() Options {
	if o.Clock == nil {
		o.Clock = realClock{}
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.NewID == nil {
		o.NewID = uuid.NewString
	}
	if o.MaxAttempts <= 0 {
		o.MaxAttempts = 200
	}
	if o.EngineInfo == "" {
		o.EngineInfo = "featuresql"
	}
	if o.Checkpoint == nil {
		o.Checkpoint = writeCheckpoint
	}
	if o.Observe == nil {
		o.Observe = func(Event) {}
	}
	return o
}

type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

func (realClock) Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Bounds of the pause before a lost commit is tried again: a random part of firstPause, doubled up to maxPause.
const (
	firstPause = 4 * time.Millisecond
	maxPause   = 500 * time.Millisecond
)

// pause returns how long to wait before the attempt after the n-th, from 1.
func (o Options) pause(n int) time.Duration {
	limit := maxPause
	if n < 8 {
		limit = min(maxPause, firstPause<<n)
	}
	return time.Duration(o.Rand() * float64(limit))
}
