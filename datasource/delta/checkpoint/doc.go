// Package checkpoint reads and writes checkpoints: the state of one version in few files (PROTOCOL.md, Checkpoints).
//
// It decides how the columns of a checkpoint become actions and back, for classic, multi-part and V2
// checkpoints with their sidecars. It does not decide which checkpoint a version is read from (package log) nor
// what to do about a broken one (package delta); IsBroken tells whether one is.
//
// Invariants: a checkpoint is read as a whole or is an error; what is written holds every action that the
// protocol requires; _last_checkpoint never goes back.
package checkpoint
