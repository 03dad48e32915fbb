package objstore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// recordSyncs makes the store note what it flushes: names relative to its root, temporary files as "tmp".
func recordSyncs(t *testing.T, fail string) (*Local, *[]string) {
	l, err := NewLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var names []string
	l.sync = func(f *os.File) error {
		name, err := filepath.Rel(l.root.Name(), f.Name())
		if err != nil {
			return err
		}
		if i := strings.Index(name, reservedPrefix); i >= 0 {
			name = name[:i] + "tmp"
		}
		if names = append(names, name); name == fail {
			return errors.New("disk full")
		}
		return nil
	}
	return l, &names
}

func TestFlushes(t *testing.T) {
	ctx := context.Background()
	l, names := recordSyncs(t, "")
	for _, step := range []struct {
		do   func() error
		want []string
	}{
		{func() error { return l.PutIfAbsent(ctx, "a/b/k", nil) }, []string{".", "a", "a/b/tmp", "a/b"}},
		{func() error { return l.PutIfAbsent(ctx, "a/b/l", nil) }, []string{"a/b/tmp", "a/b"}},
		{func() error { _, err := l.Put(ctx, "a/c/k", strings.NewReader("")); return err }, []string{"a", "a/c/tmp", "a/c"}},
		{func() error { return l.Delete(ctx, "a/c/k") }, []string{"a/c"}},
		{func() error { return l.Delete(ctx, "a/c/k") }, nil},
		{func() error { _, err := l.Put(ctx, "k", strings.NewReader("")); return err }, []string{"tmp", "."}},
	} {
		*names = nil
		if err := step.do(); err != nil || !slices.Equal(*names, step.want) {
			t.Errorf("flushed %q, %v; want %q", *names, err, step.want)
		}
	}
}

// TestFlushFails: a flush that fails is an error, and where the file itself was not flushed nothing is visible.
func TestFlushFails(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		fail    string
		visible bool
	}{{".", false}, {"a/tmp", false}, {"a", true}} {
		for name, put := range map[string]func(*Local) error{
			"put":           func(l *Local) error { _, err := l.Put(ctx, "a/k", strings.NewReader("")); return err },
			"put if absent": func(l *Local) error { return l.PutIfAbsent(ctx, "a/k", nil) },
		} {
			l, _ := recordSyncs(t, c.fail)
			err := put(l)
			if err == nil || errors.Is(err, ErrAlreadyExists) || name == "put if absent" && errors.Is(err, ErrNotStored) == c.visible {
				t.Errorf("%s with failing flush of %s: %v", name, c.fail, err)
			}
			if _, err := l.Head(ctx, "a/k"); (err == nil) != c.visible {
				t.Errorf("%s with failing flush of %s: head %v", name, c.fail, err)
			}
		}
	}
}
