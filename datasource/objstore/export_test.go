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
