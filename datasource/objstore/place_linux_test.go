package objstore_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/datasource/objstore/storetest"
)

// TestWithoutLinks: a file system without hard links, as exFAT and many FUSE and SMB mounts, keeps every promise of a store.
func TestWithoutLinks(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EPERM, syscall.EOPNOTSUPP, syscall.ENOSYS} {
		objstore.RefuseLinks(t, errno, nil)
		TestPutBeside(t)
		TestNoLeftovers(t)
	}
	storetest.Run(t, func(t *testing.T) objstore.Store { return newLocal(t, t.TempDir()) })
}

// TestNoExclusivePut: without links and without a rename that does not replace nothing is put if absent, and the error says where and what to do.
func TestNoExclusivePut(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EPERM, syscall.EINVAL, syscall.ENOSYS, syscall.EOPNOTSUPP} {
		objstore.RefuseLinks(t, syscall.EPERM, errno)
		dir := t.TempDir()
		s := newLocal(t, dir)
		err := s.PutIfAbsent(t.Context(), "t/log/0", []byte("x"))
		if !errors.Is(err, objstore.ErrNoExclusivePut) || !errors.Is(err, objstore.ErrNotStored) || !strings.Contains(err.Error(), filepath.Join(dir, "t", "log")) {
			t.Errorf("%v: %v", errno, err)
		}
		if left, err := os.ReadDir(filepath.Join(dir, "t", "log")); err != nil || len(left) > 0 {
			t.Errorf("%v: the folder holds %v, %v", errno, left, err)
		}
	}
	objstore.RefuseLinks(t, syscall.EPERM, syscall.ENOSPC) // an error as any other
	if err := newLocal(t, t.TempDir()).PutIfAbsent(t.Context(), "k", nil); !errors.Is(err, syscall.ENOSPC) || !errors.Is(err, objstore.ErrNotStored) || errors.Is(err, objstore.ErrNoExclusivePut) {
		t.Errorf("a full disk: %v", err)
	}
	objstore.RefuseLinks(t, syscall.EIO, syscall.EPERM)
	if err := newLocal(t, t.TempDir()).PutIfAbsent(t.Context(), "k", nil); !errors.Is(err, syscall.EIO) {
		t.Errorf("links that fail: %v", err)
	}
}

// TestFoldersAreNotFlushed: where folders cannot be flushed, files are all the same.
func TestFoldersAreNotFlushed(t *testing.T) {
	fails := error(&os.PathError{Op: "sync", Err: syscall.EINVAL})
	objstore.WatchFlushes(t, func(f *os.File) error {
		if info, err := f.Stat(); err != nil || info.IsDir() {
			return errors.Join(fails, err)
		}
		return nil
	})
	s := newLocal(t, t.TempDir())
	if err := s.PutIfAbsent(t.Context(), "a/b", nil); err != nil {
		t.Error(err)
	}
	fails = &os.PathError{Op: "sync", Err: syscall.EIO}
	if err := s.PutIfAbsent(t.Context(), "a/c", nil); !errors.Is(err, syscall.EIO) {
		t.Errorf("a flush that fails: %v", err)
	}
}
