package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
)

// transaction is the host's handle; the state is in the session.
type transaction struct {
	readOnly bool
	chosen   bool // by SET TRANSACTION
}

func (t *transaction) String() string   { return "transaction" }
func (t *transaction) IsReadOnly() bool { return t.readOnly }

// StartTransaction implements sql.TransactionSession: it begins the transaction of a statement outside of any.
func (s *Session) StartTransaction(ctx *sql.Context, _ sql.TransactionCharacteristic) (sql.Transaction, error) {
	if s.next != nil {
		t := &transaction{readOnly: *s.next, chosen: true}
		s.next = nil
		return t, nil
	}
	readOnly, err := s.isOn(ctx, "transaction_read_only")
	return &transaction{readOnly: readOnly}, err
}

func (s *Session) isOn(ctx *sql.Context, variable string) (bool, error) {
	v, err := s.GetSessionVariable(ctx, variable)
	if err != nil {
		return false, err
	}
	return sql.ConvertToBool(ctx, v)
}

// Start begins a transaction of several statements and commits the one that is open. readOnly is nil where the
// statement says nothing. With snapshot, the transaction sees the tables of the current database as they are now; any
// other table as it is when it is read first.
func (s *Session) Start(ctx *sql.Context, readOnly *bool, snapshot bool) error {
	before, _ := ctx.GetTransaction().(*transaction) // of this statement, unless one was open
	inherits := before != nil && before.chosen && len(s.pins) == 0 && s.write == nil
	if err := s.CommitTransaction(ctx, before); err != nil {
		return err
	}
	t, err := s.StartTransaction(ctx, sql.ReadWrite)
	if err != nil {
		return err
	}
	tx := t.(*transaction)
	switch {
	case readOnly != nil:
		tx.readOnly = *readOnly
	case inherits:
		tx.readOnly = before.readOnly
	}
	if snapshot {
		if err := s.pinAll(ctx); err != nil {
			return err
		}
	}
	ctx.SetTransaction(tx)
	ctx.SetIgnoreAutoCommit(true)
	return nil
}

// pinAll pins the newest version of every table of the current database; a table that cannot be read fails where it is read.
func (s *Session) pinAll(ctx *sql.Context) error {
	name := ctx.GetCurrentDatabase()
	if name == "" {
		ctx.Warn(138, "there is no current database, whose tables WITH CONSISTENT SNAPSHOT would keep as they are now")
		return nil
	}
	db, err := s.provider.Database(ctx, name)
	if err != nil {
		return err
	}
	tables, err := db.GetTableNames(ctx)
	if err != nil {
		return err
	}
	for _, t := range tables {
		loc, ok, err := db.(*Database).Location(ctx, t)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if _, err := s.Snapshot(ctx, loc); err != nil {
			ctx.GetLogger().Debugf("snapshot of %s: %v", loc, err)
		}
	}
	return ctx.Err()
}

// SetNext says whether the next transaction is read only.
func (s *Session) SetNext(ctx *sql.Context, readOnly bool) error {
	if s.begun(ctx) {
		return &OpenTransactionError{}
	}
	s.next = &readOnly
	ctx.SetTransaction(nil) // with autocommit = 0 the host has begun one for this statement, and would go on with it
	return nil
}

// begun reports whether a transaction of several statements is open, and has done something or was asked for.
func (s *Session) begun(ctx *sql.Context) bool {
	return len(s.pins) > 0 || s.write != nil || ctx.GetIgnoreAutoCommit()
}

// OpenTransactionError says that SET TRANSACTION came while a transaction was open.
type OpenTransactionError struct{}

func (*OpenTransactionError) Error() string {
	return "Transaction characteristics can't be changed while a transaction is in progress; commit it first, or use SET SESSION TRANSACTION"
}

// End commits or rolls back the open transaction; with chain, the next one begins at once and is as the one that ended.
func (s *Session) End(ctx *sql.Context, commit, chain bool) error {
	t, _ := ctx.GetTransaction().(*transaction)
	if commit {
		if err := s.CommitTransaction(ctx, t); err != nil {
			return err
		}
	} else {
		s.clear()
	}
	ctx.SetTransaction(nil)
	ctx.SetIgnoreAutoCommit(false)
	if !chain {
		return nil
	}
	var readOnly *bool
	if t != nil {
		readOnly = &t.readOnly
	}
	return s.Start(ctx, readOnly, false)
}

