package planner

import (
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	hosttypes "github.com/dolthub/go-mysql-server/sql/types"

	"github.com/featuresql/featuresql/engine/accounts"
	"github.com/featuresql/featuresql/engine/catalog"
	"github.com/featuresql/featuresql/engine/parser"
)

func (s *statement) parsed() parser.Statement { return s.stmt }

func grantsSchema(s *parser.Account) sql.Schema {
	name := "Grants for current user"
	if u := s.Users[0]; !u.Current {
		name = "Grants for " + u.User + "@" + u.Host
	}
	return sql.Schema{column(name, hosttypes.LongText)}
}

// accountRun is the run of one account statement.
type accountRun struct {
	ctx     *sql.Context
	session *catalog.Session
	access  *accounts.Access
	stmt    *parser.Account
}

func (s *statement) account(ctx *sql.Context, stmt *parser.Account) ([]sql.Row, error) {
	session, err := catalog.SessionOf(ctx)
	if err != nil {
		return nil, err
	}
	access, err := session.Access(ctx)
	if err != nil {
		return nil, err
	}
	r := &accountRun{ctx, session, access, stmt}
	switch stmt.What {
	case "SHOW GRANTS":
		return r.showGrants()
	case "SET ROLE":
		return okRows(0), r.setRole()
	case "FLUSH PRIVILEGES":
		return okRows(0), access.Global(accounts.Reload)
	}
	if err := r.allowed(); err != nil {
		return nil, err
	}
	if err := session.Accounts().Change(ctx, r.change); err != nil {
		return nil, err
	}
	r.warn()
	return okRows(0), nil
}

// warn tells who has just closed the way in without a password.
func (r *accountRun) warn() {
	state, err := r.session.Accounts().State(r.ctx)
	if err != nil || state.Open() {
		return
	}
	if root := state.Find(accounts.Root); root != nil && root.Hash == "" {
		r.ctx.Warn(1105, "%s", "root has no password and can no longer log in, now that there are other accounts: ALTER USER root@localhost IDENTIFIED BY '…'")
	}
}

func (r *accountRun) name(n parser.AccountName) accounts.Name {
	if n.Current {
		return r.session.Account()
	}
	return accounts.Name{User: n.User, Host: n.Host}
}

// own reports whether the statement is about the session's own account alone.
func (r *accountRun) own() bool {
	return !slices.ContainsFunc(r.stmt.Users, func(u parser.AccountUser) bool { return r.name(u.AccountName) != r.session.Account() })
}

// allowed checks the privileges that the statement itself needs. Nobody can change an account that may do more.
func (r *accountRun) allowed() error {
	switch s := r.stmt; s.What {
	case "GRANT":
		return r.mayGrant()
	case "REVOKE":
		return r.mayGrant()
	case "GRANT ROLE", "REVOKE ROLE":
		return r.mayGrantRoles()
	case "CREATE ROLE":
		return r.either(accounts.CreateRole)
	case "DROP ROLE":
		return r.either(accounts.DropRole)
	case "SET PASSWORD", "SET DEFAULT ROLE", "ALTER USER":
		if r.own() && s.RequireTLS == nil && s.Locked == nil && s.MaxConnections == nil {
			return nil
		}
	}
	return r.access.Global(accounts.CreateUser)
}

func (r *accountRun) either(p accounts.Privilege) error {
	if r.access.Has(p, accounts.Place{}) {
		return nil
	}
	return r.access.Global(accounts.CreateUser)
}

// mayGrant: one can give, and take, what one has with GRANT OPTION.
func (r *accountRun) mayGrant() error {
	list, err := r.grants()
	if err != nil {
		return err
	}
	for _, g := range list {
		at := g.Place
		at.Column = ""
		if r.access.Has(g.Privileges|accounts.GrantOption, at) || at != g.Place && r.access.Has(g.Privileges|accounts.GrantOption, g.Place) {
			continue
		}
		switch {
		case at.Table != "":
			return r.access.Missing("GRANT", at.Table)
		case at.Database != "":
			return r.access.NoDatabase(at.Database)
		}
		return &accounts.DeniedError{Code: 1045, Message: "Access denied for user " + r.access.Account.Quoted() + ": it cannot grant " + g.Privileges.String() + " on *.*"}
	}
	return nil
}

func (r *accountRun) mayGrantRoles() error {
	if r.access.Has(accounts.Super, accounts.Place{}) {
		return nil
	}
	state, err := r.session.Accounts().State(r.ctx)
	if err != nil {
		return err
	}
	own := state.Find(r.session.Account())
	for _, n := range r.stmt.Roles {
		if own == nil {
			return r.access.Global(accounts.Super)
		}
		if m, ok := own.Has(r.name(n)); !ok || !m.Admin {
			return r.access.Global(accounts.Super)
		}
	}
	return nil
}

