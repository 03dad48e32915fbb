package planner

import (
	"github.com/dolthub/go-mysql-server/sql"
	hosttypes "github.com/dolthub/go-mysql-server/sql/types"

	"github.com/featuresql/featuresql/datasource/delta/verify"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/engine/parser"
)

// checkSchema has the columns of MySQL's CHECK TABLE.
var checkSchema = sql.Schema{column("Table", hosttypes.LongText), column("Op", hosttypes.LongText), column("Msg_type", hosttypes.LongText), column("Msg_text", hosttypes.LongText)}

// checkTables verifies tables as `featuresql check` does: a row for each thing that is wrong, and one that sums up.
func (s *statement) checkTables(ctx *sql.Context, stmt *parser.CheckTables) ([]sql.Row, error) {
	var rows []sql.Row
	for _, t := range stmt.Tables {
		db, err := s.rt.database(ctx, t)
		if err != nil {
			return nil, err
		}
		name := db.Name() + "." + t.Name
		say := func(kind, text string) { rows = append(rows, sql.NewRow(name, "check", kind, text)) }
		loc, found, err := db.Locate(ctx, t.Name)
		if err != nil {
			return nil, err
		}
		if !found {
			_, isView, err := db.GetViewDefinition(ctx, t.Name)
			if err != nil {
				return nil, err
			}
			if isView {
				say("note", "a view has nothing to check")
				say("status", "OK")
				continue
			}
			say("Error", "Table '"+name+"' doesn't exist")
			say("status", "Operation failed")
			continue
		}
		report, err := verify.Table(ctx, objstore.Sub(s.rt.provider.Store(), loc), func(f verify.Finding) {
			if f.Tolerated {
				say("warning", f.String())
			} else {
				say("error", f.String())
			}
		})
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			return nil, err
		case report.Bad > 0:
			say("error", "Corrupt")
		default:
			say("status", "OK")
		}
	}
	return rows, nil
}
