package information

import (
	"sort"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	hosttypes "github.com/dolthub/go-mysql-server/sql/types"

	"github.com/featuresql/featuresql/engine/accounts"
	"github.com/featuresql/featuresql/engine/catalog"
)

func (r *reader) engines() error {
	r.add(Engine, "DEFAULT", "Delta Lake tables: versions, snapshot reads, optimistic commits", "YES", "NO", "YES")
	return nil
}

// plugins are what tools look for among MySQL's: the storage engine and the ways to log in.
func (r *reader) plugins() error {
	for _, p := range [][2]string{{Engine, "STORAGE ENGINE"}, {"caching_sha2_password", "AUTHENTICATION"}, {"mysql_native_password", "AUTHENTICATION"}} {
		r.add(p[0], "1.0", "ACTIVE", p[1], "1.0", nil, nil, "featuresql", "", nil, "FORCE")
	}
	return nil
}

// ProcessSchema has the columns of SHOW PROCESSLIST.
var ProcessSchema = columns(hosttypes.Uint64, "Id", hosttypes.LongText, "User", "Host", "db", "Command", hosttypes.Int64, "Time", hosttypes.LongText, "State", "Info")

// Processes returns the rows of SHOW PROCESSLIST: all connections, or, without the privilege
// PROCESS, those of the account.
func Processes(ctx *sql.Context) ([]sql.Row, error) {
	session, err := catalog.SessionOf(ctx)
	if err != nil {
		return nil, err
	}
	access, err := session.Access(ctx)
	if err != nil {
		return nil, err
	}
	list := ctx.ProcessList.Processes()
	sort.Slice(list, func(i, j int) bool { return list[i].Connection < list[j].Connection })
	var rows []sql.Row
	for _, p := range list {
		if p.User != access.Account.User && !access.Has(accounts.Process, accounts.Place{}) {
			continue
		}
		var db, info any
		if p.Database != "" {
			db = p.Database
		}
		state := ""
		if p.Command == sql.ProcessCommandQuery {
			state, info = session.StateOf(p.Connection), p.Query
		}
		rows = append(rows, sql.NewRow(uint64(p.Connection), p.User, p.Host, db, string(p.Command), int64(p.Seconds()), state, info))
	}
	return rows, nil
}

func (r *reader) processlist() error {
	rows, err := Processes(r.ctx)
	for _, row := range rows {
		row[5] = int32(row[5].(int64))
	}
	r.rows = rows
	return err
}

// grants calls f for every privilege that the session may know of, granted or part of one that is.
func (r *reader) grants(f func(grantee string, at accounts.Place, name, grantable string)) error {
	session, err := catalog.SessionOf(r.ctx)
	if err != nil {
		return err
	}
	state, err := session.Accounts().State(r.ctx)
	if err != nil {
		return err
	}
	for _, a := range state.Accounts {
		if a.Name != session.Account() && !r.access.All() {
			continue
		}
		for _, g := range a.Grants {
			grantable := "NO"
			if g.Privileges&accounts.GrantOption != 0 {
				grantable = "YES"
			}
			names := (g.Privileges &^ accounts.GrantOption).Names()
			if len(names) == 0 {
				names = []string{"USAGE"}
			}
			for _, n := range names {
				f(a.Quoted(), g.Place, n, grantable)
			}
		}
	}
	return nil
}

func (r *reader) userPrivileges() error {
	return r.grants(func(grantee string, at accounts.Place, name, grantable string) {
		if at == (accounts.Place{}) {
			r.add(grantee, "def", name, grantable)
		}
	})
}

func (r *reader) schemaPrivileges() error {
	return r.grants(func(grantee string, at accounts.Place, name, grantable string) {
		if at.Database != "" && at.Table == "" {
			r.add(grantee, "def", at.Database, name, grantable)
		}
	})
}

func (r *reader) tablePrivileges() error {
	return r.grants(func(grantee string, at accounts.Place, name, grantable string) {
		if at.Table != "" && at.Column == "" {
			r.add(grantee, "def", at.Database, at.Table, name, grantable)
		}
	})
}

func (r *reader) columnPrivileges() error {
	return r.grants(func(grantee string, at accounts.Place, name, grantable string) {
		if at.Column != "" {
			r.add(grantee, "def", at.Database, at.Table, at.Column, name, grantable)
		}
	})
}

// quoteAccount writes user@host with both parts in backticks.
func quoteAccount(account string) string {
	i := strings.LastIndexByte(account, '@')
	if i < 0 {
		return QuoteName(account) + "@`%`"
	}
	return QuoteName(account[:i]) + "@" + QuoteName(account[i+1:])
}
