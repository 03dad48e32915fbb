// Package scalar holds MySQL's scalar functions, vectorized, and registers them with engine/expr when it is imported.
//
// It decides what each function computes (MySQL 8 manual, "Functions and Operators"). Operators, CASE, CAST and LIKE
// are engine/expr's; aggregates are sqlfuncs/agg's. docs/functions.md lists everything that is registered.
//
// Differences from MySQL: text compares and matches by bytes or code points (utf8mb4_0900_bin), so REGEXP is case
// sensitive unless told otherwise; regular expressions are Go's RE2 syntax, not ICU's: no backreferences in patterns
// and no look-around, but linear time. JSON functions return values as the document spells them.
//
// Invariants: every function is strict (NULL in, NULL out) unless its documentation says otherwise; a Timestamp is taken
// apart in the session's zone, a TimestampNTZ as it is; no function keeps state between batches but reused memory.
package scalar
