package write

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/vector"
)

// Writer writes rows of one table as data files: one file at a time for each partition, rolled at the target size.
// It belongs to one goroutine; files are uploaded by others meanwhile.
//
// After an error, and whenever its files are not committed, Abort removes what it stored.
type Writer struct {
	opts    Options
	layout  *layout
	parquet parquet.WriterOptions
	target  int64
	up      *uploads

	byKey  map[string]*partition // by spelled partition values: partitions with an open file
	byRaw  map[string]*partition // by the bytes of the values, in front of byKey
	single *partition            // of a table without partitions
	open   map[*dataFile]struct{}
	done   []*dataFile
	memory int64 // of open files
	files  int   // begun so far
	closed bool

	key     []byte
	touched []*partition
}

// partition is a combination of partition values.
type partition struct {
	key    string
	values []*string // by partition column
	dir    string    // key prefix with a slash at the end, or empty
	random bool      // each file lies in a folder of a random name instead
	file   *dataFile // open; may be nil
	sel    []uint16  // its rows of the batch under way
}

// dataFile is a file being written, or one that is finished.
type dataFile struct {
	number int
	key    string
	part   *partition
	out    *output
	pq     *parquet.Writer
	memory int64
	stats  *parquet.FileStats
	object objstore.Object
}

var errClosed = errors.New("the table writer is closed")

func newWriter(ctx context.Context, store objstore.Store, l *layout, target int64, codec parquet.Codec, o Options) *Writer {
	o = o.withDefaults()
	w := &Writer{
		opts: o, layout: l, target: target, up: newUploads(ctx, store),
		parquet: parquet.WriterOptions{Compression: codec, Bloom: l.bloom, RowGroupRows: o.RowGroupRows, Workers: o.Workers},
		byKey:   map[string]*partition{}, byRaw: map[string]*partition{}, open: map[*dataFile]struct{}{},
	}
	if len(l.partitions) == 0 {
		w.single = &partition{random: l.prefix > 0}
	}
	return w
}

