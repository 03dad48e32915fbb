package parquet

import (
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go/format"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// Writer writes batches as one Parquet file that Spark, DuckDB, delta-rs and pyarrow read: pages of version 1
// with checksums, dictionary or plain encoding, page index, and bloom filters where asked for. Finished pages
// are kept, compressed, until their row group is full; a page under way is at most 8,192 rows a column.
//
// A Writer belongs to one goroutine. After an error its output is no Parquet file and is to be thrown away.
type Writer struct {
	out     io.Writer
	offset  int64 // bytes written to out
	fields  []Field
	opts    WriterOptions
	nodes   []*writeNode
	columns []*columnWriter
	rows    int64 // of finished row groups
	pending int   // rows of the row group under way
	failed  error

	elements []format.SchemaElement
	groups   []format.RowGroup
	indexes  [][]columnIndexes // by row group and column
	sorting  []format.SortingColumn
	scratch  []*pageScratch // one a worker
}

var errWriterClosed = errors.New("the Parquet writer is closed")

// NewWriter starts a file of the given columns on w. An *UnsupportedError names a type that files of a table
// cannot hold.
func NewWriter(w io.Writer, fields []Field, opts WriterOptions) (*Writer, error) {
	pw := &Writer{out: w, fields: fields, opts: opts.withDefaults()}
	for range pw.opts.Workers {
		pw.scratch = append(pw.scratch, &pageScratch{})
	}
	b := writeSchema{opts: &pw.opts, scratch: pw.scratch[0]}
	var err error
	if pw.nodes, err = b.root(fields); err != nil {
		return nil, err
	}
	pw.elements, pw.columns = b.elements, b.columns
	for _, f := range opts.Bloom {
		if f < 0 || f >= len(fields) {
			return nil, fmt.Errorf("bloom filter on field %d of %d", f, len(fields))
		}
		if c := pw.nodes[f].column; c != nil {
			c.bloom = true
		}
	}
	if err := pw.setSorting(opts.SortingColumns); err != nil {
		return nil, err
	}
	for _, c := range pw.columns {
		c.init()
	}
	return pw, pw.write([]byte(magic))
}

// magic begins and ends a file.
const magic = "PAR1"

func (w *Writer) setSorting(cols []SortingColumn) error {
	for _, s := range cols {
		if s.Field < 0 || s.Field >= len(w.nodes) || w.nodes[s.Field].column == nil {
			return fmt.Errorf("sorting column %d is no primitive field", s.Field)
		}
		for i, c := range w.columns {
			if c == w.nodes[s.Field].column {
				w.sorting = append(w.sorting, format.SortingColumn{ColumnIdx: int32(i), Descending: s.Descending, NullsFirst: s.NullsFirst})
			}
		}
	}
	return nil
}

// Write appends the live rows of b, whose columns are the fields in order, nested ones as JSON text. Nothing of b is
// kept. A *NullError or *RangeError names the column whose value does not fit, a *TextError the nested value that is no
// text of its type.
func (w *Writer) Write(b *vector.Batch) (err error) {
	if w.failed != nil {
		return w.failed
	}
	defer func() {
		if err != nil {
			w.failed = err
		}
	}()
	defer recoverLibrary(&err, "data page")
	if len(b.Cols) != len(w.fields) {
		return fmt.Errorf("a batch of %d columns for a Parquet file of %d", len(b.Cols), len(w.fields))
	}
	for i, v := range b.Cols {
		if err := checkVector(&w.fields[i], v, b.Len); err != nil {
			return err
		}
	}
	for lo, n := 0, b.Rows(); lo < n; {
		hi := min(n, lo+w.opts.RowGroupRows-w.pending)
		err := w.eachNode(hi-lo, func(i int, s *pageScratch) error {
			return w.nodes[i].writeRows(b.Cols[i], rowSpan{b.Sel, lo, hi}, s)
		})
		if err != nil {
			return err
		}
		w.pending += hi - lo
		lo = hi
		if w.pending >= w.opts.RowGroupRows || w.bufferedBytes() >= w.opts.RowGroupBytes {
			if err := w.endRowGroup(); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkVector makes sure that v has the layout that the field's column is fed from.
func checkVector(f *Field, v *vector.Vector, rows int) error {
	want := f.VectorType()
	ok := v.Len >= rows && v.Phys == want.Physical()
	switch {
	case v.Type.Kind == types.Null && v.AllNull():
		ok = v.Len >= rows
	case want.Kind == types.Decimal:
		ok = v.Len >= rows && v.Type.Kind == types.Decimal && v.Type.Scale == want.Scale && (v.Phys == types.PhysI64 || v.Phys == types.PhysI128)
	}
	if !ok {
		return fmt.Errorf("a vector of %s with %d rows for the column %s of type %s", v.Type, v.Len, f.Name, want)
	}
	return nil
}

// writeRows appends rows of the field's vector to its columns.
func (n *writeNode) writeRows(v *vector.Vector, r rowSpan, s *pageScratch) error {
	n.use(s)
	if v.Type.Kind == types.Null && n.field.VectorType().Physical() != v.Phys {
		v = nullVector(n.field.VectorType(), v.Len)
	}
	if n.column != nil {
		return n.column.appendRows(v, r)
	}
	return n.shredRows(v, r, &s.json)
}

// nullVector returns n rows of NULL.
func nullVector(t types.Type, n int) *vector.Vector {
	v := vector.New(t, n)
	v.Valid = vector.NewBitmap(n)
	return v
}

func (w *Writer) bufferedBytes() int64 {
	n := int64(0)
	for _, c := range w.columns {
		n += c.bufferedBytes()
	}
	return n
}

// BytesEstimate is about how large the file would be if it were closed now, without its footer.
func (w *Writer) BytesEstimate() int64 { return w.offset + w.bufferedBytes() }

// MemoryBytes is about the memory that the writer holds.
func (w *Writer) MemoryBytes() int64 {
	n := int64(0)
	for _, s := range w.scratch {
		n += int64(s.sizeBytes())
	}
	for _, c := range w.columns {
		n += c.memoryBytes()
	}
	return n
}

// NumRows is how many rows have been written.
func (w *Writer) NumRows() int64 { return w.rows + int64(w.pending) }

// Close ends the file and says what it holds. It does not close the underlying writer. A file without rows is valid.
func (w *Writer) Close() (stats *FileStats, err error) {
	if w.failed != nil {
		return nil, w.failed
	}
	defer func() {
		w.failed = errWriterClosed
		if err != nil {
			stats, w.failed = nil, err
		}
	}()
	defer recoverLibrary(&err, "footer")
	if err := w.endRowGroup(); err != nil {
		return nil, err
	}
	if err := w.writeFooter(); err != nil {
		return nil, err
	}
	return w.fileStats(), nil
}

func (w *Writer) write(p []byte) error {
	n, err := w.out.Write(p)
	w.offset += int64(n)
	if err != nil {
		return fmt.Errorf("write Parquet file: %w", err)
	}
	return nil
}
