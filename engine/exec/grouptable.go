package exec

import (
	"bytes"
	"math/bits"
)

// groupTable is a hash table from keys to groups. Group g (from 1 on) lies in one row of words: its key, then
// whatever the owner keeps there; row 0 is a dummy, so that an empty slot needs no branch.
//
// A slot holds the upper half of the key's hash and the group. It is found by the hash's upper bits, so slots
// are ordered by hash: growing is a sequential copy that touches no row, and a partition by hash is a range.
type groupTable struct {
	codec  *keyCodec
	slots  []uint64
	shift  uint // 64 - log2(len(slots))
	rows   []uint64
	stride int // words a row
	n      int // rows, the dummy included
	arena  []byte
	null   uint32 // group of the NULL key of a single-word codec, or 0
}

// In bytes mode a row's key is two words: the position in the arena, and the length (upper half) beside the
// lower half of the hash.
func (c *keyCodec) rowWords() int {
	if c.words == 0 {
		return 2
	}
	return c.words
}

func newGroupTable(c *keyCodec, extraWords int) *groupTable {
	t := &groupTable{codec: c, stride: c.rowWords() + extraWords, n: 1}
	t.rows = make([]uint64, t.stride)
	t.resize(10)
	return t
}

func (t *groupTable) resize(lg int) {
	old := t.slots
	t.slots = make([]uint64, 1<<lg)
	t.shift = uint(64 - lg)
	mask := len(t.slots) - 1
	for _, s := range old {
		if s == 0 {
			continue
		}
		p := int(s >> t.shift)
		for t.slots[p] != 0 {
			p = (p + 1) & mask
		}
		t.slots[p] = s
	}
}

// sizeBytes is the memory of the table.
func (t *groupTable) sizeBytes() int64 {
	return int64(cap(t.slots)*8 + cap(t.rows)*8 + cap(t.arena))
}

// reserve makes room for n more groups, so that probing needs no growth check.
func (t *groupTable) reserve(n int) {
	if need := (t.n + n) * 2; need > len(t.slots) {
		lg := max(bits.Len(uint(need-1)), 64-int(t.shift)+1)
		if t.n > 4*n {
			lg++
		}
		t.resize(lg)
	}
	if need := (t.n + n) * t.stride; need > cap(t.rows) {
		r := make([]uint64, len(t.rows), max(need, 2*cap(t.rows)))
		copy(r, t.rows)
		t.rows = r
	}
}

// clear empties the table and keeps its memory.
func (t *groupTable) clear() {
	clear(t.slots)
	t.n, t.null, t.arena = 1, 0, t.arena[:0]
	t.rows = t.rows[:t.stride]
}

// groups finds or makes the group of each key of b.
func (t *groupTable) groups(b *keyBatch, gid []uint32) {
	if b.n == 0 {
		return
	}
	t.reserve(b.n + 1)
	gid = gid[:b.n]
	switch {
	case t.codec.words == 1:
		t.groupsWord(b, gid)
	case t.codec.words > 1:
		t.groupsWords(b, gid)
	default:
		t.groupsBytes(b, gid)
	}
	if len(b.nulls) == 0 {
		return
	}
	if t.null == 0 {
		t.null = t.addRow()
	}
	for _, k := range b.nulls {
		gid[k] = t.null
	}
}

// addRow appends a row of zeros; reserve has made room.
func (t *groupTable) addRow() uint32 {
	g := uint32(t.n)
	t.n++
	at := len(t.rows)
	t.rows = t.rows[:at+t.stride]
	clear(t.rows[at:])
	return g
}

// groupsWord probes in stages, so that the cache misses of a batch overlap: load the first slots, load the
// candidates' keys, compare; what differs takes the scalar path. Runs of one key are probed once.
func (t *groupTable) groupsWord(b *keyBatch, gid []uint32) {
	keys, hashes := b.words[:len(gid)], b.hashes[:len(gid)]
	if len(b.nulls) == b.n {
		return
	}
	changes := 0
	for i := 1; i < len(keys); i++ {
		if keys[i] != keys[i-1] {
			changes++
		}
	}
	if len(b.nulls) > 0 {
		t.groupsWordNulls(b, gid)
		return
	}
	if changes*2 < len(keys) {
		g, prev := t.probeWord(keys[0], hashes[0]), keys[0]
		for i, k := range keys {
			if k != prev {
				g, prev = t.probeWord(k, hashes[i]), k
			}
			gid[i] = g
		}
		return
	}
	t.candidates(hashes, gid)
	rows, stride := t.rows, t.stride
	for i, k := range keys {
		g := gid[i]
		// Rows made in this loop are beyond the old end of rows: they were no candidates then.
		if g != 0 && rows[int(g)*stride] == k {
			continue
		}
		gid[i] = t.probeWord(k, hashes[i])
	}
}

