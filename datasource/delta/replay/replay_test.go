package replay_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/replay"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/skipping"
)

var root = action.NewRoot("file:///data/t")

const (
	protocolLine = `{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}`
	metadataLine = `{"metaData":{"id":"m","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"x\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}},{\"name\":\"p\",\"type\":\"string\",\"nullable\":true,\"metadata\":{}}]}","partitionColumns":["p"],"configuration":{}}}`
)

// expand turns the short lines of the data-driven tests into actions: "+path[@dv]" adds, "-path[@dv]" removes, "init"
// is protocol and metadata; anything else is JSON.
func expand(line string) []string {
	file := func(kind, rest string) []string {
		path, dv, has := strings.Cut(rest, "@")
		out := fmt.Sprintf(`{"%s":{"path":"%s","size":1,"dataChange":true`, kind, path)
		if has {
			out += fmt.Sprintf(`,"deletionVector":{"storageType":"i","pathOrInlineDv":"%s","sizeInBytes":1,"cardinality":1}`, dv)
		}
		return []string{out + "}}"}
	}
	switch {
	case line == "init":
		return []string{protocolLine, metadataLine}
	case line[0] == '+':
		return file("add", line[1:])
	case line[0] == '-':
		return file("remove", line[1:])
	}
	return []string{line}
}

func parseCommit(v action.Version, lines ...string) (replay.Commit, error) {
	c := replay.Commit{Version: v, Path: fmt.Sprintf("_delta_log/%d.json", v)}
	for _, line := range lines {
		for _, text := range expand(line) {
			a, err := action.Parse(text)
			if err != nil {
				return c, err
			}
			c.Actions = append(c.Actions, a)
		}
	}
	return c, nil
}

func describe(s *replay.State) string {
	var b strings.Builder
	for i := range s.Files.Len() {
		fmt.Fprint(&b, s.Files.Path(i))
		if d := s.Files.DeletionVector(i); d != nil {
			fmt.Fprint(&b, "@", d.PathOrInlineDV)
		}
		b.WriteByte('\n')
	}
	for _, k := range slices.Sorted(maps.Keys(s.Txns)) {
		fmt.Fprintf(&b, "txn %s %d\n", k, s.Txns[k].Version)
	}
	for _, k := range slices.Sorted(maps.Keys(s.Domains)) {
		fmt.Fprintf(&b, "domain %s %s\n", k, s.Domains[k].Configuration)
	}
	if s.Info != nil {
		fmt.Fprintf(&b, "operation %s\n", s.Info.Operation)
	}
	return b.String()
}

// TestReplay runs testdata/replay.td: each "replay" block holds commits, with a line "--" between them, and what is left.
func TestReplay(t *testing.T) {
	datadriven.RunTest(t, "testdata/replay.td", func(t *testing.T, d *datadriven.TestData) string {
		var commits []replay.Commit
		for v, block := range strings.Split("\n"+d.Input+"\n", "\n--\n") {
			c, err := parseCommit(action.Version(v), strings.Split(strings.TrimSpace(block), "\n")...)
			if err != nil {
				t.Fatal(err)
			}
			commits = append(commits, c)
		}
		s, err := replay.New(root, nil, commits)
		if err != nil {
			return "error: " + err.Error() + "\n"
		}
		stepwise, err := replay.New(root, nil, commits[:1])
		for _, c := range commits[1:] {
			if err == nil {
				stepwise, err = stepwise.Advance([]replay.Commit{c})
			}
		}
		if err != nil {
			return "error of Advance: " + err.Error() + "\n"
		}
		out := describe(s)
		if got := describe(stepwise); got != out {
			return "New:\n" + out + "Advance:\n" + got
		}
		for _, r := range replay.Tombstones(s.Files, commits, nil) {
			out += "tombstone " + root.CanonicalPath(r.Path)
			if r.DeletionVector != nil {
				out += "@" + r.DeletionVector.PathOrInlineDV
			}
			out += "\n"
		}
		return out
	})
}

