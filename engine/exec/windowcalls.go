package exec

import (
	"bytes"
	"context"
	"fmt"
	"sort"

	"github.com/featuresql/featuresql/engine/exec/sortkey"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/sqlfuncs/agg"
)

// windowPart is one partition: rows from…to-1 of cols. first and last are, by row of the partition, the ends of
// its peers (last is exclusive); group numbers the peers from 1.
type windowPart struct {
	cols               []*vector.Vector
	from, to           int
	first, last, group []int
}

func (s *windowStream) partition(from int) *windowPart {
	p := &windowPart{cols: s.cols, from: from, to: from + 1}
	key := appendKeys(nil, s.cols, s.op.parts, from)
	var next []byte
	for p.to < s.n {
		if next = appendKeys(next[:0], s.cols, s.op.parts, p.to); !bytes.Equal(key, next) {
			break
		}
		p.to++
	}
	n := p.to - from
	p.first, p.last, p.group = make([]int, n), make([]int, n), make([]int, n)
	for lo, g := 0, 1; lo < n; g++ {
		key = appendKeys(key[:0], s.cols, s.op.order, from+lo)
		hi := lo + 1
		for hi < n {
			if next = appendKeys(next[:0], s.cols, s.op.order, from+hi); !bytes.Equal(key, next) {
				break
			}
			hi++
		}
		for i := lo; i < hi; i++ {
			p.first[i], p.last[i], p.group[i] = lo, hi, g
		}
		lo = hi
	}
	return p
}

func appendKeys(dst []byte, cols []*vector.Vector, keys []int, row int) []byte {
	for _, k := range keys {
		dst = sortkey.Append(dst, cols[k], row, false)
	}
	return dst
}

func (p *windowPart) compute(ctx context.Context, c *windowCall, out *vector.Vector) error {
	if agg.Known(c.Name) {
		return p.aggregate(ctx, c, out)
	}
	n := p.to - p.from
	for i := range n {
		v := types.NullOf(c.Type)
		switch c.Name {
		case "row_number":
			v = types.IntValue(c.Type, int64(i+1))
		case "rank":
			v = types.IntValue(c.Type, int64(p.first[i]+1))
		case "dense_rank":
			v = types.IntValue(c.Type, int64(p.group[i]))
		case "percent_rank":
			v = types.FloatValue(c.Type, float64(p.first[i])/float64(max(n-1, 1)))
		case "cume_dist":
			v = types.FloatValue(c.Type, float64(p.last[i])/float64(n))
		case "ntile":
			v = types.IntValue(c.Type, ntile(int64(i), int64(n), c.Offset))
		case "lag":
			v = p.shifted(c, i, -c.Offset)
		case "lead":
			v = p.shifted(c, i, c.Offset)
		case "first_value", "last_value", "nth_value":
			lo, hi := p.frame(c, i)
			at := lo
			if c.Name == "last_value" {
				at = hi - 1
			} else if c.Name == "nth_value" {
				at = lo + int(min(c.Offset, int64(n)+1)) - 1
			}
			if lo < hi && at < hi {
				v = p.cols[c.args[0]].Value(p.from + at)
			}
		default:
			return fmt.Errorf("no window function %s", c.Name)
		}
		out.AppendValue(v)
	}
	return ctx.Err()
}

// ntile is the bucket of row i of n; the first n%k buckets have a row more.
func ntile(i, n, k int64) int64 {
	size, more := n/k, n%k
	if i < more*(size+1) {
		return i/(size+1) + 1
	}
	return more + (i-more*(size+1))/size + 1
}

func (p *windowPart) shifted(c *windowCall, i int, by int64) types.Value {
	n := int64(p.to - p.from)
	if at := int64(i) + by; by >= -n && by <= n && at >= 0 && at < n {
		return p.cols[c.args[0]].Value(p.from + int(at))
	}
	if len(c.args) > 1 {
		return p.cols[c.args[1]].Value(p.from + i)
	}
	return types.NullOf(c.Type)
}

