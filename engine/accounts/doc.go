// Package accounts holds who may do what: accounts with salted password hashes, roles and privileges, as one versioned
// state kept in the warehouse.
//
// It decides which account a client is, whether it has proved that, and which privileges it has. It reads no statement
// and knows no table: the parser cuts the account statements, the catalog and planner ask for privileges.
//
// Invariants:
//   - A State is never changed once it is published; a change makes the next version, stored with put-if-absent, so that
//     servers on one warehouse cannot lose each other's changes.
//   - What cannot be read is refused: an unreadable state fails every check.
//   - No password in clear is kept or named in an error.
package accounts
