package accounts

import (
	"fmt"
	"strings"
)

// Privilege is a set of privileges.
type Privilege uint64

// The privileges, as MySQL names them.
const (
	Select Privilege = 1 << iota
	Insert
	Update
	Delete
	Create
	Drop
	Reload
	Shutdown
	Process
	File
	References
	Index
	Alter
	ShowDatabases
	Super
	CreateTemporary
	LockTables
	Execute
	ReplicationSlave
	ReplicationClient
	CreateView
	ShowView
	CreateRoutine
	AlterRoutine
	CreateUser
	Event
	Trigger
	CreateRole
	DropRole
	GrantOption
)

// names holds the privileges in the order in which SHOW GRANTS lists them.
var names = []struct {
	p    Privilege
	name string
}{
	{Select, "SELECT"}, {Insert, "INSERT"}, {Update, "UPDATE"}, {Delete, "DELETE"}, {Create, "CREATE"}, {Drop, "DROP"},
	{Reload, "RELOAD"}, {Shutdown, "SHUTDOWN"}, {Process, "PROCESS"}, {File, "FILE"}, {References, "REFERENCES"}, {Index, "INDEX"},
	{Alter, "ALTER"}, {ShowDatabases, "SHOW DATABASES"}, {Super, "SUPER"}, {CreateTemporary, "CREATE TEMPORARY TABLES"},
	{LockTables, "LOCK TABLES"}, {Execute, "EXECUTE"}, {ReplicationSlave, "REPLICATION SLAVE"},
	{ReplicationClient, "REPLICATION CLIENT"}, {CreateView, "CREATE VIEW"}, {ShowView, "SHOW VIEW"},
	{CreateRoutine, "CREATE ROUTINE"}, {AlterRoutine, "ALTER ROUTINE"}, {CreateUser, "CREATE USER"}, {Event, "EVENT"},
	{Trigger, "TRIGGER"}, {CreateRole, "CREATE ROLE"}, {DropRole, "DROP ROLE"}, {GrantOption, "GRANT OPTION"},
}

// What ALL PRIVILEGES means at each level; GRANT OPTION is never part of it.
const (
	AllColumn   = Select | Insert | Update | References
	AllTable    = AllColumn | Delete | Create | Drop | Index | Alter | CreateView | ShowView | Trigger
	AllDatabase = AllTable | CreateTemporary | LockTables | Execute | CreateRoutine | AlterRoutine | Event
	AllGlobal   = GrantOption - 1
)

// ParsePrivilege returns the privilege of a name in upper case with single blanks; ok is false if there is none.
func ParsePrivilege(name string) (p Privilege, ok bool) {
	switch name {
	case "USAGE":
		return 0, true
	case "CREATE TEMPORARY TABLE":
		return CreateTemporary, true
	}
	for _, n := range names {
		if n.name == name {
			return n.p, true
		}
	}
	return 0, false
}

// Names lists the names of p.
func (p Privilege) Names() []string {
	var out []string
	for _, n := range names {
		if p&n.p != 0 {
			out = append(out, n.name)
		}
	}
	return out
}

// String lists the names of p.
func (p Privilege) String() string { return strings.Join(p.Names(), ", ") }

// Place is what privileges are granted on: everything (the zero Place), a database, a table, or a column of one.
type Place struct {
	Database string `json:"database,omitempty"`
	Table    string `json:"table,omitempty"`
	Column   string `json:"column,omitempty"`
}

// All returns the privileges that exist at the place.
func (p Place) All() Privilege {
	switch {
	case p.Column != "":
		return AllColumn
	case p.Table != "":
		return AllTable
	case p.Database != "":
		return AllDatabase
	}
	return AllGlobal
}

// folded is the place as a key: databases, tables and columns are found whatever their capitals.
func (p Place) folded() Place {
	return Place{strings.ToLower(p.Database), strings.ToLower(p.Table), strings.ToLower(p.Column)}
}

// String is the place as GRANT names it, without the column.
func (p Place) String() string {
	switch {
	case p.Database == "":
		return "*.*"
	case p.Table == "":
		return quoted(p.Database) + ".*"
	}
	return quoted(p.Database) + "." + quoted(p.Table)
}

func quoted(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// DeniedError says that an account lacks a privilege, or may not log in. Code is MySQL's: 1044 (a database), 1045 (log-in),
// 1142 (a table), 1143 (a column), 1227 (a global privilege), and others of account statements.
type DeniedError struct {
	Code    int
	Message string
}

func (e *DeniedError) Error() string { return e.Message }

// Error says that an account statement cannot be executed; Code is MySQL's.
type Error struct {
	Code    int
	Message string
}

func (e *Error) Error() string { return e.Message }

func errorf(code int, format string, args ...any) error {
	return &Error{code, fmt.Sprintf(format, args...)}
}

func denied(code int, format string, args ...any) error {
	return &DeniedError{code, fmt.Sprintf(format, args...)}
}
