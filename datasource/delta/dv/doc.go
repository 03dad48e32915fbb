// Package dv reads and writes deletion vectors: sets of row positions of a data file that are no longer rows of
// the table (PROTOCOL.md, Deletion Vectors and Deletion Vector Format).
//
// It decides how a descriptor becomes a set (inline, file by UUID, file by path) and back. It does not decide
// when a table may use deletion vectors, nor to which rows a position belongs.
//
// Invariants: what is read has been checked against the descriptor's size and cardinality and, in a file, its
// checksum; a Bitmap is never changed after it was read; no input makes the package panic.
package dv
