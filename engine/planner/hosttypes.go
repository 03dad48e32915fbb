package planner

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	hosttypes "github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"
	querypb "github.com/dolthub/vitess/go/vt/proto/query"
	"github.com/shopspring/decimal"

	"github.com/featuresql/featuresql/datasource/delta/schema"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/types"
)

var (
	hostDatetime  = hosttypes.MustCreateDatetimeType(sqltypes.Datetime, 6)
	hostTimestamp = hosttypes.MustCreateDatetimeType(sqltypes.Timestamp, 6)
)

// HostType returns the MySQL type under which values of t are shown to clients.
func HostType(t types.Type) sql.Type {
	switch t.Kind {
	case types.Null:
		return hosttypes.Null
	case types.Bool:
		return hosttypes.Boolean
	case types.Int8:
		return hosttypes.Int8
	case types.Int16:
		return hosttypes.Int16
	case types.Int32:
		return hosttypes.Int32
	case types.Int64:
		return hosttypes.Int64
	case types.Uint64:
		return hosttypes.Uint64
	case types.Float32:
		return hosttypes.Float32
	case types.Float64:
		return hosttypes.Float64
	case types.Decimal:
		if t.Scale > types.MaxScaleMySQL {
			return hosttypes.LongText // MySQL has no such DECIMAL
		}
		return hosttypes.MustCreateDecimalType(t.Precision, t.Scale)
	case types.Date:
		return hosttypes.Date
	case types.Timestamp:
		return hostTimestamp
	case types.TimestampNTZ:
		return hostDatetime
	case types.Time:
		return hosttypes.Time
	case types.Binary:
		return hosttypes.LongBlob
	case types.JSON:
		return hosttypes.JSON
	}
	return hosttypes.LongText
}

// columnType returns the MySQL type of a table's column, with the length of CHAR(n) and VARCHAR(n).
func columnType(f exec.Field, declared *schema.Field) sql.Type {
	chars, fixed, ok := declared.TextLimit()
	if !ok {
		return HostType(f.Type)
	}
	kind := sqltypes.VarChar
	if fixed {
		kind = sqltypes.Char
	}
	t, err := hosttypes.CreateString(kind, int64(chars), sql.Collation_Default)
	if err != nil { // longer than MySQL's
		return HostType(f.Type)
	}
	return t
}

// EngineType returns the engine's type for a host type, and whether there is one.
func EngineType(t sql.Type) (types.Type, bool) {
	if d, ok := t.(sql.DecimalType); ok {
		return types.DecimalOf(int(d.Precision()), int(d.Scale())), true
	}
	if t == nil || t == hosttypes.Null {
		return types.Of(types.Null), t != nil
	}
	switch t.Type() {
	case querypb.Type_INT8:
		if t == hosttypes.Boolean {
			return types.Of(types.Bool), true
		}
		return types.Of(types.Int8), true
	case querypb.Type_INT16, querypb.Type_UINT8:
		return types.Of(types.Int16), true
	case querypb.Type_INT24, querypb.Type_INT32, querypb.Type_UINT16, querypb.Type_YEAR:
		return types.Of(types.Int32), true
	case querypb.Type_INT64, querypb.Type_UINT24, querypb.Type_UINT32:
		return types.Of(types.Int64), true
	case querypb.Type_UINT64, querypb.Type_BIT:
		return types.Of(types.Uint64), true
	case querypb.Type_FLOAT32:
		return types.Of(types.Float32), true
	case querypb.Type_FLOAT64:
		return types.Of(types.Float64), true
	case querypb.Type_DATE:
		return types.Of(types.Date), true
	case querypb.Type_DATETIME, querypb.Type_TIMESTAMP:
		return types.Of(types.TimestampNTZ), true
	case querypb.Type_TIME:
		return types.Of(types.Time), true
	case querypb.Type_JSON:
		return types.Of(types.JSON), true
	case querypb.Type_BLOB, querypb.Type_BINARY, querypb.Type_VARBINARY:
		return types.Of(types.Binary), true
	case querypb.Type_TEXT, querypb.Type_CHAR, querypb.Type_VARCHAR, querypb.Type_ENUM, querypb.Type_SET:
		return types.Of(types.String), true
	}
	return types.Type{}, false
}

