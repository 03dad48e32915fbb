package parquet_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// writeColumn writes rows of one column in batches of the greatest size.
func writeColumn(t *testing.T, f parquet.Field, opts parquet.WriterOptions, rows []types.Value) ([]byte, *parquet.FileStats) {
	t.Helper()
	var buf bytes.Buffer
	w, err := parquet.NewWriter(&buf, []parquet.Field{f}, opts)
	if err != nil {
		t.Fatal(err)
	}
	for len(rows) > 0 {
		n := min(len(rows), vector.MaxRows)
		v := vector.New(f.Type, 0)
		for _, r := range rows[:n] {
			v.AppendValue(r)
		}
		if err := w.Write(&vector.Batch{Len: n, Cols: []*vector.Vector{v}}); err != nil {
			t.Fatal(err)
		}
		rows = rows[n:]
	}
	stats, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes(), stats
}

// readColumn reads the values of the only column back.
func readColumn(t *testing.T, data []byte) ([]pq.Value, *format.FileMetaData) {
	t.Helper()
	f, err := pq.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var got []pq.Value
	for _, g := range f.RowGroups() {
		pages := g.ColumnChunks()[0].Pages()
		for {
			page, err := pages.ReadPage()
			if err != nil {
				break
			}
			vals := make([]pq.Value, page.NumValues())
			page.Values().ReadValues(vals)
			for _, v := range vals {
				got = append(got, v.Clone())
			}
		}
		pages.Close()
	}
	return got, f.Metadata()
}

func TestWriterChoosesEncodings(t *testing.T) {
	const rows = 60_000
	r := rand.New(rand.NewPCG(1, 2))
	text, num := types.Of(types.String), types.Of(types.Int64)
	for _, c := range []struct {
		name  string
		typ   types.Type
		value func(i int) types.Value
		want  []format.Encoding // of data pages
	}{
		{"few strings", text, func(i int) types.Value { return types.StringValue(fmt.Sprint("city", i%300)) }, []format.Encoding{format.RLEDictionary}},
		{"unique strings", text, func(i int) types.Value { return types.StringValue(fmt.Sprintf("%020d", i)) }, []format.Encoding{format.Plain}},
		{"strings that become many", text, func(i int) types.Value {
			if i < 20_000 {
				return types.StringValue(fmt.Sprint("city", i%300))
			}
			return types.StringValue(fmt.Sprintf("%060d", i))
		}, []format.Encoding{format.Plain, format.RLEDictionary}},
		{"one number", num, func(int) types.Value { return types.IntValue(num, 7) }, []format.Encoding{format.RLEDictionary}},
		{"random numbers", num, func(int) types.Value { return types.IntValue(num, r.Int64()) }, []format.Encoding{format.Plain}},
		{"numbers that become many", num, func(i int) types.Value {
			if i < 20_000 {
				return types.IntValue(num, int64(i%100))
			}
			return types.IntValue(num, r.Int64())
		}, []format.Encoding{format.Plain, format.RLEDictionary}},
	} {
		want := make([]types.Value, rows)
		for i := range want {
			want[i] = c.value(i)
		}
		data, _ := writeColumn(t, parquet.Field{Name: "c", Type: c.typ, Nullable: true}, parquet.WriterOptions{Bloom: []int{0}}, want)
		got, meta := readColumn(t, data)
		for i := range want {
			if !sameBits(got[i], encodeValue(want[i])) {
				t.Fatalf("%s: row %d is %v, want %v", c.name, i, got[i], want[i])
			}
		}
		var encodings []format.Encoding
		for _, s := range meta.RowGroups[0].Columns[0].MetaData.EncodingStats {
			if s.PageType == format.DataPage {
				encodings = append(encodings, s.Encoding)
			}
		}
		if !slices.Equal(encodings, c.want) {
			t.Errorf("%s: encodings %v, want %v", c.name, encodings, c.want)
		}
	}
}

