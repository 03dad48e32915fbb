package objstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// BesideStore is a Store with the functions of this package of these names.
type BesideStore interface {
	Store
	PutBeside(ctx context.Context, key string, r io.Reader, beside Object) (Object, error)
	PutIfAbsentBeside(ctx context.Context, key string, data []byte, beside Object) error
}

// PutBeside is Put into the very folder in which the object beside still is what it was when it was listed: the innermost one that holds both. If it is not, as the
// folder was dropped and maybe made anew, that is ErrReplaced and ErrNotStored. A folder that is dropped meanwhile takes what was put with it.
// Where the driver has no folders, or beside has no key, this is Put.
func PutBeside(ctx context.Context, s Store, key string, r io.Reader, beside Object) (Object, error) {
	if b, ok := s.(BesideStore); ok && beside.Key != "" {
		return b.PutBeside(ctx, key, r, beside)
	}
	return s.Put(ctx, key, r)
}

// PutIfAbsentBeside is to PutIfAbsent what PutBeside is to Put. Where the driver has no folders the caller has to look before and after.
func PutIfAbsentBeside(ctx context.Context, s Store, key string, data []byte, beside Object) error {
	if b, ok := s.(BesideStore); ok && beside.Key != "" {
		return b.PutIfAbsentBeside(ctx, key, data, beside)
	}
	return s.PutIfAbsent(ctx, key, data)
}

// PutBeside implements BesideStore.
func (l *Local) PutBeside(ctx context.Context, key string, r io.Reader, beside Object) (o Object, err error) {
	err = l.inFolderOf(key, beside, func(folder *Local, name string) error {
		o, err = folder.Put(ctx, name, r)
		return err
	})
	o.Key = key
	return o, err
}

// PutIfAbsentBeside implements BesideStore.
func (l *Local) PutIfAbsentBeside(ctx context.Context, key string, data []byte, beside Object) error {
	return l.inFolderOf(key, beside, func(folder *Local, name string) error { return folder.PutIfAbsent(ctx, name, data) })
}

// inFolderOf calls f with the folder of beside, open, so that it is the same whatever its name leads to later, and with key's name in it.
func (l *Local) inFolderOf(key string, beside Object, f func(folder *Local, name string) error) error {
	if err := errors.Join(CheckKey(key), CheckKey(beside.Key)); err != nil {
		return notStored(key, err)
	}
	dir := parent(beside.Key)
	for dir != "" && !strings.HasPrefix(key, dir+"/") {
		dir = parent(dir)
	}
	if dir == "" { // the root, which nobody drops
		if o, err := l.stat(beside.Key); err != nil || !o.Same(beside) {
			return notStored(key, errors.Join(ErrReplaced, err))
		}
		return f(l, key)
	}
	name := key[len(dir)+1:]
	root, err := l.root.OpenRoot(dir)
	if errors.Is(translate(err), ErrNotFound) {
		return notStored(key, ErrReplaced)
	}
	if err != nil {
		return notStored(key, translate(err))
	}
	defer root.Close()
	switch info, err := root.Stat(beside.Key[len(dir)+1:]); {
	case errors.Is(translate(err), ErrNotFound):
		return notStored(key, ErrReplaced)
	case err != nil:
		return notStored(key, translate(err))
	case !object(beside.Key, info).Same(beside):
		return notStored(key, ErrReplaced)
	}
	if err := l.makeDurable(dir); err != nil {
		return notStored(key, translate(err))
	}
	l.sweep(dir)
	folder := &Local{root: root, url: l.url, sync: l.sync, durable: map[string]struct{}{"": {}}, swept: map[string]time.Time{"": time.Now()}}
	err = f(folder, name)
	if errors.Is(err, os.ErrNotExist) { // the folder was removed since it was opened
		return notStored(key, fmt.Errorf("%w: %w", ErrReplaced, err))
	}
	return err
}
