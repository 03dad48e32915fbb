package objstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// Put implements Store.
func (l *Local) Put(ctx context.Context, key string, r io.Reader) (Object, error) {
	if err := CheckKey(key); err != nil {
		return Object{}, failed("put", key, err)
	}
	tmp, info, err := l.stage(ctx, key, r)
	if err != nil {
		return Object{}, failed("put", key, err)
	}
	if err := l.root.Rename(tmp, key); err != nil {
		l.root.Remove(tmp)
		return Object{}, failed("put", key, translate(err))
	}
	if err := l.flush(parent(key)); err != nil { // ErrNotFound: the folder was dropped, and the object with it
		return Object{}, failed("put", key, translate(err))
	}
	return object(key, info), nil
}

// PutIfAbsent implements Store.
func (l *Local) PutIfAbsent(ctx context.Context, key string, data []byte) error {
	if err := CheckKey(key); err != nil {
		return notStored(key, err)
	}
	if _, err := l.root.Lstat(key); err == nil { // the common loss, without writing anything
		return failed("put", key, ErrAlreadyExists)
	}
	tmp, _, err := l.stage(ctx, key, bytes.NewReader(data))
	if err != nil {
		return notStored(key, err)
	}
	moved, placeErr := l.place(tmp, key)
	if !moved {
		err = l.root.Remove(tmp)
	}
	switch {
	case errors.Is(placeErr, ErrAlreadyExists):
		return failed("put", key, placeErr)
	case placeErr != nil:
		return notStored(key, placeErr)
	case err == nil:
		err = l.flush(parent(key))
	}
	if err != nil {
		return failed("put", key, err)
	}
	return nil
}

func notStored(key string, err error) error {
	return fmt.Errorf("put %q: %w: %w", key, ErrNotStored, err)
}

// stage writes r to a new temporary file in key's folder and flushes it.
func (l *Local) stage(ctx context.Context, key string, r io.Reader) (tmp string, info os.FileInfo, err error) {
	dir := parent(key)
	tmp = temporary(dir)
	var f *os.File
	for try := 0; ; try++ {
		if err = l.makeDurable(dir); err == nil {
			f, err = l.root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		}
		if err == nil {
			break
		}
		if try == 0 && errors.Is(err, os.ErrNotExist) { // the folder, or one above it, was removed since
			l.forget()
			continue
		}
		return "", nil, translate(err)
	}
	_ = lock(f) // a file system without locks has the age alone to go by
	l.sweep(dir)
	_, err = io.Copy(f, contextReader{ctx, r})
	if err == nil {
		err = l.sync(f)
	}
	if err == nil {
		info, err = f.Stat()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		l.root.Remove(tmp)
		return "", nil, translate(err)
	}
	return tmp, info, nil
}

// makeDurable creates dir and its parents, and flushes each into its parent. A folder that is there may have been made a
// moment ago by somebody who has not flushed it yet, so the first use of any folder flushes.
func (l *Local) makeDurable(dir string) error {
	l.mu.Lock()
	_, ok := l.durable[dir]
	l.mu.Unlock()
	if ok {
		return nil
	}
	up := parent(dir)
	if err := l.makeDurable(up); err != nil {
		return err
	}
	if err := l.root.Mkdir(dir, 0o777); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	if err := l.flush(up); err != nil {
		return err
	}
	l.sweep(up)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.durable) >= maxDurable {
		clear(l.durable)
		l.durable[""] = struct{}{}
	}
	l.durable[dir] = struct{}{}
	return nil
}

func (l *Local) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.durable)
	l.durable[""] = struct{}{}
}

// flush makes the names in a folder durable.
func (l *Local) flush(dir string) error {
	if dir == "" {
		dir = "."
	}
	f, err := l.root.Open(dir)
	if err != nil {
		return err
	}
	err = l.sync(f)
	if errors.Is(err, syscall.EINVAL) { // some network file systems flush no folders, as they keep none in memory
		err = nil
	}
	return errors.Join(err, f.Close())
}

func parent(key string) string {
	return key[:max(0, strings.LastIndexByte(key, '/'))]
}

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// contextReader ends with the context's error once it is done.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
