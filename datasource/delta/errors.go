package delta

import (
	"fmt"
	"time"

	"github.com/featuresql/featuresql/datasource/delta/action"
)

// Version is the number of a version of a table.
type Version = action.Version

// CorruptionError says that a file of the log is not what the protocol allows.
type CorruptionError = action.CorruptionError

// NotATableError says that there is no Delta table at a place.
type NotATableError struct {
	URL string
}

func (e *NotATableError) Error() string {
	return "no Delta table at " + e.URL + ": it has no _delta_log with a commit or checkpoint"
}

// VersionError says that a version does not exist, or not any more.
type VersionError struct {
	Wanted, Oldest, Newest Version
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("version %d cannot be read: the table has versions %d to %d", e.Wanted, e.Oldest, e.Newest)
}

// TimestampError says that a table had no version yet, or has none any more, of a time.
type TimestampError struct {
	Wanted         time.Time
	Oldest, Newest Version
	From, To       time.Time // of Oldest and Newest
}

func (e *TimestampError) Error() string {
	const layout = "2006-01-02 15:04:05.000"
	return fmt.Sprintf("no version as of %s UTC: the table has versions %d (%s UTC) to %d (%s UTC)", e.Wanted.UTC().Format(layout),
		e.Oldest, e.From.UTC().Format(layout), e.Newest, e.To.UTC().Format(layout))
}

// ExternalFileError says that a table refers to a file outside of its folder, which its options do not allow.
type ExternalFileError struct {
	URL  string // of the table
	Path string
}

func (e *ExternalFileError) Error() string {
	return "table " + e.URL + " refers to " + e.Path + ", which is outside of the table"
}

// CheckpointWarning says that a checkpoint or the hint to one is broken and that something older was read instead.
type CheckpointWarning struct {
	Path string
	Err  error
}

func (e *CheckpointWarning) Error() string {
	return "broken checkpoint " + e.Path + " was passed over: " + e.Err.Error()
}

// Unwrap returns what is wrong with the checkpoint.
func (e *CheckpointWarning) Unwrap() error { return e.Err }

// CompactionWarning says that commits are missing and that a log compaction file was read in their place.
type CompactionWarning struct {
	Path     string
	From, To Version
}

func (e *CompactionWarning) Error() string {
	return fmt.Sprintf("commits %d to %d were read from %s, as some of them are missing", e.From, e.To, e.Path)
}
