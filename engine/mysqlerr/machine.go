package mysqlerr

import (
	"errors"
	"slices"
	"syscall"
)

// shortage is something that the machine of the server lacks.
type shortage struct {
	errnos []syscall.Errno
	code   int
	says   string // before the error's own text: what to do
	when   string // for the documentation
}

var shortages = []shortage{
	{[]syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}, 1021,
		"The disk is full; free some space and run the statement again: ", "the disk or the quota is full"},
	{[]syscall.Errno{syscall.EROFS}, 1290,
		"The folder cannot be written to because its file system is mounted read-only: ", "the warehouse is on a read-only file system"},
	{[]syscall.Errno{syscall.EMFILE, syscall.ENFILE}, 1041,
		"The server has too many open files; raise its limit (ulimit -n) or use fewer connections: ", "the server may not open more files"},
	{[]syscall.Errno{syscall.EACCES, syscall.EPERM}, 1030,
		"The account that the server runs under may not do this to a file or folder: ", "the file system refuses an operation"},
}

// lacking returns the shortage that an error of the file system speaks of; nil if it speaks of none.
func lacking(err error) *shortage {
	var no syscall.Errno
	if !errors.As(err, &no) {
		return nil
	}
	for i, s := range shortages {
		if slices.Contains(s.errnos, no) {
			return &shortages[i]
		}
	}
	return nil
}
