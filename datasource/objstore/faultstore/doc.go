// Package faultstore wraps an object store for tests: it fails, delays and cuts short chosen calls, loses
// acknowledgements, dies at chosen points, and records every call.
//
// It decides which calls go wrong, by rules and a seed: the same calls in the same order meet the same
// faults. It does not decide what is right afterwards; that is the test's, which looks at the inner store.
//
// Invariants: without a rule every call passes unchanged; after a crash no call reaches the inner store.
package faultstore
