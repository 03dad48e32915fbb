package expr_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

// errRange stands for every out of range error of the reference.
var errRange = errors.New("out of range")

// reference evaluates an expression for one row, with big numbers and without any of the package's kernels.
func reference(e expr.Expr, row []types.Value) (types.Value, error) {
	switch e := e.(type) {
	case *expr.Literal:
		return e.Val, nil
	case *expr.Column:
		return row[e.Index], nil
	case *expr.Call:
		return referenceCall(e, row)
	}
	return types.Value{}, fmt.Errorf("no reference for %T", e)
}

func boolValue(b bool) types.Value { return types.BoolValue(b) }

func truth(v types.Value) bool { return v.Valid && v.I != 0 }

func referenceCall(c *expr.Call, row []types.Value) (types.Value, error) {
	null := types.NullOf(c.Typ)
	switch c.Name {
	case "and", "or":
		sawNull := false
		for _, a := range c.Args {
			v, err := reference(a, row)
			switch {
			case err != nil:
				return v, err
			case !v.Valid:
				sawNull = true
			case truth(v) == (c.Name == "or"):
				return boolValue(c.Name == "or"), nil
			}
		}
		if sawNull {
			return null, nil
		}
		return boolValue(c.Name == "and"), nil
	case "case", "if":
		for i := 0; i+1 < len(c.Args); i += 2 {
			v, err := reference(c.Args[i], row)
			if err != nil {
				return v, err
			}
			if truth(v) {
				return reference(c.Args[i+1], row)
			}
		}
		return reference(c.Args[len(c.Args)-1], row)
	case "coalesce", "ifnull":
		for _, a := range c.Args {
			if v, err := reference(a, row); err != nil || v.Valid {
				return v, err
			}
		}
		return null, nil
	}
	args := make([]types.Value, len(c.Args))
	anyNull := false
	for i, a := range c.Args {
		v, err := reference(a, row)
		if err != nil {
			return v, err
		}
		args[i] = v
		anyNull = anyNull || !v.Valid
	}
	switch c.Name {
	case "isnull":
		return boolValue(!args[0].Valid), nil
	case "istrue":
		return boolValue(truth(args[0])), nil
	case "isfalse":
		return boolValue(args[0].Valid && args[0].I == 0), nil
	case "<=>":
		return boolValue(anyNull && !args[0].Valid && !args[1].Valid || !anyNull && types.Compare(args[0], args[1]) == 0), nil
	case "in":
		return referenceIn(args)
	case "nullif":
		if !anyNull && types.Compare(args[0], args[1]) == 0 {
			return null, nil
		}
		return args[0], nil
	}
	if anyNull {
		return null, nil
	}
	return referenceStrict(c, args)
}

func referenceIn(args []types.Value) (types.Value, error) {
	null := types.NullOf(types.Of(types.Bool))
	if !args[0].Valid {
		return null, nil
	}
	sawNull := false
	for _, a := range args[1:] {
		if !a.Valid {
			sawNull = true
		} else if types.Compare(args[0], a) == 0 {
			return boolValue(true), nil
		}
	}
	if sawNull {
		return null, nil
	}
	return boolValue(false), nil
}

func referenceStrict(c *expr.Call, args []types.Value) (types.Value, error) {
	switch c.Name {
	case "not":
		return boolValue(args[0].I == 0), nil
	case "xor":
		return boolValue(truth(args[0]) != truth(args[1])), nil
	case "=":
		return boolValue(types.Compare(args[0], args[1]) == 0), nil
	case "<>":
		return boolValue(types.Compare(args[0], args[1]) != 0), nil
	case "<":
		return boolValue(types.Compare(args[0], args[1]) < 0), nil
	case "<=":
		return boolValue(types.Compare(args[0], args[1]) <= 0), nil
	case ">":
		return boolValue(types.Compare(args[0], args[1]) > 0), nil
	case ">=":
		return boolValue(types.Compare(args[0], args[1]) >= 0), nil
	case "cast":
		return referenceCast(args[0], c.Typ)
	case "neg":
		args = []types.Value{types.IntValue(types.Of(types.Int64), 0), args[0]}
		if c.Typ.IsFloat() {
			return types.FloatValue(c.Typ, -args[1].F), nil
		}
		return fromRat(new(big.Rat).Neg(toRat(args[1])), c.Typ)
	}
	if args[0].Type.IsFloat() {
		return referenceFloat(c, args[0].F, args[1].F)
	}
	x, y := toRat(args[0]), toRat(args[1])
	r := new(big.Rat)
	switch c.Name {
	case "+":
		r.Add(x, y)
	case "-":
		r.Sub(x, y)
	case "*":
		r.Mul(x, y)
	default:
		if y.Sign() == 0 {
			return types.NullOf(c.Typ), nil
		}
		r.Quo(x, y)
		if c.Name != "/" {
			q := new(big.Int).Quo(r.Num(), r.Denom())
			whole := new(big.Rat).SetInt(q)
			if c.Name == "%" {
				whole.Sub(x, whole.Mul(whole, y))
			}
			r = whole
		}
	}
	return fromRat(r, c.Typ)
}

