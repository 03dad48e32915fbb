// Package mysqlerr turns the errors of the engine into what a MySQL client gets: an error code, a SQLSTATE and a
// sentence.
//
// One table decides the code of each kind of error; the errors themselves know nothing of MySQL. The message of
// an error names the thing it is about (a table, a column, a version) and never a Go type or a file of ours.
//
// Invariants: From never returns an error without a code; only corrupted tables and internal errors have 1105.
package mysqlerr
