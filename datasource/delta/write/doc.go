// Package write turns batches of rows into the data files of a Delta table and describes them as add actions.
//
// It decides how rows are split by partition values and rolled into files, where the files lie and what
// they are called, which statistics an add action carries and how values are spelled in the log. It does not
// decide what is committed: the actions it returns take effect only through a commit, and until then its files
// are invisible leftovers that Abort removes. It checks no constraint but the types and NOT NULL of columns.
//
// Invariants:
//   - When Close returns, every file of its actions is durable.
//   - Every bound in the statistics holds for all rows of the file, for readers that compare floats in any of
//     the usual orders; a bound that cannot be spelled exactly is widened or left out.
//   - A path is percent-encoded exactly once, in the action; the object's key is not encoded.
//   - Memory is bounded whatever the number of partitions: the largest open file ends early.
package write
