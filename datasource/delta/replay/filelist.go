package replay

import (
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/skipping"
)

// FileList is the live files of one version of a table, in the order in which they were added. A file is
// named by its ordinal, from 0 to Len-1, which means the same file only within one FileList. A FileList is immutable and
// may be used by any number of goroutines.
//
// It implements skipping.Stats: the units are files, columns are positions in the schema, partition
// columns among them. Prune does the same without gathering columns, which parts share from version to version.
type FileList struct {
	layout *Layout
	root   action.Root
	parts  []*part
	live   []uint32 // places of the live files, ascending
	bytes  int64    // sum of the files' sizes

	mu      sync.Mutex
	columns []*columnSlot
	records []int64
}

var _ skipping.Stats = (*FileList)(nil)

// columnSlot is the assembled statistics of one column.
type columnSlot struct {
	once  sync.Once
	stats *skipping.ColumnStats
}

func place(part, row int) uint32 { return uint32(part)<<16 | uint32(row) }

func newFileList(layout *Layout, root action.Root, parts []*part, live []uint32) *FileList {
	l := &FileList{layout: layout, root: root, parts: parts, live: live}
	l.columns = make([]*columnSlot, len(layout.Columns))
	for i := range l.columns {
		l.columns[i] = &columnSlot{}
	}
	for p, rows := range l.byPart() {
		l.bytes += p.sumOf(rows, p.bytes, func(row int) int64 { return p.size[row] })
	}
	return l
}

// Files finishes the list. The adds must differ in path and deletion vector.
func (b *Builder) Files(layout *Layout, root action.Root) (*FileList, error) {
	b.flush()
	if len(b.parts) > maxParts {
		return nil, fmt.Errorf("table has %d files, more than supported", b.n)
	}
	live := make([]uint32, 0, b.n)
	for i, p := range b.parts {
		for row := range p.n {
			live = append(live, place(i, row))
		}
	}
	return newFileList(layout, root, b.parts, live), nil
}

// byPart yields the parts that have live files, and the places of those.
func (l *FileList) byPart() iter.Seq2[*part, []uint32] {
	return func(yield func(*part, []uint32) bool) {
		for rest := l.live; len(rest) > 0; {
			k := rest[0] >> 16
			n, _ := slices.BinarySearch(rest, (k+1)<<16)
			if k == maxParts-1 {
				n = len(rest)
			}
			if !yield(l.parts[k], rest[:n]) {
				return
			}
			rest = rest[n:]
		}
	}
}

func (l *FileList) at(i int) (*part, int) {
	at := l.live[i]
	return l.parts[at>>16], int(at & 0xffff)
}

// Len returns the number of live files.
func (l *FileList) Len() int { return len(l.live) }

// Layout returns the columns to which Column, PartitionValue and the statistics refer.
func (l *FileList) Layout() *Layout { return l.layout }

// TotalBytes returns the sum of the sizes of the files.
func (l *FileList) TotalBytes() int64 { return l.bytes }

// Path returns the key of a file relative to the table's root, decoded, or an absolute URL (action.CanonicalPath).
func (l *FileList) Path(i int) string {
	p, row := l.at(i)
	return l.root.CanonicalPath(p.paths.get(row))
}

// Size returns the size of a file in bytes.
func (l *FileList) Size(i int) int64 {
	p, row := l.at(i)
	return p.size[row]
}

// ModificationTime returns when the file was made, in milliseconds since 1970.
func (l *FileList) ModificationTime(i int) int64 {
	p, row := l.at(i)
	return p.modTime[row]
}

// DeletionVector returns the descriptor of the file's deletion vector, or nil. It must not be changed.
func (l *FileList) DeletionVector(i int) *action.DeletionVectorDescriptor {
	p, row := l.at(i)
	return p.dvs[int32(row)]
}

// DeletedRows returns the number of rows that the file's deletion vector deletes; 0 without one.
func (l *FileList) DeletedRows(i int) int64 {
	if d := l.DeletionVector(i); d != nil {
		return d.Cardinality
	}
	return 0
}

// HasDeletionVectors reports whether any live file has one.
func (l *FileList) HasDeletionVectors() bool {
	for k, p := range l.parts {
		for row := range p.dvs {
			if _, ok := slices.BinarySearch(l.live, place(k, int(row))); ok {
				return true
			}
		}
	}
	return false
}

// Add rebuilds the whole action of a file, byte for byte in its strings, for rewrites.
func (l *FileList) Add(i int) action.Add {
	p, row := l.at(i)
	return p.add(row)
}

// StatsJSON returns the statistics of a file as they are in the log; empty: none.
func (l *FileList) StatsJSON(i int) string {
	p, row := l.at(i)
	return p.stats.get(row)
}

// PartitionText returns the serialized partition value of a file for a column; null is also true for a file
// without a value.
func (l *FileList) PartitionText(i, column int) (value string, null bool) {
	p, row := l.at(i)
	c := p.column(l.layout.Columns[column].Physical)
	if c == nil || c.codes[row] < 0 {
		return "", true
	}
	return c.dict[c.codes[row]], false
}

