package catalog

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/datasource/objstore"
)

// flat is a store without folders, which somebody else writes to as the last object of a table is deleted.
type flat struct {
	objstore.Store
	last, instead string
}

func (f flat) Delete(ctx context.Context, key string) error {
	if err := f.Store.Delete(ctx, key); err != nil || key != f.last {
		return err
	}
	return f.PutIfAbsent(ctx, f.instead, []byte("{}"))
}

// TestDropLeavesNewTable: DROP deletes what was there when it began, its log first, and not the table that another server makes in its place.
func TestDropLeavesNewTable(t *testing.T) {
	store, err := objstore.NewLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	for _, key := range []string{"t/A=1/part-0", "t/_delta_log/0", "t/_delta_log/1", "t/part-0"} {
		if err := store.PutIfAbsent(t.Context(), key, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	p := NewProvider(flat{store, "t/_delta_log/1", "t/_delta_log/0"}, "", nil, nil)
	if err := p.DropTable(t.Context(), "t"); err != nil {
		t.Fatal(err)
	}
	keys, err := p.keysBelow(t.Context(), "t/")
	if err != nil || !slices.Equal(keys, []string{"t/_delta_log/0"}) {
		t.Errorf("left: %s, %v", strings.Join(keys, " "), err)
	}
}