// Write appends the live rows of b, whose columns are the table's in order, partition columns included. Nothing of b is
// kept. Values that do not fit are a *parquet.NullError, *parquet.RangeError, *parquet.TextError or *PartitionValueError.
func (w *Writer) Write(ctx context.Context, b *vector.Batch) error {
	if w.closed {
		return errClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(b.Cols) != w.layout.columns {
		return fmt.Errorf("a batch of %d columns for a table of %d", len(b.Cols), w.layout.columns)
	}
	if b.Len > math.MaxUint16+1 {
		return fmt.Errorf("a batch of %d rows", b.Len)
	}
	if b.Rows() == 0 {
		return nil
	}
	part := vector.Batch{Len: b.Len, Cols: make([]*vector.Vector, len(w.layout.data))}
	for i, at := range w.layout.data {
		part.Cols[i] = b.Cols[at]
	}
	if w.single != nil {
		part.Sel = b.Sel
		return w.append(w.single, &part)
	}
	if err := w.split(b); err != nil {
		return err
	}
	for _, p := range w.touched {
		if part.Sel = p.sel; len(p.sel) == b.Len {
			part.Sel = nil
		}
		if err := w.append(p, &part); err != nil {
			return err
		}
	}
	return nil
}

// split sorts the live rows of b by partition into sel of the touched partitions.
func (w *Writer) split(b *vector.Batch) error {
	for _, p := range w.touched {
		p.sel = p.sel[:0]
	}
	w.touched = w.touched[:0]
	var last *partition
	var lastKey []byte
	for k := range b.Rows() {
		i := b.Row(k)
		key := w.key[:0]
		for c := range w.layout.partitions {
			key = appendRaw(key, b.Cols[w.layout.partitions[c].position], i)
		}
		w.key = key
		if last == nil || string(key) != string(lastKey) {
			p, err := w.partition(key, b, i)
			if err != nil {
				return err
			}
			lastKey = append(lastKey[:0], key...)
			if last = p; len(p.sel) == 0 {
				w.touched = append(w.touched, p)
			}
		}
		last.sel = append(last.sel, uint16(i))
	}
	return nil
}

// partition returns the partition of row i of b, whose values have the bytes raw.
func (w *Writer) partition(raw []byte, b *vector.Batch, i int) (*partition, error) {
	if p := w.byRaw[string(raw)]; p != nil {
		return p, nil
	}
	values := make([]*string, len(w.layout.partitions))
	names := make([]string, len(values))
	var key []byte
	for c := range w.layout.partitions {
		col := &w.layout.partitions[c]
		s, err := col.value(b.Cols[col.position], i)
		if err != nil {
			return nil, err
		}
		values[c], names[c] = s, col.name
		if s == nil {
			key = append(key, 0)
			continue
		}
		key = append(appendUint64(append(key, 1), uint64(len(*s))), *s...)
	}
	p := w.byKey[string(key)]
	if p == nil {
		p = &partition{key: string(key), values: values, random: true}
		if dir, ok := folder(names, values); ok && w.layout.prefix == 0 {
			p.dir, p.random = dir+"/", false
		}
		w.byKey[p.key] = p
	}
	if len(w.byRaw) >= 4*w.opts.MaxOpenFiles { // the cache forgets; a partition met again is made again
		clear(w.byRaw)
	}
	w.byRaw[string(raw)] = p
	return p, nil
}

// append writes rows to the partition's file, and ends it when it has reached the target size.
func (w *Writer) append(p *partition, b *vector.Batch) error {
	if p.file == nil {
		if err := w.begin(p); err != nil {
			return err
		}
	}
	f := p.file
	if err := f.pq.Write(b); err != nil {
		return err
	}
	w.account(f)
	if f.pq.BytesEstimate() >= w.target {
		if err := w.finish(f); err != nil {
			return err
		}
	}
	for len(w.open) > w.opts.MaxOpenFiles || w.memory > w.opts.MemoryBytes && len(w.open) > 0 {
		if err := w.finish(w.largest()); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) account(f *dataFile) {
	n := f.pq.MemoryBytes() + f.out.sizeBytes()
	w.memory += n - f.memory
	f.memory = n
}

// largest returns the open file that holds the most memory.
func (w *Writer) largest() *dataFile {
	var most *dataFile
	for f := range w.open {
		if most == nil || f.memory > most.memory || f.memory == most.memory && f.number < most.number {
			most = f
		}
	}
	return most
}

func (w *Writer) begin(p *partition) error {
	id, err := newUUID(w.opts.Rand)
	if err != nil {
		return err
	}
	f := &dataFile{number: w.files, part: p, key: p.dir + fileName(w.files, id, w.parquet.Compression.String())}
	if p.random {
		dir, err := randomPrefix(w.opts.Rand, max(w.layout.prefix, defaultPrefix))
		if err != nil {
			return err
		}
		f.key = dir + "/" + f.key
	}
	f.key = w.layout.folder + f.key
	f.out = w.up.open(f.key, func(o objstore.Object) { f.object = o })
	if f.pq, err = parquet.NewWriter(f.out, w.layout.fields, w.parquet); err != nil {
		return err
	}
	w.files++
	w.open[f] = struct{}{}
	p.file = f
	w.byKey[p.key] = p
	return nil
}

// defaultPrefix is the length of random folder names where the table does not say.
const defaultPrefix = 2

// finish ends an open file; its upload goes on.
func (w *Writer) finish(f *dataFile) error {
	delete(w.open, f)
	delete(w.byKey, f.part.key)
	f.part.file = nil
	w.memory -= f.memory
	stats, err := f.pq.Close()
	if err != nil {
		f.out.abandon()
		return fmt.Errorf("data file %s: %w", f.key, err)
	}
	f.stats, f.pq = stats, nil
	w.done = append(w.done, f)
	return f.out.finish()
}

// Close ends the open files, waits until all are durable and returns their actions in the order in which the files were
// begun, with dataChange set. On an error nothing stays behind.
func (w *Writer) Close(ctx context.Context) ([]action.Add, error) {
	if w.closed {
		return nil, errClosed
	}
	err := ctx.Err()
	open := make([]*dataFile, 0, len(w.open))
	for f := range w.open {
		open = append(open, f)
	}
	slices.SortFunc(open, func(a, b *dataFile) int { return a.number - b.number })
	for _, f := range open {
		if err == nil {
			err = w.finish(f)
		}
	}
	if err == nil {
		w.up.wg.Wait()
		err = w.up.failure()
	}
	var adds []action.Add
	if err == nil {
		adds, err = w.actions()
	}
	if err != nil {
		return nil, errors.Join(err, w.Abort(ctx))
	}
	w.closed = true
	w.up.cancel()
	return adds, nil
}

func (w *Writer) actions() ([]action.Add, error) {
	slices.SortFunc(w.done, func(a, b *dataFile) int { return a.number - b.number })
	adds := make([]action.Add, len(w.done))
	for i, f := range w.done {
		if f.object.SizeBytes != f.stats.SizeBytes {
			return nil, fmt.Errorf("data file %s: the store holds %d bytes of %d", f.key, f.object.SizeBytes, f.stats.SizeBytes)
		}
		modified := f.object.ModTime
		if modified.IsZero() {
			modified = w.opts.Now()
		}
		adds[i] = action.Add{
			Path: encodePath(f.key), PartitionValues: make(map[string]*string, len(w.layout.partitions)), Size: f.stats.SizeBytes,
			ModificationTime: modified.UnixMilli(), DataChange: true, Stats: formatStats(w.layout.stats, f.stats),
		}
		for c := range w.layout.partitions {
			adds[i].PartitionValues[w.layout.partitions[c].physical] = f.part.values[c]
		}
	}
	return adds, nil
}

// Abort gives everything up and deletes the files that were stored, even if ctx has ended. After a successful Close
// it deletes the files of its actions, which must not have been committed. The error is of the deletion: what could not be
// deleted is invisible and left to VACUUM.
func (w *Writer) Abort(ctx context.Context) error {
	w.closed = true
	for f := range w.open {
		f.out.abandon()
	}
	clear(w.open)
	return w.up.removeAll(ctx)
}

func appendUint64(b []byte, x uint64) []byte { return binary.LittleEndian.AppendUint64(b, x) }

// floatBits is the same for values that are spelled the same.
func floatBits(f float64) uint64 {
	if math.IsNaN(f) {
		return math.Float64bits(math.NaN())
	}
	return math.Float64bits(f)
}
