package agg

import (
	"math"

	"github.com/featuresql/featuresql/engine/vector"
)

// floatSum is SUM and AVG of floats. State: count, sum.
type floatSum struct {
	avg  bool
	spec *Spec
}

func (f *floatSum) Words() int { return 2 }

func (f *floatSum) SizeBytes() int64 { return 0 }

func (f *floatSum) Update(t Table, in *Input) error {
	vals, groups := in.Args[0].Floats()
	if groups == nil {
		s := t.at(Single)
		sum := math.Float64frombits(s[1])
		for _, x := range vals {
			sum += x
		}
		s[0] += uint64(len(vals))
		s[1] = math.Float64bits(sum)
		return nil
	}
	rows, stride, off := t.Rows, t.Stride, t.Offset
	groups = groups[:len(vals)]
	for i, x := range vals {
		at := int(groups[i])*stride + off
		s := rows[at : at+2 : at+2]
		s[0]++
		s[1] = math.Float64bits(math.Float64frombits(s[1]) + x)
	}
	return nil
}

func (f *floatSum) Merge(t Table, into []uint32, _ Func, st Table, from []uint32) error {
	for i, g := range into {
		s, o := t.at(g), st.at(from[i])
		s[0] += o[0]
		s[1] = math.Float64bits(math.Float64frombits(s[1]) + math.Float64frombits(o[1]))
	}
	return nil
}

func (f *floatSum) Result(t Table, groups []uint32, out *vector.Vector) error {
	for i, g := range groups {
		s := t.at(g)
		if s[0] == 0 {
			out.SetNull(i)
			continue
		}
		out.F64[i] = math.Float64frombits(s[1])
		if f.avg {
			out.F64[i] /= float64(s[0])
		}
	}
	return nil
}

// moments is STDDEV and VARIANCE by Welford's method, merged by Chan's. State: count, mean, sum of squared
// distances from the mean.
type moments struct{ name string }

func (f *moments) Words() int { return 3 }

func (f *moments) SizeBytes() int64 { return 0 }

func (f *moments) Update(t Table, in *Input) error {
	vals, groups := in.Args[0].Floats()
	for i, x := range vals {
		s := t.at(groupOf(groups, i))
		s[0]++
		mean := math.Float64frombits(s[1])
		d := x - mean
		mean += d / float64(s[0])
		s[1] = math.Float64bits(mean)
		s[2] = math.Float64bits(math.Float64frombits(s[2]) + d*(x-mean))
	}
	return nil
}

func (f *moments) Merge(t Table, into []uint32, _ Func, st Table, from []uint32) error {
	for i, g := range into {
		s, o := t.at(g), st.at(from[i])
		if o[0] == 0 {
			continue
		}
		if s[0] == 0 {
			copy(s[:3], o[:3])
			continue
		}
		n, m := float64(s[0]), float64(o[0])
		mean := math.Float64frombits(s[1])
		d := math.Float64frombits(o[1]) - mean
		s[0] += o[0]
		s[1] = math.Float64bits(mean + d*m/(n+m))
		s[2] = math.Float64bits(math.Float64frombits(s[2]) + math.Float64frombits(o[2]) + d*d*n*m/(n+m))
	}
	return nil
}

func (f *moments) Result(t Table, groups []uint32, out *vector.Vector) error {
	sample := f.name == "stddev_samp" || f.name == "var_samp"
	root := f.name == "stddev_samp" || f.name == "stddev_pop"
	for i, g := range groups {
		s := t.at(g)
		n := float64(s[0])
		if sample {
			n--
		}
		if s[0] == 0 || n <= 0 {
			out.SetNull(i)
			continue
		}
		v := max(0, math.Float64frombits(s[2])) / n
		if root {
			v = math.Sqrt(v)
		}
		out.F64[i] = v
	}
	return nil
}

// bitFunc is BIT_AND, BIT_OR and BIT_XOR. State: the bits; of BIT_AND their complement, so that zero is the
// state of no rows.
type bitFunc struct{ op string }

func (f *bitFunc) Words() int { return 1 }

func (f *bitFunc) SizeBytes() int64 { return 0 }

func (f *bitFunc) fold(s []uint64, x uint64) {
	if f.op == "bit_xor" {
		s[0] ^= x
	} else {
		s[0] |= x
	}
}

func (f *bitFunc) Update(t Table, in *Input) error {
	vals, groups := in.Args[0].Ints()
	flip := uint64(0)
	if f.op == "bit_and" {
		flip = ^flip
	}
	for i, x := range vals {
		f.fold(t.at(groupOf(groups, i)), uint64(x)^flip)
	}
	return nil
}

func (f *bitFunc) Merge(t Table, into []uint32, _ Func, st Table, from []uint32) error {
	for i, g := range into {
		f.fold(t.at(g), st.at(from[i])[0])
	}
	return nil
}

func (f *bitFunc) Result(t Table, groups []uint32, out *vector.Vector) error {
	flip := uint64(0)
	if f.op == "bit_and" {
		flip = ^flip
	}
	for i, g := range groups {
		out.I64[i] = int64(t.at(g)[0] ^ flip)
	}
	return nil
}
