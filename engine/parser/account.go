package parser

import (
	"strconv"
	"strings"
)

// Account is a statement about accounts and privileges. Which parts are set depends on What.
type Account struct {
	// What is CREATE USER, ALTER USER, DROP USER, RENAME USER, SET PASSWORD, CREATE ROLE, DROP ROLE, GRANT, REVOKE, GRANT
	// ROLE, REVOKE ROLE, SET ROLE, SET DEFAULT ROLE, SHOW GRANTS or FLUSH PRIVILEGES.
	What           string
	IfExists       bool // IF EXISTS, IF NOT EXISTS
	Users          []AccountUser
	Roles          []AccountName // granted, revoked, set, or shown by SHOW GRANTS … USING
	RoleMode       string        // of SET ROLE: "ALL", "NONE", "DEFAULT", "EXCEPT" (all but Roles) or "" for Roles
	RequireTLS     *bool
	Locked         *bool
	MaxConnections *int
	Privileges     []AccountPrivilege
	On             TableName // of GRANT and REVOKE; an empty Name is every table
	Everywhere     bool      // ON *.*
	Option         bool      // WITH GRANT OPTION, WITH ADMIN OPTION
}

// AccountName is user@host; Current stands for CURRENT_USER.
type AccountName struct {
	User, Host string
	Current    bool
}

// AccountUser is an account with how it logs in. Password and Hash are nil where nothing was said.
type AccountUser struct {
	AccountName
	Plugin         string
	Password, Hash *string
	To             AccountName // RENAME USER … TO
}

// AccountPrivilege is a privilege by its name in upper case, "ALL" for all of them, perhaps on columns only.
type AccountPrivilege struct {
	Name    string
	Columns []string
}

// Verb implements Statement.
func (s *Account) Verb() string { return s.What }

// TargetTable implements Statement.
func (s *Account) TargetTable() TableName { return TableName{} }

// isAccount reports whether the statement is about accounts.
func (c *compiler) isAccount() bool {
	switch {
	case c.is(0, "create", "alter", "drop"):
		return c.is(1, "user", "role")
	case c.is(0, "set"):
		return c.is(1, "role") || c.seq(1, "default", "role") || c.is(1, "password") && (c.punct(2, '=') || c.is(2, "for", "to"))
	case c.is(0, "rename"):
		return c.is(1, "user")
	case c.is(0, "show"):
		return c.is(1, "grants")
	case c.is(0, "flush"):
		return c.is(1, "privileges") || c.is(1, "local", "no_write_to_binlog") && c.is(2, "privileges")
	}
	return c.is(0, "grant", "revoke")
}

// accountReader reads an account statement token by token.
type accountReader struct {
	*compiler
	i int
	s *Account
}

// fail is an error that shows no more of the statement than a word: there may be a password in it.
func (r *accountReader) fail(reason string) error {
	near := ""
	if t := r.at(r.i); t.kind == kindWord {
		near = r.text(r.i)
	}
	return &SyntaxError{Reason: r.s.What + ": " + reason, Near: near}
}

func (r *accountReader) take(words ...string) bool {
	if !r.seq(r.i, words...) {
		return false
	}
	r.i += len(words)
	return true
}

func (r *accountReader) takePunct(c byte) bool {
	if !r.punct(r.i, c) {
		return false
	}
	r.i++
	return true
}

func (c *compiler) account() (*compiled, error) {
	r := &accountReader{compiler: c, s: &Account{What: strings.ToUpper(c.text(0) + " " + c.text(1))}}
	var err error
	switch {
	case c.is(0, "grant", "revoke"):
		r.s.What, r.i = strings.ToUpper(c.text(0)), 1
		err = r.grant()
	case c.is(0, "create", "alter", "drop"):
		r.i = 2
		err = r.users()
	case c.is(0, "rename"):
		r.i = 2
		err = r.rename()
	case c.is(0, "flush"):
		r.s.What, r.i = "FLUSH PRIVILEGES", len(c.toks)-1
	case c.is(0, "show"):
		r.i = 2
		err = r.showGrants()
	case c.is(1, "password"):
		r.i = 2
		err = r.setPassword()
	default:
		err = r.setRole()
	}
	if err == nil && r.at(r.i).kind != kindEOF {
		err = r.fail("this is not understood here")
	}
	return &compiled{stmt: r.s}, err
}

// accountName reads user[@host] or CURRENT_USER.
func (r *accountReader) accountName() (AccountName, error) {
	if r.take("current_user") {
		if r.takePunct('(') && !r.takePunct(')') {
			return AccountName{}, r.fail("a parenthesis is missing")
		}
		return AccountName{Current: true}, nil
	}
	n := AccountName{Host: "%"}
	switch {
	case r.isName(r.i):
		n.User = r.name(r.i)
	case r.at(r.i).kind == kindString:
		n.User = unquote(r.text(r.i))
	default:
		return n, r.fail("a user's name is missing")
	}
	r.i++
	if r.at(r.i).kind == kindVar && r.adjacent(r.i-1) {
		host := r.text(r.i)[1:]
		if host == "" {
			return n, r.fail("a host such as % must be quoted: 'user'@'%'")
		}
		if strings.ContainsAny(host[:1], "`'\"") {
			host = unquote(host)
		}
		n.Host = strings.ToLower(host)
		r.i++
	}
	if len(n.User) > 32 || len(n.Host) > 255 {
		return n, r.fail("a name has at most 32 bytes, a host 255")
	}
	return n, nil
}

