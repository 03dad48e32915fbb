package feature_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/feature"
)

func table(fieldMetadata, typ string, properties ...string) *action.Metadata {
	m := &action.Metadata{
		SchemaString:  fmt.Sprintf(`{"type":"struct","fields":[{"name":"a","type":%s,"nullable":true,"metadata":{%s}}]}`, typ, fieldMetadata),
		Configuration: map[string]string{},
	}
	for i := 0; i+1 < len(properties); i += 2 {
		m.Configuration[properties[i]] = properties[i+1]
	}
	return m
}

func lists(reader, writer string) *action.Protocol {
	p := &action.Protocol{MinReader: 3, MinWriter: 7, ReaderFeatures: []string{}, WriterFeatures: []string{}}
	if reader != "" {
		p.ReaderFeatures = append(p.ReaderFeatures, reader)
		p.WriterFeatures = append(p.WriterFeatures, reader)
	}
	if writer != "" {
		p.WriterFeatures = append(p.WriterFeatures, writer)
	}
	return p
}

// TestChecks lists for each table what refuses reading and writing; empty: nothing.
func TestChecks(t *testing.T) {
	plain := table("", `"long"`)
	generated := table(`"delta.generationExpression":"1"`, `"long"`)
	identity := table(`"delta.identity.start":1,"delta.identity.step":1`, `"long"`)
	withDefault := table(`"CURRENT_DEFAULT":"1"`, `"long"`)
	for _, c := range []struct {
		name        string
		p           *action.Protocol
		m           *action.Metadata
		read, write string
	}{
		{"legacy 1 2", &action.Protocol{MinReader: 1, MinWriter: 2}, plain, "", ""},
		{"legacy 2 6", &action.Protocol{MinReader: 2, MinWriter: 6}, plain, "", ""},
		{"legacy 4, change data feed on", &action.Protocol{MinReader: 1, MinWriter: 4}, table("", `"long"`, "delta.enableChangeDataFeed", "true"), "", ""},
		{"legacy 3, change data feed property without meaning", &action.Protocol{MinReader: 1, MinWriter: 3}, table("", `"long"`, "delta.enableChangeDataFeed", "true"), "", ""},
		{"legacy 4, generated column", &action.Protocol{MinReader: 1, MinWriter: 4}, generated, "", "generatedColumns"},
		{"legacy 6, identity column", &action.Protocol{MinReader: 1, MinWriter: 6}, identity, "", "identityColumns"},
		{"reader version", &action.Protocol{MinReader: 4, MinWriter: 7}, plain, "reader version 4", "reader version 4"},
		{"writer version", &action.Protocol{MinReader: 1, MinWriter: 8}, plain, "", "writer version 8"},
		{"deletion vectors", lists(feature.DeletionVectors, ""), plain, "", ""},
		{"type widening", lists(feature.TypeWidening, ""), table(`"delta.typeChanges":[{"fromType":"short","toType":"long"}]`, `"long"`), "", ""},
		{"type narrowing", lists(feature.TypeWidening, ""), table(`"delta.typeChanges":[{"fromType":"string","toType":"long"}]`, `"long"`), "typeWidening", "typeWidening"},
		{"unknown reader feature", lists("quantumSort", ""), plain, "quantumSort", "quantumSort"},
		{"unknown writer feature", lists("", "quantumSort"), plain, "", "quantumSort"},
		{"variant", lists("variantType", ""), table("", `"variant"`), "variantType", "variantType"},
		{"catalog", lists("catalogManaged", ""), plain, "catalogManaged", "catalogManaged"},
		{"iceberg", lists("", "icebergCompatV2"), plain, "", "icebergCompatV2"},
		{"row tracking off", lists("", feature.RowTracking), plain, "", ""},
		{"row tracking on", lists("", feature.RowTracking), table("", `"long"`, "delta.enableRowTracking", "true"), "", ""},
		{"default values unused", lists("", feature.ColumnDefaults), plain, "", ""},
		{"default values", lists("", feature.ColumnDefaults), withDefault, "", ""},
		{"default without the feature", lists("", ""), withDefault, "", ""},
		{"void column", lists("", ""), table("", `"void"`), "", "void"},
		{"nested generated column", lists("", feature.GeneratedColumns),
			table("", `{"type":"array","elementType":{"type":"struct","fields":[{"name":"x","type":"long","metadata":{"delta.generationExpression":"1"}}]}}`), "", "generatedColumns"},
	} {
		check := func(verb string, err error, want string, reader bool) {
			var u *feature.UnsupportedError
			switch {
			case want == "" && err != nil:
				t.Errorf("%s: %s: %v", c.name, verb, err)
			case want != "" && (!errors.As(err, &u) || u.Feature != want || reader && !u.Reader):
				t.Errorf("%s: %s: %v, want %q", c.name, verb, err, want)
			}
		}
		check("read", feature.CheckRead(c.p, c.m), c.read, true)
		check("write", feature.CheckWrite(c.p, c.m), c.write, false)
	}
}

func TestAllOfTheListedWriterFeatures(t *testing.T) {
	p := lists("", "")
	p.WriterFeatures = []string{
		"appendOnly", "invariants", "checkConstraints", "columnMapping", "deletionVectors", "timestampNtz", "v2Checkpoint",
		"vacuumProtocolCheck", "inCommitTimestamp", "domainMetadata", "changeDataFeed", "generatedColumns", "identityColumns", "rowTracking",
		"clustering", "typeWidening",
	}
	if err := feature.CheckWrite(p, table("", `"long"`)); err != nil {
		t.Error(err)
	}
	legacy := &action.Protocol{MinReader: 2, MinWriter: 5}
	if got := feature.WriterFeatures(legacy); !slices.Contains(got, feature.ColumnMapping) || slices.Contains(got, feature.IdentityColumns) {
		t.Errorf("%v", got)
	}
	if !feature.Supported(legacy, feature.ChangeDataFeed) || feature.Supported(legacy, feature.DeletionVectors) {
		t.Error("Supported")
	}
}

func TestWidens(t *testing.T) {
	for pair, want := range map[[2]string]bool{
		{"byte", "long"}: true, {"long", "integer"}: false, {"float", "double"}: true, {"integer", "double"}: true, {"long", "double"}: false,
		{"date", "timestamp_ntz"}: true, {"date", "timestamp"}: false, {"decimal(6,2)", "decimal(10,4)"}: true, {"decimal(6,2)", "decimal(7,4)"}: false,
		{"integer", "decimal(12,2)"}: true, {"integer", "decimal(11,2)"}: false, {"long", "decimal(20,0)"}: true, {"long", "decimal(19,0)"}: false,
		{"string", "long"}: false, {"nonsense", "long"}: false, {"void", "string"}: true,
	} {
		if got := feature.Widens(pair[0], pair[1]); got != want {
			t.Errorf("%v: %v", pair, got)
		}
	}
}
