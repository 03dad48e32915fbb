package txn_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/feature"
	"github.com/featuresql/featuresql/datasource/delta/log"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/datasource/objstore/faultstore"
	"github.com/featuresql/featuresql/txn"
)

func TestCommitInfo(t *testing.T) {
	store := localStore(t)
	table := create(t, store, metadata(), protocol(), file("a", "p", 0, 9))
	tx := begin(t, table, options("mine"))
	must(t, tx.ReadFiles(compare(t, "part", "=", "p"), nil), tx.RemoveFile(find(t, tx, "a"), true), tx.AddFile(file("b", "p", 0, 8)),
		tx.SetOperation("DELETE", map[string]string{"predicate": `["part = 'p'"]`}, map[string]string{"numDeletedRows": "1"}))
	commit(t, tx)
	actions := commitActions(t, store, 1)
	info := actions[0].CommitInfo
	if info == nil {
		t.Fatal("the first action is not commitInfo")
	}
	got := fmt.Sprintln(info.Operation, info.OperationParameters, info.OperationMetrics, *info.ReadVersion, info.IsolationLevel,
		*info.IsBlindAppend, info.EngineInfo, info.TxnID, *info.Timestamp, info.InCommitTimestamp == nil)
	want := fmt.Sprintln(`DELETE map[predicate:["part = 'p'"]] map[numDeletedRows:1] 0 WriteSerializable false featuresql/test mine1`, epoch.UnixMilli(), true)
	if got != want {
		t.Errorf("commitInfo %s want %s", got, want)
	}
	remove := actions[1].Remove
	if len(actions) != 3 || remove == nil || actions[2].Add == nil {
		t.Fatalf("%d actions", len(actions))
	}
	if remove.Path != "a" || *remove.DeletionTimestamp != epoch.UnixMilli() || !remove.DataChange || !*remove.ExtendedFileMetadata ||
		*remove.Size != 100 || *remove.PartitionValues["part"] != "p" {
		t.Errorf("remove %+v", remove)
	}
	for _, c := range []struct{ steps, want string }{
		{"add x p 0..9", "WriteSerializable blind"},
		{"read part = p, add y p 0..9", "WriteSerializable"},
		{"read-all, add z p 0..9", "WriteSerializable"},
		{"remove x move, add x2 p 0..9 move", "SnapshotIsolation"},
		{"remove x2", "WriteSerializable"},
		{"metadata delta.isolationLevel Serializable", "WriteSerializable blind"},
		{"add s p 0..9", "Serializable blind"},
		{"remove s move, add s2 p 0..9 move", "SnapshotIsolation"},
		{"remove s2 move, add s3 p 0..9 move, metadata k v", "Serializable"},
	} {
		tx := begin(t, table, options("tx"))
		for one := range strings.SplitSeq(c.steps, ", ") {
			step(t, tx, one)
		}
		info := commitActions(t, store, commit(t, tx))[0].CommitInfo
		got := info.IsolationLevel
		if *info.IsBlindAppend {
			got += " blind"
		}
		if got != c.want {
			t.Errorf("%s: %s; want %s", c.steps, got, c.want)
		}
	}
}

// TestInCommitTimestamps commits with a clock that stands still and one that runs behind, with and without losing races.
func TestInCommitTimestamps(t *testing.T) {
	store := localStore(t)
	on := []string{"delta.enableInCommitTimestamps", "true"}
	table := create(t, store, metadata(on...), protocol(feature.InCommitTimestamp))
	at := func(v delta.Version) int64 {
		info := commitActions(t, store, v)[0].CommitInfo
		if info == nil || info.InCommitTimestamp == nil {
			t.Fatalf("version %d has no in-commit timestamp in its first action", v)
		}
		return *info.InCommitTimestamp - epoch.UnixMilli()
	}
	late, behind := begin(t, table, options("late")), options("behind")
	behind.Clock = &clock{now: epoch.Add(-time.Hour)}
	for i, opts := range []txn.Options{options("a"), behind, {Clock: &clock{now: epoch.Add(time.Minute)}}} {
		tx := begin(t, table, opts)
		must(t, tx.AddFile(file(strconv.Itoa(i), "p", 0, 9)))
		commit(t, tx)
	}
	must(t, late.AddFile(file("late", "p", 0, 9)))
	if v := commit(t, late); v != 4 {
		t.Errorf("version %d", v)
	}
	if got := fmt.Sprint(at(0), at(1), at(2), at(3), at(4)); got != "0 1 2 60000 60001" {
		t.Errorf("timestamps %s", got)
	}
}