// TestDuplicateInCheckpoint: a checkpoint that names a file twice, in whatever spelling, is corrupt.
func TestDuplicateInCheckpoint(t *testing.T) {
	first, err := parseCommit(0, "init")
	if err != nil {
		t.Fatal(err)
	}
	b := &replay.Builder{}
	b.Add("a%20b", 1, 1, true, "")
	b.Add("file:/data/t/a%20b", 1, 1, true, "")
	_, err = replay.New(root, &replay.Base{Path: "c.parquet", Protocol: first.Actions[0].Protocol, Metadata: first.Actions[1].Metadata, Files: b}, nil)
	var corrupt *action.CorruptionError
	if !errors.As(err, &corrupt) || corrupt.Path != "c.parquet" {
		t.Fatalf("%v", err)
	}
}

// model is the naive replay: commits from the oldest on, each line in order.
type model struct {
	live  map[string]string // path to deletion vector
	order []string
}

func (m *model) apply(line string) {
	path, dv, _ := strings.Cut(line[1:], "@")
	if line[0] == '+' {
		m.order = append(slices.DeleteFunc(m.order, func(p string) bool { return p == path }), path)
		m.live[path] = dv
		return
	}
	if old, ok := m.live[path]; ok && old == dv {
		delete(m.live, path)
	}
}

func (m *model) String() string {
	var out strings.Builder
	for _, p := range m.order {
		if dv, ok := m.live[p]; ok {
			out.WriteString(p)
			if dv != "" {
				out.WriteString("@" + dv)
			}
			out.WriteString("\n")
		}
	}
	return out.String()
}

// TestReplayProperty compares newest-to-oldest replay, from the start, from a checkpoint, and step by step, with
// the naive model.
func TestReplayProperty(t *testing.T) {
	first, err := parseCommit(0, "init")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		m := &model{live: map[string]string{}}
		commits := []replay.Commit{first}
		name := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g"})
		for v := range rapid.IntRange(1, 12).Draw(t, "commits") {
			var lines []string
			for range rapid.IntRange(1, 6).Draw(t, "actions") {
				lines = append(lines, draw(t, m, name)...)
			}
			c, err := parseCommit(action.Version(v+1), lines...)
			if err != nil {
				t.Fatal(err)
			}
			commits = append(commits, c)
			for _, l := range lines {
				m.apply(l)
			}
		}
		whole, err := replay.New(root, nil, commits)
		if err != nil {
			t.Fatal(err)
		}
		cut := rapid.IntRange(1, len(commits)).Draw(t, "cut")
		early, err := replay.New(root, nil, commits[:cut])
		if err != nil {
			t.Fatal(err)
		}
		stepped := early
		for _, c := range commits[cut:] {
			if stepped, err = stepped.Advance([]replay.Commit{c}); err != nil {
				t.Fatal(err)
			}
		}
		based, err := replay.New(root, baseOf(early), commits[cut:])
		if err != nil {
			t.Fatal(err)
		}
		want := m.String()
		for how, s := range map[string]*replay.State{"whole": whole, "stepped": stepped, "from a checkpoint": based} {
			if got := describe(s); got != want {
				t.Fatalf("%s:\n%swant:\n%s", how, got, want)
			}
			for i := range s.Files.Len() {
				if k, ok := s.Files.Find(s.Files.Path(i), s.Files.DeletionVector(i).UniqueID()); !ok || k != i {
					t.Fatalf("%s: file %d is found as %d", how, i, k)
				}
			}
		}
	})
}

// draw makes the lines of one legal or merely tolerated change.
func draw(t *rapid.T, m *model, name *rapid.Generator[string]) []string {
	path := name.Draw(t, "path")
	old, live := m.live[path]
	at := func(dv string) string {
		if dv == "" {
			return path
		}
		return path + "@" + dv
	}
	dv := rapid.SampledFrom([]string{"", "1", "2", "3"}).Draw(t, "dv")
	switch k := rapid.IntRange(0, 3).Draw(t, "kind"); {
	case k == 0:
		return []string{"+" + at(dv)}
	case k == 1 && live && old != dv:
		return []string{"-" + at(old), "+" + at(dv)}
	case k == 2 && live:
		return []string{"-" + at(old)}
	}
	return []string{"-" + at(dv)}
}

