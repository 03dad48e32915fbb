package agg

import (
	"bytes"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/featuresql/featuresql/engine/exec/sortkey"
	"github.com/featuresql/featuresql/engine/vector"
)

// warnCut is MySQL's ER_CUT_VALUE_GROUP_CONCAT.
const warnCut = 1260

// concat is GROUP_CONCAT. State: none in the table; a list of entries a group beside it.
type concat struct {
	spec  *Spec
	texts int  // arguments that are text; the rest are sort keys
	parts bool // an entry's text is that of each argument, behind its length: DISTINCT tells ('a', 'bc') from ('ab', 'c')
	lists [][]concatEntry
	arena []byte // of the current block
	bytes int64
	key   []byte
}

// concatEntry is the text of one row and its sort key, both in blocks that never move.
type concatEntry struct{ text, key []byte }

const (
	concatBlock     = 64 << 10
	concatEntrySize = 48
)

func newConcat(spec *Spec) *concat {
	texts := len(spec.Args) - len(spec.Order)
	return &concat{spec: spec, texts: texts, parts: spec.Distinct && texts > 1}
}

func (f *concat) Words() int { return 0 }

func (f *concat) SizeBytes() int64 { return f.bytes + int64(cap(f.lists)*24) }

// keep copies b into the arena.
func (f *concat) keep(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	if cap(f.arena)-len(f.arena) < len(b) {
		size := max(concatBlock, len(b))
		if f.bytes < concatBlock {
			size = max(1<<10, len(b))
		}
		f.arena = make([]byte, 0, size)
		f.bytes += int64(size)
	}
	at := len(f.arena)
	f.arena = append(f.arena, b...)
	return f.arena[at:len(f.arena):len(f.arena)]
}

func (f *concat) push(g uint32, e concatEntry) {
	for int(g) >= len(f.lists) {
		f.lists = append(f.lists, nil)
	}
	old := cap(f.lists[g])
	f.lists[g] = append(f.lists[g], e)
	f.bytes += int64(cap(f.lists[g])-old) * concatEntrySize
}

func (f *concat) Update(_ Table, in *Input) error {
rows:
	for k := range in.N {
		f.key = f.key[:0]
		for _, a := range in.Args[:f.texts] {
			i := a.row(k)
			if a.v.IsNull(i) {
				continue rows
			}
			if f.parts {
				f.key = appendSized(f.key, a.v.Bytes(i))
			} else {
				f.key = append(f.key, a.v.Bytes(i)...)
			}
		}
		e := concatEntry{text: f.keep(f.key)}
		f.key = f.key[:0]
		for j, a := range in.Args[f.texts:] {
			f.key = sortkey.Append(f.key, a.v, a.row(k), f.spec.Order[j])
		}
		e.key = f.keep(f.key)
		f.push(groupOf(in.Groups, k), e)
	}
	return nil
}

func (f *concat) Merge(_ Table, into []uint32, src Func, _ Table, from []uint32) error {
	s := src.(*concat)
	for i, g := range into {
		if int(from[i]) >= len(s.lists) {
			continue
		}
		for _, e := range s.lists[from[i]] {
			f.push(g, concatEntry{text: f.keep(e.text), key: f.keep(e.key)})
		}
	}
	return nil
}

func (f *concat) Result(_ Table, groups []uint32, out *vector.Vector) error {
	cut := 0
	for i, g := range groups {
		var list []concatEntry
		if int(g) < len(f.lists) {
			list = f.lists[g]
		}
		if len(list) == 0 {
			out.SetNull(i)
		} else if f.join(list, out) {
			cut++
		}
		out.Off = append(out.Off, int32(len(out.Data)))
	}
	if cut > 0 && f.spec.Warn != nil {
		f.spec.Warn(warnCut, fmt.Sprintf("%d line(s) were cut by GROUP_CONCAT()", cut))
	}
	return nil
}

// join appends the group's text and reports whether it was cut.
func (f *concat) join(list []concatEntry, out *vector.Vector) bool {
	if len(f.spec.Order) > 0 {
		slices.SortStableFunc(list, func(a, b concatEntry) int { return bytes.Compare(a.key, b.key) })
	}
	var seen map[string]bool
	if f.spec.Distinct {
		seen = make(map[string]bool, len(list))
	}
	start, first := len(out.Data), true
	for _, e := range list {
		if seen != nil {
			if seen[string(e.text)] {
				continue
			}
			seen[string(e.text)] = true
		}
		if !first {
			out.Data = append(out.Data, f.spec.Separator...)
		}
		first = false
		out.Data = f.appendText(out.Data, e)
		if limit := f.spec.MaxLenBytes; limit > 0 && len(out.Data)-start > limit {
			end := start + limit
			for end > start && !utf8.RuneStart(out.Data[end]) {
				end--
			}
			out.Data = out.Data[:end]
			return true
		}
	}
	return false
}

// appendText appends the text of an entry.
func (f *concat) appendText(dst []byte, e concatEntry) []byte {
	if !f.parts {
		return append(dst, e.text...)
	}
	for rest := e.text; len(rest) > 0; {
		part, after, _ := cutSized(rest) // as Update has put them
		dst, rest = append(dst, part...), after
	}
	return dst
}
