package logictest

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/engine"
)

// asked is a query that a tool sends before, or instead of, those of its user.
type asked struct {
	tool, query string
	columns     string // names, separated by commas
	rows        int    // -1: any number, at least one; -2: any number
	first       string // the values of the first row, separated by |; empty: not compared
}

const statusColumns = "Name,Engine,Version,Row_format,Rows,Avg_row_length,Data_length,Max_data_length,Index_length,Data_free,Auto_increment,Create_time,Update_time,Check_time,Collation,Checksum,Create_options,Comment"

// tools are written after what the tools' documentation and their open source say that they send.
var tools = []asked{
	{"superset", "SHOW DATABASES", "Database", -1, ""},
	{"superset", "SELECT DATABASE()", "DATABASE()", 1, "shop"},
	{"superset", "SELECT @@transaction_isolation", "@@transaction_isolation", 1, "REPEATABLE-READ"},
	{"superset", "SHOW VARIABLES LIKE 'sql_mode'", "Variable_name,Value", 1, ""},
	{"superset", "SHOW VARIABLES LIKE 'lower_case_table_names'", "Variable_name,Value", 1, "lower_case_table_names|0"},
	{"superset", "SHOW FULL TABLES FROM `shop`", "Tables_in_shop,Table_type", 3, "dear|VIEW"},
	{"superset", "SHOW CREATE TABLE `shop`.`items`", "Table,Create Table", 1, ""},
	{"superset", "DESCRIBE `shop`.`items`", "Field,Type,Null,Key,Default,Extra", 4, "id|bigint|NO|PRI|NULL|"},
	{"superset", "SELECT table_name FROM information_schema.views WHERE table_schema = 'shop'", "TABLE_NAME", 1, "dear"},
	{"superset", "SELECT CAST('test plain returns' AS CHAR(60)) AS anon_1", "anon_1", 1, "test plain returns"},
	{"superset", "SELECT DATE(day) AS __timestamp, sum(price) AS `SUM(price)` FROM shop.items AS OF VERSION 1 GROUP BY DATE(day) ORDER BY `SUM(price)` DESC LIMIT 50000", "__timestamp,SUM(price)", 2, ""},

	{"metabase", "SELECT @@version_comment, @@version", "@@version_comment,@@version", 1, ""},
	{"metabase", "SELECT TABLE_SCHEMA AS TABLE_CAT, NULL AS TABLE_SCHEM, TABLE_NAME, CASE WHEN TABLE_TYPE='BASE TABLE' THEN CASE WHEN TABLE_SCHEMA = 'mysql' OR TABLE_SCHEMA = 'performance_schema' THEN 'SYSTEM TABLE' ELSE 'TABLE' END WHEN TABLE_TYPE='TEMPORARY' THEN 'LOCAL_TEMPORARY' ELSE TABLE_TYPE END AS TABLE_TYPE, TABLE_COMMENT AS REMARKS FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = 'shop' HAVING TABLE_TYPE IN ('TABLE','VIEW') ORDER BY TABLE_TYPE, TABLE_SCHEMA, TABLE_NAME", "TABLE_CAT,TABLE_SCHEM,TABLE_NAME,TABLE_TYPE,REMARKS", 3, "shop|NULL|items|TABLE|what is sold"},
	{"metabase", "SELECT c.column_name AS name, c.ordinal_position - 1 AS `database-position`, c.table_schema AS `table-schema`, c.table_name AS `table-name`, upper(c.data_type) AS `database-type`, c.extra = 'auto_increment' AS `database-is-auto-increment`, (c.extra IN ('VIRTUAL GENERATED', 'STORED GENERATED')) AS `generated`, c.column_key = 'PRI' AS `pk?`, nullif(c.column_comment, '') AS `field-comment` FROM information_schema.columns AS c WHERE c.table_schema NOT IN ('information_schema', 'performance_schema', 'sys', 'mysql') AND c.table_name = 'items' ORDER BY c.table_name, c.ordinal_position",
		"name,database-position,table-schema,table-name,database-type,database-is-auto-increment,generated,pk?,field-comment", 4, "id|0|shop|items|BIGINT|0|0|1|NULL"},
	{"metabase", "SELECT a.constraint_schema AS `fk-table-schema`, a.referenced_table_name AS `pk-table-name` FROM information_schema.key_column_usage a JOIN information_schema.table_constraints b USING (constraint_schema, constraint_name, table_name) WHERE b.constraint_type = 'FOREIGN KEY' AND a.table_schema = 'shop'", "fk-table-schema,pk-table-name", 0, ""},
	{"metabase", "SELECT @@GLOBAL.time_zone AS global_tz, @@system_time_zone AS system_tz, time_format(timediff(now(), convert_tz(now(), @@GLOBAL.time_zone, '+00:00')), '%H:%i') AS 'offset'", "global_tz,system_tz,offset", 1, ""},
	{"metabase", "SHOW GRANTS FOR CURRENT_USER()", "Grants for root@localhost", 1, ""},
	{"metabase", "SHOW VARIABLES WHERE Variable_name = 'character_set_results'", "Variable_name,Value", 1, ""},

	{"dbeaver", "SHOW ENGINES", "Engine,Support,Comment,Transactions,XA,Savepoints", 1, "DELTA|DEFAULT|Delta Lake tables: versions, snapshot reads, optimistic commits|YES|NO|YES"},
	{"dbeaver", "SHOW CHARSET", "Charset,Description,Default collation,Maxlen", -1, ""},
	{"dbeaver", "SHOW COLLATION", "Collation,Charset,Id,Default,Compiled,Sortlen,Pad_attribute", -1, ""},
	{"dbeaver", "SHOW PLUGINS", "Name,Status,Type,Library,License", 3, "DELTA|ACTIVE|STORAGE ENGINE|NULL|NULL"},
	{"dbeaver", "SELECT PLUGIN_NAME FROM information_schema.PLUGINS WHERE PLUGIN_NAME = 'mysql_native_password' AND PLUGIN_STATUS = 'ACTIVE'", "PLUGIN_NAME", 1, "mysql_native_password"},
	{"dbeaver", "SHOW TABLE STATUS FROM shop WHERE `Comment` = 'VIEW'", statusColumns, 1, "dear|" + strings.Repeat("NULL|", 16) + "VIEW"},
	{"dbeaver", "SHOW TABLE STATUS WHERE Name LIKE 'p%' AND Comment <> 'VIEW'", statusColumns, 1, ""},
	{"dbeaver", "SHOW FULL TABLES FROM shop WHERE Table_type = 'VIEW'", "Tables_in_shop,Table_type", 1, "dear|VIEW"},
	{"dbeaver", "SHOW TABLES IN shop WHERE Tables_in_shop LIKE 'p%'", "Tables_in_shop", 1, "plain"},
	{"dbeaver", "SHOW CREATE DATABASE IF NOT EXISTS `shop`", "Database,Create Database", 1, "shop|CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop` /*!40100 DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin */"},
	{"dbeaver", "SHOW TRIGGERS FROM shop WHERE `Table` = 'items'", "Trigger,Event,Table,Statement,Timing,Created,sql_mode,Definer,character_set_client,collation_connection,Database Collation", 0, ""},
	{"dbeaver", "SELECT * FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = 'shop'", "CONSTRAINT_CATALOG,CONSTRAINT_SCHEMA,CONSTRAINT_NAME,UNIQUE_CONSTRAINT_CATALOG,UNIQUE_CONSTRAINT_SCHEMA,UNIQUE_CONSTRAINT_NAME,MATCH_OPTION,UPDATE_RULE,DELETE_RULE,TABLE_NAME,REFERENCED_TABLE_NAME", 0, ""},
	{"dbeaver", "SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'shop' ORDER BY ROUTINE_NAME", "ROUTINE_NAME", 0, ""},
	{"dbeaver", "SELECT PARAMETER_NAME FROM information_schema.PARAMETERS WHERE SPECIFIC_SCHEMA = 'shop'", "PARAMETER_NAME", 0, ""},
	{"dbeaver", "SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'shop'", "EVENT_NAME", 0, ""},
	{"dbeaver", "SELECT SESSION_USER(), SYSTEM_USER(), USER(), CURRENT_ROLE()", "SESSION_USER(),SYSTEM_USER(),USER(),CURRENT_ROLE()", 1, "root@localhost|root@localhost|root@localhost|NONE"},
	{"connector", "SELECT @@innodb_read_only, @@event_scheduler, @@authentication_policy", "@@innodb_read_only,@@event_scheduler,@@authentication_policy", 1, "0|OFF|caching_sha2_password,,"},
	{"exporter", "SELECT q.VARIABLE_VALUE = a.VARIABLE_VALUE, q.VARIABLE_VALUE > 30 FROM performance_schema.global_status q, performance_schema.global_status a WHERE q.VARIABLE_NAME = 'Queries' AND a.VARIABLE_NAME = 'Questions'",
		"q.VARIABLE_VALUE = a.VARIABLE_VALUE,q.VARIABLE_VALUE > 30", 1, "1|1"},
	{"dbeaver", "SHOW VARIABLES LIKE 'lower_case_%'", "Variable_name,Value", 2, "lower_case_file_system|0"},
	{"dbeaver", "SELECT @@tx_isolation", "@@tx_isolation", 1, "REPEATABLE-READ"},
	{"dbeaver", "SELECT * FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'shop'", "CATALOG_NAME,SCHEMA_NAME,DEFAULT_CHARACTER_SET_NAME,DEFAULT_COLLATION_NAME,SQL_PATH,DEFAULT_ENCRYPTION", 1, "def|shop|utf8mb4|utf8mb4_0900_bin|NULL|NO"},
	{"dbeaver", "SHOW TABLE STATUS FROM `shop` LIKE 'items'", statusColumns, 1, ""},
	{"dbeaver", "SELECT * FROM information_schema.COLUMNS WHERE TABLE_SCHEMA='shop' AND TABLE_NAME='items' ORDER BY ORDINAL_POSITION", "TABLE_CATALOG,TABLE_SCHEMA,TABLE_NAME,COLUMN_NAME,ORDINAL_POSITION,COLUMN_DEFAULT,IS_NULLABLE,DATA_TYPE,CHARACTER_MAXIMUM_LENGTH,CHARACTER_OCTET_LENGTH,NUMERIC_PRECISION,NUMERIC_SCALE,DATETIME_PRECISION,CHARACTER_SET_NAME,COLLATION_NAME,COLUMN_TYPE,COLUMN_KEY,EXTRA,PRIVILEGES,COLUMN_COMMENT,GENERATION_EXPRESSION,SRS_ID", 4, "def|shop|items|id|1|NULL|NO|bigint|NULL|NULL|19|0|NULL|NULL|NULL|bigint|PRI||insert,references,select,update|||NULL"},
	{"dbeaver", "SELECT kc.CONSTRAINT_NAME,kc.TABLE_NAME,kc.COLUMN_NAME,kc.ORDINAL_POSITION FROM INFORMATION_SCHEMA.KEY_COLUMN_USAGE kc WHERE kc.TABLE_SCHEMA='shop' AND kc.REFERENCED_TABLE_NAME IS NULL AND kc.TABLE_NAME='items' ORDER BY kc.CONSTRAINT_NAME,kc.ORDINAL_POSITION", "CONSTRAINT_NAME,TABLE_NAME,COLUMN_NAME,ORDINAL_POSITION", 1, "PRIMARY|items|id|1"},
	{"dbeaver", "SELECT cc.CONSTRAINT_NAME, cc.CHECK_CLAUSE, tc.TABLE_NAME FROM (SELECT CONSTRAINT_NAME, CHECK_CLAUSE FROM INFORMATION_SCHEMA.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = 'shop') cc, (SELECT TABLE_NAME, CONSTRAINT_NAME FROM INFORMATION_SCHEMA.TABLE_CONSTRAINTS WHERE TABLE_SCHEMA = 'shop') tc WHERE cc.CONSTRAINT_NAME = tc.CONSTRAINT_NAME", "CONSTRAINT_NAME,CHECK_CLAUSE,TABLE_NAME", 1, "dearer|(price > 0)|items"},
	{"dbeaver", "SELECT * FROM INFORMATION_SCHEMA.STATISTICS WHERE TABLE_SCHEMA='shop' AND TABLE_NAME='items' ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX", "TABLE_CATALOG,TABLE_SCHEMA,TABLE_NAME,NON_UNIQUE,INDEX_SCHEMA,INDEX_NAME,SEQ_IN_INDEX,COLUMN_NAME,COLLATION,CARDINALITY,SUB_PART,PACKED,NULLABLE,INDEX_TYPE,COMMENT,INDEX_COMMENT,IS_VISIBLE,EXPRESSION", 1, "def|shop|items|0|shop|PRIMARY|1|id|A|2|NULL|NULL||BTREE|||YES|NULL"},
	{"dbeaver", "SHOW FULL PROCESSLIST", "Id,User,Host,db,Command,Time,State,Info", -1, ""},
	{"dbeaver", "SHOW CREATE VIEW `shop`.`dear`", "View,Create View,character_set_client,collation_connection", 1, ""},
	{"dbeaver", "SELECT * FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = 'shop'", "TRIGGER_CATALOG,TRIGGER_SCHEMA,TRIGGER_NAME,EVENT_MANIPULATION,EVENT_OBJECT_CATALOG,EVENT_OBJECT_SCHEMA,EVENT_OBJECT_TABLE,ACTION_ORDER,ACTION_CONDITION,ACTION_STATEMENT,ACTION_ORIENTATION,ACTION_TIMING,ACTION_REFERENCE_OLD_TABLE,ACTION_REFERENCE_NEW_TABLE,ACTION_REFERENCE_OLD_ROW,ACTION_REFERENCE_NEW_ROW,CREATED,SQL_MODE,DEFINER,CHARACTER_SET_CLIENT,COLLATION_CONNECTION,DATABASE_COLLATION", 0, ""},

	{"grafana", "SELECT DISTINCT TABLE_SCHEMA FROM information_schema.TABLES WHERE TABLE_TYPE != 'SYSTEM VIEW' AND TABLE_SCHEMA NOT IN ('mysql', 'performance_schema', 'sys')", "TABLE_SCHEMA", 1, "shop"},
	{"grafana", "SELECT DISTINCT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop' ORDER BY TABLE_NAME", "TABLE_NAME", 3, "dear"},
	{"grafana", "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'shop' AND table_name = 'items'", "COLUMN_NAME,DATA_TYPE", 4, "id|bigint"},
	{"grafana", "SELECT quote(TABLE_NAME) FROM information_schema.TABLES WHERE TABLE_SCHEMA = IF(DATABASE() IS NOT NULL, DATABASE(), TABLE_SCHEMA) ORDER BY TABLE_NAME", "quote(TABLE_NAME)", 3, "'dear'"},
	{"grafana", "SELECT UNIX_TIMESTAMP(day) DIV 86400 * 86400 AS 'time', avg(price) AS value FROM items WHERE day BETWEEN FROM_UNIXTIME(1767225600) AND FROM_UNIXTIME(1767312000) GROUP BY 1 ORDER BY UNIX_TIMESTAMP(day) DIV 86400 * 86400", "time,value", 1, "1767225600|0.500000"},

	{"tableau", "SHOW KEYS FROM `shop`.`items`", "Table,Non_unique,Key_name,Seq_in_index,Column_name,Collation,Cardinality,Sub_part,Packed,Null,Index_type,Comment,Index_comment,Visible,Expression", 1, "items|0|PRIMARY|1|id|A|2|NULL|NULL||BTREE|||YES|NULL"},
	{"tableau", "SELECT `items`.* FROM `shop`.`items` `items` LIMIT 0", "id,name,price,day", 0, ""},
	{"tableau", "SELECT SUM(1) AS `COL` FROM `items` HAVING (COUNT(1) > 0)", "COL", 1, "2"},
	{"tableau", "SHOW TABLES FROM `shop` LIKE '%'", "Tables_in_shop", 3, "dear"},
	{"tableau", "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME FROM INFORMATION_SCHEMA.KEY_COLUMN_USAGE WHERE REFERENCED_TABLE_NAME IS NOT NULL AND CONSTRAINT_SCHEMA = 'shop'", "TABLE_SCHEMA,TABLE_NAME,COLUMN_NAME", 0, ""},

	{"workbench", "SHOW GLOBAL STATUS LIKE 'Uptime'", "Variable_name,Value", 1, ""},
	{"workbench", "SELECT VARIABLE_NAME, VARIABLE_VALUE FROM performance_schema.session_variables WHERE VARIABLE_NAME LIKE 'version_comment'", "VARIABLE_NAME,VARIABLE_VALUE", 1, ""},
	{"workbench", "SELECT count(*) > 100 FROM performance_schema.global_status", "count(*) > 100", 1, "1"},
	{"workbench", "SHOW SESSION VARIABLES LIKE 'version_compile_os'", "Variable_name,Value", 1, "version_compile_os|linux"},
	{"workbench", "SELECT @@protocol_version, @@port > 1023, length(@@hostname) > 0, @@max_connections", "@@protocol_version,@@port > 1023,length(@@hostname) > 0,@@max_connections", 1, "10|1|1|1000"},
	{"workbench", "SHOW SESSION STATUS LIKE 'Ssl_cipher'", "Variable_name,Value", -2, ""},
	{"mysqlsh", "SELECT @@optimizer_switch, @@profiling, @@innodb_page_size, @@have_ssl", "@@optimizer_switch,@@profiling,@@innodb_page_size,@@have_ssl", 1, "index_merge=off|1|16384|YES"},
}

