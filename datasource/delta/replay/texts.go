package replay

import (
	"slices"
	"sync"
	"unsafe"

	"github.com/klauspost/compress/s2"
)

// texts is a list of strings in one piece of memory.
type texts struct {
	data string
	off  []uint32 // one more than there are strings
}

func (t *texts) get(i int) string { return t.data[t.off[i]:t.off[i+1]] }

func (t *texts) sizeBytes() int64 { return int64(len(t.data)) + 4*int64(len(t.off)) }

// textsBuilder collects strings; their sum must stay below 4 GiB.
type textsBuilder struct {
	data []byte
	off  []uint32
}

func (b *textsBuilder) add(s string) {
	if len(b.off) == 0 {
		b.off = append(b.off, 0)
	}
	if cap(b.data)-len(b.data) < len(s) { // append grows big slices too slowly
		bigger := make([]byte, len(b.data), 2*cap(b.data)+len(s)+1024)
		copy(bigger, b.data)
		b.data = bigger
	}
	b.data = append(b.data, s...)
	b.off = append(b.off, uint32(len(b.data)))
}

func (b *textsBuilder) finish() texts {
	if len(b.off) == 0 {
		b.off = []uint32{0}
	}
	return texts{string(b.data), slices.Clip(b.off)}
}

// packedRows is how many strings are compressed together: enough to find their common text, few enough that
// one of them is cheap to get.
const packedRows = 128

// packed is a list of strings, compressed in blocks: the statistics of files, which are read rarely and
// resemble each other.
type packed struct {
	plain  texts    // the strings, unless they were compressed
	blocks [][]byte // compressed
	off    []uint32 // offsets within the uncompressed block; packedRows+1 a block

	mu   sync.Mutex
	last int // the block that is in text
	text string
}

// compressAbove is the size in bytes from which a list is compressed.
const compressAbove = 1 << 18

func pack(t *textsBuilder) *packed {
	p := &packed{last: -1}
	if len(t.data) < compressAbove {
		p.plain = t.finish()
		return p
	}
	n := len(t.off) - 1
	var buf []byte
	for from := 0; from < n; from += packedRows {
		to := min(from+packedRows, n)
		base := t.off[from]
		block := t.data[base:t.off[to]]
		if most := s2.MaxEncodedLen(len(block)); len(buf) < most {
			buf = make([]byte, most)
		}
		p.blocks = append(p.blocks, slices.Clone(s2.Encode(buf, block)))
		for i := from; i <= to; i++ {
			p.off = append(p.off, t.off[i]-base)
		}
	}
	return p
}

// get returns string i.
func (p *packed) get(i int) string {
	if p.blocks == nil {
		return p.plain.get(i)
	}
	block := i / packedRows
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last != block {
		p.text, p.last = string(p.unpack(nil, block)), block
	}
	return p.cut(p.text, i)
}

func (p *packed) cut(text string, i int) string {
	k := i/packedRows*(packedRows+1) + i%packedRows
	return text[p.off[k]:p.off[k+1]]
}

// unpack decompresses a block into buf if that is large enough.
func (p *packed) unpack(buf []byte, block int) []byte {
	text, err := s2.Decode(buf[:cap(buf)], p.blocks[block])
	if err != nil {
		panic("replay: a block of statistics compressed here does not decompress: " + err.Error())
	}
	return text
}

// each calls f for the strings in order; f must not keep them.
func (p *packed) each(n int, f func(i int, s string)) {
	var buf []byte
	text := ""
	for i := range n {
		if p.blocks == nil {
			f(i, p.plain.get(i))
			continue
		}
		if i%packedRows == 0 {
			buf = p.unpack(buf, i/packedRows)
			text = unsafe.String(unsafe.SliceData(buf), len(buf)) // until the next block
		}
		f(i, p.cut(text, i))
	}
}

func (p *packed) sizeBytes() int64 {
	n := p.plain.sizeBytes() + 4*int64(len(p.off))
	for _, b := range p.blocks {
		n += int64(len(b)) + 16
	}
	return n
}
