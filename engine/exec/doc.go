// Package exec runs plans of vectorized operators over morsels on all cores, within a memory budget.
//
// It decides how relational algebra is computed. It knows no SQL text, no host plan and no table format:
// tables are a Source, declared here and implemented by a datasource.
//
// A plan is opened from the top; work starts with the first Next of any stream. An operator that needs all of
// its input (aggregate, sort, the build side of a join) then reads it with one goroutine an input stream, while
// the streams of its output wait; so it does not matter in which order, or by whom, streams are read.
//
// A hash join that has read its build side tells the scans of its probe side which keys there are (joinfilter.go): rows
// without a match are dropped before their other columns are decoded, and files by their statistics.
//
// Past the budget, sorts write sorted runs, aggregations whose states have a fixed size write partitions of
// groups, hash joins partition both sides into temporary files, ASOF joins sort both sides, and what
// nested-loop joins and materialized subplans hold goes to files in the order it came. What cannot spill
// (aggregates that keep values: DISTINCT, GROUP_CONCAT, JSON, MIN and MAX of strings; NOT IN; hash joins of
// which one key has too many rows) fails with a *MemoryError.
//
// Invariants: streams of one operator may run on different goroutines, a stream on one; batches obey
// package vector's rules of ownership; whatever buffers rows accounts for them in the query's Budget, and has
// given all of it back when its streams are closed.
package exec
