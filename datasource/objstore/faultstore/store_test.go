package faultstore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/datasource/objstore/faultstore"
	"github.com/featuresql/featuresql/datasource/objstore/storetest"
)

func local(t *testing.T) objstore.Store {
	t.Helper()
	s, err := objstore.NewLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestWithoutRules(t *testing.T) {
	storetest.Run(t, func(t *testing.T) objstore.Store { return faultstore.New(local(t), faultstore.Options{}) })
}

// TestKinds runs each kind against each method and looks at what the caller sees and what the inner store holds.
func TestKinds(t *testing.T) {
	ctx := context.Background()
	calls := map[string]func(objstore.Store) (string, error){
		"get": func(s objstore.Store) (string, error) {
			b, err := s.Get(ctx, "old", 10)
			return string(b), err
		},
		"range": func(s objstore.Store) (string, error) {
			p := []byte("....")
			err := s.GetRange(ctx, "old", 0, p)
			return string(p), err
		},
		"put": func(s objstore.Store) (string, error) {
			_, err := s.Put(ctx, "new", strings.NewReader("data"))
			b, _ := s.(*faultstore.Store).Inner().Get(ctx, "new", 10)
			return string(b), err
		},
		"put if absent": func(s objstore.Store) (string, error) {
			err := s.PutIfAbsent(ctx, "new", []byte("data"))
			b, _ := s.(*faultstore.Store).Inner().Get(ctx, "new", 10)
			return string(b), err
		},
		"head": func(s objstore.Store) (string, error) {
			o, err := s.Head(ctx, "old")
			return o.Key, err
		},
		"delete": func(s objstore.Store) (string, error) {
			err := s.Delete(ctx, "old")
			_, gone := s.(*faultstore.Store).Inner().Head(ctx, "old")
			return fmt.Sprint(gone == nil), err
		},
		"list": func(s objstore.Store) (string, error) {
			var keys []string
			for o, err := range s.List(ctx, "", "") {
				if err != nil {
					return strings.Join(keys, " "), err
				}
				keys = append(keys, o.Key)
			}
			return strings.Join(keys, " "), nil
		},
	}
	before := map[string]string{"get": "", "range": "....", "put": "", "put if absent": "", "head": "", "delete": "true", "list": ""}
	half := map[string]string{"get": "", "range": "da..", "put": "da", "put if absent": "da", "head": "", "delete": "false", "list": "old"}
	done := map[string]string{"get": "", "range": "data", "put": "data", "put if absent": "data", "head": "", "delete": "false", "list": "old old2"}
	for _, c := range []struct {
		kind faultstore.Kind
		want map[string]string
		err  error
	}{
		{faultstore.Fail, before, faultstore.ErrInjected},
		{faultstore.LostAck, done, faultstore.ErrInjected},
		{faultstore.Partial, half, faultstore.ErrInjected},
		{faultstore.CrashBefore, before, faultstore.ErrCrashed},
		{faultstore.CrashAfter, done, faultstore.ErrCrashed},
	} {
		for name, call := range calls {
			s := faultstore.New(local(t), faultstore.Options{Rules: []faultstore.Rule{{Ops: faultstore.All, Nth: 1, Kind: c.kind}}})
			for _, k := range []string{"old", "old2"} {
				if err := s.Inner().PutIfAbsent(ctx, k, []byte("data")); err != nil {
					t.Fatal(err)
				}
			}
			got, err := call(s)
			if !errors.Is(err, c.err) || got != c.want[name] {
				t.Errorf("%s %s: %q, %v; want %q", c.kind, name, got, err, c.want[name])
			}
			_, err = s.Head(ctx, "old2")
			if crashed := c.err == faultstore.ErrCrashed; crashed != s.Crashed() || crashed != errors.Is(err, faultstore.ErrCrashed) {
				t.Errorf("%s %s: crashed %v, next call %v", c.kind, name, s.Crashed(), err)
			}
			if tr := s.Trace(); len(tr) != 2 || !tr[0].Fault || tr[0].Err == nil {
				t.Errorf("%s %s: trace %v", c.kind, name, tr)
			}
		}
	}
}

func TestRules(t *testing.T) {
	ctx := context.Background()
	own := errors.New("own")
	s := faultstore.New(local(t), faultstore.Options{Rules: []faultstore.Rule{
		{Ops: faultstore.Writes, Key: faultstore.Suffix(".json"), Nth: 2, Kind: faultstore.Fail, Err: own},
		{Ops: faultstore.Put, Key: faultstore.Suffix("never"), Kind: faultstore.Fail},
	}})
	var got []string
	for _, k := range []string{"1.json", "x", "2.json", "3.json", "never", "2.json"} {
		_, err := s.Put(ctx, k, strings.NewReader(k))
		got = append(got, fmt.Sprint(err == nil, errors.Is(err, own)))
	}
	if g := strings.Join(got, ", "); g != "true false, true false, false true, true false, false false, true false" {
		t.Error(g)
	}
	if _, err := s.Get(ctx, "none", 1); !errors.Is(err, objstore.ErrNotFound) {
		t.Error(err)
	}
	for range s.List(ctx, "a", "b") {
	}
	want := "PUT 1.json\nPUT x\nPUT 2.json ! fault\nPUT 3.json\nPUT never ! fault\nPUT 2.json\nGET none ! error\nLIST a after b\n"
	if s.TraceString() != want {
		t.Errorf("trace:\n%s", s.TraceString())
	}
	if s.ResetTrace(); len(s.Trace()) != 0 {
		t.Error("trace not forgotten")
	}
}

// TestSeed: the same seed meets the same faults, another one does not.
func TestSeed(t *testing.T) {
	run := func(seed uint64) string {
		s := faultstore.New(local(t), faultstore.Options{Seed: seed, Rules: []faultstore.Rule{{Ops: faultstore.All, Prob: 0.3, Kind: faultstore.Fail}}})
		for i := range 60 {
			s.Head(context.Background(), fmt.Sprint(i))
		}
		return s.TraceString()
	}
	first, again := run(1), run(1)
	if n := strings.Count(first, "fault"); first != again || first == run(2) || n < 5 || n > 35 {
		t.Errorf("%d faults of 60, or not deterministic", n)
	}
}

func TestLatency(t *testing.T) {
	var slept []time.Duration
	s := faultstore.New(local(t), faultstore.Options{
		Rules: []faultstore.Rule{{Ops: faultstore.Put, Kind: faultstore.Slow, Latency: time.Hour}},
		Sleep: func(_ context.Context, d time.Duration) error { slept = append(slept, d); return nil },
	})
	if _, err := s.Put(context.Background(), "k", io.LimitReader(nil, 0)); err != nil || len(slept) != 1 || slept[0] != time.Hour {
		t.Errorf("%v, slept %v", err, slept)
	}
	if tr := s.TraceString(); tr != "PUT k\n" {
		t.Errorf("trace %q", tr)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s = faultstore.New(local(t), faultstore.Options{Rules: []faultstore.Rule{{Ops: faultstore.All, Kind: faultstore.Slow, Latency: time.Hour}}})
	if _, err := s.Head(ctx, "k"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
