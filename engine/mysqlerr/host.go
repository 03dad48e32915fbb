package mysqlerr

import (
	"regexp"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer/analyzererrors"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/planbuilder"
	"github.com/dolthub/go-mysql-server/sql/types"
	goerrors "gopkg.in/src-d/go-errors.v1"
)

// hostRow gives a kind of the host's errors its code. Where the host's sentence is not MySQL's, from matches it and
// to is MySQL's.
type hostRow struct {
	kind *goerrors.Kind
	code int
	from *regexp.Regexp
	to   string
	only *regexp.Regexp // nil: the row is for every error of the kind
}

func re(s string) *regexp.Regexp { return regexp.MustCompile(`(?s)` + s) }

// hostRows is in the order in which the kinds are tried.
var hostRows = []hostRow{
	{kind: sql.ErrSyntaxError, code: 1064, from: re(`^(?:You have an error in your SQL syntax: )?(.*)$`), to: "You have an error in your SQL syntax: $1"},
	{kind: sql.ErrInvalidSyntax, code: 1064},
	{kind: sql.ErrUnsupportedSyntax, code: 1235},
	{kind: sql.ErrUnsupportedFeature, code: 1235},

	{kind: sql.ErrTableNotFound, code: 1146, from: re(`^table not found: ([^,]*)(.*)$`), to: "Table '$1' doesn't exist$2"},
	{kind: sql.ErrUnknownTable, code: 1051},
	{kind: sql.ErrTableAlreadyExists, code: 1050, from: re(`^table with name (?:CreateView\()?(.*?)(?:\)\n)? already exists$`), to: "Table '$1' already exists"},
	{kind: sql.ErrExistingView, code: 1050},
	{kind: sql.ErrViewDoesNotExist, code: 1051, from: re(`^the view (.*) does not exist$`), to: "Unknown table '$1'"},
	{kind: sql.ErrDatabaseNotFound, code: 1049, from: re(`^database not found: (.*)$`), to: "Unknown database '$1'"},
	{kind: sql.ErrDatabaseExists, code: 1007, from: re(`^can't create database (.*); database exists$`), to: "Can't create database '$1'; database exists"},
	{kind: sql.ErrNoDatabaseSelected, code: 1046, from: re(`.*`), to: "No database selected"},
	{kind: sql.ErrColumnNotFound, code: 1054, only: re(`^column "[0-9]+" could`), from: re(`^column "(.*)" could not be found in any table in scope$`), to: "Unknown column '$1' in 'order clause'"},
	{kind: sql.ErrColumnNotFound, code: 1054, from: re(`^column "(.*)" could not be found in any table in scope$`), to: "Unknown column '$1' in 'field list'"},
	{kind: sql.ErrTableColumnNotFound, code: 1054, from: re(`^table "(.*)" does not have column "(.*)"$`), to: "Unknown column '$1.$2' in 'field list'"},
	{kind: sql.ErrUnknownColumn, code: 1054},
	{kind: sql.ErrMisusedAlias, code: 1054},
	{kind: sql.ErrAmbiguousColumnName, code: 1052, from: re(`^ambiguous column name "(.*?)".*$`), to: "Column '$1' in field list is ambiguous"},
	{kind: sql.ErrAmbiguousColumnOrAliasName, code: 1052, from: re(`^ambiguous column or alias name "(.*)"$`), to: "Column '$1' in order clause is ambiguous"},
	{kind: sql.ErrAmbiguousColumnInOrderBy, code: 1052},
	{kind: sql.ErrColumnExists, code: 1060, from: re(`^Column "(.*)" already exists$`), to: "Duplicate column name '$1'"},
	{kind: sql.ErrDuplicateColumn, code: 1060},
	{kind: sql.ErrDuplicateAliasOrTable, code: 1066},
	{kind: sql.ErrColumnSpecifiedTwice, code: 1110},
	{kind: sql.ErrFunctionNotFound, code: 1305, from: re(`^function: '(.*)' not found$`), to: "FUNCTION $1 does not exist"},
	{kind: sql.ErrTableFunctionNotFound, code: 1305, from: re(`^table function: '(.*)' not found$`), to: "FUNCTION $1 does not exist"},
	{kind: sql.ErrStoredProcedureDoesNotExist, code: 1305},
	{kind: sql.ErrCallIncorrectParameterCount, code: 1318},
	{kind: sql.ErrInvalidArgumentNumber, code: 1582, from: re(`^function '(.*)' expected (.*) arguments, (.*) received$`), to: "Incorrect parameter count in the call to native function '$1': it takes $2, not $3"},
	{kind: sql.ErrUnknownSystemVariable, code: 1193},
	{kind: sql.ErrUnknownUserVariable, code: 1193},
	{kind: sql.ErrSystemVariableReadOnly, code: 1238},
	{kind: sql.ErrSystemVariableSessionOnly, code: 1238},
	{kind: sql.ErrSystemVariableGlobalOnly, code: 1229},
	{kind: sql.ErrInvalidSystemVariableValue, code: 1231},
	{kind: sql.ErrUnknownPreparedStatement, code: 1243},
	{kind: sql.ErrUnboundPreparedStatementVariable, code: 1210},
	{kind: sql.ErrInvalidAsOfExpression, code: 1525},
	{kind: sql.ErrAsOfNotSupported, code: 1235},
	{kind: sql.ErrIncompatibleAsOf, code: 1235},

	{kind: sql.ErrColValCountMismatch, code: 1136},
	{kind: sql.ErrInsertIntoMismatchValueCount, code: 1136, from: re(`.*`), to: "Column count doesn't match value count at row 1"},
	{kind: sql.ErrColumnCountMismatch, code: 1353},
	{kind: sql.ErrColumnNumberDoesNotMatch, code: 1222},
	{kind: planbuilder.ErrUnionSchemasDifferentLength, code: 1222, from: re(`.*`), to: "The used SELECT statements have a different number of columns"},
	{kind: sql.ErrExpectedSingleRow, code: 1242, from: re(`.*`), to: "Subquery returns more than 1 row"},
	{kind: sql.ErrMoreThanOneRow, code: 1172},
	{kind: sql.ErrInvalidOperandColumns, code: 1241, from: re(`^operand should have (.*) columns, but has .*$`), to: "Operand should contain $1 column(s)"},
	{kind: sql.ErrInvalidColumnNumber, code: 1353, from: re(`^tuple should contain (.*) column\(s\), but has (.*)$`), to: "View's SELECT and view's field list have different column counts: $1 and $2"},
	{kind: sql.ErrNonAggregatedColumnWithoutGroupBy, code: 1140},
	{kind: analyzererrors.ErrValidationGroupBy, code: 1055},
	{kind: sql.ErrAggregationUnsupported, code: 1111},
	{kind: sql.ErrWindowUnsupported, code: 3593},
	{kind: sql.ErrNoTablesUsed, code: 1096},

	{kind: sql.ErrInsertIntoNonNullableProvidedNull, code: 1048, from: re(`^column name '(.*)' is non-nullable.*$`), to: "Column '$1' cannot be null"},
	{kind: sql.ErrInsertIntoNonNullableDefaultNullColumn, code: 1364},
	{kind: sql.ErrCheckConstraintViolated, code: 3819, from: re(`^Check constraint "(.*)" violated$`), to: "Check constraint '$1' is violated."},
	{kind: sql.ErrPrimaryKeyViolation, code: 1062},
	{kind: sql.ErrUniqueKeyViolation, code: 1062},
	{kind: sql.ErrDuplicateEntry, code: 1062},
	{kind: sql.ErrForeignKeyChildViolation, code: 1452},
	{kind: sql.ErrForeignKeyParentViolation, code: 1451},
	{kind: sql.ErrMultiplePrimaryKeysDefined, code: 1068},
	{kind: sql.ErrKeyColumnDoesNotExist, code: 1072},
	{kind: sql.ErrCantDropFieldOrKey, code: 1091, from: re(`^error: can't drop '(.*)'; check`), to: "Can't DROP '$1'; check"},
	{kind: sql.ErrUnknownConstraint, code: 3940},
	{kind: sql.ErrIncompatibleDefaultType, code: 1067},
	{kind: sql.ErrInvalidColumnDefaultValue, code: 1067},
	{kind: sql.ErrGeneratedColumnValue, code: 3105},

	{kind: sql.ErrInvalidValue, code: 1366},
	{kind: sql.ErrInvalidValueType, code: 1366},
	{kind: sql.ErrValueOutOfRange, code: 1264},
	{kind: types.ErrConvertToDecimalLimit, code: 1264},
	{kind: types.ErrConvertingToTimeOutOfRange, code: 1292},
	{kind: types.ErrConvertingToTime, code: 1292},
	{kind: types.ErrConvertingToTimeType, code: 1292},
	{kind: types.ErrConvertingToDecimal, code: 1366},
	{kind: types.ErrLengthBeyondLimit, code: 1406, from: re(`^string '.*' is too large for column '(.*)'$`), to: "Data too long for column '$1'"},
	{kind: types.ErrDataTruncatedForColumn, code: 1265},
	{kind: types.ErrBadCharsetString, code: 1300},
	{kind: sql.ErrIncorrectValue, code: 1411},
	{kind: expression.ErrIntDivDataOutOfRange, code: 1690},
	{kind: expression.ErrInvalidRegexp, code: 1139},
	{kind: function.ErrInvalidArgumentForLogarithm, code: 3020},
	{kind: sql.ErrInvalidJSONText, code: 3141},
	{kind: sql.ErrInvalidJson, code: 3140},
	{kind: sql.ErrInvalidJSONArgument, code: 3146},
	{kind: sql.ErrJSONObjectAggNullKey, code: 3158},
	{kind: sql.ErrInvalidArgument, code: 1210},
	{kind: sql.ErrInvalidArgumentDetails, code: 1210},
	{kind: sql.ErrInvalidArgumentType, code: 1210},
	{kind: sql.ErrInvalidType, code: 1210},
	{kind: sql.ErrInvalidTypeForLimit, code: 1210},
	{kind: sql.ErrCollationUnknown, code: 1273},
	{kind: sql.ErrCharSetUnknown, code: 1115},
	{kind: sql.ErrCollationIllegalMix, code: 1267},
	{kind: sql.ErrCollationInvalidForCharSet, code: 1253},
	{kind: sql.ErrRecursiveCTEMissingUnion, code: 3573},
	{kind: planbuilder.ErrQualifiedOrderBy, code: 1250},
	{kind: analyzererrors.ErrIntervalInvalidUse, code: 1064, from: re(`^`), to: "You have an error in your SQL syntax: "},
	{kind: sql.ErrCteRecursionLimitExceeded, code: 3636},

	{kind: sql.ErrDatabaseAccessDeniedForUser, code: 1044},
	{kind: sql.ErrTableAccessDeniedForUser, code: 1142},
	{kind: sql.ErrPrivilegeCheckFailed, code: 1142},
	{kind: sql.ErrUserCreationFailure, code: 1396},
	{kind: sql.ErrUserDeletionFailure, code: 1396},
	{kind: sql.ErrRoleCreationFailure, code: 1396},
	{kind: sql.ErrRoleDeletionFailure, code: 1396},
	{kind: sql.ErrGrantUserDoesNotExist, code: 1410},
	{kind: sql.ErrRevokeUserDoesNotExist, code: 1141},
	{kind: sql.ErrShowGrantsUserDoesNotExist, code: 1141},
	{kind: sql.ErrSecureFilePriv, code: 1290},
	{kind: sql.ErrLoadDataCannotOpen, code: 13},

	{kind: sql.ErrLockDeadlock, code: 1213},
	{kind: sql.ErrReadOnly, code: 1290},
	{kind: sql.ErrDatabaseWriteLocked, code: 1290},
	{kind: sql.ErrReadOnlyTransaction, code: 1792},
	{kind: analyzererrors.ErrReadOnlyDatabase, code: 3989},
	{kind: sql.ErrSavepointDoesNotExist, code: 1305},
	{kind: sql.ErrTemporaryTableNotSupported, code: 1235},
	{kind: sql.ErrCreateTableNotSupported, code: 1235},
	{kind: sql.ErrDropTableNotSupported, code: 1235},
	{kind: sql.ErrRenameTableNotSupported, code: 1235},
	{kind: sql.ErrAlterTableNotSupported, code: 1235},
	{kind: sql.ErrTriggersNotSupported, code: 1235},
	{kind: sql.ErrStoredProceduresNotSupported, code: 1235},
	{kind: sql.ErrEventsNotSupported, code: 1235},
	{kind: sql.ErrNoForeignKeySupport, code: 1235},
	{kind: plan.ErrInsertIntoNotSupported, code: 1235},
	{kind: plan.ErrReplaceIntoNotSupported, code: 1235},
	{kind: plan.ErrOnDuplicateKeyUpdateNotSupported, code: 1235},
	{kind: plan.ErrDeleteFromNotSupported, code: 1235},
	{kind: plan.ErrUpdateNotSupported, code: 1235},
	{kind: plan.ErrTruncateNotSupported, code: 1235},
	{kind: plan.ErrNotIndexable, code: 1235},
	{kind: plan.ErrNoCheckConstraintSupport, code: 1235},
	{kind: plan.ErrNotPrimaryKeyAlterable, code: 1235},
	{kind: sql.ErrNoMemoryAvailable, code: 1038},
}
