package parquet

import (
	"encoding/binary"
	"math/bits"
	"unsafe"

	"github.com/parquet-go/bitpack"

	"github.com/featuresql/featuresql/engine/vector"
)

// hybrid reads the hybrid of run-length and bit-packed runs in which levels and dictionary codes are stored.
// The bytes it is given must have padBytes readable bytes behind them (within their capacity).
type hybrid struct {
	b      []byte // what follows the current run
	w      uint   // bits of a value, 0 to 32
	rle    int    // values left in a run of equal values
	val    uint32
	packed int    // values left in a bit-packed run
	bitPos int    // of the next value in run
	run    []byte // the bit-packed run
}

func (h *hybrid) init(b []byte, w uint) { *h = hybrid{b: b, w: w} }

// initPacked makes h a single bit-packed run of n values.
func (h *hybrid) initPacked(b []byte, w uint, n int) { *h = hybrid{w: w, run: b, packed: n} }

// maxRunValues bounds the length of one run; pages are smaller.
const maxRunValues = 1 << 30

// next goes to the next run that has values, and reports whether there is one.
func (h *hybrid) next() bool {
	for h.rle == 0 && h.packed == 0 {
		u, n := binary.Uvarint(h.b)
		if n <= 0 || u>>1 > maxRunValues {
			return false
		}
		h.b = h.b[n:]
		if u&1 == 0 {
			nb := int(h.w+7) / 8
			if nb > len(h.b) {
				return false
			}
			h.rle, h.val = int(u>>1), 0
			for i, c := range h.b[:nb] {
				h.val |= uint32(c) << (8 * i)
			}
			if h.w < 32 && h.val>>h.w != 0 {
				return false
			}
			h.b = h.b[nb:]
			continue
		}
		groups := int(u >> 1)
		nb, values := groups*int(h.w), groups*8
		if nb > len(h.b) { // some writers cut the padding of the last run off
			nb = len(h.b)
			values = nb * 8 / int(h.w)
		}
		h.run, h.b, h.packed, h.bitPos = h.b[:nb], h.b[nb:], values, 0
		if nb == 0 && h.w != 0 {
			h.packed = 0
		}
	}
	return true
}

// isConstant reports whether the next n values are all val, without reading them.
func (h *hybrid) isConstant(val uint32, n int) bool {
	return h.next() && h.rle >= n && h.val == val
}

func (h *hybrid) one() int32 {
	i := h.bitPos >> 3
	x := binary.LittleEndian.Uint64(h.run[:cap(h.run)][i:]) >> (h.bitPos & 7)
	h.bitPos += int(h.w)
	return int32(x & (1<<h.w - 1))
}

// read fills dst and reports whether there were enough values.
func (h *hybrid) read(dst []int32) bool {
	for len(dst) > 0 {
		if !h.next() {
			return false
		}
		if h.rle > 0 {
			n := min(h.rle, len(dst))
			fill(dst[:n], int32(h.val))
			h.rle -= n
			dst = dst[n:]
			continue
		}
		n := min(h.packed, len(dst))
		h.packed -= n
		h.unpack(dst[:n])
		dst = dst[n:]
	}
	return true
}

// unpack reads values of the current bit-packed run.
func (h *hybrid) unpack(dst []int32) {
	if h.w == 0 {
		clear(dst)
		return
	}
	k := 0
	for k < len(dst) && h.bitPos&7 != 0 {
		dst[k] = h.one()
		k++
	}
	if m := (len(dst) - k) &^ 7; m > 0 {
		bitpack.Unpack(dst[k:k+m], h.run[:cap(h.run)][h.bitPos>>3:], h.w)
		h.bitPos += m * int(h.w)
		k += m
	}
	for ; k < len(dst); k++ {
		dst[k] = h.one()
	}
}

func fill[T any](dst []T, v T) {
	for i := range dst {
		dst[i] = v
	}
}

// skip passes over n values and reports whether there were enough.
func (h *hybrid) skip(n int) bool {
	for n > 0 {
		if !h.next() {
			return false
		}
		if h.rle > 0 {
			m := min(h.rle, n)
			h.rle -= m
			n -= m
			continue
		}
		m := min(h.packed, n)
		h.packed -= m
		h.bitPos += m * int(h.w)
		n -= m
	}
	return true
}

