package parquet

import (
	"bytes"
	"hash/maphash"
	"math"
	"math/bits"
)

// Limits of a dictionary. Beyond them a column's pages are plain until the row group ends.
const (
	maxDictBytes   = 1 << 20
	maxDictEntries = 1 << 16
	minDictSlots   = 1 << 10
	// maxDictProbes is how many steps an average look-up may take before the dictionary is given up: values
	// chosen to collide must not make writing quadratic.
	maxDictProbes = 16
)

// dictPays decides whether a dictionary is worth its decoding: its bytes and those of the codes so far
// against those of the plain values so far.
func dictPays(dictBytes, codeBytes, plainBytes int) bool {
	return dictBytes <= maxDictBytes && dictBytes+codeBytes < plainBytes-plainBytes/4
}

// Until earlyValues values were seen a dictionary may pay by what is to be expected of a chunk of expectedValues.
const (
	earlyValues    = 1 << 15
	expectedValues = 1 << 17
)

// expectedDistinct guesses how many of total values are different if distinct of the first n are: as many as if each were drawn evenly from
// the same ones, whose number is found by bisection.
func expectedDistinct(distinct, n, total int) int {
	seen := func(of, n float64) float64 { return of * -math.Expm1(-n/of) }
	lo, hi := float64(distinct), 64*float64(distinct)
	if seen(hi, float64(n)) <= float64(distinct) {
		return total
	}
	for range 24 {
		if mid := (lo + hi) / 2; seen(mid, float64(n)) < float64(distinct) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return int(seen(hi, float64(total)))
}

// numberDict is the dictionary of a chunk of numbers, an open-addressed table from bit patterns to codes.
type numberDict[T number] struct {
	vals  []T
	slots []int32 // code+1, 0: free
	shift uint

	codeBytes, plainBytes int // of the pages so far
}

func newNumberDict[T number]() *numberDict[T] {
	d := &numberDict[T]{}
	d.resize(minDictSlots)
	return d
}

func (d *numberDict[T]) reset() {
	d.vals, d.codeBytes, d.plainBytes = d.vals[:0], 0, 0
	clear(d.slots)
}

func (d *numberDict[T]) resize(slots int) {
	d.slots = make([]int32, slots)
	d.shift = uint(64 - bits.TrailingZeros(uint(slots)))
	mask := len(d.slots) - 1
	for c, x := range d.vals {
		i := d.slot(x)
		for d.slots[i] != 0 {
			i = (i + 1) & mask
		}
		d.slots[i] = int32(c + 1)
	}
}

func (d *numberDict[T]) slot(x T) int {
	return int(numberBits(x) * 0x9e3779b97f4a7c15 >> d.shift)
}

// encode appends the codes of vals; ok is false when the dictionary would grow too large or too slow.
func (d *numberDict[T]) encode(codes []int32, vals []T) (_ []int32, ok bool) {
	probes := maxDictProbes * len(vals)
	mask := len(d.slots) - 1
	lastBits, last := uint64(0), int32(-1)
	for _, x := range vals {
		b := numberBits(x)
		if b == lastBits && last >= 0 {
			codes = append(codes, last)
			continue
		}
		i := d.slot(x)
		var code int32
		for {
			s := d.slots[i]
			if s == 0 {
				code = int32(len(d.vals))
				d.vals = append(d.vals, x)
				d.slots[i] = code + 1
				break
			}
			if numberBits(d.vals[s-1]) == b {
				code = s - 1
				break
			}
			probes--
			i = (i + 1) & mask
		}
		lastBits, last = b, code
		codes = append(codes, code)
		if len(d.vals)*2 > len(d.slots) {
			if len(d.vals) > maxDictEntries || probes < 0 {
				return codes, false
			}
			d.resize(len(d.slots) * 2)
			mask = len(d.slots) - 1
		}
	}
	return codes, probes >= 0
}

// pays records a page and reports whether the dictionary is worth having.
func (d *numberDict[T]) pays(codeBytes, values int) bool {
	size := len(numberBytes(d.vals[:1]))
	d.codeBytes += codeBytes
	d.plainBytes += values * size
	if dictPays(len(d.vals)*size, d.codeBytes, d.plainBytes) {
		return true
	}
	n := d.plainBytes / size
	if n > earlyValues {
		return false
	}
	distinct := expectedDistinct(len(d.vals), n, expectedValues)
	return distinct <= maxDictEntries && dictPays(distinct*size, expectedValues/8*bits.Len(uint(distinct)), expectedValues*size)
}

// stringDict is the dictionary of a chunk of strings.
type stringDict struct {
	data   []byte
	off    []uint32 // one more than entries
	hashes []uint32
	slots  []int32 // code+1, 0: free
	seed   maphash.Seed
	used   []int32 // the last page, counted from 1, in which the entry occurred

	codeBytes, plainBytes int
}

func newStringDict() *stringDict {
	d := &stringDict{seed: maphash.MakeSeed(), slots: make([]int32, minDictSlots)}
	d.reset()
	return d
}

func (d *stringDict) reset() {
	d.data, d.off, d.hashes, d.used = d.data[:0], append(d.off[:0], 0), d.hashes[:0], d.used[:0]
	d.codeBytes, d.plainBytes = 0, 0
	clear(d.slots)
}

func (d *stringDict) len() int { return len(d.hashes) }

func (d *stringDict) entry(code int32) []byte { return d.data[d.off[code]:d.off[code+1]] }

// full reports whether the dictionary has outgrown its limits.
func (d *stringDict) full() bool { return d.len() > maxDictEntries || len(d.data) > maxDictBytes }

// code returns the code of s, which is added if it is new.
func (d *stringDict) code(s []byte) int32 {
	h := uint32(maphash.Bytes(d.seed, s))
	mask := uint32(len(d.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		slot := d.slots[i]
		if slot == 0 {
			d.slots[i] = int32(d.len() + 1)
			break
		}
		if d.hashes[slot-1] == h && bytes.Equal(d.entry(slot-1), s) {
			return slot - 1
		}
	}
	code := int32(d.len())
	d.data = append(d.data, s...)
	d.off = append(d.off, uint32(len(d.data)))
	d.hashes = append(d.hashes, h)
	d.used = append(d.used, 0)
	if 2*d.len() > len(d.slots) {
		d.grow()
	}
	return code
}

func (d *stringDict) grow() {
	d.slots = make([]int32, 2*len(d.slots))
	mask := uint32(len(d.slots) - 1)
	for c, h := range d.hashes {
		i := h & mask
		for d.slots[i] != 0 {
			i = (i + 1) & mask
		}
		d.slots[i] = int32(c + 1)
	}
}