// baseOf is a checkpoint of a state.
func baseOf(s *replay.State) *replay.Base {
	b := &replay.Builder{}
	for i := range s.Files.Len() {
		a := s.Files.Add(i)
		b.Append(&a)
	}
	return &replay.Base{Path: "c", Protocol: s.Protocol, Metadata: s.Metadata, Txns: s.Txns, Domains: s.Domains, Files: b}
}

// anyAdd draws an action with every field that there is.
func anyAdd(t *rapid.T, i int) action.Add {
	str := rapid.StringN(0, 8, -1)
	values := rapid.MapOfN(rapid.SampledFrom([]string{"p", "q", "r"}), rapid.Ptr(str, true), 0, 3)
	a := action.Add{
		Path: fmt.Sprintf("%d-%s", i, rapid.StringMatching(`[a-z%]{0,5}`).Draw(t, "path")), PartitionValues: values.Draw(t, "values"),
		Size: rapid.Int64Range(0, 1<<40).Draw(t, "size"), ModificationTime: rapid.Int64().Draw(t, "time"), DataChange: rapid.Bool().Draw(t, "change"),
		Stats: str.Draw(t, "stats"), BaseRowID: rapid.Ptr(rapid.Int64Min(0), true).Draw(t, "row"), DefaultRowCommitVersion: rapid.Ptr(rapid.Int64Min(0), true).Draw(t, "version"),
		ClusteringProvider: rapid.SampledFrom([]string{"", "liquid", "x"}).Draw(t, "clustering"),
	}
	if rapid.Bool().Draw(t, "tagged") {
		a.Tags = values.Draw(t, "tags")
	}
	if rapid.Bool().Draw(t, "dv") {
		a.DeletionVector = &action.DeletionVectorDescriptor{StorageType: "i", PathOrInlineDV: str.Draw(t, "inline"), SizeInBytes: 3, Cardinality: 2, Offset: rapid.Ptr(rapid.Int32Min(0), true).Draw(t, "offset")}
	}
	return a
}

// TestAddsComeBackProperty: what a file list rebuilds is what was put in, after changes too.
func TestAddsComeBackProperty(t *testing.T) {
	layout, err := replay.NewLayout(&action.Protocol{MinReader: 1, MinWriter: 2}, mustMetadata(t))
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		var want []action.Add
		b := &replay.Builder{}
		for i := range rapid.IntRange(0, 20).Draw(t, "n") {
			want = append(want, anyAdd(t, i))
			b.Append(&want[i])
		}
		list, err := b.Files(layout, root)
		if err != nil {
			t.Fatal(err)
		}
		for step := range rapid.IntRange(0, 3).Draw(t, "changes") {
			var removed []int
			var kept, added []action.Add
			for i := range want {
				if rapid.Bool().Draw(t, "remove") {
					removed = append(removed, i)
				} else {
					kept = append(kept, want[i])
				}
			}
			for k := range rapid.IntRange(0, 4).Draw(t, "added") {
				added = append(added, anyAdd(t, 1000*(step+1)+k))
			}
			if list, err = list.With(removed, added); err != nil {
				t.Fatal(err)
			}
			want = append(kept, added...)
		}
		if list.Len() != len(want) {
			t.Fatalf("%d files, want %d", list.Len(), len(want))
		}
		for i := range want {
			got := list.Add(i)
			w, g := action.Append(nil, &action.Action{Add: &want[i]}), action.Append(nil, &action.Action{Add: &got})
			if string(w) != string(g) {
				t.Fatalf("got  %s\nwant %s", g, w)
			}
			if list.Size(i) != want[i].Size || list.Path(i) != root.CanonicalPath(want[i].Path) {
				t.Fatalf("file %d differs", i)
			}
		}
	})
}