// frame returns the rows of the partition, lo…hi-1, in the frame of row i; none if lo >= hi.
func (p *windowPart) frame(c *windowCall, i int) (lo, hi int) {
	n := p.to - p.from
	f := &c.Frame
	lo, hi = 0, n
	switch {
	case f.Start.Kind == UnboundedFollowing:
		lo = n
	case f.Start.Kind == CurrentRow && f.Range:
		lo = p.first[i]
	case f.Start.Kind == CurrentRow:
		lo = i
	case f.Start.Kind != UnboundedPreceding && f.Range:
		lo = p.search(c, i, c.start, p.first[i], false)
	case f.Start.Kind != UnboundedPreceding:
		lo = offsetRow(i, n, &f.Start)
	}
	switch {
	case f.End.Kind == UnboundedPreceding:
		hi = 0
	case f.End.Kind == CurrentRow && f.Range:
		hi = p.last[i]
	case f.End.Kind == CurrentRow:
		hi = i + 1
	case f.End.Kind != UnboundedFollowing && f.Range:
		hi = p.search(c, i, c.end, p.last[i], true)
	case f.End.Kind != UnboundedFollowing:
		hi = min(offsetRow(i, n, &f.End)+1, n)
	}
	return max(lo, 0), max(hi, 0)
}

// offsetRow is the row at a distance from row i, -1 before the partition and n after it.
func offsetRow(i, n int, b *FrameBound) int {
	d := int(min(b.Rows, int64(n)))
	if b.Kind == Preceding {
		return max(i-d, -1)
	}
	return min(i+d, n)
}

// search finds where keys reach (past: go beyond) the bound of row i; a row without a key has its peers.
func (p *windowPart) search(c *windowCall, i, bound, peers int, past bool) int {
	keys := p.cols[c.key]
	at := p.cols[bound].Value(p.from + i)
	if !at.Valid || keys.IsNull(p.from+i) {
		return peers
	}
	n := p.to - p.from
	return sort.Search(n, func(j int) bool {
		k := keys.Value(p.from + j)
		if !k.Valid { // NULLs come first, or last when descending
			return c.Frame.Desc
		}
		cmp := types.Compare(k, at)
		if c.Frame.Desc {
			cmp = -cmp
		}
		return cmp > 0 || cmp == 0 && !past
	})
}

// windowState folds rows into one state of an aggregate.
type windowState struct {
	fn    agg.Func
	table agg.Table
}

func newWindowState(c *windowCall, cols []*vector.Vector) (*windowState, error) {
	spec := &agg.Spec{Name: c.Name, Type: c.Type, Text: c.Name}
	for _, a := range c.args {
		spec.Args = append(spec.Args, cols[a].Type)
	}
	fn, err := agg.New(spec)
	if err != nil {
		return nil, err
	}
	words := fn.Words()
	return &windowState{fn, agg.Table{Rows: make([]uint64, (agg.Single+1)*words), Stride: words}}, nil
}

func (s *windowState) add(c *windowCall, cols []*vector.Vector, lo, hi int) error {
	for ; lo < hi; lo += vector.MaxRows {
		idx := rowRange(lo, min(hi, lo+vector.MaxRows))
		in := &agg.Input{N: len(idx)}
		for _, col := range c.args {
			a := &agg.Arg{}
			a.Set(cols[col].Gather32(idx), nil, len(idx), nil)
			in.Args = append(in.Args, a)
		}
		if err := s.fn.Update(s.table, in); err != nil {
			return err
		}
	}
	return nil
}

func (s *windowState) result(t types.Type) (types.Value, error) {
	n := 1
	if t.Physical() == types.PhysBytes {
		n = 0
	}
	v := vector.New(t, n)
	if err := s.fn.Result(s.table, []uint32{agg.Single}, v); err != nil {
		return types.Value{}, err
	}
	return v.Value(0), nil
}

// aggregate folds what a frame has beyond the previous row's if both start alike, else the whole frame.
func (p *windowPart) aggregate(ctx context.Context, c *windowCall, out *vector.Vector) error {
	var state *windowState
	var val types.Value
	prevLo, prevHi := 0, 0
	for i := range p.to - p.from {
		lo, hi := p.frame(c, i)
		hi = max(lo, hi)
		if state == nil || lo != prevLo || hi < prevHi {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			var err error
			if state, err = newWindowState(c, p.cols); err != nil {
				return err
			}
			prevLo, prevHi = lo, lo
		} else if hi == prevHi {
			out.AppendValue(val)
			continue
		}
		if err := state.add(c, p.cols, p.from+prevHi, p.from+hi); err != nil {
			return err
		}
		prevHi = hi
		var err error
		if val, err = state.result(c.Type); err != nil {
			return err
		}
		out.AppendValue(val)
	}
	return nil
}
