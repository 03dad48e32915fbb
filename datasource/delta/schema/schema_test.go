package schema_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/schema"
	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/types"
)

const example = `{"type":"struct","fields":[` +
	`{"name":"Id","type":"long","nullable":false,"metadata":{"delta.columnMapping.id":1,"delta.columnMapping.physicalName":"col-1","z":{"b":[1, 2]},"comment":"the \"key\""}},` +
	`{"name":"d","type":"decimal(20,4)","nullable":true,"metadata":{}},` +
	`{"name":"a","type":{"type":"array","elementType":{"type":"struct","fields":[{"name":"x","type":"timestamp_ntz","nullable":true,"metadata":{"delta.columnMapping.id":5,"delta.columnMapping.physicalName":"col-5"}}]},"containsNull":false},"nullable":true,"metadata":{"delta.columnMapping.id":4,"delta.columnMapping.physicalName":"col-4"}},` +
	`{"name":"m","type":{"type":"map","keyType":"string","valueType":"void","valueContainsNull":true},"nullable":true,"metadata":{}}]}`

func parse(t *testing.T, text string) *schema.Struct {
	t.Helper()
	s, err := schema.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRoundTripKeepsMetadata(t *testing.T) {
	if got := parse(t, example).String(); got != example {
		t.Errorf("got  %s\nwant %s", got, example)
	}
}

func TestAccessors(t *testing.T) {
	s := parse(t, example)
	if i, ok := s.Column("ID"); !ok || i != 0 {
		t.Errorf("ID: %d, %v", i, ok)
	}
	if _, ok := s.Column("nope"); ok {
		t.Error("nope is found")
	}
	f := &s.Fields[0]
	if f.Comment() != `the "key"` || f.ColumnID() != 1 || f.PhysicalName(schema.MappingID) != "col-1" || f.PhysicalName(schema.MappingNone) != "Id" {
		t.Errorf("%q %d", f.Comment(), f.ColumnID())
	}
	if s.Fields[1].PhysicalName(schema.MappingName) != "d" {
		t.Error("a column without a physical name has its own")
	}
	if got := schema.EngineType(s.Fields[1].Type); got != types.DecimalOf(20, 4) {
		t.Errorf("decimal is %v", got)
	}
	if got := schema.EngineType(s.Fields[2].Type).Kind; got != types.JSON {
		t.Errorf("array is %v", got)
	}
	fields := schema.ParquetFields(s, schema.MappingName)
	x := fields[2].Children[0].Children[0]
	if fields[2].Kind != parquet.List || x.Physical != "col-5" || x.FieldID != 5 || x.Type.Kind != types.TimestampNTZ || fields[0].Nullable {
		t.Errorf("%+v", fields)
	}
}

func TestFieldRules(t *testing.T) {
	s := parse(t, `{"type":"struct","fields":[{"name":"g","type":"integer","nullable":true,"metadata":{`+
		`"delta.generationExpression":"a + 1","CURRENT_DEFAULT":"7","delta.identity.start":1,"delta.identity.step":2,"delta.identity.highWaterMark":9,"delta.identity.allowExplicitInsert":true,`+
		`"delta.invariants":"{\"expression\":{\"expression\":\"x > 3\"}}","delta.typeChanges":[{"fromType":"short","toType":"integer"},{"fromType":"float","toType":"double","fieldPath":"element.value"}]}},`+
		`{"name":"h","type":"integer","metadata":{"delta.invariants":"x"}}]}`)
	g := &s.Fields[0]
	if sql, ok := g.Generation(); !ok || sql != "a + 1" {
		t.Error("generation", sql)
	}
	if sql, ok := g.Default(); !ok || sql != "7" {
		t.Error("default", sql)
	}
	if sql, ok, err := g.Invariant(); !ok || err != nil || sql != "x > 3" {
		t.Error("invariant", sql, err)
	}
	if id := g.Identity(); id == nil || id.Start != 1 || id.Step != 2 || *id.HighWaterMark != 9 || !id.AllowExplicitInsert {
		t.Errorf("identity %+v", id)
	}
	changes, err := g.TypeChanges()
	if err != nil || len(changes) != 2 || changes[1] != (schema.TypeChange{From: "float", To: "double", FieldPath: "element.value"}) {
		t.Errorf("type changes %v, %v", changes, err)
	}
	h := &s.Fields[1]
	if _, _, err := h.Invariant(); err == nil {
		t.Error("an unreadable invariant is no error")
	}
	if h.Identity() != nil || !h.Nullable {
		t.Error("h")
	}
	m := h.Metadata.WithStr("delta.invariants", "y").WithInt("n", 3).Without("delta.invariants")
	if v, ok := m.Int("n"); !ok || v != 3 || len(m) != 1 {
		t.Errorf("%v", m)
	}
}

func TestErrors(t *testing.T) {
	var unsupported *schema.UnsupportedTypeError
	if _, err := schema.Parse(`{"type":"struct","fields":[{"name":"a","type":{"type":"array","elementType":"variant","containsNull":true}}]}`); !errors.As(err, &unsupported) || unsupported.Column != "a.element" || unsupported.Type != "variant" {
		t.Errorf("%v", err)
	}
	var bad *schema.ParseError
	for _, text := range []string{
		``, `"long"`, `{}`, `{"type":"struct"}`, `{"type":"struct","fields":[{"type":"long"}]}`, `{"type":"struct","fields":[{"name":"a"}]}`,
		`{"type":"struct","fields":[{"name":"a","type":"long"}]`, `{"type":"struct","fields":[1]}`, `{"type":"struct","fields":[{"name":"a","type":{"type":"array"}}]}`,
		strings.Repeat(`{"type":"array","elementType":`, 200) + `"long"` + strings.Repeat("}", 200),
	} {
		if _, err := schema.Parse(text); !errors.As(err, &bad) && !errors.As(err, &unsupported) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, name := range []string{"decimal(39,1)", "decimal(5,6)", "decimal(0,0)", "decimal(5", "decimal(x,y)", "interval"} {
		if _, err := schema.ParseType(name); err == nil {
			t.Errorf("%s is a type", name)
		}
	}
}

func TestModeOf(t *testing.T) {
	m := &action.Metadata{Configuration: map[string]string{schema.PropertyMapping: "ID"}}
	for _, c := range []struct {
		p    action.Protocol
		want schema.MappingMode
	}{
		{action.Protocol{MinReader: 1, MinWriter: 2}, schema.MappingNone},
		{action.Protocol{MinReader: 2, MinWriter: 5}, schema.MappingID},
		{action.Protocol{MinReader: 3, MinWriter: 7}, schema.MappingNone},
		{action.Protocol{MinReader: 3, MinWriter: 7, ReaderFeatures: []string{"columnMapping"}}, schema.MappingID},
	} {
		if got, err := schema.ModeOf(&c.p, m); err != nil || got != c.want {
			t.Errorf("%+v: %v, %v", c.p, got, err)
		}
	}
	m.Configuration[schema.PropertyMapping] = "other"
	if _, err := schema.ModeOf(&action.Protocol{MinReader: 2}, m); err == nil {
		t.Error("an unknown mode is accepted")
	}
}

func TestTypeOf(t *testing.T) {
	for _, name := range []schema.Name{schema.String, schema.Long, schema.Integer, schema.Short, schema.Byte, schema.Float, schema.Double, schema.Boolean, schema.Binary, schema.Date, schema.Timestamp, schema.TimestampNTZ} {
		p := schema.Primitive{Name: name}
		if got, ok := schema.TypeOf(schema.EngineType(p)); !ok || got != p {
			t.Errorf("%s is %s", name, got)
		}
	}
	if _, ok := schema.TypeOf(types.Of(types.Uint64)); ok {
		t.Error("BIGINT UNSIGNED has a Delta type")
	}
}

// FuzzParse checks that what is read comes back the same from its own form.
func FuzzParse(f *testing.F) {
	f.Add(example)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := schema.Parse(text)
		if err != nil {
			return
		}
		schema.ParquetFields(s, schema.MappingName)
		once := s.String()
		again, err := schema.Parse(once)
		if err != nil {
			t.Fatalf("%s: %v", once, err)
		}
		if twice := again.String(); twice != once {
			t.Fatalf("%s\nthen %s", once, twice)
		}
	})
}
