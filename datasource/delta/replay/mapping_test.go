package replay_test

import (
	"errors"
	"testing"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/replay"
	"github.com/featuresql/featuresql/engine/types"
)

// mapped is a table with column mapping: two columns have swapped their names since they were made, and one is a partition column.
const mapped = `{"type":"struct","fields":[` +
	`{"name":"a","type":"long","nullable":true,"metadata":{"delta.columnMapping.id":2,"delta.columnMapping.physicalName":"b"}},` +
	`{"name":"b","type":"long","nullable":true,"metadata":{"delta.columnMapping.id":1,"delta.columnMapping.physicalName":"a"}},` +
	`{"name":"When","type":"timestamp_ntz","nullable":true,"metadata":{"delta.columnMapping.id":3,"delta.columnMapping.physicalName":"col-3"}}]}`

// TestColumnMapping: statistics and partition values are found by physical names, in both modes.
func TestColumnMapping(t *testing.T) {
	for _, mode := range []string{"name", "id"} {
		m := &action.Metadata{SchemaString: mapped, PartitionColumns: []string{"when"}, Configuration: map[string]string{"delta.columnMapping.mode": mode}}
		layout, err := replay.NewLayout(&action.Protocol{MinReader: 2, MinWriter: 5}, m)
		if err != nil {
			t.Fatal(err)
		}
		at, bad := "2020-01-01 12:00:00", "noon"
		b := &replay.Builder{}
		b.Append(&action.Add{Path: "f", PartitionValues: map[string]*string{"col-3": &at}, Stats: `{"numRecords":5,"minValues":{"a":1,"b":2},"maxValues":{"a":1,"b":2}}`})
		b.Append(&action.Add{Path: "g", PartitionValues: map[string]*string{"When": &at}})
		b.Append(&action.Add{Path: "h", PartitionValues: map[string]*string{"col-3": &bad}})
		list, err := b.Files(layout, action.Root{})
		if err != nil {
			t.Fatal(err)
		}
		if a, b := list.Column(0).Min.Int(0), list.Column(1).Min.Int(0); a != 2 || b != 1 {
			t.Errorf("%s: a is %d, b is %d", mode, a, b)
		}
		when := list.Column(2)
		if got := when.Min.Value(0).String(); got != "'2020-01-01 12:00:00'" || when.Max.Value(0).String() != got || when.NullCount[0] != 0 {
			t.Errorf("%s: %s", mode, got)
		}
		if v, err := list.PartitionValue(1, 2); err != nil || v.Valid || v.Type.Kind != types.TimestampNTZ {
			t.Errorf("a logical name is not the key: %v, %v", v, err)
		}
		var invalid *replay.PartitionValueError
		if _, err := list.PartitionValue(2, 2); !errors.As(err, &invalid) || invalid.Column != "When" || invalid.Path != "h" {
			t.Errorf("%v", err)
		}
		if when.Min.Value(2).Valid || when.NullCount[2] != -1 {
			t.Error("a value that cannot be read is taken for known")
		}
	}
}

// TestSchemaChange: after a change of type the statistics of older files are read as the new type.
func TestSchemaChange(t *testing.T) {
	schema := func(typ string) string {
		return `{"metaData":{"id":"m","schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"x\",\"type\":\"` + typ + `\",\"nullable\":true,\"metadata\":{}}]}"}}`
	}
	first, err := parseCommit(0, protocolLine, schema("integer"), `{"add":{"path":"f","size":1,"stats":"{\"numRecords\":1,\"minValues\":{\"x\":7},\"maxValues\":{\"x\":7}}"}}`)
	if err != nil {
		t.Fatal(err)
	}
	second, err := parseCommit(1, schema("decimal(12,2)"))
	if err != nil {
		t.Fatal(err)
	}
	old, err := replay.New(root, nil, []replay.Commit{first})
	if err != nil {
		t.Fatal(err)
	}
	before := old.Files.Column(0).Min.Value(0).String()
	next, err := old.Advance([]replay.Commit{second})
	if err != nil {
		t.Fatal(err)
	}
	if after := next.Files.Column(0).Min.Value(0).String(); before != "7" || after != "7.00" {
		t.Errorf("%s, then %s", before, after)
	}
	if got := old.Files.Column(0).Min.Value(0).String(); got != "7" {
		t.Errorf("the older version has %s now", got)
	}
}
