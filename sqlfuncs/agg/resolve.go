package agg

import (
	"fmt"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

// canonical maps MySQL's spellings to the names used here.
var canonical = map[string]string{
	"count": "count", "sum": "sum", "avg": "avg", "min": "min", "max": "max", "any_value": "any_value", "first": "any_value",
	"bit_and": "bit_and", "bit_or": "bit_or", "bit_xor": "bit_xor",
	"std": "stddev_pop", "stddev": "stddev_pop", "stddev_pop": "stddev_pop", "stddev_samp": "stddev_samp",
	"variance": "var_pop", "var_pop": "var_pop", "var_samp": "var_samp",
	"group_concat": "group_concat", "json_arrayagg": "json_arrayagg", "json_objectagg": "json_objectagg",
}

// Known reports whether name (lower case) is an aggregate function of this package.
func Known(name string) bool { return canonical[name] != "" }

// intDigits is the number of decimal digits MySQL gives an integer type.
func intDigits(k types.Kind) int {
	switch k {
	case types.Bool, types.Int8:
		return 3
	case types.Int16:
		return 5
	case types.Int32:
		return 10
	case types.Uint64:
		return 20
	}
	return 19
}

// Digits MySQL adds to a sum, and to the scale of an average (div_precision_increment).
const (
	sumDigits = 22
	avgScale  = 4
)

// Resolve returns the type of the named aggregate over arguments of the given types, by MySQL's rules (manual,
// "Aggregate Function Descriptions"): SUM of DECIMAL(p,s) is DECIMAL(p+22,s), AVG is DECIMAL(p+4,s+4), both
// of a float or string DOUBLE. Errors are *expr.UnknownFunctionError and *expr.TypeError.
func Resolve(name string, args []types.Type, distinct bool) (types.Type, error) {
	fn := canonical[name]
	if fn == "" {
		return types.Type{}, &expr.UnknownFunctionError{Name: name}
	}
	if err := checkArgs(fn, len(args), distinct); err != nil {
		return types.Type{}, err
	}
	switch fn {
	case "count":
		return types.Of(types.Int64), nil
	case "sum", "avg":
		return sumType(fn, ArgType(name, 0, args[0])), nil
	case "bit_and", "bit_or", "bit_xor":
		return types.Of(types.Uint64), nil
	case "stddev_pop", "stddev_samp", "var_pop", "var_samp":
		return types.Of(types.Float64), nil
	case "group_concat":
		return types.Of(types.String), nil
	case "json_arrayagg", "json_objectagg":
		return types.Of(types.JSON), nil
	}
	return args[0], nil // min, max, any_value
}

func checkArgs(fn string, n int, distinct bool) error {
	lo, hi := 1, 1
	switch {
	case fn == "count" && distinct, fn == "group_concat":
		hi = 1 << 10
	case fn == "count":
		lo = 0
	case fn == "json_objectagg":
		lo, hi = 2, 2
	}
	if n < lo || n > hi {
		return &expr.TypeError{Function: fn, Reason: fmt.Sprintf("%d arguments", n)}
	}
	return nil
}

func sumType(fn string, t types.Type) types.Type {
	digits, scale := 0, 0
	switch {
	case t.Kind == types.Decimal:
		digits, scale = int(t.Precision), int(t.Scale)
	case t.IsInteger():
		digits = intDigits(t.Kind)
	default:
		return types.Of(types.Float64)
	}
	if fn == "sum" {
		return types.DecimalOf(digits+sumDigits, scale)
	}
	s := types.ResultScale(scale+avgScale, scale)
	return types.DecimalOf(digits+avgScale, s)
}

// ArgType returns the type to which argument i, of type t, is cast before it is folded; t itself where the
// function takes it as it is.
func ArgType(name string, i int, t types.Type) types.Type {
	switch canonical[name] {
	case "sum", "avg":
		switch {
		case t.IsNumeric():
			return t
		case t.Kind == types.Date:
			return types.Of(types.Int64) // as the number YYYYMMDD
		case t.IsTemporal():
			return types.DecimalOf(20, 6)
		}
		return types.Of(types.Float64)
	case "bit_and", "bit_or", "bit_xor":
		if t.IsInteger() {
			return t
		}
		return types.Of(types.Int64)
	case "stddev_pop", "stddev_samp", "var_pop", "var_samp":
		return types.Of(types.Float64)
	case "group_concat":
		if t.IsBytes() {
			return t
		}
		return types.Of(types.String)
	case "json_objectagg":
		if i == 0 && !t.IsBytes() {
			return types.Of(types.String)
		}
	}
	return t
}

// Nullable reports whether the result can be NULL although no argument is.
func Nullable(name string) bool {
	switch canonical[name] {
	case "count", "bit_and", "bit_or", "bit_xor":
		return false
	}
	return true
}
