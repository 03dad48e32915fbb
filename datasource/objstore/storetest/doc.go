// Package storetest holds the tests that every object store must pass. It decides what the contract of
// objstore.Store means in cases; a driver's own tests hold what is particular to it.
//
// Invariant: it uses the store through its interface only, so that any driver can run it.
package storetest
