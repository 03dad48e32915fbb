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
// Past the budget, sorts write sorted runs, aggregations partitions of groups by hash (and again of those that do not
// fit; the arguments of DISTINCT by a hash of their own, so that those of one group need not fit), hash joins partition
// both sides into temporary files, ASOF joins sort both sides, and what nested-loop joins and materialized subplans
// hold goes to files in the order it came. What cannot spill (one group's GROUP_CONCAT or JSON, the rows of a window
// that wait for the end of their partition) fails with a *MemoryError. Blocks of temporary files are compressed
// and carry checksums; the files have no names while they are open.
//
// Invariants: streams of one operator may run on different goroutines, a stream on one; batches obey
// package vector's rules of ownership; whatever buffers rows accounts for them in the query's Budget, and has
// given all of it back when its streams are closed.
package exec
