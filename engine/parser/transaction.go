package parser

import ast "github.com/dolthub/vitess/go/vt/sqlparser"

// Transaction begins or ends a transaction, or says what the next one may do. The host knows these statements but none
// of their options.
type Transaction struct {
	What     string // START TRANSACTION, COMMIT, ROLLBACK or SET TRANSACTION
	ReadOnly *bool  // nil: as the session has it
	Snapshot bool   // WITH CONSISTENT SNAPSHOT
	Chain    bool   // AND CHAIN
}

// Verb implements Statement.
func (t *Transaction) Verb() string { return t.What }

// TargetTable implements Statement.
func (*Transaction) TargetTable() TableName { return TableName{} }

// isTransaction reports whether the statement may be one of Transaction's: savepoints, isolation levels and what is set
// for the session are the host's.
func (s *statement) isTransaction() bool {
	switch {
	case s.is(0, "begin"), s.seq(0, "start", "transaction"), s.is(0, "commit"):
		return true
	case s.is(0, "rollback"):
		return !s.is(1, "to") && !s.seq(1, "work", "to")
	}
	return s.seq(0, "set", "transaction", "read")
}

func (c *compiler) transaction() (*compiled, error) {
	t := &Transaction{}
	var i int
	switch {
	case c.is(0, "begin"):
		t.What, i = "START TRANSACTION", c.after(1, "work")
	case c.is(0, "start"):
		t.What, i = "START TRANSACTION", 2
		for more := c.at(i).kind != kindEOF; more; i++ {
			switch {
			case c.seq(i, "with", "consistent", "snapshot"):
				t.Snapshot = true
				i += 3
			case c.access(t, i):
				i += 2
			default:
				return nil, c.errorAt(i, "START TRANSACTION takes READ ONLY or READ WRITE, and WITH CONSISTENT SNAPSHOT")
			}
			if more = c.punct(i, ','); !more {
				i--
			}
		}
	case c.is(0, "set"):
		t.What, i = "SET TRANSACTION", 4
		if !c.access(t, 2) {
			return nil, c.errorAt(3, "a transaction is READ ONLY or READ WRITE")
		}
	case c.is(0, "commit"):
		t.What, i = "COMMIT", c.ending(t)
	default:
		t.What, i = "ROLLBACK", c.ending(t)
	}
	if i < 0 {
		return nil, &UnsupportedError{What: t.What + " … RELEASE"}
	}
	if c.at(i).kind != kindEOF {
		return nil, c.errorAt(i, "nothing follows %s", t.What)
	}
	return &compiled{stmt: t, auth: []ast.AuthInformation{noAuth}}, nil
}

// access reads READ ONLY or READ WRITE at token i.
func (c *compiler) access(t *Transaction, i int) bool {
	only := c.seq(i, "read", "only")
	if t.ReadOnly != nil || !only && !c.seq(i, "read", "write") {
		return false
	}
	t.ReadOnly = &only
	return true
}

// ending reads [WORK] [AND [NO] CHAIN] [[NO] RELEASE] and returns the token after it, -1 for RELEASE.
func (c *compiler) ending(t *Transaction) int {
	i := c.after(1, "work")
	switch {
	case c.seq(i, "and", "no", "chain"):
		i += 3
	case c.seq(i, "and", "chain"):
		t.Chain = true
		i += 2
	}
	if c.is(i, "release") {
		return -1
	}
	if c.seq(i, "no", "release") {
		i += 2
	}
	return i
}

// after returns the token after word, if it is at i.
func (c *compiler) after(i int, word string) int {
	if c.is(i, word) {
		return i + 1
	}
	return i
}
