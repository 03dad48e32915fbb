package dv_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/dv"
	"github.com/featuresql/featuresql/datasource/objstore"
)

// TestInlineExample reads example 3 of the protocol, which is in the older format, and the same set in the one of today.
func TestInlineExample(t *testing.T) {
	old := &action.DeletionVectorDescriptor{StorageType: "i", PathOrInlineDV: "wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L", SizeInBytes: 40, Cardinality: 6}
	d := &action.DeletionVectorDescriptor{StorageType: "i", PathOrInlineDV: "^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L", SizeInBytes: 44, Cardinality: 6}
	var b *dv.Bitmap
	for _, one := range []*action.DeletionVectorDescriptor{old, d} {
		var err error
		if b, err = dv.Load(t.Context(), nil, one); err != nil {
			t.Fatal(err)
		}
		if got, want := slices.Collect(b.Rows()), []int64{3, 4, 7, 11, 18, 29}; !slices.Equal(got, want) {
			t.Fatalf("rows %v, want %v", got, want)
		}
	}
	data, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if got := dv.EncodeZ85(data); got != d.PathOrInlineDV {
		t.Errorf("encoded again: %q", got)
	}
	d.Cardinality = 5
	var corrupt *action.CorruptionError
	if _, err := dv.Load(t.Context(), nil, d); !errors.As(err, &corrupt) {
		t.Errorf("wrong cardinality: %v", err)
	}
}

// TestFileKeyExample is example 1 of the protocol.
func TestFileKeyExample(t *testing.T) {
	key, err := dv.FileKey("ab^-aqEH.-t@S}K{vb[*k^")
	if err != nil || key != "ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin" {
		t.Fatalf("%q, %v", key, err)
	}
	id := uuid.MustParse("d2c639aa-8816-431a-aaf6-d3fe2512ff61")
	if got := dv.EncodeZ85(id[:]); got != "^-aqEH.-t@S}K{vb[*k^" {
		t.Errorf("encoded %q", got)
	}
}

func newStore(t *testing.T) (objstore.Store, string) {
	t.Helper()
	dir := t.TempDir()
	s, err := objstore.NewLocal(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, dir
}

func TestFileRoundTrip(t *testing.T) {
	store, dir := newStore(t)
	sets := [][]uint64{{0}, {1, 2, 3, 1 << 20}, {}, {5, 1 << 33}}
	for i := range 10_000 {
		sets[2] = append(sets[2], uint64(i))
	}
	w := dv.NewWriter(store)
	for _, s := range sets {
		w.Add(roaring64.BitmapOf(s...))
	}
	descs, err := w.Close(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range descs {
		b, err := dv.Load(t.Context(), store, d)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(b.Roaring().ToArray(), sets[i]) {
			t.Errorf("vector %d differs", i)
		}
		byPath := *d
		key, _ := dv.FileKey(d.PathOrInlineDV)
		byPath.StorageType, byPath.PathOrInlineDV = "p", "file:"+filepath.ToSlash(dir)+"/"+key
		if _, err := dv.Load(t.Context(), store, &byPath); err != nil {
			t.Errorf("by path: %v", err)
		}
	}
	damage(t, store, dir, descs[1])
}

// damage checks that every changed byte of a stored vector is found.
func damage(t *testing.T, store objstore.Store, dir string, d *action.DeletionVectorDescriptor) {
	t.Helper()
	key, _ := dv.FileKey(d.PathOrInlineDV)
	path := filepath.Join(dir, key)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range int(d.SizeInBytes) + 8 {
		bad := slices.Clone(data)
		bad[int(*d.Offset)+i] ^= 0x41
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		var corrupt *action.CorruptionError
		if _, err := dv.Load(context.Background(), store, d); !errors.As(err, &corrupt) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
	if err := os.WriteFile(path, data[:int(*d.Offset)+9], 0o600); err != nil {
		t.Fatal(err)
	}
	var corrupt *action.CorruptionError
	if _, err := dv.Load(context.Background(), store, d); !errors.As(err, &corrupt) {
		t.Fatalf("cut short: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := dv.Load(context.Background(), store, d); !errors.Is(err, objstore.ErrNotFound) {
		t.Fatalf("missing: %v", err)
	}
}

func TestBits(t *testing.T) {
	b := dv.NewBitmap(0, 3, 64)
	bits, err := b.Bits(65)
	if err != nil || bits.Count(65) != 3 || !bits.Get(64) || bits.Get(1) {
		t.Fatalf("%b, %v", bits, err)
	}
	if _, err := b.Bits(64); err == nil {
		t.Error("a deleted row behind the end is no error")
	}
	if !b.Contains(3) || b.Contains(-1) || b.Contains(4) {
		t.Error("Contains")
	}
}

func TestRoundTripProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfDistinct(rapid.OneOf(rapid.Uint64Max(300), rapid.Uint64Max(1<<40)), func(x uint64) uint64 { return x }).Draw(t, "rows")
		slices.Sort(rows)
		data, err := dv.NewBitmap(rows...).Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := dv.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(back.Roaring().ToArray(), rows) {
			t.Fatalf("got %v, want %v", back.Roaring().ToArray(), rows)
		}
		z, err := dv.DecodeZ85(dv.EncodeZ85(data))
		if err != nil || !slices.Equal(z[:len(data)], data) {
			t.Fatalf("Z85: %v", err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, rows := range [][]uint64{nil, {1}, {1, 2, 3, 4, 5, 1 << 17, 1 << 35}} {
		data, err := dv.NewBitmap(rows...).Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := dv.Decode(data)
		if err != nil {
			return
		}
		n := int64(0)
		last := int64(-1)
		for row := range b.Rows() {
			if row <= last {
				t.Fatalf("row %d after %d", row, last)
			}
			last = row
			if n++; n > 1<<20 {
				return
			}
		}
		if n != b.Count() {
			t.Fatalf("%d rows, count %d", n, b.Count())
		}
	})
}
