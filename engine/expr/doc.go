// Package expr holds typed scalar expressions and evaluates them over column batches.
//
// It decides the result type of every operator and function (by MySQL's rules), and how it is computed
// on vectors. It knows neither the host's expressions nor where a batch comes from.
//
// Invariants: an Expr is immutable; an Evaluator or Filter belongs to one goroutine; rows that are not
// selected are never evaluated in a way that could raise an error.
package expr
