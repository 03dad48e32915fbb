// Package simulate runs many writers of one Delta table against each other, through a store that fails, and compares every version of the
// table with what the committed statements do one after the other.
//
// It decides the order of the store's calls, their faults, and what is right. It is a test's tool: no other package of the product imports it.
// The statements run as the engine runs them, through engine/dml and txn, without SQL.
//
// A schedule is a function of its seed. Each store call of every process waits until the scheduler lets it go, which happens only when nothing
// else can run; time is the caller's, and stands still meanwhile (see Config.Settle).
//
// Invariants checked: a statement reported as done is in the log once; one reported as failed is not in it; one whose outcome is unknown, or
// whose process died, at most once; each version holds what its statements in the order of the log make of the one before; nothing
// but what crashed or could not be deleted leaves a file that no commit names.
package simulate
