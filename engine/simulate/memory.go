package simulate

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/featuresql/featuresql/datasource/objstore"
)

// Memory is an objstore.Store that keeps its objects in memory.
type Memory struct {
	mu      sync.Mutex
	objects map[string]object
	puts    time.Duration
}

// now tells any two objects apart by their times.
func (m *Memory) now() time.Time {
	m.puts++
	return time.Now().Add(m.puts)
}

type object struct {
	data []byte
	at   time.Time
}

// NewMemory returns an empty store.
func NewMemory() *Memory { return &Memory{objects: map[string]object{}} }

var _ objstore.Store = (*Memory)(nil)

// URL implements objstore.Store.
func (m *Memory) URL() string { return "file:///simulated" }

func (m *Memory) get(verb, key string) (object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o, ok := m.objects[key]
	if !ok {
		return o, fmt.Errorf("%s %q: %w", verb, key, objstore.ErrNotFound)
	}
	return o, nil
}

// Get implements objstore.Store.
func (m *Memory) Get(_ context.Context, key string, maxBytes int64) ([]byte, error) {
	o, err := m.get("get", key)
	if err == nil && int64(len(o.data)) > maxBytes {
		err = fmt.Errorf("get %q: %w", key, objstore.ErrTooLarge)
	}
	return o.data, err
}

// GetRange implements objstore.Store.
func (m *Memory) GetRange(_ context.Context, key string, off int64, p []byte) error {
	o, err := m.get("get", key)
	if err != nil {
		return err
	}
	if off < 0 || off > int64(len(o.data)) || copy(p, o.data[off:]) < len(p) {
		return fmt.Errorf("get %q: %w", key, io.ErrUnexpectedEOF)
	}
	return nil
}

// Put implements objstore.Store.
func (m *Memory) Put(_ context.Context, key string, r io.Reader) (objstore.Object, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return objstore.Object{}, fmt.Errorf("put %q: %w", key, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	o := object{data, m.now()}
	m.objects[key] = o
	return objstore.Object{Key: key, SizeBytes: int64(len(data)), ModTime: o.at}, nil
}

// PutIfAbsent implements objstore.Store.
func (m *Memory) PutIfAbsent(_ context.Context, key string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.objects[key]; ok {
		return fmt.Errorf("put %q: %w", key, objstore.ErrAlreadyExists)
	}
	m.objects[key] = object{bytes.Clone(data), m.now()}
	return nil
}

// PutBeside implements objstore.BesideStore.
func (m *Memory) PutBeside(ctx context.Context, key string, r io.Reader, beside objstore.Object) (objstore.Object, error) {
	if err := m.holds(beside, key); err != nil {
		return objstore.Object{}, err
	}
	return m.Put(ctx, key, r)
}

// PutIfAbsentBeside implements objstore.BesideStore.
func (m *Memory) PutIfAbsentBeside(ctx context.Context, key string, data []byte, beside objstore.Object) error {
	if err := m.holds(beside, key); err != nil {
		return err
	}
	return m.PutIfAbsent(ctx, key, data)
}

// holds says whether key may be put beside an object. The scheduler lets one call go at a time.
func (m *Memory) holds(beside objstore.Object, key string) error {
	if o, err := m.get("put", beside.Key); err != nil || !o.at.Equal(beside.ModTime) {
		return fmt.Errorf("put %q: %w: %w", key, objstore.ErrNotStored, objstore.ErrReplaced)
	}
	return nil
}

// List implements objstore.Store.
func (m *Memory) List(_ context.Context, prefix, startAfter string) iter.Seq2[objstore.Object, error] {
	return func(yield func(objstore.Object, error) bool) {
		m.mu.Lock()
		all := maps.Clone(m.objects)
		m.mu.Unlock()
		for _, key := range slices.Sorted(maps.Keys(all)) {
			o := objstore.Object{Key: key, SizeBytes: int64(len(all[key].data)), ModTime: all[key].at}
			if strings.HasPrefix(key, prefix) && key > startAfter && !yield(o, nil) {
				return
			}
		}
	}
}

// Head implements objstore.Store.
func (m *Memory) Head(_ context.Context, key string) (objstore.Object, error) {
	o, err := m.get("head", key)
	return objstore.Object{Key: key, SizeBytes: int64(len(o.data)), ModTime: o.at}, err
}

// Delete implements objstore.Store.
func (m *Memory) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, key)
	return nil
}

// Clear deletes all objects at once, as the removal of a folder does.
func (m *Memory) Clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.objects)
}

// Keys returns the keys of all objects, ordered.
func (m *Memory) Keys() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.objects))
}
