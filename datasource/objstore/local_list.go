package objstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strings"
)

// List implements Store. A folder is read once; only what is yielded is looked at file by file. Links to
// files are followed, links to folders are not, except in the prefix itself.
func (l *Local) List(ctx context.Context, prefix, startAfter string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		dir, name, err := splitPrefix(prefix)
		if err == nil {
			w := walk{l: l, ctx: ctx, startAfter: startAfter, yield: yield}
			_, err = w.folder(dir, name)
		}
		if err != nil {
			yield(Object{}, fmt.Errorf("list %q: %w", prefix, err))
		}
	}
}

// walk is one listing.
type walk struct {
	l          *Local
	ctx        context.Context
	startAfter string
	yield      func(Object, error) bool
}

// folder yields what dir holds under names that begin with prefix, and says whether to go on.
func (w *walk) folder(dir, prefix string) (bool, error) {
	root, names, err := w.l.readFolder(w.ctx, dir, func(key string) bool {
		return strings.HasPrefix(key[len(dir)+min(len(dir), 1):], prefix) && !w.passed(key)
	})
	if err != nil {
		return false, err
	}
	if root == nil {
		return true, nil
	}
	defer root.Close()
	slices.Sort(names)
	for i, name := range names {
		if i%256 == 0 && w.ctx.Err() != nil {
			return false, w.ctx.Err()
		}
		var more bool
		if sub, ok := strings.CutSuffix(name, "/"); ok {
			more, err = w.folder(join(dir, sub), "")
		} else {
			more, err = w.file(root, join(dir, name), name)
		}
		if err != nil || !more {
			return false, err
		}
	}
	return true, nil
}

// passed says that key, and for a folder (with its slash) all below it, is not after startAfter.
func (w *walk) passed(key string) bool {
	return key <= w.startAfter && !(strings.HasSuffix(key, "/") && strings.HasPrefix(w.startAfter, key))
}

func (w *walk) file(root *os.Root, key, name string) (bool, error) {
	info, err := root.Lstat(name)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		info, err = w.l.root.Stat(key)
	}
	if err != nil {
		if errors.Is(translate(err), ErrNotFound) { // gone since the folder was read, or a link to nowhere
			return true, nil
		}
		return false, err
	}
	if !info.Mode().IsRegular() {
		return true, nil
	}
	return w.yield(object(key, info), nil), nil
}

// readFolder returns the names in dir that keep wants, unordered, folders with a slash behind, and dir itself, opened. All is
// nil if dir is not there. keep is given the whole key, for a folder with its slash.
func (l *Local) readFolder(ctx context.Context, dir string, keep func(key string) bool) (*os.Root, []string, error) {
	at := dir
	if at == "" {
		at = "."
	}
	root, err := l.root.OpenRoot(at)
	if err != nil {
		info, statErr := l.root.Stat(at)
		if errors.Is(translate(statErr), ErrNotFound) || statErr == nil && !info.IsDir() { // OpenRoot has no error for an object
			return nil, nil, nil
		}
		return nil, nil, err
	}
	names, err := readNames(ctx, root, dir, keep)
	if err != nil {
		root.Close()
		if errors.Is(translate(err), ErrNotFound) {
			return nil, nil, nil
		}
		return nil, nil, err
	}
	return root, names, nil
}

func readNames(ctx context.Context, root *os.Root, dir string, keep func(string) bool) ([]string, error) {
	f, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var names []string
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		entries, err := f.ReadDir(4096)
		for _, e := range entries {
			name := e.Name()
			if strings.HasPrefix(name, reservedPrefix) {
				continue
			}
			if e.IsDir() {
				name += "/"
			}
			if keep(join(dir, name)) {
				names = append(names, name)
			}
		}
		if err == io.EOF {
			return names, nil
		}
		if err != nil {
			return nil, err
		}
	}
}
