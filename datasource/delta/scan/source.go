package scan

import (
	"sync"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/replay"
	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// Options tune a Source. The zero value is ready to use.
type Options struct {
	// Cache keeps footers and deletion vectors between scans; nil: a cache of the Source's own.
	Cache *Cache
	// BatchRows is the greatest number of rows in a batch, at most and by default vector.MaxRows.
	BatchRows int
	// MorselRows is about how many rows a worker takes at a time from a big row group, by default 131,072.
	MorselRows int64
	// NoSkipping reads everything and decides nothing by statistics, for tests.
	NoSkipping bool
	// Locate finds data files and deletion vectors outside the table's folder, by absolute URL: the store and the
	// key in it. nil: such a file is an *OutsideError.
	Locate func(url string) (objstore.Store, string, error)
	// MaxFooterBytes is the greatest Parquet footer that is read, by default the Parquet reader's.
	MaxFooterBytes int64
}

func (o Options) ensureDefaults() Options {
	if o.Cache == nil {
		o.Cache = NewCache(0)
	}
	if o.BatchRows <= 0 || o.BatchRows > vector.MaxRows {
		o.BatchRows = vector.MaxRows
	}
	if o.MorselRows <= 0 {
		o.MorselRows = 1 << 17
	}
	return o
}

// Source is one version of a table. It implements exec.ExactSource and may be used by any number of goroutines.
type Source struct {
	table  Table
	opts   Options
	fields []exec.Field
	only   vector.Bitmap // the files it is restricted to; nil: all
	count  func() (int64, bool)

	files   *replay.FileList // nil unless made by NewSource
	version action.Version
}

var _ exec.ExactSource = (*Source)(nil)

// New returns a source over a table that is described by t.
func New(t Table, opts Options) *Source {
	s := &Source{table: t, opts: opts.ensureDefaults()}
	for i := range t.Columns {
		f := &t.Columns[i].Field
		s.fields = append(s.fields, exec.Field{Name: f.Name, Type: f.VectorType(), Nullable: f.Nullable})
	}
	s.count = sync.OnceValues(s.countRows)
	return s
}

// WithFiles returns a source over some of the files, by their ordinals, which row identifiers keep. Ordinals out of range are
// left out.
func (s *Source) WithFiles(ordinals []int) *Source {
	r := *s
	r.only = vector.NewBitmap(s.table.Files.Len())
	for _, i := range ordinals {
		if i >= 0 && i < s.table.Files.Len() && s.listed(i) {
			r.only.Set(i)
		}
	}
	r.count = sync.OnceValues(r.countRows)
	return &r
}

// listed reports whether the source is over a file.
func (s *Source) listed(i int) bool { return s.only == nil || s.only.Get(i) }

// Fields implements exec.Source.
func (s *Source) Fields() []exec.Field { return s.fields }

// RowCount implements exec.ExactSource: the sum of what the log says of each file, less deleted rows.
func (s *Source) RowCount() (int64, bool) { return s.count() }

func (s *Source) countRows() (int64, bool) {
	if s.only == nil {
		return s.table.Files.TotalRecords()
	}
	var rows int64
	for i := range s.table.Files.Len() {
		if !s.listed(i) {
			continue
		}
		n, ok := s.liveRows(i)
		if !ok {
			return 0, false
		}
		rows += n
	}
	return rows, true
}

// liveRows returns the rows of a file that are not deleted, if the log knows.
func (s *Source) liveRows(i int) (int64, bool) {
	n := s.table.Files.NumRecords(i)
	if n < 0 {
		return 0, false
	}
	n -= s.table.Files.DeletedRows(i)
	return n, n >= 0
}

// exactDecimalDigits is the greatest precision of decimals whose statistics are trusted to be exact: that
// many digits survive a writer that passes them through a float.
const exactDecimalDigits = 15

// MinMax implements exec.ExactSource. Data columns are answered for integers, dates and short decimals, from
// tight statistics of files without deleted rows; partition columns of every type but floats.
func (s *Source) MinMax(column int) (lo, hi types.Value, ok bool) {
	t := s.fields[column].Type
	partition := s.table.Columns[column].Partition
	switch {
	case t.Kind == types.JSON || t.IsFloat():
		return lo, hi, false
	case partition, t.IsInteger(), t.Kind == types.Date, t.Kind == types.Decimal && t.Precision <= exactDecimalDigits:
	default:
		return lo, hi, false
	}
	lo, hi = types.NullOf(t), types.NullOf(t)
	for i := range s.table.Files.Len() {
		var a, b types.Value
		n, known := s.liveRows(i)
		switch {
		case !s.listed(i) || known && n == 0:
			continue
		case partition:
			a, ok = s.partitionValue(i, column, known)
			b = a
		default:
			a, b, ok = s.fileMinMax(i, column)
		}
		if !ok {
			return types.NullOf(t), types.NullOf(t), false
		}
		if a.Valid && (!lo.Valid || types.Compare(a, lo) < 0) {
			lo = a
		}
		if b.Valid && (!hi.Valid || types.Compare(b, hi) > 0) {
			hi = b
		}
	}
	return lo, hi, true
}

func (s *Source) partitionValue(i, column int, known bool) (types.Value, bool) {
	v, err := s.table.Files.PartitionValue(i, column)
	return v, known && err == nil
}

// fileMinMax returns the exact least and greatest value of a data column in one file; NULL for a file of NULLs.
func (s *Source) fileMinMax(i, column int) (lo, hi types.Value, ok bool) {
	t := s.fields[column].Type
	c := s.table.Files.Column(column)
	if c == nil || s.table.Files.DeletedRows(i) != 0 || !s.table.Files.TightBounds(i) {
		return lo, hi, false
	}
	rows, nulls := s.table.Files.NumRecords(i), int64(-1)
	if i < len(c.NullCount) {
		nulls = c.NullCount[i]
	}
	switch {
	case nulls >= 0 && nulls == rows:
		return types.NullOf(t), types.NullOf(t), true
	case c.Min == nil || c.Max == nil || c.Min.IsNull(i) || c.Max.IsNull(i):
		return lo, hi, false
	}
	lo, okLo := retyped(c.Min.Value(i), t)
	hi, okHi := retyped(c.Max.Value(i), t)
	return lo, hi, okLo && okHi
}

// retyped turns a statistic of an older, narrower type into the column's type.
func retyped(v types.Value, t types.Type) (types.Value, bool) {
	switch {
	case v.Type == t:
		return v, true
	case v.Type.IsInteger() && t.IsInteger():
		return types.IntValue(t, v.I), true
	case v.Type.Kind == types.Decimal && t.Kind == types.Decimal && t.Scale >= v.Type.Scale:
		d, ok := v.D.Rescale(int(v.Type.Scale), int(t.Scale))
		return types.DecimalValue(t, d), ok
	}
	return v, false
}
