package parquet

import (
	"fmt"
	"strings"

	"github.com/parquet-go/parquet-go/format"

	"github.com/featuresql/featuresql/engine/types"
)

const (
	maxSchemaDepth  = 64
	maxRowGroupRows = 1 << 40
	maxFixedLength  = 1 << 20
)

// node is one element of the schema tree.
type node struct {
	name       string
	fieldID    int32
	repetition format.FieldRepetitionType
	annot      annotation
	def, rep   uint8 // levels at which a value of the node is there
	children   []*node
	names      map[string]*node // children by name, the first of each; nil where there are few
	leaf       *leaf            // nil for a group
}

// leaf is a column of the file.
type leaf struct {
	index          int
	path           []string
	typ            format.Type
	typeLen        int // of FixedLenByteArray
	annot          annotation
	maxDef, maxRep uint8
	ordered        bool      // min and max follow the order of the type
	calendar       *calendar // of old Java's; nil: today's
}

func (l *leaf) name() string { return strings.Join(l.path, ".") }

func (l *leaf) describe() string {
	s := l.typ.String()
	if l.typ == format.FixedLenByteArray {
		s = fmt.Sprintf("%s(%d)", s, l.typeLen)
	}
	if a := l.annot.String(); a != "" {
		s += " " + a
	}
	return s
}

// width is the size of a plain value in bytes, 0 for booleans and byte arrays.
func (l *leaf) width() int {
	switch l.typ {
	case format.Int32, format.Float:
		return 4
	case format.Int64, format.Double:
		return 8
	case format.Int96:
		return 12
	case format.FixedLenByteArray:
		return l.typeLen
	}
	return 0
}

// schemaBuilder turns the flattened schema into a tree.
type schemaBuilder struct {
	elems  []schemaElement
	next   int
	leaves []*leaf
}

func buildSchema(m *fileMeta) (*node, []*leaf, error) {
	b := &schemaBuilder{elems: m.schema}
	root, err := b.node(nil, 0, 0)
	if err != nil {
		return nil, nil, err
	}
	if b.next != len(b.elems) {
		return nil, nil, corruptf("the schema has %d elements outside its tree", len(b.elems)-b.next)
	}
	if root.leaf != nil {
		return nil, nil, corruptf("the schema's root is a column")
	}
	legacy := m.legacyCalendar()
	for i, l := range b.leaves {
		l.calendar = legacy
		l.ordered = i < len(m.orders) && m.orders[i] && !(l.annot.kind == annotDecimal && m.misorderedDecimals())
	}
	return root, b.leaves, nil
}

// misorderedDecimals reports whether the file's writer compared decimals byte by byte, each byte with a sign: Arrow before 4.0 (PARQUET-1655).
func (m *fileMeta) misorderedDecimals() bool {
	version, arrow := strings.CutPrefix(m.createdBy, "parquet-cpp-arrow version ")
	return strings.HasPrefix(m.createdBy, "parquet-cpp version ") || arrow && len(version) > 1 && version[0] < '4' && version[1] == '.'
}

func (b *schemaBuilder) node(path []string, def, rep uint8) (*node, error) {
	if b.next >= len(b.elems) {
		return nil, corruptf("the schema ends early")
	}
	if len(path) > maxSchemaDepth {
		return nil, corruptf("the schema is nested more than %d levels", maxSchemaDepth)
	}
	e := &b.elems[b.next]
	isRoot := b.next == 0
	b.next++
	n := &node{name: e.name, fieldID: e.fieldID, repetition: e.repetition, annot: annotationOf(e)}
	if isRoot {
		n.repetition = format.Required
	} else {
		path = append(path[:len(path):len(path)], e.name)
	}
	switch n.repetition {
	case format.Required:
	case format.Optional:
		def++
	case format.Repeated:
		def++
		rep++
	default:
		return nil, corruptf("column %s has repetition type %d", e.name, n.repetition)
	}
	n.def, n.rep = def, rep
	if e.hasType && e.numChildren == 0 && !isRoot {
		return n, b.addLeaf(n, e, path)
	}
	if e.numChildren < 0 || int(e.numChildren) > len(b.elems)-b.next {
		return nil, corruptf("group %s has %d children", e.name, e.numChildren)
	}
	for range int(e.numChildren) {
		c, err := b.node(path, def, rep)
		if err != nil {
			return nil, err
		}
		n.children = append(n.children, c)
	}
	n.indexNames()
	return n, nil
}

// manyChildren is from how many children on a group has an index of their names: wide tables have thousands.
const manyChildren = 16

func (n *node) indexNames() {
	if len(n.children) < manyChildren {
		return
	}
	n.names = make(map[string]*node, len(n.children))
	for _, c := range n.children {
		if n.names[c.name] == nil {
			n.names[c.name] = c
		}
	}
}

func (b *schemaBuilder) addLeaf(n *node, e *schemaElement, path []string) error {
	if e.typ < format.Boolean || e.typ > format.FixedLenByteArray {
		return corruptf("column %s has physical type %d", e.name, e.typ)
	}
	l := &leaf{index: len(b.leaves), path: path, typ: e.typ, annot: n.annot, maxDef: n.def, maxRep: n.rep}
	if e.typ == format.FixedLenByteArray {
		if e.typeLen < 0 || e.typeLen > maxFixedLength {
			return corruptf("column %s has values of %d bytes", e.name, e.typeLen)
		}
		l.typeLen = int(e.typeLen)
	}
	if !l.annot.check(l.typ, l.typeLen) {
		l.annot = annotation{}
	}
	n.leaf = l
	b.leaves = append(b.leaves, l)
	return nil
}

// naturalType is the engine's type for the leaf's values when nobody asks for another; Invalid if there is none.
func (l *leaf) naturalType() types.Type {
	a := l.annot
	switch a.kind {
	case annotString, annotEnum, annotJSON, annotUUID:
		return types.Of(types.String)
	case annotDecimal:
		if a.precision > types.MaxPrecision38 || a.scale > types.MaxScale {
			return types.Type{}
		}
		return types.DecimalOf(int(a.precision), int(a.scale))
	case annotDate:
		return types.Of(types.Date)
	case annotTime:
		return types.Of(types.Time)
	case annotTimestamp:
		if a.utc {
			return types.Of(types.Timestamp)
		}
		return types.Of(types.TimestampNTZ)
	case annotInt:
		return naturalInt(a)
	case annotFloat16:
		return types.Of(types.Float32)
	}
	switch l.typ {
	case format.Boolean:
		return types.Of(types.Bool)
	case format.Int32:
		return types.Of(types.Int32)
	case format.Int64:
		return types.Of(types.Int64)
	case format.Int96:
		return types.Of(types.Timestamp)
	case format.Float:
		return types.Of(types.Float32)
	case format.Double:
		return types.Of(types.Float64)
	}
	return types.Of(types.Binary)
}

func naturalInt(a annotation) types.Type {
	switch {
	case a.bits == 64 && a.unsigned:
		return types.Of(types.Uint64)
	case a.bits == 64 || (a.bits == 32 && a.unsigned):
		return types.Of(types.Int64)
	case a.bits == 32 || (a.bits == 16 && a.unsigned):
		return types.Of(types.Int32)
	case a.bits == 16 || a.unsigned:
		return types.Of(types.Int16)
	}
	return types.Of(types.Int8)
}
