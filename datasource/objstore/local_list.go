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
//
// Names come without types, as finding those out costs a look at each. The names are taken in order; one that turns out to be a folder
// waits until its turn as name with a slash comes, since "a-b" and "a.b" sort before "a/b". Of waiting folders the last is the next.
func (w *walk) folder(dir, prefix string) (bool, error) {
	after, ok := strings.CutPrefix(w.startAfter, join(dir, ""))
	if !ok {
		if dir+"/" < w.startAfter {
			return true, nil
		}
		after = ""
	}
	root, names, err := w.l.readFolder(w.ctx, dir, func(name string) bool {
		return (name > after || strings.HasPrefix(after, name)) && strings.HasPrefix(name, prefix)
	})
	if root == nil || err != nil {
		return err == nil, err
	}
	defer root.Close()
	var waiting []string
	for i, name := range names {
		if i%256 == 0 && w.ctx.Err() != nil {
			return false, w.ctx.Err()
		}
		for n := len(waiting); n > 0 && waiting[n-1]+"/" < name; n-- {
			if more, err := w.folder(join(dir, waiting[n-1]), ""); !more || err != nil {
				return false, err
			}
			waiting = waiting[:n-1]
		}
		isFolder, more, err := w.file(root, join(dir, name), name)
		if !more || err != nil {
			return false, err
		}
		if isFolder {
			waiting = append(waiting, name)
		}
	}
	for _, name := range slices.Backward(waiting) {
		if more, err := w.folder(join(dir, name), ""); !more || err != nil {
			return false, err
		}
	}
	return true, nil
}

// file yields a file, and says whether it is a folder, and whether to go on.
func (w *walk) file(root *os.Root, key, name string) (isFolder, more bool, err error) {
	info, err := root.Lstat(name)
	if err == nil && info.IsDir() {
		return true, true, nil
	}
	if key <= w.startAfter {
		return false, true, nil
	}
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		info, err = w.l.root.Stat(key)
	}
	if errors.Is(translate(err), ErrNotFound) { // gone since the folder was read, or a link to nowhere
		return false, true, nil
	}
	if err != nil || !info.Mode().IsRegular() {
		return false, err == nil, err
	}
	return false, w.yield(object(key, info), nil), nil
}

// readFolder returns the names in dir that keep wants, ordered, and dir itself, opened; nil if there is no such folder.
func (l *Local) readFolder(ctx context.Context, dir string, keep func(name string) bool) (*os.Root, []string, error) {
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
		if errors.Is(translate(err), ErrNotFound) {
			return nil, nil, nil
		}
		return nil, nil, err
	}
	names, err := readNames(ctx, root, keep)
	if err != nil {
		root.Close()
		if errors.Is(translate(err), ErrNotFound) {
			return nil, nil, nil
		}
		return nil, nil, err
	}
	slices.Sort(names)
	return root, names, nil
}

func readNames(ctx context.Context, root *os.Root, keep func(name string) bool) ([]string, error) {
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
		some, err := f.Readdirnames(4096)
		for _, name := range some {
			if !strings.HasPrefix(name, reservedPrefix) && keep(name) {
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
