package exec

import (
	"sort"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// frameCursor finds the frames of the rows of a partition, one after another. Neither end of a frame ever goes back,
// so that all frames of a partition take linear time.
type frameCursor struct {
	frame      *Frame
	peers      *peers         // of a RANGE frame
	keys       *vector.Vector // of a RANGE frame with distances
	start, end *vector.Vector // the keys at which they end
	lo, hi     int
}

func (s *windowStream) newCursor(c *windowCall) *frameCursor {
	f := &frameCursor{frame: &c.Frame}
	if c.Frame.Range {
		f.peers = s.peersOf(c.OrderKeys)
	}
	f.keys, f.start, f.end = s.column(c.key), s.column(c.start), s.column(c.end)
	return f
}

func (s *windowStream) column(i int) *vector.Vector {
	if i < 0 {
		return nil
	}
	return s.cols[i]
}

func (s *windowStream) peersOf(orderKeys int) *peers {
	if s.peers[orderKeys] == nil {
		s.peers[orderKeys] = &peers{changes: changes{columns: s.op.order[:orderKeys]}}
	}
	return s.peers[orderKeys]
}

func (f *frameCursor) begin(p *windowPart) { f.lo, f.hi = p.start, p.start }

func (f *frameCursor) drop(k int) {
	f.lo -= k
	f.hi -= k
}

// maxDistance is beyond every row.
const maxDistance = 1 << 40

// next returns the frame of row i, rows lo…hi-1 of p; none if lo >= hi.
func (f *frameCursor) next(p *windowPart, i int) (lo, hi int) {
	switch b := &f.frame.Start; {
	case b.Kind == UnboundedPreceding:
		f.lo = p.start
	case b.Kind == UnboundedFollowing:
		f.lo = p.limit()
	case b.Kind == CurrentRow && f.frame.Range:
		f.lo = int(f.peers.first[i])
	case b.Kind == CurrentRow:
		f.lo = i
	case f.frame.Range && f.nullKey(i):
		f.lo = int(f.peers.first[i])
	case f.frame.Range:
		f.lo = f.seek(f.lo, p.end, f.start, i, b.Kind, false)
	case b.Kind == Preceding:
		f.lo = max(p.start, i-distance(b))
	default:
		f.lo = min(i+distance(b), p.end)
	}
	switch b := &f.frame.End; {
	case b.Kind == UnboundedFollowing:
		f.hi = p.limit()
	case b.Kind == UnboundedPreceding:
		f.hi = p.start
	case b.Kind == CurrentRow && f.frame.Range:
		f.hi = int(f.peers.last[i])
	case b.Kind == CurrentRow:
		f.hi = i + 1
	case f.frame.Range && f.nullKey(i):
		f.hi = int(f.peers.last[i])
	case f.frame.Range:
		f.hi = f.seek(f.hi, p.end, f.end, i, b.Kind, true)
	case b.Kind == Preceding:
		f.hi = max(p.start, i-distance(b)+1)
	default:
		f.hi = min(i+distance(b)+1, p.end)
	}
	return f.lo, f.hi
}

func distance(b *FrameBound) int { return int(min(b.Rows, maxDistance)) }

func (f *frameCursor) nullKey(i int) bool { return f.keys.IsNull(i) }

// seek returns the first row at or behind from whose key reaches (past: goes beyond) the bound of row i.
func (f *frameCursor) seek(from, end int, bounds *vector.Vector, i int, kind BoundKind, past bool) int {
	for ; from < end; from++ {
		switch c := f.compare(from, bounds, i, kind); {
		case c > 0, c == 0 && !past:
			return from
		}
	}
	return from
}

// compare orders the key of row j and the bound of row i as the frame's order has them: NULL keys come first, or
// last when descending; a bound that is NULL, beyond what its type can hold, lies beyond all other keys.
func (f *frameCursor) compare(j int, bounds *vector.Vector, i int, kind BoundKind) int {
	if f.keys.IsNull(j) {
		if f.frame.Desc {
			return 1
		}
		return -1
	}
	if bounds.IsNull(i) {
		if kind == Preceding {
			return 1
		}
		return -1
	}
	var c int
	if f.keys.Phys == types.PhysI64 && bounds.Phys == types.PhysI64 && f.keys.Type.Kind != types.Uint64 {
		x, y := f.keys.I64[j], bounds.I64[i]
		switch {
		case x < y:
			c = -1
		case x > y:
			c = 1
		}
	} else {
		c = types.Compare(f.keys.Value(j), bounds.Value(i))
	}
	if f.frame.Desc {
		return -c
	}
	return c
}

// ready returns the first row at or behind from whose frame may take rows behind those known of p.
func (f *frameCursor) ready(p *windowPart, from int) int {
	if p.complete {
		return p.end
	}
	switch b := &f.frame.End; {
	case f.frame.Start.Kind == UnboundedFollowing, b.Kind == UnboundedFollowing:
		return from
	case b.Kind == CurrentRow && f.frame.Range:
		return max(from, f.peers.open)
	case b.Kind == CurrentRow, b.Kind == Preceding && !f.frame.Range, b.Kind == UnboundedPreceding:
		return p.end
	case !f.frame.Range:
		return max(from, p.end-distance(b))
	default: // of rows before the last group, those whose bound lies before its key
		upto := max(from, f.peers.open)
		return from + sort.Search(upto-from, func(k int) bool {
			return !f.nullKey(from+k) && f.compare(p.end-1, f.end, from+k, b.Kind) <= 0
		})
	}
}

// keep returns the first row that the frames of rows from on can take, for a call that has what lies before the last
// frame's end if frames keep their start.
func (f *frameCursor) keep(from int) int {
	at := min(from, f.hi)
	if f.frame.Start.Kind != UnboundedPreceding {
		at = min(at, f.lo)
	}
	return at
}
