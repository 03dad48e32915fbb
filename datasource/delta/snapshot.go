package delta

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/checkpoint"
	"github.com/featuresql/featuresql/datasource/delta/feature"
	"github.com/featuresql/featuresql/datasource/delta/log"
	"github.com/featuresql/featuresql/datasource/delta/replay"
	"github.com/featuresql/featuresql/datasource/delta/schema"
	"github.com/featuresql/featuresql/datasource/objstore"
)

// Schema returns the table's schema.
func (s *Snapshot) Schema() *schema.Struct { return s.state.Files.Layout().Schema }

// MappingMode returns how columns are found in files.
func (s *Snapshot) MappingMode() schema.MappingMode { return s.state.Files.Layout().Mode }

// named puts the table into an error.
func (t *Table) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("table %s: %w", t.URL(), err)
}

// maxLoads is how often the log is read anew as what was listed is not there any more: others drop the table, or make it anew.
const maxLoads = 4

// load reads the newest version without the help of an older one.
func (t *Table) load(ctx context.Context) (s *Snapshot, err error) {
	for range maxLoads {
		if s, err = t.loadListed(ctx); !errors.Is(err, objstore.ErrNotFound) {
			break
		}
	}
	return s, err
}

// loadListed lists the log and reads the newest version.
func (t *Table) loadListed(ctx context.Context) (*Snapshot, error) {
	l, hinted, err := t.listNewest(ctx)
	if err != nil {
		return nil, t.named(err)
	}
	v, ok := l.Newest()
	if !ok {
		return nil, &NotATableError{URL: t.URL()}
	}
	s, err := t.loadAt(ctx, l, v)
	var gap *log.GapError
	if err == nil || !errors.As(err, &gap) {
		return s, t.named(err)
	}
	// A listing of a folder may miss a commit that was made meanwhile beside one it shows, and a listing that
	// began at the hint does not show what is needed when its checkpoints are broken.
	if hinted || len(l.Commits) > 0 {
		if l, err = log.List(ctx, t.store, 0); err != nil {
			return nil, t.named(err)
		}
		if v, ok = l.Newest(); !ok {
			return nil, &NotATableError{URL: t.URL()}
		}
		s, err = t.loadAt(ctx, l, v)
	}
	return s, t.named(asCorruption(err))
}

// asCorruption says of a gap that it is one in the log.
func asCorruption(err error) error {
	var gap *log.GapError
	var corrupt *CorruptionError
	if errors.As(err, &gap) && !errors.As(err, &corrupt) {
		return &CorruptionError{Path: log.CommitKey(gap.Missing), Reason: "the commit is missing", Err: err}
	}
	return err
}

// listNewest lists the log from the last checkpoint on if there is a sound hint to one, else whole.
func (t *Table) listNewest(ctx context.Context) (l *log.Listing, hinted bool, err error) {
	hint, err := log.ReadLastCheckpoint(ctx, t.store)
	var corrupt *CorruptionError
	switch {
	case errors.As(err, &corrupt):
		t.opts.OnWarning(&CheckpointWarning{Path: log.LastCheckpointKey, Err: err})
	case err != nil:
		return nil, false, err
	case hint != nil:
		if l, err = log.List(ctx, t.store, hint.Version); err != nil {
			return nil, false, err
		}
		if len(l.Checkpoints) > 0 {
			return l, true, nil
		}
		t.opts.OnWarning(&CheckpointWarning{Path: log.LastCheckpointKey, Err: &CorruptionError{
			Path: log.LastCheckpointKey, Reason: fmt.Sprintf("there is no checkpoint of version %d or later", hint.Version),
		}})
	}
	l, err = log.List(ctx, t.store, 0)
	return l, false, err
}

// loadAt reads a version from a listing. Broken checkpoints are passed over, with a warning each.
func (t *Table) loadAt(ctx context.Context, l *log.Listing, v Version) (*Snapshot, error) {
	if v < 0 {
		return nil, &log.GapError{Version: v, Missing: 0}
	}
	broken := map[string]bool{}
	var cause error
	for {
		segment, err := l.Segment(v, broken)
		if err != nil {
			return nil, errors.Join(err, cause)
		}
		s, err := t.read(ctx, l, segment)
		var bad *CheckpointWarning
		if !errors.As(err, &bad) {
			return s, err
		}
		t.opts.OnWarning(bad)
		cause = bad
		for _, o := range segment.Checkpoint.Files {
			broken[o.Key] = true
		}
	}
}

