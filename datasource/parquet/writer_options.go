package parquet

import (
	"fmt"

	"github.com/parquet-go/parquet-go/format"
)

// Codec is a compression that the writer offers. Every Parquet reader in use decodes all three.
type Codec uint8

// The codecs. The zero value is the default.
const (
	Snappy Codec = iota
	Zstd
	Uncompressed
)

// String returns the codec's name in lower case, as it stands in the names of data files.
func (c Codec) String() string {
	switch c {
	case Snappy:
		return "snappy"
	case Zstd:
		return "zstd"
	case Uncompressed:
		return "uncompressed"
	}
	return fmt.Sprintf("codec(%d)", uint8(c))
}

func (c Codec) format() format.CompressionCodec {
	switch c {
	case Zstd:
		return format.Zstd
	case Uncompressed:
		return format.Uncompressed
	}
	return format.Snappy
}

// Defaults of WriterOptions, and limits that keep a writer's memory and a reader's bounded.
const (
	DefaultRowGroupRows  = 131072
	DefaultPageBytes     = 65536
	defaultRowGroupBytes = 96 << 20
	maxPageRows          = 8192
	maxWriteGroupRows    = 1 << 24
	maxPageBytes         = 64 << 20
	maxWriteWorkers      = 64
)

// WriterOptions tune a Writer. The zero value is the default.
type WriterOptions struct {
	Compression    Codec
	RowGroupRows   int               // rows of a full row group; 0: 131,072
	RowGroupBytes  int64             // a row group ends early when its encoded pages reach this size; 0: 96 MiB
	PageBytes      int               // encoded size at which a page ends, about; 0: 65,536. A page never has more than 8,192 rows.
	Bloom          []int             // positions of top-level primitive fields that get a bloom filter in each row group; floats and booleans are passed over
	KeyValue       map[string]string // footer metadata
	SortingColumns []SortingColumn   // what order the caller says the rows have; only recorded
	NoDictionary   bool              // writes plain pages only
	Workers        int               // goroutines that encode columns of a batch at once; 0: 1
}

// SortingColumn says that the rows of each row group are ordered by a top-level primitive field.
type SortingColumn struct {
	Field      int // position in the fields
	Descending bool
	NullsFirst bool
}

func (o WriterOptions) withDefaults() WriterOptions {
	if o.RowGroupRows <= 0 {
		o.RowGroupRows = DefaultRowGroupRows
	}
	o.RowGroupRows = min(o.RowGroupRows, maxWriteGroupRows)
	if o.RowGroupBytes <= 0 {
		o.RowGroupBytes = defaultRowGroupBytes
	}
	if o.PageBytes <= 0 {
		o.PageBytes = DefaultPageBytes
	}
	o.PageBytes = min(o.PageBytes, maxPageBytes)
	o.Workers = max(1, min(o.Workers, maxWriteWorkers))
	return o
}
