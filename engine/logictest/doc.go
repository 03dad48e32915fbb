// Package logictest runs SQL test files in the sqllogictest format against an engine, over a socket.
//
// It decides how files are read and results compared. What is tested is in testdata/logic.
//
//	statement ok                     the statement succeeds
//	statement error 1146 nothing     it fails with this code and a message that contains the text
//	statement error 1146/42S02 …     and with this SQLSTATE
//	statement affects 3              it changes so many rows
//	query [rowsort]                  the rows follow ----, one a line, values separated by tabs; NULL is NULL
//
// Everything must run on batches; what is known to run row by row in the host ends its line with the word fallback.
package logictest
