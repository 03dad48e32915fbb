// Package replay turns the actions of a log into the state of one version (PROTOCOL.md, Action Reconciliation)
// and holds its files column by column.
//
// It decides which add is live, what a file's statistics promise about its values, and what a partition value
// means. It does not read the log (package log), nor checkpoints (package checkpoint), nor data.
//
// Invariants: a FileList and its parts are never changed once built, but for columns of statistics that are
// parsed when first asked for; bounds that come out of Stats hold every value of the file whatever the
// writer cut off; what cannot be understood in statistics is unknown, never an error; every string of
// an add comes back as it was.
package replay
