package types_test

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/engine/types"
)

// int128s draws numbers of every magnitude, with the limits among them.
func int128s() *rapid.Generator[types.Int128] {
	return rapid.Custom(func(t *rapid.T) types.Int128 {
		bits := rapid.IntRange(0, 127).Draw(t, "bits")
		x := types.Int128{Lo: rapid.Uint64().Draw(t, "lo"), Hi: rapid.Int64().Draw(t, "hi")}
		b := x.Big()
		b.Rsh(b, uint(127-bits))
		if rapid.IntRange(0, 9).Draw(t, "edge") == 0 {
			b = new(big.Int).Lsh(big.NewInt(1), uint(bits))
			b.Add(b, big.NewInt(int64(rapid.IntRange(-1, 1).Draw(t, "d"))))
			if rapid.Bool().Draw(t, "neg") || b.BitLen() > 127 {
				b.Neg(b)
			}
		}
		r, ok := types.Int128FromBig(b)
		if !ok {
			return types.Int128{Hi: -1 << 63}
		}
		return r
	})
}

func inRange(b *big.Int) bool {
	limit := new(big.Int).Lsh(big.NewInt(1), 127)
	return b.Cmp(limit) < 0 && b.Cmp(new(big.Int).Neg(limit)) >= 0
}

func TestInt128Arithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := int128s().Draw(t, "a"), int128s().Draw(t, "b")
		x, y := a.Big(), b.Big()
		check := func(op string, r types.Int128, ok bool, want *big.Int) {
			if ok != inRange(want) {
				t.Fatalf("%v %s %v: ok = %v, exact result %v", x, op, y, ok, want)
			}
			if ok && r.Big().Cmp(want) != 0 {
				t.Fatalf("%v %s %v = %v, want %v", x, op, y, r.Big(), want)
			}
		}
		r, ok := a.Add(b)
		check("+", r, ok, new(big.Int).Add(x, y))
		r, ok = a.Sub(b)
		check("-", r, ok, new(big.Int).Sub(x, y))
		r, ok = a.Mul(b)
		check("*", r, ok, new(big.Int).Mul(x, y))
		if a.Cmp(b) != x.Cmp(y) || a.Sign() != x.Sign() {
			t.Fatalf("order of %v and %v", x, y)
		}
		if b.Sign() != 0 && !(a == types.Int128{Hi: -1 << 63} && b == types.Int128From(-1)) {
			q, m := a.DivMod(b)
			wq, wm := new(big.Int).QuoRem(x, y, new(big.Int))
			if q.Big().Cmp(wq) != 0 || m.Big().Cmp(wm) != 0 {
				t.Fatalf("%v / %v = %v rest %v, want %v rest %v", x, y, q.Big(), m.Big(), wq, wm)
			}
		}
		d := rapid.Int64Range(1, 1<<62).Draw(t, "d")
		q, m := a.DivMod64(d)
		wq, wm := new(big.Int).QuoRem(x, big.NewInt(d), new(big.Int))
		if q.Big().Cmp(wq) != 0 || m != wm.Int64() {
			t.Fatalf("%v / %d = %v rest %d", x, d, q.Big(), m)
		}
	})
}

func TestInt128Rescale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := int128s().Draw(t, "a")
		from, to := rapid.IntRange(0, 45).Draw(t, "from"), rapid.IntRange(0, 45).Draw(t, "to")
		if rapid.Bool().Draw(t, "tie") && from > to && from-to <= 38 { // exactly a half
			q := types.Int128From(rapid.Int64Range(-9, 9).Draw(t, "q"))
			half := types.Pow10(from - to)
			half, _ = half.DivMod64(2)
			p, ok := types.Pow10(from - to).Mul(q)
			if s, ok2 := p.Add(half); ok && ok2 {
				a = s
			}
		}
		want := rescaleBig(a.Big(), from, to)
		r, ok := a.Rescale(from, to)
		if ok != inRange(want) {
			t.Fatalf("Rescale(%v, %d, %d): ok = %v, want %v", a.Big(), from, to, ok, want)
		}
		if ok && r.Big().Cmp(want) != 0 {
			t.Fatalf("Rescale(%v, %d, %d) = %v, want %v", a.Big(), from, to, r.Big(), want)
		}
	})
}

// rescaleBig rounds half away from zero.
func rescaleBig(x *big.Int, from, to int) *big.Int {
	ten := big.NewInt(10)
	if to >= from {
		return new(big.Int).Mul(x, new(big.Int).Exp(ten, big.NewInt(int64(to-from)), nil))
	}
	p := new(big.Int).Exp(ten, big.NewInt(int64(from-to)), nil)
	q, m := new(big.Int).QuoRem(x, p, new(big.Int))
	if m.Abs(m).Lsh(m, 1).Cmp(p) >= 0 {
		q.Add(q, big.NewInt(int64(x.Sign())))
	}
	return q
}

func TestInt128Text(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := int128s().Draw(t, "a")
		scale := rapid.IntRange(0, 30).Draw(t, "scale")
		s := string(a.AppendDecimal(nil, scale))
		r, exact, ok := types.ParseDecimal(s, scale)
		if !ok || !exact || r != a {
			t.Fatalf("%v with scale %d is written %q, read back as %v, %v, %v", a.Big(), scale, s, r.Big(), exact, ok)
		}
		want, _ := new(big.Float).SetInt(a.Big()).Float64()
		if a.Float64() != want {
			t.Fatalf("Float64 of %v = %v, want %v", a.Big(), a.Float64(), want)
		}
	})
}

func TestParseDecimal(t *testing.T) {
	for _, c := range []struct {
		in    string
		scale int
		want  string
		exact bool
		ok    bool
	}{
		{"1.5", 0, "2", false, true}, {"-1.5", 0, "-2", false, true}, {"1.49", 1, "1.5", false, true},
		{" 12e2 ", 0, "1200", true, true}, {"1e-3", 3, "0.001", true, true}, {"", 0, "", false, false},
		{"abc", 0, "", false, false}, {"1/3", 2, "", false, false}, {"0x10", 0, "", false, false}, {"Inf", 0, "", false, false},
		{"170141183460469231731687303715884105728", 0, "", true, false},
		{"170141183460469231731687303715884105727", 0, "170141183460469231731687303715884105727", true, true},
		{"1e99999999", 0, "", false, false},
	} {
		v, exact, ok := types.ParseDecimal(c.in, c.scale)
		if ok != c.ok || ok && (exact != c.exact || string(v.AppendDecimal(nil, c.scale)) != c.want) {
			t.Errorf("ParseDecimal(%q, %d) = %s, %v, %v", c.in, c.scale, v.AppendDecimal(nil, c.scale), exact, ok)
		}
	}
}
