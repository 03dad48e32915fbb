// Package delta is a Delta table: its versions, from the newest back to the oldest that can still be read.
//
// It decides when the log is listed, from which files a version is read, what to fall back on when a checkpoint
// is broken, and which version belongs to a time. It does not write commits (txn), read data (delta/scan) or
// know SQL. Its parts: action (the actions and their JSON), schema, feature (what may be read and written), dv
// (deletion vectors), log (names and listings), replay (actions to state), checkpoint.
//
// Invariants: a Snapshot is immutable and is exactly one version; a version that cannot be read exactly is an
// error that names what is missing, never a guess; refreshing lists only the tail of the log.
package delta
