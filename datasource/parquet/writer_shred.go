package parquet

import (
	"fmt"
	"strings"

	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// TextError says that the JSON text of a nested value does not fit its column.
type TextError struct {
	Column string // dotted path of the field
	Reason string
}

func (e *TextError) Error() string { return "column " + e.Column + ": " + e.Reason }

// shredRows writes rows of JSON text into the leaves of a nested field.
func (n *writeNode) shredRows(v *vector.Vector, r rowSpan, parser *jsonParser) error {
	for k := r.lo; k < r.hi; k++ {
		i := r.row(k)
		val := jsonValue{}
		if !v.IsNull(i) {
			var err error
			if val, err = parser.parse(v.Bytes(i)); err != nil {
				return &TextError{n.field.Name, err.Error()}
			}
		}
		if err := n.shred(&val, 0, 0, n.field.Name); err != nil {
			return err
		}
		for _, c := range n.columns {
			if err := c.endRow(); err != nil {
				return err
			}
		}
	}
	return nil
}

// shred writes one value of the field. rep is the repetition level of its first slot, def the definition level of
// what is around it.
func (n *writeNode) shred(v *jsonValue, rep, def uint8, path string) error {
	if v.kind == jsonNull {
		return n.shredNull(rep, def, path)
	}
	if n.field.Nullable {
		def++
	}
	switch n.field.Kind {
	case Struct:
		return n.shredStruct(v, rep, def, path)
	case List:
		if v.kind != jsonArray {
			return &TextError{path, "an array is needed, not " + v.describe()}
		}
		return n.shredEntries(v, rep, def, func(i int, rep, def uint8) error {
			return n.children[0].shred(&v.children[i], rep, def, path+".element")
		})
	case Map:
		if v.kind != jsonObject {
			return &TextError{path, "an object is needed, not " + v.describe()}
		}
		return n.shredEntries(v, rep, def, func(i int, rep, def uint8) error {
			key := jsonValue{kind: jsonString, text: []byte(v.keys[i])}
			if err := n.children[0].shred(&key, rep, def, path+".key"); err != nil {
				return err
			}
			return n.children[1].shred(&v.children[i], rep, def, path+".value")
		})
	}
	val, err := leafValue(n.field.Type, v)
	if err != nil {
		return &TextError{path, err.Error()}
	}
	n.column.addSlot(rep, def, val)
	return nil
}

func (n *writeNode) shredNull(rep, def uint8, path string) error {
	if !n.field.Nullable {
		return &NullError{Column: path}
	}
	n.skip(rep, def)
	return nil
}

// skip writes one empty slot to every leaf of the field: a NULL of the field itself or of one around it.
func (n *writeNode) skip(rep, def uint8) {
	for _, c := range n.columns {
		c.addSlot(rep, def, types.Value{})
	}
	n.countNull()
}

// countNull counts a row in which the lists and maps of the field are NULL.
func (n *writeNode) countNull() {
	if n.repeated {
		return
	}
	switch n.field.Kind {
	case List, Map:
		n.nulls++
	case Struct:
		for _, c := range n.children {
			c.countNull()
		}
	}
}

func (n *writeNode) shredStruct(v *jsonValue, rep, def uint8, path string) error {
	if v.kind != jsonObject {
		return &TextError{path, "an object is needed, not " + v.describe()}
	}
	known := 0
	null := jsonValue{}
	inOrder := n.inOrder(v)
	for k, c := range n.children {
		if !inOrder {
			k = v.member(c.field.Name)
		}
		child := &null
		if k >= 0 {
			child = &v.children[k]
			known++
		}
		if err := c.shred(child, rep, def, path+"."+c.field.Name); err != nil {
			return err
		}
	}
	if known < len(v.keys) {
		return n.checkNames(v, path)
	}
	return nil
}

// inOrder reports whether an object's members are the struct's fields, one by one, as those of a struct that was read are.
func (n *writeNode) inOrder(v *jsonValue) bool {
	if len(v.keys) != len(n.children) {
		return false
	}
	for i, c := range n.children {
		if !strings.EqualFold(v.keys[i], c.field.Name) {
			return false
		}
	}
	return true
}

// member returns the position of an object's member, -1 if it has none; the last of equal names counts, as in MySQL.
func (v *jsonValue) member(name string) int {
	for i := len(v.keys) - 1; i >= 0; i-- {
		if strings.EqualFold(v.keys[i], name) {
			return i
		}
	}
	return -1
}

// checkNames refuses an object with a member that the struct has no field for, unless it is null: it would be lost in
// silence.
func (n *writeNode) checkNames(v *jsonValue, path string) error {
	for i, k := range v.keys {
		found := v.children[i].kind == jsonNull
		for _, c := range n.children {
			found = found || strings.EqualFold(c.field.Name, k)
		}
		if !found {
			return &TextError{path, fmt.Sprintf("the struct has no field %q", k)}
		}
	}
	return nil
}

// shredEntries writes the entries of a list or map.
func (n *writeNode) shredEntries(v *jsonValue, rep, def uint8, entry func(i int, rep, def uint8) error) error {
	if len(v.children) == 0 {
		for _, c := range n.columns {
			c.addSlot(rep, def, types.Value{})
		}
		return nil
	}
	for i := range v.children {
		if i > 0 {
			rep = n.rep
		}
		if err := entry(i, rep, def+1); err != nil {
			return err
		}
	}
	return nil
}

func (v *jsonValue) describe() string {
	switch v.kind {
	case jsonArray:
		return "an array"
	case jsonObject:
		return "an object"
	case jsonString:
		return "the string " + strings.ToValidUTF8(fmt.Sprintf("%.40q", v.text), "?")
	case jsonNumber:
		return "the number " + fmt.Sprintf("%.40s", v.text)
	case jsonTrue:
		return "true"
	case jsonFalse:
		return "false"
	}
	return "null"
}
