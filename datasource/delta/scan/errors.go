package scan

import (
	"fmt"

	"github.com/featuresql/featuresql/datasource/objstore"
)

// MissingFileError says that a data file that the log calls live, or its deletion vector, is not in the store. It unwraps to objstore.ErrNotFound.
type MissingFileError struct {
	Table string // URL of the table
	Path  string // of the data file, as in the log

	DeletionVector bool // the file is there, its deletion vector is not
}

func (e *MissingFileError) Error() string {
	if e.DeletionVector {
		return fmt.Sprintf("the deletion vector of data file %s of table %s is missing", e.Path, e.Table)
	}
	return fmt.Sprintf("data file %s of table %s is missing", e.Path, e.Table)
}

func (e *MissingFileError) Unwrap() error { return objstore.ErrNotFound }

// ReplacedError says that a table was dropped, and perhaps made anew under its name, while its files were read.
type ReplacedError struct{ Table string }

func (e *ReplacedError) Error() string {
	return fmt.Sprintf("table %s was dropped while it was read; run the statement again, on what has its name now", e.Table)
}

// MismatchError says that a data file is not what the log says about it.
type MismatchError struct {
	Table, Path string
	Reason      string
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("data file %s of table %s does not fit the log: %s", e.Path, e.Table, e.Reason)
}

// OutsideError says that the log names a file by an absolute URL outside the table, and nobody said where to find it.
type OutsideError struct {
	Table string // URL of the table
	Path  string // URL of the file
}

func (e *OutsideError) Error() string {
	return fmt.Sprintf("data file %s lies outside table %s", e.Path, e.Table)
}
