package objstore

import (
	"os"
	"testing"
)

// WatchFlushes has flushed called with each file and folder that a store of this process makes durable, until the test ends.
func WatchFlushes(t *testing.T, flushed func(*os.File) error) {
	before := syncFile
	syncFile = func(f *os.File) error { return flushed(f) }
	t.Cleanup(func() { syncFile = before })
}

// RefuseLinks has hard links fail with one error, and renames that do not replace with another if it is not nil, until the test ends.
func RefuseLinks(t *testing.T, links, renames error) {
	link, move := linkFile, moveFile
	linkFile = func(_ *os.Root, from, to string) error {
		return &os.LinkError{Op: "linkat", Old: from, New: to, Err: links}
	}
	if renames != nil {
		moveFile = func(_ *os.Root, from, to string) error {
			return &os.LinkError{Op: "renameat2", Old: from, New: to, Err: renames}
		}
	}
	t.Cleanup(func() { linkFile, moveFile = link, move })
}
