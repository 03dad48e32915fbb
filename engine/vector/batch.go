package vector

// Batch is up to MaxRows rows of several columns.
type Batch struct {
	Len  int       // rows of every vector in Cols
	Sel  []uint16  // the live rows, ascending; nil: all
	Cols []*Vector // each of Len rows
	// First is how many rows of the source are before the first one, where the source counts them: what messages number.
	First int64
}

// Rows returns the number of live rows.
func (b *Batch) Rows() int {
	if b.Sel != nil {
		return len(b.Sel)
	}
	return b.Len
}

// Row returns the position in the vectors of live row k.
func (b *Batch) Row(k int) int {
	if b.Sel != nil {
		return int(b.Sel[k])
	}
	return k
}

// Compact returns a batch of only the live rows that shares nothing with b but dictionaries.
func (b *Batch) Compact() *Batch {
	r := &Batch{Len: b.Rows(), Cols: make([]*Vector, len(b.Cols)), First: b.First}
	for i, c := range b.Cols {
		r.Cols[i] = c.Compact(b.Sel)
	}
	return r
}

// SizeBytes is the memory of the batch's vectors.
func (b *Batch) SizeBytes() int {
	n := len(b.Sel) * 2
	for _, c := range b.Cols {
		n += c.SizeBytes()
	}
	return n
}
