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
