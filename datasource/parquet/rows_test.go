package parquet_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	pq "github.com/parquet-go/parquet-go"

	"github.com/featuresql/featuresql/datasource/parquet"
)

type nestedRow struct {
	Add *struct {
		Path            string            `parquet:"path"`
		PartitionValues map[string]string `parquet:"partitionValues"`
		Size            int64             `parquet:"size"`
		Stats           *string           `parquet:"stats,optional"`
	} `parquet:"add,optional"`
	Txn *struct {
		AppID   string `parquet:"appId"`
		Version int64  `parquet:"version"`
	} `parquet:"txn,optional"`
}

func makeNestedRows(n int) []nestedRow {
	rows := make([]nestedRow, n)
	for i := range rows {
		if i%7 == 0 {
			rows[i].Txn = &struct {
				AppID   string `parquet:"appId"`
				Version int64  `parquet:"version"`
			}{fmt.Sprint("app", i), int64(i)}
			continue
		}
		stats := fmt.Sprintf(`{"numRecords":%d}`, i)
		rows[i].Add = &struct {
			Path            string            `parquet:"path"`
			PartitionValues map[string]string `parquet:"partitionValues"`
			Size            int64             `parquet:"size"`
			Stats           *string           `parquet:"stats,optional"`
		}{fmt.Sprint("f", i), map[string]string{"p": fmt.Sprint(i % 3)}, int64(i), &stats}
	}
	return rows
}

func TestWriteRowsRoundTrip(t *testing.T) {
	rows := makeNestedRows(5000)
	var buf bytes.Buffer
	if err := parquet.WriteRows(&buf, rows); err != nil {
		t.Fatal(err)
	}
	got, err := pq.Read[nestedRow](bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(rows) {
		t.Fatalf("%d rows, want %d", len(got), len(rows))
	}
	for i := range rows {
		w, g := rows[i], got[i]
		if (w.Add == nil) != (g.Add == nil) || (w.Txn == nil) != (g.Txn == nil) {
			t.Fatalf("row %d has another action: %+v", i, g)
		}
		if w.Txn != nil && *w.Txn != *g.Txn {
			t.Fatalf("row %d: %+v, want %+v", i, *g.Txn, *w.Txn)
		}
		if w.Add != nil && (w.Add.Path != g.Add.Path || w.Add.PartitionValues["p"] != g.Add.PartitionValues["p"] || *w.Add.Stats != *g.Add.Stats) {
			t.Fatalf("row %d: %+v, want %+v", i, *g.Add, *w.Add)
		}
	}
}

func TestRowsWriterSplitsRowGroups(t *testing.T) {
	type row struct {
		A int64 `parquet:"a"`
	}
	var buf bytes.Buffer
	w, err := parquet.NewRowsWriter[row](&buf, map[string]string{"k": "v"})
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]row, 100_000)
	for range 3 {
		if err := w.Write(rows); err != nil {
			t.Fatal(err)
		}
	}
	n, err := w.Close()
	if err != nil || n != 300_000 {
		t.Fatalf("close: %d rows, %v", n, err)
	}
	f, err := pq.OpenFile(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.RowGroups()) != 3 {
		t.Fatalf("%d row groups, want 3", len(f.RowGroups()))
	}
	if v, _ := f.Lookup("k"); v != "v" {
		t.Fatalf("key-value pair is %q", v)
	}
}

type failingWriter struct{ left int }

var errFull = errors.New("disk full")

func (f *failingWriter) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestWriteRowsReportsErrors(t *testing.T) {
	if err := parquet.WriteRows(&failingWriter{left: 100}, makeNestedRows(100)); !errors.Is(err, errFull) {
		t.Fatalf("got %v, want the writer's error", err)
	}
	type bad struct {
		C chan int `parquet:"c"`
	}
	if err := parquet.WriteRows(&failingWriter{left: 1 << 20}, []bad{{}}); err == nil {
		t.Fatal("a channel was written")
	}
}
