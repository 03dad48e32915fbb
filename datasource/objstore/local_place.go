package objstore

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// linkFile and moveFile give a complete file another name in its folder, by a hard link and by a rename that does not replace. Tests replace them.
var (
	linkFile = (*os.Root).Link
	moveFile = renameExclusive
)

// place gives a complete temporary file its key unless something is there: ErrAlreadyExists. moved says that the temporary name is gone.
//
// Where the file system has no hard links (exFAT, many FUSE and SMB mounts), a rename that does not replace does the same. Where it has neither, a
// commit could replace another's, or be seen in part: that is ErrNoExclusivePut.
func (l *Local) place(tmp, key string) (moved bool, err error) {
	err = linkFile(l.root, tmp, key)
	if !refused(err) {
		return false, translate(err)
	}
	err = moveFile(l.root, tmp, key)
	if refused(err) || errors.Is(err, syscall.EINVAL) {
		return false, fmt.Errorf("folder %q: %w", join(l.root.Name(), parent(key)), ErrNoExclusivePut)
	}
	return err == nil, translate(err)
}

// refused says that a file system does not have an operation, as against that it failed.
func refused(err error) bool {
	return errors.Is(err, syscall.EPERM) || errors.Is(err, errors.ErrUnsupported) // ENOSYS, ENOTSUP, EOPNOTSUPP
}
