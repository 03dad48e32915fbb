// Package parser puts featuresql's grammar around the host's MySQL parser.
//
// It decides what a statement text means: time travel spellings are rewritten, token by token, to the host's
// grammar with a tagged AS OF expression; ASOF JOIN becomes a plain join with a marker in its ON condition; a
// call over a window becomes an injected WindowExpr that holds its whole window, named ones resolved; DML,
// table DDL, MERGE, DESCRIBE HISTORY and DESCRIBE DETAIL become injected statements whose children the host
// binds (names, types and privileges) before a Binder, the planner, turns them into a node.
//
// It does not decide what a statement does, and it never reads a table or a catalog.
//
// Invariants:
//   - Strings, comments and quoted names keep their meaning; none is changed but \% and \_ in strings, whose backslash
//     the host would drop.
//   - The text handed back as parsed is the rewritten one, and rewriting it again changes nothing (bodies of
//     views are kept as rewritten text and parsed again).
//   - A parameter keeps its number: the n-th question mark of the text is bind variable vn wherever the
//     rewriting moves it to.
//   - Input never panics; size and nesting are limited before the host's recursive parser sees the text.
package parser
