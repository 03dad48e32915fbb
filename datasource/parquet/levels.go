package parquet

import (
	"encoding/binary"
	"math/bits"

	"github.com/parquet-go/parquet-go/format"

	"github.com/featuresql/featuresql/engine/vector"
)

// levelWidth is the number of bits in which levels up to most are stored.
func levelWidth(most uint8) uint { return uint(bits.Len8(most)) }

// cutLevels separates encoded levels from what follows them on a page of version 1.
func cutLevels(b []byte, enc format.Encoding, most uint8, n int) (levels, rest []byte, err error) {
	var size uint64
	switch enc {
	case format.RLE:
		if len(b) < 4 {
			return nil, nil, corruptf("a page ends in its levels")
		}
		size = uint64(binary.LittleEndian.Uint32(b))
		b = b[4:]
	case format.BitPacked:
		size = (uint64(n)*uint64(levelWidth(most)) + 7) / 8
	default:
		return nil, nil, unsupportedf("encoding %s of levels", enc)
	}
	if size > uint64(len(b)) {
		return nil, nil, corruptf("a page ends in its levels")
	}
	return b[:size], b[size:], nil
}

// initLevels prepares h for reading n levels.
func (h *hybrid) initLevels(b []byte, enc format.Encoding, most uint8, n int) error {
	w := levelWidth(most)
	if enc != format.BitPacked {
		h.init(b, w)
		return nil
	}
	packed := reverseBitPacked(b, w, n)
	if packed == nil {
		return corruptf("a page ends in its levels")
	}
	h.initPacked(packed, w, n)
	return nil
}

// spread moves the first nv elements of s to the positions from 0 to n-1 whose bit (from bit at on) is set in
// valid, nv being their number. What stands elsewhere is one of the elements or was in s. It works from the
// end and without branches in mixed words.
func spread[T any](s []T, valid vector.Bitmap, at, nv int) {
	j := nv
	for i := len(s); i > 0 && j < i; {
		lo := max(0, i-(i+at-1)&63-1) // first row of the word that holds row i-1
		word := valid[(lo+at)>>6] >> ((lo + at) & 63)
		m := i - lo
		word &= ^uint64(0) >> (64 - m)
		switch ones := bits.OnesCount64(word); ones {
		case 0:
		case m:
			j -= m
			copy(s[lo:i], s[j:j+m])
		default:
			for k := m - 1; k >= 0; k-- {
				j -= int(word >> k & 1)
				s[lo+k] = s[j]
			}
		}
		i = lo
	}
}

// spreadOffsets is spread for the offsets of byte arrays: off[0] is the start, off[1:nv+1] the ends of the
// values; afterwards off[i+1] is the end of row i, and NULLs are empty.
func spreadOffsets(off []int32, valid vector.Bitmap, at, nv int) {
	j := nv
	for i := len(off) - 1; i > 0; i-- {
		off[i] = off[j]
		p := i - 1 + at
		j -= int(valid[p>>6] >> (p & 63) & 1)
	}
}
