// Package log knows the files of a table's _delta_log: their names, how a listing becomes the segment that
// one version is read from, and how commits are read.
//
// It decides which checkpoint and commits make up a version, and what is missing. It does not decide what
// actions mean (package replay) nor how a checkpoint's files are read (package checkpoint).
//
// Invariants: a Segment has no gap; a commit is never replaced; everything read is bounded in size.
package log
