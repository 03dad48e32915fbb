// Package wire writes the rows of column batches to a MySQL connection, in the text or the binary protocol.
//
// It decides how a value looks on the wire. It does not decide which statements take this path: the root node of a
// plan is given the statement's Sink and writes its batches to it instead of returning rows.
//
// Invariants:
//   - A Sink is taken at most once, by the root node of the statement's plan, whose schema is that of the result.
//   - After Begin has returned nil, the node writes all rows to the Sink and returns no row of its own. An error
//     it returns after that reaches the client in the middle of the result.
package wire