// candidates sets gid to the first group whose salt is that of the hash, 0 if there is none.
func (t *groupTable) candidates(hashes []uint64, gid []uint32) {
	slots, shift := t.slots, t.shift
	mask := len(slots) - 1
	hashes = hashes[:len(gid)]
	for i, h := range hashes { // no branches: the cache misses overlap
		gid[i] = uint32(slots[h>>shift])
	}
	for i, h := range hashes {
		p := int(h >> shift)
		s := slots[p]
		for s != 0 && (s^h)>>32 != 0 {
			p = (p + 1) & mask
			s = slots[p]
		}
		gid[i] = uint32(s)
	}
}

func (t *groupTable) groupsWordNulls(b *keyBatch, gid []uint32) {
	for i, k := range b.words[:len(gid)] {
		if !b.isNull[i] {
			gid[i] = t.probeWord(k, b.hashes[i])
		}
	}
}

func (t *groupTable) probeWord(k, h uint64) uint32 {
	mask := len(t.slots) - 1
	p := int(h >> t.shift)
	for {
		s := t.slots[p]
		if s == 0 {
			g := t.addRow()
			t.rows[int(g)*t.stride] = k
			t.slots[p] = h&^0xffffffff | uint64(g)
			return g
		}
		if (s^h)>>32 == 0 && t.rows[int(uint32(s))*t.stride] == k {
			return uint32(s)
		}
		p = (p + 1) & mask
	}
}

func (t *groupTable) groupsWords(b *keyBatch, gid []uint32) {
	w := t.codec.words
	t.candidates(b.hashes, gid)
	rows, stride := t.rows, t.stride
	for i, g := range gid {
		key := b.words[i*w : (i+1)*w]
		if g != 0 && equalWords(rows[int(g)*stride:], key) {
			continue
		}
		gid[i] = t.probeWords(key, b.hashes[i])
	}
}

func equalWords(row, key []uint64) bool {
	row = row[:len(key)]
	for i, k := range key {
		if row[i] != k {
			return false
		}
	}
	return true
}

func (t *groupTable) probeWords(key []uint64, h uint64) uint32 {
	mask := len(t.slots) - 1
	p := int(h >> t.shift)
	for {
		s := t.slots[p]
		if s == 0 {
			g := t.addRow()
			copy(t.rows[int(g)*t.stride:], key)
			t.slots[p] = h&^0xffffffff | uint64(g)
			return g
		}
		if (s^h)>>32 == 0 && equalWords(t.rows[int(uint32(s))*t.stride:], key) {
			return uint32(s)
		}
		p = (p + 1) & mask
	}
}

func (t *groupTable) groupsBytes(b *keyBatch, gid []uint32) {
	t.candidates(b.hashes, gid)
	for i, g := range gid {
		key := b.row(i)
		if g == 0 || !t.sameBytes(g, key, b.hashes[i]) {
			gid[i] = t.probeBytes(key, b.hashes[i])
		}
	}
}

func (t *groupTable) sameBytes(g uint32, key []byte, h uint64) bool {
	row := t.rows[int(g)*t.stride:]
	return row[1] == uint64(len(key))<<32|h&0xffffffff && bytes.Equal(t.arena[row[0]:row[0]+uint64(len(key))], key)
}

func (t *groupTable) probeBytes(key []byte, h uint64) uint32 {
	mask := len(t.slots) - 1
	p := int(h >> t.shift)
	for {
		s := t.slots[p]
		if s == 0 {
			g := t.addRow()
			row := t.rows[int(g)*t.stride:]
			row[0], row[1] = uint64(len(t.arena)), uint64(len(key))<<32|h&0xffffffff
			t.arena = append(t.arena, key...)
			t.slots[p] = h&^0xffffffff | uint64(g)
			return g
		}
		if (s^h)>>32 == 0 && t.sameBytes(uint32(s), key, h) {
			return uint32(s)
		}
		p = (p + 1) & mask
	}
}

