package parquet

import (
	"fmt"
	"hash/crc32"
	"math/bits"
	"sync"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// dataPageHeader encodes the header of a data page of version 1, which every reader knows, with its CRC.
func dataPageHeader(slots int, enc format.Encoding, rawBytes int, body []byte) ([]byte, error) {
	return marshalThrift(&format.PageHeader{
		Type:                 format.DataPage,
		UncompressedPageSize: int32(rawBytes),
		CompressedPageSize:   int32(len(body)),
		CRC:                  int32(crc32.ChecksumIEEE(body)),
		DataPageHeader: thrift.New(format.DataPageHeader{
			NumValues: int32(slots), Encoding: enc, DefinitionLevelEncoding: format.RLE, RepetitionLevelEncoding: format.RLE,
		}),
	})
}

// dictionaryPageHeader encodes the header of a dictionary page of n values.
func dictionaryPageHeader(n, rawBytes int, body []byte) ([]byte, error) {
	return marshalThrift(&format.PageHeader{
		Type:                 format.DictionaryPage,
		UncompressedPageSize: int32(rawBytes),
		CompressedPageSize:   int32(len(body)),
		CRC:                  int32(crc32.ChecksumIEEE(body)),
		DictionaryPageHeader: thrift.New(format.DictionaryPageHeader{NumValues: int32(n), Encoding: format.Plain}),
	})
}

func marshalThrift(v any) ([]byte, error) {
	b, err := thrift.Marshal(new(thrift.CompactProtocol), v)
	if err != nil {
		return nil, fmt.Errorf("encode Parquet metadata: %w", err)
	}
	return b, nil
}

// zstdEncoders hands out encoders of one goroutine each.
var zstdEncoders = sync.Pool{New: func() any {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderCRC(false))
	if err != nil {
		panic(err) // the options are constant
	}
	return e
}}

// compressBlock compresses raw, reusing dst's memory. Snappy's slower search pays for text alone: on numbers it takes twice
// the time to save one byte in a hundred, and what it finds takes longer to decompress.
func compressBlock(c Codec, dst, raw []byte, text bool) []byte {
	switch c {
	case Zstd:
		e := zstdEncoders.Get().(*zstd.Encoder)
		defer zstdEncoders.Put(e)
		return e.EncodeAll(raw, dst[:0])
	case Uncompressed:
		return append(dst[:0], raw...)
	}
	if text {
		return s2.EncodeSnappyBetter(dst[:cap(dst)], raw)
	}
	return s2.EncodeSnappy(dst[:cap(dst)], raw)
}

// bitsOf is the number of bits that values up to most need.
func bitsOf(most uint32) int { return bits.Len32(most) }

// packCodes encodes the codes of a page, leaves them in packedCodes and returns their size.
func (s *pageScratch) packCodes(codes []int32) int {
	packed, err := s.codeEncoding.EncodeInt32(s.packedCodes[:0], codes)
	if err != nil {
		panic(err) // codes are not negative; Write turns this into an error
	}
	s.packedCodes = packed
	return len(packed)
}
