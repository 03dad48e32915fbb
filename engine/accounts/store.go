package accounts

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/featuresql/featuresql/datasource/objstore"
)

// prefix is where the states lie, one object a version: the name of version n is n in twenty digits. None is ever
// deleted, so that a server can tell from the absence of the next one that its own is the newest.
const prefix = "_featuresql/accounts/"

func keyOf(version int64) string { return fmt.Sprintf("%s%020d.json", prefix, version) }

const (
	maxStateBytes = 64 << 20
	maxAttempts   = 100
)

// Store keeps the accounts of a warehouse. Safe for concurrent use.
type Store struct {
	objects objstore.Store
	maxAge  time.Duration
	now     func() time.Time

	mu      sync.Mutex // of loading
	current atomic.Pointer[State]
	checked atomic.Int64 // when current was last known to be the newest, Unix nanoseconds
}

// NewStore returns the store of the warehouse in objects. A state older than maxAge is not used without asking the
// warehouse, by one Head, whether there is a newer one; with maxAge 0 every use asks.
func NewStore(objects objstore.Store, maxAge time.Duration) *Store {
	return &Store{objects: objects, maxAge: maxAge, now: time.Now}
}

// State returns the newest state, or one that was the newest at most maxAge ago.
func (s *Store) State(ctx context.Context) (*State, error) {
	if c := s.current.Load(); c != nil && s.maxAge > 0 && s.now().UnixNano()-s.checked.Load() < int64(s.maxAge) {
		return c, nil
	}
	return s.refresh(ctx)
}

// refresh asks the warehouse.
func (s *Store) refresh(ctx context.Context) (*State, error) {
	if c := s.current.Load(); c != nil { // without the lock: the usual answer is that nothing has changed
		asked := s.now().UnixNano()
		_, err := s.objects.Head(ctx, keyOf(c.Version+1))
		if errors.Is(err, objstore.ErrNotFound) {
			s.checked.Store(asked)
			return c, nil
		}
		if err != nil {
			return nil, fmt.Errorf("accounts: %w", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.now().UnixNano()
	after, newest := "", ""
	if c := s.current.Load(); c != nil && c.Version > 0 {
		after = keyOf(c.Version)
	}
	for obj, err := range s.objects.List(ctx, prefix, after) {
		if err != nil {
			return nil, fmt.Errorf("accounts: %w", err)
		}
		if strings.HasSuffix(obj.Key, ".json") && len(obj.Key) == len(keyOf(0)) {
			newest = obj.Key
		}
	}
	out := s.current.Load()
	switch {
	case newest != "":
		doc, err := s.objects.Get(ctx, newest, maxStateBytes)
		if err != nil {
			return nil, fmt.Errorf("accounts: %w", err)
		}
		if out, err = decode(doc); err != nil {
			return nil, err
		}
		if keyOf(out.Version) != newest {
			return nil, fmt.Errorf("accounts: %s says that it is version %d", newest, out.Version)
		}
	case out == nil:
		out = initial()
	}
	s.current.Store(out)
	s.checked.Store(asked)
	return out, nil
}

// Change publishes what f makes of the newest state. f may be called several times, each time with a copy of a newer
// state, when other servers change it too.
func (s *Store) Change(ctx context.Context, f func(*State) error) error {
	for range maxAttempts {
		old, err := s.refresh(ctx)
		if err != nil {
			return err
		}
		next := old.clone()
		if err := f(next); err != nil {
			return err
		}
		next.Version = old.Version + 1
		doc, err := next.encode()
		if err != nil {
			return fmt.Errorf("accounts: %w", err)
		}
		err = s.objects.PutIfAbsent(ctx, keyOf(next.Version), doc)
		if errors.Is(err, objstore.ErrAlreadyExists) {
			continue
		}
		if err != nil {
			return fmt.Errorf("accounts: %w", err)
		}
		_, err = s.refresh(ctx)
		return err
	}
	return errorf(1205, "the accounts were changed by others %d times meanwhile; try again", maxAttempts)
}
