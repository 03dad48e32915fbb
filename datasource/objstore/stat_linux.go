package objstore

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// stat describes the object of a key, ErrNotFound. It has the kernel walk the path below the root (openat2, Linux 5.6), of which os.Root
// opens every folder: a look-up asks for little else.
func (l *Local) stat(key string) (Object, error) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS}
	fd, err := unix.Openat2(int(l.dir.Fd()), key, &how)
	switch {
	case errors.Is(err, unix.ENOENT):
		return Object{}, ErrNotFound
	case err != nil: // an old kernel, a folder moved meanwhile, a link out of the root
		return l.walk(key)
	}
	defer func() { _ = unix.Close(fd) }() // nothing was written
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return Object{}, os.NewSyscallError("fstat", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return Object{}, ErrNotFound
	}
	return Object{Key: key, SizeBytes: st.Size, ModTime: time.Unix(st.Mtim.Unix())}, nil
}
