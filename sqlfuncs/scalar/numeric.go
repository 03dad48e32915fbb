package scalar

import (
	"bytes"
	"math"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

func init() {
	register("numeric",
		spec{name: "abs", sig: "abs(x)", doc: "Magnitude.", args: "n", typ: sameNumber, row: abs},
		spec{name: "sign", sig: "sign(x)", doc: "-1, 0 or 1.", args: "n", ret: tInt, row: sign},
		spec{name: "ceil", aliases: []string{"ceiling"}, sig: "ceil(x)", doc: "The least integer not less than x.", args: "n", typ: wholeNumber, row: toWhole(1, math.Ceil)},
		spec{name: "floor", sig: "floor(x)", doc: "The greatest integer not greater than x.", args: "n", typ: wholeNumber, row: toWhole(-1, math.Floor)},
		spec{name: "round", sig: "round(x[, d])", doc: "x rounded to d digits after the point: exact numbers half away from zero, DOUBLE half to even.",
			args: "n?i", typ: roundedType(true), row: round(false)},
		spec{name: "truncate", sig: "truncate(x, d)", doc: "x cut to d digits after the point.", args: "ni", typ: roundedType(false), row: round(true)},
		spec{name: "pow", aliases: []string{"power"}, sig: "pow(x, y)", doc: "x to the power of y.", args: "ff", ret: tFloat,
			row: func(r *Row) error { return r.RetFloat(math.Pow(r.Float(0), r.Float(1))) }},
		spec{name: "log", sig: "log([base, ]x)", doc: "Logarithm, natural or of a base; NULL for x <= 0 or base <= 1.", args: "f?f", ret: tFloat, nullsOut: true, row: logarithm},
		spec{name: "atan", sig: "atan(y[, x])", doc: "Arc tangent of y, or of y/x in the right quadrant.", args: "f?f", ret: tFloat, row: arcTangent},
		spec{name: "atan2", sig: "atan2(y, x)", doc: "Arc tangent of y/x in the right quadrant.", args: "ff", ret: tFloat, row: arcTangent},
		spec{name: "pi", sig: "pi()", doc: "The number pi.", ret: tFloat, row: func(r *Row) error { return r.RetFloat(math.Pi) }},
		spec{name: "greatest", sig: "greatest(a, b, …)", doc: "The greatest operand, compared in their common type.", args: "xx*", common: true, row: extreme(1)},
		spec{name: "least", sig: "least(a, b, …)", doc: "The least operand, compared in their common type.", args: "xx*", common: true, row: extreme(-1)},
		floatSpec("sqrt", "Square root; NULL for negative numbers.", math.Sqrt),
		floatSpec("exp", "e to the power of x.", math.Exp),
		floatSpec("ln", "Natural logarithm; NULL for x <= 0.", positive(math.Log)),
		floatSpec("log2", "Logarithm to base 2; NULL for x <= 0.", positive(math.Log2)),
		floatSpec("log10", "Logarithm to base 10; NULL for x <= 0.", positive(math.Log10)),
		floatSpec("sin", "Sine of radians.", math.Sin),
		floatSpec("cos", "Cosine of radians.", math.Cos),
		floatSpec("tan", "Tangent of radians.", math.Tan),
		floatSpec("cot", "Cotangent of radians.", func(x float64) float64 { return 1 / math.Tan(x) }),
		floatSpec("asin", "Arc sine; NULL outside of -1 to 1.", math.Asin),
		floatSpec("acos", "Arc cosine; NULL outside of -1 to 1.", math.Acos),
		floatSpec("degrees", "Radians in degrees.", func(x float64) float64 { return x * (180 / math.Pi) }),
		floatSpec("radians", "Degrees in radians.", func(x float64) float64 { return x * (math.Pi / 180) }),
	)
}

// floatSpec is a function of one DOUBLE; a result that is not a number is NULL.
func floatSpec(name, doc string, f func(float64) float64) spec {
	return spec{name: name, sig: name + "(x)", doc: doc, args: "f", ret: tFloat, nullsOut: true, row: func(r *Row) error {
		y := f(r.Float(0))
		if math.IsNaN(y) {
			return r.Null()
		}
		return r.RetFloat(y)
	}}
}

func positive(f func(float64) float64) func(float64) float64 {
	return func(x float64) float64 {
		if x <= 0 {
			return math.NaN()
		}
		return f(x)
	}
}

func logarithm(r *Row) error {
	x := r.Float(0)
	if r.N() == 1 {
		if x <= 0 {
			return r.Null()
		}
		return r.RetFloat(math.Log(x))
	}
	base, x := x, r.Float(1)
	if base <= 0 || base == 1 || x <= 0 {
		return r.Null()
	}
	return r.RetFloat(math.Log(x) / math.Log(base))
}

func arcTangent(r *Row) error {
	if r.N() == 1 {
		return r.RetFloat(math.Atan(r.Float(0)))
	}
	return r.RetFloat(math.Atan2(r.Float(0), r.Float(1)))
}

// sameNumber is the operand's type, integers as BIGINT, floats as DOUBLE.
func sameNumber(args []expr.Expr) types.Type {
	switch t := args[0].Type(); {
	case t.Kind == types.Uint64, t.Kind == types.Decimal:
		return t
	case t.IsInteger():
		return tInt
	}
	return tFloat
}

func abs(r *Row) error {
	switch a := r.args[0]; {
	case a.Type.IsFloat():
		return r.RetFloat(math.Abs(r.Float(0)))
	case a.Type.Kind == types.Decimal:
		return r.RetDec(r.Dec(0).Abs())
	case a.Type.Kind == types.Uint64:
		return r.RetInt(r.Int(0))
	}
	x := r.Int(0)
	if x == math.MinInt64 {
		return r.Ctx.RangeError(tInt)
	}
	return r.RetInt(max(x, -x))
}

func sign(r *Row) error {
	if r.args[0].Type.IsFloat() {
		f := r.Float(0)
		return r.RetInt(b2i(f > 0) - b2i(f < 0))
	}
	x, _ := exactOperand(r, 0)
	return r.RetInt(int64(x.Sign()))
}

func b2i(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// wholeNumber is BIGINT for exact numbers that it holds, a decimal without a fraction for greater ones, else DOUBLE.
func wholeNumber(args []expr.Expr) types.Type {
	t := args[0].Type()
	if t.Kind != types.Decimal {
		return sameNumber(args)
	}
	if whole := int(t.Precision) - int(t.Scale); whole >= types.MaxPrecision64 {
		return types.DecimalOf(whole+1, 0)
	}
	return tInt
}

// toWhole rounds in one direction: away is the sign of numbers whose magnitude grows.
func toWhole(away int, f func(float64) float64) func(r *Row) error {
	return func(r *Row) error {
		switch a := r.args[0]; {
		case a.Type.IsFloat():
			return r.RetFloat(f(r.Float(0)))
		case a.Type.Kind != types.Decimal:
			return r.RetInt(r.Int(0))
		}
		x, scale := exactOperand(r, 0)
		q, rest := x.DivMod(types.Pow10(scale))
		if rest.Sign() == away {
			q, _ = q.Add(types.Int128From(int64(away)))
		}
		if r.out.Type.Kind == types.Decimal {
			return r.RetDec(q)
		}
		return r.RetInt(int64(q.Lo))
	}
}

// roundedType gives a decimal the scale that a constant d asks for (Item_func_round in MySQL's terms: the precision
// grows by one if digits are rounded off).
func roundedType(grow bool) func(args []expr.Expr) types.Type {
	return func(args []expr.Expr) types.Type {
		t := args[0].Type()
		if t.Kind != types.Decimal {
			return sameNumber(args)
		}
		d := int64(0)
		if len(args) > 1 {
			var ok bool
			if d, ok = constInt(args[1]); !ok {
				return t
			}
		}
		d = max(0, min(d, max(types.MaxScaleMySQL, int64(t.Scale))))
		precision := int(t.Precision) - int(t.Scale) + int(d)
		if grow && int(d) < int(t.Scale) {
			precision++
		}
		return types.DecimalOf(precision, int(d))
	}
}

func round(cut bool) func(r *Row) error {
	return func(r *Row) error {
		d := int64(0)
		if r.N() > 1 {
			d = max(-400, min(r.Int(1), 400))
		}
		switch a := r.args[0]; {
		case a.Type.IsFloat():
			if cut {
				return r.RetFloat(truncateFloat(r.Float(0), int(d)))
			}
			return r.RetFloat(roundFloat(r.Float(0), int(d)))
		case a.Type.Kind != types.Decimal:
			return roundInteger(r, d, cut)
		}
		x, scale := exactOperand(r, 0)
		to := int(r.out.Type.Scale)
		y, ok := roundDecimal(x, scale, int(min(d, int64(to))), cut)
		if ok {
			y, ok = y.Rescale(max(int(min(d, int64(to))), -40), to)
		}
		if !ok {
			return r.Ctx.RangeError(r.out.Type)
		}
		return r.RetDec(y)
	}
}

// roundDecimal returns x, of a scale, rounded or cut to d digits, as a number of scale d, which may be negative.
func roundDecimal(x types.Int128, scale, d int, cut bool) (types.Int128, bool) {
	d = max(d, -40)
	if !cut || d >= scale {
		return x.Rescale(scale, d)
	}
	if scale-d > 38 {
		return types.Int128{}, true
	}
	q, _ := x.DivMod(types.Pow10(scale - d))
	return q, true
}

func roundInteger(r *Row, d int64, cut bool) error {
	if d >= 0 {
		return r.RetInt(r.Int(0))
	}
	x, _ := exactOperand(r, 0)
	y, _ := roundDecimal(x, 0, int(d), cut)
	y, ok := y.Rescale(max(int(d), -40), 0)
	if !ok || r.out.Type.Kind == types.Uint64 && y.Hi != 0 || r.out.Type.Kind != types.Uint64 && !y.Fits64() {
		return r.Ctx.RangeError(r.out.Type)
	}
	return r.RetInt(int64(y.Lo))
}

// roundFloat rounds half to even after scaling, as MySQL does with the C library.
func roundFloat(f float64, d int) float64 {
	p := math.Pow(10, math.Abs(float64(d)))
	switch {
	case math.IsInf(p, 0) && d < 0:
		return 0
	case d < 0:
		return math.RoundToEven(f/p) * p
	}
	if y := f * p; y-y == 0 {
		return math.RoundToEven(y) / p
	}
	return f
}

func truncateFloat(f float64, d int) float64 {
	p := math.Pow(10, math.Abs(float64(d)))
	switch {
	case math.IsInf(p, 0) && d < 0:
		return 0
	case d < 0:
		return math.Trunc(f/p) * p
	}
	if y := f * p; y-y == 0 {
		return math.Trunc(y) / p
	}
	return f
}

// extreme picks the operand that sorts last (1) or first (-1).
func extreme(want int) func(r *Row) error {
	return func(r *Row) error {
		best := 0
		for k := 1; k < r.N(); k++ {
			if compareOperands(r, k, best) == want {
				best = k
			}
		}
		return r.RetOperand(best)
	}
}

func compareOperands(r *Row, j, k int) int {
	a, b := r.args[j], r.args[k]
	switch {
	case a.Type.IsBytes():
		return bytes.Compare(r.Str(j), r.Str(k))
	case a.Type.IsFloat():
		return types.CompareFloats(r.Float(j), r.Float(k))
	case a.Type.Kind == types.Decimal:
		return a.Decimal(r.i).Cmp(b.Decimal(r.i))
	}
	x, y := r.Int(j), r.Int(k)
	if a.Type.Kind == types.Uint64 {
		x, y = x^math.MinInt64, y^math.MinInt64
	}
	return int(b2i(x > y) - b2i(x < y))
}
