package exec

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func newTestSpill(t *testing.T, blocks ...[]byte) *spillFile {
	t.Helper()
	q := &Query{TempDir: t.TempDir(), Memory: NewBudget(0, NewBudget(0, nil))}
	f, err := q.newSpillFile()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.close)
	for _, b := range blocks {
		if _, err := f.append(b); err != nil {
			t.Fatal(err)
		}
	}
	if n := q.Memory.parent.SpilledBytes(); n != f.size {
		t.Fatalf("%d bytes counted of %d", n, f.size)
	}
	return f
}

func readSpill(f *spillFile) (blocks [][]byte, err error) {
	r := f.reader(0, f.size)
	for {
		b, err := r.next()
		if errors.Is(err, io.EOF) {
			return blocks, nil
		}
		if err != nil {
			return blocks, err
		}
		blocks = append(blocks, bytes.Clone(b))
	}
}

func TestSpillFileRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 100_000)
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
	}
	want := [][]byte{noise, {}, bytes.Repeat([]byte("0123456789"), 50_000), {7}, make([]byte, 1<<22)}
	f := newTestSpill(t, want...)
	got, err := readSpill(f)
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d blocks, %v", len(got), err)
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("block %d differs", i)
		}
	}
	if f.size > 110_000 {
		t.Errorf("%d bytes: not compressed", f.size)
	}
}

// Whatever bit of a file flips, and wherever it is cut short, reading says so.
func TestDamagedSpillFile(t *testing.T) {
	f := newTestSpill(t, []byte("the first block of rows"), bytes.Repeat([]byte("row "), 50))
	for at := range f.size {
		for _, bit := range []byte{1, 128} {
			flip := func() {
				var b [1]byte
				if _, err := f.file.ReadAt(b[:], at); err != nil {
					t.Fatal(err)
				}
				b[0] ^= bit
				if _, err := f.file.WriteAt(b[:], at); err != nil {
					t.Fatal(err)
				}
			}
			flip()
			_, err := readSpill(f)
			checkDamaged(t, f, err)
			flip()
		}
	}
	for size := f.size - 1; size >= 0; size-- {
		if err := f.file.Truncate(size); err != nil {
			t.Fatal(err)
		}
		_, err := readSpill(f)
		checkDamaged(t, f, err)
	}
}

func checkDamaged(t *testing.T, f *spillFile, err error) {
	t.Helper()
	var spill *SpillError
	if !errors.As(err, &spill) || spill.DirFull || !strings.Contains(err.Error(), f.file.Name()) {
		t.Fatalf("damage was not told: %v", err)
	}
}

func TestSpillErrors(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "gone")
	_, err := (&Query{TempDir: gone}).newSpillFile()
	var spill *SpillError
	if !errors.As(err, &spill) || spill.DirFull || !strings.Contains(err.Error(), gone) {
		t.Errorf("a folder that does not exist: %v", err)
	}
	err = spillError("/data/spill/featuresql-spill-1", &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC})
	if !errors.As(err, &spill) || !spill.DirFull || !strings.Contains(err.Error(), "no space is left in /data/spill ") {
		t.Errorf("a full folder: %v", err)
	}
}
