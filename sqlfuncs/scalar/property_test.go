package scalar_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

var operandTypes = []types.Type{
	types.Of(types.Bool), types.Of(types.Int32), types.Of(types.Int64), types.Of(types.Uint64), types.Of(types.Float32), types.Of(types.Float64),
	types.DecimalOf(10, 2), types.DecimalOf(38, 10), types.DecimalOf(65, 30), types.Of(types.Date), types.Of(types.Timestamp), types.Of(types.TimestampNTZ),
	types.Of(types.Time), types.Of(types.String), types.Of(types.Binary), types.Of(types.JSON), types.Of(types.String), types.Of(types.Int64),
}

var oddTexts = []string{"", "a", "äöü海", "\xff\xfe", "12", "-3.5e2", "1e400", "2024-02-29 10:11:12.5", "0000-00-00", "{\"a\": [1, {\"b\": null}]}", "$.a[last]", "$**.b", "%Y-%m-%d %H:%i:%s", "%", "day", "(a|b)+", "(", "i", "Europe/Berlin", "+05:30", "l", "1 1:1:1", "%_%", "\\"}

// nasty draws values with the limits of their type among them.
func nasty(t *rapid.T, typ types.Type) types.Value {
	if rapid.IntRange(0, 6).Draw(t, "null") == 0 {
		return types.NullOf(typ)
	}
	small := rapid.Int64Range(-4, 40).Draw(t, "small")
	edge := rapid.IntRange(0, 3).Draw(t, "edge")
	switch {
	case typ.Kind == types.Bool:
		return types.IntValue(typ, small&1)
	case typ.Kind == types.Int32:
		return types.IntValue(typ, []int64{small, small, math.MinInt32, math.MaxInt32}[edge])
	case typ.Kind == types.Date:
		return types.IntValue(typ, []int64{small + 19000, types.MinDay, types.MaxDay, math.MaxInt32}[edge])
	case typ.Kind == types.Time:
		return types.IntValue(typ, []int64{small * 1e9, -types.MaxTime, types.MaxTime, small}[edge])
	case typ.IsTemporal():
		return types.IntValue(typ, []int64{small*1e12 + 1.7e15, types.MinDay * types.MicrosPerDay, (types.MaxDay+1)*types.MicrosPerDay - 1, -small}[edge])
	case typ.IsInteger():
		return types.IntValue(typ, []int64{small, small, math.MinInt64, math.MaxInt64}[edge])
	case typ.IsFloat():
		return types.FloatValue(typ, []float64{float64(small) / 4, math.NaN(), math.Inf(-1), math.MaxFloat32}[edge])
	case typ.Kind == types.Decimal:
		return types.DecimalValue(typ, []types.Int128{types.Int128From(small), types.Int128From(-small), types.Pow10(min(38, int(typ.Precision)) - 1), {Hi: math.MinInt64}}[min(edge, 2+int(typ.Precision)/65)])
	case typ.Kind == types.JSON:
		return types.BytesValue(typ, []string{"null", `{"a": 1}`, `"x"`, "[1, 2.5]"}[edge])
	}
	return types.BytesValue(typ, rapid.SampledFrom(oddTexts).Draw(t, "text"))
}

// TestEveryFunction calls every function with operands of every type. It must not panic, and a row's result must be the
// same in a batch, alone, and dictionary-coded.
func TestEveryFunction(t *testing.T) {
	loc, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	env := &expr.Env{Location: loc, Now: time.Unix(1710052215, 0)}
	functions := expr.Functions()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 5).Draw(t, "rows")
		const stride = 8 // a check looks at every eighth function
		for k := rapid.IntRange(0, stride-1).Draw(t, "first"); k < len(functions); k += stride {
			f := functions[k]
			if f.Volatile {
				continue
			}
			for operands := range 6 { // those that the function does not take are refused by New
				flat, coded := &vector.Batch{Len: n}, &vector.Batch{Len: n}
				var args []expr.Expr
				for range operands {
					typ := rapid.SampledFrom(operandTypes).Draw(t, "type")
					if rapid.IntRange(0, 2).Draw(t, "literal") == 0 {
						args = append(args, &expr.Literal{Val: nasty(t, typ)})
						continue
					}
					args = append(args, &expr.Column{Index: len(flat.Cols), Name: "c", Typ: typ, Null: true})
					addColumn(t, flat, coded, typ)
				}
				if e, err := expr.New(f.Name, args...); err == nil {
					checkRows(t, e, env, flat, coded)
				}
			}
		}
	})
}

