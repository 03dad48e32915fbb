package parquet

import (
	"fmt"
	"math"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/featuresql/featuresql/engine/types"
)

// maxWriteDepth bounds the nesting of fields.
const maxWriteDepth = 64

// writeNode is one field of the schema as the writer sees it: its leaves are columns, and its place in the
// tree fixes the definition and repetition levels of what is written below it.
type writeNode struct {
	field    *Field
	column   *columnWriter // Primitive
	children []*writeNode  // Struct: the fields; List: the element; Map: key and value
	columns  []*columnWriter
	rep      uint8 // List, Map: repetition level of an entry that is not the first
	nulls    int64 // List, Map: rows in which the list or map, or a struct around it, is NULL
	repeated bool  // below a List or Map
}

// writeSchema turns fields into schema elements, columns and the tree of nodes.
type writeSchema struct {
	elements []format.SchemaElement
	columns  []*columnWriter
	opts     *WriterOptions
	scratch  *pageScratch
}

func (b *writeSchema) root(fields []Field) ([]*writeNode, error) {
	b.elements = append(b.elements, format.SchemaElement{Name: "spark_schema", NumChildren: thrift.New(int32(len(fields)))})
	nodes := make([]*writeNode, len(fields))
	for i := range fields {
		n, err := b.field(&fields[i], fields[i].PhysicalName(), nil, writeLevel{})
		if err != nil {
			return nil, err
		}
		nodes[i] = n
	}
	return nodes, nil
}

// writeLevel is the definition and repetition level reached on the way to a node.
type writeLevel struct {
	def, rep uint8
	depth    int
}

func (b *writeSchema) field(f *Field, name string, parent []string, l writeLevel) (*writeNode, error) {
	if l.depth++; l.depth > maxWriteDepth {
		return nil, &UnsupportedError{Feature: fmt.Sprintf("column %s nested deeper than %d levels", f.Name, maxWriteDepth)}
	}
	path := append(parent[:len(parent):len(parent)], name)
	e := format.SchemaElement{Name: name, FieldID: f.FieldID, RepetitionType: thrift.New(format.Required)}
	if f.Nullable {
		e.RepetitionType = thrift.New(format.Optional)
		l.def++
	}
	n := &writeNode{field: f, repeated: l.rep > 0}
	first := len(b.columns)
	var err error
	switch f.Kind {
	case Struct:
		err = b.structure(n, e, path, l)
	case List:
		err = b.list(n, e, path, l)
	case Map:
		err = b.mapping(n, e, path, l)
	default:
		err = b.leaf(n, e, path, l)
	}
	n.columns = b.columns[first:len(b.columns):len(b.columns)]
	return n, err
}

func (b *writeSchema) leaf(n *writeNode, e format.SchemaElement, path []string, l writeLevel) error {
	f := n.field
	if err := leafElement(&e, f.Type); err != nil {
		return fmt.Errorf("column %s: %w", f.Name, err)
	}
	b.elements = append(b.elements, e)
	n.column = newColumnWriter(leafColumn{
		path: path, name: f.Name, typ: f.Type, physical: e.Type.V, length: int(e.TypeLength.V), maxDef: l.def, maxRep: l.rep,
	}, b.opts, b.scratch)
	b.columns = append(b.columns, n.column)
	return nil
}

func (b *writeSchema) structure(n *writeNode, e format.SchemaElement, path []string, l writeLevel) error {
	f := n.field
	if len(f.Children) == 0 {
		return &UnsupportedError{Feature: "column " + f.Name + ": a struct without fields"}
	}
	e.NumChildren = thrift.New(int32(len(f.Children)))
	b.elements = append(b.elements, e)
	for i := range f.Children {
		c := &f.Children[i]
		child, err := b.field(c, c.PhysicalName(), path, l)
		if err != nil {
			return err
		}
		n.children = append(n.children, child)
	}
	return nil
}

func (b *writeSchema) list(n *writeNode, e format.SchemaElement, path []string, l writeLevel) error {
	f := n.field
	if len(f.Children) != 1 {
		return &UnsupportedError{Feature: "column " + f.Name + ": a list without an element type"}
	}
	e.NumChildren = thrift.New(int32(1))
	e.ConvertedType = thrift.New(deprecated.List)
	e.LogicalType = format.LogicalType{Value: &format.ListType{}}
	b.elements = append(b.elements, e, format.SchemaElement{
		Name: "list", RepetitionType: thrift.New(format.Repeated), NumChildren: thrift.New(int32(1)),
	})
	l.def, l.rep = l.def+1, l.rep+1
	n.rep = l.rep
	child, err := b.field(&f.Children[0], "element", append(path[:len(path):len(path)], "list"), l)
	n.children = []*writeNode{child}
	return err
}

