package parser

import "github.com/dolthub/go-mysql-server/sql"

// Binder turns a parsed statement into an executable node; the planner implements it.
type Binder interface {
	// Bind returns the node of stmt, which must be a sql.ExecSourceRel. The children of stmt, as its documentation
	// lists them, are bound by the host but not analyzed: each is a sql.Node (a SELECT, or a *plan.Values for
	// INSERT … VALUES). The privileges on the tables that stmt writes to, and on what its children read, are
	// already checked. Bind is called at PREPARE too, with parameters still unbound (expression.BindVar).
	Bind(stmt Statement, children []any) (sql.Node, error)
}

// Statement is one of the statements that featuresql runs itself. Each is plain data.
type Statement interface {
	// Verb is the statement's name for errors and EXPLAIN, such as "MERGE".
	Verb() string
	// Target is the table that the statement works on; the zero TableName if there is none.
	TargetTable() TableName
}

// TableName names a table; Database is empty for the current one. delta.`/path` has Database "delta".
type TableName struct {
	Database string
	Name     string
}

// String returns the name as an error shows it: database.table, or the table alone.
func (t TableName) String() string {
	if t.Database == "" {
		return t.Name
	}
	return t.Database + "." + t.Name
}

// Assignment sets a column of the target to an expression of a child select's list.
type Assignment struct {
	Column string
	// Expr is the position of the value among the select list's trailing expressions (see the statement). -1 when
	// Default is set.
	Expr int
	// Default is set for `column = DEFAULT`.
	Default bool
}

// InsertMode says what happens to a row whose key exists already.
type InsertMode uint8

// The modes of an Insert.
const (
	InsertPlain   InsertMode = iota // INSERT: a duplicate key is an error
	InsertReplace                   // REPLACE: the old row goes
	InsertIgnore                    // INSERT IGNORE: the new row goes, errors become warnings
	InsertUpsert                    // INSERT … ON DUPLICATE KEY UPDATE
)

// Insert is INSERT or REPLACE.
//
// Child 0 is the source: a *plan.Values for VALUES and SET, in which DEFAULT is a *DefaultValue expression, or
// the bound SELECT. Child 1 is there when Mode is InsertUpsert:
//
//	SELECT e0, e1, … FROM target JOIN target AS featuresql_new
//
// in which the left target stands for the stored row and featuresql_new for the row that was to be inserted
// (VALUES(c), or new.c with a row alias). It is for binding only.
type Insert struct {
	Table   TableName
	Columns []string // as written; nil: all columns of the table in order
	Mode    InsertMode
	Ignore  bool // IGNORE was given, with any Mode
	// OnDuplicate are the assignments of ON DUPLICATE KEY UPDATE, left to right; Expr is a position in child 1's list.
	OnDuplicate []Assignment
	File        *LoadFile // of LOAD DATA, nil for INSERT and REPLACE
}

// NewRowAlias is the alias under which ON DUPLICATE KEY UPDATE's child select joins the row to be inserted.
const NewRowAlias = "featuresql_new"

// Update is a single-table UPDATE. Child 0 is
//
//	SELECT t.*, e0, e1, … FROM target AS t WHERE …
//
// with one expression for each assignment that is not DEFAULT: if the select list has n columns, expression i is
// column n-Exprs+i and the columns before are the target's, in table order. A later assignment that reads an
// earlier assigned column reads the new value, as in MySQL.
type Update struct {
	Table       TableName
	Assignments []Assignment
	Exprs       int
	Ignore      bool
}

// Delete is a single-table DELETE. Child 0 is SELECT t.* FROM target AS t WHERE ….
type Delete struct {
	Table TableName
}

// MergeKind says which rows a clause of MERGE is for.
type MergeKind uint8

// The kinds of MergeClause.
const (
	WhenMatched            MergeKind = iota
	WhenNotMatched                   // NOT MATCHED [BY TARGET]: source rows without a target row
	WhenNotMatchedBySource           // target rows without a source row
)

