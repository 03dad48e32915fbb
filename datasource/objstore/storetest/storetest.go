package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/featuresql/featuresql/datasource/objstore"
)

// Run checks a driver; open returns a new, empty store.
func Run(t *testing.T, open func(t *testing.T) objstore.Store) {
	for name, test := range map[string]func(*testing.T, objstore.Store){
		"read":          read,
		"put":           put,
		"put if absent": putIfAbsent,
		"race":          race,
		"keys":          keys,
		"list":          list,
		"folders":       folders,
		"cancelled":     cancelled,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
	t.Run("list property", func(t *testing.T) { listProperty(t, open) })
}

func mustPut(t rapid.TB, s objstore.Store, key, data string) {
	t.Helper()
	if _, err := s.Put(context.Background(), key, strings.NewReader(data)); err != nil {
		t.Fatalf("put %q: %v", key, err)
	}
}

func want(t *testing.T, s objstore.Store, key, data string) {
	t.Helper()
	got, err := s.Get(context.Background(), key, 1<<20)
	if err != nil || string(got) != data {
		t.Errorf("get %q = %q, %v; want %q", key, got, err, data)
	}
}

func wantErr(t *testing.T, what string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("%s: error %v, want %v", what, err, target)
	}
}

func read(t *testing.T, s objstore.Store) {
	ctx := context.Background()
	mustPut(t, s, "a/b", "0123456789")
	mustPut(t, s, "empty", "")
	want(t, s, "a/b", "0123456789")
	want(t, s, "empty", "")
	_, err := s.Get(ctx, "a/b", 9)
	wantErr(t, "get beyond the limit", err, objstore.ErrTooLarge)
	if _, err := s.Get(ctx, "a/b", 10); err != nil {
		t.Errorf("get at the limit: %v", err)
	}
	p := make([]byte, 4)
	if err := s.GetRange(ctx, "a/b", 6, p); err != nil || string(p) != "6789" {
		t.Errorf("range = %q, %v", p, err)
	}
	wantErr(t, "range past the end", s.GetRange(ctx, "a/b", 7, p), io.ErrUnexpectedEOF)
	wantErr(t, "range behind the end", s.GetRange(ctx, "a/b", 70, p), io.ErrUnexpectedEOF)
	if err := s.GetRange(ctx, "a/b", -1, p); err == nil {
		t.Error("range at a negative offset succeeded")
	}
	o, err := s.Head(ctx, "a/b")
	if err != nil || o.Key != "a/b" || o.SizeBytes != 10 || o.ModTime.IsZero() {
		t.Errorf("head = %+v, %v", o, err)
	}
	for _, key := range []string{"none", "a", "a/none", "a/b/c", "none/none"} {
		_, err := s.Get(ctx, key, 100)
		wantErr(t, "get "+key, err, objstore.ErrNotFound)
		wantErr(t, "range "+key, s.GetRange(ctx, key, 0, p), objstore.ErrNotFound)
		_, err = s.Head(ctx, key)
		wantErr(t, "head "+key, err, objstore.ErrNotFound)
		if err := s.Delete(ctx, key); err != nil {
			t.Errorf("delete %s: %v", key, err)
		}
	}
	want(t, s, "a/b", "0123456789")
	if err := s.Delete(ctx, "a/b"); err != nil {
		t.Error(err)
	}
	_, err = s.Head(ctx, "a/b")
	wantErr(t, "head of the deleted", err, objstore.ErrNotFound)
}

func put(t *testing.T, s objstore.Store) {
	ctx := context.Background()
	o, err := s.Put(ctx, "x/y", strings.NewReader("first"))
	if err != nil || o.Key != "x/y" || o.SizeBytes != 5 || o.ModTime.IsZero() {
		t.Errorf("put = %+v, %v", o, err)
	}
	mustPut(t, s, "x/y", "second one")
	want(t, s, "x/y", "second one")

	broken := errors.New("broken")
	_, err = s.Put(ctx, "x/y", io.MultiReader(strings.NewReader("thi"), iotest.ErrReader(broken)))
	wantErr(t, "put of a broken reader", err, broken)
	want(t, s, "x/y", "second one")
	_, err = s.Put(ctx, "x/z", iotest.ErrReader(broken))
	wantErr(t, "put of a broken reader", err, broken)
	if got := listed(t, s, "", ""); !slices.Equal(got, []string{"x/y"}) {
		t.Errorf("after failed puts the store lists %q", got)
	}
	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	if _, err := s.Put(ctx, "big", bytes.NewReader(big)); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(ctx, "big", 1<<21); err != nil || !bytes.Equal(got, big) {
		t.Errorf("big object: %d bytes, %v", len(got), err)
	}
}