func referenceFloat(c *expr.Call, x, y float64) (types.Value, error) {
	var r float64
	switch c.Name {
	case "+":
		r = x + y
	case "-":
		r = x - y
	case "*":
		r = x * y
	default:
		if y == 0 {
			return types.NullOf(c.Typ), nil
		}
		switch c.Name {
		case "/":
			r = x / y
		case "%":
			return types.FloatValue(c.Typ, math.Mod(x, y)), nil
		}
	}
	finite := func(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }
	if finite(x) && finite(y) && !finite(r) {
		return types.Value{}, errRange
	}
	return types.FloatValue(c.Typ, r), nil
}

func toRat(v types.Value) *big.Rat {
	switch {
	case v.Type.Kind == types.Decimal:
		p := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(v.Type.Scale)), nil)
		return new(big.Rat).SetFrac(v.D.Big(), p)
	case v.Type.Kind == types.Uint64:
		return new(big.Rat).SetInt(new(big.Int).SetUint64(uint64(v.I)))
	}
	return new(big.Rat).SetInt64(v.I)
}

// fromRat rounds half away from zero to the scale of t.
func fromRat(r *big.Rat, t types.Type) (types.Value, error) {
	p := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(t.Scale)), nil)
	s := new(big.Rat).Mul(r, new(big.Rat).SetInt(p))
	q, m := new(big.Int).QuoRem(s.Num(), s.Denom(), new(big.Int))
	if m.Abs(m).Lsh(m, 1).Cmp(s.Denom()) >= 0 {
		q.Add(q, big.NewInt(int64(s.Sign())))
	}
	switch {
	case t.Kind == types.Decimal:
		d, ok := types.Int128FromBig(q)
		if !ok {
			return types.Value{}, errRange
		}
		return types.DecimalValue(t, d), nil
	case t.Kind == types.Uint64:
		if !q.IsUint64() {
			return types.Value{}, errRange
		}
		return types.IntValue(t, int64(q.Uint64())), nil
	case !q.IsInt64():
		return types.Value{}, errRange
	}
	return types.IntValue(t, q.Int64()), nil
}

// referenceCast converts between numbers.
func referenceCast(v types.Value, t types.Type) (types.Value, error) {
	switch {
	case t.IsFloat() && v.Type.IsFloat():
		return types.FloatValue(t, v.F), nil
	case t.IsFloat():
		f, _ := toRat(v).Float64()
		return types.FloatValue(t, f), nil
	case t.IsBytes() && v.Type.IsBytes():
		v.Type = t
		return v, nil
	case t.IsBytes():
		return types.BytesValue(t, string(types.AppendText(nil, v))), nil
	case v.Type.IsFloat() || v.Type.IsBytes():
		return types.Value{}, fmt.Errorf("no reference for %s as %s", v.Type, t)
	}
	r, err := fromRat(toRat(v), t)
	if err != nil || t.Kind != types.Decimal || t.Precision > types.MaxPrecision38 {
		return r, err
	}
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(t.Precision)), nil)
	if x := r.D.Big(); x.CmpAbs(limit) >= 0 { // all nines
		limit.Sub(limit, big.NewInt(1))
		if x.Sign() < 0 {
			limit.Neg(limit)
		}
		r.D, _ = types.Int128FromBig(limit)
	}
	return r, nil
}
