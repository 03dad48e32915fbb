package hostsuites

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"
)

var errBindings = errors.New("bindings that no client can send")

var named = regexp.MustCompile(`:v([0-9]+)`)

// bind gives the arguments of a step and its text with a question mark for each.
func bind(st step) ([]any, string, bool) {
	if len(st.bindings) == 0 {
		return nil, st.query, true
	}
	var args []any
	ok := true
	add := func(name string) {
		v, is := st.bindings[name].(*sqlparser.SQLVal)
		if !is {
			ok = false
			return
		}
		arg, err := argument(v)
		ok = ok && err == nil
		args = append(args, arg)
	}
	if strings.Contains(st.query, "?") {
		for range st.bindings {
			add(fmt.Sprintf("v%d", len(args)+1))
			if !ok {
				return nil, "", false
			}
		}
		return args, st.query, true
	}
	text := named.ReplaceAllStringFunc(st.query, func(m string) string { add(m[1:]); return "?" })
	return args, text, ok && len(args) > 0
}

func argument(v *sqlparser.SQLVal) (any, error) {
	switch v.Type {
	case sqlparser.IntVal:
		return strconv.ParseInt(string(v.Val), 10, 64)
	case sqlparser.FloatVal:
		return strconv.ParseFloat(string(v.Val), 64)
	case sqlparser.StrVal:
		return string(v.Val), nil
	}
	return nil, errBindings
}

// reads tells a statement that leaves everything as it was.
func reads(query string) bool {
	text := strings.ToUpper(strings.TrimLeft(query, " \t\n("))
	for _, word := range []string{"SELECT", "SHOW", "WITH", "EXPLAIN", "DESCRIBE", "VALUES", "TABLE"} {
		if strings.HasPrefix(text, word) {
			return !strings.HasPrefix(text, "WITH") || !strings.Contains(text, "UPDATE") && !strings.Contains(text, "DELETE") && !strings.Contains(text, "INSERT")
		}
	}
	return false
}
