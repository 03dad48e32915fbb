package txn

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"github.com/google/uuid"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/dv"
)

// Deletion takes rows out of one file by a deletion vector.
type Deletion struct {
	File    action.Add        // of Effective
	Rows    *roaring64.Bitmap // positions in the file; those that are deleted already change nothing
	Records int64             // how many rows the file holds, deleted ones included
}

// DeleteRows gives files of Effective deletion vectors with further rows, all in one new file of the table's store. Since the transaction then
// knows which rows it takes, Commit can rebase it past commits that took others of the same file.
//
// On an error nothing is staged; the file that may have been stored is among Orphans.
func (tx *Transaction) DeleteRows(ctx context.Context, ds []Deletion) error {
	if tx.closed {
		return ErrClosed
	}
	if len(ds) == 0 {
		return nil
	}
	all := make([]*roaring64.Bitmap, len(ds))
	for i, d := range ds {
		old, err := tx.deleted(ctx, d.File.DeletionVector)
		if err != nil {
			return tx.fileError(d.File.Path, err)
		}
		all[i] = roaring64.Or(old, d.Rows)
	}
	descs, err := tx.storeVectors(ctx, all)
	if err != nil {
		return err
	}
	mark := tx.Mark()
	for i, d := range ds {
		if err := tx.ReplaceDV(d.File, descs[i], looseBounds(d.File.Stats, d.Records)); err != nil {
			tx.RollbackTo(mark)
			return err
		}
		tx.noteRows(d)
	}
	return nil
}

// noteRows remembers the rows that the transaction takes out of a file of the base.
func (tx *Transaction) noteRows(d Deletion) {
	path := tx.changes.root.CanonicalPath(d.File.Path)
	rows := d.Rows
	if before, ok := tx.changes.rows[path]; ok {
		rows = roaring64.Or(before.Rows, rows)
	}
	tx.did(put(tx.changes.rows, path, Deletion{Rows: rows, Records: d.Records}))
}

// deleted loads a deletion vector; none is an empty one.
func (tx *Transaction) deleted(ctx context.Context, d *action.DeletionVectorDescriptor) (*roaring64.Bitmap, error) {
	if d == nil {
		return roaring64.New(), nil
	}
	b, err := dv.LoadWith(ctx, tx.table.Store(), d, tx.table.LocateAction)
	if err != nil {
		return nil, fmt.Errorf("deletion vector: %w", err)
	}
	return b.Roaring(), nil
}

// storeVectors writes deletion vectors into one new file, whose name is noted before it may exist.
func (tx *Transaction) storeVectors(ctx context.Context, all []*roaring64.Bitmap) ([]*action.DeletionVectorDescriptor, error) {
	w := dv.NewWriter(tx.table.Store())
	w.NewUUID = func() (uuid.UUID, error) {
		id, err := uuid.NewRandom()
		if err != nil {
			return id, err
		}
		key, err := dv.FileKey(dv.EncodeZ85(id[:]))
		tx.changes.vectors = append(tx.changes.vectors, key)
		return id, err
	}
	for _, rows := range all {
		w.Add(rows)
	}
	descs, err := w.Close(ctx)
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", tx.table.URL(), err)
	}
	return descs, nil
}

func (tx *Transaction) fileError(path string, err error) error {
	return fmt.Errorf("table %s: file %q: %w", tx.table.URL(), path, err)
}

// looseBounds says in a file's statistics how many rows it holds, which a deletion vector calls for, and that its bounds may now be wider
// than its live rows (PROTOCOL.md, Per-file Statistics).
func looseBounds(stats string, records int64) string {
	doc := map[string]json.RawMessage{}
	if stats != "" && json.Unmarshal([]byte(stats), &doc) != nil || doc == nil {
		doc = map[string]json.RawMessage{}
	}
	doc["numRecords"] = json.RawMessage(fmt.Sprint(records))
	doc["tightBounds"] = json.RawMessage("false")
	out, err := json.Marshal(doc)
	if err != nil {
		return stats
	}
	return string(out)
}
