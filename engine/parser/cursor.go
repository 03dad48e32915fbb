package parser

import (
	"strings"
)

// cursor reads a statement token by token, for the DDL that the host's grammar does not know.
type cursor struct {
	*compiler
	i int
}

// accept steps over the keywords if they all follow.
func (c *cursor) accept(words ...string) bool {
	if !c.seq(c.i, words...) {
		return false
	}
	c.i += len(words)
	return true
}

// acceptPunct steps over the byte b if it follows.
func (c *cursor) acceptPunct(b byte) bool {
	if !c.punct(c.i, b) {
		return false
	}
	c.i++
	return true
}

func (c *cursor) expect(b byte) error {
	if !c.acceptPunct(b) {
		return c.errorAt(c.i, "%q is missing", string(b))
	}
	return nil
}

func (c *cursor) atEnd() bool { return c.at(c.i).kind == kindEOF }

func (c *cursor) fail(format string, args ...any) error { return c.errorAt(c.i, format, args...) }

// ident reads a name.
func (c *cursor) ident() (string, error) {
	if !c.isName(c.i) {
		return "", c.fail("a name is missing")
	}
	c.i++
	return c.name(c.i - 1), nil
}

func (c *cursor) table() (TableName, error) {
	t, i, err := c.tableName(c.i)
	c.i = i
	return t, err
}

// str reads a string literal.
func (c *cursor) str() (string, error) {
	if c.at(c.i).kind != kindString {
		return "", c.fail("a string is missing")
	}
	c.i++
	return unquote(c.text(c.i - 1)), nil
}

// unquote returns the value of a string literal.
func unquote(text string) string {
	q, body := text[0], text[1:len(text)-1]
	if strings.IndexByte(body, '\\') < 0 && strings.IndexByte(body, q) < 0 {
		return body
	}
	var b strings.Builder
	for i := 0; i < len(body); i++ {
		ch := body[i]
		if ch == q {
			i++ // doubled
		}
		if ch != '\\' || i+1 == len(body) {
			b.WriteByte(ch)
			continue
		}
		i++
		switch body[i] {
		case '0':
			b.WriteByte(0)
		case 'b':
			b.WriteByte('\b')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'Z':
			b.WriteByte(26)
		case '%', '_':
			b.WriteByte('\\')
			b.WriteByte(body[i])
		default:
			b.WriteByte(body[i])
		}
	}
	return b.String()
}

// parens steps over (…) and returns the tokens between.
func (c *cursor) parens() (from, to int, err error) {
	if !c.punct(c.i, '(') {
		return 0, 0, c.fail("\"(\" is missing")
	}
	end := c.closing(c.i)
	if end < 0 {
		return 0, 0, c.fail("unclosed parenthesis")
	}
	from, to, c.i = c.i+1, end, end+1
	return from, to, nil
}

// names reads (name, name, …); each may have a length and a direction, which say nothing here.
func (c *cursor) names() ([]string, error) {
	from, to, err := c.parens()
	if err != nil {
		return nil, err
	}
	var out []string
	err = c.list(from, to, func(from, to int) error {
		if !c.isName(from) {
			return c.errorAt(from, "a column's name is missing")
		}
		out = append(out, c.name(from))
		return nil
	})
	return out, err
}

// exprText returns the text of tokens from to to-1, which must be an expression.
func (c *cursor) exprText(from, to int) (string, error) {
	if _, err := c.parseExpr(from, to); err != nil {
		return "", err
	}
	for i := from; i < to; i++ {
		if c.at(i).kind == kindParam {
			return "", c.errorAt(i, "a parameter cannot stand here")
		}
	}
	return c.src[c.at(from).start:c.at(to-1).end], nil
}

// properties reads ('key' = 'value', …). The keys are strings or dotted names, the values strings, numbers, true
// or false.
func (c *cursor) properties(values bool) (map[string]string, []string, error) {
	from, to, err := c.parens()
	if err != nil {
		return nil, nil, err
	}
	props, keys := map[string]string{}, []string(nil)
	err = c.list(from, to, func(from, to int) error {
		p := cursor{c.compiler, from}
		key, err := p.propertyKey()
		if err != nil {
			return err
		}
		keys = append(keys, key)
		if !values {
			if p.i != to {
				return p.fail("a list of property names")
			}
			return nil
		}
		if !p.acceptPunct('=') && p.i == to {
			return p.fail("property %s needs a value", key)
		}
		v := c.src[c.at(p.i).start:c.at(to-1).end]
		switch {
		case p.i == to-1 && c.at(p.i).kind == kindString:
			v = unquote(v)
		case p.i >= to || c.at(p.i).kind == kindString:
			return p.fail("property %s needs one value", key)
		}
		props[key] = v
		return nil
	})
	return props, keys, err
}

func (c *cursor) propertyKey() (string, error) {
	if c.at(c.i).kind == kindString {
		return c.str()
	}
	key, err := c.ident()
	for err == nil && c.acceptPunct('.') {
		var part string
		part, err = c.ident()
		key += "." + part
	}
	return key, err
}
