package parser

import (
	"strings"

	ast "github.com/dolthub/vitess/go/vt/sqlparser"
)

// restoreChecks undoes what the host's grammar does too much: where a statement has common table expressions, it drops
// the check of every table whose name, or whose database's name, is that of one of them, wherever it stands. Dropped
// are only those that the name of a common table expression in scope hides.
func restoreChecks(root ast.SQLNode, hidden []string) {
	if root == nil {
		return
	}
	_ = ast.Walk(func(n ast.SQLNode) (bool, error) {
		switch n := n.(type) {
		case *ast.AliasedTableExpr:
			name, ok := n.Expr.(ast.TableName)
			if ok && n.Auth.AuthType == ast.AuthType_IGNORE && len(n.Auth.TargetNames) == 2 && !hides(hidden, name) {
				n.Auth.AuthType = ast.AuthType_SELECT
			}
		case *ast.Select:
			return restoreWith(n, &n.With, hidden), nil
		case *ast.SetOp:
			return restoreWith(n, &n.With, hidden), nil
		case *ast.Insert:
			return restoreWith(n, &n.With, hidden), nil
		case *ast.Update:
			return restoreWith(n, &n.With, hidden), nil
		case *ast.Delete:
			return restoreWith(n, &n.With, hidden), nil
		}
		return true, nil
	}, root)
}

// restoreWith walks through a statement with its common table expressions; true if it has none.
func restoreWith(n ast.SQLNode, at **ast.With, hidden []string) bool {
	with := *at
	if with == nil {
		return true
	}
	hidden = append([]string{}, hidden...)
	for _, c := range with.Ctes {
		own := hidden
		if with.Recursive {
			own = append(append([]string{}, hidden...), c.As.String())
		}
		restoreChecks(c.Expr, own)
		hidden = append(hidden, c.As.String())
	}
	*at = nil
	restoreChecks(n, hidden)
	*at = with
	return false
}

func hides(hidden []string, name ast.TableName) bool {
	for _, h := range hidden {
		if strings.EqualFold(h, name.Name.String()) {
			return true
		}
	}
	return false
}

// nameTargets names the view or database that a statement makes or drops where the grammar asks for a privilege on
// the database, or on everything.
func nameTargets(st ast.Statement) {
	switch st := st.(type) {
	case *ast.DBDDL:
		st.Auth.TargetType, st.Auth.TargetNames = ast.AuthTargetType_DatabaseIdentifiers, []string{st.DBName}
	case *ast.DDL:
		switch {
		case st.ViewSpec != nil && st.Auth.AuthType == ast.AuthType_CREATE_VIEW:
			n := tableOf(st.ViewSpec.ViewName)
			st.Auth = authOf(ast.AuthType_CREATE_VIEW, n)
		case len(st.FromViews) > 0:
			st.Auth.TargetType, st.Auth.TargetNames = ast.AuthTargetType_MultipleTableIdentifiers, nil
			for _, v := range st.FromViews {
				n := tableOf(v)
				st.Auth.TargetNames = append(st.Auth.TargetNames, n.Database, n.Name)
			}
		}
	}
}
