package write

import (
	"fmt"
	"strings"

	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// layout says where the columns of a table go: into files or into the names of partitions.
type layout struct {
	columns    int             // of the table
	fields     []parquet.Field // the columns that files hold
	data       []int           // their positions in the table
	partitions []partitionColumn
	stats      []statsField
	bloom      []int  // positions in fields
	folder     string // below which all files lie, with a slash at the end; or empty
	prefix     int    // length of random folder names; 0: Hive-style folders
}

type partitionColumn struct {
	name     string // logical
	physical string // key of partition values in actions
	position int    // in the table
	typ      types.Type
	nullable bool
}

// newLayout lays out a table of the given columns; void ones, which hold only NULLs, are not stored.
func newLayout(columns []parquet.Field, void []bool, partitionNames, keyNames []string) (*layout, error) {
	l := &layout{columns: len(columns)}
	partition := make(map[int]bool)
	for _, name := range partitionNames {
		i := findColumn(columns, name)
		if i < 0 || partition[i] {
			return nil, fmt.Errorf("partition column %s is not a column of the table", name)
		}
		c := &columns[i]
		if c.Kind != parquet.Primitive {
			return nil, &PartitionValueError{c.Name, "a table cannot be partitioned by a nested column"}
		}
		partition[i] = true
		l.partitions = append(l.partitions, partitionColumn{c.Name, c.PhysicalName(), i, c.Type, c.Nullable})
	}
	for i := range columns {
		if partition[i] || void[i] {
			continue
		}
		for _, k := range keyNames {
			if strings.EqualFold(k, columns[i].Name) && columns[i].Kind == parquet.Primitive {
				l.bloom = append(l.bloom, len(l.fields))
				break
			}
		}
		l.fields, l.data = append(l.fields, columns[i]), append(l.data, i)
	}
	if len(l.fields) == 0 {
		return nil, fmt.Errorf("a table needs a column that is no partition column")
	}
	return l, nil
}

// findColumn returns the position of a column by name, exactly or else whatever the case; -1 if there is none.
func findColumn(columns []parquet.Field, name string) int {
	folded := -1
	for i := range columns {
		if columns[i].Name == name {
			return i
		}
		if strings.EqualFold(columns[i].Name, name) {
			folded = i
		}
	}
	return folded
}

// value spells the partition value of row i of v for the log.
func (c *partitionColumn) value(v *vector.Vector, i int) (*string, error) {
	val := v.Value(i)
	s, err := FormatPartitionValue(c.name, val)
	if err != nil {
		return nil, err
	}
	if s == nil && !c.nullable {
		if val.Valid {
			return nil, &PartitionValueError{c.name, "an empty value is stored as NULL, and the column is NOT NULL"}
		}
		return nil, &parquet.NullError{Column: c.name}
	}
	return s, nil
}

// appendRaw appends bytes that tell row i of v from rows with other values.
func appendRaw(key []byte, v *vector.Vector, i int) []byte {
	if v.IsNull(i) {
		return append(key, 0)
	}
	key = append(key, 1)
	switch {
	case v.Type.Kind == types.Decimal:
		d := v.Decimal(i)
		return appendUint64(appendUint64(key, d.Lo), uint64(d.Hi))
	case v.Phys == types.PhysF64:
		return appendUint64(key, floatBits(v.Float(i)))
	case v.Phys == types.PhysBytes:
		b := v.Bytes(i)
		return append(appendUint64(key, uint64(len(b))), b...)
	}
	return appendUint64(key, uint64(v.Int(i)))
}
