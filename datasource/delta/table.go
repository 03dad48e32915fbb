package delta

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/log"
	"github.com/featuresql/featuresql/datasource/delta/replay"
	"github.com/featuresql/featuresql/datasource/objstore"
)

// Options tune a Table. The zero value is ready to use.
type Options struct {
	// OnWarning hears of a log that is damaged but readable: *CheckpointWarning, *CompactionWarning. It may be
	// called from any goroutine.
	OnWarning func(error)
	// OpenExternal returns the store and key of a file outside of the table's folder, by its absolute URL (shallow
	// clones). nil: such files are *ExternalFileError.
	OpenExternal func(url string) (objstore.Store, string, error)
	// OnRemoved hears of a data file that the newest version has no more, by where it lies, its bytes, and when it was written in
	// milliseconds of the epoch. It may be called more than once for a file, from any goroutine. nil: nobody wants to know.
	OnRemoved func(store objstore.Store, key string, sizeBytes, modified int64)
	// KeptVersions is the number of old versions that are kept in memory besides the newest; default 4.
	KeptVersions int
}

func (o Options) ensureDefaults() Options {
	if o.OnWarning == nil {
		o.OnWarning = func(error) {}
	}
	if o.KeptVersions <= 0 {
		o.KeptVersions = 4
	}
	return o
}

// Table is a Delta table. It may be used by any number of goroutines.
type Table struct {
	store objstore.Store
	root  action.Root
	opts  Options

	started atomic.Int64 // refreshes begun so far

	seen   atomic.Pointer[Snapshot] // newest, for those who have not the turn
	turn   chan struct{}            // holds one token: the right to read and change what is below
	done   int64                    // which of the refreshes made newest
	newest *Snapshot
	old    []*Snapshot // most recently used last
}

// Open opens the table whose root is the store's. It reads the newest version. Errors: *NotATableError, those of Snapshot.
func Open(ctx context.Context, store objstore.Store, opts Options) (*Table, error) {
	t := &Table{store: store, root: action.NewRoot(store.URL()), opts: opts.ensureDefaults(), turn: make(chan struct{}, 1)}
	t.turn <- struct{}{}
	if _, err := t.Snapshot(ctx); err != nil {
		return nil, err
	}
	return t, nil
}

// FileCount returns the number of files of the newest version that was read.
func (t *Table) FileCount() int { return t.seen.Load().Files().Len() }

// Store returns the store whose root is the table's.
func (t *Table) Store() objstore.Store { return t.store }

// URL names the table's root.
func (t *Table) URL() string { return t.store.URL() }

// Locate returns the store and key of a file by its path in an action or in a FileList. Error: *ExternalFileError.
func (t *Table) Locate(path string) (objstore.Store, string, error) {
	if !action.IsAbsolute(path) {
		return t.store, path, nil
	}
	return t.locate(t.root.CanonicalPath(path))
}

// LocateAction is Locate for a path as it stands in an action, percent-encoded.
func (t *Table) LocateAction(path string) (objstore.Store, string, error) {
	return t.locate(t.root.CanonicalPath(path))
}

func (t *Table) locate(canonical string) (objstore.Store, string, error) {
	switch {
	case !action.IsAbsolute(canonical):
		return t.store, canonical, nil
	case t.opts.OpenExternal == nil:
		return nil, "", &ExternalFileError{URL: t.URL(), Path: canonical}
	}
	return t.opts.OpenExternal(canonical)
}

// Within returns an Options.OpenExternal that finds the files of store, whose root is above that of the table.
func Within(store objstore.Store) func(url string) (objstore.Store, string, error) {
	root := action.NewRoot(store.URL())
	return func(url string) (objstore.Store, string, error) {
		key := root.CanonicalPath(url)
		if action.IsAbsolute(key) {
			return nil, "", &ExternalFileError{URL: store.URL(), Path: key}
		}
		return store, key, nil
	}
}

