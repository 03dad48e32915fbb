package kernel_test

import (
	"fmt"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/engine/expr/kernel"
	"github.com/featuresql/featuresql/engine/types"
)

var ops = []kernel.Op{kernel.EQ, kernel.NE, kernel.LT, kernel.LE, kernel.GT, kernel.GE}

// order is the three-way comparison that the kernels must agree with.
func order[T kernel.Ordered](x, y T) int {
	return types.CompareFloats(float64(x), float64(y))
}

func checkCompare[T kernel.Ordered](t *rapid.T, values *rapid.Generator[T]) {
	n := rapid.IntRange(0, 40).Draw(t, "n")
	a, b := rapid.SliceOfN(values, n, n).Draw(t, "a"), rapid.SliceOfN(values, n, n).Draw(t, "b")
	c := values.Filter(func(x T) bool { return x == x }).Draw(t, "c")
	op := rapid.SampledFrom(ops).Draw(t, "op")
	var sel []uint16
	if rapid.Bool().Draw(t, "selected") {
		sel = []uint16{}
		for i := range n {
			if rapid.Bool().Draw(t, "live") {
				sel = append(sel, uint16(i))
			}
		}
	}
	rows := sel
	if rows == nil {
		for i := range n {
			rows = append(rows, uint16(i))
		}
	}
	var scalar, vector []uint16
	for _, i := range rows {
		if op.Holds(order(a[i], c)) {
			scalar = append(scalar, i)
		}
		if op.Holds(order(a[i], b[i])) {
			vector = append(vector, i)
		}
	}
	if got := kernel.SelectScalar(make([]uint16, n), a, c, op, sel); fmt.Sprint(got) != fmt.Sprint(scalar) {
		t.Fatalf("%v op %d %v: %v, want %v", a, op, c, got, scalar)
	}
	if got := kernel.SelectVector(make([]uint16, n), a, b, op, sel); fmt.Sprint(got) != fmt.Sprint(vector) {
		t.Fatalf("%v op %d %v: %v, want %v", a, op, b, got, vector)
	}
	if sel != nil { // in place
		if got := kernel.SelectScalar(append([]uint16{}, sel...), a, c, op, sel); fmt.Sprint(got) != fmt.Sprint(scalar) {
			t.Fatalf("in place: %v, want %v", got, scalar)
		}
	}
	dst := make([]int32, n)
	kernel.CompareScalar(dst, a, c, op)
	for i := range dst {
		if (dst[i] == 1) != op.Holds(order(a[i], c)) {
			t.Fatalf("%v op %d %v = %d", a[i], op, c, dst[i])
		}
	}
	kernel.CompareVector(dst, a, b, op)
	for i := range dst {
		if (dst[i] == 1) != op.Holds(order(a[i], b[i])) || op.Flip().Holds(order(b[i], a[i])) != (dst[i] == 1) || op.Not().Holds(order(a[i], b[i])) == (dst[i] == 1) {
			t.Fatalf("%v op %d %v = %d", a[i], op, b[i], dst[i])
		}
	}
}

func TestCompare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkCompare(t, rapid.Int32Range(-2, 2))
		checkCompare(t, rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1, -1, math.NaN(), math.Inf(1), math.Inf(-1)}))
		checkCompare(t, rapid.SampledFrom([]uint64{0, 1, 1 << 63}))
		checkCompare(t, rapid.Int64Range(-2, 2))
	})
}

func edges() *rapid.Generator[int64] {
	return rapid.OneOf(rapid.Int64(), rapid.Int64Range(-3, 3), rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64, 1 << 32, -1 << 31, math.MinInt64 + 1}))
}

func TestArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 20).Draw(t, "n")
		a, b := rapid.SliceOfN(edges(), n, n).Draw(t, "a"), rapid.SliceOfN(edges(), n, n).Draw(t, "b")
		c := edges().Draw(t, "c")
		dst := make([]int64, n)
		check := func(name string, ok bool, f func(i int) *big.Int) {
			exact := true
			for i := range n {
				exact = exact && f(i).IsInt64()
			}
			if ok != exact {
				t.Fatalf("%s %v %v %d: exact = %v, want %v", name, a, b, c, ok, exact)
			}
			for i := range n {
				if exact && dst[i] != f(i).Int64() {
					t.Fatalf("%s %d %d %d = %d", name, a[i], b[i], c, dst[i])
				}
			}
		}
		x := func(i int) *big.Int { return big.NewInt(a[i]) }
		y := func(i int) *big.Int { return big.NewInt(b[i]) }
		z := big.NewInt(c)
		check("add", kernel.Add(dst, a, b), func(i int) *big.Int { return new(big.Int).Add(x(i), y(i)) })
		check("add scalar", kernel.AddScalar(dst, a, c), func(i int) *big.Int { return new(big.Int).Add(x(i), z) })
		check("sub", kernel.Sub(dst, a, b), func(i int) *big.Int { return new(big.Int).Sub(x(i), y(i)) })
		check("scalar sub", kernel.ScalarSub(dst, c, a), func(i int) *big.Int { return new(big.Int).Sub(z, x(i)) })
		check("mul", kernel.Mul(dst, a, b), func(i int) *big.Int { return new(big.Int).Mul(x(i), y(i)) })
		check("mul scalar", kernel.MulScalar(dst, a, c), func(i int) *big.Int { return new(big.Int).Mul(x(i), z) })
		bits := 0
		for i := range n {
			bits = max(bits, x(i).BitLen())
		}
		if m := kernel.Magnitude(a); m < bits || m > bits+1 {
			t.Fatalf("magnitude of %v = %d, want about %d", a, m, bits)
		}
	})
}

func TestFloats(t *testing.T) {
	a, b, dst := []float64{1, -2, 8}, []float64{2, 4, 16}, make([]float64, 3)
	for _, c := range []struct {
		op   kernel.FloatOp
		want string
	}{{kernel.FloatAdd, "[3 2 24]"}, {kernel.FloatSub, "[-1 -6 -8]"}, {kernel.FloatMul, "[2 -8 128]"}, {kernel.FloatDiv, "[0.5 -0.5 0.5]"}} {
		if ok := kernel.Floats(dst, a, b, c.op); !ok || fmt.Sprint(dst) != c.want {
			t.Errorf("op %d: %v, %v; want %s", c.op, dst, ok, c.want)
		}
		for i := range a {
			one := make([]float64, 1)
			if ok := kernel.FloatsScalar(one, a[i:i+1], b[i], c.op, false); !ok || fmt.Sprint(one[0]) != fmt.Sprint(dst[i]) {
				t.Errorf("op %d scalar: %v; want %v", c.op, one, dst[i])
			}
			if ok := kernel.FloatsScalar(one, b[i:i+1], a[i], c.op, true); !ok || fmt.Sprint(one[0]) != fmt.Sprint(dst[i]) {
				t.Errorf("op %d swapped: %v; want %v", c.op, one, dst[i])
			}
		}
	}
	if kernel.Floats(dst, a, []float64{1, 0, 1}, kernel.FloatDiv) || kernel.FloatsScalar(dst, a, 0, kernel.FloatDiv, false) || kernel.FloatsScalar(dst, a, math.NaN(), kernel.FloatAdd, false) {
		t.Error("a result that is not finite goes unnoticed")
	}
}

func TestSelectBytes(t *testing.T) {
	off, data := []int32{0, 1, 3, 3}, []byte("abc")
	for _, c := range []struct {
		op   kernel.Op
		sel  []uint16
		want string
	}{{kernel.EQ, nil, "[0]"}, {kernel.NE, nil, "[1 2]"}, {kernel.GT, nil, "[1]"}, {kernel.LE, []uint16{1, 2}, "[2]"}, {kernel.EQ, []uint16{}, "[]"}} {
		if got := kernel.SelectBytesScalar(make([]uint16, 3), off, data, []byte("a"), c.op, c.sel); fmt.Sprint(got) != c.want {
			t.Errorf("op %d: %v, want %s", c.op, got, c.want)
		}
	}
	wide := []types.Int128{types.Int128From(-1), types.Pow10(30), types.Int128From(5)}
	if got := kernel.SelectDecimalScalar(make([]uint16, 3), wide, types.Int128From(5), kernel.GE, nil); fmt.Sprint(got) != "[1 2]" {
		t.Errorf("decimals: %v", got)
	}
	if got := kernel.SelectDecimalScalar(make([]uint16, 3), wide, types.Int128From(5), kernel.LT, []uint16{0, 2}); fmt.Sprint(got) != "[0]" {
		t.Errorf("selected decimals: %v", got)
	}
}