// TestTimestampsSwitchedOn switches in-commit timestamps on after losing a race: the properties name the version that it became.
func TestTimestampsSwitchedOn(t *testing.T) {
	store := localStore(t)
	table := create(t, store, metadata(), protocol())
	tx := begin(t, table, options("on"))
	other := begin(t, table, options("other"))
	must(t, other.AddFile(file("x", "p", 0, 9)))
	commit(t, other)
	must(t, tx.SetProtocol(protocol(feature.InCommitTimestamp)), tx.SetMetadata(metadata("delta.enableInCommitTimestamps", "true")))
	v := commit(t, tx)
	c := snapshot(t, table).Metadata().Configuration
	ict := commitActions(t, store, v)[0].CommitInfo.InCommitTimestamp
	if v != 2 || ict == nil || c["delta.inCommitTimestampEnablementVersion"] != "2" ||
		c["delta.inCommitTimestampEnablementTimestamp"] != strconv.FormatInt(*ict, 10) {
		t.Errorf("version %d, timestamp %v, properties %v", v, ict, c)
	}
	tx = begin(t, table, options("next"))
	must(t, tx.SetMetadata(c2(c)))
	commit(t, tx)
	if got := snapshot(t, table).Metadata().Configuration["delta.inCommitTimestampEnablementVersion"]; got != "2" {
		t.Errorf("a later change of metadata moved the version to %s", got)
	}
}

// TestTimestampsSwitchedOnLate: the first in-commit timestamp is later than the time of the file of the commit before, which may be another's
// that won a race, and says nothing of its time or has been written by a slow clock.
func TestTimestampsSwitchedOnLate(t *testing.T) {
	for _, info := range []string{"", `{"commitInfo":{"timestamp":1}}` + "\n"} {
		dir := t.TempDir()
		store, err := objstore.NewLocal(dir)
		must(t, err)
		t.Cleanup(func() { store.Close() })
		table := create(t, store, metadata(), protocol())
		tx := begin(t, table, options("on"))
		must(t, store.PutIfAbsent(t.Context(), log.CommitKey(1), []byte(info+`{"txn":{"appId":"other","version":1}}`+"\n")))
		written := time.Now().Add(time.Hour)
		must(t, os.Chtimes(filepath.Join(dir, log.CommitKey(1)), written, written))
		must(t, tx.SetProtocol(protocol(feature.InCommitTimestamp)), tx.SetMetadata(metadata("delta.enableInCommitTimestamps", "true")))
		v := commit(t, tx)
		got := commitActions(t, store, v)[0].CommitInfo
		if v != 2 || got == nil || *got.InCommitTimestamp != written.UnixMilli()+1 {
			t.Fatalf("version %d: %+v after %d", v, got, written.UnixMilli())
		}
		since := snapshot(t, table).Metadata().Configuration["delta.inCommitTimestampEnablementTimestamp"]
		if since != strconv.FormatInt(*got.InCommitTimestamp, 10) {
			t.Errorf("since %s", since)
		}
	}
}

