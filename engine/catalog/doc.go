// Package catalog shows the warehouse to the host as databases and tables.
//
// It decides which folder is which table, which version of a table a statement or a transaction sees, and
// which table a transaction writes. It reads no data and plans nothing.
//
// Invariants: a statement sees one snapshot per table, a transaction one snapshot per table for all its
// statements, plus its own writes; a table that any engine creates is found without a restart; no name
// reaches outside the warehouse or the folders that the configuration allows.
package catalog
