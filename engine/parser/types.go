package parser

import (
	"fmt"
	"strconv"
	"strings"
)

// deltaTypes maps type names of MySQL and of Spark to Delta's; the ones with arguments or variants follow in code.
var deltaTypes = map[string]string{
	"tinyint": "byte", "byte": "byte", "int1": "byte",
	"smallint": "short", "short": "short", "int2": "short", "year": "short",
	"int": "integer", "integer": "integer", "int4": "integer", "mediumint": "integer", "int3": "integer",
	"bigint": "long", "long": "long", "int8": "long",
	"bool": "boolean", "boolean": "boolean",
	"float": "float", "float4": "float", "double": "double", "float8": "double", "real": "double",
	"decimal": "decimal", "dec": "decimal", "numeric": "decimal", "fixed": "decimal",
	"date": "date", "datetime": "timestamp_ntz", "timestamp_ntz": "timestamp_ntz", "timestamp": "timestamp", "timestamp_ltz": "timestamp",
	"char": "string", "character": "string", "nchar": "string", "varchar": "string", "nvarchar": "string", "string": "string",
	"tinytext": "string", "text": "string", "mediumtext": "string", "longtext": "string", "json": "string", "enum": "string", "set": "string",
	"binary": "binary", "varbinary": "binary", "tinyblob": "binary", "blob": "binary", "mediumblob": "binary", "longblob": "binary",
	"array": "array", "map": "map", "struct": "struct",
}

// wider is the type that holds an unsigned one.
var wider = map[string]string{"byte": "short", "short": "integer", "integer": "long", "long": "decimal"}

const maxTypeDepth = 32

// dataType reads a type.
func (c *cursor) dataType(depth int) (DataType, error) {
	start := c.i
	name, err := c.ident()
	if err != nil {
		return DataType{}, c.fail("a type is missing")
	}
	lower := strings.ToLower(name)
	t := DataType{Name: deltaTypes[lower]}
	if t.Name == "" {
		return t, &UnsupportedError{"columns of type " + strings.ToUpper(name)}
	}
	if depth > maxTypeDepth {
		return t, c.fail("types nested too deeply")
	}
	switch nestedType := c.is(c.i, "array", "map", "struct") && c.punct(c.i+1, '<'); {
	case t.Name == "array" || t.Name == "map" || t.Name == "struct":
		err = c.nested(&t, depth)
	case lower == "json" && nestedType: // as SHOW CREATE TABLE writes nested types
		return c.dataType(depth)
	default:
		err = c.scalar(&t, lower)
	}
	if depth > 0 && t.Declared == declaredJSON {
		t.Declared = "" // text like any other
	}
	if depth > 0 && t.Declared != "" {
		return t, &UnsupportedError{"the type " + strings.ToUpper(t.Declared) + " inside of another; it has no limit there, so write the type without one"}
	}
	t.Text = c.src[c.at(start).start:c.at(c.i-1).end]
	return t, err
}

// scalar reads the arguments and attributes of a primitive type.
func (c *cursor) scalar(t *DataType, lower string) error {
	_ = lower == "double" && c.accept("precision")
	if lower == "set" {
		return &UnsupportedError{"columns of type SET; use ARRAY<STRING>, or STRING with a CHECK constraint"}
	}
	if lower == "char" || lower == "character" || lower == "nchar" {
		t.Fixed = !c.accept("varying")
	}
	var args []int
	var members []string
	if c.punct(c.i, '(') {
		from, to, err := c.parens()
		if err != nil {
			return err
		}
		if lower == "enum" {
			if members, err = c.enumMembers(from, to); err != nil {
				return err
			}
			from = to
		}
		for i := from; i < to; i++ {
			n, err := strconv.Atoi(c.text(i))
			if c.punct(i, ',') {
				continue
			}
			if err != nil || len(args) == 2 {
				return c.errorAt(i, "not the size of a type")
			}
			args = append(args, n)
		}
	}
	if err := c.sized(t, lower, args); err != nil {
		return err
	}
	unsigned := c.scalarAttributes(t)
	if w, ok := wider[t.Name]; ok && unsigned {
		t.Name = w
		if w == "decimal" {
			t.Precision = 20
		}
	}
	if t.Name == "boolean" {
		unsigned = false
	}
	t.restrict(lower, unsigned, members)
	return nil
}

