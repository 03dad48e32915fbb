package information

import (
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	hosttypes "github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/featuresql/featuresql/engine/catalog"
)

// Engine is the storage engine that every table is said to have.
const Engine = "DELTA"

// TableCollation is that of every table: strings compare by their bytes.
var TableCollation = sql.Collation_utf8mb4_0900_bin.Name()

// tableFacts are the columns engine to table_comment of a table.
type tableFacts struct {
	rows, avgLength, dataLength any
	created, updated            any
	comment                     string
}

// factsOf reads the log of a table; a row count that the log does not know is NULL.
func factsOf(ctx *sql.Context, t *catalog.Table) tableFacts {
	f := tableFacts{comment: t.Comment()}
	if size, err := t.DataLength(ctx); err == nil {
		f.dataLength = size
		if n, known := t.Source().RowCount(); known {
			f.rows, f.avgLength = uint64(n), uint64(0)
			if n > 0 {
				f.avgLength = size / uint64(n)
			}
		}
	}
	loc, err := catalog.SessionLocation(ctx)
	if err != nil {
		loc = time.UTC
	}
	if ms := t.Snapshot().Metadata().CreatedTime; ms != nil {
		f.created = wallClock(time.UnixMilli(*ms), loc)
	}
	f.updated = wallClock(t.Snapshot().Timestamp(), loc)
	return f
}

// wallClock is an instant as the session's clock shows it, in whole seconds.
func wallClock(t time.Time, loc *time.Location) time.Time {
	t = t.In(loc)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

func (r *reader) tables() error {
	if err := r.systemViews(); err != nil {
		return err
	}
	err := r.eachTable(func(db *catalog.Database, name string, t *catalog.Table, err error) {
		f := tableFacts{}
		if err != nil {
			f.comment = err.Error()
		} else {
			f = factsOf(r.ctx, t)
		}
		r.add("def", db.Name(), name, "BASE TABLE", Engine, int32(10), "Dynamic", f.rows, f.avgLength, f.dataLength, uint64(0), uint64(0), uint64(0), nil,
			f.created, f.updated, nil, TableCollation, nil, "", f.comment)
	})
	if err != nil {
		return err
	}
	return r.eachView(func(db *catalog.Database, v *catalog.View) {
		r.add("def", db.Name(), v.Name, "VIEW", nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, "VIEW")
	})
}

func (r *reader) systemViews() error {
	names, err := r.GetTableNames(r.ctx)
	for _, name := range names {
		r.add("def", r.Name(), name, "SYSTEM VIEW", nil, int32(10), nil, uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), nil,
			nil, nil, nil, nil, nil, "", "")
	}
	return err
}

func (r *reader) eachView(f func(db *catalog.Database, v *catalog.View)) error {
	for _, db := range r.databases() {
		views, err := db.Views(r.ctx)
		if err != nil {
			return err
		}
		for _, v := range views {
			f(db, v)
		}
	}
	return nil
}

func (r *reader) views() error {
	return r.eachView(func(db *catalog.Database, v *catalog.View) {
		r.add("def", db.Name(), v.Name, v.Body, "NONE", "NO", v.Definer, security(v), "utf8mb4", sql.Collation_Default.Name())
	})
}

func security(v *catalog.View) string {
	if v.Definer == "" {
		return "INVOKER"
	}
	return "DEFINER"
}

// statusSchema has the columns of SHOW TABLE STATUS.
var statusSchema = columns(hosttypes.LongText, "Name", "Engine", hosttypes.Int32, "Version", hosttypes.LongText, "Row_format", hosttypes.Uint64, "Rows", "Avg_row_length", "Data_length",
	"Max_data_length", "Index_length", "Data_free", "Auto_increment", datetime, "Create_time", "Update_time", "Check_time",
	hosttypes.LongText, "Collation", "Checksum", "Create_options", "Comment")

var datetime = hosttypes.MustCreateDatetimeType(sqltypes.Datetime, 0)

// columns makes a schema from types, each followed by the names of columns that have it.
func columns(typesAndNames ...any) sql.Schema {
	var out sql.Schema
	var current sql.Type
	for _, x := range typesAndNames {
		if name, ok := x.(string); ok {
			out = append(out, &sql.Column{Name: name, Type: current, Nullable: true})
		} else {
			current = x.(sql.Type)
		}
	}
	return out
}

// TableStatus returns the rows of SHOW TABLE STATUS of a database, and their columns.
func TableStatus(ctx *sql.Context, db *catalog.Database) (sql.Schema, []sql.Row, error) {
	names, err := db.GetTableNames(ctx)
	if err != nil {
		return statusSchema, nil, err
	}
	var rows []sql.Row
	for _, name := range names {
		t, ok, err := db.GetTableInsensitive(ctx, name)
		own, isOwn := t.(*catalog.Table)
		f := tableFacts{}
		switch {
		case err != nil:
			f.comment = err.Error()
		case !ok || !isOwn:
			continue
		default:
			f = factsOf(ctx, own)
		}
		rows = append(rows, sql.NewRow(name, Engine, int32(10), "Dynamic", f.rows, f.avgLength, f.dataLength, uint64(0), uint64(0), uint64(0), nil,
			f.created, f.updated, nil, TableCollation, nil, "", f.comment))
	}
	views, err := db.Views(ctx)
	for _, v := range views {
		rows = append(rows, sql.NewRow(v.Name, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, "VIEW"))
	}
	return statusSchema, rows, err
}

// CreateView returns the row of SHOW CREATE VIEW.
func CreateView(v *catalog.View) sql.Row {
	text := "CREATE ALGORITHM=UNDEFINED "
	if v.Definer != "" {
		text += "DEFINER=" + quoteAccount(v.Definer) + " "
	}
	text += "SQL SECURITY " + security(v) + " VIEW " + QuoteName(v.Name) + " "
	if len(v.Columns) > 0 {
		text += "(" + QuoteNames(v.Columns, ",") + ") "
	}
	return sql.NewRow(v.Name, text+"AS "+v.Body, "utf8mb4", sql.Collation_Default.Name())
}
