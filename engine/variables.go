package engine

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	hosttypes "github.com/dolthub/go-mysql-server/sql/types"

	"github.com/featuresql/featuresql/engine/catalog"
	"github.com/featuresql/featuresql/engine/catalog/information"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/planner"
)

// registerVariables adds featuresql's own system variables to the host's.
func registerVariables() {
	sql.SystemVariables.AddSystemVariables([]sql.SystemVariable{noServerFiles, &sql.MysqlSystemVariable{
		Name: catalog.AsOfVariable, Scope: sql.GetMysqlScope(sql.SystemVariableScope_Both), Dynamic: true, SetVarHintApplies: true,
		Type: asOfType{hosttypes.NewSystemStringType(catalog.AsOfVariable)}, Default: "",
	}, &sql.MysqlSystemVariable{
		Name: planner.QueryMemoryVariable, Scope: sql.GetMysqlScope(sql.SystemVariableScope_Both), Dynamic: true, SetVarHintApplies: true,
		Type: sizeType{hosttypes.NewSystemIntType(planner.QueryMemoryVariable, 0, math.MaxInt64, false)}, Default: int64(0),
	}})
	for name, value := range map[string]any{
		"sql_mode": defaultMode, "version": MySQLVersion, "version_comment": "featuresql " + Version,
		"local_infile": int8(1), "protocol_version": int64(10), "event_scheduler": "OFF", "version_compile_os": runtime.GOOS, "version_compile_machine": runtime.GOARCH,
	} {
		SetShown(name, value)
	}
	for _, name := range []string{"default_storage_engine", "default_tmp_storage_engine"} {
		sql.SystemVariables.AddSystemVariables([]sql.SystemVariable{&sql.MysqlSystemVariable{
			Name: name, Scope: sql.GetMysqlScope(sql.SystemVariableScope_Both), Dynamic: true,
			Type: hosttypes.NewSystemEnumType(name, information.Engine, "InnoDB", "MyISAM", "MEMORY"), Default: information.Engine,
		}})
	}
	for _, name := range []string{catalog.WarningCount, catalog.ErrorCount} {
		sql.SystemVariables.AddSystemVariables([]sql.SystemVariable{&sql.MysqlSystemVariable{
			Name: name, Scope: sql.GetMysqlScope(sql.SystemVariableScope_Session), Type: hosttypes.NewSystemIntType(name, 0, math.MaxInt64, false), Default: int64(0),
		}})
	}
	for name, value := range map[string]string{"optimizer_switch": "", "profiling": "0"} {
		sql.SystemVariables.AddSystemVariables([]sql.SystemVariable{&sql.MysqlSystemVariable{
			Name: name, Scope: sql.GetMysqlScope(sql.SystemVariableScope_Both), Dynamic: true, Type: settable{hosttypes.NewSystemStringType(name)}, Default: value,
		}})
	}
	for name, value := range askedFor {
		sql.SystemVariables.AddSystemVariables([]sql.SystemVariable{&sql.MysqlSystemVariable{
			Name: name, Scope: sql.GetMysqlScope(sql.SystemVariableScope_Global), Type: hosttypes.NewSystemStringType(name), Default: value,
		}})
	}
}

// settable is a text that takes anything: what clients set and nothing reads.
type settable struct{ sql.SystemVariableType }

// Convert implements sql.Type.
func (t settable) Convert(ctx context.Context, v any) (any, sql.ConvertInRange, error) {
	return t.SystemVariableType.Convert(ctx, fmt.Sprint(v))
}

// status are the counters of SHOW STATUS that the host does not keep.
func (e *Engine) status() map[string]any {
	up := int64(time.Since(e.started).Seconds())
	return map[string]any{"Uptime": up, "Uptime_since_flush_status": up}
}

// SetShown gives a variable that clients only look at a value for the life of the process; none is the server's to read.
func SetShown(name string, value any) {
	if v, _, ok := sql.SystemVariables.GetGlobal(name); ok {
		own := *v.(*sql.MysqlSystemVariable)
		own.Default = value
		sql.SystemVariables.AddSystemVariables([]sql.SystemVariable{&own})
	}
}

// askedFor are variables that the host does not have, and clients of older servers ask for.
var askedFor = map[string]string{
	"have_ssl": "YES", "have_openssl": "YES", "have_profiling": "NO", "have_query_cache": "NO", "have_compress": "NO", "have_dynamic_loading": "NO",
	"have_geometry": "NO", "have_symlink": "DISABLED", "have_crypt": "NO", "query_cache_type": "OFF", "query_cache_size": "0",
	"innodb_version": "8.0.33", "innodb_page_size": "16384", "innodb_file_per_table": "1", "innodb_read_only": "0",
	"authentication_policy": "caching_sha2_password,,",
}

// asOfType is a text that takes a version as a number, too, and a time of the session's zone.
type asOfType struct{ sql.SystemVariableType }

// Convert implements sql.Type.
func (t asOfType) Convert(ctx context.Context, v any) (any, sql.ConvertInRange, error) {
	return t.SystemVariableType.Convert(ctx, catalog.AsOfText(v))
}

// sizeType is a number of bytes that takes a text with a unit, too.
type sizeType struct{ sql.SystemVariableType }

// Convert implements sql.Type.
func (t sizeType) Convert(ctx context.Context, v any) (any, sql.ConvertInRange, error) {
	if s, ok := v.(string); ok {
		n, err := exec.ParseSize(s)
		if err != nil {
			return nil, sql.OutOfRange, sql.ErrInvalidSystemVariableValue.New(planner.QueryMemoryVariable, s)
		}
		v = n
	}
	return t.SystemVariableType.Convert(ctx, v)
}

// defaultMode is MySQL 8's, which the host's is a part of.
const defaultMode = "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"

// noServerFiles keeps LOAD_FILE from files of the server: the folder that it may read from does not exist.
var noServerFiles = &sql.MysqlSystemVariable{
	Name: "secure_file_priv", Scope: sql.GetMysqlScope(sql.SystemVariableScope_Global),
	Type: hosttypes.NewSystemStringType("secure_file_priv"), Default: "/nonexistent/featuresql",
}
