// Package engine puts the parts together: a warehouse, the host, the planner and the executor become one
// Engine, from which sessions are opened.
//
// It decides defaults and limits. It has no socket (engine/server) and no command line (cmd/featuresql).
//
// Invariants: an Engine serves any number of sessions at once; Close waits for nothing that it did not start.
package engine
