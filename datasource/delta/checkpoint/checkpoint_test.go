package checkpoint_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/checkpoint"
	"github.com/featuresql/featuresql/datasource/delta/log"
	"github.com/featuresql/featuresql/datasource/delta/replay"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/datasource/parquet"
)

const schemaString = `{"type":"struct","fields":[{"name":"x","type":"long","nullable":true,"metadata":{}},{"name":"p","type":"string","nullable":true,"metadata":{}}]}`

var now = time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)

// snapshot is a version made by hand.
type snapshot struct {
	store   objstore.Store
	version action.Version
	state   replay.State
	removes []action.Remove
}

func (s *snapshot) Store() objstore.Store                            { return s.store }
func (s *snapshot) Version() action.Version                          { return s.version }
func (s *snapshot) CommitObject() objstore.Object                    { return objstore.Object{} }
func (s *snapshot) Protocol() *action.Protocol                       { return s.state.Protocol }
func (s *snapshot) Metadata() *action.Metadata                       { return s.state.Metadata }
func (s *snapshot) Files() *replay.FileList                          { return s.state.Files }
func (s *snapshot) Txns() map[string]action.Txn                      { return s.state.Txns }
func (s *snapshot) DomainMetadata() map[string]action.DomainMetadata { return s.state.Domains }
func (s *snapshot) Tombstones(context.Context) ([]action.Remove, error) {
	return append([]action.Remove(nil), s.removes...), nil
}

type fataler interface {
	Helper()
	Fatal(...any)
}

func newSnapshot(t fataler, store objstore.Store, p *action.Protocol, adds ...action.Add) *snapshot {
	t.Helper()
	name, created := "n", int64(5)
	s := &snapshot{store: store, version: 7, state: replay.State{
		Protocol: p, Txns: map[string]action.Txn{"a": {AppID: "a", Version: 3, LastUpdated: &created}, "b": {AppID: "b", Version: -1}},
		Domains: map[string]action.DomainMetadata{"d": {Domain: "d", Configuration: `{"k":1}`}},
		Metadata: &action.Metadata{
			ID: "id", Name: &name, Format: action.Format{Provider: "parquet", Options: map[string]string{}}, SchemaString: schemaString,
			PartitionColumns: []string{"p"}, Configuration: map[string]string{"delta.x": "y"}, CreatedTime: &created,
		},
	}}
	layout, err := replay.NewLayout(p, s.state.Metadata)
	if err != nil {
		t.Fatal(err)
	}
	b := &replay.Builder{}
	for i := range adds {
		b.Append(&adds[i])
	}
	if s.state.Files, err = b.Files(layout, action.NewRoot(store.URL())); err != nil {
		t.Fatal(err)
	}
	return s
}

