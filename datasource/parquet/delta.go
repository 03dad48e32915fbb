package parquet

import (
	"encoding/binary"
	"math"

	"github.com/parquet-go/bitpack"
)

// The encodings DELTA_BINARY_PACKED, DELTA_LENGTH_BYTE_ARRAY and DELTA_BYTE_ARRAY
// (parquet-format Encodings.md). Input slices have padBytes readable bytes behind them.

const maxDeltaBlock = 1 << 16

// deltaHeader is the header of a DELTA_BINARY_PACKED stream.
type deltaHeader struct {
	miniBlocks, perMini, total int
	first                      int64
}

func parseDeltaHeader(b []byte, maxValues int) (h deltaHeader, rest []byte, err error) {
	var u [3]uint64
	for i := range u {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return h, nil, corruptf("a delta header ends early")
		}
		u[i], b = v, b[n:]
	}
	first, n := binary.Varint(b)
	if n <= 0 {
		return h, nil, corruptf("a delta header ends early")
	}
	if u[0] == 0 || u[0] > maxDeltaBlock || u[1] == 0 || u[0]%u[1] != 0 || (u[0]/u[1])%8 != 0 {
		return h, nil, corruptf("delta blocks of %d values in %d parts", u[0], u[1])
	}
	if u[2] > uint64(maxValues) {
		return h, nil, corruptf("%d delta values on a page of %d", u[2], maxValues)
	}
	return deltaHeader{miniBlocks: int(u[1]), perMini: int(u[0] / u[1]), total: int(u[2]), first: first}, b[n:], nil
}

// decodeDelta decodes at most maxValues integers into dst (reused) and returns what follows them.
// Sums wrap around at 64 bits, and at 32 for a column of that width: the caller truncates.
func decodeDelta(dst []int64, b []byte, maxValues int) (out []int64, rest []byte, err error) {
	h, b, err := parseDeltaHeader(b, maxValues)
	if err != nil {
		return nil, nil, err
	}
	if h.total == 0 {
		return dst[:0], b, nil
	}
	if cap(dst) < h.total {
		dst = make([]int64, h.total, h.total+h.total/8)
	}
	dst = dst[:h.total]
	dst[0] = h.first
	last := h.first
	for done := 1; done < h.total; {
		minDelta, n := binary.Varint(b)
		if n <= 0 || len(b)-n < h.miniBlocks {
			return nil, nil, corruptf("a delta block ends early")
		}
		widths := b[n : n+h.miniBlocks]
		b = b[n+h.miniBlocks:]
		for _, w := range widths {
			if done == h.total {
				break
			}
			k := min(h.perMini, h.total-done)
			size := h.perMini * int(w) / 8
			if w > 64 || (size > len(b) && (k*int(w)+7)/8 > len(b)) {
				return nil, nil, corruptf("a delta block ends early")
			}
			unpackDeltas(dst[done:done+k], b, uint(w))
			b = b[min(size, len(b)):]
			for i, d := range dst[done : done+k] {
				last += d + minDelta
				dst[done+i] = last
			}
			done += k
		}
	}
	return dst, b, nil
}

// unpackDeltas reads len(dst) values of w bits; b has padBytes behind what they take.
func unpackDeltas(dst []int64, b []byte, w uint) {
	switch {
	case w == 0:
		clear(dst)
		return
	case w == 64:
		for i := range dst {
			dst[i] = int64(binary.LittleEndian.Uint64(b[8*i:]))
		}
		return
	}
	bitpack.Unpack(dst, b[:cap(b)], w)
}

// decodeDeltaInt32 decodes integers of 32 bits.
func decodeDeltaInt32(dst []int32, tmp []int64, b []byte, maxValues int) (out []int32, scratch []int64, err error) {
	tmp, _, err = decodeDelta(tmp, b, maxValues)
	if err != nil {
		return nil, nil, err
	}
	if cap(dst) < len(tmp) {
		dst = make([]int32, len(tmp), len(tmp)+len(tmp)/8)
	}
	dst = dst[:len(tmp)]
	for i, v := range tmp {
		dst[i] = int32(v)
	}
	return dst, tmp, nil
}

// byteArrays is a decoded page of byte arrays: len(off)-1 values.
type byteArrays struct {
	off  []int32
	data []byte // of buf, or of the page
	buf  []byte
	tmp  []int64
	tmp2 []int64
}

// decodeDeltaLength decodes DELTA_LENGTH_BYTE_ARRAY; data aliases b.
func (a *byteArrays) decodeDeltaLength(b []byte, maxValues int) error {
	lengths, rest, err := decodeDelta(a.tmp, b, maxValues)
	if err != nil {
		return err
	}
	a.tmp = lengths
	a.off = append(a.off[:0], 0)
	at := int64(0)
	for _, n := range lengths {
		if n < 0 || n > int64(len(rest))-at {
			return corruptf("a byte array of %d bytes on a page with %d", n, len(rest))
		}
		at += n
		a.off = append(a.off, int32(at))
	}
	a.data = rest[:at]
	return nil
}

// decodeDeltaStrings decodes DELTA_BYTE_ARRAY. Prefixes may blow a page up: the result is limited to maxBytes.
func (a *byteArrays) decodeDeltaStrings(b []byte, maxValues int, maxBytes int64) error {
	prefixes, rest, err := decodeDelta(a.tmp, b, maxValues)
	if err != nil {
		return err
	}
	a.tmp = prefixes
	suffixes, rest, err := decodeDelta(a.tmp2, rest, maxValues)
	if err != nil {
		return err
	}
	a.tmp2 = suffixes
	if len(prefixes) != len(suffixes) {
		return corruptf("%d prefixes and %d suffixes on a page", len(prefixes), len(suffixes))
	}
	maxBytes = min(maxBytes, math.MaxInt32)
	a.off, a.buf = append(a.off[:0], 0), a.buf[:0]
	lastLen := int64(0)
	for i, p := range prefixes {
		s := suffixes[i]
		if p < 0 || p > lastLen || s < 0 || s > int64(len(rest)) {
			return corruptf("value %d of a page has a prefix of %d bytes and a suffix of %d", i, p, s)
		}
		if int64(len(a.buf))+p+s > maxBytes {
			return corruptf("the values of a page have more than %d bytes", maxBytes)
		}
		start := len(a.buf) - int(lastLen)
		a.buf = append(a.buf, a.buf[start:start+int(p)]...)
		a.buf = append(a.buf, rest[:s]...)
		rest = rest[s:]
		lastLen = p + s
		a.off = append(a.off, int32(len(a.buf)))
	}
	a.data = a.buf
	return nil
}
