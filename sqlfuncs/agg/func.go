package agg

import (
	"time"

	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// Spec describes one use of an aggregate function.
type Spec struct {
	Name     string
	Args     []types.Type // as cast to ArgType
	Type     types.Type   // of the result, as Resolve returns it
	Distinct bool         // of GROUP_CONCAT only: the caller removes duplicates for the others
	Order    []bool       // GROUP_CONCAT: the last len(Order) arguments are sort keys; true: descending
	// Separator is GROUP_CONCAT's.
	Separator string
	// MaxLenBytes is group_concat_max_len; 0: unlimited.
	MaxLenBytes int
	Location    *time.Location             // of timestamps in JSON; nil: UTC
	Warn        func(code int, msg string) // may be nil
	Text        string                     // the call, for errors
}

// Table names the words of one function's states: those of group g start at Rows[g*Stride+Offset].
type Table struct {
	Rows           []uint64
	Stride, Offset int
}

func (t Table) at(g uint32) []uint64 { return t.Rows[int(g)*t.Stride+t.Offset:] }

// Single is the only group of an aggregation without keys.
const Single = 1

// smallGroups is the number of groups below which a batch is summed in a small array first.
const smallGroups = 256

// Input is a batch of rows to fold.
type Input struct {
	N      int      // rows
	Groups []uint32 // of each row; nil: all are of group Single
	// Counts is the number of rows of each group, when there are fewer than 256 groups; else nil.
	Counts []int64
	Args   []*Arg
}

// Func folds values into states. It is for one goroutine.
type Func interface {
	// Words is the size of a state in the table.
	Words() int
	// Update folds a batch.
	Update(t Table, in *Input) error
	// Merge folds the state of src's group from[i] into the state of group into[i].
	Merge(t Table, into []uint32, src Func, st Table, from []uint32) error
	// Result sets row i of out, a flat vector of len(groups) rows (PhysBytes: without any), to the result of groups[i].
	Result(t Table, groups []uint32, out *vector.Vector) error
	// SizeBytes is the memory held beside the table.
	SizeBytes() int64
}

// New returns the function that spec describes.
func New(spec *Spec) (Func, error) {
	switch fn := canonical[spec.Name]; fn {
	case "count":
		return &countFunc{star: len(spec.Args) == 0}, nil
	case "sum", "avg":
		if spec.Args[0].IsFloat() {
			return &floatSum{avg: fn == "avg", spec: spec}, nil
		}
		return &exactSum{avg: fn == "avg", spec: spec, unsigned: spec.Args[0].Kind == types.Uint64}, nil
	case "min", "max", "any_value":
		return newExtreme(fn, spec.Args[0]), nil
	case "bit_and", "bit_or", "bit_xor":
		return &bitFunc{op: fn}, nil
	case "stddev_pop", "stddev_samp", "var_pop", "var_samp":
		return &moments{name: fn}, nil
	case "group_concat":
		return newConcat(spec), nil
	case "json_arrayagg", "json_objectagg":
		return &jsonFunc{spec: spec, object: fn == "json_objectagg"}, nil
	}
	return nil, &expr.UnknownFunctionError{Name: spec.Name}
}

// Family names the layout of a function's states. Functions of one family over the same arguments can share
// one state; the empty family shares with nobody.
func Family(spec *Spec) string {
	switch fn := canonical[spec.Name]; fn {
	case "sum", "avg":
		return "sum"
	case "stddev_pop", "stddev_samp", "var_pop", "var_samp":
		return "moments"
	case "count":
		return "count"
	case "min", "max":
		if spec.Args[0].Physical() != types.PhysBytes {
			return fn
		}
	}
	return ""
}

// Spills reports whether the states lie in the table alone, so that its rows can be written out.
func Spills(f Func) bool {
	switch f := f.(type) {
	case *countFunc, *exactSum, *floatSum, *bitFunc, *moments:
		return true
	case *extreme:
		return f.side == nil
	}
	return false
}

// Remover is a Func whose states can lose what was merged into them, exactly.
type Remover interface {
	Func
	// Remove takes the state of st's group from[i] out of the state of group into[i], which holds it.
	Remove(t Table, into []uint32, st Table, from []uint32) error
}
