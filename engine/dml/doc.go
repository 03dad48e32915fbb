// Package dml executes writes on batches: INSERT, UPDATE, DELETE, MERGE and the keyed inserts, into a
// transaction.
//
// It decides which rows are touched, what replaces them, and whether a touched file gets a deletion vector
// or is written anew, and what the change data feed tells. It knows no SQL text and no host; committing, conflicts and retries are txn's.
//
// Invariants: nothing of a failed statement stays staged; every new row has passed the table's
// constraints before a byte of its file is written; a row of the target is changed at most once per statement.
package dml
