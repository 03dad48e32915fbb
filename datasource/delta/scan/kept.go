package scan

import (
	"sync"

	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/vector"
)

// lookUpCache keeps the dictionaries and decompressed pages of a file in the cache. It is for scans that read few rows of a
// row group: there they cost more than the rows. A scan of everything would only drive out what others need.
type lookUpCache struct {
	cache *Cache
	file  cacheKey
}

var (
	_ parquet.Dictionaries = lookUpCache{}
	_ parquet.Pages        = lookUpCache{}
)

func (c lookUpCache) dictionaryKey(k parquet.DictionaryKey) cacheKey {
	key := c.file
	key.part = partKey{kind: partDictionary, group: k.RowGroup, leaf: k.Leaf, as: k.Type}
	return key
}

// Dictionary implements parquet.Dictionaries.
func (c lookUpCache) Dictionary(k parquet.DictionaryKey) *vector.Vector {
	v, _ := c.cache.get(c.dictionaryKey(k))
	dict, _ := v.(*vector.Vector)
	return dict
}

// Keep implements parquet.Dictionaries.
func (c lookUpCache) Keep(k parquet.DictionaryKey, dict *vector.Vector) {
	c.cache.put(c.dictionaryKey(k), dict, int64(dict.SizeBytes()))
}

func (c lookUpCache) pageKey(k parquet.PageKey) cacheKey {
	key := c.file
	key.part = partKey{kind: partPage, group: k.RowGroup, leaf: k.Leaf, index: k.Number}
	return key
}

// Page implements parquet.Pages.
func (c lookUpCache) Page(k parquet.PageKey) *parquet.Page {
	v, _ := c.cache.get(c.pageKey(k))
	page, _ := v.(*parquet.Page)
	return page
}

// KeepPage implements parquet.Pages.
func (c lookUpCache) KeepPage(k parquet.PageKey, page *parquet.Page) {
	c.cache.put(c.pageKey(k), page, page.SizeBytes())
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