// grants resolves the privileges of GRANT and REVOKE, with their places.
func (r *accountRun) grants() ([]accounts.Grant, error) {
	s := r.stmt
	at := accounts.Place{}
	if !s.Everywhere {
		if at = r.session.Place(r.ctx, s.On.Database, s.On.Name); at.Database == "" {
			return nil, &accounts.Error{Code: 1046, Message: "No database selected"}
		}
	}
	var out []accounts.Grant
	for _, p := range s.Privileges {
		g := accounts.Grant{Place: at}
		if p.Name == "ALL" {
			if g.Privileges = at.All(); s.What == "REVOKE" && len(s.Privileges) > 1 {
				g.Privileges |= accounts.GrantOption
			}
		} else {
			var ok bool
			if g.Privileges, ok = accounts.ParsePrivilege(p.Name); !ok {
				return nil, &parser.SyntaxError{Reason: "there is no privilege " + p.Name}
			}
		}
		if len(p.Columns) == 0 {
			out = append(out, g)
		}
		for _, c := range p.Columns {
			if g.Column = c; at.Table == "" {
				return nil, &accounts.Error{Code: 1144, Message: "Illegal GRANT/REVOKE command: columns need a table"}
			}
			out = append(out, g)
		}
	}
	if s.Option && s.What == "GRANT" {
		out = append(out, accounts.Grant{Place: at, Privileges: accounts.GrantOption})
	}
	for _, g := range out {
		if g.Privileges&^(g.All()|accounts.GrantOption) != 0 {
			return nil, &accounts.Error{Code: 1221, Message: "Incorrect usage of DB GRANT and GLOBAL PRIVILEGES: " + g.Privileges.String() + " cannot be granted on " + g.Place.String()}
		}
	}
	return out, nil
}

// change makes the next state.
func (r *accountRun) change(s *accounts.State) error {
	for _, u := range r.stmt.Users {
		if err := r.changeOne(s, u); err != nil {
			return err
		}
	}
	return s.Check()
}

func (r *accountRun) changeOne(s *accounts.State, u parser.AccountUser) error {
	n := r.name(u.AccountName)
	a := s.Find(n)
	switch st := r.stmt; st.What {
	case "CREATE USER", "CREATE ROLE":
		if a != nil && st.IfExists {
			r.ctx.Warn(3163, "Authorization ID %s already exists.", n.Quoted())
			return nil
		}
		return r.create(s, u, n)
	case "DROP USER", "DROP ROLE":
		if a == nil && st.IfExists {
			r.ctx.Warn(3162, "Authorization ID %s does not exist.", n.Quoted())
			return nil
		}
		if err := r.mayTouch(s, a); err != nil {
			return err
		}
		return s.Drop(n)
	case "RENAME USER":
		if err := r.mayTouch(s, a); err != nil {
			return err
		}
		return s.Rename(n, r.name(u.To))
	}
	if a == nil && r.stmt.IfExists {
		r.ctx.Warn(3162, "Authorization ID %s does not exist.", n.Quoted())
		return nil
	}
	a, err := s.Existing(r.stmt.What, n)
	if err != nil {
		return err
	}
	return r.alter(s, a, u)
}

// mayTouch keeps accounts that may do everything from those who may only make accounts.
func (r *accountRun) mayTouch(s *accounts.State, a *accounts.Account) error {
	if a == nil || a.Name == r.session.Account() || r.access.All() {
		return nil
	}
	roles := make([]accounts.Name, len(a.Roles))
	for i, m := range a.Roles {
		roles[i] = m.Name
	}
	if s.Access(a.Name, roles).Has(accounts.Super, accounts.Place{}) {
		return r.access.Global(accounts.Super)
	}
	return nil
}

func (r *accountRun) create(s *accounts.State, u parser.AccountUser, n accounts.Name) error {
	a := &accounts.Account{Name: n, Plugin: accounts.CachingSHA2, Role: r.stmt.What == "CREATE ROLE"}
	if err := s.Add(a); err != nil {
		return err
	}
	if err := r.login(a, u); err != nil {
		return err
	}
	return r.defaultRoles(s, a)
}

// login sets how an account logs in.
func (r *accountRun) login(a *accounts.Account, u parser.AccountUser) error {
	if u.Plugin != "" {
		a.Plugin = u.Plugin
	}
	var err error
	switch {
	case u.Password != nil:
		a.Hash, err = accounts.HashPassword(a.Plugin, *u.Password)
	case u.Hash != nil:
		a.Hash, err = *u.Hash, accounts.CheckHash(a.Plugin, *u.Hash)
	}
	if v := r.stmt.RequireTLS; v != nil {
		a.RequireTLS = *v
	}
	if v := r.stmt.Locked; v != nil {
		a.Locked = *v
	}
	if v := r.stmt.MaxConnections; v != nil {
		a.MaxConnections = *v
	}
	return err
}

