package expr

import (
	"math"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// EvalCtx is what one call of a function in one Evaluator owns: its environment, its prepared state and the
// buffers that it reuses from batch to batch.
type EvalCtx struct {
	Env   *Env
	State any // what Function.Prepare returned

	first int64 // of the batch
	name  string
	text  func() string // the call's text, for errors
	out   vector.Vector
	alias vector.Vector // an operand under another type
	// aliasDict is the dictionary aliasOf under that type.
	aliasOf, aliasDict *vector.Vector
	valid              vector.Bitmap
	flat               []flatBuf
	bytes              Bytes
	tz                 zone
	blends             []*vector.Vector
	wides              [2]vector.Vector
	i128               [2][]types.Int128
}

type flatBuf struct{ v vector.Vector }

// Limits of what a string function may return: MySQL's max_allowed_packet for a value, and what keeps the memory of one batch
// within reason. Who gets a *TooLargeError can evaluate fewer rows at once.
const (
	MaxValueBytes = 64 << 20
	maxBatchBytes = 256 << 20
)

// Warn records a warning.
func (c *EvalCtx) Warn(code int, msg string) { c.Env.warn(code, msg) }

// RangeError returns the error of a result that leaves type t, naming the call.
func (c *EvalCtx) RangeError(t types.Type) error {
	return &RangeError{Kind: rangeKind(t), Expr: c.text()}
}

// Out returns the call's own flat vector of n rows of type t in its default layout, without NULLs and with
// unspecified values. It is the same vector at each call. For byte types use Bytes.
func (c *EvalCtx) Out(t types.Type, n int) *vector.Vector { return c.OutPhys(t, t.Physical(), n) }

// OutPhys is Out with an explicit layout.
func (c *EvalCtx) OutPhys(t types.Type, p types.Physical, n int) *vector.Vector {
	resetVector(&c.out, t, p, n)
	return &c.out
}

// resetVector makes v a flat vector of n rows, keeping its memory.
func resetVector(v *vector.Vector, t types.Type, p types.Physical, n int) {
	v.Type, v.Phys, v.Len = t, p, n
	v.Valid, v.Codes, v.Dict = nil, nil, nil
	switch p {
	case types.PhysI32:
		v.I32 = grow(v.I32, n)
	case types.PhysI64:
		v.I64 = grow(v.I64, n)
	case types.PhysF64:
		v.F64 = grow(v.F64, n)
	case types.PhysI128:
		v.I128 = grow(v.I128, n)
	case types.PhysBytes:
		v.Off = grow(v.Off, n+1)
	}
}

// grow returns s with length n, reallocated only if it is too short; its contents are unspecified.
func grow[T any](s []T, n int) []T {
	if cap(s) >= n {
		return s[:n]
	}
	return make([]T, n, max(n, 2*cap(s)))
}

// SetNull marks row i of a vector from Out or Bytes NULL without allocating.
func (c *EvalCtx) SetNull(v *vector.Vector, i int) {
	if v.Valid == nil {
		c.valid = grow(c.valid, (v.Len+63)/64)
		clear(c.valid)
		c.valid.SetRange(0, v.Len)
		v.Valid = c.valid
	}
	v.Valid.Clear(i)
}

// Rows returns how many rows sel names of n.
func Rows(n int, sel []uint16) int {
	if sel != nil {
		return len(sel)
	}
	return n
}

// Flat returns operand number k, which is v, without dictionary codes; only the rows in sel are defined. The
// values are gathered into memory of the context's.
func (c *EvalCtx) Flat(k int, v *vector.Vector, sel []uint16) *vector.Vector {
	if v.Codes == nil {
		return v
	}
	for len(c.flat) <= k {
		c.flat = append(c.flat, flatBuf{})
	}
	f := &c.flat[k]
	resetVector(&f.v, v.Type, v.Phys, v.Len)
	f.v.Valid = v.Valid
	switch v.Phys {
	case types.PhysI32:
		gatherCodes(f.v.I32, v.Dict.I32, v.Codes, sel)
	case types.PhysI64:
		gatherCodes(f.v.I64, v.Dict.I64, v.Codes, sel)
	case types.PhysF64:
		gatherCodes(f.v.F64, v.Dict.F64, v.Codes, sel)
	case types.PhysI128:
		gatherCodes(f.v.I128, v.Dict.I128, v.Codes, sel)
	case types.PhysBytes:
		return v.Flat()
	}
	return &f.v
}

func gatherCodes[T any](dst, dict []T, codes []int32, sel []uint16) {
	if sel == nil {
		for i := range dst {
			dst[i] = dict[codes[i]]
		}
		return
	}
	for _, i := range sel {
		dst[i] = dict[codes[i]]
	}
}

// Bytes builds a PhysBytes result row by row.
type Bytes struct {
	ctx  *EvalCtx
	v    *vector.Vector
	next int // rows whose end offset is written
	err  error
}

// Bytes starts the call's byte vector of n rows of type t. Append rows in ascending order, then call Done; rows
// left out are empty.
func (c *EvalCtx) Bytes(t types.Type, n int) *Bytes {
	resetVector(&c.out, t, types.PhysBytes, n)
	c.out.Data = c.out.Data[:0]
	c.out.Off[0] = 0
	c.bytes = Bytes{ctx: c, v: &c.out}
	return &c.bytes
}

// Buf returns the buffer to which the value of the next row is appended; hand the longer slice to End.
func (b *Bytes) Buf() []byte { return b.v.Data }

// End makes what was appended to Buf the value of row i.
func (b *Bytes) End(i int, data []byte) {
	end := int32(len(b.v.Data))
	for ; b.next < i; b.next++ {
		b.v.Off[b.next+1] = end
	}
	if len(data) > maxBatchBytes {
		b.err = &TooLargeError{Function: b.ctx.name, Limit: maxBatchBytes}
		data = data[:end]
	}
	b.v.Data = data
	b.v.Off[i+1] = int32(len(data))
	b.next = i + 1
}

// Set makes s the value of row i.
func (b *Bytes) Set(i int, s []byte) { b.End(i, append(b.v.Data, s...)) }

// SetString makes s the value of row i.
func (b *Bytes) SetString(i int, s string) { b.End(i, append(b.v.Data, s...)) }

// Null makes row i NULL.
func (b *Bytes) Null(i int) { b.ctx.SetNull(b.v, i) }

// Room reports whether a value of n bytes may be appended. If the value exceeds MaxValueBytes the row becomes NULL
// with MySQL's warning 1301; if the batch is full, Done returns an error.
func (b *Bytes) Room(i, n int) bool {
	switch {
	case n > MaxValueBytes || n < 0:
		b.ctx.Warn(CodePacketTooLarge, "Result of "+b.ctx.name+"() was larger than max_allowed_packet (67108864) - truncated")
		b.Null(i)
		return false
	case len(b.v.Data)+n > maxBatchBytes:
		b.err = &TooLargeError{Function: b.ctx.name, Limit: maxBatchBytes}
		return false
	}
	return true
}

// Done returns the vector, or a *TooLargeError.
func (b *Bytes) Done() (*vector.Vector, error) {
	end := int32(min(len(b.v.Data), math.MaxInt32))
	for ; b.next < b.v.Len; b.next++ {
		b.v.Off[b.next+1] = end
	}
	return b.v, b.err
}

// Vector returns the vector being built, for SetNull.
func (b *Bytes) Vector() *vector.Vector { return b.v }
