package parquet_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"testing"

	pq "github.com/parquet-go/parquet-go"

	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/types"
)

// idFile has columns of integers that hold their own position: names and ids as given, in the order of the names.
func idFile(t *testing.T, columns map[string]int) *parquet.File {
	t.Helper()
	group := pq.Group{}
	for name, id := range columns {
		node := pq.Leaf(pq.Int32Type)
		if id != 0 {
			node = pq.FieldID(node, id)
		}
		group[name] = node
	}
	var buf bytes.Buffer
	w := pq.NewWriter(&buf, pq.NewSchema("table", group))
	var row pq.Row
	for i := range group.Fields() {
		row = append(row, pq.Int32Value(int32(i)).Level(0, 0, i))
	}
	if _, err := w.WriteRows([]pq.Row{row}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return openBytes(t, buf.Bytes())
}

func TestFieldsMatchColumns(t *testing.T) {
	plain := map[string]int{"A": 0, "B": 0, "b": 0}
	ids := map[string]int{"col-1": 7, "col-2": 8, "old": 0}
	for _, c := range []struct {
		name    string
		columns map[string]int
		field   parquet.Field
		byID    bool
		want    string
	}{
		{"by name", plain, parquet.Field{Name: "A"}, false, "0"},
		{"by physical name", plain, parquet.Field{Name: "x", Physical: "A"}, false, "0"},
		{"in another case", plain, parquet.Field{Name: "a"}, false, "0"},
		{"the exact name first", plain, parquet.Field{Name: "b"}, false, "2"},
		{"missing", plain, parquet.Field{Name: "c"}, false, "NULL"},
		{"logical name is not in the file", plain, parquet.Field{Name: "A", Physical: "y"}, false, "NULL"},
		{"by id", ids, parquet.Field{Name: "x", Physical: "col-1", FieldID: 8}, true, "1"},
		{"id ignored unless asked for", ids, parquet.Field{Name: "x", Physical: "col-1", FieldID: 8}, false, "0"},
		{"a column with another id is another", ids, parquet.Field{Name: "col-1", FieldID: 9}, true, "NULL"},
		{"a column without an id by name", ids, parquet.Field{Name: "old", FieldID: 9}, true, "2"},
	} {
		testMatch(t, c.name, c.columns, c.field, c.byID, c.want)
		many := maps.Clone(c.columns)
		for i := range 20 { // behind the others, by name
			many[fmt.Sprintf("z%d", i)] = 0
		}
		testMatch(t, c.name+" of many", many, c.field, c.byID, c.want)
	}
}

func testMatch(t *testing.T, name string, columns map[string]int, field parquet.Field, byID bool, want string) {
	t.Helper()
	f := idFile(t, columns)
	field.Type = types.Of(types.Int32)
	p, err := f.Project([]parquet.Field{field}, byID)
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.NewRowGroupReader(context.Background(), 0, parquet.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Next(context.Background()); err != nil {
		t.Fatal(err)
	}
	v, err := r.Read(context.Background(), 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := v.Value(0).String(); got != want || p.Missing(0) != (want == "NULL") {
		t.Errorf("%s: column %s, want %s", name, got, want)
	}
	r.Close()
}

// Two columns that differ from the name only by case are ambiguous: neither is taken.
func TestAmbiguousCase(t *testing.T) {
	p, err := idFile(t, map[string]int{"Ab": 0, "aB": 0}).Project([]parquet.Field{{Name: "ab", Type: types.Of(types.Int32)}}, false)
	if err != nil || !p.Missing(0) {
		t.Fatalf("missing %v, %v", p.Missing(0), err)
	}
}

func TestNarrowingIsRefused(t *testing.T) {
	f := idFile(t, map[string]int{"a": 0})
	for _, want := range []types.Type{types.Of(types.String), types.Of(types.Bool), types.Of(types.Date), types.Of(types.Timestamp),
		types.Of(types.Float32), types.DecimalOf(9, 0), types.DecimalOf(12, 3), types.DecimalOf(60, 2)} {
		var e *parquet.UnsupportedTypeError
		if _, err := f.Project([]parquet.Field{{Name: "a", Type: want}}, false); !errors.As(err, &e) || e.Want != want {
			t.Errorf("INT32 as %s: %v", want, err)
		}
	}
}

func TestReaderRefusesBadRequests(t *testing.T) {
	ctx := context.Background()
	p, err := idFile(t, map[string]int{"a": 0, "b": 0}).Project([]parquet.Field{{Name: "a", Type: types.Of(types.Int32)}}, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, ranges := range [][]parquet.RowRange{{{From: 0, To: 2}}, {{From: -1, To: 1}}, {{From: 1, To: 0}}, {{From: 0, To: 1}, {From: 0, To: 1}}} {
		if _, err := p.NewRowGroupReader(ctx, 0, parquet.ReadOptions{Ranges: ranges}); err == nil {
			t.Errorf("ranges %v were taken", ranges)
		}
	}
	if _, err := p.NewRowGroupReader(ctx, 1, parquet.ReadOptions{}); err == nil {
		t.Error("there is no second row group")
	}
	r, err := p.NewRowGroupReader(ctx, 0, parquet.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Next(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(ctx, 0, []uint16{}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(ctx, 0, []uint16{0}); err == nil {
		t.Error("rows that were not read before came without an error")
	}
	if _, _, err := r.Next(ctx); !errors.Is(err, io.EOF) {
		t.Errorf("behind the last batch: %v", err)
	}
	r.Close()
	r.Close()
	if _, _, err := r.Next(ctx); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("a closed reader: %v", err)
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	r, err = p.NewRowGroupReader(ctx, 0, parquet.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Next(canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled context: %v", err)
	}
}
