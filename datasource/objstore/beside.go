package objstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// BesideStore is a Store with PutIfAbsentBeside, the function of this package of that name.
type BesideStore interface {
	Store
	PutIfAbsentBeside(ctx context.Context, key string, data []byte, beside Object) error
}

// PutIfAbsentBeside is PutIfAbsent into the very folder in which the object beside, of the same folder as key, still is what it was when it was
// listed. If it is not, as the folder was dropped and maybe made anew, that is ErrReplaced and ErrNotStored. A folder that is dropped meanwhile
// takes what was put with it. Where the driver has no folders this is PutIfAbsent, and the caller has to look before and after.
func PutIfAbsentBeside(ctx context.Context, s Store, key string, data []byte, beside Object) error {
	if b, ok := s.(BesideStore); ok && beside.Key != "" {
		return b.PutIfAbsentBeside(ctx, key, data, beside)
	}
	return s.PutIfAbsent(ctx, key, data)
}

// PutIfAbsentBeside implements BesideStore: the open folder is the same whatever its name leads to later.
func (l *Local) PutIfAbsentBeside(ctx context.Context, key string, data []byte, beside Object) error {
	if err := errors.Join(CheckKey(key), CheckKey(beside.Key)); err != nil {
		return notStored(key, err)
	}
	dir := parent(key)
	if dir == "" || dir != parent(beside.Key) {
		return notStored(key, fmt.Errorf("%w: not in the folder of %q", ErrInvalidKey, beside.Key))
	}
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
	err = folder.PutIfAbsent(ctx, key[len(dir)+1:], data)
	if errors.Is(err, os.ErrNotExist) { // the folder was removed since it was opened
		return notStored(key, fmt.Errorf("%w: %w", ErrReplaced, err))
	}
	return err
}
