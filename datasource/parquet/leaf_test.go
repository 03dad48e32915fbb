package parquet_test

import (
	"bytes"
	"context"
	"io"
	"sync"
	"testing"

	pq "github.com/parquet-go/parquet-go"

	"github.com/featuresql/featuresql/datasource/parquet"
)

// memFile is a file in memory that counts what is read of it.
type memFile struct {
	data  []byte
	mu    sync.Mutex
	reads int
	bytes int64
}

func (m *memFile) ReadRange(_ context.Context, off int64, p []byte) error {
	if off < 0 || off+int64(len(p)) > int64(len(m.data)) {
		return io.ErrUnexpectedEOF
	}
	m.mu.Lock()
	m.reads++
	m.bytes += int64(len(p))
	m.mu.Unlock()
	copy(p, m.data[off:])
	return nil
}

func openBytes(t testing.TB, data []byte) *parquet.File {
	t.Helper()
	f, err := parquet.Open(context.Background(), &memFile{data: data}, int64(len(data)), parquet.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestReadLeafGivesLevelsAndValues(t *testing.T) {
	var buf bytes.Buffer
	rows := makeNestedRows(3000)
	if err := parquet.WriteRows(&buf, rows); err != nil {
		t.Fatal(err)
	}
	f := openBytes(t, buf.Bytes())
	if f.NumRows() != 3000 || f.NumRowGroups() != 1 {
		t.Fatalf("%d rows in %d row groups", f.NumRows(), f.NumRowGroups())
	}
	pf, err := pq.OpenFile(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range f.Leaves() {
		if got, ok := f.Leaf(l.Path...); !ok || got != i {
			t.Fatalf("leaf %v is found at %d", l.Path, got)
		}
		col, err := f.ReadLeaf(context.Background(), 0, i)
		if err != nil {
			t.Fatalf("%v: %v", l.Path, err)
		}
		var want []pq.Value
		pages := pf.RowGroups()[0].ColumnChunks()[i].Pages()
		for {
			p, err := pages.ReadPage()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			vs := make([]pq.Value, p.NumValues())
			if _, err := p.Values().ReadValues(vs); err != nil && err != io.EOF {
				t.Fatal(err)
			}
			want = append(want, vs...)
		}
		k := 0
		for j, w := range want {
			if l.MaxDef > 0 && int(col.Def[j]) != w.DefinitionLevel() {
				t.Fatalf("%v: definition level %d is %d, want %d", l.Path, j, col.Def[j], w.DefinitionLevel())
			}
			if l.MaxRep > 0 && int(col.Rep[j]) != w.RepetitionLevel() {
				t.Fatalf("%v: repetition level %d is %d, want %d", l.Path, j, col.Rep[j], w.RepetitionLevel())
			}
			if w.IsNull() {
				continue
			}
			switch w.Kind() {
			case pq.Int64:
				if col.Values.Int(k) != w.Int64() {
					t.Fatalf("%v: value %d is %d, want %d", l.Path, k, col.Values.Int(k), w.Int64())
				}
			default:
				if string(col.Values.Bytes(k)) != string(w.ByteArray()) {
					t.Fatalf("%v: value %d is %q, want %q", l.Path, k, col.Values.Bytes(k), w.ByteArray())
				}
			}
			k++
		}
		if k != col.Values.Len || len(want) == 0 {
			t.Fatalf("%v: %d values, want %d", l.Path, col.Values.Len, k)
		}
	}
}
