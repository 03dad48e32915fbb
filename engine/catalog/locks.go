package catalog

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// maxLockName is how many characters the name of a lock may have, maxLocks how many locks a session may hold at a time.
const (
	maxLockName = 64
	maxLocks    = 1024
)

// LockNameError says that a text is no name of a lock.
type LockNameError struct{ Name string }

func (e *LockNameError) Error() string {
	return fmt.Sprintf("Incorrect user-level lock name '%.192s'; it has 1 to %d characters", e.Name, maxLockName)
}

// TooManyLocksError says that a session holds as many locks as it may.
type TooManyLocksError struct{}

func (*TooManyLocksError) Error() string {
	return fmt.Sprintf("The total number of locks exceeds the lock table size: a session holds up to %d names by GET_LOCK; release some", maxLocks)
}

// LockDeadlockError says that to wait for a lock would be to wait for oneself.
type LockDeadlockError struct{ Name string }

func (e *LockDeadlockError) Error() string {
	return fmt.Sprintf("Deadlock found when trying to get user-level lock '%s'; try rolling back transaction/releasing locks and restarting lock acquisition.", e.Name)
}

// Locks are the named locks of a server's sessions: those of GET_LOCK. Names are told apart whatever their case. Safe for concurrent use.
type Locks struct {
	mu    sync.Mutex
	held  map[string]*namedLock
	names map[uint32]int    // how many names a session holds
	waits map[uint32]string // what a session waits for
}

type namedLock struct {
	owner uint32
	times int
	freed chan struct{} // closed when the lock is free
}

// NewLocks returns locks that nobody holds.
func NewLocks() *Locks {
	return &Locks{held: map[string]*namedLock{}, names: map[uint32]int{}, waits: map[uint32]string{}}
}

func lockName(name string) (string, error) {
	if n := utf8.RuneCountInString(name); n == 0 || n > maxLockName {
		return "", &LockNameError{Name: name}
	}
	return strings.ToLower(name), nil
}

// Get takes a lock for a session, once more if it has it, and waits for it up to timeout; negative: for good. It reports whether the session has it.
// Errors: *LockNameError, *TooManyLocksError, *LockDeadlockError, that of the context.
func (l *Locks) Get(ctx context.Context, session uint32, name string, timeout time.Duration) (bool, error) {
	name, err := lockName(name)
	if err != nil {
		return false, err
	}
	var expired <-chan time.Time
	if timeout >= 0 {
		t := time.NewTimer(timeout)
		defer t.Stop()
		expired = t.C
	}
	defer l.stopWaiting(session)
	for {
		freed, err := l.take(session, name)
		if freed == nil || err != nil {
			return err == nil, err
		}
		if timeout == 0 {
			return false, nil
		}
		select {
		case <-freed:
		case <-expired:
			return false, nil
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// take gives the lock to the session, or returns what is closed when it is free.
func (l *Locks) take(session uint32, name string) (freed <-chan struct{}, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lock := l.held[name]
	switch {
	case lock == nil && l.names[session] >= maxLocks:
		return nil, &TooManyLocksError{}
	case lock == nil:
		l.held[name] = &namedLock{owner: session, times: 1, freed: make(chan struct{})}
		l.names[session]++
		return nil, nil
	case lock.owner == session:
		lock.times++
		return nil, nil
	}
	for owner := lock.owner; ; {
		next := l.held[l.waits[owner]]
		if next == nil {
			break
		}
		if owner = next.owner; owner == session {
			return nil, &LockDeadlockError{Name: name}
		}
	}
	l.waits[session] = name
	return lock.freed, nil
}

func (l *Locks) stopWaiting(session uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waits, session)
}

// Owner returns who holds a lock.
func (l *Locks) Owner(name string) (session uint32, held bool, err error) {
	if name, err = lockName(name); err != nil {
		return 0, false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if lock := l.held[name]; lock != nil {
		return lock.owner, true, nil
	}
	return 0, false, nil
}

// Release gives a lock back, once. own: the session had it; held: somebody had.
func (l *Locks) Release(session uint32, name string) (own, held bool, err error) {
	if name, err = lockName(name); err != nil {
		return false, false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	lock := l.held[name]
	if lock == nil || lock.owner != session {
		return false, lock != nil, nil
	}
	if lock.times--; lock.times == 0 {
		l.free(name, lock)
	}
	return true, true, nil
}

// ReleaseAll gives all locks of a session back and returns how many times it had taken one.
func (l *Locks) ReleaseAll(session uint32) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	if l.names[session] == 0 {
		return 0
	}
	for name, lock := range l.held {
		if lock.owner == session {
			n += lock.times
			l.free(name, lock)
		}
	}
	return n
}

func (l *Locks) free(name string, lock *namedLock) {
	delete(l.held, name)
	if l.names[lock.owner]--; l.names[lock.owner] == 0 {
		delete(l.names, lock.owner)
	}
	close(lock.freed)
}
