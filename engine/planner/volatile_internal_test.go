package planner

import (
	"testing"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

// A volatile predicate stays above everything that changes for how many rows it is evaluated.
func TestVolatilePredicatesStay(t *testing.T) {
	bigint := types.Of(types.Int64)
	in := &valuesRel{out: []exec.Field{{Name: "g", Type: bigint}}}
	g := &expr.Column{Index: 0, Name: "g", Typ: bigint}
	volatile, err := expr.New("<", &expr.RowFunc{Name: "rand", Typ: types.Of(types.Float64)}, g)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []rel{
		&distinctRel{in}, &sortRel{input: in}, &projectRel{input: in, exprs: []expr.Expr{g}, out: in.out},
		&aggRel{input: in, keys: []expr.Expr{g}, out: in.out}, &unionRel{parts: []rel{in, in}, out: in.out},
	} {
		if f, ok := pushFilters(&filterRel{input: r, pred: volatile}, nil).(*filterRel); !ok || f.pred.String() != volatile.String() {
			t.Errorf("%T: the predicate moved", r)
		}
	}
}
