// Package verify reads a whole table, its log and every file of its newest version, and says what is wrong with it.
//
// It decides what is compared with what: commits with one another, checkpoints and version checksums with the commits, files with
// the log's sizes, row counts, deletion vectors, statistics and partition values. It mends nothing.
//
// Invariants: one thing that is wrong never keeps it from finding others, as far as they can be told apart; nothing is written.
package verify