// toHost boxes a value as the host represents it; an instant becomes the wall clock of loc.
func toHost(v types.Value, loc *time.Location) any {
	if !v.Valid {
		return nil
	}
	switch v.Type.Kind {
	case types.Bool, types.Int8:
		return int8(v.I)
	case types.Int16:
		return int16(v.I)
	case types.Int32:
		return int32(v.I)
	case types.Int64:
		return v.I
	case types.Uint64:
		return uint64(v.I)
	case types.Float32:
		return float32(v.F)
	case types.Float64:
		return v.F
	case types.Decimal:
		return decimal.NewFromBigInt(v.D.Big(), -int32(v.Type.Scale))
	case types.Date:
		return time.Unix(v.I*86400, 0).UTC()
	case types.TimestampNTZ:
		return time.UnixMicro(v.I).UTC()
	case types.Timestamp:
		t := time.UnixMicro(v.I).In(loc)
		return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	case types.Time:
		return hosttypes.Timespan(v.I)
	case types.Binary:
		return []byte(v.S)
	case types.JSON:
		var doc any
		if json.Unmarshal([]byte(v.S), &doc) != nil {
			return v.S
		}
		return hosttypes.JSONDocument{Val: doc}
	}
	return v.S
}

// fromHost unboxes a value of the host into type t. An instant is read as a wall clock of loc.
func fromHost(x any, t types.Type, loc *time.Location) (types.Value, error) {
	if x == nil {
		return types.NullOf(t), nil
	}
	if w, ok := x.(sql.AnyWrapper); ok {
		u, err := sql.UnwrapAny(context.Background(), w)
		if err != nil {
			return types.Value{}, err
		}
		x = u
	}
	switch t.Kind {
	case types.Float32, types.Float64:
		return floatFromHost(x, t)
	case types.Decimal:
		return decimalFromHost(x, t)
	case types.String, types.Binary, types.JSON:
		s, err := textFromHost(x)
		return types.BytesValue(t, s), err
	case types.Date, types.Timestamp, types.TimestampNTZ:
		if tm, ok := x.(time.Time); ok {
			return timeFromHost(tm, t, loc), nil
		}
	}
	if i, ok := intFromHost(x); ok {
		return types.IntValue(t, i), nil
	}
	return types.Value{}, fmt.Errorf("cannot read host value of type %T as %s", x, t)
}

func intFromHost(x any) (int64, bool) {
	switch x := x.(type) {
	case bool:
		if x {
			return 1, true
		}
		return 0, true
	case int:
		return int64(x), true
	case int8:
		return int64(x), true
	case int16:
		return int64(x), true
	case int32:
		return int64(x), true
	case int64:
		return x, true
	case uint8:
		return int64(x), true
	case uint16:
		return int64(x), true
	case uint32:
		return int64(x), true
	case uint64:
		return int64(x), true
	case uint:
		return int64(x), true
	case float64:
		return int64(x), true
	case float32:
		return int64(x), true
	case hosttypes.Timespan:
		return int64(x), true
	case decimal.Decimal:
		return x.IntPart(), true
	case string:
		i, err := strconv.ParseInt(x, 10, 64)
		return i, err == nil
	}
	return 0, false
}

func floatFromHost(x any, t types.Type) (types.Value, error) {
	switch x := x.(type) {
	case float64:
		return types.FloatValue(t, x), nil
	case float32:
		return types.FloatValue(t, float64(x)), nil
	case decimal.Decimal:
		f, _ := x.Float64()
		return types.FloatValue(t, f), nil
	case uint64:
		return types.FloatValue(t, float64(x)), nil
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(x), 64)
		return types.FloatValue(t, f), err
	}
	if i, ok := intFromHost(x); ok {
		return types.FloatValue(t, float64(i)), nil
	}
	return types.Value{}, fmt.Errorf("cannot read host value of type %T as %s", x, t)
}

