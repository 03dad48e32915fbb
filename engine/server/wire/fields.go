package wire

import (
	"github.com/dolthub/go-mysql-server/sql"
	hosttypes "github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"
	querypb "github.com/dolthub/vitess/go/vt/proto/query"
)

// notFixed is the number of decimals that MySQL gives for a column without a fixed number of them.
const notFixed = 31

// FieldsOf describes the columns of a result for the protocol.
func FieldsOf(ctx *sql.Context, schema sql.Schema) []*querypb.Field {
	fields := make([]*querypb.Field, len(schema))
	results := ctx.GetCharacterSetResults()
	for i, c := range schema {
		f := &querypb.Field{Name: c.Name, OrgName: c.Name, Table: c.Source, OrgTable: c.Source, Database: c.DatabaseSource,
			Type: c.Type.Type(), ColumnLength: c.Type.MaxTextResponseByteLength(ctx), Charset: uint32(sql.Collation_Default.CharacterSet())}
		if c.Type == hosttypes.Boolean && c.Source != "" {
			f.ColumnLength = 1 // TINYINT(1), by which drivers know a BOOLEAN
		}
		if t, ok := c.Type.(sql.TypeWithCollation); ok {
			f.Charset = uint32(t.Collation().CharacterSet())
		}
		if results != sql.CharacterSet_Unspecified {
			f.Charset = uint32(results)
		}
		if !c.Nullable {
			f.Flags |= uint32(querypb.MySqlFlag_NOT_NULL_FLAG)
		}
		if c.AutoIncrement {
			f.Flags |= uint32(querypb.MySqlFlag_AUTO_INCREMENT_FLAG)
		}
		if c.PrimaryKey {
			f.Flags |= uint32(querypb.MySqlFlag_PRI_KEY_FLAG)
		}
		switch t := c.Type.(type) {
		case sql.DecimalType:
			f.Decimals = uint32(t.Scale())
		case sql.DatetimeType:
			f.Decimals = uint32(t.Precision())
		}
		fields[i] = f
	}
	Normalize(fields)
	return fields
}

// Normalize makes column definitions what MySQL sends: 31 decimals for floats, 6 for TIME, the binary collation
// and the BINARY flag for what is not text, and the flags that follow from the type.
func Normalize(fields []*querypb.Field) {
	for _, f := range fields {
		_, flags := sqltypes.TypeToMySQL(f.Type)
		f.Flags |= uint32(flags)
		switch {
		case f.Type == sqltypes.Float32 || f.Type == sqltypes.Float64:
			f.Decimals = notFixed
		case f.Type == sqltypes.Time:
			f.Decimals = 6
		}
		switch f.Type {
		case sqltypes.Text, sqltypes.VarChar, sqltypes.Char, sqltypes.Enum, sqltypes.Set, sqltypes.TypeJSON:
		default:
			f.Charset = uint32(sql.Collation_binary)
			f.Flags |= uint32(querypb.MySqlFlag_BINARY_FLAG)
		}
	}
}
