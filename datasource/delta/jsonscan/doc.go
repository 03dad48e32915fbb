// Package jsonscan reads JSON text by pulling, without building trees and without copying what has no
// escapes: actions of a commit, statistics of a file, schema strings.
//
// It decides what is well-formed JSON (RFC 8259; depth is limited). It does not decide what a document
// means. Invariants: no input makes it panic or recurse; a string it returns shares the input's bytes
// unless escapes had to be decoded; errors name the byte offset.
package jsonscan