// scalarAttributes reads what may follow a primitive type; it reports whether the type is unsigned.
func (c *cursor) scalarAttributes(t *DataType) (unsigned bool) {
	for {
		switch {
		case c.accept("unsigned"), c.accept("zerofill"):
			unsigned = true
		case c.accept("signed"), c.is(c.i, "binary") && t.Name == "string" && c.accept("binary"), c.accept("ascii"), c.accept("unicode"):
		case c.accept("character", "set"), c.accept("charset"):
			c.i++
		case c.accept("collate"):
			t.Collate = c.text(c.i)
			c.i++
		default:
			return unsigned
		}
	}
}

// sized applies a type's arguments.
func (c *cursor) sized(t *DataType, lower string, args []int) error {
	arg := func(i, otherwise int) int {
		if i < len(args) {
			return args[i]
		}
		return otherwise
	}
	switch {
	case t.Name == "decimal":
		t.Precision, t.Scale = arg(0, 10), arg(1, 0)
		switch {
		case t.Scale > t.Precision:
			return &PrecisionError{Type: "DECIMAL", Given: t.Scale, Code: 1427}
		case t.Precision > 65:
			return &PrecisionError{Type: "DECIMAL", Given: t.Precision, Most: 65, Code: 1426}
		case t.Precision < 1 || t.Precision > 38:
			return &UnsupportedError{"DECIMAL of more than 38 digits"}
		}
	case (lower == "datetime" || lower == "timestamp" || lower == "time") && arg(0, 0) > 6:
		return &PrecisionError{Type: strings.ToUpper(lower), Given: arg(0, 0), Most: 6, Code: 1426}
	case lower == "tinyint" && arg(0, 0) == 1:
		t.Name = "boolean"
	case lower == "float" && arg(0, 0) > 24:
		t.Name = "double"
	case t.Name == "string" || t.Name == "binary":
		t.Length = arg(0, 0)
		if t.Fixed && len(args) == 0 {
			t.Length = 1
		}
	}
	return nil
}

// nested reads <…> of an array, map or struct.
func (c *cursor) nested(t *DataType, depth int) error {
	if err := c.expect('<'); err != nil {
		return err
	}
	read := func() (*DataType, error) {
		d, err := c.dataType(depth + 1)
		return &d, err
	}
	var err error
	switch t.Name {
	case "map":
		if t.Key, err = read(); err != nil {
			return err
		}
		if err = c.expect(','); err != nil {
			return err
		}
		t.Element, err = read()
	case "array":
		t.Element, err = read()
	default:
		err = c.structFields(t, depth)
	}
	if err != nil {
		return err
	}
	return c.expect('>')
}

func (c *cursor) structFields(t *DataType, depth int) error {
	for !c.punct(c.i, '>') {
		name, err := c.ident()
		if err != nil {
			return err
		}
		c.acceptPunct(':')
		f := StructField{Name: name}
		if f.Type, err = c.dataType(depth + 1); err != nil {
			return err
		}
		f.NotNull = c.accept("not", "null")
		if c.accept("comment") {
			if f.Comment, err = c.str(); err != nil {
				return err
			}
		}
		t.Fields = append(t.Fields, f)
		if !c.acceptPunct(',') {
			break
		}
	}
	return nil
}

// PrecisionError says that a type has more digits than Most (1426), or more after the point than in all (1427).
type PrecisionError struct {
	Type              string
	Given, Most, Code int
}

func (e *PrecisionError) Error() string {
	if e.Most == 0 {
		return fmt.Sprintf("For float(M,D), double(M,D) or decimal(M,D), M must be >= D: %s with %d digits after the point has fewer in all", e.Type, e.Given)
	}
	return fmt.Sprintf("Too-big precision %d specified for %s. Maximum is %d.", e.Given, e.Type, e.Most)
}
