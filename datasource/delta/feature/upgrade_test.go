package feature_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/feature"
	"github.com/featuresql/featuresql/datasource/delta/schema"
)

// TestWith lists protocols, the features that they are to have, and what they become.
func TestWith(t *testing.T) {
	type list = []string
	for _, c := range []struct {
		name string
		old  action.Protocol
		need list
		want action.Protocol
	}{
		{"nothing", action.Protocol{MinReader: 1, MinWriter: 2}, nil, action.Protocol{MinReader: 1, MinWriter: 2}},
		{"implied", action.Protocol{MinReader: 1, MinWriter: 4}, list{"changeDataFeed"}, action.Protocol{MinReader: 1, MinWriter: 4}},
		{"writer feature", action.Protocol{MinReader: 1, MinWriter: 2}, list{"checkConstraints"},
			action.Protocol{MinReader: 1, MinWriter: 7, WriterFeatures: list{"appendOnly", "checkConstraints", "invariants"}}},
		{"reader feature", action.Protocol{MinReader: 1, MinWriter: 1}, list{"deletionVectors"},
			action.Protocol{MinReader: 3, MinWriter: 7, ReaderFeatures: list{"deletionVectors"}, WriterFeatures: list{"deletionVectors"}}},
		{"legacy 2 5", action.Protocol{MinReader: 2, MinWriter: 5}, list{"allowColumnDefaults"},
			action.Protocol{MinReader: 3, MinWriter: 7, ReaderFeatures: list{"columnMapping"}, WriterFeatures: list{"allowColumnDefaults", "appendOnly",
				"changeDataFeed", "checkConstraints", "columnMapping", "generatedColumns", "invariants"}}},
		{"reader 2 alone, writer 7", action.Protocol{MinReader: 2, MinWriter: 7, WriterFeatures: list{"columnMapping"}}, list{"deletionVectors"},
			action.Protocol{MinReader: 3, MinWriter: 7, ReaderFeatures: list{"columnMapping", "deletionVectors"}, WriterFeatures: list{"columnMapping", "deletionVectors"}}},
		{"lists are kept", action.Protocol{MinReader: 3, MinWriter: 7, ReaderFeatures: list{"typeWidening-preview"}, WriterFeatures: list{"typeWidening-preview"}},
			list{"typeWidening", "checkConstraints"}, action.Protocol{MinReader: 3, MinWriter: 7, ReaderFeatures: list{"typeWidening-preview"},
				WriterFeatures: list{"checkConstraints", "typeWidening-preview"}}},
		{"dependency", action.Protocol{MinReader: 3, MinWriter: 7, ReaderFeatures: list{}, WriterFeatures: list{}}, list{"rowTracking"},
			action.Protocol{MinReader: 3, MinWriter: 7, ReaderFeatures: list{}, WriterFeatures: list{"domainMetadata", "rowTracking"}}},
		{"missing dependency", action.Protocol{MinReader: 1, MinWriter: 7, WriterFeatures: list{"clustering"}}, list{"clustering"},
			action.Protocol{MinReader: 1, MinWriter: 7, WriterFeatures: list{"clustering", "domainMetadata"}}},
	} {
		before := c.old
		if got := feature.With(&c.old, c.need); !reflect.DeepEqual(*got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, *got, c.want)
		}
		if !reflect.DeepEqual(c.old, before) {
			t.Errorf("%s: the old protocol changed", c.name)
		}
	}
}

// TestNeeded lists for metadata the feature that it needs; without it the protocol is refused.
func TestNeeded(t *testing.T) {
	for _, c := range []struct {
		m    *action.Metadata
		want string
	}{
		{table("", `"long"`), ""},
		{table("", `"long"`, "delta.enableChangeDataFeed", "false", "delta.columnMapping.mode", "none"), ""},
		{table("", `"long"`, "delta.enableChangeDataFeed", "true"), "changeDataFeed"},
		{table("", `"long"`, "delta.enableRowTracking", "TRUE"), "rowTracking"},
		{table("", `"long"`, "delta.enableDeletionVectors", "true"), "deletionVectors"},
		{table("", `"long"`, "delta.enableIcebergCompatV2", "true"), "icebergCompatV2"},
		{table("", `"long"`, "delta.columnMapping.mode", "id"), "columnMapping"},
		{table("", `"long"`, "delta.checkpointPolicy", "v2"), "v2Checkpoint"},
		{table("", `"long"`, "delta.constraints.a", "a > 0"), "checkConstraints"},
		{table("", `{"type":"array","elementType":"timestamp_ntz","containsNull":true}`), "timestampNtz"},
		{table("", `{"type":"array","elementType":{"type":"struct","fields":[{"name":"x","type":"long","metadata":{"CURRENT_DEFAULT":"1"}}]}}`), "allowColumnDefaults"},
		{table(`"delta.generationExpression":"1"`, `"long"`), "generatedColumns"},
		{table(`"delta.identity.start":1,"delta.identity.step":1`, `"long"`), "identityColumns"},
		{table(`"delta.typeChanges":[]`, `"long"`), "typeWidening"},
		{table("", `{"type":"struct","fields":[{"name":"x","type":"long","nullable":false,"metadata":{}}]}`), "invariants"},
	} {
		s, err := schema.Parse(c.m.SchemaString)
		if err != nil {
			t.Fatal(err)
		}
		got := feature.Needed(c.m, s)
		if c.want == "" && len(got) == 0 {
			continue
		}
		if len(got) != 1 || got[0] != c.want {
			t.Errorf("%s %v: %v, want %s", c.m.SchemaString, c.m.Configuration, got, c.want)
		}
		var u *feature.UnsupportedError
		if err := feature.CheckMetadata(&action.Protocol{MinReader: 1, MinWriter: 1}, c.m); !errors.As(err, &u) || u.Feature != c.want {
			t.Errorf("%s: %v", c.want, err)
		}
		if err := feature.CheckMetadata(feature.With(&action.Protocol{MinReader: 1, MinWriter: 1}, got), c.m); err != nil {
			t.Errorf("%s: %v", c.want, err)
		}
	}
}
