// Package agg holds the aggregate functions of MySQL: what type each returns, and its states.
//
// It decides how a function folds values into the state of a group, how two states of one group merge, and
// what the result of a state is. It knows no hash table: states of fixed size lie in the words that a Table
// names, others in the Func itself by group number. It does not remove duplicates for DISTINCT (the caller
// does, package exec), except in GROUP_CONCAT, whose order decides which of two equal texts stays.
//
// Invariants: a state of zero words is the state of no rows; sums of integers and decimals are exact or an
// error; NULL arguments are skipped, as in MySQL; a Func is for one goroutine.
package agg
