package log

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/objstore"
)

// Listing is what a log holds from some version on.
type Listing struct {
	Commits     []Commit // ascending, one a version
	Checkpoints []Checkpoint
	Compactions []Compaction
}

// Commit is the file of one commit.
type Commit struct {
	Version action.Version
	Object  objstore.Object
}

// Checkpoint is a complete checkpoint: its one file, or all its parts in order.
type Checkpoint struct {
	Version action.Version
	Files   []objstore.Object
	JSON    bool // one UUID-named file of JSON lines
	named   bool
}

// Compaction is a log compaction file, for the versions From to To.
type Compaction struct {
	From, To action.Version
	Object   objstore.Object
}

// List lists the log from a version on. It stops at the first file that belongs to no version: those sort last.
func List(ctx context.Context, store objstore.Store, from action.Version) (*Listing, error) {
	return ListRange(ctx, store, from, math.MaxInt64)
}

// ListRange lists the log from one version to another, both included.
func ListRange(ctx context.Context, store objstore.Store, from, to action.Version) (*Listing, error) {
	after := ""
	if from > 0 {
		after = versionKey(from, "")
	}
	l := &Listing{}
	parts := map[name][]objstore.Object{}
	for o, err := range store.List(ctx, Prefix, after) {
		if err != nil {
			return nil, fmt.Errorf("list log: %w", err)
		}
		if c := o.Key[len(Prefix):]; c == "" || c[0] > '9' {
			break
		}
		n := parseKey(o.Key)
		if n.version > to {
			break
		}
		switch n.kind {
		case commit:
			l.Commits = append(l.Commits, Commit{n.version, o})
		case classic, named:
			l.Checkpoints = append(l.Checkpoints, Checkpoint{n.version, []objstore.Object{o}, n.json, n.kind == named})
		case part:
			k := name{version: n.version, parts: n.parts}
			if parts[k] = append(parts[k], o); len(parts[k]) == n.parts { // keys come in order, so parts do
				l.Checkpoints = append(l.Checkpoints, Checkpoint{n.version, parts[k], false, false})
			}
		case compaction:
			l.Compactions = append(l.Compactions, Compaction{n.version, n.to, o})
		default:
		}
	}
	slices.SortStableFunc(l.Checkpoints, func(a, b Checkpoint) int { return int(a.Version - b.Version) })
	return l, l.fill(ctx, store)
}

// maxHoles bounds how many commits that a listing does not show are looked for one by one.
const maxHoles = 64

// fill looks for commits between those listed: the listing of a folder may miss one that is made meanwhile, and show a later one.
func (l *Listing) fill(ctx context.Context, store objstore.Store) error {
	looked := 0
	for i := 1; i < len(l.Commits) && looked < maxHoles; i++ {
		v := l.Commits[i-1].Version + 1
		if v == l.Commits[i].Version {
			continue
		}
		looked++
		switch o, err := store.Head(ctx, CommitKey(v)); {
		case err == nil:
			l.Commits = slices.Insert(l.Commits, i, Commit{v, o})
		case !errors.Is(err, objstore.ErrNotFound):
			return fmt.Errorf("list log: %w", err)
		}
	}
	return nil
}

// Newest returns the newest version of which the listing knows; ok is false if there is none.
func (l *Listing) Newest() (v action.Version, ok bool) {
	v = -1
	if n := len(l.Commits); n > 0 {
		v = l.Commits[n-1].Version
	}
	if n := len(l.Checkpoints); n > 0 {
		v = max(v, l.Checkpoints[n-1].Version)
	}
	return v, v >= 0
}

// Commit returns the file of a commit.
func (l *Listing) Commit(v action.Version) (Commit, bool) {
	i, ok := slices.BinarySearchFunc(l.Commits, v, func(c Commit, v action.Version) int { return int(c.Version - v) })
	if !ok {
		return Commit{}, false
	}
	return l.Commits[i], true
}

// Segment is what one version is read from: a checkpoint and the commits after it.
type Segment struct {
	Version    action.Version
	Checkpoint *Checkpoint // nil: the commits begin at version 0
	Commits    []Commit    // ascending, without gaps
	Compacted  []Compaction
	// Each compaction of Compacted stands for commits that are missing: its versions are not in Commits.
}

// GapError says that a version cannot be read because commits are missing.
type GapError struct {
	Version action.Version // that was to be read
	Missing action.Version // the first missing commit
}

func (e *GapError) Error() string {
	return fmt.Sprintf("version %d cannot be read: commit %s is missing", e.Version, CommitKey(e.Missing))
}

// Segment returns what version v is read from: the newest checkpoint at or before it that is not among the
// broken keys, and the commits after it. Error: *GapError.
func (l *Listing) Segment(v action.Version, broken map[string]bool) (*Segment, error) {
	var gap *GapError
	for i := len(l.Checkpoints) - 1; i >= 0; i-- {
		c := &l.Checkpoints[i]
		if c.Version > v || slices.ContainsFunc(c.Files, func(o objstore.Object) bool { return broken[o.Key] }) {
			continue
		}
		s, err := l.from(c, c.Version+1, v)
		if err == nil {
			return s, nil
		}
		if gap == nil {
			gap = err
		}
	}
	s, err := l.from(nil, 0, v)
	switch {
	case err == nil:
		return s, nil
	case gap != nil:
		return nil, gap
	}
	return nil, err
}

// from collects the commits first to v.
func (l *Listing) from(c *Checkpoint, first, v action.Version) (*Segment, *GapError) {
	s := &Segment{Version: v, Checkpoint: c}
	for next := first; next <= v; {
		if o, ok := l.Commit(next); ok {
			s.Commits = append(s.Commits, o)
			next++
			continue
		}
		k := slices.IndexFunc(l.Compactions, func(x Compaction) bool { return x.From <= next && next <= x.To && x.To <= v && x.From >= first })
		if k < 0 {
			return nil, &GapError{Version: v, Missing: next}
		}
		x := l.Compactions[k]
		cut := len(s.Commits) - int(next-x.From) // the commits in front of the gap that the compaction stands for, too
		if cut < 0 {
			return nil, &GapError{Version: v, Missing: next}
		}
		s.Commits = s.Commits[:cut]
		s.Compacted = append(s.Compacted, x)
		next = x.To + 1
	}
	return s, nil
}

// Oldest returns the oldest version that can be read if every checkpoint is sound: the start of the unbroken run
// of commits that ends at the newest version, or the oldest checkpoint in front of one.
func (l *Listing) Oldest() (v action.Version, ok bool) {
	newest, ok := l.Newest()
	if !ok {
		return 0, false
	}
	start := newest + 1 // first commit of the unbroken run
	for i := len(l.Commits) - 1; i >= 0 && l.Commits[i].Version == start-1; i-- {
		start--
	}
	if start == 0 {
		return 0, true
	}
	for _, c := range l.Checkpoints {
		if c.Version >= start-1 {
			return c.Version, true
		}
	}
	// The newest version cannot be read; say which is the oldest of those that can.
	_, first := l.Commit(0)
	switch k := slices.IndexFunc(l.Compactions, func(c Compaction) bool { return c.From == 0 }); {
	case first:
		return 0, true
	case len(l.Checkpoints) > 0:
		return l.Checkpoints[0].Version, true
	case k >= 0:
		return l.Compactions[k].To, true
	}
	return 0, false
}
