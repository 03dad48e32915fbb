package replay

import (
	"math"
	"sync"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/engine/vector"
)

// A file is named by its place: part and row in the part, 16 bits each.
const (
	partRows      = 1 << 16
	maxParts      = 1 << 16
	partTextBytes = 1 << 30
	absent        = math.MinInt64 // of optional integers
)

// part holds up to partRows adds, column by column. It is immutable but for caches.
type part struct {
	n          int
	paths      texts // as in the log
	stats      *packed
	size       []int64
	bytes      int64 // sum of size
	modTime    []int64
	dataChange vector.Bitmap
	values     []*partitionColumn
	dvs        map[int32]*action.DeletionVectorDescriptor
	tags       *texts // JSON; nil: no add has tags
	baseRow    []int64
	rowVersion []int64
	clustering *partitionColumn

	indexOnce sync.Once
	index     pathIndex

	mu      sync.Mutex
	heads   *heads
	records int64 // sum of heads.records; -1: unknown
	columns map[columnKey]*partStats
}

// partitionColumn is the values of one key of partitionValues.
type partitionColumn struct {
	key   string
	codes []int32 // of dict, or one of the two below
	dict  []string
}

const (
	codeNull    = -1 // the key is there, its value is null
	codeMissing = -2 // the key is not there
)

// sumOf adds up a number of some rows; all is that of all rows.
func (p *part) sumOf(places []uint32, all int64, of func(row int) int64) int64 {
	if len(places) == p.n {
		return all
	}
	var sum int64
	for _, at := range places {
		sum += of(int(at & 0xffff))
	}
	return sum
}

// add rebuilds the action of a row.
func (p *part) add(row int) action.Add {
	a := action.Add{
		Path: p.paths.get(row), PartitionValues: map[string]*string{}, Size: p.size[row], ModificationTime: p.modTime[row],
		DataChange: p.dataChange.Get(row), Stats: p.stats.get(row), DeletionVector: p.dvs[int32(row)],
	}
	for _, c := range p.values {
		switch code := c.codes[row]; code {
		case codeMissing:
		case codeNull:
			a.PartitionValues[c.key] = nil
		default:
			v := c.dict[code]
			a.PartitionValues[c.key] = &v
		}
	}
	if p.tags != nil {
		if text := p.tags.get(row); text != "" {
			a.Tags, _ = action.ParseValues(text) // what the builder wrote
		}
	}
	if p.baseRow != nil && p.baseRow[row] != absent {
		v := p.baseRow[row]
		a.BaseRowID = &v
	}
	if p.rowVersion != nil && p.rowVersion[row] != absent {
		v := p.rowVersion[row]
		a.DefaultRowCommitVersion = &v
	}
	if p.clustering != nil && p.clustering.codes[row] >= 0 {
		a.ClusteringProvider = p.clustering.dict[p.clustering.codes[row]]
	}
	return a
}

// column returns the values of a key of partitionValues, nil if no add of the part has it.
func (p *part) column(key string) *partitionColumn {
	for _, c := range p.values {
		if c.key == key {
			return c
		}
	}
	return nil
}

func (p *part) sizeBytes() int64 {
	n := p.paths.sizeBytes() + p.stats.sizeBytes() + 24*int64(p.n)
	for _, c := range p.values {
		n += int64(len(c.codes)) * 4
		for _, s := range c.dict {
			n += int64(len(s)) + 16
		}
	}
	for _, d := range p.dvs {
		n += 120 + int64(len(d.PathOrInlineDV))
	}
	if p.tags != nil {
		n += p.tags.sizeBytes()
	}
	n += 8 * int64(len(p.baseRow)+len(p.rowVersion))
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.columns {
		n += c.sizeBytes()
	}
	return n
}

// Builder collects the adds of a file list, part by part.
type Builder struct {
	parts []*part
	cur   *partBuilder
	n     int
}

type partBuilder struct {
	part
	pathText, statsText, tagText textsBuilder
	hasTags                      bool
	columns                      []*columnBuilder
	clusteringCol                columnBuilder
}

// columnBuilder collects a partitionColumn; rows that it was not told of are missing.
type columnBuilder struct {
	partitionColumn
	seen map[string]int32
}

func (c *columnBuilder) put(row int, value string, null bool) {
	for len(c.codes) < row {
		c.codes = append(c.codes, codeMissing)
	}
	if null {
		c.codes = append(c.codes, codeNull)
		return
	}
	code, ok := c.seen[value]
	if !ok {
		if c.seen == nil {
			c.seen = map[string]int32{}
		}
		code = int32(len(c.dict))
		value = string(append([]byte(nil), value...)) // do not keep the text it is part of
		c.seen[value] = code
		c.dict = append(c.dict, value)
	}
	c.codes = append(c.codes, code)
}

func (c *columnBuilder) finish(n int) *partitionColumn {
	for len(c.codes) < n {
		c.codes = append(c.codes, codeMissing)
	}
	return &c.partitionColumn
}

