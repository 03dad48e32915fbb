package accounts

import "strings"

// Access is what an account may do with the roles that are active. It does not change.
type Access struct {
	Account Name
	Version int64
	all     bool
	grants  map[Place]Privilege // folded
	any     map[Place]Privilege // of a database or table: what is granted on it or on anything inside it
}

// Everything is the access of featuresql's own commands, which run as whoever has the files.
func Everything(n Name) *Access { return &Access{Account: n, all: true} }

// Access returns what the account may do with these roles active; roles that it does not have are left out.
func (s *State) Access(n Name, active []Name) *Access {
	out := &Access{Account: n, Version: s.Version, grants: map[Place]Privilege{}, any: map[Place]Privilege{}}
	a := s.Find(n)
	if a == nil {
		return out
	}
	seen := map[Name]bool{}
	out.add(s, a, seen)
	for _, r := range a.Roles {
		for _, want := range active {
			if role := s.Find(r.Name); role != nil && want == r.Name {
				out.addRole(s, role, seen)
			}
		}
	}
	return out
}

// addRole adds a role, and the roles granted to it.
func (a *Access) addRole(s *State, role *Account, seen map[Name]bool) {
	if seen[role.Name] {
		return
	}
	a.add(s, role, seen)
	for _, r := range role.Roles {
		if inner := s.Find(r.Name); inner != nil {
			a.addRole(s, inner, seen)
		}
	}
}

func (a *Access) add(_ *State, from *Account, seen map[Name]bool) {
	seen[from.Name] = true
	for _, g := range from.Grants {
		p := g.folded()
		a.grants[p] |= g.Privileges
		a.any[Place{Database: p.Database}] |= g.Privileges
		a.any[Place{Database: p.Database, Table: p.Table}] |= g.Privileges
	}
}

// All reports whether nothing is denied.
func (a *Access) All() bool {
	return a.all || a.grants[Place{}]&(AllGlobal|GrantOption) == AllGlobal|GrantOption
}

// Has reports whether all of want is granted at the place or around it.
func (a *Access) Has(want Privilege, at Place) bool {
	if a.all {
		return true
	}
	at = at.folded()
	have := a.grants[Place{}]
	if at.Database != "" {
		have |= a.grants[Place{Database: at.Database}]
	}
	if at.Table != "" {
		have |= a.grants[Place{Database: at.Database, Table: at.Table}]
	}
	if at.Column != "" {
		have |= a.grants[at]
	}
	return have&want == want
}

// HasInside reports whether each of want is granted at the place, around it, or on something inside it (a column of the
// table).
func (a *Access) HasInside(want Privilege, at Place) bool {
	at = at.folded()
	return a.all || (a.any[at]|a.grants[Place{}]|a.grants[Place{Database: at.Database}])&want == want
}

// Sees reports whether the account has any privilege at the place, around it, or inside it.
func (a *Access) Sees(at Place) bool {
	at = at.folded()
	at.Column = ""
	const data = AllDatabase | GrantOption
	if a.all || a.grants[Place{}]&data != 0 || a.any[at] != 0 {
		return true
	}
	return at.Table != "" && a.grants[Place{Database: at.Database}] != 0
}

// Global returns the error of a missing global privilege: 1227.
func (a *Access) Global(want Privilege) error {
	if a.Has(want, Place{}) {
		return nil
	}
	return denied(1227, "Access denied; you need (at least one of) the %s privilege(s) for this operation", want)
}

// Database returns the error of a missing privilege on a database: 1044.
func (a *Access) Database(want Privilege, database string) error {
	if a.Has(want, Place{Database: database}) {
		return nil
	}
	return a.NoDatabase(database)
}

// NoDatabase is the error of an account that may not use a database: 1044.
func (a *Access) NoDatabase(database string) error {
	return denied(1044, "Access denied for user %s to database '%s'", a.Account.Quoted(), database)
}

// Missing returns the error of a missing privilege on a table: 1142. command is the statement's, such as "SELECT".
func (a *Access) Missing(command, table string) error {
	return denied(1142, "%s command denied to user %s for table '%s'", strings.ToUpper(command), a.Account.Quoted(), table)
}

// MissingColumn returns the error of a missing privilege on a column: 1143.
func (a *Access) MissingColumn(want Privilege, column, table string) error {
	return denied(1143, "%s command denied to user %s for column '%s' in table '%s'", want, a.Account.Quoted(), column, table)
}
