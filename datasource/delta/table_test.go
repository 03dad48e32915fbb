package delta_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/checkpoint"
	"github.com/featuresql/featuresql/datasource/delta/feature"
	"github.com/featuresql/featuresql/datasource/delta/log"
	"github.com/featuresql/featuresql/datasource/delta/replay"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/datasource/objstore/faultstore"
)

const (
	protocolLine = `{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}`
	metadataLine = `{"metaData":{"id":"m","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"x\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}}]}","partitionColumns":[],"configuration":{%s}}}`
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// fixture is a table in a folder that tests write to by hand.
type fixture struct {
	*testing.T
	dir      string
	store    objstore.Store
	warnings []error
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{T: t, dir: t.TempDir()}
	local, err := objstore.NewLocal(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { local.Close() })
	f.store = local
	return f
}

// put writes a file of the log, dated version seconds after epoch.
func (f *fixture) put(v int, key string, lines ...string) {
	f.Helper()
	path := filepath.Join(f.dir, filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		f.Fatal(err)
	}
	when := epoch.Add(time.Duration(v) * time.Second)
	if err := os.Chtimes(path, when, when); err != nil {
		f.Fatal(err)
	}
}

// commit writes a commit; "+x" and "-x" stand for adding and removing the file x.
func (f *fixture) commit(v int, lines ...string) {
	f.Helper()
	for i, l := range lines {
		if rest, ok := strings.CutPrefix(l, "+"); ok {
			lines[i] = fmt.Sprintf(`{"add":{"path":"%s","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true,"stats":"{\"numRecords\":10}"}}`, rest)
		} else if rest, ok := strings.CutPrefix(l, "-"); ok {
			lines[i] = fmt.Sprintf(`{"remove":{"path":"%s","deletionTimestamp":%d,"dataChange":true}}`, rest, time.Now().UnixMilli())
		}
	}
	f.put(v, log.CommitKey(delta.Version(v)), lines...)
}

// create writes version 0 with the file f0, and versions up to last that each add one.
func (f *fixture) create(last int, properties string) {
	f.Helper()
	f.commit(0, protocolLine, fmt.Sprintf(metadataLine, properties), "+f0")
	for v := 1; v <= last; v++ {
		f.commit(v, fmt.Sprint("+f", v))
	}
}

func (f *fixture) remove(keys ...string) {
	f.Helper()
	for _, key := range keys {
		if err := os.Remove(filepath.Join(f.dir, filepath.FromSlash(key))); err != nil {
			f.Fatal(err)
		}
	}
}

func (f *fixture) options() delta.Options {
	return delta.Options{OnWarning: func(err error) { f.warnings = append(f.warnings, err) }}
}

func (f *fixture) open() *delta.Table {
	f.Helper()
	t, err := delta.Open(f.Context(), f.store, f.options())
	if err != nil {
		f.Fatal(err)
	}
	return t
}

func (f *fixture) snapshot(t *delta.Table) *delta.Snapshot {
	f.Helper()
	s, err := t.Snapshot(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	return s
}

func (f *fixture) checkpoint(t *delta.Table, v delta.Version) {
	f.Helper()
	s, err := t.SnapshotAt(f.Context(), v)
	if err == nil {
		err = checkpoint.Write(f.Context(), s)
	}
	if err != nil {
		f.Fatal(err)
	}
}

func files(s *delta.Snapshot) string {
	out := []string{}
	for i := range s.Files().Len() {
		out = append(out, s.Files().Path(i))
	}
	return strings.Join(out, " ")
}

func (f *fixture) want(s *delta.Snapshot, v delta.Version, list string) {
	f.Helper()
	if s.Version() != v || files(s) != list {
		f.Fatalf("version %d with %q, want %d with %q", s.Version(), files(s), v, list)
	}
}

func TestRefreshReadsTheTail(t *testing.T) {
	f := newFixture(t)
	f.create(2, "")
	table := f.open()
	first := f.snapshot(table)
	f.want(first, 2, "f0 f1 f2")
	if f.snapshot(table) != first {
		t.Error("without a new commit the snapshot is another one")
	}
	f.commit(3, "-f1", "+g")
	f.commit(4, `{"txn":{"appId":"app","version":9}}`)
	next := f.snapshot(table)
	f.want(next, 4, "f0 f2 g")
	f.want(first, 2, "f0 f1 f2")
	if v, ok := next.AppVersion("app"); !ok || v != 9 {
		t.Errorf("app %d %v", v, ok)
	}
	if n, ok := next.Files().TotalRecords(); !ok || n != 30 {
		t.Errorf("%d records", n)
	}
}

// TestTrace is what opening, refreshing and reading an old version ask of the store.
func TestTrace(t *testing.T) {
	f := newFixture(t)
	f.create(3, "")
	f.checkpoint(f.open(), 2)
	fault := faultstore.New(f.store, faultstore.Options{})
	table, err := delta.Open(t.Context(), fault, f.options())
	if err != nil {
		t.Fatal(err)
	}
	calls := func() string {
		var out []string
		for _, c := range fault.Trace() {
			out = append(out, c.Op.String()+" "+strings.TrimLeft(strings.TrimPrefix(c.Key, log.Prefix), "0"))
		}
		fault.ResetTrace()
		return strings.Join(out, ", ")
	}
	got := calls()
	if !strings.HasPrefix(got, "GET _last_checkpoint, LIST , GETRANGE 2.checkpoint.parquet") || !strings.HasSuffix(got, "GET 3.json") || strings.Contains(got, "1.json") {
		t.Errorf("open: %s", got)
	}
	f.snapshot(table)
	if got := calls(); got != "HEAD 3.json, HEAD 4.json" {
		t.Errorf("refresh without a change: %s", got)
	}
	f.commit(4, "+f4")
	f.snapshot(table)
	if got := calls(); got != "HEAD 3.json, HEAD 4.json, HEAD 5.json, GET 4.json, HEAD 3.json" {
		t.Errorf("refresh: %s", got)
	}
	for range 2 {
		s, err := table.SnapshotAt(t.Context(), 3)
		if err != nil {
			t.Fatal(err)
		}
		f.want(s, 3, "f0 f1 f2 f3")
	}
	if got := calls(); got != "HEAD 4.json, HEAD 5.json, HEAD 4.json, HEAD 5.json" {
		t.Errorf("a version that was the newest: %s", got)
	}
	for v := 5; v < 45; v++ {
		f.commit(v, fmt.Sprint("+f", v))
	}
	if s := f.snapshot(table); s.Version() != 44 || s.Files().Len() != 45 {
		t.Errorf("version %d of %d files", s.Version(), s.Files().Len())
	}
	if got := calls(); strings.Count(got, "HEAD") > 20 || strings.Count(got, "LIST") != 1 || strings.Count(got, "GET") != 40 {
		t.Errorf("refresh after many commits: %s", got)
	}
}

func TestTableReplaced(t *testing.T) {
	f := newFixture(t)
	f.create(3, "")
	table := f.open()
	f.remove(log.CommitKey(3), log.CommitKey(2), log.CommitKey(1))
	f.commit(0, protocolLine, fmt.Sprintf(metadataLine, ""), "+other")
	f.commit(1, "+more")
	f.want(f.snapshot(table), 1, "other more")
	f.remove(log.CommitKey(0), log.CommitKey(1))
	var none *delta.NotATableError
	if _, err := table.Snapshot(t.Context()); !errors.As(err, &none) {
		t.Errorf("dropped: %v", err)
	}
}

// TestTimeTravelInLongLog reads versions of a log of which not the whole is listed: beside checkpoints, far from any, with the checkpoint
// beside broken, and with commits that are gone.
func TestTimeTravelInLongLog(t *testing.T) {
	f := newFixture(t)
	f.create(400, "")
	table := f.open()
	f.checkpoint(table, 20)
	f.checkpoint(table, 200)
	f.checkpoint(table, 300)
	check := func(versions ...delta.Version) {
		t.Helper()
		table := f.open()
		for _, v := range versions {
			s, err := table.SnapshotAt(t.Context(), v)
			if err != nil {
				t.Fatalf("version %d: %v", v, err)
			}
			if s.Version() != v || s.Files().Len() != int(v)+1 || !s.Timestamp().Equal(epoch.Add(time.Duration(v)*time.Second)) {
				t.Errorf("version %d: it is %d of %s with %d files", v, s.Version(), s.Timestamp(), s.Files().Len())
			}
		}
	}
	all := []delta.Version{0, 19, 20, 21, 127, 128, 147, 148, 149, 199, 200, 201, 299, 300, 301, 350, 399, 400}
	check(all...)
	f.put(200, log.Prefix+"00000000000000000200.checkpoint.parquet", "no Parquet")
	check(all...)
	if len(f.warnings) == 0 {
		t.Error("no warning of the broken checkpoint")
	}
	for v := range delta.Version(300) {
		f.remove(log.CommitKey(v))
	}
	check(300, 301, 400)
	var e *delta.VersionError
	if _, err := f.open().SnapshotAt(t.Context(), 250); err == nil {
		t.Error("a version without its commits was read")
	} else if errors.As(err, &e) && (e.Oldest < 200 || e.Newest != 400) {
		t.Error(err)
	}
}

func TestTimeTravelByVersion(t *testing.T) {
	f := newFixture(t)
	f.create(5, "")
	f.commit(6, "-f0")
	table := f.open()
	f.checkpoint(table, 3)
	for v, want := range []string{"f0", "f0 f1", "f0 f1 f2", "f0 f1 f2 f3", "f0 f1 f2 f3 f4", "f0 f1 f2 f3 f4 f5", "f1 f2 f3 f4 f5"} {
		s, err := table.SnapshotAt(t.Context(), delta.Version(v))
		if err != nil {
			t.Fatal(err)
		}
		f.want(s, delta.Version(v), want)
	}
	for _, v := range []delta.Version{-1, 7} {
		var e *delta.VersionError
		if _, err := table.SnapshotAt(t.Context(), v); !errors.As(err, &e) || e.Oldest != 0 || e.Newest != 6 || e.Wanted != v {
			t.Errorf("version %d: %v", v, err)
		}
	}
	f.remove(log.CommitKey(0), log.CommitKey(1))
	var e *delta.VersionError
	if _, err := f.open().SnapshotAt(t.Context(), 2); !errors.As(err, &e) || e.Oldest != 3 || e.Newest != 6 {
		t.Errorf("cleaned up: %v", err)
	}
	if oldest, newest, err := table.VersionRange(t.Context()); err != nil || oldest != 3 || newest != 6 {
		t.Errorf("%d..%d, %v", oldest, newest, err)
	}
}

func TestTimeTravelByTime(t *testing.T) {
	f := newFixture(t)
	f.create(3, "")
	f.put(1, log.CommitKey(2), `{"commitInfo":{"operation":"OLDER FILE TIME"}}`) // the file time goes back: 2 counts as 1 ms after 1
	table := f.open()
	for _, c := range []struct {
		at   time.Duration
		want delta.Version
	}{{0, 0}, {999 * time.Millisecond, 0}, {time.Second, 1}, {time.Second + time.Millisecond, 2}, {2999 * time.Millisecond, 2}, {3 * time.Second, 3}, {time.Hour, 3}} {
		if v, err := table.VersionAtTime(t.Context(), epoch.Add(c.at)); err != nil || v != c.want {
			t.Errorf("after %v: version %d, %v", c.at, v, err)
		}
	}
	var e *delta.TimestampError
	if _, err := table.VersionAtTime(t.Context(), epoch.Add(-time.Millisecond)); !errors.As(err, &e) || e.Oldest != 0 || e.Newest != 3 || !e.From.Equal(epoch) {
		t.Errorf("%v", err)
	}
	h, err := table.History(t.Context(), 2)
	if err != nil || len(h) != 2 || h[0].Version != 3 || h[0].Info != nil || h[1].Info.Operation != "OLDER FILE TIME" || !h[1].Timestamp.Equal(epoch.Add(1001*time.Millisecond)) {
		t.Errorf("%+v, %v", h, err)
	}
}

// TestInCommitTimestamps: from version 2 on the commits say their time; file times, all later, do not count there.
func TestInCommitTimestamps(t *testing.T) {
	f := newFixture(t)
	f.create(1, "")
	ms := func(d time.Duration) int64 { return epoch.Add(d).UnixMilli() }
	info := func(d time.Duration) string {
		return fmt.Sprintf(`{"commitInfo":{"inCommitTimestamp":%d,"operation":"X"}}`, ms(d))
	}
	properties := fmt.Sprintf(`"delta.enableInCommitTimestamps":"true","delta.inCommitTimestampEnablementVersion":"2","delta.inCommitTimestampEnablementTimestamp":"%d"`, ms(10*time.Second))
	f.commit(2, info(10*time.Second), `{"protocol":{"minReaderVersion":1,"minWriterVersion":7,"writerFeatures":["inCommitTimestamp"]}}`, fmt.Sprintf(metadataLine, properties))
	f.commit(3, info(20*time.Second), "+g")
	table := f.open()
	if s := f.snapshot(table); !s.Timestamp().Equal(epoch.Add(20 * time.Second)) {
		t.Errorf("timestamp %v", s.Timestamp())
	}
	for _, c := range []struct {
		at   time.Duration
		want delta.Version
	}{{0, 0}, {9 * time.Second, 1}, {10 * time.Second, 2}, {19 * time.Second, 2}, {20 * time.Second, 3}} {
		if v, err := table.VersionAtTime(t.Context(), epoch.Add(c.at)); err != nil || v != c.want {
			t.Errorf("after %v: version %d, %v", c.at, v, err)
		}
	}
	f.checkpoint(table, 3)
	if s := f.snapshot(f.open()); !s.Timestamp().Equal(epoch.Add(20*time.Second)) || s.CommitInfo() == nil {
		t.Errorf("read from its checkpoint: %v", s.Timestamp())
	}
	h, err := table.History(t.Context(), 0)
	if err != nil || len(h) != 4 || !h[0].Timestamp.Equal(epoch.Add(20*time.Second)) || !h[3].Timestamp.Equal(epoch) {
		t.Errorf("%+v, %v", h, err)
	}
}

// TestBrokenLogs lists what is wrong with a log, and the file that the error names.
func TestBrokenLogs(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(f *fixture)
		path  string
		line  int
	}{
		{"gap", func(f *fixture) { f.remove(log.CommitKey(2)) }, log.CommitKey(2), 0},
		{"first commit missing", func(f *fixture) { f.remove(log.CommitKey(0)) }, log.CommitKey(0), 0},
		{"corrupt line", func(f *fixture) { f.commit(3, "+x", `{"add":{"path":`) }, log.CommitKey(3), 2},
		{"empty commit", func(f *fixture) { f.put(3, log.CommitKey(3)) }, log.CommitKey(3), 0},
		{"no protocol", func(f *fixture) { f.commit(0, fmt.Sprintf(metadataLine, "")) }, "_delta_log", 0},
		{"no metadata", func(f *fixture) { f.commit(0, protocolLine) }, "_delta_log", 0},
	} {
		f := newFixture(t)
		f.create(3, "")
		c.spoil(f)
		_, err := delta.Open(t.Context(), f.store, f.options())
		var corrupt *delta.CorruptionError
		if !errors.As(err, &corrupt) || corrupt.Path != c.path || corrupt.Line != c.line {
			t.Errorf("%s: %v", c.name, err)
		}
		if err != nil && !strings.Contains(err.Error(), f.store.URL()) {
			t.Errorf("%s: the error does not name the table: %v", c.name, err)
		}
	}
	f := newFixture(t)
	var none *delta.NotATableError
	if _, err := delta.Open(t.Context(), f.store, f.options()); !errors.As(err, &none) {
		t.Errorf("an empty folder: %v", err)
	}
	f.put(0, "_delta_log/notes.txt", "x")
	if _, err := delta.Open(t.Context(), f.store, f.options()); !errors.As(err, &none) {
		t.Errorf("a log of nothing: %v", err)
	}
	f.commit(0, `{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["quantumSort"],"writerFeatures":["quantumSort"]}}`, fmt.Sprintf(metadataLine, ""))
	var unsupported *feature.UnsupportedError
	if _, err := delta.Open(t.Context(), f.store, f.options()); !errors.As(err, &unsupported) || unsupported.Feature != "quantumSort" {
		t.Errorf("an unknown feature: %v", err)
	}
}

// TestBrokenCheckpoints: whatever is broken of a checkpoint or its hint, the table reads as it is, with a warning.
func TestBrokenCheckpoints(t *testing.T) {
	truncate := func(f *fixture, key string) {
		path := filepath.Join(f.dir, filepath.FromSlash(key))
		if err := os.Truncate(path, 300); err != nil {
			f.Fatal(err)
		}
	}
	for _, c := range []struct {
		name     string
		spoil    func(f *fixture)
		warnings int
	}{
		{"none", func(*fixture) {}, 0},
		{"the newest cut short", func(f *fixture) { truncate(f, log.CheckpointKey(4)) }, 1},
		{"both cut short", func(f *fixture) { truncate(f, log.CheckpointKey(4)); truncate(f, log.CheckpointKey(2)) }, 2},
		{"empty hint", func(f *fixture) { f.put(0, log.LastCheckpointKey) }, 1},
		{"corrupt hint", func(f *fixture) { f.put(0, log.LastCheckpointKey, `{"version":`) }, 1},
		{"hint to nothing", func(f *fixture) { f.put(0, log.LastCheckpointKey, `{"version":9,"size":1}`) }, 1},
		{"hint to an older one", func(f *fixture) { f.put(0, log.LastCheckpointKey, `{"version":2,"size":1}`) }, 0},
		{"newest missing", func(f *fixture) { f.remove(log.CheckpointKey(4)) }, 1},
		{"no hint", func(f *fixture) { f.remove(log.LastCheckpointKey) }, 0},
		{"a part missing", func(f *fixture) {
			f.put(0, "_delta_log/00000000000000000005.checkpoint.0000000001.0000000002.parquet", "x")
		}, 0},
		{"a newer one of another kind", func(f *fixture) {
			f.put(0, log.V2CheckpointKey(5, "80a083e8-7026-4e79-81be-64bd76c43a11", "json"), `{"checkpointMetadata":{"version":5}}`)
		}, 1},
	} {
		f := newFixture(t)
		f.create(5, "")
		table := f.open()
		f.checkpoint(table, 2)
		f.checkpoint(table, 4)
		c.spoil(f)
		f.want(f.snapshot(f.open()), 5, "f0 f1 f2 f3 f4 f5")
		seen := map[string]bool{}
		for _, w := range f.warnings {
			var warning *delta.CheckpointWarning
			if !errors.As(w, &warning) || warning.Path == "" {
				t.Errorf("%s: warning %v", c.name, w)
			} else {
				seen[warning.Path] = true
			}
		}
		if len(seen) != c.warnings {
			t.Errorf("%s: warnings %v, want %d", c.name, f.warnings, c.warnings)
		}
	}
}

// TestNothingToFallBackOn: the log in front of the only checkpoint is gone, and the checkpoint is broken.
func TestNothingToFallBackOn(t *testing.T) {
	f := newFixture(t)
	f.create(3, "")
	f.checkpoint(f.open(), 2)
	f.remove(log.CommitKey(0), log.CommitKey(1))
	f.put(0, log.CheckpointKey(2), "not Parquet")
	_, err := delta.Open(t.Context(), f.store, f.options())
	var corrupt *delta.CorruptionError
	var warning *delta.CheckpointWarning
	if !errors.As(err, &corrupt) || !errors.As(err, &warning) || warning.Path != log.CheckpointKey(2) {
		t.Errorf("%v", err)
	}
}

func TestCompactionBridgesAGap(t *testing.T) {
	f := newFixture(t)
	f.create(4, "")
	f.put(0, log.CompactionKey(1, 3), `{"add":{"path":"f1","size":1}}`, `{"add":{"path":"stale","size":1}}`)
	f.want(f.snapshot(f.open()), 4, "f0 f1 f2 f3 f4")
	f.remove(log.CommitKey(2))
	f.want(f.snapshot(f.open()), 4, "f0 f1 stale f4")
	var warning *delta.CompactionWarning
	if len(f.warnings) != 1 || !errors.As(f.warnings[0], &warning) || warning.From != 1 || warning.To != 3 {
		t.Errorf("%v", f.warnings)
	}
}

func TestStoreErrorsAreNotDamage(t *testing.T) {
	f := newFixture(t)
	f.create(3, "")
	f.checkpoint(f.open(), 2)
	fault := faultstore.New(f.store, faultstore.Options{})
	down := errors.New("store is down")
	fault.SetRules(faultstore.Rule{Ops: faultstore.GetRange, Kind: faultstore.Fail, Err: down})
	if _, err := delta.Open(t.Context(), fault, f.options()); !errors.Is(err, down) {
		t.Errorf("%v", err)
	}
	if len(f.warnings) != 0 {
		t.Errorf("warnings %v", f.warnings)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := delta.Open(ctx, f.store, f.options()); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestWithFilesAndAdvance(t *testing.T) {
	f := newFixture(t)
	f.create(2, "")
	table := f.open()
	s := f.snapshot(table)
	view, err := s.WithFiles([]int{1}, []action.Add{{Path: "new%20file", Size: 3}})
	if err != nil {
		t.Fatal(err)
	}
	f.want(view, 2, "f0 f2 new file")
	f.want(s, 2, "f0 f1 f2")
	if _, err := s.WithFiles([]int{3}, nil); err == nil {
		t.Error("an ordinal that does not exist")
	}
	f.commit(3, "-f0", "+g")
	c, err := log.Read(t.Context(), f.store, 3)
	if err != nil {
		t.Fatal(err)
	}
	next, err := s.Advance(t.Context(), []replay.Commit{*c})
	if err != nil {
		t.Fatal(err)
	}
	f.want(next, 3, "f1 f2 g")
	c.Version = 5
	if _, err := s.Advance(t.Context(), []replay.Commit{*c}); err == nil {
		t.Error("commits that do not follow are accepted")
	}
	f.checkpoint(table, 3)
	f.commit(4, "-f1")
	removes, err := f.snapshot(f.open()).Tombstones(t.Context())
	if err != nil || len(removes) != 2 || removes[0].Path != "f1" || removes[1].Path != "f0" {
		t.Errorf("%+v, %v", removes, err)
	}
}

func TestLocate(t *testing.T) {
	f := newFixture(t)
	f.create(0, "")
	table := f.open()
	if s, key, err := table.Locate("a b"); err != nil || s != f.store || key != "a b" {
		t.Errorf("%q, %v", key, err)
	}
	if _, key, err := table.LocateAction(f.store.URL() + "/a%20b"); err != nil || key != "a b" {
		t.Errorf("%q, %v", key, err)
	}
	var external *delta.ExternalFileError
	if _, _, err := table.LocateAction("s3a://other/x"); !errors.As(err, &external) || external.Path != "s3://other/x" {
		t.Errorf("%v", err)
	}
}

// TestManyReaders refreshes from many goroutines while commits are made.
func TestManyReaders(t *testing.T) {
	f := newFixture(t)
	f.create(0, "")
	table := f.open()
	done := make(chan error, 8)
	for range cap(done) {
		go func() {
			last := delta.Version(-1)
			for last < 20 {
				s, err := table.Snapshot(context.Background())
				if err == nil && (s.Version() < last || s.Files().Len() != int(s.Version())+1) {
					err = fmt.Errorf("version %d after %d has %d files", s.Version(), last, s.Files().Len())
				}
				if err != nil {
					done <- err
					return
				}
				s.Files().Column(0)
				last = s.Version()
			}
			done <- nil
		}()
	}
	for v := 1; v <= 20; v++ {
		line := fmt.Sprintf(`{"add":{"path":"f%d","size":1}}`, v)
		if err := f.store.PutIfAbsent(t.Context(), log.CommitKey(delta.Version(v)), []byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestReadersShareARefresh: readers that wait for a slow store do not each list the log.
func TestReadersShareARefresh(t *testing.T) {
	f := newFixture(t)
	f.create(0, "")
	fault := faultstore.New(f.store, faultstore.Options{})
	table, err := delta.Open(t.Context(), fault, f.options())
	if err != nil {
		t.Fatal(err)
	}
	fault.ResetTrace()
	fault.SetRules(faultstore.Rule{Ops: faultstore.All, Kind: faultstore.Slow, Latency: 50 * time.Millisecond})
	done := make(chan error, 20)
	for range cap(done) {
		go func() {
			_, err := table.Snapshot(context.Background())
			done <- err
		}()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if n := len(fault.Trace()); n == 0 || n > 8 { // two a look
		t.Errorf("%d calls of the store", n)
	}
}
