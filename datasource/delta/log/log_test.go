package log_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/log"
	"github.com/featuresql/featuresql/datasource/objstore"
)

// newStore returns a store whose log holds empty files of the given names.
func newStore(t *testing.T, names ...string) objstore.Store {
	t.Helper()
	s, err := objstore.NewLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for _, n := range names {
		if _, err := s.Put(t.Context(), log.Prefix+n, strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// long writes out short names: versions get their 20 digits, parts their 10.
func long(short string) string {
	f := strings.Split(short, ".")
	if f[0] == "" || f[0][0] < '0' || f[0][0] > '9' {
		return short
	}
	f[0] = fmt.Sprintf("%020s", f[0])
	switch {
	case len(f) == 4 && f[2] == "compacted":
		f[1] = fmt.Sprintf("%020s", f[1])
	case len(f) == 5 && f[1] == "checkpoint":
		f[2], f[3] = fmt.Sprintf("%010s", f[2]), fmt.Sprintf("%010s", f[3])
	case len(f) == 4 && f[1] == "checkpoint":
		f[2] += "-0000-4000-8000-000000000000"
	}
	return strings.Join(f, ".")
}

func short(key string) string {
	f := strings.Split(path.Base(key), ".")
	for i := range f {
		if strings.Trim(f[i], "0123456789") == "" {
			f[i] = strings.TrimLeft(f[i], "0")
			if f[i] == "" {
				f[i] = "0"
			}
		}
		f[i] = strings.TrimSuffix(f[i], "-0000-4000-8000-000000000000")
	}
	return strings.Join(f, ".")
}

// TestSegment runs testdata/segment.td: from the files of a log (and those that are broken) to what a version is read from.
func TestSegment(t *testing.T) {
	var l *log.Listing
	datadriven.RunTest(t, "testdata/segment.td", func(t *testing.T, d *datadriven.TestData) string {
		switch d.Cmd {
		case "log":
			var names []string
			for n := range strings.FieldsSeq(d.Input) {
				names = append(names, long(n))
			}
			var from int
			d.MaybeScanArgs(t, "from", &from)
			var err error
			if l, err = log.List(t.Context(), newStore(t, names...), action.Version(from)); err != nil {
				return err.Error()
			}
			newest, ok1 := l.Newest()
			oldest, ok2 := l.Oldest()
			return fmt.Sprintf("newest %d %v, oldest %d %v\n", newest, ok1, oldest, ok2)
		case "version":
			var v int
			d.ScanArgs(t, "v", &v)
			broken := map[string]bool{}
			for n := range strings.FieldsSeq(d.Input) {
				broken[log.Prefix+long(n)] = true
			}
			s, err := l.Segment(action.Version(v), broken)
			if err != nil {
				return "error: " + err.Error() + "\n"
			}
			return printSegment(s)
		}
		return "unknown command"
	})
}

func printSegment(s *log.Segment) string {
	var b strings.Builder
	if s.Checkpoint != nil {
		b.WriteString("checkpoint")
		for _, o := range s.Checkpoint.Files {
			b.WriteString(" " + short(o.Key))
		}
		b.WriteString("\n")
	}
	b.WriteString("commits")
	for _, c := range s.Commits {
		fmt.Fprintf(&b, " %d", c.Version)
	}
	for _, c := range s.Compacted {
		b.WriteString(" " + short(c.Object.Key))
	}
	return b.String() + "\n"
}

func TestKeys(t *testing.T) {
	if got := log.CommitKey(7); got != "_delta_log/00000000000000000007.json" {
		t.Error(got)
	}
	if v, ok := log.ParseCommitKey(log.CommitKey(12)); !ok || v != 12 {
		t.Error(v, ok)
	}
	for key, want := range map[string]bool{
		log.CheckpointKey(3): true, log.V2CheckpointKey(3, "80a083e8-7026-4e79-81be-64bd76c43a11", "json"): true, log.CompactionKey(1, 2): true,
		log.LastCheckpointKey: false, "_delta_log/00000000000000000001.crc": false, "_delta_log/1.json": false, "_delta_log/99999999999999999999.json": false,
		"_delta_log/00000000000000000001.checkpoint.0000000003.0000000002.parquet": false, "x/00000000000000000001.json": false,
		"_delta_log/00000000000000000001.80a083e8-7026-4e79-81be-64bd76c43a11.json": false, "_delta_log/0000000000000000000\u00b9.json": false,
		"_delta_log/00000000000000000002.00000000000000000001.compacted.json": false,
	} {
		if got := log.IsVersioned(key); got != want {
			t.Errorf("%s: %v", key, got)
		}
	}
}

// TestChecksum is the protocol's example.
func TestChecksum(t *testing.T) {
	text := `{"k0":"'v 0'", "checksum": "adsaskfljadfkjadfkj", "k1":{"k2": 2, "k3": ["v3", [1, 2], {"k4": "v4", "k5": ["v5", "v6", "v7"]}]}}`
	if got, ok := log.Checksum(text); !ok || got != "6a92d155a59bf2eecbd4b4ec7fd1f875" {
		t.Errorf("%s, %v", got, ok)
	}
	for _, bad := range []string{"", "[1]", `{"a":`, `{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "}"} {
		if got, ok := log.Checksum(bad); ok {
			t.Errorf("%s has the checksum %s", bad, got)
		}
	}
}

func TestLastCheckpoint(t *testing.T) {
	s := newStore(t)
	hint, err := log.ReadLastCheckpoint(t.Context(), s)
	if hint != nil || err != nil {
		t.Fatalf("%v, %v", hint, err)
	}
	put := func(text string) (*log.LastCheckpoint, error) {
		if _, err := s.Put(t.Context(), log.LastCheckpointKey, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		return log.ReadLastCheckpoint(t.Context(), s)
	}
	hint, err = put(`{"version":12,"size":3,"parts":2,"sizeInBytes":9,"numOfAddFiles":1,"checkpointSchema":{"a":[1]},"x":null}` + "\n")
	if err != nil || *hint != (log.LastCheckpoint{Version: 12, Size: 3, Parts: 2, SizeInBytes: 9, NumOfAddFiles: 1}) {
		t.Fatalf("%+v, %v", hint, err)
	}
	body := `"version":3,"size":1`
	sum, _ := log.Checksum("{" + body + "}")
	if hint, err = put(`{` + body + `,"checksum":"` + sum + `"}`); err != nil || hint.Version != 3 {
		t.Errorf("with its checksum: %v", err)
	}
	var corrupt *action.CorruptionError
	for _, bad := range []string{"", "{", "{}", `{"version":-1}`, `{"version":"1"}`, `{"version":1}x`, `{` + body + `,"checksum":"00"}`} {
		if hint, err := put(bad); !errors.As(err, &corrupt) {
			t.Errorf("%s: %+v, %v", bad, hint, err)
		}
	}
}

// TestCompaction: a compaction that holds two actions of one file was not reconciled and cannot be trusted.
func TestCompaction(t *testing.T) {
	s := newStore(t)
	read := func(lines ...string) error {
		key := log.CompactionKey(1, 2)
		if _, err := s.Put(t.Context(), key, strings.NewReader(strings.Join(lines, "\n"))); err != nil {
			t.Fatal(err)
		}
		_, err := log.ReadCompaction(t.Context(), s, action.NewRoot(s.URL()), log.Compaction{From: 1, To: 2, Object: objstore.Object{Key: key}})
		return err
	}
	if err := read(`{"add":{"path":"a","size":1}}`, `{"remove":{"path":"b"}}`); err != nil {
		t.Error(err)
	}
	var corrupt *action.CorruptionError
	if err := read(`{"add":{"path":"a%20b","size":1}}`, `{"remove":{"path":"`+s.URL()+`/a%20b"}}`); !errors.As(err, &corrupt) {
		t.Errorf("%v", err)
	}
	if err := read(""); !errors.As(err, &corrupt) {
		t.Errorf("empty: %v", err)
	}
}

func TestReadActionsOfNothing(t *testing.T) {
	s := newStore(t)
	if _, err := log.Read(t.Context(), s, 3); !errors.Is(err, objstore.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

// torn is a store whose listing misses keys, as that of a folder may miss what is made meanwhile.
type torn struct {
	objstore.Store
	missed string
}

func (s torn) List(ctx context.Context, prefix, after string) iter.Seq2[objstore.Object, error] {
	return func(yield func(objstore.Object, error) bool) {
		for o, err := range s.Store.List(ctx, prefix, after) {
			if !strings.Contains(s.missed, " "+short(o.Key)+" ") && !yield(o, err) {
				return
			}
		}
	}
}

// TestTornListing: commits between others that a listing shows are found, those that are not there are not.
func TestTornListing(t *testing.T) {
	var names []string
	for v := range 12 {
		if v != 6 {
			names = append(names, long(fmt.Sprintf("%d.json", v)))
		}
	}
	s := torn{newStore(t, names...), " 3.json 4.json 9.json 11.json "}
	for from, want := range map[action.Version]string{0: "[0 1 2 3 4 5 7 8 9 10]", 2: "[2 3 4 5 7 8 9 10]", 8: "[8 9 10]"} {
		l, err := log.List(t.Context(), s, from)
		if err != nil {
			t.Fatal(err)
		}
		var got []action.Version
		for _, c := range l.Commits {
			got = append(got, c.Version)
		}
		if fmt.Sprint(got) != want {
			t.Errorf("from %d: %v, want %s", from, got, want)
		}
	}
}
