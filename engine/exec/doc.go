// Package exec runs plans of vectorized operators over morsels on all cores, within a memory budget.
//
// It decides how relational algebra is computed. It knows no SQL text, no host plan and no table format:
// tables are a Source, declared here and implemented by a datasource.
//
// Invariants: streams of one operator may run on different goroutines, a stream on one; batches obey
// package vector's rules of ownership; whatever buffers rows accounts for them in the query's Budget.
package exec
