// Package parquet reads column chunks of Parquet files into vectors and writes batches as Parquet files
// with the statistics that a table format wants.
//
// It decides how bytes of a file become values of the engine's types and back: levels, pages, encodings,
// codecs, legacy layouts of lists and maps, conversions of older column types to wider ones. It does not
// decide which files, row groups or rows to read (skipping, datasource/delta/scan), and knows no table format:
// a caller says with Field what the columns are called and which types it wants.
//
// The footer, the page headers, the levels and the pages are parsed by this package: a library that
// allocates what a count in the file says cannot be given files from outside. What parquet-go contributes
// are the constants of the format, the bit-unpacking kernels, the split-block bloom filter and the writer.
//
// Invariants:
//   - Nothing that a file says is trusted. Lengths, counts, offsets, codes and levels are checked before
//     they are used; a lie is a *CorruptError, never a panic, and never an allocation out of proportion.
//   - A page whose checksum is wrong is an error (unless the file has none).
//   - Row positions are positions in the file, whatever was skipped to get there.
//   - Statistics, page index and bloom filters only ever bound what is there: what is unknown, of an
//     undefined order or malformed is reported as unknown.
//   - A File is immutable and may be shared by any number of goroutines; a RowGroupReader belongs to one.
//
// The machine is little-endian, as the vectors' layout is.
package parquet
