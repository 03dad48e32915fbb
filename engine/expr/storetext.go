package expr

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// StoreText lets a String expression through if it has at most max characters, spaces at its end left out; they are
// dropped where there is no room for them, and with trim (a column of type CHAR) everywhere. Error: *ValueError (1406).
func StoreText(e Expr, max int, trim bool, column string) Expr {
	if l, ok := e.(*Literal); ok && !l.Val.Valid {
		return e
	}
	f := &Function{Name: "store_text", Strict: true, RawNulls: true,
		Resolve: func(args []Expr) ([]Expr, types.Type, bool, error) {
			return args, types.Of(types.String), args[0].Nullable(), nil
		},
		Eval: func(ctx *EvalCtx, args []*vector.Vector, n int, sel []uint16, typ types.Type) (*vector.Vector, error) {
			k := &caster{c: ctx, from: args[0].Type, to: typ, store: &storeTarget{column: column}}
			return k.fitText(args[0], n, sel, max, trim)
		}}
	return fold(&Call{Name: f.Name, Args: []Expr{e}, Typ: types.Of(types.String), Null: e.Nullable(), impl: f})
}

// StoreUTF8 lets a String expression through if it is UTF-8, which a column of text must be: other engines cannot read it
// else. Error: *ValueError (1366); without strictness the text ends before its first wrong byte.
func StoreUTF8(e Expr, column string) Expr {
	if l, ok := e.(*Literal); ok && (!l.Val.Valid || utf8.ValidString(l.Val.S)) {
		return e
	}
	f := &Function{Name: "store_utf8", Strict: true, RawNulls: true, Resolve: resolveSame,
		Eval: func(ctx *EvalCtx, args []*vector.Vector, n int, sel []uint16, typ types.Type) (*vector.Vector, error) {
			a := args[0]
			if a.Codes != nil && a.Dict.Len <= n && allUTF8(a.Dict) {
				return a, nil
			}
			k := &caster{c: ctx, from: a.Type, to: typ, store: &storeTarget{column: column}}
			return k.fitUTF8(a, n, sel)
		}}
	return fold(&Call{Name: f.Name, Args: []Expr{e}, Typ: e.Type(), Null: e.Nullable(), impl: f})
}

func allUTF8(v *vector.Vector) bool {
	for i := range v.Len {
		if !v.IsNull(i) && !utf8.Valid(v.Bytes(i)) {
			return false
		}
	}
	return true
}

// fitUTF8 returns a itself if all its rows are UTF-8.
func (k *caster) fitUTF8(a *vector.Vector, n int, sel []uint16) (*vector.Vector, error) {
	fits := true
	err := k.each(a, n, sel, func(i int) error {
		s := a.Bytes(i)
		if utf8.Valid(s) {
			return nil
		}
		fits = false
		return k.storeError(CodeIncorrectValue, string(s), "Incorrect string value: '%s' for column '%s' at row %d", hexText(s[len(validPrefix(s)):]), k.store.column, k.row)
	})
	if fits || err != nil {
		return a, err
	}
	w := k.c.Bytes(k.to, n)
	if err := k.each(a, n, sel, func(i int) error {
		w.Set(i, validPrefix(a.Bytes(i)))
		return nil
	}); err != nil {
		return nil, err
	}
	out, err := w.Done()
	out.Valid = a.Valid
	return out, err
}

// validPrefix returns s up to its first byte that is not UTF-8.
func validPrefix(s []byte) []byte {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRune(s[i:])
		if r == utf8.RuneError && size == 1 {
			return s[:i]
		}
		i += size
	}
	return s
}

// hexText shows the first bytes of s as MySQL does.
func hexText(s []byte) string {
	const most = 6
	var b strings.Builder
	for _, c := range s[:min(len(s), most)] {
		if c >= ' ' && c < 0x7f {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "\\x%02X", c)
		}
	}
	if len(s) > most {
		b.WriteString("...")
	}
	return b.String()
}

