// Package server serves an engine over the MySQL protocol.
//
// It decides how connections are accepted, authenticated, limited and closed, how a command becomes a statement
// of the engine, and how results, errors and warnings reach the client. The protocol's framing and commands are
// the host's (its vitess fork); the handler behind them is ours, because the host's own hides the type of an
// error, keeps a whole result in memory and leaves the transaction of a failed statement open.
//
// It does not decide what a statement means or does.
//
// Invariants:
//   - A conn stands between the host's connection and the socket. It alone numbers
//     packets, so rows may be written past the host (package wire).
//   - Every error leaves through mysqlerr, with the code and SQLSTATE that MySQL has for it. One that comes after the
//     first row is sent as well; the connection stays usable.
//   - A failed statement outside of a transaction leaves no transaction behind.
//   - Every packet, wait and number of connections has a limit.
package server
