// Package objstore is the one way to bytes on disk or in an object store: a flat key space with atomic
// put-if-absent, the operation on which commits rest.
//
// It decides how an object is made durable and when it becomes visible. It knows nothing about what the
// objects hold, caches nothing and logs nothing.
//
// Invariants: an object appears whole or not at all; a nil error means durable; keys never leave the root;
// what a driver writes while an object is not yet whole is never listed and cannot be named by a key.
package objstore
