package parquet

import (
	"fmt"

	"github.com/featuresql/featuresql/engine/types"
)

// CorruptError says that a file is not what the Parquet format allows, or that its bytes were damaged.
type CorruptError struct {
	Path   string // the file, where the caller knows it
	Reason string
}

func (e *CorruptError) Error() string {
	if e.Path != "" {
		return "corrupt Parquet file " + e.Path + ": " + e.Reason
	}
	return "corrupt Parquet file: " + e.Reason
}

func corruptf(format string, args ...any) error {
	return &CorruptError{Reason: fmt.Sprintf(format, args...)}
}

// UnsupportedError says that a file uses a part of the format that this package does not read.
type UnsupportedError struct {
	Feature string
}

func (e *UnsupportedError) Error() string { return "unsupported Parquet feature: " + e.Feature }

func unsupportedf(format string, args ...any) error {
	return &UnsupportedError{Feature: fmt.Sprintf(format, args...)}
}

// UnsupportedTypeError says that a column of a file cannot be read as the type that was asked for.
type UnsupportedTypeError struct {
	Column string     // the path in the file, dotted
	File   string     // the type in the file
	Want   types.Type // Invalid for a nested field whose shape differs
}

func (e *UnsupportedTypeError) Error() string {
	if e.Want.Kind == types.Invalid {
		return fmt.Sprintf("column %s of the Parquet file is %s, which does not fit the field's type", e.Column, e.File)
	}
	return fmt.Sprintf("column %s of the Parquet file is %s, which cannot be read as %s", e.Column, e.File, e.Want)
}
