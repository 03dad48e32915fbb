package feature

import (
	"fmt"
	"slices"
	"strings"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/schema"
)

// Names of table features (PROTOCOL.md, Valid Feature Names in Table Features).
const (
	AppendOnly          = "appendOnly"
	Invariants          = "invariants"
	CheckConstraints    = "checkConstraints"
	GeneratedColumns    = "generatedColumns"
	ColumnDefaults      = "allowColumnDefaults"
	ChangeDataFeed      = "changeDataFeed"
	ColumnMapping       = "columnMapping"
	IdentityColumns     = "identityColumns"
	DeletionVectors     = "deletionVectors"
	RowTracking         = "rowTracking"
	TimestampNTZ        = "timestampNtz"
	DomainMetadata      = "domainMetadata"
	V2Checkpoint        = "v2Checkpoint"
	Clustering          = "clustering"
	VacuumProtocolCheck = "vacuumProtocolCheck"
	InCommitTimestamp   = "inCommitTimestamp"
	TypeWidening        = "typeWidening"
	TypeWideningPreview = "typeWidening-preview"
)

// Table properties that switch features on.
const (
	propertyCDF         = "delta.enableChangeDataFeed"
	propertyRowTracking = "delta.enableRowTracking"
)

// UnsupportedError says that a table needs a feature that is not supported.
type UnsupportedError struct {
	Feature string
	Reader  bool   // needed to read; otherwise only to write
	Detail  string // what the table does with it; may be empty
}

func (e *UnsupportedError) Error() string {
	verb := "written"
	if e.Reader {
		verb = "read"
	}
	s := fmt.Sprintf("table cannot be %s: it needs the table feature %q, which is not supported", verb, e.Feature)
	if e.Detail != "" {
		s += " (" + e.Detail + ")"
	}
	return s
}

// readable are the reader features that are understood.
var readable = []string{ColumnMapping, DeletionVectors, TimestampNTZ, V2Checkpoint, VacuumProtocolCheck, TypeWidening, TypeWideningPreview}

// writerOnly are features that never change what a reader has to do; a protocol that lists one for readers is read.
var writerOnly = []string{
	AppendOnly, Invariants, CheckConstraints, GeneratedColumns, ColumnDefaults, ChangeDataFeed, IdentityColumns,
	RowTracking, DomainMetadata, Clustering, InCommitTimestamp,
}

// writable says for each writer feature that is understood when it may be written; nil: always.
var writable = map[string]func(*table) string{
	AppendOnly: nil, Invariants: nil, CheckConstraints: nil, ColumnMapping: nil, DeletionVectors: nil, TimestampNTZ: nil,
	V2Checkpoint: nil, VacuumProtocolCheck: nil, InCommitTimestamp: nil, DomainMetadata: nil, Clustering: nil, ColumnDefaults: nil,
	TypeWidening: nil, TypeWideningPreview: nil, RowTracking: nil, ChangeDataFeed: nil,
	GeneratedColumns: func(t *table) string {
		return t.uses("is generated", func(f *schema.Field) bool { _, ok := f.Generation(); return ok })
	},
	IdentityColumns: func(t *table) string {
		return t.uses("is an identity column", func(f *schema.Field) bool { return f.Identity() != nil })
	},
}

// table is what a rule looks at.
type table struct {
	metadata *action.Metadata
	schema   *schema.Struct
}

func (t *table) uses(how string, has func(*schema.Field) bool) string {
	if name := find(t.schema, "", has); name != "" {
		return "column " + name + " " + how
	}
	return ""
}

// find returns the dotted name of the first field, however deep, for which has is true.
func find(t schema.Type, path string, has func(*schema.Field) bool) string {
	switch t := t.(type) {
	case *schema.Struct:
		for i := range t.Fields {
			f := &t.Fields[i]
			name := strings.TrimPrefix(path+"."+f.Name, ".")
			if has(f) {
				return name
			}
			if inner := find(f.Type, name, has); inner != "" {
				return inner
			}
		}
	case *schema.Array:
		return find(t.Element, path+".element", has)
	case *schema.Map:
		if inner := find(t.Key, path+".key", has); inner != "" {
			return inner
		}
		return find(t.Value, path+".value", has)
	}
	return ""
}

// legacyWriter are the features that a writer version stands for, besides those of the versions below it.
var legacyWriter = map[int][]string{
	2: {AppendOnly, Invariants}, 3: {CheckConstraints}, 4: {ChangeDataFeed, GeneratedColumns}, 5: {ColumnMapping}, 6: {IdentityColumns},
}

// ReaderFeatures returns the features that a reader of the table needs, those of legacy versions included.
func ReaderFeatures(p *action.Protocol) []string {
	switch {
	case p.MinReader >= 3:
		return p.ReaderFeatures
	case p.MinReader == 2:
		return []string{ColumnMapping}
	}
	return nil
}

