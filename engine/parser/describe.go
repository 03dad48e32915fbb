package parser

import (
	"strconv"
	"strings"

	ast "github.com/dolthub/vitess/go/vt/sqlparser"
)

// describe compiles DESCRIBE HISTORY, DESCRIBE DETAIL and EXPLAIN of a statement; DESCRIBE of a table is the host's.
func (c *compiler) describe() (*compiled, error) {
	if !c.is(0, "explain") && c.is(1, "history", "detail") && c.isName(2) {
		return c.describeTable()
	}
	ex := &Explain{}
	i := 1
	for ; ; i++ {
		switch {
		case c.is(i, "analyze"):
			ex.Analyze = true
			continue
		case c.is(i, "extended", "verbose", "plan", "partitions"):
			continue
		case c.is(i, "format") && c.punct(i+1, '=') && c.isName(i+2):
			ex.Format = strings.ToLower(c.name(i + 2))
			i += 2
			continue
		}
		break
	}
	if !c.punct(i, '(') && !c.is(i, "select", "with", "table", "values", "insert", "replace", "update", "delete", "merge", "create", "truncate", "alter", "drop") {
		return nil, nil
	}
	inner := &compiler{p: c.p, opts: c.opts, statement: &statement{src: c.src, toks: c.toks[i:], end: c.end, ansi: c.ansi}}
	if inner.custom() && !inner.is(0, "explain", "describe", "desc") {
		out, err := inner.compile()
		if err != nil {
			return nil, err
		}
		if out != nil {
			ex.Inner = out.stmt
			out.stmt = ex
			return out, nil
		}
	}
	st, _, err := c.host(inner.statement)
	if err != nil {
		return nil, err
	}
	sel, ok := st.(ast.SelectStatement)
	if !ok {
		return nil, &UnsupportedError{"EXPLAIN of this statement"}
	}
	return &compiled{stmt: ex, children: []child{{query: sel}}}, nil
}

func (c *compiler) describeTable() (*compiled, error) {
	table, i, err := c.tableName(2)
	if err != nil {
		return nil, err
	}
	auth := []ast.AuthInformation{authOf(ast.AuthType_SELECT, table)}
	if c.is(1, "detail") {
		if c.at(i).kind != kindEOF {
			return nil, c.errorAt(i, "nothing follows DESCRIBE DETAIL")
		}
		return &compiled{stmt: &DescribeDetail{Table: table}, auth: auth}, nil
	}
	h := &DescribeHistory{Table: table, Limit: -1}
	if c.is(i, "limit") && c.at(i+1).kind == kindNumber {
		n, err := strconv.ParseInt(c.text(i+1), 10, 64)
		if err != nil || n < 0 {
			return nil, c.errorAt(i+1, "not a row count")
		}
		h.Limit = n
		i += 2
	}
	if c.at(i).kind != kindEOF {
		return nil, c.errorAt(i, "DESCRIBE HISTORY takes LIMIT only")
	}
	return &compiled{stmt: h, auth: auth}, nil
}
