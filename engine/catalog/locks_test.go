package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/featuresql/featuresql/engine/catalog"
)

func TestLocks(t *testing.T) {
	l := catalog.NewLocks()
	get := func(session uint32, name string, timeout time.Duration) bool {
		t.Helper()
		got, err := l.Get(t.Context(), session, name, timeout)
		if err != nil {
			t.Error(err)
		}
		return got
	}
	if !get(1, "a", 0) || !get(1, "A", 0) || get(2, "a", 0) || get(2, "a", time.Millisecond) {
		t.Error("a lock has one owner")
	}
	if owner, held, err := l.Owner("a"); owner != 1 || !held || err != nil {
		t.Errorf("owner %d, %t, %v", owner, held, err)
	}
	if own, held, _ := l.Release(2, "a"); own || !held {
		t.Error("another session released it")
	}
	if own, _, _ := l.Release(1, "a"); !own || get(2, "a", 0) {
		t.Error("it was taken twice")
	}
	waited := make(chan bool)
	go func() {
		got, err := l.Get(context.Background(), 2, "a", -1)
		waited <- got && err == nil
	}()
	if own, _, _ := l.Release(1, "a"); !own || !<-waited {
		t.Error("who waits gets it")
	}
	if n := l.ReleaseAll(2); n != 1 {
		t.Errorf("released %d", n)
	}
	if own, held, _ := l.Release(2, "a"); own || held {
		t.Error("it is free")
	}
}

// TestLockEnds: a wait ends with its statement, and where it would be one for oneself.
func TestLockEnds(t *testing.T) {
	l := catalog.NewLocks()
	for session, name := range map[uint32]string{1: "a", 2: "b"} {
		if got, err := l.Get(t.Context(), session, name, 0); !got || err != nil {
			t.Fatal(got, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	var deadlock *catalog.LockDeadlockError
	go func() {
		for {
			_, err := l.Get(ctx, 1, "b", -1)
			var mine *catalog.LockDeadlockError
			if !errors.As(err, &mine) { // it is told if the other waits just then
				done <- err
				return
			}
		}
	}()
	for !errors.As(deadlocked(l), &deadlock) { // once the other waits
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := deadlocked(l); err != nil {
		t.Errorf("nobody waits any more: %v", err)
	}
}

func deadlocked(l *catalog.Locks) error {
	_, err := l.Get(context.Background(), 2, "a", time.Microsecond)
	return err
}

func TestLockLimits(t *testing.T) {
	l := catalog.NewLocks()
	for i := range 1024 {
		if _, err := l.Get(t.Context(), 1, fmt.Sprint(i), 0); err != nil {
			t.Fatal(err)
		}
	}
	var many *catalog.TooManyLocksError
	if _, err := l.Get(t.Context(), 1, "one more", 0); !errors.As(err, &many) {
		t.Errorf("one more: %v", err)
	}
	if got, err := l.Get(t.Context(), 1, "7", 0); !got || err != nil {
		t.Errorf("one that it has: %v", err)
	}
	if got, err := l.Get(t.Context(), 2, "one more", 0); !got || err != nil {
		t.Errorf("another session: %v", err)
	}
	if _, _, err := l.Release(1, "3"); err != nil {
		t.Error(err)
	}
	if got, err := l.Get(t.Context(), 1, "instead", 0); !got || err != nil {
		t.Errorf("after a release: %v", err)
	}
	var name *catalog.LockNameError
	for _, bad := range []string{"", strings.Repeat("ä", 65)} {
		if _, err := l.Get(t.Context(), 1, bad, 0); !errors.As(err, &name) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := l.Get(t.Context(), 2, strings.Repeat("ä", 64), 0); err != nil {
		t.Error(err)
	}
}
