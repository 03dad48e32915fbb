package mysqlerr_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	goparser "go/parser"
	"go/token"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/mysql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/mysqlerr"
	"github.com/featuresql/featuresql/engine/parser"
)

func TestFrom(t *testing.T) {
	_, syntax := sqlparser.Parse("SELEC 1")
	for _, tc := range []struct {
		err     error
		code    int
		state   string
		message string // a part of it
	}{
		{mysql.NewSQLError(1234, "45000", "mine"), 1234, "45000", "mine"},
		{fmt.Errorf("wrapped: %w", mysql.NewSQLError(1064, "", "mine")), 1064, "42000", "mine"},
		{errors.New("x 100%d"), 1105, "HY000", "x 100%d"},
		{&parser.SyntaxError{Reason: "r", Near: "n%s"}, 1064, "42000", "near 'n%s'"},
		{fmt.Errorf("table t: %w", &parser.UnsupportedError{What: "this"}), 1235, "42000", "table t: featuresql does not support this"},
		{&parser.AsOfError{Value: "NULL", Reason: "no"}, 1525, "HY000", "AS OF NULL"},
		{&parser.ColumnCountError{Row: 2}, 1136, "21S01", "at row 2"},
		{&parser.DuplicateColumnError{Column: "a"}, 1060, "42S21", "'a'"},
		{&parser.ColumnNameError{Column: ""}, 1166, "42000", "''"},
		{&parser.NoColumnsError{}, 1113, "42000", "at least 1 column"},
		{&parser.MissingColumnError{Column: "a", Table: "t"}, 1072, "42000", "'a'"},
		{fmt.Errorf("select: %w", &expr.RangeError{Kind: "BIGINT", Expr: "a + b"}), 1690, "22003", "BIGINT value is out of range in 'a + b'"},
		{&expr.ValueError{Code: 1264, Msg: "Out of range value for column 'a' at row 1"}, 1264, "22003", "column 'a'"},
		{&expr.ValueError{Code: 1406, Msg: "Data too long"}, 1406, "22001", "Data too long"},
		{&expr.DivisionByZero{}, 1365, "22012", "Division by 0"},
		{&expr.UnknownFunctionError{Name: "f"}, 1305, "42000", "f"},
		{errors.Join(errors.New("a"), &expr.DivisionByZero{}), 1365, "22012", "Division"},
		{context.Canceled, 1317, "70100", "Query execution was interrupted"},
		{fmt.Errorf("scan: %w", context.Canceled), 1317, "70100", "Query execution was interrupted"},
		{mysqlerr.ErrTimeout, 3024, "HY000", "maximum statement execution time exceeded"},
		{fmt.Errorf("put: %w", objstore.ErrReadOnly), 1290, "HY000", "read-only"},
		{fmt.Errorf("put: %w: folder /f: %w", objstore.ErrNotStored, objstore.ErrNoExclusivePut), 1030, "HY000", "folder /f: the file system has neither hard links"},
		{&fs.PathError{Op: "open", Path: "p", Err: fs.ErrPermission}, 1030, "HY000", "open p"},
		{&exec.SpillError{File: "/spill/f", DirFull: true, Err: &fs.PathError{Op: "write", Path: "p", Err: syscall.ENOSPC}}, 1021, "HY000", "no space is left in /spill "},
		{&exec.SpillError{File: "/spill/f", Err: errors.New("damaged")}, 1030, "HY000", "/spill/f: damaged"},
		{&fs.PathError{Op: "write", Path: "p", Err: syscall.ENOSPC}, 1021, "HY000", "disk is full; free some space"},
		{&os.LinkError{Op: "rename", Old: "p", New: "q", Err: syscall.EDQUOT}, 1021, "HY000", "rename p q"},
		{fmt.Errorf("%w: %w", errors.New("object store is read-only"), &fs.PathError{Op: "open", Path: "p", Err: syscall.EROFS}), 1290, "HY000", "read-only: open p"},
		{os.NewSyscallError("accept", syscall.EMFILE), 1041, "HY000", "ulimit -n"},
		{&os.LinkError{Op: "rename", Old: "p", New: "q", Err: syscall.EXDEV}, 1030, "HY000", "rename p q"},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, 1030, "HY000", "refused"},
		{sqlparser.ErrEmpty, 1065, "42000", "empty"},
		{syntax, 1064, "42000", "near 'SELEC'"},
		{errors.New("the given regular expression is invalid"), 3685, "HY000", "regular expression"},
		{errors.New("x; Invalid JSON path expression. y"), 3143, "42000", "JSON path"},
		{sql.ErrSyntaxError.New("bad"), 1064, "42000", "You have an error in your SQL syntax: bad"},
		{sql.ErrTableNotFound.New("t"), 1146, "42S02", "Table 't' doesn't exist"},
		{fmt.Errorf("bind: %w", sql.ErrTableNotFound.New("t")), 1146, "42S02", "t"},
		{sql.ErrColumnNotFound.New("c"), 1054, "42S22", "Unknown column 'c' in 'field list'"},
		{sql.ErrUnknownColumn.New("c", "where clause"), 1054, "42S22", "Unknown column 'c' in 'where clause'"},
		{sql.ErrTableColumnNotFound.New("t", "c"), 1054, "42S22", "Unknown column 't.c' in 'field list'"},
		{sql.ErrDatabaseNotFound.New("d"), 1049, "42000", "Unknown database 'd'"},
		{sql.ErrFunctionNotFound.New("f"), 1305, "42000", "FUNCTION f does not exist"},
		{sql.ErrTableAlreadyExists.New("t"), 1050, "42S01", "Table 't' already exists"},
		{sql.ErrAmbiguousColumnName.New("c", "a, b"), 1052, "23000", "Column 'c' in field list is ambiguous"},
		{sql.ErrColValCountMismatch.New(2), 1136, "21S01", "row 2"},
		{sql.ErrExpectedSingleRow.New(), 1242, "21000", "Subquery returns more than 1 row"},
		{sql.ErrInvalidOperandColumns.New(1, 2), 1241, "21000", "Operand should contain 1 column(s)"},
		{sql.ErrDatabaseAccessDeniedForUser.New("u", "d"), 1044, "42000", "u"},
		{sql.ErrPrivilegeCheckFailed.New("u"), 1142, "42000", "u"},
		{sql.ErrNoDatabaseSelected.New(), 1046, "3D000", "No database selected"},
		{sql.ErrInsertIntoNonNullableProvidedNull.New("c"), 1048, "23000", "Column 'c' cannot be null"},
		{sql.WrappedInsertError{Cause: sql.ErrCheckConstraintViolated.New("k")}, 3819, "HY000", "Check constraint 'k' is violated."},
		{sql.ErrLockDeadlock.New("x"), 1213, "40001", "x"},
		{sql.ErrUnknownSystemVariable.New("v"), 1193, "HY000", "v"},
	} {
		got := mysqlerr.From(tc.err)
		if got.Num != tc.code || got.State != tc.state || !strings.Contains(got.Message, tc.message) {
			t.Errorf("%v: %d %s %q, want %d %s … %q", tc.err, got.Num, got.State, got.Message, tc.code, tc.state, tc.message)
		}
	}
	if got := mysqlerr.From(nil); got != nil {
		t.Error(got)
	}
	var none *parser.SyntaxError
	if got := mysqlerr.From(fmt.Errorf("typed nil %w", errors.Join(errNil{none}))); got.Num != 1105 {
		t.Error(got)
	}
}

// errNil holds a nil pointer and does not fail for it.
type errNil struct{ *parser.SyntaxError }

func (errNil) Error() string { return "nil" }

// TestEntriesExist looks for the declarations of the types that the table names, in every package of that name that
// is in the repository.
func TestEntriesExist(t *testing.T) {
	packages, declared := map[string]bool{}, map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := goparser.ParseFile(token.NewFileSet(), path, nil, goparser.SkipObjectResolution)
		if err != nil {
			return nil // a compiler's business
		}
		packages[f.Name.Name] = true
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, s := range g.Specs {
				if ts, ok := s.(*ast.TypeSpec); ok && !ts.Assign.IsValid() {
					declared[f.Name.Name+"."+ts.Name.Name] = true
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, e := range mysqlerr.Entries() {
		pkg, _, _ := strings.Cut(e.Error, ".")
		if !packages[pkg] {
			continue
		}
		checked++
		if !declared[e.Error] {
			t.Errorf("%s is not declared anywhere", e.Error)
		}
		if e.Code == 1105 && e.When == "" || len(e.State) != 5 {
			t.Errorf("%+v", e)
		}
	}
	if checked < 20 {
		t.Errorf("only %d entries checked", checked)
	}
}
