package scan

import (
	"fmt"
	"sync"

	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/vector"
)

// cachedDictionaries keep the dictionaries of a file in the cache. It is for scans that read few rows of a
// row group: there a dictionary costs more than the rows. A scan of everything would only drive out what others need.
type cachedDictionaries struct {
	cache *Cache
	file  cacheKey
}

var _ parquet.Dictionaries = cachedDictionaries{}

func (d cachedDictionaries) key(k parquet.DictionaryKey) cacheKey {
	key := d.file
	key.part = fmt.Sprintf("dictionary %d %d %s", k.RowGroup, k.Leaf, k.Type)
	return key
}

// Dictionary implements parquet.Dictionaries.
func (d cachedDictionaries) Dictionary(k parquet.DictionaryKey) *vector.Vector {
	v, ok := d.cache.get(d.key(k))
	if !ok {
		return nil
	}
	dict, _ := v.(*vector.Vector)
	return dict
}

// Keep implements parquet.Dictionaries.
func (d cachedDictionaries) Keep(k parquet.DictionaryKey, dict *vector.Vector) {
	d.cache.put(d.key(k), dict, int64(dict.SizeBytes()))
}

// sharedDictionaries keep the dictionaries of a row group that several morsels make up, until the last of them is done.
type sharedDictionaries struct {
	mu      sync.Mutex
	morsels int // not done yet
	kept    map[parquet.DictionaryKey]*vector.Vector
}

var _ parquet.Dictionaries = (*sharedDictionaries)(nil)

// Dictionary implements parquet.Dictionaries.
func (d *sharedDictionaries) Dictionary(k parquet.DictionaryKey) *vector.Vector {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.kept[k]
}

// Keep implements parquet.Dictionaries.
func (d *sharedDictionaries) Keep(k parquet.DictionaryKey, dict *vector.Vector) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.morsels < 2 {
		return // nobody comes after the last one
	}
	if d.kept == nil {
		d.kept = map[parquet.DictionaryKey]*vector.Vector{}
	}
	d.kept[k] = dict
}

// done says that a morsel is read, or that nothing is read of it.
func (d *sharedDictionaries) done() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.morsels--; d.morsels <= 0 {
		d.kept = nil
	}
}