func putIfAbsent(t *testing.T, s objstore.Store) {
	ctx := context.Background()
	if err := s.PutIfAbsent(ctx, "_delta_log/0.json", []byte("one")); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "second put", s.PutIfAbsent(ctx, "_delta_log/0.json", []byte("two")), objstore.ErrAlreadyExists)
	want(t, s, "_delta_log/0.json", "one")
	mustPut(t, s, "p", "")
	wantErr(t, "put after Put", s.PutIfAbsent(ctx, "p", []byte("two")), objstore.ErrAlreadyExists)
	if err := s.Delete(ctx, "_delta_log/0.json"); err != nil {
		t.Fatal(err)
	}
	if err := s.PutIfAbsent(ctx, "_delta_log/0.json", nil); err != nil {
		t.Errorf("put after delete: %v", err)
	}
	want(t, s, "_delta_log/0.json", "")
}

// race lets many writers fight for the same keys: one wins each, and its bytes are there.
func race(t *testing.T, s objstore.Store) {
	ctx := context.Background()
	const writers, rounds = 8, 10
	var mu sync.Mutex
	winners := map[string]string{}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for r := range rounds {
				key, data := fmt.Sprintf("new/dir%d/%d", r%3, r), strings.Repeat(fmt.Sprint(w), 1000)
				err := s.PutIfAbsent(ctx, key, []byte(data))
				if errors.Is(err, objstore.ErrAlreadyExists) {
					continue
				}
				mu.Lock()
				if old := winners[key]; err != nil || old != "" {
					t.Errorf("%s: error %v, earlier winner %.1s", key, err, old)
				}
				winners[key] = data
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(winners) != rounds {
		t.Errorf("%d winners, want %d", len(winners), rounds)
	}
	for key, data := range winners {
		want(t, s, key, data)
	}
	if got := listed(t, s, "", ""); len(got) != rounds {
		t.Errorf("the store lists %q", got)
	}
}

func keys(t *testing.T, s objstore.Store) {
	ctx := context.Background()
	good := []string{
		" ", "a b", "a%20b", "a+b", "p=x%2Fy/f", "#?&*", "ä/ö/日本", "quote'\"`", "back\\slash", "..a", "a..", "...", "-", "~", "new\nline", "\x7f\x01",
		strings.Repeat("k", 200) + "/" + strings.Repeat("l", 200), "a:b", "C:/x", "part=__HIVE_DEFAULT_PARTITION__/f",
	}
	for _, k := range good {
		if err := s.PutIfAbsent(ctx, k, []byte(k)); err != nil {
			t.Errorf("put %q: %v", k, err)
		}
	}
	for _, k := range good {
		want(t, s, k, k)
	}
	slices.Sort(good)
	if got := listed(t, s, "", ""); !slices.Equal(got, good) {
		t.Errorf("listed %q\nwant   %q", got, good)
	}
	for _, k := range []string{
		"", "/", "/etc/passwd", "..", "../x", "a/../../x", "a/..", "a/./b", ".", "a//b", "a/", "a\x00b", "a/.featuresql-tmp-1", strings.Repeat("k", 1025),
	} {
		_, err := s.Get(ctx, k, 10)
		wantErr(t, "get", err, objstore.ErrInvalidKey)
		wantErr(t, "range", s.GetRange(ctx, k, 0, nil), objstore.ErrInvalidKey)
		_, err = s.Head(ctx, k)
		wantErr(t, "head", err, objstore.ErrInvalidKey)
		_, err = s.Put(ctx, k, strings.NewReader("x"))
		wantErr(t, "put", err, objstore.ErrInvalidKey)
		wantErr(t, "put if absent", s.PutIfAbsent(ctx, k, nil), objstore.ErrInvalidKey)
		wantErr(t, "delete", s.Delete(ctx, k), objstore.ErrInvalidKey)
	}
	for _, prefix := range []string{"../", "/", "a/../b", "../../etc/pass"} {
		var last error
		for o, err := range s.List(ctx, prefix, "") {
			if last = err; err == nil {
				t.Errorf("list %q yields %q", prefix, o.Key)
			}
		}
		wantErr(t, "list "+prefix, last, objstore.ErrInvalidKey)
	}
}

func listed(t rapid.TB, s objstore.Store, prefix, after string) []string {
	t.Helper()
	var got []string
	for o, err := range s.List(context.Background(), prefix, after) {
		if err != nil {
			t.Fatalf("list %q after %q: %v", prefix, after, err)
		}
		got = append(got, o.Key)
	}
	return got
}

func list(t *testing.T, s objstore.Store) {
	for _, k := range []string{"a/1", "a-b", "a.b", "a0", "a/b/2", "a/b.c", "a/b-c", "b"} {
		mustPut(t, s, k, k)
	}
	for _, c := range []struct {
		prefix, after string
		want          string
	}{
		{"", "", "a-b a.b a/1 a/b-c a/b.c a/b/2 a0 b"},
		{"a/", "", "a/1 a/b-c a/b.c a/b/2"},
		{"a/b", "", "a/b-c a/b.c a/b/2"},
		{"a", "a/1", "a/b-c a/b.c a/b/2 a0"},
		{"a/", "a/b", "a/b-c a/b.c a/b/2"},
		{"a/b/", "a/b/1", "a/b/2"},
		{"a/b/", "a/b/2", ""},
		{"", "a/b/1", "a/b/2 a0 b"},
		{"", "a/b0", "a0 b"},
		{"", "b", ""},
		{"none/", "", ""},
		{"b/", "", ""},
		{"a/b/2/", "", ""},
	} {
		if got := strings.Join(listed(t, s, c.prefix, c.after), " "); got != c.want {
			t.Errorf("list %q after %q = %s; want %s", c.prefix, c.after, got, c.want)
		}
	}
	for o, err := range s.List(context.Background(), "a/1", "") {
		if err != nil || o.SizeBytes != 3 || o.ModTime.IsZero() {
			t.Errorf("listed %+v, %v", o, err)
		}
	}
	n := 0
	for range s.List(context.Background(), "", "") {
		if n++; n == 2 {
			break
		}
	}
}

func folders(t *testing.T, s objstore.Store) {
	for _, k := range []string{"a/1", "a/2", "a/x/y/1", "a0", "a-/1", "b/c/1", "b/c0/1", "b/c0/2", "f"} {
		mustPut(t, s, k, k)
	}
	for prefix, want := range map[string]string{"": "a a- b", "a": "x", "a/": "x", "b": "c c0", "none": "", "f": ""} {
		got, err := objstore.Folders(context.Background(), s, prefix)
		slices.Sort(got)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("folders of %q = %q, %v; want %s", prefix, got, err, want)
		}
	}
}

