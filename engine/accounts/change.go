package accounts

import (
	"slices"
	"strings"
)

// Add makes an account. Error: 1396.
func (s *State) Add(a *Account) error {
	if a.User == "" {
		return errorf(1396, "Operation CREATE USER failed for %s: a user needs a name", a.Name.Quoted())
	}
	if s.Find(a.Name) != nil {
		return errorf(1396, "Operation CREATE USER failed for %s: it exists", a.Name.Quoted())
	}
	s.Accounts = append(s.Accounts, a)
	return nil
}

// Drop removes an account, and the role from those who have it. Error: 1396.
func (s *State) Drop(n Name) error {
	a := s.Find(n)
	if a == nil {
		return errorf(1396, "Operation DROP USER failed for %s: there is no such account", n.Quoted())
	}
	s.Accounts = slices.DeleteFunc(s.Accounts, func(x *Account) bool { return x == a })
	for _, x := range s.Accounts {
		x.Roles = slices.DeleteFunc(x.Roles, func(m Membership) bool { return m.Name == a.Name })
		x.DefaultRoles = slices.DeleteFunc(x.DefaultRoles, func(d Name) bool { return d == a.Name })
	}
	return nil
}

// Check reports why a state must not be: nobody could change it. Error: 1396.
func (s *State) Check() error {
	if slices.ContainsFunc(s.Accounts, (*Account).administers) {
		return nil
	}
	return errorf(1396, "Operation failed: no account would be left that may do everything")
}

func (a *Account) administers() bool {
	return !a.Role && slices.ContainsFunc(a.Grants, func(g Grant) bool {
		return g.Place == Place{} && g.Privileges&(AllGlobal|GrantOption) == AllGlobal|GrantOption
	})
}

// Rename gives an account another name. Error: 1396.
func (s *State) Rename(from, to Name) error {
	a := s.Find(from)
	if a == nil || to.User == "" || s.Find(to) != nil {
		return errorf(1396, "Operation RENAME USER failed for %s", from.Quoted())
	}
	old := a.Name
	a.Name = to
	for _, x := range s.Accounts {
		for i := range x.Roles {
			if x.Roles[i].Name == old {
				x.Roles[i].Name = to
			}
		}
		for i := range x.DefaultRoles {
			if x.DefaultRoles[i] == old {
				x.DefaultRoles[i] = to
			}
		}
	}
	return nil
}

// Existing returns an account, or 1396 with the name of the operation.
func (s *State) Existing(operation string, n Name) (*Account, error) {
	if a := s.Find(n); a != nil {
		return a, nil
	}
	return nil, errorf(1396, "Operation %s failed for %s: there is no such account", operation, n.Quoted())
}

// Grant adds privileges at a place.
func (a *Account) Grant(p Privilege, at Place) {
	for i := range a.Grants {
		if a.Grants[i].folded() == at.folded() {
			a.Grants[i].Privileges |= p
			return
		}
	}
	if p != 0 {
		a.Grants = append(a.Grants, Grant{Place: at, Privileges: p})
	}
}

// Revoke takes privileges at a place and reports whether there was something there.
func (a *Account) Revoke(p Privilege, at Place) bool {
	found := false
	for i := range a.Grants {
		if a.Grants[i].folded() == at.folded() {
			found = true
			a.Grants[i].Privileges &^= p
		}
	}
	a.Grants = slices.DeleteFunc(a.Grants, func(g Grant) bool { return g.Privileges == 0 })
	return found
}

// GrantRole gives a role to an account. Errors: 3523 for a role that does not exist, 3520 for a circle.
func (s *State) GrantRole(role Name, to *Account, admin bool) error {
	r := s.Find(role)
	if r == nil {
		return errorf(3523, "Unknown authorization ID %s", role.String())
	}
	if s.reaches(r, to.Name, 0) {
		return errorf(3520, "User account %s is directly or indirectly granted to the role %s", to.Name.String(), role.String())
	}
	for i := range to.Roles {
		if to.Roles[i].Name == r.Name {
			to.Roles[i].Admin = to.Roles[i].Admin || admin
			return nil
		}
	}
	to.Roles = append(to.Roles, Membership{r.Name, admin})
	return nil
}

