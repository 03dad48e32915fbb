package feature

import (
	"slices"
	"strings"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/schema"
)

// depends lists the features that a feature cannot be without (PROTOCOL.md, the section of each).
var depends = map[string][]string{
	RowTracking: {DomainMetadata}, Clustering: {DomainMetadata},
}

// properties are the features that a property switches on when it is true.
var properties = map[string]string{
	"delta.appendOnly": AppendOnly, "delta.enableDeletionVectors": DeletionVectors, "delta.enableInCommitTimestamps": InCommitTimestamp,
	"delta.enableTypeWidening": TypeWidening, propertyCDF: ChangeDataFeed, propertyRowTracking: RowTracking,
	"delta.enableIcebergCompatV1": "icebergCompatV1", "delta.enableIcebergCompatV2": "icebergCompatV2", "delta.enableIcebergCompatV3": "icebergCompatV3",
	"delta.enableVariantShredding": "variantShredding",
}

// Needed returns the features that properties and schema use, sorted. Properties count by their exact names.
func Needed(m *action.Metadata, s *schema.Struct) []string {
	var out []string
	want := func(name string, is bool) {
		if is && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for property, name := range properties {
		want(name, strings.EqualFold(m.Configuration[property], "true"))
	}
	want(V2Checkpoint, strings.EqualFold(m.Configuration["delta.checkpointPolicy"], "v2"))
	mode := m.Configuration[schema.PropertyMapping]
	want(ColumnMapping, mode != "" && !strings.EqualFold(mode, "none"))
	for key := range m.Configuration {
		want(CheckConstraints, strings.HasPrefix(key, schema.PropertyConstraints))
	}
	find(s, "", func(f *schema.Field) bool {
		has := func(key string) bool { _, ok := f.Metadata.Get(key); return ok }
		want(Invariants, has(schema.KeyInvariants) || !f.Nullable)
		want(ColumnDefaults, has(schema.KeyDefault))
		want(GeneratedColumns, has(schema.KeyGeneration))
		want(IdentityColumns, f.Identity() != nil)
		want(TypeWidening, has(schema.KeyTypeChanges))
		return false
	})
	want(TimestampNTZ, holds(s, schema.Primitive{Name: schema.TimestampNTZ}))
	slices.Sort(out)
	return out
}

// holds reports whether a type is t or has it within.
func holds(in schema.Type, t schema.Primitive) bool {
	switch in := in.(type) {
	case *schema.Struct:
		return slices.ContainsFunc(in.Fields, func(f schema.Field) bool { return holds(f.Type, t) })
	case *schema.Array:
		return holds(in.Element, t)
	case *schema.Map:
		return holds(in.Key, t) || holds(in.Value, t)
	}
	return in == schema.Type(t)
}

// CheckMetadata refuses new metadata that uses a feature which the protocol lacks: *UnsupportedError.
func CheckMetadata(p *action.Protocol, m *action.Metadata) error {
	s, err := schema.Parse(m.SchemaString)
	if err != nil {
		return err
	}
	for _, name := range missing(p, Needed(m, s)) {
		return &UnsupportedError{Feature: name, Detail: "which the table's protocol does not list"}
	}
	return nil
}

// missing returns those of the features, and of the ones that they depend on, that p lacks.
func missing(p *action.Protocol, need []string) (out []string) {
	for _, name := range need {
		preview := name == TypeWidening && Supported(p, TypeWideningPreview)
		if !Supported(p, name) && !preview && !slices.Contains(out, name) {
			out = append(out, name)
		}
		for _, d := range missing(p, depends[name]) {
			if !slices.Contains(out, d) {
				out = append(out, d)
			}
		}
	}
	return out
}

// Canonical returns a feature's name as the protocol spells it, whatever the case; one that is not known here stays as it is.
func Canonical(name string) string {
	for known := range writable {
		if strings.EqualFold(known, name) {
			return known
		}
	}
	return name
}

// With returns p with further features, and the ones that they depend on; p itself if it has them all. What p lists or
// stands for stays, and versions never fall (PROTOCOL.md, Table Features for New and Existing Tables).
func With(p *action.Protocol, need []string) *action.Protocol {
	more := missing(p, need)
	if len(more) == 0 {
		return p
	}
	old := WriterFeatures(p)
	out := &action.Protocol{MinReader: p.MinReader, MinWriter: 7, WriterFeatures: append(slices.Clone(old), more...)}
	slices.Sort(out.WriterFeatures)
	readers := more
	if p.MinReader < 3 {
		readers = out.WriterFeatures
	}
	listed := ReaderFeatures(p)
	for _, name := range readers {
		if slices.Contains(readable, name) && !slices.Contains(listed, name) {
			listed = append(slices.Clip(listed), name)
		}
	}
	if len(listed) > 0 || p.MinReader >= 3 {
		out.MinReader, out.ReaderFeatures = 3, append([]string{}, listed...)
		slices.Sort(out.ReaderFeatures)
	}
	return out
}
