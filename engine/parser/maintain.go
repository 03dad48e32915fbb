package parser

import (
	"strings"

	ast "github.com/dolthub/vitess/go/vt/sqlparser"
)

// refused are the beginnings of statements of MySQL and Spark that the host's grammar does not know, and what to say of
// them beside their name.
var refused = []struct{ words, hint string }{
	{"optimize", "; Spark's OPTIMIZE works on the same table"}, {"vacuum", "; Spark's VACUUM works on the same table"},
	{"restore", "; CREATE OR REPLACE TABLE t AS SELECT * FROM t VERSION AS OF n puts the rows of a version back"},
	{"checksum table", ""}, {"repair table", "; CHECK TABLE says what is wrong with one"}, {"repair", ""},
	{"create unique index", "; PRIMARY KEY declares a key that is enforced"}, {"create fulltext index", ""}, {"create spatial index", ""},
	{"create function", ""}, {"create aggregate function", ""}, {"create sequence", ""}, {"create server", ""}, {"create tablespace", ""},
	{"handler", ""}, {"xa", ""}, {"install", ""}, {"uninstall", ""}, {"cache index", ""}, {"load index", ""}, {"help", "; see the documentation"}, {"binlog", ""},
	{"shutdown", "; send the server SIGTERM"}, {"restart", ""}, {"clone", ""}, {"import table", ""}, {"lock instance", ""}, {"unlock instance", ""},
	{"reset query cache", "; there is none"}, {"reset master", ""}, {"reset persist", ""}, {"convert to delta", "; Spark's CONVERT TO DELTA makes a table of Parquet files"}, {"generate", ""},
}

// isMaintenance reports whether the statement is CHECK TABLE or one that is refused by name.
func (c *compiler) isMaintenance() bool {
	return c.is(0, "check") && c.is(1, "table", "tables") || c.refusal() != nil
}

// refusal names a statement that is not supported; nil for any other.
func (c *compiler) refusal() error {
	for _, r := range refused {
		if words := strings.Fields(r.words); c.seq(0, words...) {
			return &UnsupportedError{strings.ToUpper(r.words) + r.hint}
		}
	}
	return nil
}

// CheckTables is CHECK TABLE t, …: of each table its whole log and every file are verified.
type CheckTables struct{ Tables []TableName }

// Verb implements Statement.
func (*CheckTables) Verb() string { return "CHECK TABLE" }

// TargetTable implements Statement; it is the first table.
func (s *CheckTables) TargetTable() TableName { return s.Tables[0] }

// maintenance compiles CHECK TABLE t, … [FOR UPGRADE | QUICK | FAST | MEDIUM | EXTENDED | CHANGED]. What MySQL's options
// leave out is verified, too.
func (c *compiler) maintenance() (*compiled, error) {
	if err := c.refusal(); err != nil {
		return nil, err
	}
	r := cursor{c, 2}
	s := &CheckTables{}
	out := &compiled{stmt: s}
	for {
		t, err := r.table()
		if err != nil {
			return nil, err
		}
		s.Tables = append(s.Tables, t)
		out.auth = append(out.auth, authOf(ast.AuthType_SELECT, t))
		if !r.acceptPunct(',') {
			break
		}
	}
	for r.accept("for", "upgrade") || r.accept("quick") || r.accept("fast") || r.accept("medium") || r.accept("extended") || r.accept("changed") {
		continue
	}
	if !r.atEnd() {
		return nil, r.fail("nothing but FOR UPGRADE, QUICK, FAST, MEDIUM, EXTENDED and CHANGED follows the tables of CHECK TABLE")
	}
	return out, nil
}
