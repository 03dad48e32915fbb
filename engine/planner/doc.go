// Package planner turns the host's resolved plans into executable plans of engine/exec, and the
// statements of engine/parser into plan nodes that run on batches.
//
// It is the only package that knows both trees. The host binds names, checks privileges and resolves
// types of what it runs itself; pushing filters, pruning columns, ordering joins and unnesting
// subqueries happen here, on a relational tree of our own (rel), because the host's own rules for these
// lose or invent rows (docs/decisions/0001-host-engine.md).
//
// Invariants: every node the converter accepts returns exactly the rows MySQL would; what it does not
// understand becomes a row fallback, is counted, and shows in EXPLAIN as "row fallback".
package planner
