package scan

import (
	"context"

	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/skipping"
)

// Table is one version of a table as a scan sees it. NewSource fills it from a snapshot.
type Table struct {
	URL     string
	Columns []Column
	// ByID says that columns are found in files by field id rather than by name.
	ByID  bool
	Files Files
	// Locate finds a data file: the store that holds it and its key there. path is Files.Path.
	Locate func(path string) (objstore.Store, string, error)
	// Deletions returns the rows of a file that its deletion vector deletes, one bit a row of the file's rows; nil for none.
	Deletions func(ctx context.Context, file int, rows int64) (vector.Bitmap, error)
	// Replaced reports whether the table was dropped since it was opened, and perhaps made anew. nil: it cannot be.
	Replaced func() bool
}

// Column is a column of the table.
type Column struct {
	Field     parquet.Field
	Partition bool // its values are in the log, not in the files
}

// Files lists the live data files. skipping.Stats gives the statistics of the files; its columns are
// positions in Table.Columns, and partition columns are among them.
type Files interface {
	skipping.Stats
	// Prune is the predicate's Prune of these files.
	Prune(p *skipping.Predicate, keep vector.Bitmap) (skipped int)
	// TotalRecords is the number of rows that are not deleted, if the log knows.
	TotalRecords() (int64, bool)
	// Path is the file's key relative to the table's root, or an absolute URL.
	Path(i int) string
	// Size is the file's size in bytes.
	Size(i int) int64
	// ModificationTime is when the file was written, in milliseconds of the epoch, as the log says.
	ModificationTime(i int) int64
	// NumRecords is the number of rows in the file, deleted ones included; -1 if the log does not say.
	NumRecords(i int) int64
	// DeletedRows is the number of rows that the file's deletion vector deletes; 0 without one.
	DeletedRows(i int) int64
	// TightBounds reports whether the statistics are exact for the rows that are not deleted.
	TightBounds(i int) bool
	// PartitionValue is a file's value of a partition column, in the column's type.
	PartitionValue(i, column int) (types.Value, error)
}
