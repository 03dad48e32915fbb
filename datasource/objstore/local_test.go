package objstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/datasource/objstore/storetest"
)

func newLocal(t *testing.T, dir string) *objstore.Local {
	t.Helper()
	s, err := objstore.NewLocal(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestLocal(t *testing.T) {
	storetest.Run(t, func(t *testing.T) objstore.Store { return newLocal(t, t.TempDir()) })
}

func TestSub(t *testing.T) {
	storetest.Run(t, func(t *testing.T) objstore.Store {
		return objstore.Sub(objstore.Sub(newLocal(t, t.TempDir()), "db name/"), "table")
	})
}

// bare hides that a store has folders, as an object store has none.
type bare struct{ objstore.Store }

func TestWithoutFolders(t *testing.T) {
	storetest.Run(t, func(t *testing.T) objstore.Store { return bare{newLocal(t, t.TempDir())} })
}

func TestSubStaysInside(t *testing.T) {
	ctx := context.Background()
	s := newLocal(t, t.TempDir())
	if err := s.PutIfAbsent(ctx, "secret", []byte("s")); err != nil {
		t.Fatal(err)
	}
	if got, want := objstore.Sub(s, "a b/c").URL(), s.URL()+"/a%20b/c"; got != want {
		t.Errorf("URL %q, want %q", got, want)
	}
	for _, prefix := range []string{"..", "a/..", "/", "a//b"} {
		sub := objstore.Sub(s, prefix)
		if _, err := sub.Get(ctx, "secret", 10); err == nil && prefix != "/" {
			t.Errorf("below %q the outer object is readable", prefix)
		}
		if err := sub.PutIfAbsent(ctx, "x/new", nil); prefix != "/" && !errors.Is(err, objstore.ErrInvalidKey) {
			t.Errorf("below %q: %v", prefix, err)
		}
	}
}

func TestNewLocalMissing(t *testing.T) {
	if _, err := objstore.NewLocal(filepath.Join(t.TempDir(), "none")); !errors.Is(err, objstore.ErrNotFound) {
		t.Errorf("error %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := objstore.NewLocal(file); err == nil {
		t.Error("a file was opened as a store")
	}
}

func TestSymlinks(t *testing.T) {
	ctx := context.Background()
	outside, dir := t.TempDir(), t.TempDir()
	write(t, filepath.Join(outside, "secret"), "s")
	write(t, filepath.Join(dir, "in", "object"), "o")
	for link, to := range map[string]string{
		"abs": outside, "rel": filepath.Join("..", filepath.Base(outside)), "file": filepath.Join(outside, "secret"),
		"to-in": "in", "to-object": "in/object", "loop": ".", "dangling": "none",
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	s := newLocal(t, dir)
	for _, key := range []string{"abs/secret", "rel/secret", "file"} {
		if data, err := s.Get(ctx, key, 10); err == nil {
			t.Errorf("get %s = %q", key, data)
		}
		if err := s.PutIfAbsent(ctx, key+"x/new", nil); err == nil && key != "file" {
			t.Errorf("put below %s succeeded", key)
		}
		if _, err := s.Head(ctx, key); err == nil {
			t.Errorf("head %s succeeded", key)
		}
	}
	for _, key := range []string{"to-in/object", "to-object", "loop/in/object"} {
		if data, err := s.Get(ctx, key, 10); err != nil || string(data) != "o" {
			t.Errorf("get %s = %q, %v", key, data, err)
		}
	}
	if err := s.Delete(ctx, "rel/secret"); err == nil {
		t.Error("deleted through a link that leads outside")
	}
	if _, err := os.Stat(filepath.Join(outside, "secret")); err != nil {
		t.Error(err)
	}
	entries, _ := os.ReadDir(outside)
	if len(entries) != 1 {
		t.Errorf("outside now holds %v", entries)
	}
	if got := keysOf(t, s, "to-in/"); !slices.Equal(got, []string{"to-in/object"}) {
		t.Errorf("list through a link = %q", got)
	}
	if err := os.Remove(filepath.Join(dir, "file")); err != nil {
		t.Fatal(err)
	}
	if got := keysOf(t, s, "i"); !slices.Equal(got, []string{"in/object"}) {
		t.Errorf("list = %q", got)
	}
}

func write(t *testing.T, path, data string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

func keysOf(t *testing.T, s objstore.Store, prefix string) []string {
	t.Helper()
	var keys []string
	for o, err := range s.List(context.Background(), prefix, "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, o.Key)
	}
	return keys
}

// TestNoLeftovers looks at the folder itself: no temporary file outlives a call, and one of a dead process does not show.
func TestNoLeftovers(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s := newLocal(t, dir)
	for range 3 {
		if _, err := s.Put(ctx, "d/a", strings.NewReader("1")); err != nil {
			t.Fatal(err)
		}
		err := s.PutIfAbsent(ctx, "d/b", nil)
		if err != nil && !errors.Is(err, objstore.ErrAlreadyExists) {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "d", "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(ctx, "d/folder", strings.NewReader("1")); err == nil {
		t.Error("put replaced a folder")
	}
	if err := s.PutIfAbsent(ctx, "d/folder", nil); !errors.Is(err, objstore.ErrAlreadyExists) {
		t.Errorf("put over a folder: %v", err)
	}
	entries, err := os.ReadDir(filepath.Join(dir, "d"))
	if err != nil || len(entries) != 3 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
	write(t, filepath.Join(dir, "d", ".featuresql-tmp-dead"), "half")
	if got := keysOf(t, s, ""); !slices.Equal(got, []string{"d/a", "d/b"}) {
		t.Errorf("list = %q", got)
	}
}

// TestFolderVanishes removes folders that the store has already used.
func TestFolderVanishes(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s := newLocal(t, dir)
	for range 2 {
		if err := s.PutIfAbsent(ctx, "a/b/c", nil); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(dir, "a")); err != nil {
			t.Fatal(err)
		}
	}
	if err := objstore.MakeFolder(ctx, objstore.Sub(s, "db"), "t/"); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "db")); err != nil {
		t.Fatal(err)
	}
	if err := objstore.MakeFolder(ctx, s, "db"); err != nil {
		t.Fatal(err)
	}
	if names, err := objstore.Folders(ctx, s, ""); err != nil || !slices.Equal(names, []string{"db"}) {
		t.Errorf("folders = %q, %v", names, err)
	}
	if err := s.PutIfAbsent(ctx, "db/t/x/y", nil); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "db", "t", "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := objstore.RemoveFolder(ctx, s, "db/t"); err != nil {
		t.Fatal(err)
	}
	if names, err := objstore.Folders(ctx, s, "db/t"); err != nil || !slices.Equal(names, []string{"x"}) {
		t.Errorf("after removal with an object: %q, %v", names, err)
	}
	if err := errors.Join(s.Delete(ctx, "db/t/x/y"), objstore.RemoveFolder(ctx, s, "db/t")); err != nil {
		t.Fatal(err)
	}
	if names, err := objstore.Folders(ctx, s, "db"); err != nil || len(names) != 0 {
		t.Errorf("after removal: %q, %v", names, err)
	}
}

// TestListTail lists the tail of a log in which every earlier name is a link that leads outside: such links are no objects.
func TestListTail(t *testing.T) {
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "x")
	write(t, outside, "")
	const n = 5000 // more than one read of the folder yields
	commit := func(i int) string { return fmt.Sprintf("_delta_log/%020d.json", i) }
	for i := range n {
		path := filepath.Join(dir, commit(i))
		if i >= n-3 {
			write(t, path, "")
			continue
		}
		if i == 0 {
			write(t, filepath.Join(dir, "_delta_log", "_last_checkpoint"), "")
		}
		if err := os.Symlink(outside, path); err != nil {
			t.Fatal(err)
		}
	}
	s := newLocal(t, dir)
	var got []string
	for o, err := range s.List(context.Background(), "_delta_log/", commit(n-4)) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, o.Key)
	}
	if want := []string{commit(n - 3), commit(n - 2), commit(n - 1), "_delta_log/_last_checkpoint"}; !slices.Equal(got, want) {
		t.Errorf("tail is %q", got)
	}
	for o, err := range s.List(context.Background(), "_delta_log/", commit(n-5)) {
		if err != nil || o.Key != commit(n-3) {
			t.Errorf("behind a link that leads outside: %q, %v", o.Key, err)
		}
		break
	}
}

