package parquet

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/featuresql/featuresql/engine/types"
)

// RangeReader reads parts of one immutable file.
type RangeReader interface {
	// ReadRange fills p from the bytes at off. It may be called from several goroutines at once.
	ReadRange(ctx context.Context, off int64, p []byte) error
}

// OpenOptions bound what a file may make the reader do. The zero value stands for the defaults.
type OpenOptions struct {
	MaxFooterBytes int64  // greatest footer that is read; default 64 MiB
	MaxPageBytes   int64  // greatest page, compressed or not; default 512 MiB
	SkipCRC        bool   // do not verify the checksums of pages
	Path           string // names the file in errors
}

// Defaults and fixed limits.
const (
	defaultMaxFooterBytes = 64 << 20
	defaultMaxPageBytes   = 512 << 20
	footerGuessBytes      = 64 << 10 // first read from the end of the file: holds most footers whole
)

// ensureDefaults returns o with its zero fields replaced.
func (o OpenOptions) ensureDefaults() OpenOptions {
	if o.MaxFooterBytes <= 0 {
		o.MaxFooterBytes = defaultMaxFooterBytes
	}
	if o.MaxPageBytes <= 0 || o.MaxPageBytes > 1<<31-1 {
		o.MaxPageBytes = defaultMaxPageBytes
	}
	return o
}

// File is an open Parquet file: its decoded footer and a way to read the rest.
type File struct {
	r      RangeReader
	size   int64
	opts   OpenOptions
	meta   *fileMeta
	root   *node
	leaves []*leaf
	bytes  int64

	indexMu sync.Mutex
	indexes map[indexKey][]pageLocation // offset indexes read so far

	groupStats sync.Map // statistics of the row groups by statsKey, *skipping.ColumnStats
}

const parquetMagic = "PAR1"

// Open reads the footer of a file of sizeBytes bytes, and nothing else of it.
// Errors: *CorruptError, *UnsupportedError (encrypted files), what r returns.
func Open(ctx context.Context, r RangeReader, sizeBytes int64, opts OpenOptions) (*File, error) {
	f, err := open(ctx, r, sizeBytes, opts.ensureDefaults())
	if err != nil {
		return nil, named(err, opts.Path)
	}
	return f, nil
}

func open(ctx context.Context, r RangeReader, size int64, opts OpenOptions) (*File, error) {
	footer, err := readFooter(ctx, r, size, opts)
	if err != nil {
		return nil, err
	}
	m, err := parseFooter(footer)
	if err != nil {
		return nil, err
	}
	f := &File{r: r, size: size, opts: opts, meta: m, indexes: map[indexKey][]pageLocation{}}
	if f.root, f.leaves, err = buildSchema(m); err != nil {
		return nil, err
	}
	f.bytes = int64(len(footer)) + int64(len(m.schema))*950 // two vectors of bounds are most of it
	var rows int64
	for i, g := range m.rowGroups {
		if len(g.columns) != len(f.leaves) {
			return nil, corruptf("row group %d has %d columns, the schema %d", i, len(g.columns), len(f.leaves))
		}
		for c := range g.columns {
			if g.columns[c].meta && g.columns[c].typ != f.leaves[c].typ {
				return nil, corruptf("column %s is %s in the schema and %s in row group %d", f.leaves[c].name(), f.leaves[c].typ, g.columns[c].typ, i)
			}
		}
		rows += g.numRows
		f.bytes += int64(len(g.columns)) * 230
		for c := range g.columns {
			f.bytes += 3 * max(0, min(int64(g.columns[c].offsetIndexLength), size)) // decoded when it is used
		}
	}
	if rows != m.numRows {
		return nil, corruptf("the footer says %d rows, its row groups %d", m.numRows, rows)
	}
	m.schema = nil
	return f, nil
}

// readFooter returns the bytes of the metadata.
func readFooter(ctx context.Context, r RangeReader, size int64, opts OpenOptions) ([]byte, error) {
	if size < 12 {
		return nil, corruptf("it has only %d bytes", size)
	}
	guess := min(size, footerGuessBytes)
	tail := make([]byte, guess)
	if err := r.ReadRange(ctx, size-guess, tail); err != nil {
		return nil, fmt.Errorf("read Parquet footer: %w", err)
	}
	switch magic := string(tail[guess-4:]); magic {
	case parquetMagic:
	case "PARE":
		return nil, unsupportedf("encrypted footer")
	default:
		return nil, corruptf("it does not end in %q", parquetMagic)
	}
	n := int64(binary.LittleEndian.Uint32(tail[guess-8:]))
	switch {
	case n > size-12:
		return nil, corruptf("its footer of %d bytes is larger than the file", n)
	case n > opts.MaxFooterBytes:
		return nil, corruptf("its footer has %d bytes, the limit is %d", n, opts.MaxFooterBytes)
	case n <= guess-8:
		return slices.Clone(tail[guess-8-n : guess-8]), nil
	}
	footer := make([]byte, n)
	if err := r.ReadRange(ctx, size-8-n, footer); err != nil {
		return nil, fmt.Errorf("read Parquet footer: %w", err)
	}
	return footer, nil
}

// named puts the file's name into a CorruptError that has none.
func named(err error, path string) error {
	if c, ok := err.(*CorruptError); ok && c.Path == "" && path != "" { //nolint:errorlint // only an error of this package that nobody wrapped yet
		return &CorruptError{Path: path, Reason: c.Reason}
	}
	return err
}

// NumRows returns the number of rows of the file.
func (f *File) NumRows() int64 { return f.meta.numRows }

// NumRowGroups returns the number of row groups.
func (f *File) NumRowGroups() int { return len(f.meta.rowGroups) }

// RowGroupRows returns the number of rows of row group i.
func (f *File) RowGroupRows(i int) int64 { return f.meta.rowGroups[i].numRows }

// RowGroupFirstRow returns the position in the file of the first row of row group i.
func (f *File) RowGroupFirstRow(i int) int64 { return f.meta.rowGroups[i].firstRow }

// SizeBytes is the memory that the metadata holds, approximately, once its statistics and offset indexes have been used.
func (f *File) SizeBytes() int64 { return f.bytes }

// KeyValue returns an entry of the footer's key-value metadata.
func (f *File) KeyValue(key string) (string, bool) {
	v, ok := f.meta.keyValue[key]
	return v, ok
}

// CreatedBy names the writer of the file, as it names itself.
func (f *File) CreatedBy() string { return f.meta.createdBy }

// LeafInfo describes a column of the file, however deep it lies in the schema.
type LeafInfo struct {
	Path           []string   // names from the root down
	Type           types.Type // of the values; Invalid if the engine has none for them
	MaxDef, MaxRep uint8
}

// Leaves describes all columns, in file order.
func (f *File) Leaves() []LeafInfo {
	out := make([]LeafInfo, len(f.leaves))
	for i, l := range f.leaves {
		out[i] = LeafInfo{Path: slices.Clone(l.path), Type: l.naturalType(), MaxDef: l.maxDef, MaxRep: l.maxRep}
	}
	return out
}

// Leaf returns the position in Leaves of the column with the given path.
func (f *File) Leaf(path ...string) (int, bool) {
	for i, l := range f.leaves {
		if slices.Equal(l.path, path) {
			return i, true
		}
	}
	return 0, false
}
