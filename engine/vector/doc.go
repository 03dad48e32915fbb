// Package vector holds column batches: typed vectors with validity bitmaps, dictionary codes and
// selection vectors, in Arrow's memory layout.
//
// It decides how values lie in memory. It knows no operator and no SQL.
//
// Invariants:
//   - A vector has Len rows. Exactly one of the value slices is in use, named by Phys. A dictionary
//     vector has Codes (one a row, each below Dict.Len) and takes its values from Dict, which is never
//     itself dictionary-coded and holds no NULLs; its NULL rows are in Valid and have some code in range.
//   - Valid nil means that no row is NULL. The value under a NULL is unspecified but readable.
//   - Dict, once it has been part of a batch, never changes: whoever needs other entries makes a new Vector. Consumers
//     may keep what they computed from a dictionary for as long as the same *Vector comes with the next batches.
//   - A batch that an operator returns stays unchanged until the next call of that operator's Next; who
//     keeps rows longer copies them. Vectors of a batch may be shared and are never written to by a consumer.
package vector
