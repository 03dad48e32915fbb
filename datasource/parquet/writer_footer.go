package parquet

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"maps"
	"math"
	"math/bits"
	"slices"

	"github.com/parquet-go/parquet-go/bloom"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/featuresql/featuresql/engine/types"
)

// columnIndexes is what stands about a column chunk between the row groups and the footer.
type columnIndexes struct {
	column *format.ColumnIndex
	offset format.OffsetIndex
	bloom  []byte // nil: none
}

// endRowGroup writes the row group under way, if it has rows.
func (w *Writer) endRowGroup() error {
	if w.pending == 0 {
		return nil
	}
	start := w.offset
	group := format.RowGroup{
		NumRows: int64(w.pending), FileOffset: start, Ordinal: int16(min(len(w.groups), 1<<15-1)),
		SortingColumns: w.sorting, Columns: make([]format.ColumnChunk, len(w.columns)),
	}
	indexes := make([]columnIndexes, len(w.columns))
	err := w.eachNode(w.pending, func(i int, s *pageScratch) error { return w.nodes[i].endPages(s) })
	if err != nil {
		return err
	}
	for i, c := range w.columns {
		if err := w.writeChunk(c, &group.Columns[i], &indexes[i]); err != nil {
			return err
		}
		group.TotalByteSize += group.Columns[i].MetaData.TotalUncompressedSize
		c.endChunk()
	}
	group.TotalCompressedSize = w.offset - start
	w.groups = append(w.groups, group)
	w.indexes = append(w.indexes, indexes)
	w.rows += int64(w.pending)
	w.pending = 0
	return nil
}

// writeChunk writes the dictionary and the pages of a column and describes them.
func (w *Writer) writeChunk(c *columnWriter, out *format.ColumnChunk, idx *columnIndexes) error {
	ch := &c.chunk
	start := w.offset
	m := &out.MetaData
	*m = format.ColumnMetaData{
		Type: c.leaf.physical, PathInSchema: c.leaf.path, Codec: c.codec.format(), NumValues: ch.slots, TotalUncompressedSize: ch.rawBytes,
		Encoding:   thrift.Slice[format.Encoding]{format.RLE},
		Statistics: format.Statistics{NullCount: ch.nulls},
	}
	if dict, n := c.values.dictionary(w.scratch[0].raw[:0]); n > 0 {
		body := dict
		if c.codec != Uncompressed {
			w.scratch[0].packed = compressBlock(c.codec, w.scratch[0].packed, dict, c.leaf.physical == format.ByteArray)
			body = w.scratch[0].packed
		}
		head, err := dictionaryPageHeader(n, len(dict), body)
		if err != nil {
			return err
		}
		if err := w.write(append(head, body...)); err != nil {
			return err
		}
		m.DictionaryPageOffset = start
		m.TotalUncompressedSize += int64(len(head) + len(dict))
		m.Encoding = append(m.Encoding, format.Plain)
		m.EncodingStats = append(m.EncodingStats, format.PageEncodingStats{PageType: format.DictionaryPage, Encoding: format.Plain, Count: 1})
		w.scratch[0].raw = dict
	}
	for _, e := range slices.Sorted(maps.Keys(ch.encodings)) {
		if !slices.Contains(m.Encoding, e) {
			m.Encoding = append(m.Encoding, e)
		}
		m.EncodingStats = append(m.EncodingStats, format.PageEncodingStats{PageType: format.DataPage, Encoding: e, Count: int32(ch.encodings[e])})
	}
	m.DataPageOffset = w.offset
	idx.offset = c.offsetIndex(w.offset)
	idx.column = c.columnIndex()
	if err := w.write(ch.body); err != nil {
		return err
	}
	m.TotalCompressedSize = w.offset - start
	if lo, hi, ok := c.leaf.encodeBounds(ch.bounds); ok {
		m.Statistics.MinValue, m.Statistics.MaxValue = lo, hi
	}
	if c.bloom {
		idx.bloom = bloomFilter(c.values.endChunk())
	} else {
		c.values.endChunk()
	}
	return nil
}

func (c *columnWriter) offsetIndex(start int64) (o format.OffsetIndex) {
	for _, p := range c.chunk.pages {
		o.PageLocations = append(o.PageLocations, format.PageLocation{
			Offset: start + p.offset, CompressedPageSize: p.sizeBytes, FirstRowIndex: p.firstRow,
		})
	}
	return o
}

