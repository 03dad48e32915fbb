package parser

import (
	"strconv"
	"strings"
)

// Types that Delta has no equal for are stored in the next wider type, under a condition that every engine enforces.

// bounds are the least and greatest values of types that are narrower than the ones that store them.
var bounds = map[string][2]string{
	"tinyint unsigned": {"0", "255"}, "smallint unsigned": {"0", "65535"}, "mediumint unsigned": {"0", "16777215"},
	"int unsigned": {"0", "4294967295"}, "bigint unsigned": {"0", "18446744073709551615"},
	"mediumint": {"-8388608", "8388607"}, "year": {"1901", "2155"},
}

// canonical are the names under which MySQL shows types that it knows under several.
var canonical = map[string]string{
	"byte": "tinyint", "int1": "tinyint", "short": "smallint", "int2": "smallint", "int3": "mediumint", "integer": "int", "int4": "int",
	"long": "bigint", "int8": "bigint", "dec": "decimal", "numeric": "decimal", "fixed": "decimal", "float4": "float", "float8": "double", "real": "double",
}

// declaredJSON is the declared type of a column of text that has to be JSON. No condition says so that Spark would read, too.
const declaredJSON = "json"

// restrict notes what a type allows less than Delta's type that stores it. Members are the values of an ENUM.
func (t *DataType) restrict(lower string, unsigned bool, members []string) {
	name := lower
	if c, ok := canonical[lower]; ok {
		name = c
	}
	suffix := ""
	if unsigned {
		suffix = " unsigned"
	}
	switch b, bounded := bounds[name+suffix]; {
	case len(members) > 0:
		t.Declared = "enum(" + strings.Join(members, ",") + ")"
		t.condition = "{} IN (" + strings.Join(members, ", ") + ")"
	case bounded:
		t.Declared, t.condition = name+suffix, "{} >= "+b[0]+" AND {} <= "+b[1]
	case unsigned && t.Name == "decimal":
		t.Declared, t.condition = "decimal("+strconv.Itoa(t.Precision)+","+strconv.Itoa(t.Scale)+") unsigned", "{} >= 0"
	case unsigned:
		t.Declared, t.condition = name+suffix, "{} >= 0"
	case t.Length > 0 && t.Name == "binary":
		n := strconv.Itoa(t.Length)
		t.Declared, t.condition = lower+"("+n+")", "octet_length({}) <= "+n
	case lower == declaredJSON:
		t.Declared = declaredJSON
	case t.Length > 0 && t.Name == "string":
		t.Declared = "varchar(" + strconv.Itoa(t.Length) + ")"
		if t.Fixed {
			t.Declared = "char(" + strconv.Itoa(t.Length) + ")"
		}
	}
}

// Condition is what a CHECK constraint on a column of the type has to say, in SQL that MySQL and Spark read alike; "" for
// a type that needs none.
func (t DataType) Condition(column string) string {
	if t.condition == "" {
		return ""
	}
	return CheckText(strings.ReplaceAll(t.condition, "{}", "`"+strings.ReplaceAll(column, "`", "``")+"`"))
}

// CheckText is a condition as Delta's tables keep it: Delta wants it to be true (PROTOCOL.md, CHECK Constraints), while
// MySQL lets a row pass for which it is NULL.
func CheckText(condition string) string {
	return "(" + condition + ")" + notFalse
}

// CheckCondition takes out of a table's condition what CheckText put around it.
func CheckCondition(text string) string {
	inner, ok := strings.CutSuffix(text, ")"+notFalse)
	if !ok || !strings.HasPrefix(inner, "(") {
		return text
	}
	return inner[1:]
}

const notFalse = " IS NOT FALSE"

// enumMembers reads the values of an ENUM as literals that MySQL and Spark read alike.
func (c *cursor) enumMembers(from, to int) ([]string, error) {
	var out []string
	err := c.list(from, to, func(from, to int) error {
		if to != from+1 || c.at(from).kind != kindString {
			return c.errorAt(from, "ENUM takes strings")
		}
		out = append(out, quoteText(unquote(c.text(from))))
		return nil
	})
	if err == nil && len(out) == 0 {
		err = c.errorAt(from, "ENUM needs values")
	}
	return out, err
}