// setAutocommit commits what is open when autocommit is switched on, as MySQL does.
func (s *Session) setAutocommit(ctx *sql.Context, value any) error {
	was, err := s.isOn(ctx, sql.AutoCommitSessionVar)
	if err != nil {
		return err
	}
	if err := s.BaseSession.SetSessionVariable(ctx, sql.AutoCommitSessionVar, value); err != nil || was {
		return err
	}
	if now, err := s.isOn(ctx, sql.AutoCommitSessionVar); err != nil || !now {
		return err
	}
	return s.End(ctx, true, false)
}

// CommitTransaction implements sql.TransactionSession: the one commit of an explicit transaction.
func (s *Session) CommitTransaction(ctx *sql.Context, _ sql.Transaction) error {
	tx, loc := s.write, s.writeLoc
	defer s.clear()
	if tx == nil {
		return nil
	}
	s.Enter(Committing)
	defer s.Enter(Executing)
	if _, err := tx.Commit(ctx); err != nil {
		ctx.SetTransaction(nil) // the host does it only after a COMMIT that succeeds
		ctx.SetIgnoreAutoCommit(false)
		return fmt.Errorf("commit of %s: %w", strings.ReplaceAll(loc, "/", "."), err)
	}
	return nil
}

// CommitBefore ends an open transaction before a statement that is a transaction of its own: DDL, as in MySQL.
func (s *Session) CommitBefore(ctx *sql.Context) error {
	if t := ctx.GetTransaction(); t != nil && t.IsReadOnly() {
		return sql.ErrReadOnlyTransaction.New()
	}
	if err := s.CommitTransaction(ctx, ctx.GetTransaction()); err != nil {
		return err
	}
	ctx.SetTransaction(nil) // what comes next is another, which may be read only
	ctx.SetIgnoreAutoCommit(false)
	return nil
}

// commitBefore is CommitBefore for the session of a context, if it is one of this package.
func commitBefore(ctx *sql.Context) error {
	if s, ok := ctx.Session.(*Session); ok {
		return s.CommitBefore(ctx)
	}
	return nil
}

// Rollback implements sql.TransactionSession.
func (s *Session) Rollback(*sql.Context, sql.Transaction) error {
	s.clear()
	return nil
}

// CreateSavepoint implements sql.TransactionSession.
func (s *Session) CreateSavepoint(_ *sql.Context, _ sql.Transaction, name string) error {
	if i := s.savepoint(name); i >= 0 {
		s.marks = slices.Delete(s.marks, i, i+1)
	}
	sp := savepoint{name: strings.ToLower(name), had: s.write != nil}
	if s.write != nil {
		sp.mark, sp.changed = s.write.Mark(), s.write.Changed()
	}
	s.marks = append(s.marks, sp)
	return nil
}

// RollbackToSavepoint implements sql.TransactionSession.
func (s *Session) RollbackToSavepoint(_ *sql.Context, _ sql.Transaction, name string) error {
	i := s.savepoint(name)
	if i < 0 {
		return sql.ErrSavepointDoesNotExist.New(name)
	}
	if sp := s.marks[i]; sp.had {
		s.write.RollbackTo(sp.mark)
	} else {
		s.dropWrite()
	}
	s.marks = s.marks[:i+1]
	return nil
}

// ReleaseSavepoint implements sql.TransactionSession.
func (s *Session) ReleaseSavepoint(_ *sql.Context, _ sql.Transaction, name string) error {
	i := s.savepoint(name)
	if i < 0 {
		return sql.ErrSavepointDoesNotExist.New(name)
	}
	s.marks = s.marks[:i]
	return nil
}

func (s *Session) savepoint(name string) int {
	for i := len(s.marks) - 1; i >= 0; i-- {
		if s.marks[i].name == strings.ToLower(name) {
			return i
		}
	}
	return -1
}