// StoreJSON lets a String expression through, as it is, if it is JSON. Error: *ValueError (3140), whatever sql_mode says.
func StoreJSON(e Expr, column string) Expr {
	f := &Function{Name: "store_json", Strict: true, RawNulls: true, Resolve: resolveSame,
		Eval: func(ctx *EvalCtx, args []*vector.Vector, n int, sel []uint16, typ types.Type) (*vector.Vector, error) {
			k := &caster{c: ctx, from: args[0].Type, to: typ, store: &storeTarget{column: column}}
			return args[0], k.each(args[0], n, sel, func(i int) error {
				if s := args[0].Bytes(i); !json.Valid(s) {
					return k.badJSON(s)
				}
				return nil
			})
		}}
	return fold(&Call{Name: f.Name, Args: []Expr{e}, Typ: e.Type(), Null: e.Nullable(), impl: f})
}

// fitText returns a itself if all its rows fit as they are.
func (k *caster) fitText(a *vector.Vector, n int, sel []uint16, max int, trim bool) (*vector.Vector, error) {
	fits := true
	err := k.each(a, n, sel, func(i int) error {
		s := a.Bytes(i)
		switch {
		case trim && bytes.HasSuffix(s, []byte(" ")):
			fits = false
		case len(s) <= max || utf8.RuneCount(s) <= max:
			return nil
		}
		fits = false
		if utf8.RuneCount(bytes.TrimRight(s, " ")) > max && k.c.Env.Lenient {
			k.c.Warn(CodeTruncated, fmt.Sprintf("Data truncated for column '%s' at row %d", k.store.column, k.row))
		} else if utf8.RuneCount(bytes.TrimRight(s, " ")) > max {
			return k.storeError(CodeTooLong, string(s), "Data too long for column '%s' at row %d", k.store.column, k.row)
		}
		return nil
	})
	if fits || err != nil {
		return a, err
	}
	w := k.c.Bytes(k.to, n)
	err = k.each(a, n, sel, func(i int) error {
		s := a.Bytes(i)
		short := bytes.TrimRight(firstRunes(s, max), " ")
		for room := max - utf8.RuneCount(short); !trim && room > 0 && len(short) < len(s); room-- {
			short = s[:len(short)+1]
		}
		w.Set(i, short)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out, err := w.Done()
	out.Valid = a.Valid
	return out, err
}

// firstRunes returns the first n characters of s.
func firstRunes(s []byte, n int) []byte {
	end := 0
	for ; n > 0 && end < len(s); n-- {
		_, size := utf8.DecodeRune(s[end:])
		end += size
	}
	return s[:end]
}

// StoreNotNull replaces NULL by a value, with a warning: what INSERT IGNORE and a sql_mode without strictness store in a
// NOT NULL column. code and msg are the warning's.
func StoreNotNull(e Expr, instead types.Value, code int, msg string) (Expr, error) {
	f := &Function{Name: "warn_null", RawNulls: true, EnvDependent: true, Resolve: resolveSame,
		Eval: func(ctx *EvalCtx, args []*vector.Vector, n int, sel []uint16, _ types.Type) (*vector.Vector, error) {
			for j := range Rows(n, sel) {
				i := j
				if sel != nil {
					i = int(sel[j])
				}
				if args[0].IsNull(i) {
					ctx.Warn(code, msg)
				}
			}
			return args[0], nil
		}}
	return New("coalesce", &Call{Name: f.Name, Args: []Expr{e}, Typ: e.Type(), Null: true, impl: f}, &Literal{Val: instead})
}

func resolveSame(args []Expr) ([]Expr, types.Type, bool, error) {
	return args, args[0].Type(), args[0].Nullable(), nil
}

// CheckIgnored is cond, a CHECK constraint, as a filter of INSERT IGNORE: rows that make it false go, with a warning.
func CheckIgnored(cond Expr, msg string) Expr {
	f := &Function{Name: "check_ignored", RawNulls: true, EnvDependent: true, Resolve: resolveSame,
		Eval: func(ctx *EvalCtx, args []*vector.Vector, n int, sel []uint16, typ types.Type) (*vector.Vector, error) {
			out := ctx.Out(typ, n)
			clear(out.I32)
			for j := range Rows(n, sel) {
				i := j
				if sel != nil {
					i = int(sel[j])
				}
				if args[0].IsNull(i) || args[0].Int(i) != 0 {
					out.I32[i] = 1
					continue
				}
				ctx.Warn(CodeCheckViolated, msg)
			}
			return out, nil
		}}
	return &Call{Name: f.Name, Args: []Expr{cond}, Typ: types.Of(types.Bool), impl: f}
}
