package server

import (
	"sync"
	"time"
)

const (
	freeFailures   = 3 // log-ins that may fail before the next must wait
	firstDelay     = 250 * time.Millisecond
	maxDelay       = 4 * time.Second
	maxQueued      = 8 * time.Second // longer waits are refused at once
	forgetFailures = 10 * time.Minute
	maxThrottled   = 10_000 // pairs of an address and a user that are remembered
)

// throttle slows down who guesses passwords: after some failures from an address as a user, log-ins of the pair are let
// through one by one, with growing pauses. Safe for concurrent use.
type throttle struct {
	now func() time.Time

	mu sync.Mutex
	m  map[throttled]*failures
}

type throttled struct{ address, user string }

type failures struct {
	n    int
	next time.Time // when the next log-in is let through
	last time.Time
}

func newThrottle() *throttle { return &throttle{now: time.Now, m: map[throttled]*failures{}} }

// wait returns for how long a log-in has to wait; ok is false if that is too long.
func (t *throttle) wait(k throttled) (d time.Duration, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.m[k]
	now := t.now()
	if f == nil || f.n < freeFailures {
		return 0, true
	}
	if d = max(f.next.Sub(now), 0); d > maxQueued {
		return d, false
	}
	f.next = now.Add(d + delayAfter(f.n))
	return d, true
}

func delayAfter(n int) time.Duration {
	return min(firstDelay<<min(n-freeFailures, 10), maxDelay)
}

// done tells how a log-in ended.
func (t *throttle) done(k throttled, success bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if success {
		delete(t.m, k)
		return
	}
	now := t.now()
	f := t.m[k]
	if f == nil || now.Sub(f.last) > forgetFailures {
		t.makeRoom(now)
		f = &failures{next: now}
		t.m[k] = f
	}
	f.n++
	f.last = now
}

// makeRoom forgets old pairs, and if there are none, any.
func (t *throttle) makeRoom(now time.Time) {
	if len(t.m) < maxThrottled {
		return
	}
	for k, f := range t.m {
		if now.Sub(f.last) > forgetFailures {
			delete(t.m, k)
		}
	}
	for k := range t.m {
		if len(t.m) < maxThrottled {
			return
		}
		delete(t.m, k)
	}
}
