package planner

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/featuresql/featuresql/datasource/delta/schema"
	"github.com/featuresql/featuresql/engine/parser"
)

// CheckColumnError says that a CHECK names a column that its table does not have.
type CheckColumnError struct{ Constraint, Column string }

func (e *CheckColumnError) Error() string {
	return fmt.Sprintf("Check constraint '%s' refers to non-existing column '%s'.", e.Constraint, e.Column)
}

// checkNames binds a CHECK of a table that is about to be created to its columns.
func (rt *Runtime) checkNames(ctx *sql.Context, table, constraint, text string, fields []schema.Field) error {
	columns := make([]string, len(fields))
	for i, f := range fields {
		columns[i] = "NULL AS " + quoteName(f.Name)
	}
	_, err := rt.host.AnalyzeQuery(ctx, "SELECT ("+text+") FROM (SELECT "+strings.Join(columns, ", ")+") "+quoteName(table))
	return unknownIn(constraint, err)
}

var quotedColumn = regexp.MustCompile(`["']([^"']+)["']`)

// unknownIn says of an error about an unknown column in which constraint it is named.
func unknownIn(constraint string, err error) error {
	var unknown *parser.UnknownColumnError
	if !errors.As(err, &unknown) && !sql.ErrColumnNotFound.Is(err) && !sql.ErrTableColumnNotFound.Is(err) {
		return err
	}
	column := ""
	if m := quotedColumn.FindStringSubmatch(err.Error()); m != nil {
		column = m[1]
	}
	return &CheckColumnError{Constraint: constraint, Column: column}
}