func TestWriterBoundsPagesAndRowGroups(t *testing.T) {
	typ := types.Of(types.String)
	rows := make([]types.Value, 20_000)
	for i := range rows {
		rows[i] = types.StringValue(fmt.Sprintf("%d %s", i, strings.Repeat("x", 100+i%50)))
	}
	data, _ := writeColumn(t, parquet.Field{Name: "c", Type: typ}, parquet.WriterOptions{RowGroupRows: 15_000, Compression: parquet.Uncompressed}, rows)
	f, err := pq.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(f.RowGroups()); n != 2 || f.RowGroups()[0].NumRows() != 15_000 {
		t.Fatalf("%d row groups, the first of %d rows", n, f.RowGroups()[0].NumRows())
	}
	index, err := f.RowGroups()[0].ColumnChunks()[0].OffsetIndex()
	if err != nil {
		t.Fatal(err)
	}
	for p := range index.NumPages() {
		if size := index.CompressedPageSize(p); size > 2*parquet.DefaultPageBytes+500 || p < index.NumPages()-1 && size < parquet.DefaultPageBytes {
			t.Errorf("page %d of %d has %d bytes", p, index.NumPages(), size)
		}
	}
	huge := []types.Value{types.StringValue(strings.Repeat("a", 300_000)), types.StringValue(strings.Repeat("b", 300_000)), types.StringValue("c")}
	data, stats := writeColumn(t, parquet.Field{Name: "c", Type: typ}, parquet.WriterOptions{RowGroupBytes: 1000}, huge)
	got, meta := readColumn(t, data)
	if len(got) != 3 || string(got[1].ByteArray()) != huge[1].S || stats.Columns[0].Min.S != huge[0].S || stats.Columns[0].Max.S != "c" {
		t.Fatal("long strings did not survive")
	}
	if s := meta.RowGroups[0].Columns[0].MetaData.Statistics; len(s.MinValue) > 64 || len(s.MaxValue) > 64 {
		t.Fatalf("bounds of %d and %d bytes in the footer", len(s.MinValue), len(s.MaxValue))
	}
}

