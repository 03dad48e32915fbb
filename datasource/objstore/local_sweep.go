package objstore

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"time"
)

// staleAfter is the age from which a temporary file that nobody holds a lock on counts as left behind.
const staleAfter = time.Hour

// sweep removes the temporary files, and the folders under way of being dropped, that dead processes left in a folder: at this process's first write to it, and again at the first one
// after each staleAfter, as what others left meanwhile was too young before.
//
// A writer holds a lock on its temporary file until it is complete, and then needs it for an instant more, which the age allows for many
// times over. Were a live one taken all the same, its put would fail, with nothing stored.
func (l *Local) sweep(dir string) {
	l.mu.Lock()
	at, swept := l.swept[dir]
	done := swept && time.Since(at) < staleAfter
	if !done {
		if len(l.swept) >= maxDurable {
			clear(l.swept)
		}
		l.swept[dir] = time.Now()
	}
	l.mu.Unlock()
	if done {
		return
	}
	folder := dir
	if folder == "" {
		folder = "."
	}
	f, err := l.root.Open(folder)
	if err != nil {
		return
	}
	defer f.Close()
	for {
		names, err := f.Readdirnames(4096)
		for _, name := range names {
			if strings.HasPrefix(name, reservedPrefix) {
				l.removeStale(join(dir, name))
			}
		}
		if err != nil {
			return
		}
	}
}

// removeStale removes a temporary file if it is old and no process holds its lock. What it cannot remove stays.
func (l *Local) removeStale(tmp string) {
	info, err := l.root.Lstat(tmp)
	if err == nil && info.IsDir() { // dropped: nobody needs it, not even who is removing it at this moment
		_ = l.root.RemoveAll(tmp)
		return
	}
	if err != nil || !info.Mode().IsRegular() || time.Since(info.ModTime()) < staleAfter {
		return
	}
	f, err := l.root.OpenFile(tmp, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer f.Close()
	if lock(f) == nil {
		l.root.Remove(tmp)
	}
}

// errLocked says that another process, or another open file of this one, holds the lock of a file.
var errLocked = errors.New("file is locked")

// lock takes the advisory lock of an open file, which lasts until it is closed or its process ends.
func lock(f *os.File) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	err = c.Control(func(fd uintptr) {
		if syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
			f = nil
		}
	})
	if err == nil && f == nil {
		err = errLocked
	}
	return err
}