// TestTools asks what tools ask, and compares the shape of the answers.
func TestTools(t *testing.T) {
	conn, err := serve(t, engine.Options{}).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, s := range []string{"CREATE DATABASE shop", "USE shop",
		"CREATE TABLE items (id BIGINT PRIMARY KEY, name VARCHAR(20), price DECIMAL(10,2), day DATETIME, CONSTRAINT dearer CHECK (price > 0)) COMMENT 'what is sold'",
		"INSERT INTO items VALUES (1, 'apple', 0.5, '2026-01-01'), (2, 'bread', 2.2, '2026-02-01')",
		"CREATE TABLE plain (x INT)", "CREATE VIEW dear AS SELECT * FROM items WHERE price > 1",
		"SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci", "SET optimizer_switch = 'index_merge=off'", "SET PROFILING = 1", "SET SQL_SELECT_LIMIT = DEFAULT",
		"SET SESSION sql_mode = concat(@@sql_mode, ',STRICT_TRANS_TABLES')", "SET net_write_timeout = 600", "SET character_set_results = NULL", "SET NAMES utf8mb4",
		"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SET information_schema_stats_expiry = 0", "SET GLOBAL max_connections = 1000",
		"FLUSH STATUS", "FLUSH ENGINE LOGS", "FLUSH HOSTS"} {
		if _, err := conn.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	for _, a := range tools {
		a.check(t, conn.QueryContext)
		a.check(t, func(ctx context.Context, query string, args ...any) (*sql.Rows, error) { // as a prepared statement, rows in binary
			p, err := conn.PrepareContext(ctx, query)
			if err != nil {
				return nil, err
			}
			t.Cleanup(func() { _ = p.Close() })
			return p.QueryContext(ctx, args...)
		})
	}
	if _, err := conn.ExecContext(t.Context(), "SET no_such_variable = 1"); err == nil || !strings.Contains(err.Error(), "Error 1193") {
		t.Error(err)
	}
}

func (a asked) check(t *testing.T, query func(ctx context.Context, text string, args ...any) (*sql.Rows, error)) {
	t.Helper()
	rows, err := query(t.Context(), a.query)
	if err != nil {
		t.Errorf("%s: %s\n%v", a.tool, a.query, err)
		return
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil || strings.Join(columns, ",") != a.columns {
		t.Errorf("%s: %s\ncolumns %s, want %s (%v)", a.tool, a.query, strings.Join(columns, ","), a.columns, err)
	}
	n, first := 0, ""
	for ; rows.Next(); n++ {
		vals, dest, text := make([]sql.NullString, len(columns)), make([]any, len(columns)), make([]string, len(columns))
		for i := range vals {
			dest[i] = &vals[i]
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		for i, v := range vals {
			if text[i] = "NULL"; v.Valid {
				text[i] = v.String
			}
		}
		if n == 0 {
			first = strings.Join(text, "|")
		}
	}
	switch {
	case rows.Err() != nil:
		t.Errorf("%s: %s\n%v", a.tool, a.query, rows.Err())
	case a.rows >= 0 && n != a.rows || a.rows == -1 && n == 0:
		t.Errorf("%s: %s\n%d rows, want %d", a.tool, a.query, n, a.rows)
	case a.first != "" && first != a.first:
		t.Errorf("%s: %s\n%s\nwant\n%s", a.tool, a.query, first, a.first)
	}
}
