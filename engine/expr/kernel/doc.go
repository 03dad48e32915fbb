// Package kernel holds the inner loops of expression evaluation over flat slices.
//
// It decides how an operation is computed on an array, not what it means in SQL: types, NULLs, constants and errors
// are the caller's (engine/expr). Loops are generic over the physical types and free of branches where the data
// would decide them.
//
// Invariants: a kernel neither allocates nor keeps its arguments; slices of operands are at least as long as the
// result; a selection vector is ascending and in range; the destination of a selection may be its source.
package kernel