// find looks up the keys of b without adding any: gid 0 means that there is no such group.
func (t *groupTable) find(b *keyBatch, gid []uint32) {
	gid = gid[:b.n]
	t.candidates(b.hashes, gid)
	for i, g := range gid {
		if g != 0 && !t.same(b, i, g) {
			gid[i] = t.findSlow(b, i)
		}
	}
	for _, k := range b.nulls {
		gid[k] = 0
	}
}

func (t *groupTable) same(b *keyBatch, i int, g uint32) bool {
	switch w := t.codec.words; w {
	case 0:
		return t.sameBytes(g, b.row(i), b.hashes[i])
	case 1:
		return t.rows[int(g)*t.stride] == b.words[i]
	default:
		return equalWords(t.rows[int(g)*t.stride:], b.words[i*w:(i+1)*w])
	}
}

func (t *groupTable) findSlow(b *keyBatch, i int) uint32 {
	h := b.hashes[i]
	mask := len(t.slots) - 1
	for p := int(h >> t.shift); ; p = (p + 1) & mask {
		s := t.slots[p]
		if s == 0 {
			return 0
		}
		if (s^h)>>32 == 0 && t.same(b, i, uint32(s)) {
			return uint32(s)
		}
	}
}

// keyBytes returns the key of group g in bytes mode.
func (t *groupTable) keyBytes(g uint32) []byte {
	row := t.rows[int(g)*t.stride:]
	return t.arena[row[0] : row[0]+row[1]>>32]
}

// partition appends the groups whose hash has the upper bits part, of 1<<lg parts (lg at most 16), in slot
// order, with the upper halves of their hashes. The NULL group belongs to part 0.
func (t *groupTable) partition(part, lg int, out []uint32, salts []uint32) ([]uint32, []uint32) {
	if part == 0 && t.null != 0 {
		out, salts = append(out, t.null), append(salts, 0)
	}
	bitsOf := 64 - int(t.shift)
	if bitsOf < lg || lg == 0 {
		return t.partitionAll(part, lg, out, salts)
	}
	lo, hi := part<<(bitsOf-lg), (part+1)<<(bitsOf-lg)
	mask := len(t.slots) - 1
	for p := lo; ; p++ {
		s := t.slots[p&mask]
		if s == 0 {
			if p >= hi {
				return out, salts
			}
			continue
		}
		if int(s>>(64-lg)) == part {
			out, salts = append(out, uint32(s)), append(salts, uint32(s>>32))
		}
	}
}

func (t *groupTable) partitionAll(part, lg int, out []uint32, salts []uint32) ([]uint32, []uint32) {
	for _, s := range t.slots {
		if s != 0 && int(s>>(64-lg)) == part {
			out, salts = append(out, uint32(s)), append(salts, uint32(s>>32))
		}
	}
	return out, salts
}

// keysOf fills b with the keys of groups of t; NULL groups are marked. salts are the upper halves of the
// hashes, as partition returns them.
func (t *groupTable) keysOf(b *keyBatch, groups, salts []uint32) {
	b.n = len(groups)
	for _, k := range b.nulls {
		b.isNull[k] = false
	}
	b.nulls = b.nulls[:0]
	if len(b.isNull) < b.n {
		b.isNull = make([]bool, b.n)
	}
	b.hashes = resize(b.hashes, b.n)
	w := t.codec.words
	if w == 0 {
		b.off, b.buf = append(b.off[:0], 0), b.buf[:0]
		for k, g := range groups {
			b.buf = append(b.buf, t.keyBytes(g)...)
			b.off = append(b.off, int32(len(b.buf)))
			b.hashes[k] = uint64(salts[k])<<32 | t.rows[int(g)*t.stride+1]&0xffffffff
		}
		return
	}
	b.words = resize(b.words, b.n*w)
	for k, g := range groups {
		copy(b.words[k*w:(k+1)*w], t.rows[int(g)*t.stride:])
		if g == t.null && t.null != 0 {
			b.isNull[k] = true
			b.nulls = append(b.nulls, uint16(k))
		}
	}
	t.codec.hash(b)
}