// read reads a segment. A *CheckpointWarning says that its checkpoint is broken.
func (t *Table) read(ctx context.Context, l *log.Listing, segment *log.Segment) (*Snapshot, error) {
	var base *replay.Base
	if c := segment.Checkpoint; c != nil {
		var err error
		if base, err = checkpoint.Read(ctx, t.store, c); err != nil {
			if checkpoint.IsBroken(err) && ctx.Err() == nil {
				return nil, &CheckpointWarning{Path: c.Files[0].Key, Err: err}
			}
			return nil, err
		}
	}
	commits, err := t.readCommits(ctx, segment)
	if err != nil {
		return nil, err
	}
	state, err := replay.New(t.root, base, commits)
	var corrupt *CorruptionError
	if errors.As(err, &corrupt) && base != nil && corrupt.Path == base.Path {
		return nil, &CheckpointWarning{Path: base.Path, Err: err}
	}
	if err != nil {
		return nil, err
	}
	s := &Snapshot{table: t, version: segment.Version, state: state}
	s.commit, _ = l.Commit(segment.Version)
	if c := segment.Checkpoint; c != nil {
		s.time = c.Files[0].ModTime.Truncate(time.Millisecond) // unless the commit is there
	}
	return s, s.setTime(ctx)
}

// readCommits reads the commits of a segment, and what stands in for missing ones.
func (t *Table) readCommits(ctx context.Context, segment *log.Segment) ([]replay.Commit, error) {
	var out []replay.Commit
	rest := segment.Compacted
	compacted := func(before Version) error {
		for len(rest) > 0 && rest[0].From < before {
			c, err := log.ReadCompaction(ctx, t.store, t.root, rest[0])
			if err != nil {
				return err
			}
			t.opts.OnWarning(&CompactionWarning{Path: rest[0].Object.Key, From: rest[0].From, To: rest[0].To})
			out, rest = append(out, *c), rest[1:]
		}
		return nil
	}
	for _, c := range segment.Commits {
		if err := compacted(c.Version); err != nil {
			return nil, err
		}
		one, err := log.Read(ctx, t.store, c.Version)
		if err != nil {
			return nil, missingCommit(err, c.Version)
		}
		out = append(out, *one)
	}
	return out, compacted(segment.Version + 1)
}

// missingCommit says of a commit that was listed and is gone that the log has a gap.
func missingCommit(err error, v Version) error {
	if errors.Is(err, objstore.ErrNotFound) {
		return errors.Join(&log.GapError{Version: v, Missing: v}, err)
	}
	return err
}

// follow returns the newest version of the commits after s. Error: *log.GapError if they do not continue s.
func (s *Snapshot) follow(ctx context.Context, files []log.Commit) (*Snapshot, error) {
	var commits []replay.Commit
	for i, c := range files {
		if want := s.version + 1 + Version(i); c.Version != want {
			return nil, &log.GapError{Version: c.Version, Missing: want}
		}
		one, err := log.Read(ctx, s.table.store, c.Version)
		if err != nil {
			return nil, missingCommit(err, c.Version)
		}
		commits = append(commits, *one)
	}
	return s.advance(ctx, commits, files)
}

// CommitObject is the version's commit as it was listed; its key is empty where the version has none of its own.
func (s *Snapshot) CommitObject() objstore.Object { return s.commit.Object }

// StillThere reports whether the version's commit is still the object that was read: not, if the table was dropped, or
// dropped and made again, or its log cleaned up past it. A version without a commit file of its own is taken to be there.
func (s *Snapshot) StillThere(ctx context.Context) (bool, error) {
	if s.commit.Object.Key == "" {
		return true, nil
	}
	o, err := s.table.store.Head(ctx, s.commit.Object.Key)
	if errors.Is(err, objstore.ErrNotFound) {
		return false, nil
	}
	return err == nil && o.Same(s.commit.Object), err
}

// Advance returns the version after commits that follow s, without listing the log. Commits are ascending and
// without gaps; their times are looked up. Errors: those of Table.Snapshot.
func (s *Snapshot) Advance(ctx context.Context, commits []replay.Commit) (*Snapshot, error) {
	files := make([]log.Commit, len(commits))
	for i, c := range commits {
		if want := s.version + 1 + Version(i); c.Version != want {
			return nil, s.table.named(&log.GapError{Version: c.Version, Missing: want})
		}
		o, err := s.table.store.Head(ctx, log.CommitKey(c.Version))
		if err != nil {
			return nil, s.table.named(fmt.Errorf("commit %d: %w", c.Version, err))
		}
		files[i] = log.Commit{Version: c.Version, Object: o}
	}
	next, err := s.advance(ctx, commits, files)
	return next, s.table.named(err)
}

