package catalog

import (
	"fmt"
	"testing"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/engine/lru"
)

// TestOpenTablesAreBounded: of many tables the provider keeps the last ones open, also those that others dropped, and opens the others again.
func TestOpenTablesAreBounded(t *testing.T) {
	store, err := objstore.NewLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	p := NewProvider(store, "", nil, nil)
	p.tables = lru.New[string](4, tableWeight)
	open := func(loc string) *delta.Table {
		t.Helper()
		table, err := p.OpenTable(t.Context(), loc)
		if err != nil {
			t.Fatal(err)
		}
		return table
	}
	first := (*delta.Table)(nil)
	for i := range 12 {
		loc := fmt.Sprintf("t%d", i)
		log := `{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}` + "\n" +
			`{"metaData":{"id":"x","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[],"configuration":{}}}` + "\n"
		if err := store.PutIfAbsent(t.Context(), loc+"/_delta_log/00000000000000000000.json", []byte(log)); err != nil {
			t.Fatal(err)
		}
		if table := open(loc); i == 0 {
			first = table
		}
		if i%2 == 1 {
			if err := objstore.DropFolder(t.Context(), store, loc); err != nil {
				t.Fatal(err)
			}
		}
		if n := p.tables.Len(); n > 4 {
			t.Fatalf("%d tables are open", n)
		}
	}
	if last := open("t10"); open("t10") != last {
		t.Error("a table that was just used was opened again")
	}
	if _, err := first.Snapshot(t.Context()); err != nil || open("t0") == first {
		t.Errorf("the first table: %v", err)
	}
}