func decimalFromHost(x any, t types.Type) (types.Value, error) {
	switch x := x.(type) {
	case decimal.Decimal:
		d := x.Round(int32(t.Scale))
		unscaled := d.Coefficient()
		if shift := d.Exponent() + int32(t.Scale); shift > 0 {
			unscaled = new(big.Int).Mul(unscaled, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(shift)), nil))
		} else if shift < 0 {
			unscaled = new(big.Int).Quo(unscaled, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(-shift)), nil))
		}
		v, ok := types.Int128FromBig(unscaled)
		if !ok {
			return types.Value{}, types.ErrOverflow
		}
		return types.DecimalValue(t, v), nil
	case uint64:
		return decimalFromHost(decimal.NewFromBigInt(new(big.Int).SetUint64(x), 0), t)
	case float64:
		return decimalFromHost(decimal.NewFromFloat(x), t)
	case float32:
		return decimalFromHost(decimal.NewFromFloat32(x), t)
	case string:
		v, _, ok := types.ParseDecimal(x, int(t.Scale))
		if !ok {
			return types.Value{}, types.ErrOverflow
		}
		return types.DecimalValue(t, v), nil
	}
	if i, ok := intFromHost(x); ok {
		return decimalFromHost(decimal.NewFromInt(i), t)
	}
	return types.Value{}, fmt.Errorf("cannot read host value of type %T as %s", x, t)
}

func textFromHost(x any) (string, error) {
	switch x := x.(type) {
	case string:
		return x, nil
	case []byte:
		return string(x), nil
	case sql.JSONWrapper:
		return hosttypes.JsonToMySqlString(x)
	case time.Time:
		return x.Format("2006-01-02 15:04:05.999999"), nil
	case decimal.Decimal:
		return x.String(), nil
	}
	return fmt.Sprint(x), nil
}

func timeFromHost(tm time.Time, t types.Type, loc *time.Location) types.Value {
	switch t.Kind {
	case types.Date:
		d := time.Date(tm.Year(), tm.Month(), tm.Day(), 0, 0, 0, 0, time.UTC)
		return types.IntValue(t, d.Unix()/86400)
	case types.Timestamp:
		d := time.Date(tm.Year(), tm.Month(), tm.Day(), tm.Hour(), tm.Minute(), tm.Second(), tm.Nanosecond(), loc)
		return types.IntValue(t, d.UnixMicro())
	}
	return types.IntValue(t, tm.UTC().UnixMicro())
}

// literalValue turns a host literal into a value with the narrowest fitting engine type.
func literalValue(x any, t sql.Type) (types.Value, error) {
	switch x := x.(type) {
	case nil:
		return types.Value{Type: types.Of(types.Null)}, nil
	case bool:
		return types.BoolValue(x), nil
	case uint64:
		if x > 1<<63-1 {
			return types.IntValue(types.Of(types.Uint64), int64(x)), nil
		}
	case float64:
		return types.FloatValue(types.Of(types.Float64), x), nil
	case float32:
		return types.FloatValue(types.Of(types.Float32), float64(x)), nil
	case decimal.Decimal:
		scale := max(0, -int(x.Exponent()))
		digits := len(new(big.Int).Abs(x.Coefficient()).String()) + max(0, int(x.Exponent()))
		return decimalFromHost(x, types.DecimalOf(max(digits, scale+1), scale))
	case string:
		if et, ok := EngineType(t); ok && et.Kind == types.Binary {
			return types.BytesValue(et, x), nil
		}
		return types.StringValue(x), nil
	case []byte:
		return types.BytesValue(types.Of(types.Binary), string(x)), nil
	case time.Time:
		et, _ := EngineType(t)
		if et.Kind != types.Date {
			et = types.Of(types.TimestampNTZ)
		}
		return timeFromHost(x, et, time.UTC), nil
	case hosttypes.Timespan:
		return types.IntValue(types.Of(types.Time), int64(x)), nil
	}
	if i, ok := intFromHost(x); ok {
		kt := types.Of(types.Int64)
		if t == hosttypes.Boolean {
			kt = types.Of(types.Bool)
		}
		return types.IntValue(kt, i), nil
	}
	et, ok := EngineType(t)
	if !ok {
		return types.Value{}, fmt.Errorf("literal of unsupported type %T", x)
	}
	return fromHost(x, et, time.UTC)
}

// AffectedRows returns the row count of the host's result of a statement without columns.
func AffectedRows(row sql.Row) (int64, bool) {
	if len(row) != 1 {
		return 0, false
	}
	ok, is := row[0].(hosttypes.OkResult)
	return int64(ok.RowsAffected), is
}

// RowValues converts a row of the host to values of the given types; clocks are taken as UTC.
func RowValues(row sql.Row, ts []types.Type) ([]types.Value, error) {
	out := make([]types.Value, len(row))
	for i, x := range row {
		var err error
		if out[i], err = fromHost(x, ts[i], time.UTC); err != nil {
			return nil, err
		}
	}
	return out, nil
}
