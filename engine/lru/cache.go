package lru

import (
	"container/list"
	"sync"
)

// Cache is a map of bounded weight. Safe for concurrent use.
type Cache[K comparable, V any] struct {
	mu      sync.Mutex
	max     int
	weigh   func(V) int
	entries map[K]*list.Element
	order   *list.List // of entry[K, V], front: most recently used
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

// New returns a cache of values that weigh at most limit together, and of one at least. weigh may tell another weight as a value grows;
// it is asked when a value is added. nil: each weighs 1.
func New[K comparable, V any](limit int, weigh func(V) int) *Cache[K, V] {
	return &Cache[K, V]{max: limit, weigh: weigh, entries: map[K]*list.Element{}, order: list.New()}
}

// Get returns the value of a key.
func (c *Cache[K, V]) Get(key K) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries[key]; ok {
		c.order.MoveToFront(e)
		return e.Value.(entry[K, V]).value, true //nolint:forcetypeassert // nothing else is in the list
	}
	var none V
	return none, false
}

// GetOrAdd returns the value of a key, which is v if there was none.
func (c *Cache[K, V]) GetOrAdd(key K, v V) V {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries[key]; ok {
		c.order.MoveToFront(e)
		return e.Value.(entry[K, V]).value //nolint:forcetypeassert // nothing else is in the list
	}
	c.entries[key] = c.order.PushFront(entry[K, V]{key, v})
	for total := c.total(); total > c.max && c.order.Len() > 1; {
		last := c.order.Remove(c.order.Back()).(entry[K, V]) //nolint:forcetypeassert // nothing else is in the list
		delete(c.entries, last.key)
		total -= c.weight(last.value)
	}
	return v
}

// Delete forgets a key.
func (c *Cache[K, V]) Delete(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries[key]; ok {
		c.order.Remove(e)
		delete(c.entries, key)
	}
}

// Len returns the number of values.
func (c *Cache[K, V]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.entries)
}

func (c *Cache[K, V]) weight(v V) int {
	if c.weigh == nil {
		return 1
	}
	return c.weigh(v)
}

func (c *Cache[K, V]) total() int {
	if c.weigh == nil {
		return len(c.entries)
	}
	sum := 0
	for e := c.order.Front(); e != nil; e = e.Next() {
		sum += c.weigh(e.Value.(entry[K, V]).value) //nolint:forcetypeassert // nothing else is in the list
	}
	return sum
}