// MergeAction says what a clause of MERGE does.
type MergeAction uint8

// The actions of a MergeClause.
const (
	MergeUpdate MergeAction = iota
	MergeDelete
	MergeInsert
)

// MergeClause is one WHEN … THEN …; for each row the first clause of its kind whose condition is true acts.
type MergeClause struct {
	Kind   MergeKind
	Cond   int // position among the trailing expressions; -1: no condition
	Action MergeAction
	// Star is UPDATE SET * or INSERT *: every target column from the source column of the same name.
	Star bool
	// Assignments are those of SET, or the columns and values of INSERT (Column is empty where INSERT gave no column list).
	Assignments []Assignment
}

// Merge is MERGE INTO. Child 0 is, for binding only,
//
//	SELECT s.*, e0, e1, … FROM source AS s LEFT JOIN target AS t ON condition
//
// If its select list has n columns, expression i of the clauses is column n-Exprs+i, and the n-Exprs columns
// before are the source's. Unqualified names are the source's in NOT MATCHED clauses and the target's in NOT
// MATCHED BY SOURCE clauses, whose expressions may read target columns only. The Join node is the only one above
// source and target: its right side is the target's table, under TargetAlias.
type Merge struct {
	Table           TableName
	TargetAlias     string // as expressions name the target: its alias, or the table's name
	SourceAlias     string // likewise
	Clauses         []MergeClause
	Exprs           int
	SchemaEvolution bool // MERGE WITH SCHEMA EVOLUTION INTO
}

// ColumnDef is a column of CREATE TABLE or ALTER TABLE ADD COLUMN.
type ColumnDef struct {
	Name      string
	Type      DataType
	NotNull   bool   // NOT NULL, or part of the primary key
	Default   string // SQL text of the default, "" none
	Generated string // SQL text of GENERATED ALWAYS AS (…), "" none
	Comment   string
	Identity  bool // AUTO_INCREMENT or GENERATED … AS IDENTITY
	// First and After place an added column; After is a column's name.
	First bool
	After string
}

// Check is a CHECK constraint: SQL text of the condition; Name is empty where none was given.
type Check struct {
	Name string
	Expr string
}

// CreateTable is CREATE [OR REPLACE] TABLE. With AsSelect, child 0 is the bound SELECT.
type CreateTable struct {
	Table         TableName
	OrReplace     bool
	IfNotExists   bool
	Temporary     bool
	Columns       []ColumnDef
	PrimaryKey    []string
	PartitionedBy []string
	ClusterBy     []string
	Checks        []Check
	Comment       string
	Collate       string            // of the table; "" none
	Properties    map[string]string // TBLPROPERTIES
	Location      string
	AsSelect      bool
	Like          *TableName
}

// DropTable is DROP TABLE.
type DropTable struct {
	Tables   []TableName
	View     bool // DROP VIEW
	IfExists bool
}

// Truncate is TRUNCATE [TABLE].
type Truncate struct{ Table TableName }

// RenameTables is RENAME TABLE: each of From gets the name in To at its place, one after the other.
type RenameTables struct{ From, To []TableName }

// AlterTable is ALTER TABLE; the non-empty parts are what it does, together in one commit.
type AlterTable struct {
	Table           TableName
	AddColumns      []ColumnDef
	IfNotExists     bool // ADD COLUMN IF NOT EXISTS
	SetProperties   map[string]string
	UnsetProperties []string
	UnsetIfExists   bool
	AddChecks       []Check
	DropConstraints []string
	DropIfExists    bool
	SetComment      *string
	Columns         []ColumnChange // in the order written
	AddPrimaryKey   []string
	DropPrimaryKey  bool
	RenameTo        *TableName
	Indexes         []Index // that the statement would make
	// Unsupported names an action of ALTER TABLE that the grammar knows and featuresql does not do, such as
	// "RENAME COLUMN"; "" otherwise.
	Unsupported string
}

