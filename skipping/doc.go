// Package skipping decides from statistics which units (files, row groups, pages) cannot hold a row for
// which a predicate is true.
//
// It is pure: no I/O, no table format, no host. A unit is skipped only if that is certain; whatever is
// unknown, inexact or of an unexpected type keeps it.
//
// Invariant: a skipped unit holds no matching row, for every filling of Stats that keeps its contract.
package skipping
