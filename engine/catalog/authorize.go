package catalog

import (
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	ast "github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/featuresql/featuresql/engine/accounts"
	"github.com/featuresql/featuresql/engine/parser"
)

// Authorization is what the host's binder asks for every table and statement that it binds. Sessions that are not
// featuresql's cannot reach a warehouse; nothing is asked of them.
type Authorization struct{}

var _ sql.AuthorizationHandlerFactory = Authorization{}

// CreateHandler implements sql.AuthorizationHandlerFactory.
func (Authorization) CreateHandler(sql.Catalog) sql.AuthorizationHandler { return authorizer{} }

type authorizer struct{}

// rights is what one statement may do.
type rights struct {
	session *Session
	access  *accounts.Access
	err     error
}

// Error implements sql.AuthorizationQueryState.
func (r *rights) Error() error { return r.err }

// AuthorizationQueryStateImpl implements sql.AuthorizationQueryState.
func (*rights) AuthorizationQueryStateImpl() {}

// NewQueryState implements sql.AuthorizationHandler.
func (authorizer) NewQueryState(ctx *sql.Context) sql.AuthorizationQueryState {
	s, ok := ctx.Session.(*Session)
	if !ok {
		return nil
	}
	r := &rights{session: s}
	if r.access, r.err = s.Access(ctx); r.err == nil {
		s.limited, s.definers, s.viewed, s.within = nil, nil, accounts.Place{}, ""
	}
	return r
}

func (h authorizer) rights(ctx *sql.Context, state sql.AuthorizationQueryState) *rights {
	if state == nil {
		state = h.NewQueryState(ctx)
	}
	r, _ := state.(*rights)
	return r
}

// HandleAuthNode implements sql.AuthorizationHandler; no node of ours or the host's that is used here has checks of its own.
func (h authorizer) HandleAuthNode(ctx *sql.Context, state sql.AuthorizationQueryState, _ sql.AuthorizationCheckerNode) error {
	r := h.rights(ctx, state)
	if r == nil || r.err != nil || r.access.All() {
		return errOf(r)
	}
	return r.access.Global(accounts.Super)
}

func errOf(r *rights) error {
	if r == nil {
		return nil
	}
	return r.err
}

// CheckDatabase implements sql.AuthorizationHandler.
func (h authorizer) CheckDatabase(ctx *sql.Context, state sql.AuthorizationQueryState, database string) error {
	r := h.rights(ctx, state)
	if r == nil || r.err != nil {
		return errOf(r)
	}
	return r.sees(ctx, database)
}

// CheckSchema implements sql.AuthorizationHandler.
func (h authorizer) CheckSchema(ctx *sql.Context, state sql.AuthorizationQueryState, database, _ string) error {
	return h.CheckDatabase(ctx, state, database)
}

// CheckTable implements sql.AuthorizationHandler.
func (h authorizer) CheckTable(ctx *sql.Context, state sql.AuthorizationQueryState, database, _, table string) error {
	r := h.rights(ctx, state)
	if r == nil || r.err != nil {
		return errOf(r)
	}
	if at := r.session.place(ctx, database, table); !r.access.Sees(at) {
		return r.access.Missing("SELECT", table)
	}
	return nil
}

func (r *rights) sees(ctx *sql.Context, database string) error {
	return SeesDatabase(ctx, r.access, database)
}

// IsSystem reports whether a database shows each account what it may see, and needs no privilege.
func IsSystem(database string) bool {
	return strings.EqualFold(database, "information_schema") || strings.EqualFold(database, "performance_schema")
}

// SeesDatabase returns the error of an account that has no privilege in a database: 1044.
func SeesDatabase(ctx *sql.Context, a *accounts.Access, database string) error {
	at := databasePlace(ctx, database)
	if IsSystem(at.Database) || at.Database == "" || a.Sees(at) {
		return nil
	}
	return a.NoDatabase(at.Database)
}

// privilegeOf maps what the grammar says that a statement needs.
var privilegeOf = map[string]accounts.Privilege{
	ast.AuthType_ALTER: accounts.Alter, ast.AuthType_CREATE: accounts.Create, ast.AuthType_CREATE_TEMP: accounts.CreateTemporary,
	ast.AuthType_CREATE_VIEW: accounts.CreateView, ast.AuthType_DELETE: accounts.Delete, ast.AuthType_DROP: accounts.Drop,
	ast.AuthType_INSERT: accounts.Insert, ast.AuthType_UPDATE: accounts.Update, ast.AuthType_SELECT: accounts.Select,
	ast.AuthType_REPLACE: accounts.Insert | accounts.Delete, ast.AuthType_INDEX: accounts.Index,
	ast.AuthType_FOREIGN_KEY: accounts.References, ast.AuthType_LOCK: accounts.Select | accounts.LockTables,
	ast.AuthType_PROCESS: accounts.Process, ast.AuthType_RELOAD: accounts.Reload, ast.AuthType_TRIGGER: accounts.Trigger,
	ast.AuthType_EVENT: accounts.Event, ast.AuthType_FILE: accounts.File, ast.AuthType_CREATE_ROUTINE: accounts.CreateRoutine,
	ast.AuthType_ALTER_ROUTINE: accounts.AlterRoutine, ast.AuthType_CALL: accounts.Execute,
	ast.AuthType_REPLICATION: accounts.ReplicationSlave, ast.AuthType_REPLICATION_CLIENT: accounts.ReplicationClient,
	ast.AuthType_SHOW_CREATE_PROCEDURE: accounts.CreateRoutine,
}

