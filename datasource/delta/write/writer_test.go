package write_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/schema"
	"github.com/featuresql/featuresql/datasource/delta/write"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/datasource/objstore/faultstore"
	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// column is a column of a table under test.
type column struct {
	name string
	typ  string // as in a schema string; JSON if it begins with a brace
	meta string
}

func tableOf(t testing.TB, store objstore.Store, columns []column, partitions []string, properties map[string]string) write.TableSpec {
	t.Helper()
	var fields []string
	for _, c := range columns {
		typ, meta := c.typ, c.meta
		if !strings.HasPrefix(typ, "{") {
			typ = fmt.Sprintf("%q", typ)
		}
		if meta == "" {
			meta = "{}"
		}
		fields = append(fields, fmt.Sprintf(`{"name":%q,"type":%s,"nullable":true,"metadata":%s}`, c.name, typ, meta))
	}
	s, err := schema.Parse(`{"type":"struct","fields":[` + strings.Join(fields, ",") + `]}`)
	if err != nil {
		t.Fatal(err)
	}
	return write.TableSpec{Store: store, Schema: s, Metadata: &action.Metadata{PartitionColumns: partitions, Configuration: properties}}
}

func newStore(t testing.TB) objstore.Store {
	t.Helper()
	s, err := objstore.NewLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// batchOf makes a batch of rows of values.
func batchOf(rows ...[]types.Value) *vector.Batch {
	b := &vector.Batch{Len: len(rows)}
	for c := range rows[0] {
		v := vector.New(rows[0][c].Type, 0)
		for _, r := range rows {
			v.AppendValue(r[c])
		}
		b.Cols = append(b.Cols, v)
	}
	return b
}

func str(s string) types.Value { return types.StringValue(s) }
func num(i int64) types.Value  { return types.IntValue(types.Of(types.Int64), i) }

// writeTable writes batches and returns the actions.
func writeTable(t testing.TB, table write.TableSpec, opts write.Options, batches ...*vector.Batch) []action.Add {
	t.Helper()
	ctx := context.Background()
	w, err := write.NewWriter(ctx, table, opts)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range batches {
		if err := w.Write(ctx, b); err != nil {
			t.Fatal(err)
		}
	}
	adds, err := w.Close(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return adds
}

func keysOf(t testing.TB, store objstore.Store) (keys []string) {
	t.Helper()
	for o, err := range store.List(context.Background(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, o.Key)
	}
	return keys
}

type storeReader struct {
	store objstore.Store
	key   string
}

func (s storeReader) ReadRange(ctx context.Context, off int64, p []byte) error {
	return s.store.GetRange(ctx, s.key, off, p)
}

// readFile opens the file of an action and returns the values of its columns.
func readFile(t testing.TB, store objstore.Store, add action.Add, fields []parquet.Field) [][]types.Value {
	t.Helper()
	ctx := context.Background()
	key, err := url.PathUnescape(add.Path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parquet.Open(ctx, storeReader{store, key}, add.Size, parquet.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := f.Project(fields, false)
	if err != nil {
		t.Fatal(err)
	}
	out := make([][]types.Value, len(fields))
	for g := range f.NumRowGroups() {
		r, err := p.NewRowGroupReader(ctx, g, parquet.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for {
			n, _, err := r.Next(ctx)
			if err != nil {
				break
			}
			for c := range fields {
				v, err := r.Read(ctx, c, nil)
				if err != nil {
					t.Fatal(err)
				}
				for i := range n {
					out[c] = append(out[c], v.Value(i))
				}
			}
		}
		r.Close()
	}
	return out
}

func TestPartitionedRowsLieInFoldersAsSparkNamesThem(t *testing.T) {
	store := newStore(t)
	table := tableOf(t, store, []column{{name: "p q", typ: "string"}, {name: "x", typ: "long"}}, []string{"p q"}, nil)
	values := map[string]string{
		"a b":                         "p q=a b",
		"50%":                         "p q=50%25",
		"a/b:c=d?e#f":                 "p q=a%2Fb%3Ac%3Dd%3Fe%23f",
		`"'\{[]^*`:                    "p q=%22%27%5C%7B%5B%5D%5E%2A",
		"é😀+&}~":                      "p q=é😀+&}~",
		"\x01\x1f\x7f\n":              "p q=%01%1F%7F%0A",
		"..":                          "p q=..",
		"":                            "p q=__HIVE_DEFAULT_PARTITION__",
		"__HIVE_DEFAULT_PARTITION__2": "p q=__HIVE_DEFAULT_PARTITION__2",
	}
	var rows [][]types.Value
	for v := range values {
		rows = append(rows, []types.Value{str(v), num(int64(len(v)))})
	}
	rows = append(rows, []types.Value{types.NullOf(types.Of(types.String)), num(100)})
	adds := writeTable(t, table, write.Options{}, batchOf(rows...))
	if len(adds) != len(values) {
		t.Fatalf("%d files, want %d", len(adds), len(values))
	}
	keys := keysOf(t, store)
	for _, a := range adds {
		key, err := url.PathUnescape(a.Path)
		if err != nil || !slices.Contains(keys, key) {
			t.Fatalf("path %s: no object %s (%v)", a.Path, key, err)
		}
		v := a.PartitionValues["p q"]
		want := values[""]
		if v != nil {
			want = values[*v]
		}
		if dir := key[:strings.LastIndexByte(key, '/')]; dir != want {
			t.Errorf("folder %q, want %q", dir, want)
		}
		if strings.ContainsAny(a.Path, " %é") && !strings.Contains(a.Path, "%20") {
			t.Errorf("path %s is not encoded", a.Path)
		}
		got := readFile(t, store, a, []parquet.Field{{Name: "x", Type: types.Of(types.Int64), Nullable: true}})
		n := 1
		if v == nil { // NULL and the empty string
			n = 2
		}
		if len(got[0]) != n || v != nil && got[0][0].I != int64(len(*v)) {
			t.Errorf("%q holds %v", key, got[0])
		}
	}
}

func TestPartitionFoldersStayShort(t *testing.T) {
	store := newStore(t)
	table := tableOf(t, store, []column{{name: "p", typ: "string"}, {name: "x", typ: "long"}}, []string{"p"}, nil)
	long := strings.Repeat("%", 100)
	adds := writeTable(t, table, write.Options{}, batchOf([]types.Value{str(long), num(1)}))
	if *adds[0].PartitionValues["p"] != long || strings.Contains(adds[0].Path, "p=") {
		t.Fatalf("path %s", adds[0].Path)
	}
}

func TestFormatPartitionValue(t *testing.T) {
	for _, c := range []struct {
		value types.Value
		want  string // "" is NULL, "error" an error
	}{
		{types.BoolValue(true), "true"}, {num(-5), "-5"}, {types.NullOf(types.Of(types.Int64)), ""}, {str(""), ""},
		{types.DecimalValue(types.DecimalOf(38, 2), types.Pow10(37)), "1" + strings.Repeat("0", 35) + ".00"},
		{types.FloatValue(types.Of(types.Float64), 1), "1.0"}, {types.FloatValue(types.Of(types.Float64), 1e10), "1.0E10"},
		{types.FloatValue(types.Of(types.Float64), -1.25e-7), "-1.25E-7"}, {types.FloatValue(types.Of(types.Float32), float64(float32(0.1))), "0.1"},
		{types.IntValue(types.Of(types.Date), -1), "1969-12-31"},
		{types.IntValue(types.Of(types.Timestamp), 1), "1970-01-01T00:00:00.000001Z"},
		{types.IntValue(types.Of(types.TimestampNTZ), -1), "1969-12-31 23:59:59.999999"},
		{types.IntValue(types.Of(types.Date), 1<<30), "error"},
		{types.BytesValue(types.Of(types.Binary), "\x01a"), "\x01a"}, {types.BytesValue(types.Of(types.Binary), "\xff"), "error"},
		{types.BytesValue(types.Of(types.JSON), "{}"), "error"},
	} {
		got, err := write.FormatPartitionValue("p", c.value)
		var bad *write.PartitionValueError
		switch {
		case c.want == "error":
			if !errors.As(err, &bad) || bad.Column != "p" {
				t.Errorf("%v: %v", c.value, err)
			}
		case err != nil || (got == nil) != (c.want == "") || got != nil && *got != c.want:
			t.Errorf("%v: %v, %v, want %q", c.value, got, err, c.want)
		}
	}
}

func TestFilesRollAtTheTargetSize(t *testing.T) {
	store := newStore(t)
	table := tableOf(t, store, []column{{name: "x", typ: "long"}, {name: "s", typ: "string"}}, nil, map[string]string{"delta.targetFileSize": "64kb"})
	r := rand.New(rand.NewSource(1))
	var batches []*vector.Batch
	for range 40 {
		rows := make([][]types.Value, 500)
		for i := range rows {
			rows[i] = []types.Value{num(r.Int63()), str(fmt.Sprint(r.Int63()))}
		}
		batches = append(batches, batchOf(rows...))
	}
	adds := writeTable(t, table, write.Options{}, batches...)
	if len(adds) < 5 {
		t.Fatalf("%d files", len(adds))
	}
	total := int64(0)
	for i, a := range adds {
		if i < len(adds)-1 && (a.Size < 64<<10 || a.Size > 100<<10) {
			t.Errorf("file %d has %d bytes", i, a.Size)
		}
		if !strings.HasPrefix(a.Path, fmt.Sprintf("part-%05d-", i)) || !strings.HasSuffix(a.Path, "-c000.snappy.parquet") {
			t.Errorf("path %s", a.Path)
		}
		if !a.DataChange || a.ModificationTime == 0 || len(a.PartitionValues) != 0 {
			t.Errorf("action %+v", a)
		}
		var s struct{ NumRecords int64 }
		if err := json.Unmarshal([]byte(a.Stats), &s); err != nil {
			t.Fatal(err)
		}
		total += s.NumRecords
	}
	if total != 20_000 {
		t.Errorf("%d rows in the actions", total)
	}
}

func TestMemoryIsBoundedWithManyPartitions(t *testing.T) {
	store := newStore(t)
	table := tableOf(t, store, []column{{name: "p", typ: "long"}, {name: "x", typ: "long"}}, []string{"p"}, nil)
	rows := make([][]types.Value, 0, 4000)
	for i := range int64(4000) {
		rows = append(rows, []types.Value{num(i % 40), num(i)})
	}
	want := map[string]int64{}
	for _, r := range rows {
		want[fmt.Sprint(r[0].I)] += 2 * r[1].I
	}
	for _, opts := range []write.Options{{MaxOpenFiles: 3}, {MemoryBytes: 100_000}, {MemoryBytes: 1}} {
		adds := writeTable(t, table, opts, batchOf(rows...), batchOf(rows...))
		if len(adds) <= 40 {
			t.Errorf("%+v: %d files: none ended early", opts, len(adds))
		}
		got := map[string]int64{}
		for _, a := range adds {
			for _, v := range readFile(t, store, a, []parquet.Field{{Name: "x", Type: types.Of(types.Int64), Nullable: true}})[0] {
				got[*a.PartitionValues["p"]] += v.I
			}
		}
		for p, sum := range want {
			if got[p] != sum {
				t.Errorf("%+v: partition %s sums to %d, want %d", opts, p, got[p], sum)
			}
		}
	}
}

func TestColumnMappingNamesFilesAndStatisticsPhysically(t *testing.T) {
	store := newStore(t)
	meta := func(id int) string {
		return fmt.Sprintf(`{"delta.columnMapping.id":%d,"delta.columnMapping.physicalName":"col-%d"}`, id, id)
	}
	nested := `{"type":"struct","fields":[{"name":"in","type":"integer","nullable":true,"metadata":` + meta(4) + `}]}`
	table := tableOf(t, store, []column{{"p", "string", meta(1)}, {"x", "long", meta(2)}, {"s", nested, meta(3)}}, []string{"P"}, map[string]string{"delta.columnMapping.mode": "name"})
	adds := writeTable(t, table, write.Options{}, batchOf([]types.Value{str("a"), num(1), types.BytesValue(types.Of(types.JSON), `{"in":7}`)}))
	a := adds[0]
	if *a.PartitionValues["col-1"] != "a" || strings.Contains(a.Path, "p=") || strings.Index(a.Path, "/") != 2 {
		t.Fatalf("%+v", a)
	}
	want := `{"numRecords":1,"minValues":{"col-2":1,"col-3":{"col-4":7}},"maxValues":{"col-2":1,"col-3":{"col-4":7}},"nullCount":{"col-2":0,"col-3":{"col-4":0}},"tightBounds":true}`
	if a.Stats != want {
		t.Errorf("stats %s\nwant  %s", a.Stats, want)
	}
	got := readFile(t, store, a, []parquet.Field{{Name: "x", Physical: "col-2", FieldID: 2, Type: types.Of(types.Int64), Nullable: true}})
	if got[0][0].I != 1 {
		t.Errorf("read %v", got)
	}
	table.Protocol = &action.Protocol{MinReader: 1, MinWriter: 2} // the property is not in force
	if adds = writeTable(t, table, write.Options{}, batchOf([]types.Value{str("a"), num(1), types.BytesValue(types.Of(types.JSON), `{"in":7}`)})); !strings.HasPrefix(adds[0].Path, "p=a/") {
		t.Errorf("path %s", adds[0].Path)
	}
}

func TestNothingStaysAfterAbort(t *testing.T) {
	ctx := context.Background()
	store := newStore(t)
	table := tableOf(t, store, []column{{name: "p", typ: "long"}, {name: "x", typ: "long"}}, []string{"p"}, nil)
	for _, closeFirst := range []bool{false, true} {
		w, err := write.NewWriter(ctx, table, write.Options{MaxOpenFiles: 2})
		if err != nil {
			t.Fatal(err)
		}
		for i := range int64(20) {
			if err := w.Write(ctx, batchOf([]types.Value{num(i % 5), num(i)})); err != nil {
				t.Fatal(err)
			}
		}
		if closeFirst {
			if _, err := w.Close(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Abort(ctx); err != nil {
			t.Fatal(err)
		}
		if keys := keysOf(t, store); len(keys) != 0 {
			t.Fatalf("left: %v", keys)
		}
		if err := w.Write(ctx, batchOf([]types.Value{num(1), num(1)})); err == nil {
			t.Fatal("writing went on")
		}
	}
}

func TestFaultsOfTheStoreLeaveNothing(t *testing.T) {
	ctx := context.Background()
	inner := newStore(t)
	big := make([][]types.Value, 8000)
	r := rand.New(rand.NewSource(2))
	for i := range big {
		b := make([]byte, 700)
		for k := range b {
			b[k] = byte(' ' + r.Intn(90))
		}
		big[i] = []types.Value{num(int64(i % 2)), str(string(b))}
	}
	for n := range 6 { // the n-th upload fails, stored or not; the first files are large enough to be streamed
		kind := []faultstore.Kind{faultstore.Fail, faultstore.LostAck, faultstore.Partial}[n%3]
		store := faultstore.New(inner, faultstore.Options{Rules: []faultstore.Rule{{Ops: faultstore.Put, Nth: n/3 + 1, Kind: kind}}})
		table := tableOf(t, store, []column{{name: "p", typ: "long"}, {name: "x", typ: "string"}}, []string{"p"}, nil)
		w, err := write.NewWriter(ctx, table, write.Options{MemoryBytes: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err = w.Write(ctx, batchOf(big...)); err != nil {
				break
			}
		}
		if err == nil {
			_, err = w.Close(ctx)
		} else if aerr := w.Abort(ctx); aerr != nil {
			t.Fatal(aerr)
		}
		if err == nil {
			t.Fatalf("%v of upload %d and nobody noticed", kind, n/3+1)
		}
		if keys := keysOf(t, inner); len(keys) != 0 {
			t.Fatalf("left: %v", keys)
		}
	}
}

func TestWriterRefusesWhatDoesNotFitTheTable(t *testing.T) {
	ctx := context.Background()
	store := newStore(t)
	columns := []column{{name: "p", typ: "string"}, {name: "x", typ: "long"}}
	table := tableOf(t, store, columns, []string{"p"}, nil)
	table.Schema.Fields[0].Nullable = false
	for _, v := range []types.Value{types.NullOf(types.Of(types.String)), str(""), str("\xff")} {
		w, err := write.NewWriter(ctx, table, write.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(ctx, batchOf([]types.Value{v, num(1)})); err == nil || !strings.Contains(err.Error(), " p") {
			t.Errorf("%v: %v", v, err)
		}
		if err := w.Abort(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for _, partitions := range [][]string{{"y"}, {"p", "x"}, {"p", "P"}} {
		if _, err := write.NewWriter(ctx, tableOf(t, store, columns, partitions, nil), write.Options{}); err == nil {
			t.Errorf("a table partitioned by %v was accepted", partitions)
		}
	}
	w, err := write.NewWriter(ctx, table, write.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(ctx, batchOf([]types.Value{num(1)})); err == nil {
		t.Error("a batch with too few columns was accepted")
	}
	if adds, err := w.Close(ctx); err != nil || len(adds) != 0 || len(keysOf(t, store)) != 0 {
		t.Errorf("no rows: %v, %v, %v", adds, err, keysOf(t, store))
	}
}
