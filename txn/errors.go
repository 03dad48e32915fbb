package txn

import (
	"errors"
	"fmt"

	"github.com/featuresql/featuresql/datasource/delta"
)

// ErrClosed is the error of a transaction that was committed, rolled back or failed for good.
var ErrClosed = errors.New("transaction is closed")

// Kind says which rule a conflict breaks. The names are those of Delta's published conflict kinds.
type Kind uint8

// The kinds of conflict.
const (
	// ProtocolChanged: the winner changed the protocol.
	ProtocolChanged Kind = iota + 1
	// MetadataChanged: the winner changed schema, partitioning or properties.
	MetadataChanged
	// ConcurrentAppend: the winner added files that the transaction would have read.
	ConcurrentAppend
	// ConcurrentDeleteRead: the winner removed a file that the transaction read.
	ConcurrentDeleteRead
	// ConcurrentDeleteDelete: the winner removed a file that the transaction removes, too.
	ConcurrentDeleteDelete
	// ConcurrentTransaction: the winner set an application version that the transaction sets or read.
	ConcurrentTransaction
	// ConcurrentDomainMetadata: the winner set the same metadata domain.
	ConcurrentDomainMetadata
	// LogTruncated: the commits since the base were cleaned up, or the table was removed; nothing can be checked.
	LogTruncated
	// TooManyAttempts: without a conflict, other writers were faster MaxAttempts times.
	TooManyAttempts
)

var kindText = map[Kind]string{
	ProtocolChanged:          "the table's protocol was changed",
	MetadataChanged:          "the table's metadata was changed",
	ConcurrentAppend:         "files were added that this transaction would have read",
	ConcurrentDeleteRead:     "a file that this transaction read was removed",
	ConcurrentDeleteDelete:   "a file that this transaction removes was removed",
	ConcurrentTransaction:    "the application version was set",
	ConcurrentDomainMetadata: "the metadata domain was set",
	LogTruncated:             "the log was cleaned up or removed",
	TooManyAttempts:          "other writers were faster at every attempt",
}

var kindName = map[Kind]string{
	ProtocolChanged: "ProtocolChanged", MetadataChanged: "MetadataChanged", ConcurrentAppend: "ConcurrentAppend",
	ConcurrentDeleteRead: "ConcurrentDeleteRead", ConcurrentDeleteDelete: "ConcurrentDeleteDelete",
	ConcurrentTransaction: "ConcurrentTransaction", ConcurrentDomainMetadata: "ConcurrentDomainMetadata", LogTruncated: "LogTruncated",
	TooManyAttempts: "TooManyAttempts",
}

// String returns the kind's name.
func (k Kind) String() string { return kindName[k] }

// ConflictError says that another commit stands in the way. Nothing was committed; run again from a new
// snapshot the statements may succeed.
type ConflictError struct {
	Table     string // its URL
	Kind      Kind
	Base      delta.Version // what the transaction read
	Version   delta.Version // the commit that conflicts; of TooManyAttempts the last one tried
	Operation string        // of the winner, if it says
	Subject   string        // the file, application or domain at issue
}

func (e *ConflictError) Error() string {
	s := fmt.Sprintf("table %s: conflict with version %d", e.Table, e.Version)
	if e.Operation != "" {
		s += " (" + e.Operation + ")"
	}
	s += fmt.Sprintf(": since version %d, %s", e.Base, kindText[e.Kind])
	if e.Subject != "" {
		s += ": " + e.Subject
	}
	return s
}

// AppendOnlyError refuses to remove rows from a table with delta.appendOnly.
type AppendOnlyError struct{ Table string }

func (e *AppendOnlyError) Error() string {
	return fmt.Sprintf("table %s is append-only (delta.appendOnly): rows cannot be changed or removed", e.Table)
}

// TableExistsError says that there is a log where a table was to be created.
type TableExistsError struct{ Table string }

func (e *TableExistsError) Error() string { return fmt.Sprintf("table %s exists already", e.Table) }

// UnknownOutcomeError says that a commit failed in a way that leaves open whether it was stored, and that it could not be
// read back. The commit, if there, is at Version and carries TxnID.
type UnknownOutcomeError struct {
	Table   string
	Version delta.Version
	TxnID   string
	Err     error
}

func (e *UnknownOutcomeError) Error() string {
	return fmt.Sprintf("table %s: not known whether version %d was committed (transaction %s): %v", e.Table, e.Version, e.TxnID, e.Err)
}

// Unwrap returns the store's error.
func (e *UnknownOutcomeError) Unwrap() error { return e.Err }

// InvalidError says that a transaction's own actions contradict one another or its base.
type InvalidError struct {
	Table  string
	Path   string // of the file at issue, if it is one
	Reason string
}

func (e *InvalidError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("table %s: %s", e.Table, e.Reason)
	}
	return fmt.Sprintf("table %s: file %q: %s", e.Table, e.Path, e.Reason)
}

// PanicError is a panic within a shared commit, turned into an error of its members: what became of them is not known.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("internal error: %v", e.Value) }

// PanicStack returns where it happened.
func (e *PanicError) PanicStack() []byte { return e.Stack }
