package planner

import (
	"errors"
	"strings"

	ast "github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/featuresql/featuresql/engine/catalog"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/parser"
	"github.com/featuresql/featuresql/sqlfuncs/agg"
)

var errNotPlain = errors.New("not a plain select")

// plainSelect returns the tables of a statement whose plan depends on nothing but its text, the values of its
// parameters, the settings in planKey and the tables' definitions: a SELECT without set operations, variables, WITH, AS OF, hints, locks
// and functions of the session.
func plainSelect(st ast.Statement, database string) ([]tableRef, bool) {
	var tables []tableRef
	err := ast.Walk(func(n ast.SQLNode) (bool, error) {
		switch n := n.(type) {
		case *ast.Select:
			return plainClauses(n)
		case *ast.AliasedTableExpr:
			if n.AsOf != nil || n.Hints != nil || len(n.Partitions) > 0 || n.Lateral {
				return false, errNotPlain
			}
			if name, ok := n.Expr.(ast.TableName); ok {
				ref, err := plainTable(name, database)
				tables = append(tables, ref)
				return false, err
			}
			return true, nil
		case *ast.ColName:
			if strings.HasPrefix(n.Name.String(), "@") || strings.HasPrefix(n.Qualifier.Name.String(), "@") {
				return false, errNotPlain
			}
			return false, nil
		case ast.InjectedExpr:
			if !parser.BindsEarly(n.Expression) {
				return false, errNotPlain
			}
			return true, nil
		case *ast.FuncExpr:
			if !plainFunction(n) {
				return false, errNotPlain
			}
			return true, nil
		case *ast.StarExpr, *ast.With, *ast.Into, *ast.Over, *ast.AsOf, *ast.IndexHints: // all but the first are nil: see plainClauses
			return false, nil
		case *ast.Subquery, *ast.ParenSelect, *ast.JoinTableExpr, *ast.ParenTableExpr, ast.JoinCondition, *ast.AliasedExpr,
			*ast.Where, *ast.AndExpr, *ast.OrExpr, *ast.XorExpr, *ast.NotExpr, *ast.ParenExpr, *ast.ComparisonExpr, *ast.RangeCond, *ast.IsExpr,
			*ast.SQLVal, *ast.NullVal, ast.BoolVal, ast.ValTuple, *ast.BinaryExpr, *ast.UnaryExpr, *ast.CaseExpr, *ast.When, *ast.Order, *ast.Limit,
			*ast.ConvertExpr, *ast.ConvertType, ast.SelectExprs, ast.TableExprs, ast.Exprs, ast.GroupBy, ast.OrderBy, ast.Comments,
			ast.ColIdent, ast.TableIdent, ast.Columns:
			return true, nil
		}
		return false, errNotPlain
	}, st)
	return tables, err == nil && len(tables) > 0
}

func plainClauses(s *ast.Select) (bool, error) {
	if s.With != nil || len(s.Comments) > 0 || s.Into != nil || s.Lock != "" || len(s.Window) > 0 || s.QueryOpts.SQLCalcFoundRows {
		return false, errNotPlain
	}
	return true, nil
}

// plainTable names a table by its database; names of other kinds (delta.`path`, `db@time`) are not plain.
func plainTable(n ast.TableName, database string) (tableRef, error) {
	if q := n.DbQualifier.String(); q != "" {
		database = q
	}
	if database == "" || strings.Contains(database, "@") || strings.EqualFold(database, catalog.PathDatabase) || n.SchemaQualifier.String() != "" {
		return tableRef{}, errNotPlain
	}
	return tableRef{database, n.Name.String()}, nil
}

func plainFunction(f *ast.FuncExpr) bool {
	if f.Over != nil || !f.Qualifier.IsEmpty() {
		return false
	}
	name := f.Name.Lowered()
	if agg.Known(name) {
		return true
	}
	k := expr.Lookup(name)
	return k != nil && !k.Volatile && !ofSession[name]
}

// ofSession are functions whose value belongs to the session or the time of the statement.
var ofSession = map[string]bool{
	"now": true, "current_timestamp": true, "localtime": true, "localtimestamp": true, "sysdate": true, "curdate": true, "current_date": true,
	"curtime": true, "current_time": true, "utc_date": true, "utc_time": true, "utc_timestamp": true, "unix_timestamp": true,
	"user": true, "current_user": true, "session_user": true, "system_user": true, "database": true, "schema": true, "connection_id": true,
	"last_insert_id": true, "found_rows": true, "row_count": true, "version": true, "rand": true, "uuid": true, "sleep": true, "values": true,
}
