package expr

import (
	"errors"

	"github.com/featuresql/featuresql/engine/vector"
)

// TooLarge reports whether err is a *TooLargeError: fewer rows at once may do.
func TooLarge(err error) bool {
	if err == nil {
		return false // without the memory that e takes
	}
	var e *TooLargeError
	return errors.As(err, &e)
}

// inPieces calls f with one stretch of the live rows of b after the other, and again with half of one whose text is too large.
func inPieces(b *vector.Batch, f func(piece []uint16) error) error {
	sel := make([]uint16, b.Rows())
	for k := range sel {
		sel[k] = uint16(b.Row(k))
	}
	for n := len(sel); len(sel) > 0; {
		n = min(n, len(sel))
		err := f(sel[:n])
		if TooLarge(err) && n > 1 {
			n /= 2
			continue
		}
		if err != nil {
			return err
		}
		sel = sel[n:]
	}
	return nil
}

var errFull = errors.New("no room for the results of further rows")

// evalInPieces is Eval where the text of a function, but perhaps not that of the result, is too large for all rows at once: that is cause.
func (ev *Evaluator) evalInPieces(b *vector.Batch, cause error) (*vector.Vector, error) {
	var out *vector.Vector
	err := inPieces(b, func(piece []uint16) error {
		v, err := ev.root.eval(b, piece)
		if err != nil {
			return err
		}
		if out == nil {
			out = vector.New(v.Type, 0)
		}
		for _, i := range piece {
			for out.Len < int(i) {
				out.AppendZero()
			}
			out.AppendRows(v, []uint16{i})
			if len(out.Data) > maxBatchBytes {
				return errFull
			}
		}
		return nil
	})
	if errors.Is(err, errFull) {
		return nil, cause
	}
	if err != nil {
		return nil, err
	}
	for out.Len < b.Len {
		out.AppendZero()
	}
	return out, nil
}
