// Package schema is the Delta schema: its types, its JSON form in metaData.schemaString, column mapping, and
// what a column's metadata says (PROTOCOL.md, Schema Serialization Format).
//
// It decides how a Delta type appears in the engine (EngineType) and in files (ParquetFields). It does not
// decide whether a feature may be used (package feature) or what values mean.
//
// Invariants: String gives back the metadata of every field byte for byte; a Struct is never changed after
// Parse; input of any depth or size does not make Parse panic.
package schema
