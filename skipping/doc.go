// Package skipping decides from statistics which units (files, row groups, pages) cannot hold a row for
// which a predicate is true.
//
// It is pure: no I/O, no table format, no host. A unit is skipped only if that is certain; whatever is
// unknown, inexact or of an unexpected type keeps it.
//
// A predicate is compiled once (Compile) into a tree that is evaluated over all units at a time. Each
// node yields three bitmaps, one bit a unit: the node may be true, may be false, may be NULL for some row
// of the unit. All three err towards "may", so AND, OR and NOT stay sound without knowing how columns
// correlate. Values are bounded by intervals; casts and arithmetic move the bounds only where they are
// monotonic, and literals are never converted to the column's type.
//
// What it does not decide: what the statistics mean. Whoever fills Stats has widened what a writer
// truncated (see ColumnStats) and counts rows before deletion vectors.
//
// Invariants:
//   - A skipped unit holds no matching row, for every filling of Stats that keeps its contract.
//   - A float column may hold NaN, which is greater than every number and never in Min or Max.
//   - Of the counts only "no NULL" and "only NULLs" are used, so both may be rough in between.
package skipping
