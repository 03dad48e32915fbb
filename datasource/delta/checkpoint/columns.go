package checkpoint

import (
	"context"
	"slices"
	"strings"
	"unsafe"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// objectReader reads parts of one object.
type objectReader struct {
	store objstore.Store
	key   string
}

// ReadRange implements parquet.RangeReader.
func (r objectReader) ReadRange(ctx context.Context, off int64, p []byte) error {
	return r.store.GetRange(ctx, r.key, off, p)
}

// file is an open Parquet file of actions.
type file struct {
	*parquet.File
	key    string
	leaves []parquet.LeafInfo
}

func openFile(ctx context.Context, store objstore.Store, key string, sizeBytes int64) (*file, error) {
	f, err := parquet.Open(ctx, objectReader{store, key}, sizeBytes, parquet.OpenOptions{Path: key})
	if err != nil {
		return nil, err
	}
	return &file{f, key, f.Leaves()}, nil
}

// leaf returns the position of the column at a path, or -1.
func (f *file) leaf(path ...string) int {
	if i, ok := f.Leaf(path...); ok {
		return i
	}
	return -1
}

// mapLeaves returns the columns of a map's keys and values, whatever the name of the group between.
func (f *file) mapLeaves(path ...string) (key, value int) {
	key, value = -1, -1
	for i, l := range f.leaves {
		if len(l.Path) == len(path)+2 && slices.Equal(l.Path[:len(path)], path) && l.MaxRep == 1 {
			switch l.Path[len(path)+1] {
			case "key":
				key = i
			case "value":
				value = i
			}
		}
	}
	return key, value
}

// listLeaf returns the column of a list's elements, or -1.
func (f *file) listLeaf(path ...string) int {
	for i, l := range f.leaves {
		if n := len(l.Path) - len(path); (n == 1 || n == 2 || n == 0) && slices.Equal(l.Path[:len(path)], path) && l.MaxRep == 1 {
			return i
		}
	}
	return -1
}

// column is one leaf column of a row group, read row by row.
type column struct {
	values   *vector.Vector
	def, rep []uint8
	maxDef   uint8
	at       int // level
	value    int // value
}

// column reads a leaf; nil for position -1.
func (f *file) column(ctx context.Context, rg, leaf int) (*column, error) {
	if leaf < 0 {
		return nil, nil
	}
	c, err := f.ReadLeaf(ctx, rg, leaf)
	if err != nil {
		return nil, err
	}
	return &column{values: c.Values, def: c.Def, rep: c.Rep, maxDef: f.leaves[leaf].MaxDef}, nil
}

// next moves to the next level of a column and returns the position of its value; ok is false for NULL.
func (c *column) next() (value int, ok bool) {
	i := c.at
	c.at++
	if c.def != nil && c.def[i] != c.maxDef {
		return 0, false
	}
	c.value++
	return c.value - 1, true
}

// more reports whether the next level continues the current row.
func (c *column) more() bool { return c.at < len(c.rep) && c.rep[c.at] != 0 }

// text returns a value as a string that shares the column's memory.
func (c *column) text(value int) string {
	b := c.values.Bytes(value)
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// flat is a column without repetition that may be missing; a missing one is all NULL.
type flat struct{ *column }

// text returns the string of the next row.
func (c flat) text() (string, bool) {
	if c.column == nil {
		return "", false
	}
	v, ok := c.next()
	if !ok || c.values.Phys != types.PhysBytes {
		return "", false
	}
	return c.column.text(v), true
}

// str is text without sharing memory.
func (c flat) str() (string, bool) {
	s, ok := c.text()
	return string(append([]byte(nil), s...)), ok
}

func (c flat) strPtr() *string {
	if s, ok := c.str(); ok {
		return &s
	}
	return nil
}

// int returns the integer of the next row.
func (c flat) int() (int64, bool) {
	if c.column == nil {
		return 0, false
	}
	v, ok := c.next()
	if !ok || c.values.Phys != types.PhysI32 && c.values.Phys != types.PhysI64 {
		return 0, false
	}
	return c.values.Int(v), true
}

func (c flat) intPtr() *int64 {
	if n, ok := c.int(); ok {
		return &n
	}
	return nil
}

// bool returns the boolean of the next row, or what is to be had for NULL.
func (c flat) bool(absent bool) bool {
	if n, ok := c.int(); ok {
		return n != 0
	}
	return absent
}

// pairs is a map column.
type pairs struct{ keys, values *column }

// each calls f for the entries of the next row; the strings share the column's memory.
func (p pairs) each(f func(key, value string, null bool)) {
	if p.keys == nil {
		return
	}
	for {
		k, ok := p.keys.next()
		v, valid := 0, false
		if p.values != nil && p.values.at < len(p.values.def) {
			v, valid = p.values.next()
		}
		if ok {
			value := ""
			if valid {
				value = p.values.text(v)
			}
			f(p.keys.text(k), value, !valid)
		}
		if !p.keys.more() {
			return
		}
	}
}

// mapOf returns the next row as a map; nil for a NULL or missing map, which an empty one cannot be told from.
func (p pairs) mapOf() map[string]*string {
	var m map[string]*string
	p.each(func(key, value string, null bool) {
		if m == nil {
			m = map[string]*string{}
		}
		k := string(append([]byte(nil), key...))
		if null {
			m[k] = nil
			return
		}
		v := string(append([]byte(nil), value...))
		m[k] = &v
	})
	return m
}

// plain returns the next row as a map without NULLs, never nil.
func (p pairs) plain() map[string]string {
	m := map[string]string{}
	for k, v := range p.mapOf() {
		if v != nil {
			m[k] = *v
		}
	}
	return m
}

// list is a column of lists of strings.
type list struct{ *column }

// nextRow returns the next row, never nil: a NULL list and an empty one are the same here.
func (l list) nextRow() []string {
	out := []string{}
	if l.column == nil {
		return out
	}
	for {
		if v, ok := l.next(); ok {
			out = append(out, string(append([]byte(nil), l.text(v)...)))
		}
		if !l.more() {
			return out
		}
	}
}

// columnSet reads the columns of one kind of action in one row group.
type columnSet struct {
	ctx   context.Context
	f     *file
	rg    int
	ahead map[int]*column // read by prefetch
	err   error
}

// prefetch reads the columns of one kind of action at once, but for what is parsed from others of them.
func (s *columnSet) prefetch(kind string) {
	var leaves []int
	for i, l := range s.f.leaves {
		if l.Path[0] == kind && len(l.Path) > 1 && l.Path[1] != "stats_parsed" && l.Path[1] != "partitionValues_parsed" && l.Type.Kind != types.Invalid {
			leaves = append(leaves, i)
		}
	}
	columns := make([]*column, len(leaves))
	atOnce(len(leaves), func(i int) {
		if c, err := s.f.column(s.ctx, s.rg, leaves[i]); err == nil { // one that is needed is read again and fails then
			columns[i] = c
		}
	})
	s.ahead = map[int]*column{}
	for i, leaf := range leaves {
		s.ahead[leaf] = columns[i]
	}
}

func (s *columnSet) flat(path ...string) flat { return flat{s.read(s.f.leaf(path...))} }

func (s *columnSet) pairs(path ...string) pairs {
	k, v := s.f.mapLeaves(path...)
	p := pairs{s.read(k), s.read(v)}
	if p.keys != nil && p.values != nil && len(p.keys.def) != len(p.values.def) || !isText(p.keys) || !isText(p.values) {
		s.corrupt(path, "is no map of strings")
		return pairs{}
	}
	return p
}

func (s *columnSet) list(path ...string) list {
	c := s.read(s.f.listLeaf(path...))
	if c == nil {
		return list{}
	}
	if !isText(c) || c.def == nil {
		s.corrupt(path, "is no list of strings")
		return list{}
	}
	return list{c}
}

func isText(c *column) bool { return c == nil || c.values.Phys == types.PhysBytes }

func (s *columnSet) corrupt(path []string, reason string) {
	if s.err == nil {
		s.err = &action.CorruptionError{Path: s.f.key, Reason: "column " + join(path) + " " + reason}
	}
}

func join(path []string) string {
	var out strings.Builder
	for i, p := range path {
		if i > 0 {
			out.WriteString(".")
		}
		out.WriteString(p)
	}
	return out.String()
}

// read reads a leaf, nil if it is missing or after an error.
func (s *columnSet) read(leaf int) *column {
	if s.err != nil || leaf < 0 {
		return nil
	}
	if c := s.ahead[leaf]; c != nil {
		delete(s.ahead, leaf)
		return c
	}
	c, err := s.f.column(s.ctx, s.rg, leaf)
	if err != nil {
		s.err = err
		return nil
	}
	return c
}