// HandleAuth implements sql.AuthorizationHandler.
func (h authorizer) HandleAuth(ctx *sql.Context, state sql.AuthorizationQueryState, auth ast.AuthInformation) error {
	r := h.rights(ctx, state)
	if r == nil || r.err != nil {
		return errOf(r)
	}
	if definer, kind, ok := parser.CutDefiner(auth.AuthType); ok {
		auth.AuthType = kind
		return r.asDefiner(ctx, definer, auth)
	}
	switch auth.AuthType {
	case ast.AuthType_IGNORE, ast.AuthType_SHOW, ast.AuthType_SUPER, ast.AuthType_PROCESS:
		return nil // checked over the bound plan, or nothing to check; SUPER stands for KILL alone, PROCESS for SHOW PROCESSLIST
	case ast.AuthType_VISIBLE:
		if auth.TargetType == ast.AuthTargetType_DatabaseIdentifiers {
			for _, name := range auth.TargetNames {
				if err := r.sees(ctx, name); err != nil {
					return err
				}
			}
		}
		return nil
	case ast.AuthType_RENAME:
		return r.rename(ctx, auth.TargetNames)
	}
	want, ok := privilegeOf[auth.AuthType]
	if !ok {
		if r.access.All() {
			return nil
		}
		return r.access.Global(accounts.Super)
	}
	return r.check(ctx, want, auth)
}

// check looks at every place that the statement names.
func (r *rights) check(ctx *sql.Context, want accounts.Privilege, auth ast.AuthInformation) error {
	names := auth.TargetNames
	switch auth.TargetType {
	case ast.AuthTargetType_Global:
		return r.access.Global(want)
	case ast.AuthTargetType_DatabaseIdentifiers:
		for _, name := range names {
			if err := r.access.Database(want, databasePlace(ctx, name).Database); err != nil {
				return err
			}
		}
		return nil
	case ast.AuthTargetType_SingleTableIdentifier, ast.AuthTargetType_MultipleTableIdentifiers, ast.AuthTargetType_TableColumn:
		if auth.TargetType != ast.AuthTargetType_MultipleTableIdentifiers && len(names) > 2 {
			names = names[:2]
		}
		for ; len(names) >= 2; names = names[2:] {
			if err := r.table(ctx, want, names[0], names[1]); err != nil {
				return err
			}
		}
		return nil
	}
	if r.access.All() { // the grammar does not say where
		return nil
	}
	return r.access.Global(want | accounts.Super)
}

// columnwise are the privileges that can be had on columns.
const columnwise = accounts.AllColumn

// table checks a table. With privileges on some columns only, the columns are checked later, over the bound plan.
func (r *rights) table(ctx *sql.Context, want accounts.Privilege, database, table string) error {
	if database == "" && (strings.EqualFold(table, "dual") || table == "") {
		return nil
	}
	at := r.session.place(ctx, database, table)
	if IsSystem(at.Database) {
		if want != accounts.Select && !r.access.All() {
			return r.access.NoDatabase(at.Database)
		}
		return nil
	}
	for _, name := range want.Names() {
		p, _ := accounts.ParsePrivilege(name)
		switch {
		case r.access.Has(p, at):
		case p&columnwise != 0 && r.access.HasInside(p, at):
			r.session.limited = append(r.session.limited, at)
		default:
			return r.access.Missing(name, table)
		}
	}
	return nil
}

// rename checks RENAME TABLE: four names for each table.
func (r *rights) rename(ctx *sql.Context, names []string) error {
	for ; len(names) >= 4; names = names[4:] {
		if err := r.table(ctx, accounts.Alter|accounts.Drop, names[0], names[1]); err != nil {
			return err
		}
		if err := r.table(ctx, accounts.Create|accounts.Insert, names[2], names[3]); err != nil {
			return err
		}
	}
	return nil
}

// asDefiner checks what the body of a view reads, by what its definer may do now.
func (r *rights) asDefiner(ctx *sql.Context, definer string, auth ast.AuthInformation) error {
	user, host := cutAccount(definer)
	state, err := r.session.provider.accounts.State(ctx)
	if err != nil {
		return err
	}
	n := accounts.Name{User: user, Host: host}
	account := state.Find(n)
	if account == nil {
		return &accounts.DeniedError{Code: 1449, Message: fmt.Sprintf("The user specified as a definer (%s) does not exist", n.Quoted())}
	}
	inner := &rights{session: &Session{BaseSession: r.session.BaseSession, provider: r.session.provider}, access: state.Access(n, account.DefaultRoles)}
	want, ok := privilegeOf[auth.AuthType]
	if !ok || inner.check(ctx, want, auth) != nil {
		return BeyondDefiner(n)
	}
	for _, at := range inner.session.limited {
		r.session.definers = append(r.session.definers, DefinerLimit{Place: at, Access: inner.access})
	}
	return nil
}

