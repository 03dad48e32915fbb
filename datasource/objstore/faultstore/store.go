package faultstore

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/featuresql/featuresql/datasource/objstore"
)

// Store is an objstore.Store that injects faults into another one.
type Store struct {
	inner objstore.Store
	sleep func(context.Context, time.Duration) error

	mu      sync.Mutex
	rng     *rand.Rand
	rules   []Rule
	seen    []int
	crashed bool
	trace   []Call
}

// Options set up a Store.
type Options struct {
	Seed  uint64
	Rules []Rule
	// Sleep waits for a rule's latency; nil waits in real time.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Call is one call as the trace shows it.
type Call struct {
	Op    Op
	Key   string // the prefix of List
	Bytes int64  // given or returned; of List the number of objects yielded
	After string // of List
	Fault bool   // whether a rule made it fail
	Err   error  // as returned
}

// String shows the call on a line: method, key, and "!" with the kind of result where it failed.
func (c Call) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", c.Op, c.Key)
	if c.After != "" {
		fmt.Fprintf(&b, " after %s", c.After)
	}
	if c.Fault {
		b.WriteString(" ! fault")
	} else if c.Err != nil {
		b.WriteString(" ! error")
	}
	return b.String()
}

// New wraps inner.
func New(inner objstore.Store, opts Options) *Store {
	s := &Store{inner: inner, sleep: opts.Sleep, rng: rand.New(rand.NewPCG(opts.Seed, 0x9e3779b97f4a7c15))}
	if s.sleep == nil {
		s.sleep = sleep
	}
	s.SetRules(opts.Rules...)
	return s
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// SetRules replaces the rules and starts their counts anew. The first rule that applies to a call is it.
func (s *Store) SetRules(rules ...Rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules, s.seen = rules, make([]int, len(rules))
}

// Inner returns the store below, on which nothing fails.
func (s *Store) Inner() objstore.Store { return s.inner }

// Crashed says whether a crash rule has applied.
func (s *Store) Crashed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.crashed
}

// Trace returns the calls so far, in the order in which they ended.
func (s *Store) Trace() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.trace...)
}

// TraceString returns the trace with one call a line, for golden files.
func (s *Store) TraceString() string {
	var b strings.Builder
	for _, c := range s.Trace() {
		b.WriteString(c.String() + "\n")
	}
	return b.String()
}

// ResetTrace forgets the calls so far.
func (s *Store) ResetTrace() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trace = nil
}

// fault is what happens to one call.
type fault struct {
	Rule
	hit bool
}

// carriedOut says whether the inner store sees the call.
func (f fault) carriedOut() bool { return !f.hit || f.Kind != Fail && f.Kind != CrashBefore }

func (f fault) partial() bool { return f.hit && f.Kind == Partial }

// result turns the error of the call into that of the faulty call.
func (f fault) result(err error) error {
	switch {
	case !f.hit || f.Kind == Slow:
		return err
	case f.Kind >= CrashBefore:
		return ErrCrashed
	case f.Err != nil:
		return f.Err
	}
	return ErrInjected
}

// choose finds the call's fault, and waits out its latency.
func (s *Store) choose(ctx context.Context, op Op, key string) (fault, error) {
	f, err := s.match(op, key)
	if err == nil && f.Latency > 0 {
		err = s.sleep(ctx, f.Latency)
	}
	return f, err
}

func (s *Store) match(op Op, key string) (fault, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.crashed {
		return fault{}, ErrCrashed
	}
	var f fault
	for i, r := range s.rules {
		if r.Ops&op == 0 || r.Key != nil && !r.Key(key) {
			continue
		}
		s.seen[i]++
		if f.hit || r.Nth != 0 && r.Nth != s.seen[i] || r.Prob > 0 && s.rng.Float64() >= r.Prob {
			continue
		}
		f = fault{r, true}
	}
	if f.hit && f.Kind >= CrashBefore {
		s.crashed = true
	}
	return f, nil
}

func (s *Store) record(c Call, f fault, err error) error {
	if err != nil {
		err = fmt.Errorf("%s %q: %w", c.Op, c.Key, err)
	}
	c.Err, c.Fault = err, f.hit && f.Kind != Slow
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trace = append(s.trace, c)
	return err
}

// URL implements objstore.Store.
func (s *Store) URL() string { return s.inner.URL() }

// Get implements objstore.Store.
func (s *Store) Get(ctx context.Context, key string, maxBytes int64) ([]byte, error) {
	var data []byte
	f, err := s.choose(ctx, Get, key)
	if err == nil {
		if f.carriedOut() {
			data, err = s.inner.Get(ctx, key, maxBytes)
		}
		err = f.result(err)
	}
	err = s.record(Call{Op: Get, Key: key, Bytes: int64(len(data))}, f, err)
	if err != nil {
		return nil, err
	}
	return data, nil
}

