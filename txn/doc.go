// Package txn commits changes to Delta tables: optimistic transactions over one snapshot of one table.
//
// It decides whether what other writers committed meanwhile conflicts with what a transaction read and
// writes, rebases it where not, and makes the commit durable exactly once. It does not decide what to read or write, writes no data files, only deletion vectors, and leaves
// the meaning of table features to datasource/delta/feature.
//
// A transaction gathers the actions of one or several statements against one base snapshot. Effective is
// the table as its own later statements see it; Mark and RollbackTo undo a failed statement. Commit puts the next commit file if it is absent. Whoever finds it
// taken reads the winners, checks them one by one (by files, and by rows where deletion vectors tell; see conflict.go, rebase.go), and tries the next version.
//
// A Group lets concurrent appends share a commit.
//
// Invariants: a transaction is committed at most once, also when an acknowledgement is lost, since every
// commit carries its own id; a version is passed over only when another transaction's commit was read there; after any failure the table is at the old or at the new
// version; two removals of one row never both commit.
package txn
