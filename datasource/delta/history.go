package delta

import (
	"context"
	"sort"
	"strconv"
	"time"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/log"
)

// HistoryEntry describes one commit.
type HistoryEntry struct {
	Version   Version
	Timestamp time.Time
	Info      *action.CommitInfo // nil: the commit has none
}

// timeline gives the times of the commits in a listing (PROTOCOL.md, Recommendations for Readers of Tables
// with In-Commit Timestamps).
type timeline struct {
	table   *Table
	commits []log.Commit
	files   []time.Time // times of the files, made to grow from commit to commit
	from    int         // commits from here on have in-commit timestamps
}

// timeline prepares the times of the commits that a listing shows.
func (t *Table) timeline(newest *Snapshot, commits []log.Commit) *timeline {
	l := &timeline{table: t, commits: commits, files: make([]time.Time, len(commits)), from: len(commits)}
	for i, c := range commits {
		l.files[i] = c.Object.ModTime.Truncate(time.Millisecond)
		if i > 0 && !l.files[i].After(l.files[i-1]) {
			l.files[i] = l.files[i-1].Add(time.Millisecond)
		}
	}
	if inCommitTimestamps(newest.Protocol(), newest.Metadata()) {
		enabled, err := strconv.ParseInt(newest.Metadata().Configuration["delta.inCommitTimestampEnablementVersion"], 10, 64)
		if err != nil {
			enabled = 0
		}
		l.from = sort.Search(len(commits), func(i int) bool { return int64(commits[i].Version) >= enabled })
	}
	return l
}

// at returns the time of commit i, and its commitInfo if it was read for that.
func (l *timeline) at(ctx context.Context, i int) (time.Time, error) {
	if i < l.from {
		return l.files[i], nil
	}
	c, err := log.Read(ctx, l.table.store, l.commits[i].Version)
	if err != nil {
		return time.Time{}, err
	}
	return l.timeOf(i, infoOf(c.Actions)), nil
}

// timeOf returns the time of commit i, whose commitInfo is at hand.
func (l *timeline) timeOf(i int, info *action.CommitInfo) time.Time {
	if i >= l.from && info != nil && info.InCommitTimestamp != nil {
		return time.UnixMilli(*info.InCommitTimestamp)
	}
	return l.files[i]
}

// history returns the newest version, and a timeline of the commits from the oldest readable version on.
func (t *Table) history(ctx context.Context) (*Snapshot, *timeline, error) {
	newest, err := t.Snapshot(ctx)
	if err != nil {
		return nil, nil, err
	}
	l, err := log.List(ctx, t.store, 0)
	if err != nil {
		return nil, nil, t.named(err)
	}
	oldest, ok := l.Oldest()
	if !ok {
		return nil, nil, &NotATableError{URL: t.URL()}
	}
	first := sort.Search(len(l.Commits), func(i int) bool { return l.Commits[i].Version >= oldest })
	return newest, t.timeline(newest, l.Commits[first:]), nil
}

// VersionAtTime returns the last version at or before a time. Times count in milliseconds, as those of commits
// do. Errors: *TimestampError, those of Snapshot.
func (t *Table) VersionAtTime(ctx context.Context, at time.Time) (Version, error) {
	_, l, err := t.history(ctx)
	if err != nil {
		return 0, err
	}
	if len(l.commits) == 0 {
		return 0, t.named(&CorruptionError{Path: log.Prefix, Reason: "the log holds no commit, so its versions have no times"})
	}
	lo, hi := 0, l.from // the versions without in-commit timestamps are searched only if the time is before the others
	if l.from < len(l.commits) {
		first, err := l.at(ctx, l.from)
		if err != nil {
			return 0, t.named(err)
		}
		if !first.After(at) {
			lo, hi = l.from, len(l.commits)
		}
	}
	var failed error
	k := lo + sort.Search(hi-lo, func(i int) bool {
		when, err := l.at(ctx, lo+i)
		if err != nil {
			failed = err
		}
		return when.After(at)
	})
	if failed != nil {
		return 0, t.named(failed)
	}
	if k == 0 {
		return 0, t.beforeAll(ctx, l, at)
	}
	return l.commits[k-1].Version, nil
}

func (t *Table) beforeAll(ctx context.Context, l *timeline, at time.Time) error {
	last := len(l.commits) - 1
	from, err := l.at(ctx, 0)
	if err != nil {
		return t.named(err)
	}
	to, err := l.at(ctx, last)
	if err != nil {
		return t.named(err)
	}
	return &TimestampError{Wanted: at, Oldest: l.commits[0].Version, Newest: l.commits[last].Version, From: from, To: to}
}

// History returns the commits that are still in the log, newest first; limit bounds their number if it is positive.
func (t *Table) History(ctx context.Context, limit int) ([]HistoryEntry, error) {
	newest, err := t.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	listing, err := log.List(ctx, t.store, 0)
	if err != nil {
		return nil, t.named(err)
	}
	l := t.timeline(newest, listing.Commits)
	var out []HistoryEntry
	for i := len(l.commits) - 1; i >= 0 && (limit <= 0 || len(out) < limit); i-- {
		c, err := log.Read(ctx, t.store, l.commits[i].Version)
		if err != nil {
			return nil, t.named(err)
		}
		info := infoOf(c.Actions)
		out = append(out, HistoryEntry{Version: l.commits[i].Version, Timestamp: l.timeOf(i, info), Info: info})
	}
	return out, nil
}
