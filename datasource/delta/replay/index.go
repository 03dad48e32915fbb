package replay

import (
	"hash/maphash"
	"math/bits"

	"github.com/featuresql/featuresql/datasource/delta/action"
)

var hashSeed = maphash.MakeSeed()

// pathIndex finds rows of a part by canonical path: open addressing over row numbers, four bytes a slot.
type pathIndex struct {
	slots []int32 // row+1; 0: free
	shift uint
}

func (p *part) buildIndex(root action.Root) {
	size := 1 << bits.Len(uint(p.n*2))
	p.index = pathIndex{slots: make([]int32, size), shift: uint(64 - bits.TrailingZeros(uint(size)))}
	for row := range p.n {
		h := maphash.String(hashSeed, root.CanonicalPath(p.paths.get(row))) >> p.index.shift
		for p.index.slots[h] != 0 {
			h = (h + 1) & uint64(size-1)
		}
		p.index.slots[h] = int32(row) + 1
	}
}

// find returns the rows with a canonical path.
func (p *part) find(root action.Root, path string) (rows []int32) {
	p.indexOnce.Do(func() { p.buildIndex(root) })
	mask := uint64(len(p.index.slots) - 1)
	h := maphash.String(hashSeed, path) >> p.index.shift
	for ; p.index.slots[h] != 0; h = (h + 1) & mask {
		row := p.index.slots[h] - 1
		if root.CanonicalPath(p.paths.get(int(row))) == path {
			rows = append(rows, row)
		}
	}
	return rows
}

// duplicate returns the path of a file that two rows of the parts name, or "".
func duplicate(parts []*part, root action.Root) string {
	n := 0
	for _, p := range parts {
		n += p.n
	}
	size := 1 << bits.Len(uint(n*2))
	shift, mask := uint(64-bits.TrailingZeros(uint(size))), uint64(size-1)
	slots := make([]uint32, size) // place+1; 0: free, for the place ^0 is never reached
	for k, p := range parts {
		for row := range p.n {
			path := root.CanonicalPath(p.paths.get(row))
			h := maphash.String(hashSeed, path) >> shift
			for ; slots[h] != 0; h = (h + 1) & mask {
				at := slots[h] - 1
				if root.CanonicalPath(parts[at>>16].paths.get(int(at&0xffff))) == path {
					return path
				}
			}
			slots[h] = place(k, row) + 1
		}
	}
	return ""
}