// readBits writes n values of a one-bit stream to dst from bit at on, and returns the number of ones.
// The bits of dst from at on are zero before.
func (h *hybrid) readBits(dst vector.Bitmap, at, n int) (ones int, ok bool) {
	for n > 0 {
		if !h.next() {
			return ones, false
		}
		if h.rle > 0 {
			m := min(h.rle, n)
			if h.val != 0 {
				dst.SetRange(at, at+m)
				ones += m
			}
			h.rle -= m
			at, n = at+m, n-m
			continue
		}
		m := min(h.packed, n)
		ones += h.copyBits(dst, at, m)
		h.packed -= m
		at, n = at+m, n-m
	}
	return ones, true
}

// copyBits copies m bits of the current run, a word at a time.
func (h *hybrid) copyBits(dst vector.Bitmap, at, m int) (ones int) {
	src := h.run[:cap(h.run)]
	for m > 0 {
		k := min(m, 64-at&63, 56)
		x := binary.LittleEndian.Uint64(src[h.bitPos>>3:]) >> (h.bitPos & 7)
		x &= 1<<k - 1
		ones += bits.OnesCount64(x)
		dst[at>>6] |= x << (at & 63)
		h.bitPos += k
		at += k
		m -= k
	}
	return ones
}

// countOnes passes over n values of a one-bit stream and returns the number of ones.
func (h *hybrid) countOnes(n int) (ones int, ok bool) {
	for n > 0 {
		if !h.next() {
			return ones, false
		}
		if h.rle > 0 {
			m := min(h.rle, n)
			ones += m * int(h.val)
			h.rle -= m
			n -= m
			continue
		}
		m := min(h.packed, n)
		h.packed -= m
		n -= m
		src := h.run[:cap(h.run)]
		for m > 0 {
			k := min(m, 56)
			x := binary.LittleEndian.Uint64(src[h.bitPos>>3:]) >> (h.bitPos & 7)
			ones += bits.OnesCount64(x & (1<<k - 1))
			h.bitPos += k
			m -= k
		}
	}
	return ones, true
}

// readLevels appends n levels to dst; a level above most is an error.
func (h *hybrid) readLevels(dst []uint8, n int, most uint8) ([]uint8, bool) {
	var buf [512]int32
	for n > 0 {
		if !h.next() {
			return dst, false
		}
		if h.rle > 0 {
			m := min(h.rle, n)
			if h.val > uint32(most) {
				return dst, false
			}
			for range m {
				dst = append(dst, uint8(h.val))
			}
			h.rle -= m
			n -= m
			continue
		}
		m := min(n, len(buf), h.packed)
		h.packed -= m
		h.unpack(buf[:m])
		for _, x := range buf[:m] {
			if uint32(x) > uint32(most) {
				return dst, false
			}
			dst = append(dst, uint8(x))
		}
		n -= m
	}
	return dst, true
}

// reverseBitPacked turns the deprecated BIT_PACKED levels, most significant bit first, into the order that
// hybrid reads: n values of w bits. It returns nil if src is too short.
func reverseBitPacked(src []byte, w uint, n int) []byte {
	total := (n*int(w) + 7) / 8
	if total > len(src) {
		return nil
	}
	out := make([]byte, total, total+padBytes)
	if w == 1 {
		for i, c := range src[:total] {
			out[i] = bits.Reverse8(c)
		}
		return out
	}
	for k := range n {
		for j := range int(w) { // bit j of value k, counted from the most significant
			p := k*int(w) + j
			bit := src[p>>3] >> (7 - p&7) & 1
			q := k*int(w) + int(w) - 1 - j
			out[q>>3] |= bit << (q & 7)
		}
	}
	return out
}

// bytesOf views a slice of numbers as bytes.
func bytesOf[T int32 | int64 | float64](s []T) []byte {
	if len(s) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&s[0])), len(s)*int(unsafe.Sizeof(s[0])))
}
