package agg

import "github.com/featuresql/featuresql/engine/vector"

// countFunc is COUNT(*) and COUNT(x). State: the count.
type countFunc struct{ star bool }

func (f *countFunc) Words() int { return 1 }

func (f *countFunc) SizeBytes() int64 { return 0 }

func (f *countFunc) Update(t Table, in *Input) error {
	n, groups, counts := in.N, in.Groups, in.Counts
	if !f.star {
		// Of several arguments (COUNT(DISTINCT a, b)) the caller has dropped rows that hold a NULL.
		n, _, groups = in.Args[0].dense()
		if !in.Args[0].all {
			counts = nil
		}
	}
	addCounts(t, n, groups, counts)
	return nil
}

// addCounts adds one to the first word of each row's group.
func addCounts(t Table, n int, groups []uint32, counts []int64) {
	switch {
	case groups == nil:
		t.at(Single)[0] += uint64(n)
	case counts != nil:
		for g, c := range counts {
			if c != 0 {
				t.at(uint32(g))[0] += uint64(c)
			}
		}
	default:
		rows, stride, off := t.Rows, t.Stride, t.Offset
		for _, g := range groups {
			rows[int(g)*stride+off]++
		}
	}
}

func (f *countFunc) Merge(t Table, into []uint32, _ Func, st Table, from []uint32) error {
	for i, g := range into {
		t.at(g)[0] += st.at(from[i])[0]
	}
	return nil
}

func (f *countFunc) Result(t Table, groups []uint32, out *vector.Vector) error {
	for i, g := range groups {
		out.I64[i] = int64(t.at(g)[0])
	}
	return nil
}

// Remove implements Remover.
func (f *countFunc) Remove(t Table, into []uint32, st Table, from []uint32) error {
	for i, g := range into {
		t.at(g)[0] -= st.at(from[i])[0]
	}
	return nil
}
