package planner

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/feature"
	"github.com/featuresql/featuresql/datasource/delta/schema"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

// readerWriterFeatures are the table features that readers must know, too.
var readerWriterFeatures = []string{"columnMapping", "deletionVectors", "timestampNtz", "typeWidening", "v2Checkpoint", "vacuumProtocolCheck"}

// protocolFor works out the protocol that a definition needs (PROTOCOL.md, "Table Features"), and completes
// the metadata of features that want it there.
func protocolFor(fields []fieldJSON, meta *action.Metadata) (*action.Protocol, error) {
	var need []string
	want := func(f string) {
		if !slices.Contains(need, f) {
			need = append(need, f)
		}
	}
	conf := meta.Configuration
	for name, feature := range map[string]string{"delta.enableDeletionVectors": "deletionVectors", "delta.enableInCommitTimestamps": "inCommitTimestamp",
		"delta.enableTypeWidening": "typeWidening"} {
		on, err := boolProperty(conf, name)
		if err != nil {
			return nil, err
		}
		if on {
			want(feature)
		}
	}
	if strings.EqualFold(conf["delta.checkpointPolicy"], "v2") {
		want("v2Checkpoint")
	}
	for k := range conf {
		if strings.HasPrefix(k, "delta.constraints.") {
			want("checkConstraints")
		}
		if f, ok := strings.CutPrefix(k, "delta.feature."); ok {
			want(f)
			delete(conf, k)
		}
	}
	for _, f := range fields {
		if strings.Contains(string(f.Type), `"timestamp_ntz"`) {
			want("timestampNtz")
		}
		if _, ok := f.Metadata["CURRENT_DEFAULT"]; ok {
			want("allowColumnDefaults")
		}
	}
	if isMapped(conf) {
		want(feature.ColumnMapping)
		mapColumnsOf(fields, conf, func(string) string { return "col-" + uuid.NewString() })
	}
	return protocolOf(need), nil
}

func boolProperty(conf map[string]string, name string) (bool, error) {
	v, ok := conf[name]
	if !ok {
		return false, nil
	}
	on, err := strconv.ParseBool(strings.ToLower(v))
	if err != nil {
		return false, &PropertyError{name, v, "must be true or false"}
	}
	return on, nil
}

// protocolOf names the features: none are needed for the protocol that every engine has known since 2019.
func protocolOf(need []string) *action.Protocol {
	if len(need) == 0 {
		return &action.Protocol{MinReader: 1, MinWriter: 2}
	}
	for _, f := range []string{"appendOnly", "invariants"} { // what writer version 2 implied
		if !slices.Contains(need, f) {
			need = append(need, f)
		}
	}
	slices.Sort(need)
	p := &action.Protocol{MinReader: 1, MinWriter: 7, WriterFeatures: need}
	for _, f := range need {
		if slices.Contains(readerWriterFeatures, f) {
			p.MinReader = 3
			p.ReaderFeatures = append(p.ReaderFeatures, f)
		}
	}
	return p
}

// mergeProtocol upgrades old to what new needs; features are never dropped.
func mergeProtocol(old, add *action.Protocol) *action.Protocol {
	if add.MinWriter < 7 && add.MinReader <= old.MinReader && add.MinWriter <= old.MinWriter {
		return old
	}
	have := feature.WriterFeatures(old)
	need := slices.Clone(have)
	for _, f := range add.WriterFeatures {
		if !slices.Contains(need, f) {
			need = append(need, f)
		}
	}
	if len(need) == len(have) {
		return old
	}
	return protocolOf(need)
}

func sameProtocol(a, b *action.Protocol) bool {
	return a.MinReader == b.MinReader && a.MinWriter == b.MinWriter &&
		slices.Equal(a.ReaderFeatures, b.ReaderFeatures) && slices.Equal(a.WriterFeatures, b.WriterFeatures)
}

// isMapped reports whether the table's columns have names of their own in files.
func isMapped(conf map[string]string) bool {
	mode := conf[schema.PropertyMapping]
	return strings.EqualFold(mode, "name") || strings.EqualFold(mode, "id")
}

// mapColumnsOf gives every column that has none yet an id and the physical name that name makes of its own
// (PROTOCOL.md, "Column Mapping").
func mapColumnsOf(fields []fieldJSON, conf map[string]string, name func(string) string) {
	next, _ := strconv.Atoi(conf[propertyMaxColumnID])
	for i := range fields {
		if fields[i].Metadata == nil {
			fields[i].Metadata = map[string]any{}
		}
		mapField(fields[i].Metadata, fields[i].Name, &next, name)
		if fields[i].Type[0] == '{' {
			fields[i].Type = mapNested(fields[i].Type, &next, name)
		}
	}
	conf[propertyMaxColumnID] = strconv.Itoa(next)
}

const propertyMaxColumnID = "delta.columnMapping.maxColumnId"

func mapField(metadata map[string]any, column string, next *int, name func(string) string) {
	if _, ok := metadata[schema.KeyColumnID]; ok {
		return
	}
	*next++
	metadata[schema.KeyColumnID] = *next
	metadata[schema.KeyPhysicalName] = name(column)
}

// mapNested does the same for the fields of structs inside a nested type.
func mapNested(t json.RawMessage, next *int, name func(string) string) json.RawMessage {
	var doc any
	if json.Unmarshal(t, &doc) != nil {
		return t
	}
	number(doc, next, name)
	out, err := json.Marshal(doc)
	if err != nil {
		return t
	}
	return out
}

func number(doc any, next *int, name func(string) string) {
	m, ok := doc.(map[string]any)
	if !ok {
		return
	}
	for _, key := range []string{"elementType", "keyType", "valueType"} {
		number(m[key], next, name)
	}
	list, _ := m["fields"].([]any)
	for _, f := range list {
		field, ok := f.(map[string]any)
		if !ok {
			continue
		}
		metadata, ok := field["metadata"].(map[string]any)
		if !ok {
			metadata = map[string]any{}
			field["metadata"] = metadata
		}
		column, _ := field["name"].(string)
		mapField(metadata, column, next, name)
		number(field["type"], next, name)
	}
}

// storeField converts a value to what a column stores; a value that does not fit is an error.
func storeField(e expr.Expr, f *schema.Field, t types.Type) expr.Expr {
	e = expr.CastStrict(e, t, f.Name)
	if chars, fixed, ok := f.TextLimit(); ok {
		e = expr.StoreText(e, chars, fixed, f.Name)
	}
	return e
}