func newStore(t testing.TB) objstore.Store {
	t.Helper()
	s, err := objstore.NewLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func options() checkpoint.Options {
	return checkpoint.Options{Now: func() time.Time { return now }}
}

var (
	legacy = &action.Protocol{MinReader: 1, MinWriter: 2}
	v2     = &action.Protocol{MinReader: 3, MinWriter: 7, ReaderFeatures: []string{"v2Checkpoint"}, WriterFeatures: []string{"v2Checkpoint", "domainMetadata"}}
)

// readBack reads the only checkpoint of a log.
func readBack(t fataler, ctx context.Context, store objstore.Store) (*replay.Base, []action.Remove) {
	t.Helper()
	l, err := log.List(ctx, store, 0)
	if err != nil || len(l.Checkpoints) != 1 {
		t.Fatal("checkpoints in the log:", len(l.Checkpoints), err)
	}
	base, err := checkpoint.Read(ctx, store, &l.Checkpoints[0])
	if err != nil {
		t.Fatal(err)
	}
	removes, err := checkpoint.ReadRemoves(ctx, store, &l.Checkpoints[0])
	if err != nil {
		t.Fatal(err)
	}
	return base, removes
}

// TestTransactionRetention: an application's version of before the retention is forgotten; one without a time never is.
func TestTransactionRetention(t *testing.T) {
	for retention, want := range map[string]int{"": 2, "interval 1 day": 1, "nonsense": 2} {
		s := newSnapshot(t, newStore(t), legacy)
		s.state.Metadata.Configuration["delta.setTransactionRetentionDuration"] = retention
		if err := checkpoint.WriteWith(t.Context(), s, options()); err != nil {
			t.Fatal(err)
		}
		base, _ := readBack(t, t.Context(), s.store)
		if _, b := base.Txns["b"]; len(base.Txns) != want || !b {
			t.Errorf("%q: %v", retention, base.Txns)
		}
	}
}

// TestRoundTripProperty: what is read of a checkpoint is what was written, for every form of checkpoint written here.
func TestRoundTripProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		store, err := objstore.NewLocal(dir)
		if err != nil {
			rt.Fatal(err)
		}
		defer store.Close()
		var adds []action.Add
		for i := range rapid.IntRange(0, 8).Draw(rt, "files") {
			adds = append(adds, anyAdd(rt, i))
		}
		s := newSnapshot(rt, store, rapid.SampledFrom([]*action.Protocol{legacy, v2}).Draw(rt, "protocol"), adds...)
		for i := range rapid.IntRange(0, 4).Draw(rt, "tombstones") {
			s.removes = append(s.removes, anyRemove(rt, i))
		}
		if err := checkpoint.WriteWith(t.Context(), s, options()); err != nil {
			rt.Fatal(err)
		}
		base, removes := readBack(rt, t.Context(), store)
		if !reflect.DeepEqual(base.Protocol, s.state.Protocol) || !reflect.DeepEqual(base.Metadata, s.state.Metadata) ||
			!reflect.DeepEqual(base.Txns, s.state.Txns) || !reflect.DeepEqual(base.Domains, s.state.Domains) {
			rt.Fatalf("got %+v %+v %+v %+v", base.Protocol, base.Metadata, base.Txns, base.Domains)
		}
		layout := s.state.Files.Layout()
		list, err := base.Files.Files(layout, action.NewRoot(store.URL()))
		if err != nil || list.Len() != len(adds) {
			rt.Fatalf("%d files, want %d, %v", list.Len(), len(adds), err)
		}
		for i := range adds {
			got := list.Add(i)
			want := adds[i]
			want.DataChange = false
			if len(want.Tags) == 0 {
				want.Tags = nil // an empty map cannot be told from a missing one
			}
			w, g := action.Append(nil, &action.Action{Add: &want}), action.Append(nil, &action.Action{Add: &got})
			if !bytes.Equal(w, g) {
				rt.Fatalf("got  %s\nwant %s", g, w)
			}
		}
		if len(removes) != len(s.removes) {
			rt.Fatalf("%d tombstones, want %d", len(removes), len(s.removes))
		}
		for i := range removes {
			want := s.removes[i]
			want.DataChange = false
			if len(want.PartitionValues) == 0 {
				want.PartitionValues = nil
			}
			w, g := action.Append(nil, &action.Action{Remove: &want}), action.Append(nil, &action.Action{Remove: &removes[i]})
			if !bytes.Equal(w, g) {
				rt.Fatalf("got  %s\nwant %s", g, w)
			}
		}
	})
}

func anyDV(t *rapid.T) *action.DeletionVectorDescriptor {
	if !rapid.Bool().Draw(t, "dv") {
		return nil
	}
	return &action.DeletionVectorDescriptor{StorageType: "u", PathOrInlineDV: rapid.StringMatching(`[a-z]{20}`).Draw(t, "uuid"), SizeInBytes: 3, Cardinality: 2, Offset: rapid.Ptr(rapid.Int32Min(0), true).Draw(t, "offset")}
}

func values(t *rapid.T, label string) map[string]*string {
	return rapid.MapOfN(rapid.SampledFrom([]string{"p", "q"}), rapid.Ptr(rapid.StringN(0, 6, -1), true), 0, 2).Draw(t, label)
}

