package scan

import (
	"container/list"
	"hash/maphash"
	"sync"

	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/engine/types"
)

// DefaultCacheBytes is the memory of a Cache made with size 0.
const DefaultCacheBytes = 256 << 20

// Cache keeps what was decoded of immutable files (footers, page indexes, bloom filters, deletion vectors, dictionaries and pages
// of look-ups), least recently used first out. It is bounded by bytes and shared by the tables of a server.
type Cache struct {
	mu      sync.Mutex
	max     int64
	bytes   int64
	order   *list.List // front: most recently used
	entries map[cacheKey]*list.Element
	objects map[objectID]*list.Element // the part of an object that was put last
	hits    int64
	misses  int64
}

// cacheKey names a part of an immutable object.
type cacheKey struct {
	object objectID
	part   partKey
}

// objectID is a hash of what an object is known by. A look-up asks for some twenty parts of a file, and short keys are found faster.
type objectID [2]uint64

// objectName is what an object is known by. Its size and time in the log are part of it because a path that is written
// anew, against the protocol or in a table that was dropped and made again, has most likely others.
type objectName struct {
	store, path string
	sizeBytes   int64
	modified    int64 // milliseconds
}

// objectSeeds are of this process, so that nobody can make two names with one id.
var objectSeeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

func (n objectName) id() objectID {
	return objectID{maphash.Comparable(objectSeeds[0], n), maphash.Comparable(objectSeeds[1], n)}
}

// partKey names a part of an object; zero: its footer.
type partKey struct {
	kind               partKind
	group, leaf, index int
	column             string     // the name of the column in the file, or of the deletion vector
	as                 types.Type // the type that it is read as
}

// partKind says what a part is.
type partKind uint8

const (
	partFooter partKind = iota
	partDeletions
	partDictionary
	partPage
	partPageIndex
	partBloom
	partLookUps
)

type cacheEntry struct {
	key          cacheKey
	value        any
	bytes        int64
	older, newer *list.Element // the other parts of the object, by when they were put
}

// NewCache returns a cache of at most maxBytes, or of DefaultCacheBytes if that is 0.
func NewCache(maxBytes int64) *Cache {
	if maxBytes <= 0 {
		maxBytes = DefaultCacheBytes
	}
	return &Cache{max: maxBytes, order: list.New(), entries: map[cacheKey]*list.Element{}, objects: map[objectID]*list.Element{}}
}

// SizeBytes returns the memory that the cached values say they hold.
func (c *Cache) SizeBytes() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes
}

// Len returns the number of cached values.
func (c *Cache) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.order.Len()
}

// Lookups returns how often a value was found, and how often it was not, since the start.
func (c *Cache) Lookups() (hits, misses int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hits, c.misses
}

func (c *Cache) get(key cacheKey) (any, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[key]
	if !ok {
		c.misses++
		return nil, false
	}
	c.hits++
	c.order.MoveToFront(e)
	return entryOf(e).value, true
}

// entryBytes is about what an entry takes beside its value.
const entryBytes = 400

func (c *Cache) put(key cacheKey, value any, bytes int64) {
	bytes += entryBytes
	if bytes > c.max {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries[key]; ok {
		c.drop(e)
	}
	last := c.objects[key.object]
	e := c.order.PushFront(&cacheEntry{key: key, value: value, bytes: bytes, older: last})
	if last != nil {
		entryOf(last).newer = e
	}
	c.entries[key], c.objects[key.object] = e, e
	for c.bytes += bytes; c.bytes > c.max; {
		c.drop(c.order.Back())
	}
}

// cached returns the value of a key, which makeValue makes and sizes if it is not there.
func cached[T any](c *Cache, key cacheKey, makeValue func() (T, int64, error)) (T, error) {
	if v, ok := c.get(key); ok {
		if t, ok := v.(T); ok {
			return t, nil
		}
	}
	v, bytes, err := makeValue()
	if err == nil {
		c.put(key, v, bytes)
	}
	return v, err
}

func entryOf(e *list.Element) *cacheEntry {
	return e.Value.(*cacheEntry) //nolint:forcetypeassert // nothing else is in the list
}

func (c *Cache) drop(e *list.Element) {
	c.order.Remove(e)
	entry := entryOf(e)
	delete(c.entries, entry.key)
	c.bytes -= entry.bytes
	if entry.older != nil {
		entryOf(entry.older).newer = entry.newer
	}
	switch {
	case entry.newer != nil:
		entryOf(entry.newer).older = entry.older
	case entry.older != nil:
		c.objects[entry.key.object] = entry.older
	default:
		delete(c.objects, entry.key.object)
	}
}

// Forget drops what is kept of a data file, by where it lies, its bytes, and when it was written in milliseconds of the epoch.
func (c *Cache) Forget(store objstore.Store, key string, sizeBytes, modified int64) {
	id := objectName{store.URL(), key, sizeBytes, modified}.id()
	c.mu.Lock()
	defer c.mu.Unlock()
	for e := c.objects[id]; e != nil; e = c.objects[id] {
		c.drop(e)
	}
}