// columnIndex returns the bounds of the chunk's pages. The format has no way to say that a page of values has
// none; one of only NaN gets the infinities.
func (c *columnWriter) columnIndex() *format.ColumnIndex {
	x := &format.ColumnIndex{}
	var kept []valueBounds
	for _, p := range c.chunk.pages {
		b := p.bounds
		if !b.min.Valid && p.nulls < p.slots {
			b.min, b.max = types.FloatValue(c.leaf.typ, math.Inf(-1)), types.FloatValue(c.leaf.typ, math.Inf(1))
		}
		lo, hi, ok := c.leaf.encodeBounds(b)
		if ok {
			kept = append(kept, b)
		} else {
			lo, hi = []byte{}, []byte{}
		}
		x.NullPages = append(x.NullPages, !ok)
		x.MinValues, x.MaxValues = append(x.MinValues, lo), append(x.MaxValues, hi)
		x.NullCounts = append(x.NullCounts, p.nulls)
	}
	x.BoundaryOrder = boundaryOrder(kept)
	return x
}

func boundaryOrder(pages []valueBounds) format.BoundaryOrder {
	up, down := true, true
	for i := 1; i < len(pages); i++ {
		a, b := pages[i-1], pages[i]
		lo, hi := types.Compare(a.min, b.min), types.Compare(a.max, b.max)
		up = up && lo <= 0 && hi <= 0
		down = down && lo >= 0 && hi >= 0
	}
	switch {
	case up:
		return format.Ascending
	case down:
		return format.Descending
	}
	return format.Unordered
}

// bloomBitsPerValue gives about one false positive in a hundred before the size is rounded up to a power of two.
const bloomBitsPerValue = 10

// bloomFilter returns the header and the bits of a split-block bloom filter of the hashes. Its size is a power of
// two: some readers insist.
func bloomFilter(hashes []uint64) []byte {
	if len(hashes) == 0 {
		return nil
	}
	blocks := bloom.NumSplitBlocksOf(int64(len(hashes)), bloomBitsPerValue)
	blocks = 1 << bits.Len(uint(max(blocks, 1)-1))
	f := make(bloom.SplitBlockFilter, blocks)
	f.InsertBulk(hashes)
	body := f.Bytes()
	head, err := marshalThrift(&format.BloomFilterHeader{
		NumBytes:    int32(len(body)),
		Algorithm:   format.BloomFilterAlgorithm{Value: &format.SplitBlockAlgorithm{}},
		Hash:        format.BloomFilterHash{Value: &format.XxHash{}},
		Compression: format.BloomFilterCompression{Value: &format.BloomFilterUncompressed{}},
	})
	if err != nil {
		panic(err) // the header is constant but for a number; Write turns this into an error
	}
	return append(head, body...)
}

// writeFooter writes the bloom filters, the page indexes and the footer.
func (w *Writer) writeFooter() error {
	for g, cols := range w.indexes {
		for i := range cols {
			if cols[i].bloom == nil {
				continue
			}
			m := &w.groups[g].Columns[i].MetaData
			m.BloomFilterOffset, m.BloomFilterLength = w.offset, int32(len(cols[i].bloom))
			if err := w.write(cols[i].bloom); err != nil {
				return err
			}
		}
	}
	if err := w.writePageIndexes(); err != nil {
		return err
	}
	meta := format.FileMetaData{
		Version: 1, Schema: w.elements, NumRows: w.rows, RowGroups: w.groups,
		CreatedBy: createdByName + " version " + createdByVersion + " (build " + createdByBuild + ")",
	}
	for _, k := range slices.SortedFunc(maps.Keys(w.opts.KeyValue), cmp.Compare) {
		meta.KeyValueMetadata = append(meta.KeyValueMetadata, format.KeyValue{Key: k, Value: w.opts.KeyValue[k]})
	}
	for range w.columns {
		meta.ColumnOrders = append(meta.ColumnOrders, format.ColumnOrder{Value: &format.TypeDefinedOrder{}})
	}
	b, err := marshalThrift(&meta)
	if err != nil {
		return err
	}
	size := len(b)
	b = binary.LittleEndian.AppendUint32(b, uint32(size))
	return w.write(append(b, magic...))
}

// writePageIndexes writes all column indexes, then all offset indexes, as readers expect them to lie.
func (w *Writer) writePageIndexes() error {
	var buf bytes.Buffer
	add := func(v any) (offset int64, length int32, err error) {
		b, err := marshalThrift(v)
		offset = w.offset + int64(buf.Len())
		buf.Write(b)
		return offset, int32(len(b)), err
	}
	var err error
	for g, cols := range w.indexes {
		for i := range cols {
			c := &w.groups[g].Columns[i]
			if c.ColumnIndexOffset, c.ColumnIndexLength, err = add(cols[i].column); err != nil {
				return err
			}
		}
	}
	for g, cols := range w.indexes {
		for i := range cols {
			c := &w.groups[g].Columns[i]
			if c.OffsetIndexOffset, c.OffsetIndexLength, err = add(&cols[i].offset); err != nil {
				return err
			}
		}
	}
	return w.write(buf.Bytes())
}
