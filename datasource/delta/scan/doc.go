// Package scan reads one version of a Delta table as column batches: it implements exec.ExactSource.
//
// Planning prunes files by partition values and file statistics and reads nothing. Streams then share a
// queue of morsels (row groups, or parts of big ones); opening a file turns it into morsels: footer
// (cached), row-group statistics. A worker that takes a morsel asks bloom filters and the page index, and
// then reads lock-step, late: the columns of each conjunct of the filter for the rows that are still alive,
// and the other columns only for the rows that came through. Deleted rows never take part: deletion vectors
// are applied by the row's position in the file, whatever pages were skipped.
//
// Conjuncts over partition columns alone are decided once a file, exactly, and are not evaluated again; nor are
// conjuncts in row groups whose statistics prove them for every row.
//
// It decides which rows come out. It does not decide what the log says (datasource/delta/replay), what
// statistics prove (skipping), nor how bytes become vectors (datasource/parquet).
//
// Invariants:
//   - The rows that come out are those of the snapshot for which the filter is true, each once, in no
//     particular order across streams. Skipping changes the work, never the rows.
//   - A live file that is missing, or that holds another number of rows than the log says, is an error
//     that names it.
//   - A batch is valid until the stream's next call; steady state allocates nothing per batch but what the
//     Parquet reader does.
package scan
