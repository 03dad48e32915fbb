package write

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/schema"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/types"
)

// TableSpec is what a writer has to know of a table: a snapshot without its files.
type TableSpec struct {
	Store           objstore.Store // rooted at the table
	Schema          *schema.Struct
	Metadata        *action.Metadata
	Protocol        *action.Protocol // nil: every property that Metadata sets is in force
	KeyColumns      []string         // columns that get bloom filters, by logical name, whatever the case
	Clustering      [][]string       // paths of physical names of columns that have statistics whatever the properties say
	ChangeData      bool             // the files are of the change data feed: ChangeTypeColumn follows the table's columns
	TargetFileBytes int64            // 0: the property delta.targetFileSize, else 128 MiB
}

// NewWriter returns a writer of rows of the table. Uploads end when ctx does. A *parquet.UnsupportedError or
// *PartitionValueError names a column that cannot be written.
func NewWriter(ctx context.Context, table TableSpec, opts Options) (*Writer, error) {
	protocol := table.Protocol
	if protocol == nil {
		protocol = &action.Protocol{MinReader: 2}
	}
	mode, err := schema.ModeOf(protocol, table.Metadata)
	if err != nil {
		return nil, fmt.Errorf("write to the table: %w", err)
	}
	properties := table.Metadata.Configuration
	columns := schema.ParquetFields(table.Schema, mode)
	void := voidColumns(table.Schema, columns)
	if table.ChangeData {
		columns, void = append(columns, changeTypeField), append(void, false)
	}
	l, err := newLayout(columns, void, table.Metadata.PartitionColumns, table.KeyColumns)
	if err != nil {
		return nil, err
	}
	if l.stats = statsFields(l.fields, properties, table.Clustering); table.ChangeData {
		l.stats, l.folder = nil, changeDataFolder
	}
	if mode != schema.MappingNone || strings.EqualFold(properties[propRandomPrefixes], "true") {
		l.prefix = prefixLength(properties)
	}
	w := newWriter(ctx, table.Store, l, table.targetFileBytes(), table.codec(), opts)
	if _, err := parquet.NewWriter(discard{}, l.fields, w.parquet); err != nil { // fails here rather than at the first row
		w.up.cancel()
		return nil, err
	}
	return w, nil
}

// ChangeTypeColumn says in files of the change data feed what became of a row (PROTOCOL.md, Change Data Files).
const ChangeTypeColumn = "_change_type"

const changeDataFolder = "_change_data/"

var changeTypeField = parquet.Field{Name: ChangeTypeColumn, Kind: parquet.Primitive, Type: types.Of(types.String), Nullable: true}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// voidColumns tells which columns have the type void, and takes fields of it out of structs: files never hold them.
func voidColumns(s *schema.Struct, columns []parquet.Field) []bool {
	void := make([]bool, len(columns))
	for i := range columns {
		void[i] = s.Fields[i].IsVoid()
		dropVoid(s.Fields[i].Type, &columns[i])
	}
	return void
}

func dropVoid(t schema.Type, f *parquet.Field) {
	switch t := t.(type) {
	case *schema.Struct:
		kept := f.Children[:0]
		for i := range t.Fields {
			if !t.Fields[i].IsVoid() {
				dropVoid(t.Fields[i].Type, &f.Children[i])
				kept = append(kept, f.Children[i])
			}
		}
		f.Children = kept
	case *schema.Array:
		dropVoid(t.Element, &f.Children[0])
	case *schema.Map:
		dropVoid(t.Key, &f.Children[0])
		dropVoid(t.Value, &f.Children[1])
	}
}

const maxPrefixLength = 32

// prefixLength is the length of random folder names that the table asks for.
func prefixLength(properties map[string]string) int {
	n, err := strconv.Atoi(properties[propPrefixLength])
	if err != nil || n < 1 {
		return defaultPrefix
	}
	return min(n, maxPrefixLength)
}
