package accounts

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Name is user@host.
type Name struct {
	User string `json:"user"`
	Host string `json:"host"`
}

// Root is the account that a warehouse without accounts has.
var Root = Name{"root", "localhost"}

// String is the name as SHOW GRANTS writes it.
func (n Name) String() string { return quoted(n.User) + "@" + quoted(n.Host) }

// Quoted is the name as errors write it.
func (n Name) Quoted() string { return "'" + n.User + "'@'" + n.Host + "'" }

// Plain is user@host, as CURRENT_USER() shows it.
func (n Name) Plain() string { return n.User + "@" + n.Host }

// Grant is what an account may do at a place.
type Grant struct {
	Place
	Privileges Privilege `json:"-"`
	Names      []string  `json:"privileges"`
}

// Membership is a role that was granted to an account.
type Membership struct {
	Name
	Admin bool `json:"admin,omitempty"`
}

// Account is a user or a role.
type Account struct {
	Name
	Plugin         string       `json:"plugin"`
	Hash           string       `json:"hash,omitempty"`
	Role           bool         `json:"role,omitempty"` // made by CREATE ROLE: nobody can log in as it
	Locked         bool         `json:"locked,omitempty"`
	RequireTLS     bool         `json:"requireTLS,omitempty"`
	MaxConnections int          `json:"maxConnections,omitempty"` // 0: no limit of its own
	Grants         []Grant      `json:"grants,omitempty"`
	Roles          []Membership `json:"roles,omitempty"`
	DefaultRoles   []Name       `json:"defaultRoles,omitempty"`
}

// State is all accounts at one version. Version 0 has none but root, without a password.
type State struct {
	Version  int64      `json:"version"`
	Accounts []*Account `json:"accounts"`
}

// initial is the state of a warehouse in which no account was ever made.
func initial() *State {
	return &State{Accounts: []*Account{{Name: Root, Plugin: CachingSHA2, Grants: []Grant{{Privileges: AllGlobal | GrantOption}}}}}
}

func decode(doc []byte) (*State, error) {
	s := &State{}
	if err := json.Unmarshal(doc, s); err != nil {
		return nil, fmt.Errorf("accounts: %w", err)
	}
	for _, a := range s.Accounts {
		if a == nil {
			return nil, fmt.Errorf("accounts: an account is null")
		}
		for i := range a.Grants {
			for _, n := range a.Grants[i].Names {
				p, ok := ParsePrivilege(n)
				if !ok {
					return nil, fmt.Errorf("accounts: privilege %q is not known to this version of featuresql", n)
				}
				a.Grants[i].Privileges |= p
			}
		}
	}
	return s, nil
}

func (s *State) encode() ([]byte, error) {
	for _, a := range s.Accounts {
		for i := range a.Grants {
			a.Grants[i].Names = a.Grants[i].Privileges.Names()
		}
	}
	return json.MarshalIndent(s, "", " ")
}

// clone returns a copy that may be changed.
func (s *State) clone() *State {
	out := &State{Version: s.Version}
	for _, a := range s.Accounts {
		c := *a
		c.Grants = slices.Clone(a.Grants)
		for i := range c.Grants {
			c.Grants[i].Names = nil
		}
		c.Roles, c.DefaultRoles = slices.Clone(a.Roles), slices.Clone(a.DefaultRoles)
		out.Accounts = append(out.Accounts, &c)
	}
	return out
}

// Find returns the account of exactly this name, or nil.
func (s *State) Find(n Name) *Account {
	for _, a := range s.Accounts {
		if a.User == n.User && strings.EqualFold(a.Host, n.Host) {
			return a
		}
	}
	return nil
}

// Open reports whether root may still log in without a password: nobody else can log in.
func (s *State) Open() bool {
	for _, a := range s.Accounts {
		if !a.Role && a.Name != Root {
			return false
		}
	}
	r := s.Find(Root)
	return r != nil && r.Hash == ""
}

// Match returns the account that a client at an address (an IP, or "localhost") logs in to as user, nil if there is
// none: of those whose host fits, the one whose host is most specific.
func (s *State) Match(user, address string) *Account {
	var best *Account
	rank := -1
	for _, a := range s.Accounts {
		if a.Role || a.User != user {
			continue
		}
		if r := hostRank(a.Host, address); r > rank {
			best, rank = a, r
		}
	}
	return best
}

// hostRank says how specific a host pattern is that fits the address; -1 if it does not fit.
func hostRank(host, address string) int {
	local := address == "localhost"
	if ip, err := netip.ParseAddr(address); err == nil {
		local = ip.Unmap().IsLoopback()
		if prefix, err := netip.ParsePrefix(host); err == nil {
			if prefix.Contains(ip.Unmap()) {
				return 1000 + prefix.Bits()
			}
			return -1
		}
		address = ip.Unmap().String()
	}
	switch {
	case strings.EqualFold(host, address):
		return 3000
	case local && strings.EqualFold(host, "localhost"):
		return 2000
	case !strings.ContainsAny(host, "%_") || !like(strings.ToLower(host), strings.ToLower(address)):
		return -1
	}
	return strings.IndexAny(host, "%_")
}

// like matches a pattern of % and _.
func like(pattern, s string) bool {
	for i := 0; i < len(pattern); i++ {
		if pattern[i] == '%' {
			for k := 0; k <= len(s); k++ {
				if like(pattern[i+1:], s[k:]) {
					return true
				}
			}
			return false
		}
		if s == "" || pattern[i] != '_' && pattern[i] != s[0] {
			return false
		}
		s = s[1:]
	}
	return s == ""
}
