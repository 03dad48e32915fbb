package expr

import (
	"bytes"
	"unicode/utf8"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

func init() {
	Register(&Function{Name: "like", Category: "operator", Signature: "a like pattern escape c", Strict: true,
		Doc:     "Match of the whole text with a pattern: % is any text, _ any one character. Case counts.",
		Resolve: resolveLike, Prepare: prepareLike, Eval: evalLike})
}

func resolveLike(args []Expr) ([]Expr, types.Type, bool, error) {
	if len(args) != 2 && len(args) != 3 {
		return nil, types.Type{}, false, &TypeError{Function: "like", Reason: "takes a value, a pattern and an escape character"}
	}
	out := append([]Expr(nil), args...)
	if len(out) == 2 {
		out = append(out, &Literal{Val: types.StringValue(`\`)})
	}
	for i := range out {
		if out[i].Type().Kind != types.Binary {
			out[i] = Cast(out[i], types.Of(types.String))
		}
	}
	return out, types.Of(types.Bool), anyNullable(out), nil
}

// likeState is a pattern, compiled when its text was last seen.
type likeState struct {
	pattern, escape string
	fixed           bool
	m               likeMatcher
}

func prepareLike(_ *Env, args []Expr) (any, error) {
	s := &likeState{}
	p, ok1 := args[1].(*Literal)
	e, ok2 := args[2].(*Literal)
	if ok1 && ok2 && p.Val.Valid && e.Val.Valid {
		m, err := compileLike(p.Val.S, e.Val.S, args[0].Type().Kind == types.Binary)
		if err != nil {
			return nil, err
		}
		s.fixed, s.m = true, m
	}
	return s, nil
}

func evalLike(ctx *EvalCtx, args []*vector.Vector, n int, sel []uint16, typ types.Type) (*vector.Vector, error) {
	s := ctx.State.(*likeState)
	out := ctx.Out(typ, n)
	binary := args[0].Type.Kind == types.Binary
	for k := range Rows(n, sel) {
		i := k
		if sel != nil {
			i = int(sel[k])
		}
		if !s.fixed {
			p, e := args[1].Bytes(i), args[2].Bytes(i)
			if s.m.match == nil || string(p) != s.pattern || string(e) != s.escape {
				m, err := compileLike(string(p), string(e), binary)
				if err != nil {
					return nil, err
				}
				s.pattern, s.escape, s.m = string(p), string(e), m
			}
		}
		out.I32[i] = 0
		if s.m.match(args[0].Bytes(i)) {
			out.I32[i] = 1
		}
	}
	return out, nil
}

// likeMatcher tells whether a text matches a pattern.
type likeMatcher struct{ match func([]byte) bool }

// likeToken is a literal text, one character (_), or any text (%).
type likeToken struct {
	text []byte
	any  bool // %
}

// compileLike picks the cheapest way to match a pattern.
func compileLike(pattern, escape string, binary bool) (likeMatcher, error) {
	if escape != "" && utf8.RuneCountInString(escape) != 1 {
		return likeMatcher{}, &TypeError{Function: "like", Reason: "ESCAPE must be one character"}
	}
	tokens, ones := likeTokens(pattern, escape)
	if ones {
		return likeMatcher{generalLike(tokens, binary)}, nil
	}
	text := func(i int) []byte { return tokens[i].text }
	kinds := make([]byte, 0, len(tokens))
	for _, t := range tokens {
		if t.any {
			kinds = append(kinds, '%')
		} else {
			kinds = append(kinds, 'a')
		}
	}
	switch string(kinds) {
	case "":
		return likeMatcher{func(s []byte) bool { return len(s) == 0 }}, nil
	case "%":
		return likeMatcher{func([]byte) bool { return true }}, nil
	case "a":
		a := text(0)
		return likeMatcher{func(s []byte) bool { return bytes.Equal(s, a) }}, nil
	case "a%":
		a := text(0)
		return likeMatcher{func(s []byte) bool { return bytes.HasPrefix(s, a) }}, nil
	case "%a":
		a := text(1)
		return likeMatcher{func(s []byte) bool { return bytes.HasSuffix(s, a) }}, nil
	case "%a%":
		a := text(1)
		return likeMatcher{func(s []byte) bool { return bytes.Contains(s, a) }}, nil
	case "a%a":
		a, b := text(0), text(2)
		return likeMatcher{func(s []byte) bool {
			return len(s) >= len(a)+len(b) && bytes.HasPrefix(s, a) && bytes.HasSuffix(s, b)
		}}, nil
	}
	return likeMatcher{partsLike(tokens)}, nil
}

// likeTokens takes a pattern apart; adjacent % are one. A token with neither text nor any is one character (_), and
// ones reports whether there is any.
func likeTokens(pattern, escape string) (tokens []likeToken, ones bool) {
	var lit []byte
	flush := func() {
		if lit != nil {
			tokens = append(tokens, likeToken{text: lit})
			lit = nil
		}
	}
	for i := 0; i < len(pattern); {
		_, size := utf8.DecodeRuneInString(pattern[i:])
		c := pattern[i : i+size]
		switch {
		case escape != "" && c == escape && i+size < len(pattern):
			i += size
			_, size = utf8.DecodeRuneInString(pattern[i:])
			lit = append(lit, pattern[i:i+size]...)
		case c == "%":
			flush()
			if len(tokens) == 0 || !tokens[len(tokens)-1].any {
				tokens = append(tokens, likeToken{any: true})
			}
		case c == "_":
			flush()
			tokens = append(tokens, likeToken{})
			ones = true
		default:
			lit = append(lit, c...)
		}
		i += size
	}
	flush()
	return tokens, ones
}

// partsLike matches texts separated by %, leftmost first, which is enough when there is no _.
func partsLike(tokens []likeToken) func([]byte) bool {
	return func(s []byte) bool {
		last := len(tokens) - 1
		for i, t := range tokens {
			switch {
			case t.any:
			case i == 0:
				if !bytes.HasPrefix(s, t.text) {
					return false
				}
				s = s[len(t.text):]
			case i == last:
				return bytes.HasSuffix(s, t.text)
			default:
				at := bytes.Index(s, t.text)
				if at < 0 {
					return false
				}
				s = s[at+len(t.text):]
			}
		}
		return true // the last token is %
	}
}

// generalLike backtracks to the last %, which bounds the work to the product of the lengths.
func generalLike(tokens []likeToken, binary bool) func([]byte) bool {
	step := func(s []byte) int {
		if binary {
			return 1
		}
		_, size := utf8.DecodeRune(s)
		return size
	}
	return func(s []byte) bool {
		t, back := 0, -1
		var retry []byte
		for {
			switch {
			case t < len(tokens) && tokens[t].any:
				back, retry = t, s
				t++
				continue
			case t < len(tokens) && tokens[t].text != nil && bytes.HasPrefix(s, tokens[t].text):
				s = s[len(tokens[t].text):]
				t++
				continue
			case t < len(tokens) && tokens[t].text == nil && len(s) > 0:
				s = s[step(s):]
				t++
				continue
			case t == len(tokens) && len(s) == 0:
				return true
			}
			if back < 0 || len(retry) == 0 {
				return false
			}
			retry = retry[step(retry):]
			s, t = retry, back+1
		}
	}
}
