package expr

import (
	"github.com/featuresql/featuresql/engine/expr/kernel"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// castFunction is CAST; its target is the call's type. New does not build it (Cast does).
var castFunction = &Function{Name: "cast", Category: "operator", Signature: "cast(a as type)",
	Doc:    "Conversion to SIGNED, UNSIGNED, DECIMAL, DOUBLE, FLOAT, CHAR, BINARY, DATE, DATETIME, TIME or JSON.",
	Strict: true, RawNulls: true,
	Resolve: func([]Expr) ([]Expr, types.Type, bool, error) {
		return nil, types.Type{}, false, &TypeError{Function: "cast", Reason: "needs a target type"}
	},
	Eval: func(ctx *EvalCtx, args []*vector.Vector, n int, sel []uint16, typ types.Type) (*vector.Vector, error) {
		return ctx.cast(args[0], n, sel, typ, nil)
	},
}

func init() { Register(castFunction) }

// CastStrict converts e for storing into a column of type to, as MySQL's strict mode does: values are rounded to the
// column's scale, but a value that is out of range (1264), cut (1265) or no value of the type (1292, 1366, 3140) is a
// *ValueError that names the column and the row.
func CastStrict(e Expr, to types.Type, column string) Expr {
	if e.Type() == to {
		return e
	}
	if l, ok := e.(*Literal); ok && !l.Val.Valid {
		return &Literal{Val: types.NullOf(to)}
	}
	store := &storeTarget{column: column}
	f := &Function{Name: "cast", Strict: true, RawNulls: true, Resolve: castFunction.Resolve,
		Eval: func(ctx *EvalCtx, args []*vector.Vector, n int, sel []uint16, typ types.Type) (*vector.Vector, error) {
			return ctx.cast(args[0], n, sel, typ, store)
		}}
	return fold(&Call{Name: "cast", Args: []Expr{e}, Typ: to, Null: e.Nullable(), impl: f})
}

// storeTarget is the column that a strict conversion is for.
type storeTarget struct{ column string }

// cast converts a. store is nil for CAST.
func (c *EvalCtx) cast(a *vector.Vector, n int, sel []uint16, to types.Type, store *storeTarget) (*vector.Vector, error) {
	if a.AllNull() || a.Type.Kind == types.Null {
		return c.allNull(to, n), nil
	}
	if out := c.castFast(a, n, sel, to); out != nil {
		return out, nil
	}
	k := &caster{c: c, from: a.Type, to: to, store: store}
	switch {
	case to.IsInteger():
		return k.toInteger(a, n, sel)
	case to.IsFloat():
		return k.toFloat(a, n, sel)
	case to.Kind == types.Decimal:
		return k.toDecimal(a, n, sel)
	case to.IsTemporal():
		return k.toTemporal(a, n, sel)
	case to.Kind == types.JSON:
		return k.toJSON(a, n, sel)
	case to.IsBytes():
		return k.toText(a, n, sel)
	}
	return nil, &TypeError{Function: "cast", Reason: "no conversion to " + to.String()}
}

// castFast serves conversions that cannot fail, array at a time; nil if this is none of them.
func (c *EvalCtx) castFast(a *vector.Vector, n int, sel []uint16, to types.Type) *vector.Vector {
	from := a.Type
	switch {
	case from.IsBytes() && to.IsBytes() && to.Kind != types.JSON,
		from.Kind == types.Float32 && to.Kind == types.Float64,
		from.IsInteger() && from.Physical() == types.PhysI32 && to.Physical() == types.PhysI32 && to.IsInteger() && to.Kind >= from.Kind,
		from.IsInteger() && from.Physical() == types.PhysI64 && from.Kind != types.Uint64 && to.Kind == types.Decimal && to.Scale == 0 && to.Precision >= 19:
		return c.retype(a, to)
	case from.IsInteger() && from.Physical() == types.PhysI32 && (to.Kind == types.Int64 || to.Kind == types.Decimal && to.Scale == 0 && to.Precision >= 10):
		f := c.Flat(0, a, sel)
		out := c.OutPhys(to, types.PhysI64, n)
		kernel.Widen(out.I64, f.I32)
		out.Valid = a.Valid
		return out
	case from.IsInteger() && from.Kind != types.Uint64 && to.Kind == types.Float64:
		f := c.Flat(0, a, sel)
		out := c.Out(to, n)
		if f.Phys == types.PhysI32 {
			kernel.Float(out.F64, f.I32)
		} else {
			kernel.Float(out.F64, f.I64)
		}
		out.Valid = a.Valid
		return out
	case from.Kind == types.Decimal && to.Kind == types.Decimal:
		return c.castDecimalFast(a, n, sel, to)
	case from.Kind == types.Date && to.Kind == types.TimestampNTZ:
		f := c.Flat(0, a, sel)
		out := c.Out(to, n)
		for i, d := range f.I32[:n] {
			out.I64[i] = int64(d) * types.MicrosPerDay
		}
		out.Valid = a.Valid
		return out
	}
	return nil
}

// castDecimalFast changes the scale of a narrow decimal upwards where this batch's magnitudes allow it.
func (c *EvalCtx) castDecimalFast(a *vector.Vector, n int, sel []uint16, to types.Type) *vector.Vector {
	up := int(to.Scale) - int(a.Type.Scale)
	room := int(to.Precision)-int(to.Scale) >= int(a.Type.Precision)-int(a.Type.Scale)
	switch {
	case up == 0 && room:
		return c.retype(a, to)
	case up < 0 || up > 18 || !room || a.Phys != types.PhysI64:
		return nil
	}
	f := c.Flat(0, a, sel)
	if magnitude(f, false, n, sel)+bitsOfPow10(up) > 62 {
		return nil
	}
	out := c.OutPhys(to, types.PhysI64, n)
	kernel.MulScalarUnchecked(out.I64, f.I64, types.Pow10Int64(up))
	out.Valid = a.Valid
	return out
}

// retype returns a under another type of the same layout, without copying values.
func (c *EvalCtx) retype(a *vector.Vector, to types.Type) *vector.Vector {
	c.alias = *a
	c.alias.Type = to
	if a.Codes == nil {
		return &c.alias
	}
	if c.aliasOf != a.Dict || a.Dict.Len == 1 { // see dictNode.unchanged
		d := *a.Dict
		d.Type = to
		c.aliasOf, c.aliasDict = a.Dict, &d
	}
	c.alias.Dict = c.aliasDict
	return &c.alias
}

// caster converts the rows of one vector.
type caster struct {
	c        *EvalCtx
	from, to types.Type
	store    *storeTarget
	row      int
}

// each calls f for every live row that is not NULL.
func (k *caster) each(a *vector.Vector, n int, sel []uint16, f func(i int) error) error {
	for j := range Rows(n, sel) {
		i := j
		if sel != nil {
			i = int(sel[j])
		}
		if a.IsNull(i) {
			continue
		}
		k.row = int(k.c.first) + i + 1
		if err := f(i); err != nil {
			return err
		}
	}
	return nil
}

// ownValid gives out a copy of a's validity that may be written to.
func (c *EvalCtx) ownValid(out, a *vector.Vector) {
	if a.Valid == nil {
		return
	}
	c.valid = grow(c.valid, (out.Len+63)/64)
	copy(c.valid, a.Valid)
	out.Valid = c.valid
}
