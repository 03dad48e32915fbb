// Package expr holds typed scalar expressions and evaluates them over column batches.
//
// It decides the result type of every operator and function (by MySQL's rules), and how it is computed
// on vectors. It knows neither the host's expressions nor where a batch comes from.
//
// Differences from MySQL: a value of type DECIMAL has as many digits after the point as its type says, in every
// intermediate result, where MySQL keeps up to eight more after a division ((1/3)*3 is 0.9999, not 1.0000); a decimal
// beyond 128 bits is out of range although the type may have up to 65 digits; NaN and infinities, which MySQL has
// not, pass through arithmetic.
//
// Invariants: an Expr is immutable; an Evaluator or Filter belongs to one goroutine; rows that are not
// selected are never evaluated in a way that could raise an error.
package expr