// WriterFeatures returns the features that a writer of the table needs, those of legacy versions included.
func WriterFeatures(p *action.Protocol) []string {
	if p.MinWriter >= 7 {
		return p.WriterFeatures
	}
	var out []string
	for v := 2; v <= p.MinWriter; v++ {
		out = append(out, legacyWriter[v]...)
	}
	return out
}

// Supported reports whether the table supports a feature, be it as a reader or a writer feature.
func Supported(p *action.Protocol, name string) bool {
	return slices.Contains(WriterFeatures(p), name) || slices.Contains(ReaderFeatures(p), name)
}

// Enabled reports whether the table supports a feature and a property switches it on.
func Enabled(p *action.Protocol, m *action.Metadata, name, property string) bool {
	return Supported(p, name) && strings.EqualFold(m.Configuration[property], "true")
}

// CheckRead says whether the table may be read: *UnsupportedError names what stands against it. Errors of the
// schema (*schema.ParseError, *schema.UnsupportedTypeError) come back as they are.
func CheckRead(p *action.Protocol, m *action.Metadata) error {
	if p.MinReader > 3 {
		return &UnsupportedError{Feature: fmt.Sprintf("reader version %d", p.MinReader), Reader: true}
	}
	for _, name := range ReaderFeatures(p) {
		if !slices.Contains(readable, name) && !slices.Contains(writerOnly, name) {
			return &UnsupportedError{Feature: name, Reader: true}
		}
	}
	if provider := m.Format.Provider; provider != "" && !strings.EqualFold(provider, "parquet") {
		return &UnsupportedError{Feature: "data files of format " + provider, Reader: true}
	}
	s, err := schema.Parse(m.SchemaString)
	if err != nil {
		return fmt.Errorf("table metadata: %w", err)
	}
	if _, err := schema.ModeOf(p, m); err != nil {
		return fmt.Errorf("table metadata: %w", err)
	}
	if Supported(p, TypeWidening) || Supported(p, TypeWideningPreview) {
		return checkTypeChanges(s)
	}
	return nil
}

// CheckWrite says whether the table may be written: *UnsupportedError names what stands against it.
func CheckWrite(p *action.Protocol, m *action.Metadata) error {
	if err := CheckRead(p, m); err != nil {
		return err
	}
	if p.MinWriter > 7 {
		return &UnsupportedError{Feature: fmt.Sprintf("writer version %d", p.MinWriter)}
	}
	s, err := schema.Parse(m.SchemaString)
	if err != nil {
		return fmt.Errorf("table metadata: %w", err)
	}
	t := &table{m, s}
	for _, name := range WriterFeatures(p) {
		rule, ok := writable[name]
		if !ok {
			return &UnsupportedError{Feature: name}
		}
		if rule == nil {
			continue
		}
		if detail := rule(t); detail != "" {
			return &UnsupportedError{Feature: name, Detail: detail}
		}
	}
	if name := find(s, "", (*schema.Field).IsVoid); name != "" {
		return &UnsupportedError{Feature: "void", Detail: "column " + name + " has the type void"}
	}
	return nil
}

// checkTypeChanges refuses histories of types that cannot be converted (PROTOCOL.md, Reader Requirements for Type Widening).
func checkTypeChanges(s *schema.Struct) (err error) {
	find(s, "", func(f *schema.Field) bool {
		changes, e := f.TypeChanges()
		if e != nil {
			err = fmt.Errorf("table metadata: %w", e)
			return true
		}
		for _, c := range changes {
			if !Widens(c.From, c.To) {
				err = &UnsupportedError{Feature: TypeWidening, Reader: true, Detail: fmt.Sprintf("column %s changed from %s to %s", f.Name, c.From, c.To)}
				return true
			}
		}
		return false
	})
	return err
}

// Widens reports whether a type may become another one without rewriting files (PROTOCOL.md, Type Widening).
func Widens(from, to string) bool {
	f, err1 := schema.ParseType(from)
	t, err2 := schema.ParseType(to)
	a, ok1 := f.(schema.Primitive)
	b, ok2 := t.(schema.Primitive)
	if err1 != nil || err2 != nil || !ok1 || !ok2 {
		return false
	}
	rank := map[schema.Name]int{schema.Byte: 1, schema.Short: 2, schema.Integer: 3, schema.Long: 4}
	switch {
	case a == b || a.Name == schema.Void:
		return true
	case rank[a.Name] > 0 && rank[b.Name] > 0:
		return rank[a.Name] <= rank[b.Name]
	case b.Name == schema.Double:
		return a.Name == schema.Float || rank[a.Name] > 0 && rank[a.Name] < 4
	case b.Name == schema.TimestampNTZ:
		return a.Name == schema.Date
	case b.Name == schema.Decimal && a.Name == schema.Decimal:
		return b.Scale >= a.Scale && b.Precision-b.Scale >= a.Precision-a.Scale
	case b.Name == schema.Decimal && rank[a.Name] == 4:
		return b.Precision-b.Scale >= 20
	case b.Name == schema.Decimal && rank[a.Name] > 0:
		return b.Precision-b.Scale >= 10
	}
	return false
}
