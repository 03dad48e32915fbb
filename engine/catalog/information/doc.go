// Package information answers what clients ask about databases, tables, columns, keys and views: the tables of
// information_schema, and the rows of the SHOW statements that say the same.
//
// It decides under which MySQL names and types tables are shown. It plans nothing and reads no data: what it says of
// sizes and rows is in the log.
//
// Invariants: a table is shown as it was declared, and only to an account that has a privilege on it; a table that
// cannot be opened hides no other.
package information
