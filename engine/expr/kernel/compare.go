package kernel

import (
	"bytes"

	"github.com/featuresql/featuresql/engine/types"
)

// Op is a comparison.
type Op uint8

// The comparisons; the zero Op is none.
const (
	EQ Op = iota + 1
	NE
	LT
	LE
	GT
	GE
)

// Flip returns the comparison with its operands exchanged: a op b is b Flip(op) a.
func (op Op) Flip() Op { return [...]Op{0, EQ, NE, GT, GE, LT, LE}[op] }

// Not returns the comparison that is true where op is false.
func (op Op) Not() Op { return [...]Op{0, NE, EQ, GE, GT, LE, LT}[op] }

// Holds tells what op says of two values whose three-way comparison gave cmp.
func (op Op) Holds(cmp int) bool { return opTable[op][cmp+1] != 0 }

// opTable is the truth of each comparison for a three-way result of -1, 0 and 1.
var opTable = [...][3]uint8{EQ: {0, 1, 0}, NE: {1, 0, 1}, LT: {1, 0, 0}, LE: {1, 1, 0}, GT: {0, 0, 1}, GE: {0, 1, 1}}

// Ordered are the physical types that compare with the machine's instructions. Floats order NaN above every other
// number and equal to itself.
type Ordered interface {
	~int32 | ~int64 | ~uint64 | ~float64
}

// B2I is 1 for true, 0 for false, without a branch.
func B2I(b bool) int {
	var x int
	if b {
		x = 1
	}
	return x
}

// reduceScalar expresses op against a scalar that is not NaN as EQ, LT or LE and its negation: a > c is !(a <= c),
// which is true for NaN as it should be.
func reduceScalar(op Op) (Op, int) {
	switch op {
	case NE, GT, GE:
		return op.Not(), 1
	}
	return op, 0
}

// SelectScalar writes to dst the rows of sel (nil: all) for which a[i] op c, and returns what it wrote. c is not NaN.
func SelectScalar[T Ordered](dst []uint16, a []T, c T, op Op, sel []uint16) []uint16 {
	op, neg := reduceScalar(op)
	k := 0
	if sel == nil {
		dst = dst[:len(a)]
		switch op {
		case EQ:
			for i, x := range a {
				dst[k] = uint16(i)
				k += B2I(x == c) ^ neg
			}
		case LT:
			for i, x := range a {
				dst[k] = uint16(i)
				k += B2I(x < c) ^ neg
			}
		case LE:
			for i, x := range a {
				dst[k] = uint16(i)
				k += B2I(x <= c) ^ neg
			}
		}
		return dst[:k]
	}
	switch op {
	case EQ:
		for _, i := range sel {
			dst[k] = i
			k += B2I(a[i] == c) ^ neg
		}
	case LT:
		for _, i := range sel {
			dst[k] = i
			k += B2I(a[i] < c) ^ neg
		}
	case LE:
		for _, i := range sel {
			dst[k] = i
			k += B2I(a[i] <= c) ^ neg
		}
	}
	return dst[:k]
}

func eq[T Ordered](x, y T) bool { return x == y || (x != x && y != y) }
func lt[T Ordered](x, y T) bool { return x < y || (y != y && x == x) }
func le[T Ordered](x, y T) bool { return x <= y || y != y }

// SelectVector writes to dst the rows of sel (nil: all) for which a[i] op b[i], and returns what it wrote.
func SelectVector[T Ordered](dst []uint16, a, b []T, op Op, sel []uint16) []uint16 {
	a, b, op, neg := reduceVector(a, b, op)
	k := 0
	if sel == nil {
		b = b[:len(a)]
		switch op {
		case EQ:
			for i, x := range a {
				dst[k] = uint16(i)
				k += B2I(eq(x, b[i])) ^ neg
			}
		case LT:
			for i, x := range a {
				dst[k] = uint16(i)
				k += B2I(lt(x, b[i]))
			}
		case LE:
			for i, x := range a {
				dst[k] = uint16(i)
				k += B2I(le(x, b[i]))
			}
		}
		return dst[:k]
	}
	switch op {
	case EQ:
		for _, i := range sel {
			dst[k] = i
			k += B2I(eq(a[i], b[i])) ^ neg
		}
	case LT:
		for _, i := range sel {
			dst[k] = i
			k += B2I(lt(a[i], b[i]))
		}
	case LE:
		for _, i := range sel {
			dst[k] = i
			k += B2I(le(a[i], b[i]))
		}
	}
	return dst[:k]
}

func reduceVector[T Ordered](a, b []T, op Op) ([]T, []T, Op, int) {
	switch op {
	case NE:
		return a, b, EQ, 1
	case GT:
		return b, a, LT, 0
	case GE:
		return b, a, LE, 0
	}
	return a, b, op, 0
}

// CompareScalar sets dst[i] to 1 where a[i] op c, else to 0. c is not NaN.
func CompareScalar[T Ordered](dst []int32, a []T, c T, op Op) {
	op, neg := reduceScalar(op)
	n := int32(neg)
	a = a[:len(dst)]
	switch op {
	case EQ:
		for i, x := range a {
			dst[i] = int32(B2I(x == c)) ^ n
		}
	case LT:
		for i, x := range a {
			dst[i] = int32(B2I(x < c)) ^ n
		}
	case LE:
		for i, x := range a {
			dst[i] = int32(B2I(x <= c)) ^ n
		}
	}
}

// CompareVector sets dst[i] to 1 where a[i] op b[i], else to 0.
func CompareVector[T Ordered](dst []int32, a, b []T, op Op) {
	a, b, op, neg := reduceVector(a, b, op)
	n := int32(neg)
	a, b = a[:len(dst)], b[:len(dst)]
	switch op {
	case EQ:
		for i, x := range a {
			dst[i] = int32(B2I(eq(x, b[i]))) ^ n
		}
	case LT:
		for i, x := range a {
			dst[i] = int32(B2I(lt(x, b[i])))
		}
	case LE:
		for i, x := range a {
			dst[i] = int32(B2I(le(x, b[i])))
		}
	}
}

// SelectBytesScalar is SelectScalar for the byte strings data[off[i]:off[i+1]].
func SelectBytesScalar(dst []uint16, off []int32, data, c []byte, op Op, sel []uint16) []uint16 {
	k := 0
	if sel == nil {
		if op == EQ || op == NE {
			neg := B2I(op == NE)
			for i := range len(off) - 1 {
				dst[k] = uint16(i)
				k += B2I(bytes.Equal(data[off[i]:off[i+1]], c)) ^ neg
			}
			return dst[:k]
		}
		t := opTable[op]
		for i := range len(off) - 1 {
			dst[k] = uint16(i)
			k += int(t[bytes.Compare(data[off[i]:off[i+1]], c)+1])
		}
		return dst[:k]
	}
	t := opTable[op]
	for _, i := range sel {
		dst[k] = i
		k += int(t[bytes.Compare(data[off[i]:off[int(i)+1]], c)+1])
	}
	return dst[:k]
}

// SelectDecimalScalar is SelectScalar for 128-bit decimals of one scale.
func SelectDecimalScalar(dst []uint16, a []types.Int128, c types.Int128, op Op, sel []uint16) []uint16 {
	t := opTable[op]
	k := 0
	if sel == nil {
		for i := range a {
			dst[k] = uint16(i)
			k += int(t[a[i].Cmp(c)+1])
		}
		return dst[:k]
	}
	for _, i := range sel {
		dst[k] = i
		k += int(t[a[i].Cmp(c)+1])
	}
	return dst[:k]
}