func anyAdd(t *rapid.T, i int) action.Add {
	a := action.Add{
		Path: fmt.Sprint("f", i), PartitionValues: values(t, "values"), Size: rapid.Int64Min(0).Draw(t, "size"), ModificationTime: 3,
		Stats: rapid.SampledFrom([]string{"", `{"numRecords":3}`, "é\"\\"}).Draw(t, "stats"), DeletionVector: anyDV(t),
		BaseRowID: rapid.Ptr(rapid.Int64Min(0), true).Draw(t, "row"), DefaultRowCommitVersion: rapid.Ptr(rapid.Int64Min(0), true).Draw(t, "version"),
		ClusteringProvider: rapid.SampledFrom([]string{"", "liquid"}).Draw(t, "clustering"), DataChange: true,
	}
	if rapid.Bool().Draw(t, "tagged") {
		a.Tags = values(t, "tags")
	}
	return a
}

func anyRemove(t *rapid.T, i int) action.Remove {
	when := now.UnixMilli() - 1000
	extended := rapid.Bool().Draw(t, "extended")
	return action.Remove{
		Path: fmt.Sprint("r", i), DeletionTimestamp: &when, ExtendedFileMetadata: &extended, PartitionValues: values(t, "values"),
		Size: rapid.Ptr(rapid.Int64Min(0), true).Draw(t, "size"), DeletionVector: anyDV(t), BaseRowID: rapid.Ptr(rapid.Int64Min(0), true).Draw(t, "row"),
	}
}

func TestExpiredTombstonesAreDropped(t *testing.T) {
	store := newStore(t)
	s := newSnapshot(t, store, legacy)
	for i, age := range []time.Duration{time.Hour, 8 * 24 * time.Hour, 6 * 24 * time.Hour} {
		when := now.Add(-age).UnixMilli()
		s.removes = append(s.removes, action.Remove{Path: fmt.Sprint("r", i), DeletionTimestamp: &when})
	}
	s.removes = append(s.removes, action.Remove{Path: "without a time"})
	if err := checkpoint.WriteWith(t.Context(), s, options()); err != nil {
		t.Fatal(err)
	}
	if _, removes := readBack(t, t.Context(), store); len(removes) != 2 || removes[0].Path != "r0" || removes[1].Path != "r2" {
		t.Errorf("%+v", removes)
	}
	s.state.Metadata.Configuration["delta.deletedFileRetentionDuration"] = "interval 1 days"
	if err := checkpoint.WriteWith(t.Context(), s, options()); err != nil {
		t.Fatal(err)
	}
	if _, removes := readBack(t, t.Context(), store); len(removes) != 1 {
		t.Errorf("%+v", removes)
	}
}

func TestHintNeverGoesBack(t *testing.T) {
	store := newStore(t)
	s := newSnapshot(t, store, legacy)
	for _, v := range []action.Version{7, 9, 8} {
		s.version = v
		if err := checkpoint.WriteWith(t.Context(), s, options()); err != nil {
			t.Fatal(err)
		}
	}
	if h, err := log.ReadLastCheckpoint(t.Context(), store); err != nil || h.Version != 9 || h.Size != 5 {
		t.Errorf("%+v, %v", h, err)
	}
	if _, err := store.Put(t.Context(), log.LastCheckpointKey, strings.NewReader("broken")); err != nil {
		t.Fatal(err)
	}
	if err := checkpoint.WriteWith(t.Context(), s, options()); err != nil {
		t.Fatal(err)
	}
	if h, err := log.ReadLastCheckpoint(t.Context(), store); err != nil || h.Version != 8 {
		t.Errorf("%+v, %v", h, err)
	}
}

func TestPolicyChoosesTheForm(t *testing.T) {
	store := newStore(t)
	s := newSnapshot(t, store, v2, action.Add{Path: "a", Size: 1})
	opts := options()
	opts.NewUUID = func() (uuid.UUID, error) { return uuid.MustParse("80a083e8-7026-4e79-81be-64bd76c43a11"), nil }
	if err := checkpoint.WriteWith(t.Context(), s, opts); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{log.V2CheckpointKey(7, "80a083e8-7026-4e79-81be-64bd76c43a11", "parquet"), log.SidecarPrefix + "80a083e8-7026-4e79-81be-64bd76c43a11.parquet"} {
		if _, err := store.Head(t.Context(), key); err != nil {
			t.Error(err)
		}
	}
	s.version = 8
	s.state.Metadata.Configuration["delta.checkpointPolicy"] = "classic"
	if err := checkpoint.WriteWith(t.Context(), s, opts); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Head(t.Context(), log.CheckpointKey(8)); err != nil {
		t.Error(err)
	}
}

