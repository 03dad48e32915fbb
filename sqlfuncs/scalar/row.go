package scalar

import (
	"fmt"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

var (
	tBool   = types.Of(types.Bool)
	tInt    = types.Of(types.Int64)
	tUint   = types.Of(types.Uint64)
	tFloat  = types.Of(types.Float64)
	tString = types.Of(types.String)
	tBinary = types.Of(types.Binary)
	tDate   = types.Of(types.Date)
	tNTZ    = types.Of(types.TimestampNTZ)
	tTS     = types.Of(types.Timestamp)
	tTime   = types.Of(types.Time)
	tJSON   = types.Of(types.JSON)
	tMicros = types.DecimalOf(20, 6)
)

// spec describes a function that computes row by row.
type spec struct {
	name    string
	aliases []string
	sig     string // signature shown in the documentation
	doc     string
	cat     string

	// args has one letter an operand, naming what it is converted to: s text (binary stays binary), i BIGINT, u BIGINT
	// UNSIGNED, f DOUBLE, d DATE or DATETIME, D DATE, T DATETIME, S TIMESTAMP, t TIME, j JSON text, n any number, x
	// anything. Operands after '?' may be left out; '*' repeats the last letter.
	args string
	ret  types.Type
	// typ overrides ret, given the converted operands.
	typ func(args []expr.Expr) types.Type
	// prep computes what row finds in Row.State from constant operands.
	prep func(args []expr.Expr) (any, error)
	row  func(r *Row) error
	// each computes, instead of row, a BIGINT of one DATE (in microseconds), DATETIME or TIME.
	each func(us int64) int64

	nullsIn   bool // called with NULL operands too
	nullsOut  bool // may return NULL for non-NULL operands
	env       bool // reads the environment
	volatile  bool
	binaryOut bool // text results are binary if an operand is
	common    bool // the operands are converted to one type, which is the result's
}

// Row gives a row function its operands and takes its result.
type Row struct {
	Ctx   *expr.EvalCtx
	State any // what prep returned

	args []*vector.Vector
	i    int
	out  *vector.Vector
	w    *expr.Bytes
	bin  bool // the first operand is binary: characters are bytes
	tmp  []byte
}

// N is the number of operands.
func (r *Row) N() int { return len(r.args) }

// IsNull reports whether operand k is NULL.
func (r *Row) IsNull(k int) bool { return r.args[k].Type.Kind == types.Null || r.args[k].IsNull(r.i) }

// Str returns operand k; it must not be changed or kept.
func (r *Row) Str(k int) []byte { return r.args[k].Bytes(r.i) }

// Int returns operand k, an integer or temporal one.
func (r *Row) Int(k int) int64 { return r.args[k].Int(r.i) }

// Float returns operand k.
func (r *Row) Float(k int) float64 { return r.args[k].Float(r.i) }

// Dec returns operand k's unscaled value.
func (r *Row) Dec(k int) types.Int128 { return r.args[k].Decimal(r.i) }

// Micros returns operand k, a DATE or DATETIME, in microseconds of its clock.
func (r *Row) Micros(k int) int64 {
	x := r.args[k].Int(r.i)
	if r.args[k].Type.Kind == types.Date {
		return x * types.MicrosPerDay
	}
	return x
}

// Days returns operand k, a DATE or DATETIME, in days since 1970-01-01.
func (r *Row) Days(k int) int64 {
	x := r.args[k].Int(r.i)
	if r.args[k].Type.Kind == types.Date {
		return x
	}
	d, _ := types.FloorDiv(x, types.MicrosPerDay)
	return d
}

// Null makes the result NULL.
func (r *Row) Null() error {
	r.Ctx.SetNull(r.out, r.i)
	return nil
}

// RetInt makes x the result, an integer, temporal or boolean one.
func (r *Row) RetInt(x int64) error {
	if r.out.Phys == types.PhysI32 {
		r.out.I32[r.i] = int32(x)
	} else {
		r.out.I64[r.i] = x
	}
	return nil
}

// RetBool makes b the result.
func (r *Row) RetBool(b bool) error {
	r.out.I32[r.i] = 0
	if b {
		r.out.I32[r.i] = 1
	}
	return nil
}

// RetFloat makes f the result; one that is not finite is out of range.
func (r *Row) RetFloat(f float64) error {
	if f-f != 0 {
		return r.Ctx.RangeError(tFloat)
	}
	r.out.F64[r.i] = f
	return nil
}

// RetDec makes the unscaled value x the result.
func (r *Row) RetDec(x types.Int128) error {
	if r.out.Phys == types.PhysI64 {
		if !x.Fits64() {
			return r.Ctx.RangeError(r.out.Type)
		}
		r.out.I64[r.i] = int64(x.Lo)
		return nil
	}
	r.out.I128[r.i] = x
	return nil
}

// RetStr makes s the result.
func (r *Row) RetStr(s []byte) error {
	if r.w.Room(r.i, len(s)) {
		r.w.Set(r.i, s)
	}
	return nil
}

// RetString makes s the result.
func (r *Row) RetString(s string) error {
	if r.w.Room(r.i, len(s)) {
		r.w.SetString(r.i, s)
	}
	return nil
}

// Buf returns a buffer to append the result to; hand it to RetBuf.
func (r *Row) Buf() []byte { return r.w.Buf() }

// RetBuf makes what was appended to Buf the result.
func (r *Row) RetBuf(b []byte) error {
	r.w.End(r.i, b)
	return nil
}

// RetOperand makes operand k, of the result's type, the result.
func (r *Row) RetOperand(k int) error {
	switch r.out.Phys {
	case types.PhysBytes:
		return r.RetStr(r.Str(k))
	case types.PhysF64:
		r.out.F64[r.i] = r.Float(k)
		return nil
	case types.PhysI128:
		return r.RetDec(r.Dec(k))
	}
	if r.out.Type.Kind == types.Decimal {
		return r.RetDec(r.Dec(k))
	}
	return r.RetInt(r.Int(k))
}

// Warn records a warning.
func (r *Row) Warn(code int, format string, args ...any) {
	r.Ctx.Warn(code, fmt.Sprintf(format, args...))
}

// register adds functions to the registry of engine/expr.
func register(cat string, specs ...spec) {
	for _, s := range specs {
		s.cat = cat
		expr.Register(s.function())
	}
}

func (s spec) function() *expr.Function {
	least, most := s.arity()
	return &expr.Function{
		Name: s.name, Aliases: s.aliases, Signature: s.sig, Doc: s.doc, Category: s.cat,
		Strict: !s.nullsIn, Volatile: s.volatile, EnvDependent: s.env,
		Resolve: func(args []expr.Expr) ([]expr.Expr, types.Type, bool, error) {
			if len(args) < least || most >= 0 && len(args) > most {
				return nil, types.Type{}, false, &expr.TypeError{Function: s.name, Count: true}
			}
			out, nullable, binary := make([]expr.Expr, len(args)), s.nullsOut || s.nullsIn, false
			for i, a := range args {
				c, err := convert(a, s.letter(i), s.name)
				if err != nil {
					return nil, types.Type{}, false, err
				}
				out[i] = c
				nullable = nullable || c.Nullable()
				binary = binary || c.Type().Kind == types.Binary
			}
			t := s.ret
			if s.common {
				t = expr.ResultType(out...)
				for i := range out {
					out[i] = expr.Cast(out[i], t)
				}
			}
			if s.typ != nil {
				t = s.typ(out)
			}
			if t.Kind == types.String && s.binaryOut && binary {
				t = tBinary
			}
			return out, t, nullable, nil
		},
		Prepare: func(_ *expr.Env, args []expr.Expr) (any, error) {
			r := &Row{}
			if s.prep != nil {
				var err error
				if r.State, err = s.prep(args); err != nil {
					return nil, err
				}
			}
			return r, nil
		},
		Eval: s.eval,
	}
}

// arity returns the least and the greatest number of operands; -1: any.
func (s spec) arity() (least, most int) {
	optional := false
	for _, c := range s.args {
		switch c {
		case '?':
			optional = true
		case '*':
			return least, -1
		default:
			most++
			if !optional {
				least++
			}
		}
	}
	return least, most
}

// letter returns the conversion of operand i.
func (s spec) letter(i int) byte {
	last := byte('x')
	for j := range len(s.args) {
		switch c := s.args[j]; c {
		case '?':
		case '*':
			return last
		default:
			if last = c; i == 0 {
				return c
			}
			i--
		}
	}
	return last
}

// convert casts an operand to what a letter of spec.args names.
func convert(e expr.Expr, letter byte, name string) (expr.Expr, error) {
	t := e.Type()
	switch letter {
	case 's':
		if t.Kind == types.Binary {
			return e, nil
		}
		return expr.Cast(e, tString), nil
	case 'i':
		return expr.Cast(e, tInt), nil
	case 'u':
		if t.Kind == types.Decimal || t.IsFloat() {
			e = expr.Cast(e, tInt) // rounded, and below 0 as its bits
		}
		return expr.Cast(e, tUint), nil
	case 'f':
		return expr.Cast(e, tFloat), nil
	case 'd':
		if t.Kind == types.Date {
			return e, nil
		}
		return expr.Cast(e, tNTZ), nil
	case 'D':
		return expr.Cast(e, tDate), nil
	case 'T':
		return expr.Cast(e, tNTZ), nil
	case 'S':
		return expr.Cast(e, tTS), nil
	case 'w': // a time or a datetime; text says itself which
		switch {
		case t.Kind == types.Time || t.Kind == types.String || t.Kind == types.Binary:
			return e, nil
		case t.IsTemporal():
			return expr.Cast(e, tNTZ), nil
		}
		return expr.Cast(e, tTime), nil
	case 't':
		return expr.Cast(e, tTime), nil
	case 'j':
		return expr.Cast(e, tString), nil
	case 'n':
		return number(e), nil
	case 'x':
		return e, nil
	}
	return nil, &expr.TypeError{Function: name, Reason: "internal: unknown conversion " + string(letter)}
}

// number converts what is not a number to one: text to DOUBLE, dates and times to their digits.
func number(e expr.Expr) expr.Expr {
	switch t := e.Type(); {
	case t.Kind == types.Null:
		return expr.Cast(e, tInt)
	case t.IsNumeric():
		return e
	case t.Kind == types.Date:
		return expr.Cast(e, tInt)
	case t.IsTemporal():
		return expr.Cast(e, tMicros)
	}
	return expr.Cast(e, tFloat)
}

func (s spec) eval(ctx *expr.EvalCtx, args []*vector.Vector, n int, sel []uint16, typ types.Type) (*vector.Vector, error) {
	if s.each != nil {
		return evalEach(ctx, args[0], n, sel, s.each), nil
	}
	r := ctx.State.(*Row)
	r.Ctx, r.args, r.w = ctx, args, nil
	r.bin = len(args) > 0 && args[0].Type.Kind == types.Binary
	if typ.IsBytes() {
		r.w = ctx.Bytes(typ, n)
		r.out = r.w.Vector()
	} else {
		r.out = ctx.Out(typ, n)
	}
	for k := range expr.Rows(n, sel) {
		r.i = k
		if sel != nil {
			r.i = int(sel[k])
		}
		if err := s.row(r); err != nil {
			return nil, err
		}
	}
	if r.w != nil {
		return r.w.Done()
	}
	return r.out, nil
}

// evalEach maps the values of one temporal vector.
func evalEach(ctx *expr.EvalCtx, a *vector.Vector, n int, sel []uint16, f func(int64) int64) *vector.Vector {
	a = ctx.Flat(0, a, sel)
	out := ctx.Out(tInt, n)
	for k := range expr.Rows(n, sel) {
		i := k
		if sel != nil {
			i = int(sel[k])
		}
		if a.Phys == types.PhysI32 {
			out.I64[i] = f(int64(a.I32[i]) * types.MicrosPerDay)
		} else {
			out.I64[i] = f(a.I64[i])
		}
	}
	return out
}

// constString returns the text of a literal operand.
func constString(e expr.Expr) (string, bool) {
	l, ok := e.(*expr.Literal)
	if !ok || !l.Val.Valid || !l.Val.Type.IsBytes() {
		return "", false
	}
	return l.Val.S, true
}

// constInt returns the value of a literal integer operand.
func constInt(e expr.Expr) (int64, bool) {
	l, ok := e.(*expr.Literal)
	if !ok || !l.Val.Valid || !l.Val.Type.IsInteger() {
		return 0, false
	}
	return l.Val.I, true
}
