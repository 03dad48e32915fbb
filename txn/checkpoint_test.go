package txn_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/datasource/objstore/faultstore"
	"github.com/featuresql/featuresql/txn"
)

// TestCheckpointAfterDrop: a table is dropped and made anew just before a part of a checkpoint is stored. None of it gets into the new table.
func TestCheckpointAfterDrop(t *testing.T) {
	for _, part := range []string{".checkpoint.parquet", "_sidecars/", "_last_checkpoint"} {
		dir := t.TempDir()
		inner, err := objstore.NewLocal(dir)
		must(t, err)
		t.Cleanup(func() { inner.Close() })
		m, p := metadata("delta.checkpointInterval", "1"), protocol()
		if part == "_sidecars/" {
			p.ReaderFeatures, p.WriterFeatures = append(p.ReaderFeatures, "v2Checkpoint"), append(p.WriterFeatures, "v2Checkpoint")
		}
		create(t, inner, m, p)
		store := faultstore.New(inner, faultstore.Options{})
		replaced := false
		store.SetRules(faultstore.Rule{Ops: faultstore.Put, Kind: faultstore.Slow, Key: func(k string) bool {
			if !replaced && strings.Contains(k, part) {
				replaced = true
				must(t, os.RemoveAll(filepath.Join(dir, "_delta_log")))
				again := begin(t, create(t, inner, metadata(), protocol()), options("again"))
				must(t, again.AddFile(file("again", "p", 0, 9)))
				commit(t, again)
			}
			return false
		}})
		var failed error
		opts := options("mine")
		opts.Observe = func(e txn.Event) {
			if e.Kind == txn.CheckpointFailed {
				failed = e.Err
			}
		}
		tx := begin(t, open(t, store), opts)
		must(t, tx.AddFile(file("mine", "p", 0, 9)))
		commit(t, tx)
		if !replaced || !errors.Is(failed, objstore.ErrReplaced) {
			t.Errorf("%s: replaced %v, the checkpoint: %v", part, replaced, failed)
		}
		for o, err := range inner.List(t.Context(), "_delta_log/", "") {
			if must(t, err); !strings.HasSuffix(o.Key, ".json") {
				t.Errorf("%s: the new table has %s", part, o.Key)
			}
		}
		if got := files(snapshot(t, open(t, inner))); got != "again" {
			t.Errorf("%s: files %s", part, got)
		}
	}
}