// TestDeleteThroughLink keeps what lies behind a link to another folder of the store.
func TestDeleteThroughLink(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a", "x"), "kept")
	if err := os.Symlink("a", filepath.Join(dir, "rel")); err != nil {
		t.Fatal(err)
	}
	s := newLocal(t, dir)
	if err := s.Delete(context.Background(), "rel/x"); !errors.Is(err, objstore.ErrLinkedFolder) {
		t.Errorf("delete through a link: %v", err)
	}
	if _, err := s.Head(context.Background(), "a/x"); err != nil {
		t.Error(err)
	}
	if err := s.Delete(context.Background(), "a/x"); err != nil {
		t.Error(err)
	}
}

// TestPutBeside: a put that is bound to another object does not get into a folder that was made anew.
func TestPutBeside(t *testing.T) {
	dir := t.TempDir()
	s := objstore.Sub(newLocal(t, dir), "db")
	put := func(key string, beside objstore.Object) error {
		return objstore.PutIfAbsentBeside(t.Context(), s, key, []byte("x"), beside)
	}
	if err := put("t/log/0", objstore.Object{}); err != nil {
		t.Fatal(err)
	}
	first, err := s.Head(t.Context(), "t/log/0")
	if err != nil {
		t.Fatal(err)
	}
	if err := put("t/log/1", first); err != nil {
		t.Error(err)
	}
	if err := put("t/log/1", first); !errors.Is(err, objstore.ErrAlreadyExists) {
		t.Errorf("a second one: %v", err)
	}
	if err := objstore.DropFolder(t.Context(), s, "t"); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the folder is gone, then made anew
		if err := put("t/log/2", first); !errors.Is(err, objstore.ErrReplaced) || !errors.Is(err, objstore.ErrNotStored) {
			t.Errorf("after the folder was dropped: %v", err)
		}
		if err := s.PutIfAbsent(t.Context(), "t/log/0", []byte("other")); err != nil && !errors.Is(err, objstore.ErrAlreadyExists) {
			t.Fatal(err)
		}
	}
	if got := keysOf(t, s, ""); !slices.Equal(got, []string{"t/log/0"}) {
		t.Errorf("the store holds %q", got)
	}
}

