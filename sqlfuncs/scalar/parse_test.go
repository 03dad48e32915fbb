package scalar_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	_ "github.com/featuresql/featuresql/sqlfuncs/scalar"
)

// parser reads the expressions of the test tables: name(arg, …), where a name is a function or an operator, 'text',
// numbers as MySQL types them (12, 1.5 DECIMAL, 1e0 DOUBLE, 5u UNSIGNED), null, true, false, cast(arg as type), and typed
// literals: date”, dt”, ts” (an instant, UTC), time”, json”, x” (binary).
type parser struct {
	t *testing.T
	s string
	// column, if set, replaces literals that are operands of calls.
	column func(v types.Value) expr.Expr
}

func parse(t *testing.T, s string) (expr.Expr, error) {
	p := &parser{t: t, s: s}
	return p.all()
}

func (p *parser) all() (expr.Expr, error) {
	e, err := p.expr()
	if err == nil && strings.TrimSpace(p.s) != "" {
		p.t.Fatalf("left over: %q", p.s)
	}
	return e, err
}

func (p *parser) literal(v types.Value) expr.Expr {
	if p.column != nil {
		return p.column(v)
	}
	return &expr.Literal{Val: v}
}

func (p *parser) expr() (expr.Expr, error) {
	p.s = strings.TrimLeft(p.s, " ")
	if p.s == "" {
		p.t.Fatal("expression expected")
	}
	end := strings.IndexAny(p.s, "(),' ")
	if end < 0 {
		end = len(p.s)
	}
	word := p.s[:end]
	switch {
	case strings.HasPrefix(p.s[end:], "'"):
		p.s = p.s[end:]
		return p.typed(word, p.quoted())
	case strings.HasPrefix(p.s[end:], "("):
		p.s = p.s[end+1:]
		return p.call(strings.ToLower(word))
	}
	p.s = p.s[end:]
	return p.number(word), nil
}

func (p *parser) quoted() string {
	var b strings.Builder
	for i := 1; i < len(p.s); i++ {
		switch {
		case p.s[i] == '\'' && i+1 < len(p.s) && p.s[i+1] == '\'':
			b.WriteByte('\'')
			i++
		case p.s[i] == '\'':
			p.s = p.s[i+1:]
			return b.String()
		default:
			b.WriteByte(p.s[i])
		}
	}
	p.t.Fatalf("no closing quote: %q", p.s)
	return ""
}

var prefixes = map[string]types.Kind{"date": types.Date, "dt": types.TimestampNTZ, "ts": types.Timestamp, "time": types.Time}

func (p *parser) typed(prefix, s string) (expr.Expr, error) {
	switch prefix {
	case "":
		return p.literal(types.StringValue(s)), nil
	case "json":
		return p.literal(types.BytesValue(types.Of(types.JSON), s)), nil
	case "x":
		b, err := expr.EvalConst(mustNew(p.t, "unhex", &expr.Literal{Val: types.StringValue(s)}), nil)
		if err != nil {
			p.t.Fatal(err)
		}
		return p.literal(b), nil
	}
	k, ok := prefixes[prefix]
	if !ok {
		p.t.Fatalf("unknown literal %s'%s'", prefix, s)
	}
	v, err := expr.EvalConst(expr.Cast(&expr.Literal{Val: types.StringValue(s)}, types.Of(k)), &expr.Env{Location: time.UTC})
	if err != nil || !v.Valid {
		p.t.Fatalf("%s'%s': %v", prefix, s, err)
	}
	return p.literal(v), nil
}

func (p *parser) number(w string) expr.Expr {
	switch strings.ToLower(w) {
	case "null":
		return p.literal(types.NullOf(types.Of(types.Null)))
	case "true", "false":
		return p.literal(types.BoolValue(strings.EqualFold(w, "true")))
	}
	if u, ok := strings.CutSuffix(w, "u"); ok {
		n, err := strconv.ParseUint(u, 10, 64)
		if err != nil {
			p.t.Fatal(err)
		}
		return p.literal(types.IntValue(types.Of(types.Uint64), int64(n)))
	}
	if strings.ContainsAny(w, "eE") {
		f, err := strconv.ParseFloat(w, 64)
		if err != nil {
			p.t.Fatal(err)
		}
		return p.literal(types.FloatValue(types.Of(types.Float64), f))
	}
	if whole, frac, ok := strings.Cut(w, "."); ok {
		d, _, ok := types.ParseDecimal(w, len(frac))
		if !ok {
			p.t.Fatalf("number %q", w)
		}
		return p.literal(types.DecimalValue(types.DecimalOf(len(strings.TrimLeft(whole, "-0"))+len(frac), len(frac)), d))
	}
	n, err := strconv.ParseInt(w, 10, 64)
	if err != nil {
		p.t.Fatalf("number %q: %v", w, err)
	}
	return p.literal(types.IntValue(types.Of(types.Int64), n))
}

func (p *parser) call(name string) (expr.Expr, error) {
	var args []expr.Expr
	for {
		p.s = strings.TrimLeft(p.s, " ")
		if rest, ok := strings.CutPrefix(p.s, ")"); ok {
			p.s = rest
			return expr.New(name, args...)
		}
		e, err := p.expr()
		if err != nil {
			return nil, err
		}
		args = append(args, e)
		p.s = strings.TrimLeft(p.s, " ")
		if rest, ok := strings.CutPrefix(p.s, "as "); ok && name == "cast" {
			word, rest, _ := strings.Cut(rest, ")")
			if strings.Contains(word, "(") { // decimal(10,2)
				word, rest = word+")", strings.TrimPrefix(rest, ")")
			}
			p.s = rest
			return expr.Cast(args[0], p.typeOf(word)), nil
		}
		p.s = strings.TrimPrefix(p.s, ",")
	}
}

func (p *parser) typeOf(word string) types.Type {
	var precision, scale int
	if n, _ := fmt.Sscanf(word, "decimal(%d,%d)", &precision, &scale); n == 2 {
		return types.DecimalOf(precision, scale)
	}
	kinds := map[string]types.Kind{"signed": types.Int64, "unsigned": types.Uint64, "double": types.Float64, "float": types.Float32, "char": types.String,
		"binary": types.Binary, "date": types.Date, "datetime": types.TimestampNTZ, "timestamp": types.Timestamp, "time": types.Time, "json": types.JSON,
		"tinyint": types.Int8, "int": types.Int32, "boolean": types.Bool}
	k, ok := kinds[word]
	if !ok {
		p.t.Fatalf("type %q", word)
	}
	return types.Of(k)
}

func mustNew(t *testing.T, name string, args ...expr.Expr) expr.Expr {
	t.Helper()
	e, err := expr.New(name, args...)
	if err != nil {
		t.Fatalf("New(%s): %v", name, err)
	}
	return e
}