// TestSharedTimestamps: shared commits, and their own rebases past others', go on from the timestamp of the version before.
func TestSharedTimestamps(t *testing.T) {
	store := localStore(t)
	table := create(t, store, metadata("delta.enableInCommitTimestamps", "true"), protocol(feature.InCommitTimestamp))
	group := &txn.Group{}
	late := begin(t, table, options("late"))
	for i := range 4 {
		tx := begin(t, table, options(strconv.Itoa(i)))
		if i == 2 { // not the group's
			tx.SetOperation("WRITE", nil, nil)
			must(t, tx.AddFile(file("x", "p", 0, 9)))
			commit(t, tx)
			continue
		}
		must(t, tx.AddFile(file(strconv.Itoa(i), "p", 0, 9)))
		_, err := group.Commit(t.Context(), tx)
		must(t, err)
	}
	must(t, late.AddFile(file("late", "p", 0, 9)))
	_, err := group.Commit(t.Context(), late)
	must(t, err)
	previous := epoch.UnixMilli() - 1
	for v := range delta.Version(6) {
		info := commitActions(t, store, v)[0].CommitInfo
		if info == nil || info.InCommitTimestamp == nil || *info.InCommitTimestamp <= previous {
			t.Fatalf("version %d, after %d: %+v", v, previous, info)
		}
		previous = *info.InCommitTimestamp
	}
}

func c2(properties map[string]string) *action.Metadata {
	m := metadata("k", "v")
	maps.Copy(m.Configuration, properties)
	return m
}

// TestRowIDs: where row tracking is supported, files get disjoint ranges of row ids, also after losing races.
func TestRowIDs(t *testing.T) {
	store := localStore(t)
	table := create(t, store, metadata(), protocol(feature.RowTracking), file("a", "p", 0, 9))
	late := begin(t, table, options("late"))
	tx := begin(t, table, options("tx"))
	must(t, tx.AddFile(file("b", "p", 0, 9)), tx.AddFile(file("c", "p", 0, 9)))
	commit(t, tx)
	must(t, late.ReplaceDV(find(t, late, "a"), inline("one"), ""), late.AddFile(file("d", "p", 0, 9)))
	commit(t, late)
	s := snapshot(t, table)
	got := ""
	for i := range s.Files().Len() {
		a := s.Files().Add(i)
		got += fmt.Sprintf("%s:%d@%d ", a.Path, *a.BaseRowID, *a.DefaultRowCommitVersion)
	}
	if want := "b:10@1 c:20@1 a:0@0 d:30@2 "; got != want {
		t.Errorf("row ids %s; want %s", got, want)
	}
	bare := file("e", "p", 0, 9)
	bare.Stats = ""
	tx = begin(t, table, options("bare"))
	must(t, tx.AddFile(bare))
	var invalid *txn.InvalidError
	if _, err := tx.Commit(context.Background()); !errors.As(err, &invalid) {
		t.Errorf("file without numRecords: %v", err)
	}
}

// TestUnsupportedFeature: a table that needs a writer feature unknown here is not written, and the feature is named.
func TestUnsupportedFeature(t *testing.T) {
	ctx := context.Background()
	var unsupported *feature.UnsupportedError
	err := txn.Create(ctx, localStore(t), metadata(), protocol("fancyWrites"))
	if !errors.As(err, &unsupported) || unsupported.Feature != "fancyWrites" {
		t.Errorf("create: %v", err)
	}
	store := localStore(t)
	table := create(t, store, metadata(), protocol())
	tx := begin(t, table, options("tx"))
	must(t, tx.SetProtocol(protocol("fancyWrites")))
	if _, err := tx.Commit(ctx); !errors.As(err, &unsupported) || snapshot(t, table).Version() != 0 {
		t.Errorf("change of protocol: %v", err)
	}
	p := protocol("fancyWrites")
	must(t, store.PutIfAbsent(ctx, "_delta_log/00000000000000000001.json", action.AppendLine(nil, &action.Action{Protocol: p})))
	tx = begin(t, table, options("tx"))
	must(t, tx.AddFile(file("x", "p", 0, 9)))
	if _, err := tx.Commit(ctx); !errors.As(err, &unsupported) || snapshot(t, table).Version() != 1 {
		t.Errorf("commit: %v", err)
	}
}