func TestWriterDescribesSchemaAsSparkDoes(t *testing.T) {
	fields := []parquet.Field{
		{Name: "b", Type: types.Of(types.Int8), FieldID: 7}, {Name: "ts", Type: types.Of(types.Timestamp), Nullable: true},
		{Name: "ntz", Type: types.Of(types.TimestampNTZ)}, {Name: "d", Type: types.DecimalOf(20, 3)}, {Name: "l", Physical: "col-1", Kind: parquet.List,
			Nullable: true, FieldID: 3, Children: []parquet.Field{{Name: "element", Type: types.Of(types.Date), FieldID: 4, Nullable: true}}},
	}
	var buf bytes.Buffer
	w, err := parquet.NewWriter(&buf, fields, parquet.WriterOptions{KeyValue: map[string]string{"who": "test"}, SortingColumns: []parquet.SortingColumn{{Field: 1, Descending: true}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := pq.OpenFile(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range f.Metadata().Schema[1:] {
		lines = append(lines, fmt.Sprintf("%s %v %s %d", e.Name, e.RepetitionType.V, e.LogicalType.String(), e.FieldID))
	}
	want := []string{"b REQUIRED INT(8,true) 7", "ts OPTIONAL TIMESTAMP(isAdjustedToUTC=true,unit=MICROS) 0",
		"ntz REQUIRED TIMESTAMP(isAdjustedToUTC=false,unit=MICROS) 0", "d REQUIRED DECIMAL(20,3) 0", "col-1 OPTIONAL LIST 3", "list REPEATED  0", "element OPTIONAL DATE 4"}
	for i := range want {
		want[i] = strings.NewReplacer("REQUIRED", format.Required.String(), "OPTIONAL", format.Optional.String(), "REPEATED", format.Repeated.String()).Replace(want[i])
	}
	if !slices.Equal(lines, want) {
		t.Fatalf("schema\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	if v, _ := f.Lookup("who"); v != "test" || f.Metadata().NumRows != 0 {
		t.Fatalf("key-value %q, %d rows", v, f.Metadata().NumRows)
	}
}

func TestWriterRefusesValuesThatDoNotFit(t *testing.T) {
	for _, c := range []struct {
		field parquet.Field
		value types.Value
		null  bool
	}{
		{parquet.Field{Name: "c", Type: types.Of(types.Int32)}, types.NullOf(types.Of(types.Int32)), true},
		{parquet.Field{Name: "c", Type: types.Of(types.Int8)}, types.IntValue(types.Of(types.Int8), 128), false},
		{parquet.Field{Name: "c", Type: types.Of(types.Int16)}, types.IntValue(types.Of(types.Int16), -32769), false},
		{parquet.Field{Name: "c", Type: types.Of(types.Bool)}, types.IntValue(types.Of(types.Bool), -1), false},
		{parquet.Field{Name: "c", Type: types.DecimalOf(5, 0)}, types.DecimalValue(types.DecimalOf(5, 0), types.Int128From(100_000)), false},
		{parquet.Field{Name: "c", Type: types.DecimalOf(5, 0)}, types.DecimalValue(types.DecimalOf(5, 0), types.Int128From(1<<32+1)), false},
		{parquet.Field{Name: "c", Type: types.DecimalOf(12, 0)}, types.DecimalValue(types.DecimalOf(12, 0), types.Pow10(30)), false},
		{parquet.Field{Name: "c", Type: types.DecimalOf(20, 0)}, types.DecimalValue(types.DecimalOf(20, 0), types.Pow10(20).Neg()), false},
	} {
		w, err := parquet.NewWriter(&bytes.Buffer{}, []parquet.Field{c.field}, parquet.WriterOptions{})
		if err != nil {
			t.Fatal(err)
		}
		v := vector.New(c.field.Type, 0)
		v.AppendValue(c.value)
		if err = w.Write(&vector.Batch{Len: 1, Cols: []*vector.Vector{v}}); err == nil {
			_, err = w.Close()
		}
		var null *parquet.NullError
		var outside *parquet.RangeError
		if c.null != errors.As(err, &null) || c.null == errors.As(err, &outside) {
			t.Errorf("%s %v: %v", c.field.Type, c.value, err)
		}
		if _, again := w.Close(); again == nil {
			t.Errorf("%s: closed after an error", c.field.Type)
		}
	}
}

func TestWriterRefusesWhatItCannotWrite(t *testing.T) {
	for _, f := range []parquet.Field{
		{Name: "c", Type: types.Of(types.Time)}, {Name: "c", Type: types.Of(types.Uint64)}, {Name: "c", Type: types.DecimalOf(39, 0)}, {Name: "c"},
		{Name: "c", Kind: parquet.Struct}, {Name: "c", Kind: parquet.List}, {Name: "c", Kind: parquet.Map, Children: []parquet.Field{{}}},
	} {
		var unsupported *parquet.UnsupportedError
		if _, err := parquet.NewWriter(&bytes.Buffer{}, []parquet.Field{f}, parquet.WriterOptions{}); !errors.As(err, &unsupported) {
			t.Errorf("%+v: %v", f, err)
		}
	}
	one := []parquet.Field{{Name: "c", Type: types.Of(types.Int64)}}
	for _, o := range []parquet.WriterOptions{{Bloom: []int{1}}, {SortingColumns: []parquet.SortingColumn{{Field: -1}}}} {
		if _, err := parquet.NewWriter(&bytes.Buffer{}, one, o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
	w, err := parquet.NewWriter(&bytes.Buffer{}, one, parquet.WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(&vector.Batch{Len: 1, Cols: []*vector.Vector{vector.New(types.Of(types.String), 1)}}); err == nil {
		t.Error("a string was written to a bigint column")
	}
	if err := w.Write(&vector.Batch{}); err == nil {
		t.Error("writing went on after an error")
	}
}

func TestWriterReportsErrorsOfItsOutput(t *testing.T) {
	rows := make([]types.Value, 100)
	for i := range rows {
		rows[i] = types.IntValue(types.Of(types.Int64), int64(i))
	}
	f := parquet.Field{Name: "c", Type: types.Of(types.Int64)}
	data, _ := writeColumn(t, f, parquet.WriterOptions{Bloom: []int{0}}, rows)
	for size := range len(data) {
		w, err := parquet.NewWriter(&failingWriter{left: size}, []parquet.Field{f}, parquet.WriterOptions{Bloom: []int{0}})
		if err == nil {
			v := vector.New(f.Type, 0)
			for _, r := range rows {
				v.AppendValue(r)
			}
			if err = w.Write(&vector.Batch{Len: v.Len, Cols: []*vector.Vector{v}}); err == nil {
				_, err = w.Close()
			}
		}
		if !errors.Is(err, errFull) {
			t.Fatalf("output full after %d of %d bytes: %v", size, len(data), err)
		}
	}
}

func TestWorkersWriteTheSameBytes(t *testing.T) {
	fields := []parquet.Field{
		{Name: "i", Type: types.Of(types.Int64), Nullable: true}, {Name: "s", Type: types.Of(types.String), Nullable: true},
		{Name: "d", Type: types.DecimalOf(30, 2), Nullable: true}, {Name: "f", Type: types.Of(types.Float64)},
		listOf("l", prim("element", types.Int32)),
	}
	const rows = 5000
	b := &vector.Batch{Len: rows}
	for _, f := range fields {
		b.Cols = append(b.Cols, vector.New(f.VectorType(), 0))
	}
	for i := range int64(rows) {
		b.Cols[0].AppendValue(types.IntValue(fields[0].Type, i*i))
		b.Cols[1].AppendValue(types.StringValue(fmt.Sprint("s", i%100)))
		b.Cols[2].AppendValue(types.DecimalValue(fields[2].Type, types.Mul64(i, -1<<50)))
		b.Cols[3].AppendValue(types.FloatValue(fields[3].Type, float64(i)))
		b.Cols[4].AppendValue(types.BytesValue(types.Of(types.JSON), fmt.Sprintf("[%d,null]", i)))
	}
	write := func(workers int) ([]byte, error) {
		var buf bytes.Buffer
		w, err := parquet.NewWriter(&buf, fields, parquet.WriterOptions{Workers: workers, RowGroupRows: 7000, Bloom: []int{0, 1}})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := w.Write(b); err != nil {
				return nil, err
			}
		}
		_, err = w.Close()
		return buf.Bytes(), err
	}
	want, err := write(1)
	if err != nil {
		t.Fatal(err)
	}
	for _, workers := range []int{2, 4, 9} {
		if got, err := write(workers); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d workers: %d bytes, %v; one writes %d", workers, len(got), err, len(want))
		}
	}
	b.Cols[3].SetNull(17)
	b.Cols[4] = vector.New(types.Of(types.JSON), rows) // empty strings are no JSON
	var null *parquet.NullError
	if _, err := write(4); !errors.As(err, &null) || null.Column != "f" {
		t.Errorf("got %v, want the error of the first column that has one", err)
	}
}

func TestWriterTakesUntypedNulls(t *testing.T) {
	for _, typ := range flatTypes {
		w, err := parquet.NewWriter(&bytes.Buffer{}, []parquet.Field{{Name: "c", Type: typ, Nullable: true}, listOf("l", prim("element", types.Date))}, parquet.WriterOptions{})
		if err != nil {
			t.Fatal(err)
		}
		null := vector.NewConst(types.Value{Type: types.Of(types.Null)}, 10)
		if err := w.Write(&vector.Batch{Len: 10, Sel: []uint16{3, 7}, Cols: []*vector.Vector{null, null}}); err != nil {
			t.Fatalf("%s: %v", typ, err)
		}
		s, err := w.Close()
		if err != nil || s.NumRows != 2 || s.Columns[0].NullCount != 2 || s.Columns[1].NullCount != 2 {
			t.Errorf("%s: %+v, %v", typ, s, err)
		}
	}
}