func (s *Snapshot) advance(ctx context.Context, commits []replay.Commit, files []log.Commit) (*Snapshot, error) {
	if len(commits) == 0 {
		return s, nil
	}
	state, err := s.state.Advance(commits)
	if err != nil {
		return nil, err
	}
	last := files[len(files)-1]
	next := &Snapshot{table: s.table, version: last.Version, state: state, commit: last}
	s.tellRemoved(commits, next)
	return next, next.setTime(ctx)
}

// tellRemoved calls OnRemoved for the data files of s that commits removed from next. A file that only got another deletion vector
// is not among them.
func (s *Snapshot) tellRemoved(commits []replay.Commit, next *Snapshot) {
	tell, old := s.table.opts.OnRemoved, s.Files()
	if tell == nil {
		return
	}
	for _, c := range commits {
		for _, a := range c.Actions {
			if a.Remove == nil {
				continue
			}
			path := s.table.root.CanonicalPath(a.Remove.Path)
			i, was := old.FindPath(path)
			if _, is := next.Files().FindPath(path); !was || is {
				continue
			}
			if store, key, err := s.table.Locate(path); err == nil {
				tell(store, key, old.Size(i), old.ModificationTime(i))
			}
		}
	}
}

// setTime finds the version's time.
func (s *Snapshot) setTime(ctx context.Context) error {
	known := s.commit.Object.Key != ""
	if known {
		s.time = s.commit.Object.ModTime.Truncate(time.Millisecond)
	}
	if !inCommitTimestamps(s.Protocol(), s.Metadata()) {
		return nil
	}
	if s.state.Info == nil && known { // the version was read from its checkpoint
		c, err := log.Read(ctx, s.table.store, s.version)
		if err != nil {
			return err
		}
		s.state.Info = infoOf(c.Actions)
	}
	if info := s.state.Info; info != nil && info.InCommitTimestamp != nil {
		s.time = time.UnixMilli(*info.InCommitTimestamp)
	}
	return nil
}

func inCommitTimestamps(p *action.Protocol, m *action.Metadata) bool {
	return feature.Enabled(p, m, feature.InCommitTimestamp, "delta.enableInCommitTimestamps")
}

func infoOf(actions []action.Action) *action.CommitInfo {
	for i := range actions {
		if actions[i].CommitInfo != nil {
			return actions[i].CommitInfo
		}
	}
	return nil
}

// WithFiles returns a view of the version without some files, by ordinal, and with others: what a transaction
// sees after its own statements.
func (s *Snapshot) WithFiles(removed []int, added []action.Add) (*Snapshot, error) {
	files, err := s.state.Files.With(removed, added)
	if err != nil {
		return nil, s.table.named(err)
	}
	state := *s.state
	state.Files = files
	view := *s
	view.state = &state
	return &view, nil
}

// Tombstones returns the removes that a checkpoint of the version has to keep, expired ones included. It lists the
// log and reads the commits since the last checkpoint before the version, and that one's tombstones.
func (s *Snapshot) Tombstones(ctx context.Context) ([]action.Remove, error) {
	t := s.table
	l, hinted, err := t.listNewest(ctx)
	if err != nil {
		return nil, t.named(err)
	}
	for broken := map[string]bool{}; ; {
		segment, err := l.Segment(s.version, broken)
		if err != nil && hinted { // the version is older than the hint, or what it names is broken
			hinted = false
			if l, err = log.List(ctx, t.store, 0); err == nil {
				continue
			}
		}
		if err != nil {
			return nil, t.named(asCorruption(err))
		}
		var old []action.Remove
		if c := segment.Checkpoint; c != nil {
			if old, err = checkpoint.ReadRemoves(ctx, t.store, c); checkpoint.IsBroken(err) {
				t.opts.OnWarning(&CheckpointWarning{Path: c.Files[0].Key, Err: err})
				for _, o := range c.Files {
					broken[o.Key] = true
				}
				continue
			}
		}
		if err != nil {
			return nil, t.named(err)
		}
		commits, err := t.readCommits(ctx, segment)
		if err != nil {
			return nil, t.named(err)
		}
		return replay.Tombstones(s.state.Files, commits, old), nil
	}
}
