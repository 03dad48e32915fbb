// Package metrics shows what a server does to Prometheus, and whether it is well.
//
// It decides the names and labels of metrics (docs/operations.md lists them), and when a server is healthy and ready. It
// counts nothing that others count already: the engine and the server are asked when somebody scrapes.
//
// Invariants: the number of series is bounded, whatever clients send; a statement costs a few atomic additions.
package metrics
