package parquet

import (
	"strings"

	"github.com/featuresql/featuresql/engine/types"
)

// Projection is a set of columns to be read from a file, resolved against its schema. It is immutable.
type Projection struct {
	f    *File
	cols []projected
}

// projected is a column of a projection. It has a leaf, or an assembly, or is missing in the file.
type projected struct {
	field  Field
	leaf   *leaf
	conv   *converter
	nested *nestedPlan
}

func (c *projected) missing() bool { return c.leaf == nil && c.nested == nil }

// Project resolves fields against the file's schema. A field matches the file's column with its id (byID),
// else with its physical name, else the only one whose name differs in case. A field that the file does not have reads as
// NULL. *UnsupportedTypeError if a column cannot be read as the field's type.
func (f *File) Project(fields []Field, byID bool) (*Projection, error) {
	p := &Projection{f: f, cols: make([]projected, len(fields))}
	for i := range fields {
		c := &p.cols[i]
		c.field = fields[i]
		n := match(f.root, &fields[i], byID)
		if n == nil || n.annot.kind == annotNull {
			continue
		}
		if err := c.resolve(n, byID); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (c *projected) resolve(n *node, byID bool) (err error) {
	if c.field.Kind == Primitive && n.leaf != nil && n.rep == 0 {
		c.leaf = n.leaf
		c.conv, err = newConverter(n.leaf, c.field.Type)
		return err
	}
	if c.field.Kind == Primitive {
		return &UnsupportedTypeError{Column: n.name, File: "nested", Want: c.field.Type}
	}
	c.nested, err = planNested(&c.field, n, byID)
	return err
}

// match finds the child of a group that a field names, nil if there is none.
func match(parent *node, f *Field, byID bool) *node {
	if byID && f.FieldID != 0 {
		for _, c := range parent.children {
			if c.fieldID == f.FieldID {
				return c
			}
		}
	}
	name := f.PhysicalName()
	if c := parent.names[name]; c != nil && (!byID || f.FieldID == 0 || c.fieldID == 0) {
		return c
	}
	var folded *node
	count := 0
	for _, c := range parent.children {
		if byID && f.FieldID != 0 && c.fieldID != 0 {
			continue // it has an id, another one
		}
		if c.name == name {
			return c
		}
		if strings.EqualFold(c.name, name) {
			folded = c
			count++
		}
	}
	if count == 1 {
		return folded
	}
	return nil
}

// Len returns the number of columns.
func (p *Projection) Len() int { return len(p.cols) }

// VectorType returns the type of the vectors of column i.
func (p *Projection) VectorType(i int) types.Type { return p.cols[i].field.VectorType() }

// Missing reports whether the file does not have column i, which then reads as NULL.
func (p *Projection) Missing(i int) bool { return p.cols[i].missing() }
