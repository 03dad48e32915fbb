package objstore

import (
	"errors"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// renameExclusive gives from the name to, of the same folder, unless something has it.
func renameExclusive(root *os.Root, from, to string) error {
	folder, err := root.Open(path.Dir(to))
	if err != nil {
		return err
	}
	fd := int(folder.Fd())
	err = unix.Renameat2(fd, path.Base(from), fd, path.Base(to), unix.RENAME_NOREPLACE)
	if err != nil {
		err = &os.LinkError{Op: "renameat2", Old: from, New: to, Err: err}
	}
	return errors.Join(err, folder.Close())
}
