package exec

import (
	"fmt"
	"slices"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/sqlfuncs/agg"
)

func (s *windowStream) newEval(c *windowCall) (windowEval, error) {
	switch c.Name {
	case "row_number":
		return rowNumber{}, nil
	case "rank", "dense_rank":
		return &ranking{peers: s.peersOf(c.OrderKeys), dense: c.Name == "dense_rank"}, nil
	case "percent_rank", "cume_dist":
		return &distribution{peers: s.peersOf(c.OrderKeys), rank: c.Name == "percent_rank"}, nil
	case "ntile":
		if c.Offset < 1 {
			return nil, fmt.Errorf("%d buckets", c.Offset)
		}
		return &tiles{buckets: int(min(c.Offset, maxDistance))}, nil
	case "lag", "lead":
		e := &shifted{src: s.cols[c.args[0]], by: int(min(c.Offset, maxDistance))}
		if c.Name == "lag" {
			e.by = -e.by
		}
		if len(c.args) > 1 {
			e.other = s.cols[c.args[1]]
		}
		return e, nil
	case "first_value", "last_value", "nth_value":
		e := &picked{src: s.cols[c.args[0]], column: c.args[0], frames: s.newCursor(c), fromEnd: c.Name == "last_value"}
		if c.Name == "nth_value" {
			e.nth = int(min(c.Offset-1, maxDistance))
		}
		return e, nil
	}
	if !agg.Known(c.Name) {
		return nil, fmt.Errorf("no such function")
	}
	return s.newAggregateEval(c)
}

// stateless is a call that keeps nothing from row to row and sees no rows but the current.
type stateless struct{}

func (stateless) begin(*windowPart)                {}
func (stateless) ready(p *windowPart, _ int) int   { return p.end }
func (stateless) keep(_ *windowPart, from int) int { return from }
func (stateless) drop(int)                         {}
func (stateless) sizeBytes() int                   { return 0 }

// wholeOnly is ready for a call that has to know how many rows the partition has.
func wholeOnly(p *windowPart, from int) int {
	if p.rows > 0 {
		return p.end
	}
	return from
}

func appendInts(out *vector.Vector, from, to int, f func(i int) int64) error {
	out.I64 = slices.Grow(out.I64, to-from)
	for i := from; i < to; i++ {
		out.I64 = append(out.I64, f(i))
	}
	out.Len += to - from
	return nil
}

type rowNumber struct{ stateless }

func (rowNumber) eval(p *windowPart, from, to int, out *vector.Vector) error {
	return appendInts(out, from, to, func(i int) int64 { return int64(i - p.start + 1) })
}

// ranking is RANK and DENSE_RANK.
type ranking struct {
	stateless
	peers *peers
	dense bool
}

func (e *ranking) eval(p *windowPart, from, to int, out *vector.Vector) error {
	return appendInts(out, from, to, func(i int) int64 {
		if e.dense {
			return int64(e.peers.group[i])
		}
		return int64(int(e.peers.first[i]) - p.start + 1)
	})
}

// distribution is PERCENT_RANK and CUME_DIST.
type distribution struct {
	stateless
	peers *peers
	rank  bool
}

func (e *distribution) ready(p *windowPart, from int) int {
	to := wholeOnly(p, from)
	if e.rank || p.complete {
		return to
	}
	return max(from, min(to, e.peers.open)) // the last group may go on
}

func (e *distribution) foresees() bool { return true }

func (e *distribution) look([]*vector.Vector, int, int) {}

func (e *distribution) eval(p *windowPart, from, to int, out *vector.Vector) error {
	n := p.rows
	for i := from; i < to; i++ {
		if e.rank {
			out.F64 = append(out.F64, float64(int(e.peers.first[i])-p.start)/float64(max(n-1, 1)))
		} else {
			out.F64 = append(out.F64, float64(int(e.peers.last[i])-p.start)/float64(n))
		}
	}
	out.Len += to - from
	return nil
}

// tiles is NTILE. The first n%buckets buckets have a row more than the others.
type tiles struct {
	stateless
	buckets int
}

func (e *tiles) ready(p *windowPart, from int) int { return wholeOnly(p, from) }

func (e *tiles) foresees() bool { return true }

func (e *tiles) look([]*vector.Vector, int, int) {}