// Len returns the number of adds so far.
func (b *Builder) Len() int { return b.n }

// Add appends an add without what the methods below set.
func (b *Builder) Add(path string, size, modificationTime int64, dataChange bool, stats string) {
	if b.cur == nil || b.cur.n == partRows || len(b.cur.pathText.data)+len(b.cur.statsText.data) > partTextBytes {
		b.flush()
		b.cur = &partBuilder{}
	}
	c := b.cur
	c.pathText.add(path)
	c.statsText.add(stats)
	if c.hasTags {
		c.tagText.add("")
	}
	c.size = append(c.size, size)
	c.modTime = append(c.modTime, modificationTime)
	if c.n&63 == 0 {
		c.dataChange = append(c.dataChange, 0)
	}
	if dataChange {
		c.dataChange.Set(c.n)
	}
	if c.baseRow != nil {
		c.baseRow = append(c.baseRow, absent)
	}
	if c.rowVersion != nil {
		c.rowVersion = append(c.rowVersion, absent)
	}
	c.n++
	b.n++
}

// Partition sets a partition value of the last add. Each key may be set once.
func (b *Builder) Partition(key, value string, null bool) {
	c := b.cur
	for _, col := range c.columns {
		if col.key == key {
			if len(col.codes) < c.n {
				col.put(c.n-1, value, null)
			}
			return
		}
	}
	col := &columnBuilder{partitionColumn: partitionColumn{key: key}}
	col.put(c.n-1, value, null)
	c.columns = append(c.columns, col)
}

// DeletionVector sets that of the last add.
func (b *Builder) DeletionVector(d *action.DeletionVectorDescriptor) {
	if d == nil {
		return
	}
	if b.cur.dvs == nil {
		b.cur.dvs = map[int32]*action.DeletionVectorDescriptor{}
	}
	b.cur.dvs[int32(b.cur.n-1)] = d
}

// Tags sets those of the last add.
func (b *Builder) Tags(tags map[string]*string) {
	if tags == nil {
		return
	}
	c := b.cur
	if !c.hasTags {
		c.hasTags = true
		for range c.n {
			c.tagText.add("")
		}
	}
	c.tagText.off = c.tagText.off[:c.n] // takes back the empty text of the last add
	c.tagText.add(string(action.AppendValues(nil, tags)))
}

// RowIDs sets baseRowId and defaultRowCommitVersion of the last add; nil: absent.
func (b *Builder) RowIDs(baseRowID, defaultRowCommitVersion *int64) {
	set := func(list *[]int64, v *int64) {
		if v == nil {
			return
		}
		for len(*list) < b.cur.n {
			*list = append(*list, absent)
		}
		(*list)[b.cur.n-1] = *v
	}
	set(&b.cur.baseRow, baseRowID)
	set(&b.cur.rowVersion, defaultRowCommitVersion)
}

// Clustering sets the clustering provider of the last add; empty: none.
func (b *Builder) Clustering(provider string) {
	if provider != "" {
		b.cur.clusteringCol.put(b.cur.n-1, provider, false)
	}
}

// Append appends a whole action.
func (b *Builder) Append(a *action.Add) {
	b.Add(a.Path, a.Size, a.ModificationTime, a.DataChange, a.Stats)
	for k, v := range a.PartitionValues {
		if v == nil {
			b.Partition(k, "", true)
			continue
		}
		b.Partition(k, *v, false)
	}
	b.DeletionVector(a.DeletionVector)
	b.Tags(a.Tags)
	b.RowIDs(a.BaseRowID, a.DefaultRowCommitVersion)
	b.Clustering(a.ClusteringProvider)
}

// flush finishes the current part.
func (b *Builder) flush() {
	c := b.cur
	b.cur = nil
	if c == nil || c.n == 0 {
		return
	}
	p := &part{
		n: c.n, paths: c.pathText.finish(), stats: pack(&c.statsText), size: c.size, modTime: c.modTime,
		dataChange: c.dataChange, dvs: c.dvs, baseRow: c.baseRow, rowVersion: c.rowVersion,
	}
	for _, n := range p.size {
		p.bytes += n
	}
	for _, col := range c.columns {
		p.values = append(p.values, col.finish(c.n))
	}
	if c.hasTags {
		t := c.tagText.finish()
		p.tags = &t
	}
	if c.clusteringCol.codes != nil {
		p.clustering = c.clusteringCol.finish(c.n)
	}
	b.parts = append(b.parts, p)
}

// Concat appends the adds of another builder, which must not be used afterwards. Small parts are joined.
func (b *Builder) Concat(o *Builder) {
	o.flush()
	for _, p := range o.parts {
		if p.n < smallPart {
			for row := range p.n {
				a := p.add(row)
				b.Append(&a)
			}
			continue
		}
		b.flush()
		b.parts = append(b.parts, p)
		b.n += p.n
	}
}