// TestEveryCast converts every type to every other.
func TestEveryCast(t *testing.T) {
	loc, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	env := &expr.Env{Location: loc, Now: time.Unix(1710052215, 0)}
	rapid.Check(t, func(t *rapid.T) {
		for range 4 {
			from := rapid.SampledFrom(operandTypes).Draw(t, "from")
			for _, to := range append(operandTypes, types.DecimalOf(4, 4), types.Of(types.Int8)) {
				flat, coded := &vector.Batch{Len: 3}, &vector.Batch{Len: 3}
				addColumn(t, flat, coded, from)
				c := &expr.Column{Name: "c", Typ: from, Null: true}
				checkRows(t, expr.Cast(c, to), env, flat, coded)
				checkRows(t, expr.CastStrict(c, to, "x"), env, flat, coded)
			}
		}
	})
}

// addColumn adds a column of random values, flat to one batch and with a dictionary of three to the other.
func addColumn(t *rapid.T, flat, coded *vector.Batch, typ types.Type) {
	d := vector.New(typ, 0)
	for d.Len < 3 {
		if v := nasty(t, typ); v.Valid {
			d.AppendValue(v)
		}
	}
	v := &vector.Vector{Type: typ, Phys: d.Phys, Len: flat.Len, Codes: make([]int32, flat.Len), Dict: d}
	for i := range v.Codes {
		v.Codes[i] = int32(rapid.IntRange(0, 2).Draw(t, "code"))
		if rapid.IntRange(0, 4).Draw(t, "null row") == 0 {
			v.SetNull(i)
		}
	}
	coded.Cols = append(coded.Cols, v)
	flat.Cols = append(flat.Cols, v.Flat())
}

func checkRows(t *rapid.T, e expr.Expr, env *expr.Env, flat, coded *vector.Batch) {
	whole, err := expr.Compile(e, env)
	if err != nil {
		return // a constant pattern or path that is none
	}
	dict, err := expr.Compile(e, env)
	if err != nil {
		t.Fatal(err)
	}
	a, errA := whole.Eval(flat)
	b, errB := dict.Eval(coded)
	if (errA == nil) != (errB == nil) {
		t.Fatalf("%s: flat %v, dictionary %v", e, errA, errB)
	}
	failed := false
	for i := range flat.Len {
		alone, err := expr.Compile(e, env)
		if err != nil {
			t.Fatal(err)
		}
		one, err := alone.Eval(&vector.Batch{Len: flat.Len, Sel: []uint16{uint16(i)}, Cols: flat.Cols})
		if failed = failed || err != nil; err != nil || errA != nil {
			continue
		}
		x, y, z := show(a.Value(i)), show(b.Value(i)), show(one.Value(i))
		if x != y || x != z {
			t.Fatalf("%s: row %d is %s in a batch, %s from the dictionary, %s alone", e, i, x, y, z)
		}
		if v := a.Value(i); v.Valid && v.Type != e.Type() {
			t.Fatalf("%s: type %s, want %s", e, v.Type, e.Type())
		}
	}
	if failed != (errA != nil) {
		t.Fatalf("%s: the batch gives %v, its rows fail: %v", e, errA, failed)
	}
}

// show renders a value so that NaN equals itself.
func show(v types.Value) string { return fmt.Sprintf("%v %v", v.Type, v) }
