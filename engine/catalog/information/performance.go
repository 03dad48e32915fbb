package information

import (
	"fmt"
	"maps"
	"sort"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	host "github.com/dolthub/go-mysql-server/sql/information_schema"
	hosttypes "github.com/dolthub/go-mysql-server/sql/types"
)

// Performance is the database performance_schema, as far as clients ask it for variables and counters.
type Performance struct{ status Status }

// Status returns the server's counters that the host does not keep, by their names.
type Status func() map[string]any

// NewPerformance returns performance_schema.
func NewPerformance(s Status) *Performance { return &Performance{s} }

// Name implements sql.Database.
func (*Performance) Name() string { return "performance_schema" }

var performanceTables = map[string]func(*Performance, *sql.Context) map[string]any{
	"global_variables":  func(*Performance, *sql.Context) map[string]any { return sql.SystemVariables.GetAllGlobalVariables() },
	"session_variables": func(_ *Performance, ctx *sql.Context) map[string]any { return ctx.GetAllSessionVariables() },
	"global_status":     func(p *Performance, ctx *sql.Context) map[string]any { return p.status.values(ctx, true) },
	"session_status":    func(p *Performance, ctx *sql.Context) map[string]any { return p.status.values(ctx, false) },
}

// GetTableNames implements sql.Database.
func (*Performance) GetTableNames(*sql.Context) ([]string, error) {
	names := make([]string, 0, len(performanceTables))
	for n := range performanceTables {
		names = append(names, n)
	}
	return names, nil
}

// GetTableInsensitive implements sql.Database.
func (p *Performance) GetTableInsensitive(_ *sql.Context, name string) (sql.Table, bool, error) {
	name = strings.ToLower(name)
	values, ok := performanceTables[name]
	if !ok {
		return nil, false, nil
	}
	schema := columns(hosttypes.LongText, "VARIABLE_NAME", "VARIABLE_VALUE")
	for _, c := range schema {
		c.Source = name
	}
	return &host.InformationSchemaTable{TableName: name, TableSchema: schema, Reader: func(ctx *sql.Context, _ sql.Catalog) (sql.RowIter, error) {
		return sql.RowsToRowIter(pairs(values(p, ctx))...), nil
	}}, true, nil
}

// pairs are names and values as text, by their names.
func pairs(m map[string]any) []sql.Row {
	rows := make([]sql.Row, 0, len(m))
	for name, v := range m {
		text := ""
		if v != nil {
			text = fmt.Sprint(v)
		}
		rows = append(rows, sql.NewRow(name, text))
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i][0].(string) < rows[j][0].(string) })
	return rows
}

// values are the host's counters with the server's own in their place.
func (s Status) values(ctx *sql.Context, global bool) map[string]any {
	all := sql.StatusVariables.NewGlobalMap()
	if !global {
		maps.Copy(all, ctx.GetAllStatusVariables(ctx))
	}
	out := make(map[string]any, len(all))
	for name, v := range all {
		out[name] = v.Value()
	}
	if asked, ok := sql.StatusVariables.NewGlobalMap()["Questions"]; ok {
		out["Queries"] = asked.Value() // the host counts the former alone; MySQL tells them apart by statements of procedures
	}
	maps.Copy(out, s())
	return out
}

// Rows returns the rows of SHOW STATUS.
func (s Status) Rows(ctx *sql.Context, global bool) []sql.Row { return pairs(s.values(ctx, global)) }