// reaches reports whether a is, or has through its roles, the account n.
func (s *State) reaches(a *Account, n Name, depth int) bool {
	if a == nil || a.Name == n || depth > len(s.Accounts) {
		return a != nil
	}
	return slices.ContainsFunc(a.Roles, func(m Membership) bool { return s.reaches(s.Find(m.Name), n, depth+1) })
}

// RevokeRole takes a role from an account and reports whether it had it.
func (a *Account) RevokeRole(role Name) bool {
	had := len(a.Roles)
	a.Roles = slices.DeleteFunc(a.Roles, func(m Membership) bool { return m.Name == role })
	a.DefaultRoles = slices.DeleteFunc(a.DefaultRoles, func(d Name) bool { return d == role })
	return len(a.Roles) < had
}

// Has returns the membership of a role.
func (a *Account) Has(role Name) (m Membership, ok bool) {
	i := slices.IndexFunc(a.Roles, func(m Membership) bool { return m.Name == role })
	if i < 0 {
		return m, false
	}
	return a.Roles[i], true
}

// ShowGrants returns the GRANT statements that would make what the account has; with roles, what these give it too.
func (s *State) ShowGrants(a *Account, with []Name) []string {
	grants := slices.Clone(a.Grants)
	merged := &Account{Grants: grants}
	seen := map[Name]bool{}
	var add func(n Name)
	add = func(n Name) {
		r := s.Find(n)
		if r == nil || seen[n] {
			return
		}
		seen[n] = true
		for _, g := range r.Grants {
			merged.Grant(g.Privileges, g.Place)
		}
		for _, m := range r.Roles {
			add(m.Name)
		}
	}
	for _, n := range with {
		if _, ok := a.Has(n); ok {
			add(n)
		}
	}
	return append(showPlaces(merged.Grants, a.Name), showRoles(a)...)
}

func showPlaces(grants []Grant, to Name) []string {
	global := Grant{}
	tables := map[Place][]Grant{} // by place without a column
	var order []Place
	for _, g := range grants {
		p := g.Place
		p.Column = ""
		if p == (Place{}) {
			global = g
			continue
		}
		if tables[p] == nil {
			order = append(order, p)
		}
		tables[p] = append(tables[p], g)
	}
	slices.SortFunc(order, func(a, b Place) int { return strings.Compare(a.Database+"\x00"+a.Table, b.Database+"\x00"+b.Table) })
	out := []string{showGrant([]Grant{global}, Place{}, to)}
	for _, p := range order {
		out = append(out, showGrant(tables[p], p, to))
	}
	return out
}

// showGrant is one GRANT statement: the privileges of a place, then those of its columns.
func showGrant(grants []Grant, at Place, to Name) string {
	var whole Privilege
	columns := map[Privilege][]string{}
	for _, g := range grants {
		if g.Column == "" {
			whole |= g.Privileges
			continue
		}
		for _, n := range names {
			if g.Privileges&n.p != 0 {
				columns[n.p] = append(columns[n.p], quoted(g.Column))
			}
		}
	}
	list := (whole &^ GrantOption).Names()
	if whole&at.All() == at.All() {
		list = []string{"ALL PRIVILEGES"}
	}
	for _, n := range names {
		if c := columns[n.p]; len(c) > 0 {
			slices.Sort(c)
			list = append(list, n.name+" ("+strings.Join(c, ", ")+")")
		}
	}
	if len(list) == 0 {
		list = []string{"USAGE"}
	}
	text := "GRANT " + strings.Join(list, ", ") + " ON " + at.String() + " TO " + to.String()
	if whole&GrantOption != 0 {
		text += " WITH GRANT OPTION"
	}
	return text
}

func showRoles(a *Account) []string {
	var plain, admin []string
	for _, m := range a.Roles {
		if m.Admin {
			admin = append(admin, m.Name.String())
		} else {
			plain = append(plain, m.Name.String())
		}
	}
	var out []string
	if len(plain) > 0 {
		out = append(out, "GRANT "+strings.Join(plain, ",")+" TO "+a.Name.String())
	}
	if len(admin) > 0 {
		out = append(out, "GRANT "+strings.Join(admin, ",")+" TO "+a.Name.String()+" WITH ADMIN OPTION")
	}
	return out
}