// GetRange implements objstore.Store.
func (s *Store) GetRange(ctx context.Context, key string, off int64, p []byte) error {
	f, err := s.choose(ctx, GetRange, key)
	if err == nil {
		if f.partial() {
			p = p[:len(p)/2]
		}
		if f.carriedOut() {
			err = s.inner.GetRange(ctx, key, off, p)
		}
		err = f.result(err)
	}
	return s.record(Call{Op: GetRange, Key: key, Bytes: int64(len(p))}, f, err)
}

// Put implements objstore.Store.
func (s *Store) Put(ctx context.Context, key string, r io.Reader) (objstore.Object, error) {
	return s.PutBeside(ctx, key, r, objstore.Object{})
}

// PutBeside implements objstore.BesideStore; for rules and the trace it is Put.
func (s *Store) PutBeside(ctx context.Context, key string, r io.Reader, beside objstore.Object) (objstore.Object, error) {
	var o objstore.Object
	f, err := s.choose(ctx, Put, key)
	if err == nil {
		if f.partial() {
			var data []byte
			if data, err = io.ReadAll(r); err == nil {
				r = bytes.NewReader(data[:len(data)/2])
			}
		}
		if err == nil && f.carriedOut() {
			o, err = objstore.PutBeside(ctx, s.inner, key, r, beside)
		}
		err = f.result(err)
	}
	if err = s.record(Call{Op: Put, Key: key, Bytes: o.SizeBytes}, f, err); err != nil {
		return objstore.Object{}, err
	}
	return o, nil
}

// PutIfAbsent implements objstore.Store.
func (s *Store) PutIfAbsent(ctx context.Context, key string, data []byte) error {
	return s.putIfAbsent(ctx, key, data, objstore.Object{})
}

// PutIfAbsentBeside implements objstore.BesideStore; for rules and the trace it is PutIfAbsent.
func (s *Store) PutIfAbsentBeside(ctx context.Context, key string, data []byte, beside objstore.Object) error {
	return s.putIfAbsent(ctx, key, data, beside)
}

func (s *Store) putIfAbsent(ctx context.Context, key string, data []byte, beside objstore.Object) error {
	f, err := s.choose(ctx, PutIfAbsent, key)
	if err == nil {
		if f.partial() {
			data = data[:len(data)/2]
		}
		if f.carriedOut() {
			err = objstore.PutIfAbsentBeside(ctx, s.inner, key, data, beside)
		}
		err = f.result(err)
	}
	return s.record(Call{Op: PutIfAbsent, Key: key, Bytes: int64(len(data))}, f, err)
}

// Head implements objstore.Store.
func (s *Store) Head(ctx context.Context, key string) (objstore.Object, error) {
	var o objstore.Object
	f, err := s.choose(ctx, Head, key)
	if err == nil {
		if f.carriedOut() {
			o, err = s.inner.Head(ctx, key)
		}
		err = f.result(err)
	}
	if err = s.record(Call{Op: Head, Key: key}, f, err); err != nil {
		return objstore.Object{}, err
	}
	return o, nil
}

// Delete implements objstore.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	f, err := s.choose(ctx, Delete, key)
	if err == nil {
		if f.carriedOut() {
			err = s.inner.Delete(ctx, key)
		}
		err = f.result(err)
	}
	return s.record(Call{Op: Delete, Key: key}, f, err)
}

// List implements objstore.Store. A lost acknowledgement is an error after the last object.
func (s *Store) List(ctx context.Context, prefix, startAfter string) iter.Seq2[objstore.Object, error] {
	return func(yield func(objstore.Object, error) bool) {
		f, err := s.choose(ctx, List, prefix)
		n, stopped := 0, false
		if err == nil {
			if f.carriedOut() {
				n, stopped, err = s.list(ctx, prefix, startAfter, f, yield)
			}
			err = f.result(err)
		}
		if stopped {
			_ = s.record(Call{Op: List, Key: prefix, After: startAfter, Bytes: int64(n)}, f, nil)
			return
		}
		if err = s.record(Call{Op: List, Key: prefix, After: startAfter, Bytes: int64(n)}, f, err); err != nil {
			yield(objstore.Object{}, err)
		}
	}
}

func (s *Store) list(ctx context.Context, prefix, startAfter string, f fault, yield func(objstore.Object, error) bool) (n int, stopped bool, err error) {
	var all []objstore.Object
	for o, err := range s.inner.List(ctx, prefix, startAfter) {
		if err != nil {
			return n, false, err
		}
		if !f.partial() {
			if n++; !yield(o, nil) {
				return n, true, nil
			}
			continue
		}
		all = append(all, o)
	}
	for _, o := range all[:len(all)/2] {
		if n++; !yield(o, nil) {
			return n, true, nil
		}
	}
	return n, false, nil
}
