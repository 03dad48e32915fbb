package scan

import (
	"context"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/dv"
	"github.com/featuresql/featuresql/datasource/delta/replay"
	"github.com/featuresql/featuresql/datasource/delta/schema"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/engine/vector"
)

// Snapshot is what a source needs of a snapshot of a table: delta.Snapshot, whose table is a delta.Table.
type Snapshot[T SnapshotTable] interface {
	Version() action.Version
	Files() *replay.FileList
	Table() T
	StillThere(ctx context.Context) (bool, error)
}

// SnapshotTable is what a source needs of the table of a snapshot.
type SnapshotTable interface {
	Store() objstore.Store
	URL() string
}

// NewSource returns a source over a snapshot.
func NewSource[T SnapshotTable](snap Snapshot[T], opts Options) *Source {
	opts = opts.ensureDefaults()
	store, files := snap.Table().Store(), snap.Files()
	layout := files.Layout()
	t := Table{URL: snap.Table().URL(), ByID: layout.Mode == schema.MappingID, Files: files}
	for i, f := range schema.ParquetFields(layout.Schema, layout.Mode) {
		t.Columns = append(t.Columns, Column{Field: f, Partition: layout.Columns[i].Partition})
	}
	t.Locate = func(path string) (objstore.Store, string, error) {
		switch {
		case !action.IsAbsolute(path):
			return store, path, nil
		case opts.Locate != nil:
			return opts.Locate(path)
		}
		return nil, "", &OutsideError{Table: t.URL, Path: path}
	}
	t.Deletions = func(ctx context.Context, file int, rows int64) (vector.Bitmap, error) {
		d := files.DeletionVector(file)
		if d == nil {
			return nil, nil
		}
		_, _, key, err := t.locate(file)
		if err != nil {
			return nil, err
		}
		key.part = partKey{kind: partDeletions, index: int(d.Cardinality), column: d.UniqueID()}
		set, err := cached(opts.Cache, key, func() (*dv.Bitmap, int64, error) {
			set, err := dv.LoadWith(ctx, store, d, func(path string) (objstore.Store, string, error) {
				return t.Locate(files.CanonicalPath(path))
			})
			if err != nil {
				return nil, 0, err
			}
			return set, set.SizeBytes(), nil
		})
		if err != nil {
			return nil, err
		}
		bits, err := set.Bits(rows)
		if err != nil {
			return nil, &action.CorruptionError{Path: files.Path(file), Reason: "its deletion vector does not fit", Err: err}
		}
		return bits, nil
	}
	t.Replaced = func() bool {
		there, err := snap.StillThere(context.Background()) // a file was missing, which may be as the statement was cancelled
		return err == nil && !there
	}
	s := New(t, opts)
	s.files, s.version = files, snap.Version()
	return s
}

// SnapshotVersion returns the version of the table that the source reads; 0 for a source made by New.
func (s *Source) SnapshotVersion() action.Version { return s.version }

// Files returns the live files, to whose ordinals row identifiers refer; nil for a source made by New.
func (s *Source) Files() *replay.FileList { return s.files }
