package txn

import (
	"context"
	"maps"
	"slices"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"github.com/featuresql/featuresql/datasource/delta/action"
)

// A winner that gives a file another deletion vector takes rows out of it and leaves the others where they are. A transaction that only takes other
// rows of it, and read none of those, is rebased: its own rows go on top of the winner's.

// vectorChange is a file that a winner removed and added again with a larger deletion vector.
type vectorChange struct {
	path string // canonical
	add  action.Add
	now  *roaring64.Bitmap // all its deleted rows
	gone *roaring64.Bitmap // those the winner took
}

// knowsRows says whether a winner's change to a file can be compared with the transaction's row by row.
func (tx *Transaction) knowsRows(path string, read, gone bool) bool {
	if read && (tx.reads.all || slices.ContainsFunc(tx.reads.tests, func(t RowTest) bool { return t == nil })) {
		return false
	}
	_, known := tx.changes.rows[path]
	return known || !gone
}

// vectorChange returns what w did to the file of r, nil if that is anything but taking rows out of it.
func (tx *Transaction) vectorChange(ctx context.Context, w *winner, r *action.Remove) (*vectorChange, error) {
	path := tx.changes.root.CanonicalPath(r.Path)
	i := slices.IndexFunc(w.adds, func(a action.Add) bool { return tx.changes.root.CanonicalPath(a.Path) == path })
	if i < 0 || w.adds[i].DeletionVector == nil {
		return nil, nil
	}
	old, err := tx.deleted(ctx, r.DeletionVector)
	if err != nil {
		return nil, tx.fileError(path, err)
	}
	now, err := tx.deleted(ctx, w.adds[i].DeletionVector)
	if err != nil {
		return nil, tx.fileError(path, err)
	}
	if roaring64.AndNot(old, now).GetCardinality() > 0 { // rows came back
		return nil, nil
	}
	return &vectorChange{path: path, add: w.adds[i], now: now, gone: roaring64.AndNot(now, old)}, nil
}

// readRow says whether the transaction read one of the rows that the winner took; of a file that a winner added, it did.
func (tx *Transaction) readRow(ctx context.Context, c *vectorChange) (bool, error) {
	f, ok := tx.base.Files().FindPath(c.path)
	if !ok {
		return true, nil
	}
	for _, test := range tx.reads.tests {
		if read, err := test(ctx, tx.base, f, c.gone); read || err != nil {
			return read, err
		}
	}
	return false, nil
}

// mergeRows notes that a file that the transaction takes rows of has lost others. False if they are not others, or if it does more than that.
func (tx *Transaction) mergeRows(c *vectorChange) bool {
	mine, known := tx.changes.rows[c.path]
	if _, live := tx.changes.live[c.path]; !known || !live || mine.Rows.Intersects(c.gone) {
		return false
	}
	tx.rebased[c.path] = c
	return true
}

// restage writes the deletion vectors of the files that winners changed anew, with the rows of both.
func (tx *Transaction) restage(ctx context.Context) error {
	if len(tx.rebased) == 0 {
		return nil
	}
	paths := slices.Sorted(maps.Keys(tx.rebased))
	all := make([]*roaring64.Bitmap, len(paths))
	for i, path := range paths {
		all[i] = roaring64.Or(tx.rebased[path].now, tx.changes.rows[path].Rows)
	}
	descs, err := tx.storeVectors(ctx, all)
	if err != nil {
		return err
	}
	for i, path := range paths {
		tx.changes.replant(path, tx.rebased[path].add, descs[i], tx.changes.rows[path].Records)
	}
	clear(tx.rebased)
	return nil
}

// replant makes the change of a file's deletion vector start from the file as theirs left it. A file without rows goes.
func (c *changes) replant(path string, theirs action.Add, dv *action.DeletionVectorDescriptor, records int64) {
	for i := range c.removes {
		if r := &c.removes[i]; c.root.CanonicalPath(r.Path) == path {
			delete(c.removed, c.keyOf(&r.Add))
			r.Add = theirs
			c.removed[c.keyOf(&r.Add)] = struct{}{}
		}
	}
	mine := &c.adds[c.live[path]]
	mine.Add = theirs
	mine.DeletionVector, mine.DataChange, mine.Stats = dv, true, looseBounds(theirs.Stats, records)
	if dv.Cardinality == records {
		mine.dead = true
		delete(c.live, path)
	}
}
