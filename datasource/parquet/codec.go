package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
	"github.com/pierrec/lz4/v4"
)

// padBytes is how far behind their end buffers stay readable, for kernels that load whole words.
const padBytes = 64

// growBuffer returns a buffer of n bytes with padding behind it, b if it is large enough.
func growBuffer(b []byte, n int) []byte {
	if cap(b) < n+padBytes {
		return make([]byte, n, n+n/8+padBytes)
	}
	return b[:n]
}

// decompress decodes src into a buffer of exactly size bytes with padding behind it, dst if it is large enough.
// What is allocated is bounded by what a codec can possibly make of src, or grows as the output comes.
func decompress(codec format.CompressionCodec, dst, src []byte, size int) ([]byte, error) {
	var err error
	switch codec {
	case format.Uncompressed:
		if len(src) != size {
			return nil, corruptf("an uncompressed page has %d bytes, its header says %d", len(src), size)
		}
		dst = growBuffer(dst, size)
		copy(dst, src)
		return dst, nil
	case format.Snappy:
		dst, err = decompressSnappy(dst, src, size)
	case format.Zstd:
		dst, err = decompressZstd(dst, src, size)
	case format.Lz4Raw:
		dst, err = decompressLZ4(dst, src, size)
	case format.Lz4:
		dst, err = decompressLegacyLZ4(dst, src, size)
	case format.Gzip:
		dst, err = decompressGzip(dst, src, size)
	case format.Brotli:
		dst, err = decompressStream(dst, brotli.NewReader(bytes.NewReader(src)), size)
	default:
		return nil, unsupportedf("compression codec %s", codec)
	}
	if err != nil {
		return nil, corruptf("a page does not decompress (%s): %v", codec, err)
	}
	return dst, nil
}

var errSize = errors.New("the size differs from what the page header says")

func decompressSnappy(dst, src []byte, size int) ([]byte, error) {
	n, err := snappy.DecodedLen(src)
	if err != nil {
		return nil, err
	}
	if n != size || n > len(src)*64 { // three bytes make at most 64
		return nil, errSize
	}
	dst = growBuffer(dst, size)
	out, err := snappy.Decode(dst, src)
	if err != nil {
		return nil, err
	}
	if len(out) != size {
		return nil, errSize
	}
	return dst, nil
}

// zstdMaxExpansion is the ratio up to which an output buffer is allocated before anything is decoded, and
// zstdMaxWindow the most that a stream may make its decoder remember.
const (
	zstdMaxExpansion = 256
	zstdMaxWindow    = 64 << 20
)

var zstdDecoders = sync.Pool{New: func() any {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(defaultMaxPageBytes), zstd.WithDecoderMaxWindow(zstdMaxWindow))
	if err != nil {
		return err
	}
	return d
}}

func decompressZstd(dst, src []byte, size int) ([]byte, error) {
	if size > len(src)*zstdMaxExpansion+4096 || zstdContentSize(src) != int64(size) {
		// Not a pooled decoder: one whose stream was given up blocks for good when it is used for a buffer.
		d, err := zstd.NewReader(bytes.NewReader(src), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdMaxWindow))
		if err != nil {
			return nil, err
		}
		defer d.Close()
		return decompressStream(dst, d, size)
	}
	d, ok := zstdDecoders.Get().(*zstd.Decoder)
	if !ok {
		return nil, errors.New("the decoder cannot be made")
	}
	defer zstdDecoders.Put(d)
	dst = growBuffer(dst, size)
	out, err := d.DecodeAll(src, dst[:0])
	if err != nil {
		return nil, err
	}
	if len(out) != size {
		return nil, errSize
	}
	return dst, nil
}

// zstdContentSize returns the size that the frame's header promises, -1 if it promises none or there is more than one frame.
func zstdContentSize(src []byte) int64 {
	var h zstd.Header
	if err := h.Decode(src); err != nil || !h.HasFCS {
		return -1
	}
	if h.FrameContentSize > 1<<31 {
		return -1
	}
	return int64(h.FrameContentSize)
}

func decompressLZ4(dst, src []byte, size int) ([]byte, error) {
	if size > len(src)*256+64 {
		return nil, errSize
	}
	dst = growBuffer(dst, size)
	n, err := lz4.UncompressBlock(src, dst)
	if err != nil {
		return nil, err
	}
	if n != size {
		return nil, errSize
	}
	return dst, nil
}

// decompressLegacyLZ4 tries the three things that writers have called LZ4: Hadoop's framing (big-endian
// uncompressed and compressed size before each block), an LZ4 frame, and a bare block.
func decompressLegacyLZ4(dst, src []byte, size int) ([]byte, error) {
	if out, err := decompressHadoopLZ4(dst, src, size); err == nil {
		return out, nil
	}
	if len(src) >= 4 && binary.LittleEndian.Uint32(src) == 0x184D2204 {
		return decompressStream(dst, lz4.NewReader(bytes.NewReader(src)), size)
	}
	return decompressLZ4(dst, src, size)
}

func decompressHadoopLZ4(dst, src []byte, size int) ([]byte, error) {
	if size > len(src)*256+64 {
		return nil, errSize
	}
	dst = growBuffer(dst, size)
	done := 0
	for len(src) > 0 {
		if len(src) < 8 {
			return nil, io.ErrUnexpectedEOF
		}
		un, comp := int64(binary.BigEndian.Uint32(src)), int64(binary.BigEndian.Uint32(src[4:]))
		src = src[8:]
		if un > int64(size-done) || comp > int64(len(src)) {
			return nil, errSize
		}
		n, err := lz4.UncompressBlock(src[:comp], dst[done:done+int(un)])
		if err != nil {
			return nil, err
		}
		if int64(n) != un {
			return nil, errSize
		}
		done += n
		src = src[comp:]
	}
	if done != size {
		return nil, errSize
	}
	return dst, nil
}

var gzipReaders = sync.Pool{New: func() any { return new(gzip.Reader) }}

func decompressGzip(dst, src []byte, size int) ([]byte, error) {
	r, ok := gzipReaders.Get().(*gzip.Reader)
	if !ok {
		return nil, errors.New("the decoder cannot be made")
	}
	defer gzipReaders.Put(r)
	if err := r.Reset(bytes.NewReader(src)); err != nil {
		return nil, err
	}
	return decompressStream(dst, r, size)
}

// streamStep is by how much the output of a stream may outgrow what has come out of it already.
const streamStep = 1 << 20

// decompressStream reads exactly size bytes from r, which must then be at its end.
func decompressStream(dst []byte, r io.Reader, size int) ([]byte, error) {
	dst = growBuffer(dst, min(size, max(streamStep, cap(dst)-padBytes)))
	done := 0
	for {
		n, err := io.ReadFull(r, dst[done:])
		done += n
		if err != nil {
			return nil, err
		}
		if done == size {
			break
		}
		bigger := growBuffer(nil, min(size, 2*len(dst)))
		copy(bigger, dst)
		dst = bigger
	}
	var one [1]byte
	if n, err := io.ReadFull(r, one[:]); n != 0 || !errors.Is(err, io.EOF) {
		return nil, errSize
	}
	return dst, nil
}
