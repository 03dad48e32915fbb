package parquet

import (
	"errors"
	"fmt"
	"io"

	pq "github.com/parquet-go/parquet-go"
)

// rowsPerGroup bounds the row groups of WriteRows, and with them the memory of writer and reader.
const rowsPerGroup = 131072

// rowsPerWrite is how many rows are handed to the library at once.
const rowsPerWrite = 1024

// RowsWriter writes Go structs as Parquet rows by reflection over their `parquet` tags. It is meant for
// checkpoints, sidecars and other files of nested rows that are not the data of a table; table data goes
// through Writer. Row groups hold up to 131,072 rows, pages are Snappy-compressed.
//
// A RowsWriter belongs to one goroutine. Panics of the library come back as errors.
type RowsWriter[T any] struct {
	w        *pq.GenericWriter[T]
	grouped  int64
	numRows  int64
	fullRows int64
}

// NewRowsWriter returns a writer of rows of type T to w. keyValue goes into the file's footer; it may be nil.
func NewRowsWriter[T any](w io.Writer, keyValue map[string]string) (rw *RowsWriter[T], err error) {
	defer recoverLibrary(&err, "schema of rows")
	opts := []pq.WriterOption{pq.Compression(&pq.Snappy), pq.CreatedBy(createdByName, createdByVersion, createdByBuild), pq.DataPageVersion(1)}
	for k, v := range keyValue {
		opts = append(opts, pq.KeyValueMetadata(k, v))
	}
	return &RowsWriter[T]{w: pq.NewGenericWriter[T](w, opts...), fullRows: rowsPerGroup}, nil
}

// Write appends rows. After an error the output is no Parquet file and is to be thrown away.
func (rw *RowsWriter[T]) Write(rows []T) (err error) {
	defer recoverLibrary(&err, "rows")
	for len(rows) > 0 {
		n := min(len(rows), rowsPerWrite)
		if _, err := rw.w.Write(rows[:n]); err != nil {
			return fmt.Errorf("write Parquet rows: %w", err)
		}
		rows = rows[n:]
		rw.grouped += int64(n)
		rw.numRows += int64(n)
		if rw.grouped >= rw.fullRows {
			if err := rw.w.Flush(); err != nil {
				return fmt.Errorf("write Parquet row group: %w", err)
			}
			rw.grouped = 0
		}
	}
	return nil
}

// Close writes the footer and returns the number of rows written.
func (rw *RowsWriter[T]) Close() (numRows int64, err error) {
	defer recoverLibrary(&err, "footer")
	if err := rw.w.Close(); err != nil {
		return 0, fmt.Errorf("write Parquet footer: %w", err)
	}
	return rw.numRows, nil
}

// WriteRows writes rows as one Parquet file; see RowsWriter.
func WriteRows[T any](w io.Writer, rows []T) error {
	rw, err := NewRowsWriter[T](w, nil)
	if err != nil {
		return err
	}
	if err := rw.Write(rows); err != nil {
		return err
	}
	_, err = rw.Close()
	return err
}

// errLibrary marks a panic of the Parquet library that was turned into an error.
var errLibrary = errors.New("parquet library failed")

// recoverLibrary turns a panic into an error that names the part of the file worked on.
func recoverLibrary(err *error, part string) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("write Parquet %s: %w: %v", part, errLibrary, r)
	}
}

// What the created_by field of files says.
const (
	createdByName    = "featuresql"
	createdByVersion = "1.0.0"
	createdByBuild   = "0"
)
