// Package textfile reads the delimited text that LOAD DATA takes: lines of fields, with terminators, quotes and escapes
// as its clauses name them.
//
// It decides where lines and fields end and what a field's text is. It knows no table and converts no value. A Splitter cuts a file
// into parts of whole lines, so that several readers can share the work.
//
// Invariants: no input panics; a line is never longer than MaxLineBytes in memory.
package textfile
