package objstore

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Local is a Store in a folder of this machine, for every process that uses the folder at once.
//
// A write goes to a temporary file beside its object, is flushed, and is then renamed over the key (Put) or
// linked to it (PutIfAbsent: link refuses to replace; place), and the folder is flushed. A process that dies leaves at most a temporary file,
// which no key names, and which a later writer to the folder removes (sweep). Keys resolve below the root only: behind a symbolic link that
// leads out of it, or is absolute, there is nothing. Objects are not deleted through a link to a folder.
type Local struct {
	root *os.Root
	dir  *os.File // the root, open
	url  string
	sync func(*os.File) error

	mu      sync.Mutex
	durable map[string]struct{}  // folders known to be in their parents for good
	swept   map[string]time.Time // when folders were rid of what dead processes left
}

// syncFile makes what was written to a file, or the names in a folder, survive a power cut. Tests replace it.
var syncFile = (*os.File).Sync

// maxDurable bounds Local.durable; past it, folders are flushed again.
const maxDurable = 1 << 14

// NewLocal opens the folder dir, which must exist, as a store. ErrNotFound.
func NewLocal(dir string) (*Local, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("object store %s: %w", dir, err)
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, fmt.Errorf("object store %s: %w", dir, translate(err))
	}
	folder, err := root.Open(".")
	if err != nil {
		root.Close()
		return nil, fmt.Errorf("object store %s: %w", dir, err)
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(abs)}
	return &Local{root: root, dir: folder, url: u.String(), sync: func(f *os.File) error { return syncFile(f) }, durable: map[string]struct{}{"": {}}, swept: map[string]time.Time{}}, nil
}

// Close releases the folder; calls after it fail.
func (l *Local) Close() error { return errors.Join(l.dir.Close(), l.root.Close()) }

// URL implements Store.
func (l *Local) URL() string { return l.url }

// Get implements Store.
func (l *Local) Get(ctx context.Context, key string, maxBytes int64) ([]byte, error) {
	f, info, err := l.open(ctx, key)
	if err != nil {
		return nil, failed("get", key, err)
	}
	defer f.Close()
	if info.Size() > maxBytes {
		return nil, failed("get", key, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, info.Size(), maxBytes))
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, failed("get", key, short(err))
	}
	return data, nil
}

// GetRange implements Store.
func (l *Local) GetRange(ctx context.Context, key string, off int64, p []byte) error {
	f, _, err := l.open(ctx, key)
	if err != nil {
		return failed("get", key, err)
	}
	defer f.Close()
	if _, err := f.ReadAt(p, off); err != nil {
		return failed("get", key, short(err))
	}
	return nil
}

func short(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// open opens a regular file for reading.
func (l *Local) open(ctx context.Context, key string) (*os.File, os.FileInfo, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if err := CheckKey(key); err != nil {
		return nil, nil, err
	}
	// Without O_NONBLOCK a named pipe would hold the caller until somebody writes to it.
	f, err := l.root.OpenFile(key, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, translate(err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = ErrNotFound
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// Head implements Store.
func (l *Local) Head(ctx context.Context, key string) (Object, error) {
	if err := ctx.Err(); err != nil {
		return Object{}, failed("head", key, err)
	}
	if err := CheckKey(key); err != nil {
		return Object{}, failed("head", key, err)
	}
	o, err := l.stat(key)
	if err != nil {
		return Object{}, failed("head", key, err)
	}
	return o, nil
}

// walk describes the object of a key, ErrNotFound.
func (l *Local) walk(key string) (Object, error) {
	info, err := l.root.Stat(key)
	if err == nil && !info.Mode().IsRegular() {
		err = ErrNotFound
	}
	if err != nil {
		return Object{}, translate(err)
	}
	return object(key, info), nil
}

func object(key string, info os.FileInfo) Object {
	return Object{Key: key, SizeBytes: info.Size(), ModTime: info.ModTime()}
}

// Delete implements Store.
func (l *Local) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return failed("delete", key, err)
	}
	if err := CheckKey(key); err != nil {
		return failed("delete", key, err)
	}
	if link, err := l.linkAbove(key); link != "" || err != nil {
		return failed("delete", key, errors.Join(err, fmt.Errorf("%w: %s", ErrLinkedFolder, link)))
	}
	info, err := l.root.Lstat(key)
	if err == nil && info.IsDir() {
		return nil // a folder is no object
	}
	if err == nil {
		err = l.root.Remove(key)
	}
	if err = translate(err); errors.Is(err, ErrNotFound) {
		return nil
	}
	if err == nil {
		err = l.flush(parent(key))
	}
	if err != nil {
		return failed("delete", key, err)
	}
	return nil
}

// linkAbove returns the first folder above key that is a symbolic link: what is below it belongs to another key.
func (l *Local) linkAbove(key string) (string, error) {
	for i, c := range key {
		if c != '/' {
			continue
		}
		info, err := l.root.Lstat(key[:i])
		switch {
		case errors.Is(translate(err), ErrNotFound):
			return "", nil
		case err != nil:
			return "", err
		case info.Mode()&os.ModeSymlink != 0:
			return key[:i], nil
		}
	}
	return "", nil
}

// temporary names a new temporary file in dir.
func temporary(dir string) string {
	var b [12]byte
	rand.Read(b[:]) // never fails
	return join(dir, reservedPrefix+hex.EncodeToString(b[:]))
}

// translate maps what the file system says to the errors of this package.
func translate(err error) error {
	switch {
	case err == nil || errors.Is(err, ErrNotFound):
		return err
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ENOTDIR), escapes(err):
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case errors.Is(err, os.ErrExist):
		return fmt.Errorf("%w: %w", ErrAlreadyExists, err)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	return err
}

// escapes reports whether a path led out of the root by a symbolic link; package os has no name for that error.
func escapes(err error) bool {
	var p *os.PathError
	return errors.As(err, &p) && p.Err.Error() == "path escapes from parent"
}

func failed(verb, key string, err error) error { return fmt.Errorf("%s %q: %w", verb, key, err) }