func TestCreate(t *testing.T) {
	ctx := context.Background()
	store := localStore(t)
	a := file("a", "p", 0, 9)
	must(t, txn.Create(ctx, store, metadata(), protocol(), action.Action{Add: &a}))
	info := commitActions(t, store, 0)[0].CommitInfo
	if info == nil || info.Operation != "CREATE TABLE" || info.ReadVersion != nil || !*info.IsBlindAppend {
		t.Errorf("commitInfo %+v", info)
	}
	if s := snapshot(t, open(t, store)); s.Version() != 0 || files(s) != "a" {
		t.Errorf("version %d: %s", s.Version(), files(s))
	}
	var exists *txn.TableExistsError
	if err := txn.Create(ctx, store, metadata(), protocol()); !errors.As(err, &exists) {
		t.Errorf("second create: %v", err)
	}
	cleaned := localStore(t)
	must(t, cleaned.PutIfAbsent(ctx, "_delta_log/00000000000000000010.checkpoint.parquet", nil))
	if err := txn.Create(ctx, cleaned, metadata(), protocol()); !errors.As(err, &exists) {
		t.Errorf("create over a log without commits: %v", err)
	}
	var invalid *txn.InvalidError
	if err := txn.Create(ctx, localStore(t), metadata(), protocol(), action.Action{Protocol: protocol()}); !errors.As(err, &invalid) {
		t.Errorf("create with two protocols: %v", err)
	}
}

// TestCreateStaged: a table whose files went with another one that was dropped meanwhile is not made, whichever file and whenever it was.
func TestCreateStaged(t *testing.T) {
	for _, c := range []struct {
		name   string
		before bool // the files were looked for
		made   bool
	}{{"nobody drops", true, true}, {"dropped between the files", true, false}, {"dropped before the commit", false, false}} {
		warehouse := localStore(t)
		store := objstore.Sub(warehouse, "t")
		one, two := file("part=p/one", "p", 0, 9), file("part=p/two", "p", 0, 9)
		put := func(a action.Add) {
			_, err := store.Put(t.Context(), a.Path, strings.NewReader("x"))
			must(t, err)
		}
		put(one)
		drop := func() { must(t, objstore.DropFolder(t.Context(), warehouse, "t")) }
		if !c.made && c.before {
			drop()
		}
		put(two)
		faults := faultstore.New(store, faultstore.Options{Rules: []faultstore.Rule{{Ops: faultstore.PutIfAbsent, Kind: faultstore.Slow, Key: func(string) bool {
			if !c.made && !c.before {
				drop()
			}
			return false
		}}}})
		creation := txn.Creation{Metadata: metadata(), Protocol: protocol(), Actions: []action.Action{{Add: &one}, {Add: &two}}, Staged: true}
		err := txn.CreateTable(t.Context(), faults, creation, txn.Options{})
		var conflict *txn.ConflictError
		if c.made && err != nil || !c.made && !errors.As(err, &conflict) {
			t.Errorf("%s: %v", c.name, err)
		}
		if _, err := store.Head(t.Context(), "_delta_log/00000000000000000000.json"); (err == nil) != c.made {
			t.Errorf("%s: the commit: %v", c.name, err)
		}
	}
}

