package planner

import (
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

const propertyFeature = "delta.feature."

// complete fills in what features want in metadata, writes the schema into it, and returns old with the features that
// it needs, those among them that 'delta.feature.…' properties ask for, which it takes out. old stays as it is.
func complete(fields []schema.Field, meta *action.Metadata, old *action.Protocol) (*action.Protocol, *schema.Struct, error) {
	var need []string
	conf := meta.Configuration
	for k := range conf {
		name, ok := strings.CutPrefix(k, propertyFeature)
		if !ok {
			continue
		}
		need = append(need, feature.Canonical(name))
		delete(conf, k)
	}
	if isMapped(conf) {
		mapFields(fields, conf, func(string) string { return "col-" + uuid.NewString() })
	}
	tracked := strings.EqualFold(conf[propertyRowTracking], "true")
	if tracked && strings.EqualFold(conf["delta.rowTrackingSuspended"], "true") {
		return nil, nil, &PropertyError{propertyRowTracking, "true", "cannot be set while delta.rowTrackingSuspended is true"}
	}
	if tracked && conf[propertyRowIDColumn] == "" {
		conf[propertyRowIDColumn] = "_row-id-col-" + uuid.NewString()
		conf[propertyRowVersionColumn] = "_row-commit-version-col-" + uuid.NewString()
	}
	if strings.EqualFold(conf[propertyChangeFeed], "true") {
		for _, f := range fields {
			if slices.ContainsFunc(changeColumns, func(name string) bool { return strings.EqualFold(name, f.Name) }) {
				return nil, nil, &PropertyError{propertyChangeFeed, "true", "cannot be set for a table with the column " + f.Name + ", which the change data feed adds"}
			}
		}
	}
	s := &schema.Struct{Fields: fields}
	meta.SchemaString = s.String()
	p := feature.With(old, append(need, feature.Needed(meta, s)...))
	return p, s, feature.CheckWrite(p, meta)
}

const propertyChangeFeed = "delta.enableChangeDataFeed"

// changeColumns are the columns that readers of changes see besides the table's.
var changeColumns = []string{"_change_type", "_commit_version", "_commit_timestamp"}

// Properties of row tracking, and the columns that keep the ids of rows that move (PROTOCOL.md, Row Tracking).
const (
	propertyRowTracking      = "delta.enableRowTracking"
	propertyRowIDColumn      = "delta.rowTracking.materializedRowIdColumnName"
	propertyRowVersionColumn = "delta.rowTracking.materializedRowCommitVersionColumnName"
)

// isMapped reports whether the table's columns have names of their own in files.
func isMapped(conf map[string]string) bool {
	mode := conf[schema.PropertyMapping]
	return strings.EqualFold(mode, "name") || strings.EqualFold(mode, "id")
}

const propertyMaxColumnID = "delta.columnMapping.maxColumnId"

// mapFields gives every field, however deep, that has none yet an id and the physical name that name makes of its own
// (PROTOCOL.md, Column Mapping). Ids are greater than the property of the greatest, which it sets.
func mapFields(fields []schema.Field, conf map[string]string, name func(string) string) {
	next, _ := strconv.ParseInt(conf[propertyMaxColumnID], 10, 32)
	eachField(fields, func(f *schema.Field) {
		if id, ok := f.Metadata.Int(schema.KeyColumnID); ok {
			next = max(next, id)
		}
	})
	eachField(fields, func(f *schema.Field) {
		if _, ok := f.Metadata.Int(schema.KeyColumnID); !ok {
			next++
			f.Metadata = f.Metadata.WithInt(schema.KeyColumnID, next)
		}
		if _, ok := f.Metadata.Str(schema.KeyPhysicalName); !ok {
			f.Metadata = f.Metadata.WithStr(schema.KeyPhysicalName, name(f.Name))
		}
	})
	conf[propertyMaxColumnID] = strconv.FormatInt(next, 10)
}

// eachField calls do for every field, those of nested types after the one they are in.
func eachField(fields []schema.Field, do func(*schema.Field)) {
	for i := range fields {
		do(&fields[i])
		fieldsWithin(fields[i].Type, do)
	}
}

func fieldsWithin(t schema.Type, do func(*schema.Field)) {
	switch t := t.(type) {
	case *schema.Struct:
		eachField(t.Fields, do)
	case *schema.Array:
		fieldsWithin(t.Element, do)
	case *schema.Map:
		fieldsWithin(t.Key, do)
		fieldsWithin(t.Value, do)
	}
}

// boundMetadata is the metadata of fields, and boundProperties begin the names of those properties, that mean something only together with the files of
// one table: a table made like another one has none of it.
var (
	boundMetadata = []string{schema.KeyColumnID, schema.KeyPhysicalName, "delta.columnMapping.nested.ids", schema.KeyTypeChanges, schema.KeyIdentityMark}

	boundProperties = []string{propertyMaxColumnID, "delta.inCommitTimestampEnablement", "delta.rowTracking.", "delta.rowTrackingSuspended",
		"delta.coordinatedCommits.", "delta.requireCheckpointProtectionBeforeVersion", "delta.redirect"}
)

// unbind takes out of a definition what belongs to the table that it was copied from.
func unbind(fields []schema.Field, conf map[string]string) {
	eachField(fields, func(f *schema.Field) {
		f.Metadata = slices.DeleteFunc(slices.Clone(f.Metadata), func(e schema.MetadataEntry) bool { return slices.Contains(boundMetadata, e.Key) })
	})
	for k := range conf {
		if isBound(k) {
			delete(conf, k)
		}
	}
}

// isBound reports whether a property is one of boundProperties.
func isBound(property string) bool {
	return slices.ContainsFunc(boundProperties, func(p string) bool { return strings.HasPrefix(property, p) })
}

// storeField converts a value to what a column stores; a value that does not fit is an error.
func storeField(e expr.Expr, f *schema.Field, t types.Type) expr.Expr {
	e = expr.CastStrict(e, t, f.Name)
	if t.Kind == types.String {
		e = expr.StoreUTF8(e, f.Name)
	}
	if chars, fixed, ok := f.TextLimit(); ok {
		e = expr.StoreText(e, chars, fixed, f.Name)
	}
	if f.IsJSON() {
		e = expr.StoreJSON(e, f.Name)
	}
	return e
}
