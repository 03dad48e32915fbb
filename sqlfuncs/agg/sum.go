package agg

import (
	"math/big"
	"math/bits"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// exactSum is SUM and AVG of integers and decimals. State: count, then the 128-bit sum, low word first.
type exactSum struct {
	avg      bool
	unsigned bool
	sawWide  bool // sums may be near the limit of 128 bits: check each addition
	spec     *Spec
	even     [smallGroups]int64
	odd      [smallGroups]int64
}

func (f *exactSum) Words() int { return 3 }

func (f *exactSum) SizeBytes() int64 { return 0 }

// narrowBits is how large a value may be for 8192 of them to fit 63 bits.
const narrowBits = 49

func (f *exactSum) Update(t Table, in *Input) error {
	a := in.Args[0]
	if f.sawWide = f.sawWide || a.wide(); f.sawWide {
		return f.updateWide(t, a)
	}
	vals, groups := a.Ints()
	counts := in.Counts
	if !a.all {
		counts = nil
	}
	if f.unsigned {
		addCounts(t, len(vals), groups, counts)
		updateUnsigned(t, vals, groups)
		return nil
	}
	if groups == nil {
		addCounts(t, len(vals), nil, nil)
		return f.updateSingle(t, vals)
	}
	if in.Counts != nil && f.updateSmall(t, vals, groups, len(in.Counts)) {
		addCounts(t, len(vals), groups, counts)
		return nil
	}
	updateRows(t, vals, groups)
	return nil
}

func (f *exactSum) updateSingle(t Table, vals []int64) error {
	var sum int64
	var magnitude uint64
	for _, x := range vals {
		sum += x
		magnitude |= uint64(x ^ x>>63)
	}
	s := t.at(Single)
	if magnitude>>narrowBits == 0 {
		return f.add(s, types.Int128From(sum))
	}
	for _, x := range vals {
		if err := f.add(s, types.Int128From(x)); err != nil {
			return err
		}
	}
	return nil
}

// updateSmall sums the batch in two arrays in turn, so that runs of one group do not wait for each other. It
// reports false, having done nothing, when the values are too large for that.
func (f *exactSum) updateSmall(t Table, vals []int64, groups []uint32, n int) bool {
	var magnitude uint64
	groups = groups[:len(vals)]
	i := 0
	for ; i+1 < len(vals); i += 2 {
		x, y := vals[i], vals[i+1]
		magnitude |= uint64(x^x>>63) | uint64(y^y>>63)
		f.even[groups[i]&(smallGroups-1)] += x
		f.odd[groups[i+1]&(smallGroups-1)] += y
	}
	if i < len(vals) {
		x := vals[i]
		magnitude |= uint64(x ^ x>>63)
		f.even[groups[i]&(smallGroups-1)] += x
	}
	ok := magnitude>>narrowBits == 0
	for g := range n {
		sum := f.even[g] + f.odd[g]
		f.even[g], f.odd[g] = 0, 0
		if ok && sum != 0 {
			s := t.at(uint32(g))
			lo, c := bits.Add64(s[1], uint64(sum), 0)
			s[1], s[2] = lo, s[2]+uint64(sum>>63)+c // cannot wrap: fewer than 2^64 values below 2^63
		}
	}
	return ok
}

func updateRows(t Table, vals []int64, groups []uint32) {
	rows, stride, off := t.Rows, t.Stride, t.Offset
	groups = groups[:len(vals)]
	for i, x := range vals {
		at := int(groups[i])*stride + off
		s := rows[at : at+3 : at+3]
		s[0]++
		lo, c := bits.Add64(s[1], uint64(x), 0)
		s[1], s[2] = lo, s[2]+uint64(x>>63)+c
	}
}

func updateUnsigned(t Table, vals []int64, groups []uint32) {
	for i, x := range vals {
		s := t.at(groupOf(groups, i))
		lo, c := bits.Add64(s[1], uint64(x), 0)
		s[1], s[2] = lo, s[2]+c
	}
}

func groupOf(groups []uint32, i int) uint32 {
	if groups == nil {
		return Single
	}
	return groups[i]
}

func (f *exactSum) updateWide(t Table, a *Arg) error {
	vals, groups := a.Wide()
	for i, x := range vals {
		s := t.at(groupOf(groups, i))
		s[0]++
		if err := f.add(s, x); err != nil {
			return err
		}
	}
	return nil
}

// add adds x to the sum of state s.
func (f *exactSum) add(s []uint64, x types.Int128) error {
	r, ok := sumOf(s).Add(x)
	if !ok {
		return &expr.RangeError{Kind: "DECIMAL", Expr: f.spec.Text}
	}
	s[1], s[2] = r.Lo, uint64(r.Hi)
	return nil
}

func sumOf(s []uint64) types.Int128 { return types.Int128{Lo: s[1], Hi: int64(s[2])} }

func (f *exactSum) Merge(t Table, into []uint32, _ Func, st Table, from []uint32) error {
	for i, g := range into {
		s, o := t.at(g), st.at(from[i])
		s[0] += o[0]
		if err := f.add(s, sumOf(o)); err != nil {
			return err
		}
	}
	return nil
}

func (f *exactSum) Result(t Table, groups []uint32, out *vector.Vector) error {
	for i, g := range groups {
		s := t.at(g)
		if s[0] == 0 {
			out.SetNull(i)
			continue
		}
		v := sumOf(s)
		if f.avg {
			q, err := f.average(v, int64(s[0]))
			if err != nil {
				return err
			}
			v = q
		}
		if out.Phys == types.PhysI64 {
			if !v.Fits64() {
				return &expr.RangeError{Kind: "DECIMAL", Expr: f.spec.Text}
			}
			out.I64[i] = int64(v.Lo)
		} else {
			out.I128[i] = v
		}
	}
	return nil
}

// average returns sum/n at the scale of the result, rounded half away from zero.
func (f *exactSum) average(sum types.Int128, n int64) (types.Int128, error) {
	up := int(f.spec.Type.Scale) - int(f.spec.Args[0].Scale)
	if scaled, ok := sum.Rescale(0, up); ok {
		q, r := scaled.DivMod64(n)
		if uint64(max(r, -r)) >= uint64(n)-uint64(n)/2 {
			q, _ = q.Add(types.Int128From(int64(sum.Sign())))
		}
		return q, nil
	}
	b := sum.Big()
	b.Mul(b, types.Pow10(up).Big())
	q, r := new(big.Int).QuoRem(b, big.NewInt(n), new(big.Int))
	if r.Abs(r).Lsh(r, 1).Cmp(big.NewInt(n)) >= 0 {
		q.Add(q, big.NewInt(int64(sum.Sign())))
	}
	v, ok := types.Int128FromBig(q)
	if !ok {
		return v, &expr.RangeError{Kind: "DECIMAL", Expr: f.spec.Text}
	}
	return v, nil
}

// Remove implements Remover.
func (f *exactSum) Remove(t Table, into []uint32, st Table, from []uint32) error {
	for i, g := range into {
		s, o := t.at(g), st.at(from[i])
		s[0] -= o[0]
		lo, borrow := bits.Sub64(s[1], o[1], 0)
		s[1], s[2] = lo, s[2]-o[2]-borrow
	}
	return nil
}
