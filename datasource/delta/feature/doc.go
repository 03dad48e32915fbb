// Package feature decides whether this program may read and may write a table, from its protocol, properties
// and schema (PROTOCOL.md, Table Features).
//
// It decides which features are understood, which legacy protocol version stands for which features, and
// which features may be ignored because the table does not use them; which ones metadata uses, and what becomes of a protocol that
// gets them. It does not implement any of them.
//
// Invariants: a feature that is not understood refuses the table by name; writing is never allowed where
// reading is not; an upgraded protocol loses nothing.
package feature