// PartitionValue returns the value of a file in a partition column, in the column's type. Error: *PartitionValueError.
func (l *FileList) PartitionValue(i, column int) (types.Value, error) {
	c := &l.layout.Columns[column]
	text, null := l.PartitionText(i, column)
	if null {
		return types.NullOf(c.Type), nil
	}
	v, err := ParsePartitionValue(text, c.Type)
	if err != nil {
		return v, &PartitionValueError{Path: l.Path(i), Column: c.Name, Value: text, Type: c.Type}
	}
	return v, nil
}

// PartitionValueError says that a partition value is no value of its column's type.
type PartitionValueError struct {
	Path   string
	Column string
	Value  string
	Type   types.Type
}

func (e *PartitionValueError) Error() string {
	return fmt.Sprintf("file %s: partition value %q of column %s is no %s", e.Path, e.Value, e.Column, e.Type)
}

// Find returns the ordinal of the file with the given canonical path and unique id of its deletion vector.
func (l *FileList) Find(path, dvID string) (i int, ok bool) {
	for k := len(l.parts) - 1; k >= 0; k-- {
		for _, row := range l.parts[k].find(l.root, path) {
			if l.parts[k].dvs[row].UniqueID() != dvID {
				continue
			}
			if i, ok := slices.BinarySearch(l.live, place(k, int(row))); ok {
				return i, true
			}
		}
	}
	return 0, false
}

// FindPath returns the ordinal of the file with the given canonical path, whatever its deletion vector.
func (l *FileList) FindPath(path string) (i int, ok bool) {
	for k := len(l.parts) - 1; k >= 0; k-- {
		for _, row := range l.parts[k].find(l.root, path) {
			if i, ok := slices.BinarySearch(l.live, place(k, int(row))); ok {
				return i, true
			}
		}
	}
	return 0, false
}

// CanonicalPath brings the path of an action to the form of Path.
func (l *FileList) CanonicalPath(path string) string { return l.root.CanonicalPath(path) }

// SizeBytes is the memory the list holds, approximately; parts that it shares with other lists count in full.
func (l *FileList) SizeBytes() int64 {
	n := int64(len(l.live)) * 4
	for _, p := range l.parts {
		n += p.sizeBytes()
	}
	return n
}

// With returns the list without the files removed (ordinals) and with others added behind.
func (l *FileList) With(removed []int, added []action.Add) (*FileList, error) {
	return l.change(l.layout, removed, func(b *Builder) {
		for i := range added {
			b.Append(&added[i])
		}
	})
}

// smallPart is the number of rows from which on a part is not written anew together with what follows it.
const smallPart = 4096

// change returns a list of another layout, without some files and with those that add appends. It may call add twice.
func (l *FileList) change(layout *Layout, removed []int, add func(*Builder)) (*FileList, error) {
	kept, err := l.without(removed)
	if err != nil {
		return nil, err
	}
	parts := slices.Clip(l.parts)
	rows := 0
	for _, p := range parts {
		rows += p.n
	}
	b, first := appended(add), 0
	if rows <= 2*len(kept)+smallPart { // else more are dead than alive, and everything is written anew
		first = mergeFrom(parts, b.parts)
	}
	if first < len(parts) {
		cut, _ := slices.BinarySearch(kept, place(first, 0))
		b = appended(func(b *Builder) {
			rebuild(b, parts, kept[cut:])
			add(b)
		})
		parts, kept = parts[:first:first], kept[:cut]
	}
	for _, p := range b.parts {
		k := len(parts)
		parts = append(parts, p)
		for row := range p.n {
			kept = append(kept, place(k, row))
		}
	}
	if len(parts) > maxParts {
		return nil, fmt.Errorf("table has too many files")
	}
	return newFileList(layout, l.root, parts, kept), nil
}

// without returns the places of the files that are left without some, in memory of its own.
func (l *FileList) without(removed []int) ([]uint32, error) {
	if len(removed) == 0 {
		return slices.Clone(l.live), nil
	}
	gone := vector.NewBitmap(len(l.live))
	for _, i := range removed {
		if i < 0 || i >= len(l.live) {
			return nil, fmt.Errorf("file %d of %d", i, len(l.live))
		}
		gone.Set(i)
	}
	kept := make([]uint32, 0, len(l.live))
	for i, at := range l.live {
		if !gone.Get(i) {
			kept = append(kept, at)
		}
	}
	return kept, nil
}

// mergeFrom returns the first of the parts that are written anew together with those added, len(parts) for none: small ones that
// have no more rows than what follows them. So a row is written anew a few times, not once a commit, and parts stay few.
func mergeFrom(parts, added []*part) int {
	behind := 0
	for _, p := range added {
		behind += p.n
	}
	first := len(parts)
	for first > 0 && parts[first-1].n < smallPart && parts[first-1].n <= behind {
		first--
		behind += parts[first].n
	}
	return first
}

func appended(add func(*Builder)) *Builder {
	b := &Builder{}
	add(b)
	b.flush()
	return b
}

func rebuild(b *Builder, parts []*part, places []uint32) {
	for _, at := range places {
		a := parts[at>>16].add(int(at & 0xffff))
		b.Append(&a)
	}
}
