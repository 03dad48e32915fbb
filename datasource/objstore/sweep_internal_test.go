package objstore

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
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
