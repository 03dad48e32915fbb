package vector

import (
	"iter"
	"math/bits"
)

// Bitmap holds one bit a row, least significant first (Arrow's order). A nil Bitmap used as validity
// means that every row is valid.
type Bitmap []uint64

// NewBitmap returns a bitmap of n zero bits.
func NewBitmap(n int) Bitmap { return make(Bitmap, (n+63)/64) }

// FullBitmap returns a bitmap of n one bits; the spare bits of the last word are zero.
func FullBitmap(n int) Bitmap {
	b := NewBitmap(n)
	b.SetRange(0, n)
	return b
}

// Get returns bit i.
func (b Bitmap) Get(i int) bool { return b[i>>6]>>(uint(i)&63)&1 != 0 }

// Set sets bit i.
func (b Bitmap) Set(i int) { b[i>>6] |= 1 << (uint(i) & 63) }

// Clear clears bit i.
func (b Bitmap) Clear(i int) { b[i>>6] &^= 1 << (uint(i) & 63) }

// SetRange sets bits from lo to hi-1.
func (b Bitmap) SetRange(lo, hi int) {
	for lo < hi && lo&63 != 0 {
		b.Set(lo)
		lo++
	}
	for ; lo+64 <= hi; lo += 64 {
		b[lo>>6] = ^uint64(0)
	}
	for ; lo < hi; lo++ {
		b.Set(lo)
	}
}

// Count returns the number of ones among the first n bits.
func (b Bitmap) Count(n int) int {
	c := 0
	for _, w := range b[:n>>6] {
		c += bits.OnesCount64(w)
	}
	if r := uint(n) & 63; r != 0 {
		c += bits.OnesCount64(b[n>>6] & (1<<r - 1))
	}
	return c
}

// Ones yields the positions of the ones, ascending.
func (b Bitmap) Ones() iter.Seq[int] {
	return func(yield func(int) bool) {
		for k, w := range b {
			for ; w != 0; w &= w - 1 {
				if !yield(k<<6 + bits.TrailingZeros64(w)) {
					return
				}
			}
		}
	}
}

// Clone returns a copy of b; nil stays nil.
func (b Bitmap) Clone() Bitmap { return append(Bitmap(nil), b...) }

// And returns the bits set in both validity bitmaps of n rows, reading nil as all ones. The result may be one of the arguments.
func And(a, b Bitmap, n int) Bitmap {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	r := NewBitmap(n)
	for i := range r {
		r[i] = a[i] & b[i]
	}
	return r
}