func mustMetadata(t *testing.T) *action.Metadata {
	t.Helper()
	a, err := action.Parse(metadataLine)
	if err != nil {
		t.Fatal(err)
	}
	return a.Metadata
}

// TestManyFiles goes through what small lists do not reach: several parts, packed statistics, dead rows that are cleared.
func TestManyFiles(t *testing.T) {
	p, m := benchMetadata()
	layout, err := replay.NewLayout(p, m)
	if err != nil {
		t.Fatal(err)
	}
	const n = 70_000
	list, err := benchBuilder(n).Files(layout, action.Root{})
	if err != nil {
		t.Fatal(err)
	}
	check := func(list *replay.FileList, of func(i int) int64) {
		t.Helper()
		stats := list.Column(0)
		for i := range list.Len() {
			if k := of(i); stats.Min.Int(i) != k*1000 || stats.Max.Int(i) != k*1000+999 || stats.RowCount[i] != 1000+k%7 {
				t.Fatalf("file %d: %d..%d of %d", i, stats.Min.Int(i), stats.Max.Int(i), stats.RowCount[i])
			}
		}
	}
	check(list, func(i int) int64 { return int64(i) })
	prunes(t, list)
	if a := list.Add(69_999); !strings.Contains(a.Stats, `"id":69999000`) || *a.PartitionValues["p"] != "2024-01-28" {
		t.Errorf("%+v", a)
	}
	var odd, most []int
	for i := range n {
		if i%2 == 1 {
			odd = append(odd, i)
		}
	}
	even, err := list.With(odd, nil)
	if err != nil {
		t.Fatal(err)
	}
	check(even, func(i int) int64 { return int64(2 * i) })
	for i := range even.Len() - 10 {
		most = append(most, i)
	}
	few, err := even.With(most, nil)
	if err != nil {
		t.Fatal(err)
	}
	check(few, func(i int) int64 { return int64(n - 20 + 2*i) })
	more, err := even.With([]int{0, 3, even.Len() - 1}, []action.Add{list.Add(1), list.Add(3)})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []*replay.FileList{even, few, more} {
		prunes(t, l)
	}
	if few.SizeBytes() > 100_000 {
		t.Errorf("10 files keep %d bytes", few.SizeBytes())
	}
	check(list, func(i int) int64 { return int64(i) }) // the older lists are as they were
	if got := list.SizeBytes() / n; got > 250 {
		t.Errorf("%d bytes a file", got)
	}
	if list.Column(4).Min.Phys != few.Column(4).Min.Phys || vector.FullBitmap(few.Len()).Count(few.Len()) != 10 {
		t.Error("partition column")
	}
}

// prunes compares Prune with what a predicate makes of the columns of all files, and the number of rows with their sum.
func prunes(t *testing.T, list *replay.FileList) {
	t.Helper()
	compare := func(op string, column int, v types.Value) expr.Expr {
		c := list.Layout().Columns[column]
		e, err := expr.New(op, &expr.Column{Index: column, Name: c.Name, Typ: c.Type, Null: true}, &expr.Literal{Val: v})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	limit := list.Column(0).Min.Value(list.Len() / 2)
	day, err := list.PartitionValue(0, 4)
	if err != nil {
		t.Fatal(err)
	}
	for name, e := range map[string]expr.Expr{"below": compare("<", 0, limit), "above": compare(">=", 0, limit), "day": compare("=", 4, day)} {
		p := skipping.Compile(e)
		got, want := vector.FullBitmap(list.Len()), vector.FullBitmap(list.Len())
		skipped := list.Prune(p, got)
		if p.Prune(list, want) != skipped || !slices.Equal(got, want) || skipped == 0 && list.Len() > 100 {
			t.Errorf("%s: %d of %d files skipped", name, skipped, list.Len())
		}
	}
	var sum int64
	for i := range list.Len() {
		sum += list.NumRecords(i)
	}
	if n, ok := list.TotalRecords(); !ok || n != sum {
		t.Errorf("%d rows, %t; want %d", n, ok, sum)
	}
}