// eachAccount calls f behind each account of a list.
func (r *accountReader) eachAccount(f func(AccountName) error) error {
	for {
		n, err := r.accountName()
		if err != nil {
			return err
		}
		if err := f(n); err != nil {
			return err
		}
		if !r.takePunct(',') {
			return nil
		}
	}
}

func (r *accountReader) addUser(n AccountName) error {
	r.s.Users = append(r.s.Users, AccountUser{AccountName: n})
	return nil
}

func (r *accountReader) addRole(n AccountName) error {
	r.s.Roles = append(r.s.Roles, n)
	return nil
}

// users reads CREATE, ALTER and DROP of USER and ROLE.
func (r *accountReader) users() error {
	r.s.IfExists = r.take("if", "exists") || r.take("if", "not", "exists")
	if r.s.What != "CREATE USER" && r.s.What != "ALTER USER" {
		return r.eachAccount(r.addUser)
	}
	if r.take("user", "(") {
		return r.fail("write CURRENT_USER() for USER()")
	}
	if err := r.eachAccount(r.identified); err != nil {
		return err
	}
	if r.take("default", "role") {
		if r.s.What == "ALTER USER" {
			r.s.What = "SET DEFAULT ROLE"
			return r.roles()
		}
		if err := r.roles(); err != nil {
			return err
		}
	}
	return r.options()
}

// identified reads how the account n logs in.
func (r *accountReader) identified(n AccountName) error {
	u := AccountUser{AccountName: n}
	if !r.take("identified") {
		return r.addUser(n)
	}
	if r.take("with") {
		switch {
		case r.at(r.i).kind == kindString:
			u.Plugin = unquote(r.text(r.i))
		case r.isName(r.i):
			u.Plugin = r.name(r.i)
		default:
			return r.fail("a plugin is missing")
		}
		u.Plugin = strings.ToLower(u.Plugin)
		r.i++
	}
	into := &u.Password
	switch {
	case r.take("as"):
		into = &u.Hash
	case r.take("by"):
		r.take("password")
	default:
		if u.Plugin == "" {
			return r.fail("BY 'password' is missing")
		}
		empty := ""
		u.Password = &empty
		r.s.Users = append(r.s.Users, u)
		return nil
	}
	if r.at(r.i).kind != kindString {
		return r.fail("the password must be a quoted text")
	}
	text := unquote(r.text(r.i))
	*into = &text
	r.i++
	r.s.Users = append(r.s.Users, u)
	return nil
}

// options reads REQUIRE, WITH, ACCOUNT and the options that change nothing.
func (r *accountReader) options() error {
	yes, no := true, false
	for r.at(r.i).kind != kindEOF {
		switch {
		case r.take("require", "ssl"), r.take("require", "x509"):
			if r.is(r.i-1, "x509") {
				return &UnsupportedError{"certificates of clients (REQUIRE X509); REQUIRE SSL is"}
			}
			r.s.RequireTLS = &yes
		case r.take("require", "none"):
			r.s.RequireTLS = &no
		case r.take("account", "lock"):
			r.s.Locked = &yes
		case r.take("account", "unlock"):
			r.s.Locked = &no
		case r.take("with"), r.take("max_user_connections"):
			if r.is(r.i-1, "with") {
				continue
			}
			n, err := strconv.Atoi(r.text(r.i))
			if err != nil || n < 0 || n > 1<<20 {
				return r.fail("MAX_USER_CONNECTIONS takes a number")
			}
			r.s.MaxConnections = &n
			r.i++
		case r.take("password", "expire", "never"), r.take("password", "expire", "default"):
		default:
			return r.fail("this option is not supported")
		}
	}
	return nil
}

func (r *accountReader) rename() error {
	return r.eachAccount(func(from AccountName) error {
		if !r.take("to") {
			return r.fail("TO is missing")
		}
		to, err := r.accountName()
		r.s.Users = append(r.s.Users, AccountUser{AccountName: from, To: to})
		return err
	})
}

// setPassword reads SET PASSWORD [FOR user] = 'password'.
func (r *accountReader) setPassword() error {
	u := AccountUser{AccountName: AccountName{Current: true}}
	if r.take("for") {
		n, err := r.accountName()
		if err != nil {
			return err
		}
		u.AccountName = n
	}
	if !r.takePunct('=') || r.at(r.i).kind != kindString {
		return r.fail("write SET PASSWORD [FOR user] = 'password'")
	}
	text := unquote(r.text(r.i))
	u.Password = &text
	r.s.Users = []AccountUser{u}
	r.i++
	return nil
}

