package txn

import (
	"context"
	"fmt"
	"slices"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/dv"
	"github.com/featuresql/featuresql/datasource/delta/replay"
)

// Effective returns the table as the transaction's next statement sees it: the base less what was removed, then
// what was added, in the order of addition. Version and log are the base's. Without file changes it is the base itself.
func (tx *Transaction) Effective() (*delta.Snapshot, error) {
	if tx.effect != nil {
		return tx.effect, nil
	}
	c := &tx.changes
	if len(c.removes) == 0 && len(c.live) == 0 && c.metadata == nil && c.protocol == nil {
		tx.effect = tx.base
		return tx.base, nil
	}
	var removed []int
	for path := range c.gone {
		if i, ok := tx.base.Files().FindPath(path); ok {
			removed = append(removed, i)
		}
	}
	s, err := tx.base.WithFiles(removed, c.liveAdds())
	if err != nil {
		return nil, fmt.Errorf("table %s: uncommitted changes: %w", tx.table.URL(), err)
	}
	tx.effect = s
	return s, nil
}

// listOf returns a file list of adds alone, with their statistics.
func (tx *Transaction) listOf(adds []action.Add) (*replay.FileList, error) {
	var b replay.Builder
	for i := range adds {
		b.Append(&adds[i])
	}
	return b.Files(tx.base.Files().Layout(), tx.changes.root)
}

// Orphans returns the data files and deletion vectors, as keys of the table's store, that the transaction added and that no commit will
// ever name; it is for after Commit or Rollback, to delete them. While a commit's outcome is unknown there are none.
func (tx *Transaction) Orphans() []string {
	if tx.outcome == pending || tx.outcome == unknown {
		return nil
	}
	c := &tx.changes
	paths := slices.Clone(c.undone)
	for _, s := range c.adds {
		paths = append(paths, c.root.CanonicalPath(s.Path))
	}
	if tx.outcome != committed {
		for _, f := range c.cdc {
			paths = append(paths, c.root.CanonicalPath(f.Path))
		}
	}
	used := map[string]bool{}
	if tx.outcome == committed {
		used = c.usedVectors()
	}
	for _, key := range c.vectors {
		if !used[key] {
			paths = append(paths, key)
		}
	}
	slices.Sort(paths)
	return slices.DeleteFunc(slices.Compact(paths), func(path string) bool {
		_, live := c.live[path]
		_, old := c.gone[path]
		return old || action.IsAbsolute(path) || live && tx.outcome == committed
	})
}

// Clean deletes Orphans, each tried twice; what stays is invisible and left to VACUUM. It goes on after ctx has ended.
func (tx *Transaction) Clean(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	for _, key := range tx.Orphans() {
		if tx.table.Store().Delete(ctx, key) != nil {
			_ = tx.table.Store().Delete(ctx, key)
		}
	}
}

// usedVectors returns the keys of the files of deletion vectors that the additions name.
func (c *changes) usedVectors() map[string]bool {
	used := map[string]bool{}
	for _, a := range c.adds {
		if d := a.DeletionVector; !a.dead && d != nil && d.StorageType == "u" {
			if key, err := dv.FileKey(d.PathOrInlineDV); err == nil {
				used[key] = true
			}
		}
	}
	return used
}
