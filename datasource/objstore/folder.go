package objstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// FolderStore is a Store with real folders. Its methods are those functions of this package that carry their names, the
// prefix without a slash behind it.
type FolderStore interface {
	Store
	Folders(ctx context.Context, prefix string) ([]string, error)
	MakeFolder(ctx context.Context, prefix string) error
	RemoveFolder(ctx context.Context, prefix string) error
	MoveFolder(ctx context.Context, from, to string) error
	DropFolder(ctx context.Context, prefix string) error
}

// Folders returns the names of the folders right below prefix ("" is the root, else with or without a slash
// behind it), ordered by bytes. Where the driver has real folders an empty one counts, too.
func Folders(ctx context.Context, s Store, prefix string) ([]string, error) {
	prefix = strings.TrimSuffix(prefix, "/")
	if f, ok := s.(FolderStore); ok {
		return f.Folders(ctx, prefix)
	}
	if prefix != "" {
		prefix += "/"
	}
	var names []string
	for after := ""; ; {
		name, next := "", ""
		for o, err := range s.List(ctx, prefix, after) {
			if err != nil {
				return nil, err
			}
			if i := strings.IndexByte(o.Key[len(prefix):], '/'); i >= 0 {
				name = o.Key[len(prefix) : len(prefix)+i]
				next = prefix + name + "0" // past every key of the folder: "0" follows "/"; only an object of just this name is missed
				break
			}
		}
		if next == "" {
			return names, nil
		}
		names, after = append(names, name), next
	}
}

// MakeFolder creates an empty folder where the driver has real ones; elsewhere it does nothing.
func MakeFolder(ctx context.Context, s Store, prefix string) error {
	if f, ok := s.(FolderStore); ok {
		return f.MakeFolder(ctx, strings.TrimSuffix(prefix, "/"))
	}
	return nil
}

// RemoveFolder removes prefix and the folders below it as far as they are empty; what still holds an
// object stays, without an error.
func RemoveFolder(ctx context.Context, s Store, prefix string) error {
	if f, ok := s.(FolderStore); ok {
		return f.RemoveFolder(ctx, strings.TrimSuffix(prefix, "/"))
	}
	return nil
}

// MoveFolder gives a folder another name, at once and with all that it holds. errors.ErrUnsupported where the driver has no real folders.
func MoveFolder(ctx context.Context, s Store, from, to string) error {
	if f, ok := s.(FolderStore); ok {
		return f.MoveFolder(ctx, strings.TrimSuffix(from, "/"), strings.TrimSuffix(to, "/"))
	}
	return fmt.Errorf("move folder %q: %w", from, errors.ErrUnsupported)
}

// DropFolder removes a folder with all that it holds, so that nobody, also after a crash, sees a part of it. errors.ErrUnsupported where the
// driver has no real folders.
func DropFolder(ctx context.Context, s Store, prefix string) error {
	if f, ok := s.(FolderStore); ok {
		return f.DropFolder(ctx, strings.TrimSuffix(prefix, "/"))
	}
	return fmt.Errorf("drop folder %q: %w", prefix, errors.ErrUnsupported)
}

// Folders implements FolderStore.
func (l *Local) Folders(ctx context.Context, prefix string) ([]string, error) {
	if prefix != "" {
		if err := CheckKey(prefix); err != nil {
			return nil, err
		}
	}
	root, all, err := l.readFolder(ctx, prefix, func(string) bool { return true })
	if err != nil {
		return nil, fmt.Errorf("list folders of %q: %w", prefix, err)
	}
	if root == nil {
		return nil, nil
	}
	defer root.Close()
	var names []string
	for _, name := range all {
		info, err := root.Lstat(name)
		if err == nil && info.Mode()&fs.ModeSymlink != 0 {
			info, err = l.root.Stat(join(prefix, name)) // a link inside the root counts, one that leads out does not
		}
		if err == nil && info.IsDir() {
			names = append(names, name)
		}
	}
	return names, nil
}

// MakeFolder implements FolderStore.
func (l *Local) MakeFolder(ctx context.Context, prefix string) error {
	if err := errors.Join(ctx.Err(), CheckKey(prefix)); err != nil {
		return err
	}
	if err := l.makeDurable(prefix); err != nil {
		return fmt.Errorf("make folder %q: %w", prefix, translate(err))
	}
	info, err := l.root.Stat(prefix)
	if errors.Is(err, fs.ErrNotExist) { // removed since this process made it
		l.forget()
		err = l.makeDurable(prefix)
	} else if err == nil && !info.IsDir() {
		err = ErrAlreadyExists
	}
	if err != nil {
		return fmt.Errorf("make folder %q: %w", prefix, translate(err))
	}
	return nil
}

// RemoveFolder implements FolderStore.
func (l *Local) RemoveFolder(ctx context.Context, prefix string) error {
	if err := errors.Join(ctx.Err(), CheckKey(prefix)); err != nil {
		return err
	}
	root, names, err := l.readFolder(ctx, prefix, func(string) bool { return true })
	if err != nil || root == nil {
		return err
	}
	defer root.Close()
	for _, name := range names {
		if info, err := root.Lstat(name); err != nil || !info.IsDir() {
			continue
		}
		if err := l.RemoveFolder(ctx, join(prefix, name)); err != nil {
			return err
		}
	}
	l.forget()
	if l.root.Remove(prefix) != nil { // not empty, or a writer is at work in it
		return nil
	}
	if err := l.flush(parent(prefix)); err != nil {
		return fmt.Errorf("remove folder %q: %w", prefix, err)
	}
	return nil
}

// MoveFolder implements FolderStore. The new name is flushed before the old one, so that a power cut leaves one of them at least.
func (l *Local) MoveFolder(ctx context.Context, from, to string) error {
	if err := errors.Join(ctx.Err(), CheckKey(from), CheckKey(to)); err != nil {
		return err
	}
	err := l.makeDurable(parent(to))
	if err == nil {
		err = l.root.Rename(from, to)
	}
	l.forget()
	if err == nil {
		err = l.flush(parent(to))
	}
	if err == nil && parent(from) != parent(to) {
		err = l.flush(parent(from))
	}
	if err != nil {
		return fmt.Errorf("move folder %q to %q: %w", from, to, translate(err))
	}
	return nil
}

// DropFolder implements FolderStore. The folder gets a temporary name first; what a crash leaves of it is removed by a later writer (sweep).
func (l *Local) DropFolder(ctx context.Context, prefix string) error {
	if err := errors.Join(ctx.Err(), CheckKey(prefix)); err != nil {
		return err
	}
	link, err := l.linkAbove(prefix + "/")
	if link != "" {
		err = fmt.Errorf("%w: %s", ErrLinkedFolder, link)
	}
	tmp := temporary(parent(prefix))
	if err == nil {
		err = l.root.Rename(prefix, tmp)
	}
	if errors.Is(translate(err), ErrNotFound) {
		return nil
	}
	l.forget()
	if err == nil {
		err = l.flush(parent(prefix))
	}
	if err != nil {
		return fmt.Errorf("drop folder %q: %w", prefix, translate(err))
	}
	_ = l.root.RemoveAll(tmp) // what stays is swept later
	return nil
}