// TestPutBesideOfAnotherFolder: the folder that counts is the innermost one that holds both objects.
func TestPutBesideOfAnotherFolder(t *testing.T) {
	s := newLocal(t, t.TempDir())
	put := func(key string, beside objstore.Object) error {
		return objstore.PutIfAbsentBeside(t.Context(), s, key, []byte("x"), beside)
	}
	for _, key := range []string{"t/p=1/a", "u/a"} {
		if err := put(key, objstore.Object{}); err != nil {
			t.Fatal(err)
		}
	}
	file, err := s.Head(t.Context(), "t/p=1/a")
	if err != nil {
		t.Fatal(err)
	}
	if err := put("t/log/0", file); err != nil {
		t.Error(err)
	}
	if err := put("u/log/0", file); err != nil { // in the root
		t.Error(err)
	}
	if err := objstore.DropFolder(t.Context(), s, "t"); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"t/log/1", "u/log/1"} {
		if err := put(key, file); !errors.Is(err, objstore.ErrReplaced) || !errors.Is(err, objstore.ErrNotStored) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

// TestPutAfterDropElsewhere: a folder that this process has seen, and another one removed, is made again with all above it.
func TestPutAfterDropElsewhere(t *testing.T) {
	dir := t.TempDir()
	s := newLocal(t, dir)
	if err := s.PutIfAbsent(t.Context(), "t/a", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := objstore.DropFolder(t.Context(), newLocal(t, dir), "t"); err != nil {
		t.Fatal(err)
	}
	if err := s.PutIfAbsent(t.Context(), "t/log/0", []byte("x")); err != nil {
		t.Error(err)
	}
}
