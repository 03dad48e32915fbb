// Package action holds the actions of a Delta log and their JSON form, one action a line.
//
// It decides which fields an action has and how they are spelled (PROTOCOL.md, section Actions). It does not
// decide which actions may stand together, what a feature means, or which file a path names in a store
// beyond bringing every spelling of one file to one form (CanonicalPath).
//
// Invariants: unknown fields and unknown actions are ignored when reading; strings of the log (paths,
// partition values, statistics, schema) are kept byte for byte so that an action can be written again; no
// input makes the package panic.
package action