// DefinerLimit is a table that a view of the current statement reads by the privileges of a definer who may use some of its columns only.
type DefinerLimit struct {
	accounts.Place
	Access *accounts.Access // the definer's
}

// BeyondDefiner returns the error of a view that reads more than its definer may: 1356.
func BeyondDefiner(n accounts.Name) error {
	return &accounts.DeniedError{Code: 1356, Message: "a view references tables or columns that are invalid, or that its definer " + n.Quoted() + " lacks rights to use"}
}

// DefinerLimits lists the tables of views whose columns are to be checked by the privileges of the definers.
func (s *Session) DefinerLimits() []DefinerLimit { return s.definers }

func cutAccount(text string) (user, host string) {
	i := strings.LastIndexByte(text, '@')
	if i < 0 {
		return text, "%"
	}
	return text[:i], text[i+1:]
}

func databasePlace(ctx *sql.Context, database string) accounts.Place {
	if database == "" {
		database = ctx.GetCurrentDatabase()
	}
	base, _, _ := strings.Cut(database, "@")
	return accounts.Place{Database: base}
}

// place is where privileges on a table are granted: under its name, or, for delta.`path`, under the name that the path
// has in the warehouse (database/table, or a table of the default database); a deeper path is its own name in delta.
func (s *Session) place(ctx *sql.Context, database, table string) accounts.Place {
	at := databasePlace(ctx, database)
	at.Table = table
	if !strings.EqualFold(at.Database, PathDatabase) {
		return at
	}
	loc, err := s.provider.PathLocation(table)
	if err != nil {
		return at // which cannot be opened
	}
	at.Table = loc
	switch parts := strings.Split(loc, "/"); len(parts) {
	case 1:
		at = accounts.Place{Database: DefaultDatabase, Table: loc}
	case 2:
		at = accounts.Place{Database: parts[0], Table: parts[1]}
	}
	return at
}

// Place is where privileges on a table of the current statement are granted.
func (s *Session) Place(ctx *sql.Context, database, table string) accounts.Place {
	return s.place(ctx, database, table)
}

// Limited lists the tables that the current statement may use in some columns only.
func (s *Session) Limited() []accounts.Place { return s.limited }

// Viewed is the first view that the current statement names.
func (s *Session) Viewed() accounts.Place { return s.viewed }

// Bound says that the names of the current statement are resolved.
func (s *Session) Bound() { s.within = "" }

// GetCurrentDatabase implements sql.Session. While a statement that names a view is bound without a current database,
// it is the view's: the host binds no view without one.
func (s *Session) GetCurrentDatabase() string {
	if d := s.BaseSession.GetCurrentDatabase(); d != "" {
		return d
	}
	return s.within
}

// Trust makes the session one of featuresql's own commands, which may do everything: whoever runs them has the files.
func (s *Session) Trust() { s.trusted = true }

// Account is the account that the session is, with the host as it was granted.
func (s *Session) Account() accounts.Name {
	c := s.Client()
	return accounts.Name{User: c.User, Host: c.Address}
}

// Accounts is where the accounts of the warehouse are kept.
func (s *Session) Accounts() *accounts.Store { return s.provider.accounts }

// Access returns what the session may do now.
func (s *Session) Access(ctx *sql.Context) (*accounts.Access, error) {
	if s.trusted {
		if s.access == nil {
			s.access = accounts.Everything(s.Account())
		}
		return s.access, nil
	}
	state, err := s.provider.accounts.State(ctx)
	if err != nil {
		return nil, err
	}
	if !s.rolesSet {
		s.rolesSet = true
		if a := state.Find(s.Account()); a != nil {
			s.roles = a.DefaultRoles
		}
	}
	if s.access == nil || s.access.Version != state.Version {
		s.access = state.Access(s.Account(), s.roles)
	}
	return s.access, nil
}

// Roles lists the roles that are active.
func (s *Session) Roles() []accounts.Name { return s.roles }

// SetRoles makes roles active that the account has.
func (s *Session) SetRoles(roles []accounts.Name) {
	s.roles, s.rolesSet, s.access = roles, true, nil
}

// AccessKey is a text that is the same for two statements of an account only if they may do the same.
func (s *Session) AccessKey(ctx *sql.Context) (string, error) {
	if _, err := s.Access(ctx); err != nil {
		return "", err
	}
	if s.trusted {
		return "trusted", nil
	}
	return fmt.Sprint(s.access.Version, s.roles), nil
}

// visible returns the access by which a list of names is filtered; nil shows everything.
func visible(ctx *sql.Context) *accounts.Access {
	s, ok := ctx.Session.(*Session)
	if !ok {
		return nil
	}
	a, err := s.Access(ctx)
	if err != nil {
		return &accounts.Access{}
	}
	if a.All() {
		return nil
	}
	return a
}
