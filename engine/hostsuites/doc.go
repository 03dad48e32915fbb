// Package hostsuites runs the query suites of the host engine's own tests on Delta tables, over a socket.
//
// It decides which suites apply, how their expected values are compared with what a client receives, and which
// differences are known. Everything is in its tests: the suites are Go packages of the host's module, so a new version
// of the host brings its new queries along.
//
// Three outcomes are right: the rows (or the error) the suite expects; a refusal that featuresql documents, by a rule
// that names it (refused_test.go); a difference that was looked at by hand (differences_test.go). A rule that no query
// meets and a difference that is none any more fail the test, as does everything else.
package hostsuites
