package parser

import (
	"crypto/rand"
	"encoding/hex"
	"strings"

	ast "github.com/dolthub/vitess/go/vt/sqlparser"
)

// The body of a view is checked against the privileges of its definer. The host binds it from its text, so the text
// that the catalog hands out says who that is, in a comment at its end that no client can write: it begins with a
// secret of the process.
var definerMark = func() string {
	var secret [16]byte
	_, _ = rand.Read(secret[:]) // never fails
	return " /*featuresql definer " + hex.EncodeToString(secret[:]) + " "
}()

const definerEnd = "*/"

// definerKind begins the kind of a privilege that a definer must have.
const definerKind = "definer\x00"

// AsDefiner marks the statement of a view as to be checked by the privileges of an account, user@host. An empty one
// leaves it to those of who uses the view.
func AsDefiner(statement, definer string) string {
	if strings.Contains(definer, definerEnd) {
		definer = ""
	}
	return statement + definerMark + definer + definerEnd
}

// CutDefiner splits the kind of a privilege that a definer must have.
func CutDefiner(kind string) (definer, rest string, ok bool) {
	rest, ok = strings.CutPrefix(kind, definerKind)
	if !ok {
		return "", kind, false
	}
	definer, rest, _ = strings.Cut(rest, "\x00")
	return definer, rest, true
}

// applyDefiner turns the privileges that the body of a marked view needs into those of its definer.
func applyDefiner(st ast.Statement, text string) {
	i := strings.LastIndex(text, definerMark)
	if i < 0 || !strings.HasSuffix(text, definerEnd) {
		return
	}
	if ddl, ok := st.(*ast.DDL); ok {
		ddl.Auth = noAuth
	}
	definer := strings.TrimSuffix(text[i+len(definerMark):], definerEnd)
	if definer == "" {
		return
	}
	prefix := definerKind + definer + "\x00"
	_ = ast.Walk(func(n ast.SQLNode) (bool, error) {
		if t, ok := n.(*ast.AliasedTableExpr); ok && t.Auth.AuthType != ast.AuthType_IGNORE && t.Auth.AuthType != "" {
			t.Auth.AuthType = prefix + t.Auth.AuthType
		}
		return true, nil
	}, st)
}

// ReplacesView says that a statement is CREATE OR REPLACE.
func ReplacesView(text string) bool {
	s := lexOne(text, false, false)
	return s.seq(0, "create", "or", "replace")
}

// ViewSecurity reads DEFINER = account and SQL SECURITY INVOKER of a CREATE VIEW statement.
func ViewSecurity(text string) (definer string, invoker bool, err error) {
	s := lexOne(text, false, false)
	c := &compiler{statement: &s}
	for i := 1; i < len(s.toks) && !s.is(i, "view"); i++ {
		switch {
		case s.seq(i, "sql", "security", "invoker"):
			invoker = true
		case s.is(i, "definer") && s.punct(i+1, '='):
			r := &accountReader{compiler: c, i: i + 2, s: &Account{What: "CREATE VIEW"}}
			n, err := r.accountName()
			if err != nil {
				return "", false, err
			}
			if !n.Current {
				definer = n.User + "@" + n.Host
			}
		}
	}
	return definer, invoker, nil
}