// setRole reads SET ROLE and SET DEFAULT ROLE.
func (r *accountReader) setRole() error {
	r.i = 2
	if r.is(1, "default") {
		r.s.What, r.i = "SET DEFAULT ROLE", 3
	}
	if err := r.roles(); err != nil || r.s.What == "SET ROLE" {
		return err
	}
	if !r.take("to") {
		return r.fail("TO is missing")
	}
	return r.eachAccount(r.addUser)
}

// roles reads ALL, NONE, DEFAULT, ALL EXCEPT list, or a list.
func (r *accountReader) roles() error {
	for _, mode := range []string{"none", "default", "all"} {
		if r.take(mode) {
			r.s.RoleMode = strings.ToUpper(mode)
			if mode != "all" || !r.take("except") {
				return nil
			}
			r.s.RoleMode = "EXCEPT"
			break
		}
	}
	return r.eachAccount(r.addRole)
}

func (r *accountReader) showGrants() error {
	if !r.take("for") {
		return r.addUser(AccountName{Current: true})
	}
	n, err := r.accountName()
	if err != nil {
		return err
	}
	if r.take("using") {
		if err := r.eachAccount(r.addRole); err != nil {
			return err
		}
	}
	return r.addUser(n)
}

// grant reads GRANT and REVOKE, of privileges or of roles.
func (r *accountReader) grant() error {
	if r.s.What == "REVOKE" {
		r.s.IfExists = r.take("if", "exists")
	}
	toward := map[string]string{"GRANT": "to", "REVOKE": "from"}[r.s.What]
	on := r.until(r.i, func(i int) bool { return r.is(i, "on", toward) })
	if !r.is(on, "on") && !r.is(r.i, "all") {
		r.s.What += " ROLE"
		if err := r.eachAccount(r.addRole); err != nil {
			return err
		}
	} else if err := r.privileges(); err != nil {
		return err
	}
	if !r.take(toward) {
		return r.fail(strings.ToUpper(toward) + " is missing")
	}
	if err := r.eachAccount(r.addUser); err != nil {
		return err
	}
	if r.take("with", "grant", "option") || r.take("with", "admin", "option") {
		r.s.Option = true
	}
	return nil
}

// privileges reads the list of privileges and where they are granted.
func (r *accountReader) privileges() error {
	for {
		p := AccountPrivilege{}
		var words []string
		for r.at(r.i).kind == kindWord && !r.is(r.i, "on", "from", "to") {
			words = append(words, strings.ToUpper(r.text(r.i)))
			r.i++
		}
		p.Name = strings.TrimSuffix(strings.Join(words, " "), " PRIVILEGES")
		if p.Name == "" {
			return r.fail("a privilege is missing")
		}
		if r.takePunct('(') {
			for {
				if !r.isName(r.i) {
					return r.fail("a column is missing")
				}
				p.Columns = append(p.Columns, r.name(r.i))
				r.i++
				if r.takePunct(')') {
					break
				}
				if !r.takePunct(',') {
					return r.fail("a parenthesis is missing")
				}
			}
		}
		r.s.Privileges = append(r.s.Privileges, p)
		if !r.takePunct(',') {
			break
		}
	}
	if r.is(r.i, "from") { // REVOKE ALL PRIVILEGES, GRANT OPTION FROM user
		r.s.What, r.s.Everywhere = "REVOKE ALL", true
		return nil
	}
	if !r.take("on") {
		return r.fail("ON is missing")
	}
	r.take("table")
	return r.place()
}

// place reads *, *.*, db.*, db.table or table.
func (r *accountReader) place() error {
	if r.takePunct('*') {
		if r.s.Everywhere = r.takePunct('.'); r.s.Everywhere && !r.takePunct('*') {
			return r.fail("write *.*")
		}
		return nil
	}
	if !r.isName(r.i) {
		return r.fail("write *.*, database.*, or a table's name")
	}
	if r.punct(r.i+1, '.') && r.punct(r.i+2, '*') {
		r.s.On.Database = r.name(r.i)
		r.i += 3
		return nil
	}
	var err error
	r.s.On, r.i, err = r.tableName(r.i)
	return err
}

// MaskPasswords returns the text of statements without the passwords and hashes in it, for logs and the process list.
func MaskPasswords(text string) string {
	lower := strings.ToLower(text)
	if !strings.Contains(lower, "identified") && !strings.Contains(lower, "password") {
		return text
	}
	var b strings.Builder
	from, secret := 0, false
	var before string // the token before
	for l := (lexer{src: text}); ; {
		t := l.next()
		if t.kind == kindEOF {
			return b.String() + text[from:]
		}
		word := strings.ToLower(text[t.start:t.end])
		switch {
		case t.kind == kindSpecial: // /*! … */ may hold anything
			secret = secret || strings.Contains(word, "identified") || strings.Contains(word, "password")
			if !secret {
				break
			}
			fallthrough
		case t.kind == kindBad && secret, (t.kind == kindString || t.kind == kindNumber) && secret && (before == "by" || before == "as" || before == "=" || before == "password" || before == "replace" || before == "("):
			b.WriteString(text[from:t.start] + "'***'")
			from = t.end
		case word == "identified", word == "password":
			secret = true
		case word == ";":
			secret = false
		}
		before = word
	}
}