// alter changes an account that exists.
func (r *accountRun) alter(s *accounts.State, a *accounts.Account, u parser.AccountUser) error {
	switch r.stmt.What {
	case "ALTER USER", "SET PASSWORD":
		if err := r.mayTouch(s, a); err != nil {
			return err
		}
		return r.login(a, u)
	case "SET DEFAULT ROLE":
		return r.defaultRoles(s, a)
	case "GRANT ROLE":
		for _, n := range r.stmt.Roles {
			if err := s.GrantRole(r.name(n), a, r.stmt.Option); err != nil {
				return err
			}
		}
		return nil
	case "REVOKE ROLE":
		for _, n := range r.stmt.Roles {
			if !a.RevokeRole(r.name(n)) && !r.stmt.IfExists {
				return &accounts.Error{Code: 3523, Message: "role " + r.name(n).String() + " is not granted to " + a.Name.String()}
			}
		}
		return nil
	case "REVOKE ALL":
		if err := r.mayTouch(s, a); err != nil {
			return err
		}
		a.Grants = nil
		return nil
	}
	return r.grantOrRevoke(a)
}

func (r *accountRun) grantOrRevoke(a *accounts.Account) error {
	list, err := r.grants()
	if err != nil {
		return err
	}
	for _, g := range list {
		if r.stmt.What == "GRANT" {
			a.Grant(g.Privileges, g.Place)
			continue
		}
		if !a.Revoke(g.Privileges, g.Place) && !r.stmt.IfExists {
			code, what := 1141, "There is no such grant defined for user '"+a.User+"' on host '"+a.Host+"'"
			if g.Table != "" {
				code, what = 1147, what+" on table '"+g.Table+"'"
			}
			return &accounts.Error{Code: code, Message: what}
		}
	}
	return nil
}

// chosen resolves ALL, NONE, DEFAULT, ALL EXCEPT and lists of roles among those that the account has. Error: 3530.
func (r *accountRun) chosen(a *accounts.Account) ([]accounts.Name, error) {
	var named, out []accounts.Name
	for _, n := range r.stmt.Roles {
		named = append(named, r.name(n))
		if _, ok := a.Has(r.name(n)); !ok {
			return nil, &accounts.Error{Code: 3530, Message: r.name(n).String() + " is not granted to " + a.Name.String()}
		}
	}
	switch r.stmt.RoleMode {
	case "":
		return named, nil
	case "DEFAULT":
		return slices.Clone(a.DefaultRoles), nil
	case "NONE":
		return nil, nil
	}
	for _, m := range a.Roles {
		if !slices.Contains(named, m.Name) {
			out = append(out, m.Name)
		}
	}
	return out, nil
}

func (r *accountRun) defaultRoles(_ *accounts.State, a *accounts.Account) error {
	if len(r.stmt.Roles) == 0 && r.stmt.RoleMode == "" {
		return nil
	}
	roles, err := r.chosen(a)
	a.DefaultRoles = roles
	return err
}

func (r *accountRun) setRole() error {
	state, err := r.session.Accounts().State(r.ctx)
	if err != nil {
		return err
	}
	a, err := state.Existing("SET ROLE", r.session.Account())
	if err != nil {
		return err
	}
	roles, err := r.chosen(a)
	if err == nil {
		r.session.SetRoles(roles)
	}
	return err
}

func (r *accountRun) showGrants() ([]sql.Row, error) {
	state, err := r.session.Accounts().State(r.ctx)
	if err != nil {
		return nil, err
	}
	n := r.name(r.stmt.Users[0].AccountName)
	a := state.Find(n)
	if n != r.session.Account() {
		if own := state.Find(r.session.Account()); own == nil || !isRole(own, n) {
			if err := r.either(accounts.Super); err != nil {
				return nil, err
			}
		}
	}
	if a == nil {
		return nil, &accounts.Error{Code: 1141, Message: "There is no such grant defined for user '" + n.User + "' on host '" + n.Host + "'"}
	}
	using := r.session.Roles()
	if n != r.session.Account() || len(r.stmt.Roles) > 0 {
		if using, err = r.chosen(a); err != nil {
			return nil, err
		}
	}
	var rows []sql.Row
	for _, line := range state.ShowGrants(a, using) {
		rows = append(rows, sql.NewRow(strings.TrimSpace(line)))
	}
	return rows, nil
}

func isRole(a *accounts.Account, n accounts.Name) bool {
	_, ok := a.Has(n)
	return ok
}