// TestCheckpoints: one follows every interval-th commit, and its failure is told but does no harm.
func TestCheckpoints(t *testing.T) {
	for _, c := range []struct {
		interval string
		commits  int
		want     string
	}{{"", 101, "100"}, {"3", 21, "3 6 9 12 15 18 21"}, {"zero", 101, "100"}, {"0", 9, ""}} {
		store := localStore(t)
		m := metadata()
		if c.interval != "" {
			m = metadata("delta.checkpointInterval", c.interval)
		}
		table := create(t, store, m, protocol())
		var told []string
		opts := options("tx")
		opts.Observe = func(e txn.Event) {
			if e.Kind == txn.Checkpointed {
				told = append(told, strconv.Itoa(int(e.Version)))
			}
		}
		for i := range c.commits {
			tx := begin(t, table, opts)
			must(t, tx.AddFile(file(strconv.Itoa(i), "p", 0, 9)))
			commit(t, tx)
		}
		if got := strings.Join(told, " "); got != c.want {
			t.Errorf("interval %q: checkpoints at %s; want %s", c.interval, got, c.want)
		}
		if s := snapshot(t, open(t, store)); int(s.Version()) != c.commits || s.Files().Len() != c.commits {
			t.Errorf("interval %q: version %d with %d files", c.interval, s.Version(), s.Files().Len())
		}
	}
	faulty := faultstore.New(localStore(t), faultstore.Options{})
	table := create(t, faulty, metadata("delta.checkpointInterval", "1"), protocol())
	faulty.SetRules(faultstore.Rule{Ops: faultstore.All, Key: func(k string) bool { return strings.Contains(k, "checkpoint") }, Kind: faultstore.Fail})
	var failed error
	opts := options("tx")
	opts.Observe = func(e txn.Event) {
		if e.Kind == txn.CheckpointFailed {
			failed = e.Err
		}
	}
	tx := begin(t, table, opts)
	must(t, tx.AddFile(file("x", "p", 0, 9)))
	if v := commit(t, tx); v != 1 || !errors.Is(failed, faultstore.ErrInjected) {
		t.Errorf("version %d, checkpoint: %v", v, failed)
	}
}

// TestCleanedLog: a transaction that slept past a clean-up of the log, or past the end of its table, must not
// write into the hole that it left.
func TestCleanedLog(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		removed []int
		kind    txn.Kind // 0: committed
	}{{nil, 0}, {[]int{0}, txn.LogTruncated}, {[]int{0, 1}, txn.LogTruncated}, {[]int{0, 1, 2, 3}, txn.LogTruncated}} {
		store := localStore(t)
		table := create(t, store, metadata(), protocol())
		now := &clock{now: epoch}
		opts := options("late")
		opts.Clock = now
		tx := begin(t, table, opts)
		must(t, tx.AddFile(file("late", "p", 0, 9)))
		for i := range 3 {
			other := begin(t, table, options("other"))
			must(t, other.AddFile(file(strconv.Itoa(i), "p", 0, 9)))
			commit(t, other)
		}
		for _, v := range c.removed {
			must(t, store.Delete(ctx, fmt.Sprintf("_delta_log/%020d.json", v)))
		}
		now.now = epoch.Add(24 * time.Hour)
		v, err := tx.Commit(ctx)
		var conflict *txn.ConflictError
		if c.kind == 0 && (err != nil || v != 4) || c.kind != 0 && (!errors.As(err, &conflict) || conflict.Kind != c.kind) {
			t.Errorf("without %v: %d, %v", c.removed, v, err)
		}
		if _, err := store.Head(ctx, "_delta_log/00000000000000000001.json"); (err == nil) != (len(c.removed) < 2) {
			t.Errorf("without %v, version 1: %v", c.removed, err)
		}
	}
}

// TestCorruptWinner: a commit that cannot be read stops the transaction, whose own was certainly not stored.
func TestCorruptWinner(t *testing.T) {
	ctx := context.Background()
	store := localStore(t)
	table := create(t, store, metadata(), protocol())
	tx := begin(t, table, options("tx"))
	must(t, tx.AddFile(file("x", "p", 0, 9)), store.PutIfAbsent(ctx, "_delta_log/00000000000000000001.json", []byte("not JSON")))
	_, err := tx.Commit(ctx)
	var corrupt *action.CorruptionError
	var unknown *txn.UnknownOutcomeError
	if !errors.As(err, &corrupt) || errors.As(err, &unknown) || corrupt.Path != "_delta_log/00000000000000000001.json" {
		t.Errorf("commit: %v", err)
	}
}
