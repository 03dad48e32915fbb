package objstore

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestSweep: the first write to a folder removes temporary files that are old and that nobody is writing.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-2 * staleAfter)
	put := func(name string, at time.Time) string {
		path := filepath.Join(dir, "d", name)
		if err := os.WriteFile(path, []byte("x"), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o777); err != nil {
		t.Fatal(err)
	}
	dead, fresh, other := put(reservedPrefix+"dead", old), put(reservedPrefix+"fresh", time.Now()), put("data.parquet", old)

	// Another process has a put under way, whose file is old.
	writer, err := NewLocal(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	r, w := io.Pipe()
	stored := make(chan error, 1)
	go func() {
		_, err := writer.Put(t.Context(), "d/slow", r)
		stored <- err
	}()
	if _, err := w.Write([]byte("half")); err != nil { // the file is there once something was taken
		t.Fatal(err)
	}
	if _, err := os.Stat(dead); err == nil {
		t.Error("the first write of a process leaves an old temporary file")
	}
	live, err := filepath.Glob(filepath.Join(dir, "d", reservedPrefix+"*"))
	if err != nil || len(live) != 2 {
		t.Fatalf("temporary files %v, %v", live, err)
	}
	for _, path := range live {
		if path != fresh {
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	dead = put(reservedPrefix+"dead", old)
	mine, err := NewLocal(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close()
	if _, err := mine.Put(t.Context(), "d/quick", bytes.NewReader([]byte("y"))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-stored; err != nil {
		t.Errorf("the put that was under way: %v", err)
	}
	if _, err := os.Stat(dead); err == nil {
		t.Error("an old temporary file is left")
	}
	for _, path := range []string{fresh, other} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

// TestSweepAgain: a process that runs for long removes what others left after its first write.
func TestSweepAgain(t *testing.T) {
	dir := t.TempDir()
	l, err := NewLocal(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dead, old := filepath.Join(dir, "d", reservedPrefix+"dead"), time.Now().Add(-2*staleAfter)
	for _, since := range []time.Duration{0, staleAfter / 2, staleAfter + time.Minute} {
		if _, swept := l.swept["d"]; swept {
			l.swept["d"] = time.Now().Add(-since)
		}
		if _, err := l.Put(t.Context(), "d/k", bytes.NewReader(nil)); err != nil {
			t.Fatal(err)
		}
		_, err := os.Stat(dead)
		if gone := os.IsNotExist(err); gone != (since == 0 || since > staleAfter) {
			t.Errorf("%v after the folder was swept: an old file is gone: %t", since, gone)
		}
		if err := os.WriteFile(dead, nil, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(dead, old, old); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDropFolder: a folder is gone at once, a link to one is refused, and a folder that a crash left half dropped is removed by the next writer.
func TestDropFolder(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	l, err := NewLocal(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, key := range []string{"db/t/_delta_log/0", "db/t/f", "db/u/f", "db/" + reservedPrefix + "dead/f"} {
		path := filepath.Join(dir, key)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(elsewhere, "f"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(dir, "db", "linked")); err != nil {
		t.Fatal(err)
	}
	sub := Sub(l, "db")
	for folder, want := range map[string]error{"t": nil, "nothing": nil, "linked": ErrLinkedFolder} {
		if err := DropFolder(t.Context(), sub, folder); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", folder, err, want)
		}
	}
	if _, err := os.Stat(filepath.Join(elsewhere, "f")); err != nil {
		t.Error(err)
	}
	if err := MoveFolder(t.Context(), sub, "u", "linked"); err == nil {
		t.Error("a folder replaces a link")
	}
	if err := MoveFolder(t.Context(), sub, "u", "deeper/v"); err != nil {
		t.Error(err)
	}
	if err := sub.PutIfAbsent(t.Context(), "new/k", nil); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Join(dir, "db"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if !slices.Equal(names, []string{"deeper", "linked", "new"}) {
		t.Errorf("the folder holds %v", names)
	}
}