// Index is what ADD INDEX or CREATE INDEX asks for. It would only serve speed, which statistics and bloom filters give.
type Index struct {
	Name    string
	Columns []string
}

// ColumnChange is what ALTER TABLE does with a column that exists: DROP COLUMN, RENAME COLUMN, CHANGE, MODIFY or ALTER
// COLUMN. What is nil or empty stays as it is.
type ColumnChange struct {
	Name     string
	Drop     bool
	IfExists bool
	Rename   string
	Def      *ColumnDef // CHANGE, MODIFY: the whole definition
	Type     *DataType
	Default  *string // "" drops it
	NotNull  *bool
	Comment  *string
	First    bool
	After    string
}

// DescribeHistory is DESCRIBE HISTORY t [LIMIT n]; Limit is -1 without LIMIT.
type DescribeHistory struct {
	Table TableName
	Limit int64
}

// DescribeDetail is DESCRIBE DETAIL t.
type DescribeDetail struct{ Table TableName }

// Explain is EXPLAIN of a SELECT or of another Statement. The children are Inner's, or the bound SELECT when
// Inner is nil.
type Explain struct {
	Analyze bool
	Format  string // lower case, "" for none given: "tree", "traditional", "json"
	Inner   Statement
}

// Verb implements Statement.
func (s *Insert) Verb() string {
	if s.File != nil {
		return "LOAD DATA"
	}
	if s.Mode == InsertReplace {
		return "REPLACE"
	}
	return "INSERT"
}

// Verb implements Statement.
func (*Update) Verb() string { return "UPDATE" }

// Verb implements Statement.
func (*Delete) Verb() string { return "DELETE" }

// Verb implements Statement.
func (*Merge) Verb() string { return "MERGE" }

// Verb implements Statement.
func (*CreateTable) Verb() string { return "CREATE TABLE" }

// Verb implements Statement.
func (s *DropTable) Verb() string {
	if s.View {
		return "DROP VIEW"
	}
	return "DROP TABLE"
}

// Verb implements Statement.
func (*Truncate) Verb() string { return "TRUNCATE" }

// Verb implements Statement.
func (*AlterTable) Verb() string { return "ALTER TABLE" }

// Verb implements Statement.
func (*RenameTables) Verb() string { return "RENAME TABLE" }

// Verb implements Statement.
func (*DescribeHistory) Verb() string { return "DESCRIBE HISTORY" }

// Verb implements Statement.
func (*DescribeDetail) Verb() string { return "DESCRIBE DETAIL" }

// Verb implements Statement.
func (*Explain) Verb() string { return "EXPLAIN" }

// TargetTable implements Statement.
func (s *Insert) TargetTable() TableName { return s.Table }

// TargetTable implements Statement.
func (s *Update) TargetTable() TableName { return s.Table }

// TargetTable implements Statement.
func (s *Delete) TargetTable() TableName { return s.Table }

// TargetTable implements Statement.
func (s *Merge) TargetTable() TableName { return s.Table }

// TargetTable implements Statement.
func (s *CreateTable) TargetTable() TableName { return s.Table }

// TargetTable implements Statement; it is the first table dropped.
func (s *DropTable) TargetTable() TableName { return s.Tables[0] }

// TargetTable implements Statement.
func (s *Truncate) TargetTable() TableName { return s.Table }

// TargetTable implements Statement.
func (s *AlterTable) TargetTable() TableName { return s.Table }

// TargetTable implements Statement; it is the first table renamed.
func (s *RenameTables) TargetTable() TableName { return s.From[0] }

// TargetTable implements Statement.
func (s *DescribeHistory) TargetTable() TableName { return s.Table }

// TargetTable implements Statement.
func (s *DescribeDetail) TargetTable() TableName { return s.Table }

// TargetTable implements Statement.
func (s *Explain) TargetTable() TableName {
	if s.Inner == nil {
		return TableName{}
	}
	return s.Inner.TargetTable()
}
