package mysqlerr

import (
	"reflect"
)

// row gives an error type of ours its code. Types are named as fmt's %T names them, not imported: this package is
// below all that return errors through it, and the packages that declare them stay free of MySQL. A test builds
// one of each.
type row struct {
	typ  string
	code int
	// If field is set the row holds only where this field of the error is true, or the number code; the next row of
	// the type is for the others.
	field string
	when  string // for the documentation
	// example is a statement of testdata/logic/errors.test that fails with it, empty where no statement alone can: the
	// table or the store has to be damaged first, or the statement to use up the server.
	example string
}

// ownRows: 1105 stands for corrupted tables and internal errors alone.
var ownRows = []row{
	{typ: "parser.SyntaxError", code: 1064, when: "outside the grammar, or beyond a limit on size and nesting",
		example: "CREATE TABLE u (id INT) PARTITIONED BY ("},
	{typ: "parser.UnsupportedError", code: 1235, when: "a statement that is understood and not supported",
		example: "CREATE TABLE u (id GEOMETRY)"},
	{typ: "parser.UnsharedError", code: 1235, when: "a CHECK condition that MySQL and Spark do not read alike",
		example: "CREATE TABLE u (id INT, CHECK (length(id) < 3))"},
	{typ: "parser.TimeZoneError", code: 1298, when: "SET time_zone to a zone that is not known",
		example: "SET time_zone = 'Mars/Olympus'"},
	{typ: "catalog.SQLModeError", code: 1235, when: "SET sql_mode to a mode that is not supported",
		example: "SET sql_mode = 'PIPES_AS_CONCAT'"},
	{typ: "parser.AsOfError", code: 1525, when: "AS OF NULL, or a value that is neither a version nor a time",
		example: "SELECT * FROM t AS OF VERSION NULL"},
	{typ: "parser.ColumnCountError", code: 1136, when: "INSERT … VALUES of too many or too few values",
		example: "INSERT INTO k VALUES (1, 'x'), (2)"},
	{typ: "parser.DuplicateColumnError", code: 1060, when: "CREATE TABLE names a column twice",
		example: "CREATE TABLE u (id INT, ID STRING)"},
	{typ: "parser.PrecisionError", code: 1426, field: "Code", when: "a type with more digits than MySQL has",
		example: "CREATE TABLE u (at DATETIME(9))"},
	{typ: "parser.PrecisionError", code: 1427, field: "Code", when: "a DECIMAL whose scale is greater than its precision",
		example: "CREATE TABLE u (x DECIMAL(5, 10))"},
	{typ: "parser.TypedLiteralError", code: 1525, when: "DATE, TIME or TIMESTAMP and a text that is none",
		example: "SELECT DATE '2024-02-30'"},
	{typ: "parser.MultipleKeyError", code: 1068, when: "CREATE TABLE declares two primary keys",
		example: "CREATE TABLE u (id INT PRIMARY KEY, x INT PRIMARY KEY)"},
	{typ: "parser.MissingColumnError", code: 1072, when: "a key or PARTITIONED BY names an unknown column",
		example: "CREATE TABLE u (id INT) PARTITIONED BY (day)"},
	{typ: "parser.WindowError", code: 3579, field: "Code", when: "OVER a window that WINDOW does not define",
		example: "SELECT sum(n) OVER w FROM t"},
	{typ: "parser.WindowError", code: 3580, field: "Code", when: "windows that inherit from one another",
		example: "SELECT sum(n) OVER a FROM t WINDOW a AS (b), b AS (a)"},
	{typ: "parser.WindowError", code: 3581, field: "Code", when: "a window that inherits and has PARTITION BY",
		example: "SELECT sum(n) OVER (w PARTITION BY v) FROM t WINDOW w AS (ORDER BY id)"},
	{typ: "parser.WindowError", code: 3582, field: "Code", when: "a window that inherits from one with a frame",
		example: "SELECT sum(n) OVER (w ORDER BY id) FROM t WINDOW w AS (ROWS 1 PRECEDING)"},
	{typ: "parser.WindowError", code: 3583, field: "Code", when: "a window that inherits an ORDER BY and has one",
		example: "SELECT sum(n) OVER (w ORDER BY n) FROM t WINDOW w AS (ORDER BY id)"},
	{typ: "parser.WindowError", code: 3584, field: "Code", when: "a frame that starts UNBOUNDED FOLLOWING",
		example: "SELECT sum(n) OVER (ROWS BETWEEN UNBOUNDED FOLLOWING AND CURRENT ROW) FROM t"},
	{typ: "parser.WindowError", code: 3585, field: "Code", when: "a frame that ends UNBOUNDED PRECEDING",
		example: "SELECT sum(n) OVER (ROWS BETWEEN CURRENT ROW AND UNBOUNDED PRECEDING) FROM t"},
	{typ: "parser.WindowError", code: 3586, field: "Code", when: "a frame with an illegal distance, or that ends before it starts",
		example: "SELECT sum(n) OVER (ROWS BETWEEN CURRENT ROW AND 1 PRECEDING) FROM t"},
	{typ: "parser.WindowError", code: 3587, field: "Code", when: "RANGE with a distance and other than one numeric or temporal ORDER BY expression",
		example: "SELECT sum(n) OVER (ORDER BY v RANGE 1 PRECEDING) FROM t"},
	{typ: "parser.WindowError", code: 3588, field: "Code", when: "RANGE with a number over dates",
		example: "SELECT sum(n) OVER (ORDER BY date(v) RANGE 1 PRECEDING) FROM t"},
	{typ: "parser.WindowError", code: 3589, field: "Code", when: "RANGE with an INTERVAL over numbers",
		example: "SELECT sum(n) OVER (ORDER BY id RANGE INTERVAL 1 DAY PRECEDING) FROM t"},
	{typ: "parser.WindowError", code: 3591, field: "Code", when: "WINDOW defines a name twice",
		example: "SELECT sum(n) OVER w FROM t WINDOW w AS (), w AS ()"},
	{typ: "parser.WindowError", code: 3592, field: "Code", when: "a number in a window's PARTITION BY or ORDER BY",
		example: "SELECT sum(n) OVER (ORDER BY 1) FROM t"},
	{typ: "parser.WindowError", code: 3593, field: "Code", when: "a window function outside of the select list and ORDER BY",
		example: "SELECT id FROM t WHERE row_number() OVER () = 1"},
	{typ: "parser.WindowError", code: 3594, field: "Code", when: "HAVING on the alias of a window function",
		example: "SELECT id, row_number() OVER () AS r FROM t GROUP BY id HAVING r = 1"},
	{typ: "parser.WindowError", code: 3595, field: "Code", when: "a window function in the definition of a window",
		example: "SELECT sum(n) OVER (ORDER BY rank() OVER (ORDER BY id)) FROM t"},
	{typ: "parser.WindowError", code: 3596, field: "Code", when: "ROWS with an INTERVAL",
		example: "SELECT sum(n) OVER (ORDER BY id ROWS INTERVAL 1 DAY PRECEDING) FROM t"},

	{typ: "parser.GroupingUseError", code: 1111, field: "Code", when: "GROUPING() in a query without WITH ROLLUP",
		example: "SELECT grouping(id) FROM t GROUP BY id"},
	{typ: "parser.GroupingUseError", code: 3602, field: "Code", when: "an operand of GROUPING() that is not in GROUP BY",
		example: "SELECT grouping(n) FROM t GROUP BY id WITH ROLLUP"},

	{typ: "parser.UnknownColumnError", code: 1054, when: "a column that no table of the query has",
		example: "SELECT id FROM t WHERE missing = 1"},
	{typ: "parser.AmbiguousColumnError", code: 1052, when: "a column that several tables of the query have",
		example: "SELECT id FROM t a JOIN t b ON a.id = b.id"},
	{typ: "parser.DuplicateAliasError", code: 1066, when: "two tables of a FROM clause have one name",
		example: "SELECT * FROM t, t"},
	{typ: "parser.GroupFunctionError", code: 1111, when: "an aggregate in WHERE, ON, GROUP BY or SET, or within another",
		example: "SELECT sum(count(*)) FROM t"},
	{typ: "parser.WindowContextError", code: 3593, when: "a window function outside of the select list and ORDER BY",
		example: "SELECT id FROM t WHERE row_number() OVER (ORDER BY id) = 1"},
	{typ: "parser.UnionOrderError", code: 3028, when: "an aggregate in the ORDER BY of a UNION",
		example: "SELECT 1 UNION SELECT 2 ORDER BY count(*)"},

	{typ: "planner.GroupingError", code: 1056, field: "Aggregate", when: "GROUP BY an alias of an aggregate",
		example: "SELECT count(*) AS c FROM t GROUP BY c"},
	{typ: "planner.GroupingError", code: 3029, field: "Order", when: "an aggregate in the ORDER BY of a query without aggregates",
		example: "SELECT id FROM t ORDER BY count(*)"},
	{typ: "planner.GroupingError", code: 3065, field: "Distinct", when: "SELECT DISTINCT ordered by a column that it does not list",
		example: "SELECT DISTINCT v FROM t ORDER BY id"},
	{typ: "planner.GroupingError", code: 1140, field: "Implicit", when: "a column beside aggregates without GROUP BY (ONLY_FULL_GROUP_BY)",
		example: "SELECT v, count(*) FROM t"},
	{typ: "planner.GroupingError", code: 1055, when: "a column that does not depend on those of GROUP BY (ONLY_FULL_GROUP_BY)",
		example: "SELECT id FROM t GROUP BY v"},
	{typ: "planner.UnsupportedError", code: 1235, when: "a construct that no operator executes",
		example: "DELETE FROM t AS OF VERSION 1"},
	{typ: "parser.NoColumnsError", code: 1113, when: "a table or a result without columns",
		example: "CREATE TABLE u"},
	{typ: "parser.ColumnNameError", code: 1166, when: "a column without a name, or with a name that ends in a blank",
		example: "CREATE TABLE u (`` INT)"},
	{typ: "planner.ServerFileError", code: 1290, when: "LOAD DATA INFILE outside of --file-dir, SELECT … INTO OUTFILE"},
	{typ: "planner.LocalFileError", code: 3948, when: "LOAD DATA LOCAL where local_infile is off"},
	{typ: "planner.LoadError", code: 1300, field: "Line", when: "LOAD DATA of a line that is no row"},
	{typ: "planner.LoadError", code: 29, when: "LOAD DATA of a file that cannot be read"},
	{typ: "textfile.LineError", code: 1300, when: "LOAD DATA of a line whose quotes do not end"},
	{typ: "planner.FieldCountError", code: 1261, field: "Code", when: "LOAD DATA of a line with too few fields"},
	{typ: "planner.FieldCountError", code: 1262, field: "Code", when: "LOAD DATA of a line with too many fields"},
	{typ: "planner.ColumnCountError", code: 1136, when: "INSERT of too many or too few values",
		example: "INSERT INTO t (id, v) SELECT 3"},
	{typ: "planner.ColumnTwiceError", code: 1110, when: "INSERT or a clause of MERGE names a column twice",
		example: "INSERT INTO t (id, ID) VALUES (3, 4)"},
	{typ: "planner.NoDefaultError", code: 1364, when: "INSERT leaves out a NOT NULL column without a default",
		example: "INSERT INTO t (v) VALUES ('c')"},
	{typ: "planner.ViewError", code: 1471, field: "Insert", when: "INSERT or REPLACE into a view",
		example: "INSERT INTO seen VALUES (1)"},
	{typ: "planner.ViewError", code: 1288, field: "Change", when: "UPDATE, DELETE or MERGE of a view",
		example: "UPDATE seen SET id = 1"},
	{typ: "planner.ViewError", code: 1347, when: "a statement about tables that names a view",
		example: "DESCRIBE HISTORY seen"},
	{typ: "planner.UnknownThreadError", code: 1094, when: "KILL of no connection",
		example: "KILL 4000000000"},
	{typ: "planner.DropDatabaseError", code: 1008, when: "DROP DATABASE of no database",
		example: "DROP DATABASE nowhere"},
	{typ: "catalog.LockNameError", code: 3057, when: "GET_LOCK of a name that is empty, NULL or too long",
		example: "SELECT get_lock('', 1)"},
	{typ: "catalog.TooManyLocksError", code: 1206, when: "a session holds more than 1024 names by GET_LOCK"},
	{typ: "catalog.LockDeadlockError", code: 3058, when: "GET_LOCK of a lock whose owner waits for one of this session"},
	{typ: "parser.ProcedureError", code: 1305, when: "CALL",
		example: "CALL nosuch()"},
	{typ: "information.UnknownTableError", code: 1109, when: "a table that information_schema does not have",
		example: "SELECT * FROM information_schema.nosuch"},
	{typ: "catalog.ForeignFilesError", code: 1010, when: "DROP DATABASE of a folder that holds what belongs to no table"},
	{typ: "planner.CheckColumnError", code: 3820, when: "CHECK names a column that the table does not have",
		example: "CREATE TABLE u (id INT, CHECK (missing > 1))"},
	{typ: "planner.RecursionError", code: 3636, when: "WITH RECURSIVE goes on for more rounds than cte_max_recursion_depth",
		example: "WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r) SELECT max(i) FROM r"},
	{typ: "planner.NoKeyError", code: 1173, when: "REPLACE or ON DUPLICATE KEY UPDATE on a table without a primary key",
		example: "REPLACE INTO k VALUES (1, 'x')"},
	{typ: "planner.ReadOnlyVersionError", code: 1036, when: "a write to an old version of a table",
		example: "INSERT INTO t VALUES (9, 'x', 1, NULL)"},
	{typ: "planner.PropertyError", code: 1231, when: "a table property with a value it cannot have",
		example: "CREATE TABLE u (id INT) TBLPROPERTIES ('delta.columnMapping.mode' = 'nope')"},
	{typ: "planner.InvalidDefaultError", code: 1067, when: "a DEFAULT that is no value of its column",
		example: "CREATE TABLE u (id INT DEFAULT 'x')"},
	{typ: "planner.ColumnInUseError", code: 3959, when: "a column that a key, a constraint or another column names is dropped or renamed",
		example: "ALTER TABLE mapped DROP COLUMN id"},
	{typ: "planner.SetOpError", code: 1222, when: "UNION of SELECTs that do not fit",
		example: "SELECT id, n FROM t UNION SELECT id FROM t"},
	{typ: "planner.LocationError", code: 1210, when: "CREATE TABLE … LOCATION of another table",
		example: "CREATE TABLE u (x INT) LOCATION 't'"},
	{typ: "accounts.DeniedError", code: 1044, field: "Code", when: "an account uses a database in which it has no privilege"},
	{typ: "accounts.DeniedError", code: 1045, field: "Code", when: "a log-in fails, or an account grants what it does not have"},
	{typ: "accounts.DeniedError", code: 1142, field: "Code", when: "an account lacks a privilege on a table"},
	{typ: "accounts.DeniedError", code: 1143, field: "Code", when: "an account lacks a privilege on a column"},
	{typ: "accounts.DeniedError", code: 1227, field: "Code", when: "an account lacks a global privilege"},
	{typ: "accounts.DeniedError", code: 1356, field: "Code", when: "the definer of a view lacks a privilege"},
	{typ: "accounts.DeniedError", code: 1449, field: "Code", when: "the definer of a view does not exist"},
	{typ: "accounts.Error", code: 1046, field: "Code", when: "GRANT on a table without a database"},
	{typ: "accounts.Error", code: 1141, field: "Code", when: "REVOKE or SHOW GRANTS of what nobody was granted",
		example: "SHOW GRANTS FOR nobody"},
	{typ: "accounts.Error", code: 1147, field: "Code", when: "REVOKE on a table of what nobody was granted",
		example: "REVOKE SELECT ON t FROM 'root'@'localhost'"},
	{typ: "accounts.Error", code: 1144, field: "Code", when: "GRANT on columns of no table",
		example: "GRANT SELECT (id) ON *.* TO 'root'@'localhost'"},
	{typ: "accounts.Error", code: 1205, field: "Code", when: "the accounts are changed by others all the time"},
	{typ: "accounts.Error", code: 1221, field: "Code", when: "GRANT of a privilege where it does not exist",
		example: "GRANT PROCESS ON t TO 'root'@'localhost'"},
	{typ: "accounts.Error", code: 1396, field: "Code", when: "an account statement names an account that exists, or does not",
		example: "DROP USER nobody"},
	{typ: "accounts.Error", code: 1524, field: "Code", when: "an unknown authentication plugin",
		example: "CREATE USER u IDENTIFIED WITH sha256_password BY 'x'"},
	{typ: "accounts.Error", code: 1827, field: "Code", when: "a password hash or password that cannot be one",
		example: "CREATE USER u IDENTIFIED WITH mysql_native_password AS 'x'"},
	{typ: "accounts.Error", code: 3520, field: "Code", when: "a role is granted in a circle"},
	{typ: "accounts.Error", code: 3523, field: "Code", when: "a role that does not exist, or is not granted",
		example: "GRANT nobody TO 'root'@'localhost'"},
	{typ: "accounts.Error", code: 3530, field: "Code", when: "SET ROLE of a role that is not granted",
		example: "SET ROLE nobody"},
	{typ: "catalog.PlaceError", code: 1005, when: "a LOCATION or name whose folder is, holds or lies inside something else",
		example: "CREATE TABLE u (x INT) LOCATION 't/inner'"},
	{typ: "catalog.NameError", code: 1103, when: "a name or path that no table can have",
		example: "SELECT * FROM delta.`../x`"},
	{typ: "catalog.RenameError", code: 1235, when: "a table in an object store is renamed"},
	{typ: "catalog.OpenTransactionError", code: 1568, when: "SET TRANSACTION within a transaction",
		example: "SET TRANSACTION READ ONLY"},
	{typ: "catalog.SecondTableError", code: 1235, when: "a transaction writes a second table",
		example: "INSERT INTO t VALUES (4, 'd', 1, NULL)"},

	{typ: "dml.ConstraintError", code: 1048, field: "NotNull", when: "NULL in a NOT NULL column",
		example: "INSERT INTO t VALUES (NULL, 'c', 1, NULL)"},
	{typ: "dml.ConstraintError", code: 1264, field: "Range", when: "a number that the column's type does not allow",
		example: "INSERT INTO narrow VALUES (300, 'a')"},
	{typ: "dml.ConstraintError", code: 1265, field: "Truncated", when: "a value that the column's ENUM or length does not allow",
		example: "INSERT INTO narrow VALUES (1, 'c')"},
	{typ: "dml.ConstraintError", code: 3819, when: "a CHECK constraint is violated",
		example: "INSERT INTO t VALUES (3, 'c', -1, NULL)"},
	{typ: "dml.DuplicateKeyError", code: 1062, when: "a second row of the same primary key",
		example: "INSERT INTO t VALUES (1, 'again', 1, NULL)"},
	{typ: "dml.AmbiguousMergeError", code: 1242, when: "MERGE: several source rows match one target row",
		example: "MERGE INTO t USING (SELECT 1 AS id, 'x' AS v UNION ALL SELECT 1, 'y') s ON t.id = s.id WHEN MATCHED THEN UPDATE SET v = s.v"},
	{typ: "exec.MemoryError", code: 1038, when: "a statement needs more memory than it may have"},
	{typ: "exec.SpillError", code: 1021, field: "DirFull", when: "no space is left for temporary files"},
	{typ: "exec.SpillError", code: 1030, when: "a temporary file cannot be written, or not be read back as it was written"},
	{typ: "exec.BusyError", code: 1038, when: "other statements hold the server's memory, and a statement has waited for it in vain"},
	{typ: "exec.PanicError", code: 1105, when: "an internal error"},
	{typ: "txn.PanicError", code: 1105, when: "an internal error"},
	{typ: "expr.RangeError", code: 1690, when: "the result of an operation leaves its type",
		example: "SELECT 9223372036854775807 + id FROM t"},
	{typ: "expr.DivisionByZero", code: 1365, when: "a division by zero in strict DML"},
	{typ: "expr.TypeError", code: 1582, field: "Count", when: "a wrong number of operands of a function",
		example: "SELECT greatest(id) FROM t"},
	{typ: "expr.TypeError", code: 1210, when: "operands that a function cannot take"},
	{typ: "expr.UnknownFunctionError", code: 1305, when: "a function that does not exist",
		example: "SELECT nosuch(id) FROM t"},
	{typ: "expr.TooLargeError", code: 1301, when: "the result of a string function is too large"},
	{typ: "expr.UnsupportedNodeError", code: 1235, when: "an expression that is not evaluated over batches"},
	{typ: "scalar.PathError", code: 3143, when: "a JSON path that is none",
		example: "SELECT json_extract(v, p) FROM j"},
	{typ: "scalar.RegexpError", code: 3685, when: "a regular expression that is none",
		example: "SELECT v FROM j WHERE 'a' REGEXP p"},
	{typ: "agg.NullKeyError", code: 3158, when: "JSON_OBJECTAGG of a NULL key",
		example: "SELECT json_objectagg(NULL, v) FROM t"},

	{typ: "txn.ConflictError", code: 1213, when: "another commit conflicts with the transaction; run it again"},
	{typ: "txn.AppendOnlyError", code: 1036, when: "UPDATE, DELETE or MERGE on an append-only table",
		example: "DELETE FROM ledger WHERE id = 1"},
	{typ: "txn.TableExistsError", code: 1050, when: "CREATE TABLE where a table is",
		example: "CREATE TABLE t (id INT)"},
	{typ: "txn.UnknownOutcomeError", code: 1180, when: "it is not known whether a commit was stored"},
	{typ: "txn.InvalidError", code: 1105, when: "an internal error: actions that contradict one another"},
	{typ: "delta.NotATableError", code: 1146, when: "there is no Delta table at the place",
		example: "SELECT * FROM delta.`nothing`"},
	{typ: "delta.VersionError", code: 1525, when: "a version that does not exist, or not any more",
		example: "SELECT * FROM t AS OF VERSION 9"},
	{typ: "delta.TimestampError", code: 1525, when: "a time before the oldest version",
		example: "SELECT * FROM t TIMESTAMP AS OF '1999-01-01'"},
	{typ: "feature.UnsupportedError", code: 1235, when: "a table needs a Delta feature that is not supported",
		example: "CREATE TABLE u (id INT) TBLPROPERTIES ('delta.feature.unknown' = 'supported')"},
	{typ: "schema.UnsupportedTypeError", code: 1235, when: "a column of a type that is not supported"},
	{typ: "parquet.UnsupportedTypeError", code: 1235, when: "a column of a file is not of the table's type"},
	{typ: "parquet.UnsupportedError", code: 1235, when: "a data file uses what is not supported"},
	{typ: "parquet.RangeError", code: 1264, when: "a value outside of the column's range"},
	{typ: "parquet.NullError", code: 1048, when: "NULL in a NOT NULL column"},
	{typ: "parquet.TextError", code: 3140, when: "text that is not the nested value a column takes"},
	{typ: "write.PartitionValueError", code: 1366, when: "a value that no partition can be named after"},

	{typ: "scan.OutsideError", code: 1227, when: "a table whose log names files outside of what may be read"},
	{typ: "server.panicError", code: 1105, when: "an internal error"},

	{typ: "jsonscan.Error", code: 1105, when: "the log of a table is damaged"},
	{typ: "replay.PartitionValueError", code: 1105, when: "a partition value in the log is not of the column's type"},
	{typ: "action.CorruptionError", code: 1105, when: "the log of a table is damaged"},
	{typ: "schema.ParseError", code: 1105, when: "the schema in the log of a table is damaged"},
	{typ: "parquet.CorruptError", code: 1105, when: "a data file or checkpoint is damaged"},
	{typ: "log.GapError", code: 1105, when: "a commit of the log is missing"},
	{typ: "delta.ExternalFileError", code: 1227, when: "a table whose log names files outside of what may be read"},
	{typ: "scan.MissingFileError", code: 1105, when: "a data file or deletion vector that the log names is missing"},
	{typ: "scan.ReplacedError", code: 1213, when: "a table was dropped, and perhaps made anew, while a query read it"},
	{typ: "scan.MismatchError", code: 1105, when: "a data file is not what the log says"},

	{typ: "fs.PathError", code: 1030, when: "the file system refuses an operation"},
	{typ: "os.LinkError", code: 1030, when: "the file system refuses an operation"},
	{typ: "os.SyscallError", code: 1030, when: "the file system refuses an operation"},
	{typ: "net.OpError", code: 1030, when: "the object store cannot be reached"},
}

var rowsByType = func() map[string][]row {
	m := map[string][]row{}
	for _, r := range ownRows {
		m[r.typ] = append(m[r.typ], r)
	}
	return m
}()

// ownCode returns the code of one error, not of what it wraps.
func ownCode(err error) (int, bool) {
	t := reflect.TypeOf(err)
	v := reflect.ValueOf(err)
	if t.Kind() == reflect.Pointer {
		if v.IsNil() {
			return 0, false
		}
		t, v = t.Elem(), v.Elem()
	}
	for _, r := range rowsByType[t.String()] {
		if r.field == "" {
			return r.code, true
		}
		switch f := v.FieldByName(r.field); f.Kind() {
		case reflect.Bool:
			if f.Bool() {
				return r.code, true
			}
		case reflect.Int:
			if int(f.Int()) == r.code {
				return r.code, true
			}
		default:
		}
	}
	return 0, false
}
