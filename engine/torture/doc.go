// Package torture holds tests that maltreat real servers: the program as users run it, real sockets, real files. They kill it at
// random instants, take its disk, its file descriptors and its power away, and open more connections than it is used to.
//
// It decides what must hold afterwards: every acknowledged statement is there once, one whose answer was lost is there once or not at all,
// and every version that could be read can still be read and has not changed. The package has no code but tests.
//
// Every test prints its seed. The statements of a writer are a function of the seed; the instants are the machine's, so that a seed repeats
// a kind of trouble rather than the very one.
package torture