func (b *writeSchema) mapping(n *writeNode, e format.SchemaElement, path []string, l writeLevel) error {
	f := n.field
	if len(f.Children) != 2 {
		return &UnsupportedError{Feature: "column " + f.Name + ": a map without a key and a value type"}
	}
	key, value := f.Children[0], f.Children[1]
	key.Nullable = false
	if key.Kind != Primitive {
		return &UnsupportedError{Feature: "column " + f.Name + ": a map with nested keys"}
	}
	e.NumChildren = thrift.New(int32(1))
	e.ConvertedType = thrift.New(deprecated.Map)
	e.LogicalType = format.LogicalType{Value: &format.MapType{}}
	b.elements = append(b.elements, e, format.SchemaElement{
		Name: "key_value", RepetitionType: thrift.New(format.Repeated), NumChildren: thrift.New(int32(2)),
	})
	l.def, l.rep = l.def+1, l.rep+1
	n.rep = l.rep
	path = append(path[:len(path):len(path)], "key_value")
	k, err := b.field(&key, "key", path, l)
	if err != nil {
		return err
	}
	v, err := b.field(&value, "value", path, l)
	n.children = []*writeNode{k, v}
	return err
}

// leafElement sets the physical type, logical type and converted type with which Spark writes t.
func leafElement(e *format.SchemaElement, t types.Type) error {
	set := func(p format.Type, logical format.LogicalTypeValue) {
		e.Type = thrift.New(p)
		e.LogicalType = format.LogicalType{Value: logical}
	}
	switch t.Kind {
	case types.Bool:
		set(format.Boolean, nil)
	case types.Int8:
		set(format.Int32, &format.IntType{BitWidth: 8, IsSigned: true})
		e.ConvertedType = thrift.New(deprecated.Int8)
	case types.Int16:
		set(format.Int32, &format.IntType{BitWidth: 16, IsSigned: true})
		e.ConvertedType = thrift.New(deprecated.Int16)
	case types.Int32:
		set(format.Int32, nil)
	case types.Int64:
		set(format.Int64, nil)
	case types.Float32:
		set(format.Float, nil)
	case types.Float64:
		set(format.Double, nil)
	case types.Date:
		set(format.Int32, &format.DateType{})
		e.ConvertedType = thrift.New(deprecated.Date)
	case types.Timestamp, types.TimestampNTZ:
		utc := t.Kind == types.Timestamp
		set(format.Int64, &format.TimestampType{IsAdjustedToUTC: utc, Unit: format.TimeUnit{Value: &format.MicroSeconds{}}})
		if utc {
			e.ConvertedType = thrift.New(deprecated.TimestampMicros)
		}
	case types.String, types.JSON:
		set(format.ByteArray, &format.StringType{})
		e.ConvertedType = thrift.New(deprecated.UTF8)
	case types.Binary:
		set(format.ByteArray, nil)
	case types.Decimal:
		return decimalElement(e, t)
	default:
		return &UnsupportedError{Feature: "writing type " + t.String()}
	}
	return nil
}

func decimalElement(e *format.SchemaElement, t types.Type) error {
	p, s := int(t.Precision), int(t.Scale)
	if p < 1 || p > types.MaxPrecision38 || s > p {
		return &UnsupportedError{Feature: "writing type " + t.String()}
	}
	switch {
	case p <= 9:
		e.Type = thrift.New(format.Int32)
	case p <= 18:
		e.Type = thrift.New(format.Int64)
	default:
		e.Type = thrift.New(format.FixedLenByteArray)
		e.TypeLength = thrift.New(int32(decimalBytes(p)))
	}
	e.LogicalType = format.LogicalType{Value: &format.DecimalType{Scale: int32(s), Precision: int32(p)}}
	e.ConvertedType = thrift.New(deprecated.Decimal)
	e.Scale, e.Precision = thrift.New(int32(s)), thrift.New(int32(p))
	return nil
}

// decimalBytes is the least number of bytes whose two's complement holds every decimal of p digits.
func decimalBytes(p int) int {
	return int(math.Ceil((float64(p)*math.Log2(10) + 1) / 8))
}
