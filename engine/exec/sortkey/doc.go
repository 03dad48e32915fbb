// Package sortkey turns the values of sort columns into bytes whose order is the order of the rows.
//
// It decides the encoding only: NULL sorts first ascending and last descending, as in MySQL; integers and
// decimals by value, floats with NaN above everything and -0 equal to 0, strings by bytes.
//
// Invariants: no key is a proper prefix of another key of the same columns; equal rows have equal keys.
package sortkey
