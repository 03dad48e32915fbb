//go:build !linux

package objstore

import (
	"errors"
	"os"
)

// renameExclusive is not there outside Linux.
func renameExclusive(*os.Root, string, string) error { return errors.ErrUnsupported }