func cancelled(t *testing.T, s objstore.Store) {
	mustPut(t, s, "k", "v")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := s.Get(ctx, "k", 10)
	wantErr(t, "get", err, context.Canceled)
	wantErr(t, "range", s.GetRange(ctx, "k", 0, nil), context.Canceled)
	_, err = s.Head(ctx, "k")
	wantErr(t, "head", err, context.Canceled)
	_, err = s.Put(ctx, "k", strings.NewReader("new"))
	wantErr(t, "put", err, context.Canceled)
	wantErr(t, "put if absent", s.PutIfAbsent(ctx, "l", nil), context.Canceled)
	wantErr(t, "delete", s.Delete(ctx, "k"), context.Canceled)
	for _, err := range s.List(ctx, "", "") {
		wantErr(t, "list", err, context.Canceled)
	}
	want(t, s, "k", "v")
	if got := listed(t, s, "", ""); !slices.Equal(got, []string{"k"}) {
		t.Errorf("the store lists %q", got)
	}
}

// listProperty compares listings with a sorted filter over the keys put.
func listProperty(t *testing.T, open func(t *testing.T) objstore.Store) {
	s := open(t)
	part := rapid.StringMatching(`[a-b.%0-]{1,2}`).Filter(func(p string) bool { return p != "." && p != ".." })
	key := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(part, 1, 3).Draw(t, "parts"), "/")
	})
	have := map[string]bool{}
	rapid.Check(t, func(t *rapid.T) {
		for _, k := range rapid.SliceOfN(key, 0, 3).Draw(t, "keys") {
			clash := false // on a disk a name is a folder or an object
			for h := range have {
				clash = clash || strings.HasPrefix(h, k+"/") || strings.HasPrefix(k, h+"/")
			}
			if !clash && len(have) < 60 {
				mustPut(t, s, k, "")
				have[k] = true
			}
		}
		prefix := rapid.OneOf(key, rapid.Just("")).Draw(t, "prefix")
		if rapid.Bool().Draw(t, "cut") {
			prefix = prefix[:len(prefix)/2]
		}
		if objstore.CheckKey(prefix+"x") != nil {
			t.Skip()
		}
		after := rapid.OneOf(key, rapid.Just("")).Draw(t, "after")
		var want []string
		for k := range have {
			if strings.HasPrefix(k, prefix) && k > after {
				want = append(want, k)
			}
		}
		slices.Sort(want)
		if got := listed(t, s, prefix, after); !slices.Equal(got, want) {
			t.Fatalf("list %q after %q = %q; want %q", prefix, after, got, want)
		}
	})
}