// lock waits for the right to change the table's caches.
func (t *Table) lock(ctx context.Context) error {
	select {
	case <-t.turn:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *Table) unlock() { t.turn <- struct{}{} }

// Snapshot returns the version that was the newest at the time of the call, or a later one. Without a change it is
// the same one as before. Callers that wait for each other share a look at the log that began after they came.
// Errors: *NotATableError, *CorruptionError, *feature.UnsupportedError, those of package schema, what the store returns.
func (t *Table) Snapshot(ctx context.Context) (*Snapshot, error) {
	before := t.started.Load()
	if err := t.lock(ctx); err != nil {
		return nil, err
	}
	defer t.unlock()
	if t.done > before {
		return t.newest, nil
	}
	turn := t.started.Add(1)
	s, err := t.refresh(ctx)
	if err != nil {
		return nil, err
	}
	t.done = turn
	if t.newest != nil && t.newest != s {
		t.keep(t.newest)
	}
	t.newest = s
	t.seen.Store(s)
	return s, nil
}

// Exists reports whether the commit of the newest version that was read is still there. If not, the table may be gone,
// or only its log cleaned up.
func (t *Table) Exists(ctx context.Context) (bool, error) {
	s := t.seen.Load()
	_, err := t.store.Head(ctx, s.commit.Object.Key)
	if errors.Is(err, objstore.ErrNotFound) || errors.Is(err, objstore.ErrInvalidKey) {
		return false, nil
	}
	return err == nil, err
}

// keep remembers an old version.
func (t *Table) keep(s *Snapshot) {
	t.old = slices.DeleteFunc(t.old, func(o *Snapshot) bool { return o.version == s.version })
	t.old = append(t.old, s)
	if n := len(t.old) - t.opts.KeptVersions; n > 0 {
		t.old = slices.Delete(t.old, 0, n)
	}
}

// refresh returns the newest version: the one at hand if the log has not grown, that one advanced by the commits
// since, or the log read anew where neither is possible (the table was replaced, its log cleaned up).
func (t *Table) refresh(ctx context.Context) (*Snapshot, error) {
	if t.newest == nil {
		return t.load(ctx)
	}
	more, ok, err := t.probe(ctx)
	if err == nil && !ok {
		more, ok, err = t.tail(ctx)
	}
	if err != nil {
		return nil, t.named(err)
	}
	switch {
	case !ok:
		t.old = nil // another table may stand here now
		return t.load(ctx)
	case len(more) == 0:
		return t.newest, nil
	}
	s, err := t.newest.follow(ctx, more)
	switch there, lookErr := t.newest.StillThere(ctx); {
	case lookErr != nil:
		return nil, t.named(lookErr)
	case !there: // what was read may be another table's
		t.old = nil
		return t.load(ctx)
	}
	var gap *log.GapError
	if errors.As(err, &gap) {
		return t.load(ctx)
	}
	return s, t.named(err)
}

// tail lists the commits after the newest version that was read; ok is false if that one has none of its own in the log.
func (t *Table) tail(ctx context.Context) (more []log.Commit, ok bool, err error) {
	l, err := log.List(ctx, t.store, t.newest.version)
	if err != nil {
		return nil, false, err
	}
	own, ok := l.Commit(t.newest.version)
	if !ok || !own.Object.Same(t.newest.commit.Object) {
		return nil, false, nil
	}
	return l.Commits[1:], true, nil
}

// maxProbes is up to how many commits are looked for by name rather than by listing the log.
const maxProbes = 16

// probe looks for the commits after the newest version that was read, one by one: mostly there is none, or a few. Commits are cleaned up from the oldest on,
// so that one without a successor is the newest. ok is false if the log has to be listed: that version has no commit of its own or another one by
// now, or many follow.
func (t *Table) probe(ctx context.Context) (more []log.Commit, ok bool, err error) {
	s := t.newest
	if s.commit.Object.Key == "" {
		return nil, false, nil
	}
	own, err := t.store.Head(ctx, s.commit.Object.Key)
	if err != nil || !own.Same(s.commit.Object) {
		return nil, false, absent(err)
	}
	for v := s.version + 1; len(more) < maxProbes; v++ {
		o, err := t.store.Head(ctx, log.CommitKey(v))
		if err != nil {
			return more, errors.Is(err, objstore.ErrNotFound), absent(err)
		}
		more = append(more, log.Commit{Version: v, Object: o})
	}
	return nil, false, nil
}

// absent drops the error that says that an object is not there.
func absent(err error) error {
	if errors.Is(err, objstore.ErrNotFound) {
		return nil
	}
	return err
}

// SnapshotAt returns a version. Errors: *VersionError, those of Snapshot.
func (t *Table) SnapshotAt(ctx context.Context, v Version) (*Snapshot, error) {
	newest, err := t.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	if newest.version == v {
		return newest, nil
	}
	if err := t.lock(ctx); err != nil {
		return nil, err
	}
	defer t.unlock()
	for _, s := range t.old {
		if s.version == v {
			t.keep(s)
			return s, nil
		}
	}
	s, err := t.loadOld(ctx, v, newest.version)
	var none *VersionError
	switch {
	case errors.As(err, &none):
		return nil, none
	case err != nil:
		return nil, t.named(asCorruption(err))
	}
	t.keep(s)
	return s, nil
}

// nearVersions is how far in front of an old version its checkpoint is looked for before the whole log is listed, which may be long.
const nearVersions = 128

// loadOld reads a version at or before newest.
func (t *Table) loadOld(ctx context.Context, v, newest Version) (*Snapshot, error) {
	if v >= nearVersions && v < newest {
		l, err := log.ListRange(ctx, t.store, v-nearVersions, v)
		if err != nil {
			return nil, err
		}
		if _, err := l.Segment(v, nil); err == nil {
			s, err := t.loadAt(ctx, l, v)
			var gap *log.GapError // where its checkpoints are broken
			if !errors.As(err, &gap) {
				return s, err
			}
		}
	}
	l, err := log.List(ctx, t.store, 0)
	if err != nil {
		return nil, err
	}
	oldest, ok := l.Oldest()
	if !ok || v < oldest || v > newest {
		return nil, &VersionError{Wanted: v, Oldest: oldest, Newest: newest}
	}
	return t.loadAt(ctx, l, v)
}

// VersionRange returns the oldest and the newest version that can be read.
func (t *Table) VersionRange(ctx context.Context) (oldest, newest Version, err error) {
	l, err := log.List(ctx, t.store, 0)
	if err != nil {
		return 0, 0, t.named(err)
	}
	newest, ok := l.Newest()
	if ok {
		oldest, ok = l.Oldest()
	}
	if !ok {
		return 0, 0, &NotATableError{URL: t.URL()}
	}
	return oldest, newest, nil
}

// Snapshot is one version of a table. It is immutable and may be used by any number of goroutines.
type Snapshot struct {
	table   *Table
	version Version
	state   *replay.State
	commit  log.Commit // the file of this version's commit; without one if only a checkpoint of it was there
	time    time.Time
}

// Table returns the table of which this is a version.
func (s *Snapshot) Table() *Table { return s.table }

// Store returns the store whose root is the table's.
func (s *Snapshot) Store() objstore.Store { return s.table.store }

// Version returns the version's number.
func (s *Snapshot) Version() Version { return s.version }

// Timestamp returns the version's time: that of its commit where in-commit timestamps are on, else that of the commit's file.
func (s *Snapshot) Timestamp() time.Time { return s.time }

// Metadata returns the table's metadata. It must not be changed.
func (s *Snapshot) Metadata() *action.Metadata { return s.state.Metadata }

// Protocol returns the table's protocol. It must not be changed.
func (s *Snapshot) Protocol() *action.Protocol { return s.state.Protocol }

// Files returns the live files, with their statistics.
func (s *Snapshot) Files() *replay.FileList { return s.state.Files }

// AppVersion returns how far an application came (PROTOCOL.md, Transaction Identifiers).
func (s *Snapshot) AppVersion(appID string) (int64, bool) {
	t, ok := s.state.Txns[appID]
	return t.Version, ok
}

// Txns returns the transaction identifiers by application. It must not be changed.
func (s *Snapshot) Txns() map[string]action.Txn { return s.state.Txns }

// DomainMetadata returns the metadata domains by name, without removed ones. It must not be changed.
func (s *Snapshot) DomainMetadata() map[string]action.DomainMetadata { return s.state.Domains }

// CommitInfo returns that of the version's commit, nil if it has none or was not read.
func (s *Snapshot) CommitInfo() *action.CommitInfo { return s.state.Info }