func (e *tiles) eval(p *windowPart, from, to int, out *vector.Vector) error {
	size, more := p.rows/e.buckets, p.rows%e.buckets
	return appendInts(out, from, to, func(i int) int64 {
		i -= p.start
		if i < more*(size+1) {
			return int64(i/(size+1) + 1)
		}
		return int64(more + (i-more*(size+1))/size + 1)
	})
}

// shifted is LAG and LEAD.
type shifted struct {
	stateless
	src, other *vector.Vector // other: the default; nil: NULL
	by         int
	rows, self []int
}

func (e *shifted) ready(p *windowPart, from int) int {
	if p.complete || e.by <= 0 {
		return p.end
	}
	return max(from, p.end-e.by)
}

func (e *shifted) keep(p *windowPart, from int) int {
	if e.by < 0 {
		return max(p.start, from+e.by)
	}
	return from
}

func (e *shifted) eval(p *windowPart, from, to int, out *vector.Vector) error {
	e.rows, e.self = e.rows[:0], e.self[:0]
	for i := from; i < to; i++ {
		at := i + e.by
		switch {
		case at >= p.start && at < p.end:
		case e.other != nil:
			at = otherSource
		default:
			at = noSource
		}
		e.rows, e.self = append(e.rows, at), append(e.self, i)
	}
	appendFrom(out, e.src, e.rows, e.other, e.self)
	return nil
}

// picked is FIRST_VALUE, LAST_VALUE and NTH_VALUE. Where frames start with the partition, the value is saved once its
// row is known, so that the rows need not be kept; so is the last one of a partition that was looked at ahead.
type picked struct {
	src     *vector.Vector
	column  int // src among the columns of the input
	frames  *frameCursor
	fromEnd bool
	nth     int
	saved   *vector.Vector
	rows    []int
	zeros   []int
}

func (e *picked) begin(p *windowPart) {
	e.frames.begin(p)
	e.saved = nil
}

func (e *picked) ready(p *windowPart, from int) int {
	if p.rows > 0 && e.foresees() {
		return p.end
	}
	return e.frames.ready(p, from)
}

// foresees is true of frames that hold their row and all behind it, for the first or the last of them.
func (e *picked) foresees() bool {
	f := e.frames.frame
	return f.End.Kind == UnboundedFollowing && f.Start.Kind <= CurrentRow && e.nth == 0
}

func (e *picked) look(cols []*vector.Vector, from, to int) {
	if e.fromEnd && to > from {
		e.saved = vector.New(e.src.Type, 0)
		appendFrom(e.saved, cols[e.column], []int{to - 1}, nil, nil)
	}
}

func (e *picked) keep(p *windowPart, from int) int {
	at := e.frames.keep(from)
	if e.fromEnd {
		return min(at, e.frames.hi-1)
	}
	if e.frames.frame.Start.Kind == UnboundedPreceding && e.saved == nil {
		return min(at, p.start+e.nth)
	}
	return at
}

func (e *picked) drop(k int) { e.frames.drop(k) }

func (e *picked) sizeBytes() int { return 0 }

func (e *picked) eval(p *windowPart, from, to int, out *vector.Vector) error {
	anchored := !e.fromEnd && e.frames.frame.Start.Kind == UnboundedPreceding
	if at := p.start + e.nth; anchored && e.saved == nil && at < p.end {
		e.saved = vector.New(e.src.Type, 0)
		appendFrom(e.saved, e.src, []int{at}, nil, nil)
	}
	e.rows = e.rows[:0]
	for i := from; i < to; i++ {
		lo, hi := e.frames.next(p, i)
		at := lo + e.nth
		if e.fromEnd {
			at = hi - 1
		}
		switch {
		case lo >= hi || at >= hi:
			at = noSource
		case anchored, at >= p.end: // what was saved is the first, or the last
			at = otherSource
		}
		e.rows = append(e.rows, at)
	}
	e.zeros = resize(e.zeros, len(e.rows))
	clear(e.zeros)
	appendFrom(out, e.src, e.rows, e.saved, e.zeros)
	return nil
}

// zeroOf maps the zero below 0 to 0, as MIN and MAX do.
func zeroOf(v *vector.Vector, from int) {
	if v.Phys == types.PhysF64 {
		for i := from; i < v.Len; i++ {
			v.F64[i] += 0
		}
	}
}