// failing is a store that refuses to store.
type failing struct{ objstore.Store }

func (f failing) Put(_ context.Context, _ string, r io.Reader) (objstore.Object, error) {
	_, _ = io.CopyN(io.Discard, r, 10)
	return objstore.Object{}, errors.New("disk full")
}

func TestFailedWriteEnds(t *testing.T) {
	s := newSnapshot(t, failing{newStore(t)}, legacy, action.Add{Path: "a", Size: 1})
	if err := checkpoint.WriteWith(t.Context(), s, options()); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("%v", err)
	}
}

// memory is a store of one object.
type memory struct {
	objstore.Store
	data []byte
}

func (m memory) GetRange(_ context.Context, _ string, off int64, p []byte) error {
	if off < 0 || off > int64(len(m.data)) || copy(p, m.data[off:]) < len(p) {
		return io.ErrUnexpectedEOF
	}
	return nil
}

func (m memory) Get(context.Context, string, int64) ([]byte, error) { return m.data, nil }

func (m memory) Head(context.Context, string) (objstore.Object, error) {
	return objstore.Object{SizeBytes: int64(len(m.data))}, nil
}

// TestDamageIsFound: a checkpoint cut short or changed anywhere is an error that IsBroken knows, or reads as it was;
// never something else, and no panic.
func TestDamageIsFound(t *testing.T) {
	store := newStore(t)
	s := newSnapshot(t, store, legacy, action.Add{Path: "a", Size: 1, Stats: `{"numRecords":1}`, PartitionValues: map[string]*string{"p": nil}})
	if err := checkpoint.WriteWith(t.Context(), s, options()); err != nil {
		t.Fatal(err)
	}
	key := log.CheckpointKey(7)
	data, err := store.Get(t.Context(), key, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	try := func(what string, bad []byte) {
		t.Helper()
		c := &log.Checkpoint{Version: 7, Files: []objstore.Object{{Key: key, SizeBytes: int64(len(bad))}}}
		if _, err := checkpoint.Read(t.Context(), memory{store, bad}, c); err != nil && !checkpoint.IsBroken(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for n := 0; n < len(data); n += 97 {
		try(fmt.Sprint("cut at ", n), data[:n])
	}
	for i := range data {
		if i%3 != 0 {
			continue
		}
		bad := bytes.Clone(data)
		bad[i] ^= 0x15
		try(fmt.Sprint("byte ", i), bad)
	}
	c := &log.Checkpoint{Version: 7, Files: []objstore.Object{{Key: "_delta_log/missing", SizeBytes: 100}}}
	if _, err := checkpoint.Read(t.Context(), store, c); !checkpoint.IsBroken(err) {
		t.Errorf("missing: %v", err)
	}
}

func TestIncompleteCheckpoints(t *testing.T) {
	store := newStore(t)
	const protocol, metadata = `{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}`, `{"metaData":{"id":"x","schemaString":"{}"}}`
	for name, lines := range map[string][]string{
		"no metadata":           {`{"checkpointMetadata":{"version":7}}`, protocol},
		"two protocols":         {`{"checkpointMetadata":{"version":7}}`, protocol, protocol, metadata},
		"no checkpointMetadata": {protocol, metadata},
		"another version":       {`{"checkpointMetadata":{"version":8}}`, protocol, metadata},
		"a missing sidecar":     {`{"checkpointMetadata":{"version":7}}`, protocol, metadata, `{"sidecar":{"path":"gone.parquet","sizeInBytes":100,"modificationTime":1}}`},
	} {
		key := log.V2CheckpointKey(7, "80a083e8-7026-4e79-81be-64bd76c43a11", "json")
		if _, err := store.Put(t.Context(), key, strings.NewReader(strings.Join(lines, "\n"))); err != nil {
			t.Fatal(err)
		}
		c := &log.Checkpoint{Version: 7, Files: []objstore.Object{{Key: key}}, JSON: true}
		if _, err := checkpoint.Read(t.Context(), store, c); !checkpoint.IsBroken(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSidecarKey(t *testing.T) {
	for path, want := range map[string]string{
		"a%20b.parquet": "_delta_log/_sidecars/a b.parquet", "_delta_log/_sidecars/x.parquet": "_delta_log/_sidecars/x.parquet",
		"s3://b/t/_delta_log/_sidecars/x.parquet": "_delta_log/_sidecars/x.parquet", "../../etc/x": "_delta_log/_sidecars/x",
	} {
		if got := checkpoint.SidecarKey(path); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
}

// parsedValues is minValues or maxValues of stats_parsed.
type parsedValues struct {
	X *int64   `parquet:"x,optional"`
	F *float64 `parquet:"f,optional"`
	S *string  `parquet:"s,optional"`
	T *int64   `parquet:"t,optional,timestamp(microsecond)"`
	D *int32   `parquet:"d,optional,date"`
	N struct {
		A *int64 `parquet:"a,optional"`
	} `parquet:"n,optional"`
}

// TestParsedStats: a checkpoint without statistics as JSON has them rebuilt from stats_parsed.
func TestParsedStats(t *testing.T) {
	type parsed struct {
		NumRecords  *int64        `parquet:"numRecords,optional"`
		MinValues   *parsedValues `parquet:"minValues,optional"`
		TightBounds *bool         `parquet:"tightBounds,optional"`
	}
	type add struct {
		Path   string  `parquet:"path"`
		Size   int64   `parquet:"size"`
		Parsed *parsed `parquet:"stats_parsed,optional"`
	}
	type row struct {
		Add *add `parquet:"add,optional"`
		P   *struct {
			R int32 `parquet:"minReaderVersion"`
			W int32 `parquet:"minWriterVersion"`
		} `parquet:"protocol,optional"`
		M *struct {
			S string `parquet:"schemaString"`
		} `parquet:"metaData,optional"`
	}
	ptr := func(n int64) *int64 { return &n }
	inf, text, yes, day := 0.5, `a"b`, true, int32(-1)
	rows := []row{
		{Add: &add{Path: "a", Size: 1, Parsed: &parsed{NumRecords: ptr(3), TightBounds: &yes, MinValues: &parsedValues{X: ptr(-4), F: &inf, S: &text, T: ptr(1500), D: &day}}}},
		{Add: &add{Path: "b", Size: 1, Parsed: &parsed{NumRecords: ptr(4), MinValues: &parsedValues{T: ptr(1_000_000)}}}},
		{Add: &add{Path: "c", Size: 1}},
		{P: &struct {
			R int32 `parquet:"minReaderVersion"`
			W int32 `parquet:"minWriterVersion"`
		}{1, 2}},
		{M: &struct {
			S string `parquet:"schemaString"`
		}{schemaString}},
	}
	rows[0].Add.Parsed.MinValues.N.A = ptr(9)
	var buf bytes.Buffer
	if err := parquet.WriteRows(&buf, rows); err != nil {
		t.Fatal(err)
	}
	store := newStore(t)
	if _, err := store.Put(t.Context(), log.CheckpointKey(7), &buf); err != nil {
		t.Fatal(err)
	}
	base, _ := readBack(t, t.Context(), store)
	layout, err := replay.NewLayout(base.Protocol, base.Metadata)
	if err != nil {
		t.Fatal(err)
	}
	list, err := base.Files.Files(layout, action.Root{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		`{"numRecords":3,"minValues":{"x":-4,"f":0.5,"s":"a\"b","t":"1970-01-01T00:00:00.001500Z","d":"1969-12-31","n":{"a":9}},"tightBounds":true}`,
		`{"numRecords":4,"minValues":{"t":"1970-01-01T00:00:01.000Z"}}`, ``,
	} {
		if got := list.StatsJSON(i); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestParseInterval(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"interval 7 days": 7 * 24 * time.Hour, "INTERVAL 1 week": 7 * 24 * time.Hour, "2 hours 30 minutes": 150 * time.Minute, "interval 0 seconds": 0,
	} {
		if got, ok := checkpoint.ParseInterval(text); !ok || got != want {
			t.Errorf("%s: %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "interval", "interval x days", "interval 1", "interval 1 month", "interval -1 days", "interval 99999999999 weeks"} {
		if got, ok := checkpoint.ParseInterval(text); ok {
			t.Errorf("%s: %v", text, got)
		}
	}
}
