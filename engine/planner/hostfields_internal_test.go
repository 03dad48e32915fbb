package planner

import (
	"reflect"
	"testing"

	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation"
)

// The host keeps these in unexported fields; another name or kind in another version would be read as "not set".
func TestHostFieldsExist(t *testing.T) {
	for _, f := range []struct {
		of   any
		name string
		kind reflect.Kind
	}{
		{expression.IsTrue{}, "invert", reflect.Bool},
		{expression.Convert{}, "castToType", reflect.String},
		{expression.Convert{}, "typeLength", reflect.Int},
		{expression.Convert{}, "typeScale", reflect.Int},
		{aggregation.GroupConcat{}, "distinct", reflect.String},
		{aggregation.GroupConcat{}, "separator", reflect.String},
		{aggregation.GroupConcat{}, "maxLen", reflect.Int},
		{aggregation.GroupConcat{}, "sf", reflect.Slice},
		{function.Trim{}, "dir", reflect.String},
	} {
		field, ok := reflect.TypeOf(f.of).FieldByName(f.name)
		if !ok || field.Type.Kind() != f.kind {
			t.Errorf("%T.%s: %v, want kind %s", f.of, f.name, field.Type, f.kind)
		}
	}
}
