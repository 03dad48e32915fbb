package planner

import (
	"fmt"
	"testing"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/txn"
)

// TestGroupsAreBounded: what a server remembers of its commits to tables does not grow with the tables that there have ever been.
func TestGroupsAreBounded(t *testing.T) {
	store, err := objstore.NewLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	rt := NewRuntime(nil, Options{})
	began := func(id string) *txn.Transaction {
		t.Helper()
		s := objstore.Sub(store, id)
		m := &action.Metadata{ID: id, Format: action.Format{Provider: "parquet"}, SchemaString: `{"type":"struct","fields":[]}`}
		if err := txn.Create(t.Context(), s, m, &action.Protocol{MinReader: 1, MinWriter: 2}); err != nil {
			t.Fatal(err)
		}
		table, err := delta.Open(t.Context(), s, delta.Options{})
		if err != nil {
			t.Fatal(err)
		}
		snap, err := table.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return txn.Begin(table, snap, txn.Options{})
	}
	one := began("one")
	g := rt.group(one)
	for i := range maxGroups - 1 {
		rt.groups.GetOrAdd(fmt.Sprint(i), &txn.Group{})
	}
	if rt.group(one) != g {
		t.Error("a group was forgotten without need")
	}
	for i := range 2 * maxGroups {
		rt.groups.GetOrAdd(fmt.Sprint("x", i), &txn.Group{})
	}
	if n := rt.groups.Len(); n != maxGroups || rt.group(one) == g {
		t.Errorf("%d groups", n)
	}
}
