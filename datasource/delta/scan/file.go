package scan

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/featuresql/featuresql/datasource/objstore"
	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/skipping"
)

// openFile is a data file that a scan reads, shared by the streams that hold morsels of it.
type openFile struct {
	ordinal    int
	path       string
	id         cacheKey // of its footer
	projection *parquet.Projection
	deleted    vector.Bitmap // by row of the file; nil: none
	constants  []types.Value // by slot: the values of partition columns
	stats      *groupStats
	groupRows  []int64
	certain    []vector.Bitmap // by conjunct: the row groups in which it is true for every row; nil: none
	groups     []groupPlan     // by row group
	late       sync.Once
	needed     vector.Bitmap // the row groups that the joins may need, once late is done
}

// groupPlan is what is known of a row group's rows: by the filter, and by the keys of joins.
type groupPlan struct {
	rowPlan
	late  rowPlan
	dicts sharedDictionaries
}

// rowPlan is what the bloom filters and the page index say of a row group, found out by the first stream that takes a part of it.
type rowPlan struct {
	once   sync.Once
	skip   bool
	ranges []parquet.RowRange // nil: all rows
	err    error
}

// storeFile reads one object in ranges.
type storeFile struct {
	store objstore.Store
	key   string
}

func (f storeFile) ReadRange(ctx context.Context, off int64, p []byte) error {
	return f.store.GetRange(ctx, f.key, off, p)
}

// open turns a file into morsels. A file of which no column is needed is opened only if the log does not say how many rows it has.
func (p *plan) open(ctx context.Context, ordinal int) ([]morsel, error) {
	if p.unneeded(ordinal) {
		return nil, nil
	}
	p.counters.filesOpened.Add(1)
	files := p.src.table.Files
	f := &openFile{ordinal: ordinal, path: files.Path(ordinal), constants: make([]types.Value, len(p.slots))}
	for k, s := range p.slots {
		if s.projected >= 0 {
			continue
		}
		v, err := files.PartitionValue(ordinal, s.column)
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", p.src.table.URL, err)
		}
		f.constants[k] = v
	}
	if len(p.fields) == 0 && !p.spec.RowIDs {
		if n, ok := p.src.liveRows(ordinal); ok {
			return []morsel{{file: f, group: -1, to: n}}, nil
		}
	}
	pf, id, err := p.src.footer(ctx, ordinal)
	if err != nil {
		return nil, err
	}
	f.id = id
	if pf.NumRowGroups() == 1 && p.knownAbsent(id, 0, p.predicate) {
		p.counters.rowGroups.Add(1)
		p.counters.rowGroupsSkipped.Add(1)
		return nil, nil
	}
	if f.deleted, err = p.src.deletions(ctx, ordinal, pf.NumRows()); err != nil {
		return nil, p.src.deletionsError(f.path, err)
	}
	if len(p.fields) == 0 {
		return []morsel{{file: f, group: -1, to: pf.NumRows()}}, nil
	}
	if f.projection, err = pf.Project(p.fields, p.src.table.ByID); err != nil {
		return nil, fmt.Errorf("data file %s: %w", f.path, err)
	}
	return p.morsels(f, pf), nil
}

// locate returns where a file lies, and the name of its footer in a cache.
func (t *Table) locate(i int) (store objstore.Store, key string, footer cacheKey, err error) {
	path := t.Files.Path(i)
	if store, key, err = t.Locate(path); err != nil {
		return nil, "", cacheKey{}, fmt.Errorf("data file %s: %w", path, err)
	}
	return store, key, cacheKey{object: objectName{store.URL(), key, t.Files.Size(i), t.Files.ModificationTime(i)}.id()}, nil
}

// footer returns the decoded footer of a file, cached, after checking it against the log.
func (s *Source) footer(ctx context.Context, i int) (*parquet.File, cacheKey, error) {
	files := s.table.Files
	store, key, id, err := s.table.locate(i)
	if err != nil {
		return nil, cacheKey{}, err
	}
	path, size := files.Path(i), files.Size(i)
	f, err := cached(s.opts.Cache, id, func() (*parquet.File, int64, error) {
		f, err := parquet.Open(ctx, storeFile{store, key}, size, parquet.OpenOptions{Path: path, MaxFooterBytes: s.opts.MaxFooterBytes})
		if err != nil {
			return nil, 0, s.readError(path, err)
		}
		return f, f.SizeBytes(), nil
	})
	if err != nil {
		return nil, id, err
	}
	if n := files.NumRecords(i); n >= 0 && n != f.NumRows() {
		return nil, id, &MismatchError{s.table.URL, path, fmt.Sprintf("it has %d rows, the log says %d", f.NumRows(), n)}
	}
	return f, id, nil
}

// Records returns how many rows a file holds by its footer, deleted ones included.
func (s *Source) Records(ctx context.Context, i int) (int64, error) {
	f, _, err := s.footer(ctx, i)
	if err != nil {
		return 0, err
	}
	return f.NumRows(), nil
}

func (s *Source) replaced() bool { return s.table.Replaced != nil && s.table.Replaced() }

// readError names the file in an error of the store or the Parquet reader.
func (s *Source) readError(path string, err error) error {
	if errors.Is(err, objstore.ErrNotFound) {
		if s.replaced() {
			return &ReplacedError{Table: s.table.URL}
		}
		return &MissingFileError{Table: s.table.URL, Path: path}
	}
	return fmt.Errorf("data file %s of table %s: %w", path, s.table.URL, err)
}

// deletionsError names the file whose deletion vector cannot be read.
func (s *Source) deletionsError(path string, err error) error {
	if errors.Is(err, objstore.ErrNotFound) {
		if s.replaced() {
			return &ReplacedError{Table: s.table.URL}
		}
		return fmt.Errorf("%w: %w", &MissingFileError{Table: s.table.URL, Path: path, DeletionVector: true}, err)
	}
	return fmt.Errorf("deletion vector of %s of table %s: %w", path, s.table.URL, err)
}

func (s *Source) deletions(ctx context.Context, i int, rows int64) (vector.Bitmap, error) {
	if s.table.Deletions == nil {
		return nil, nil
	}
	return s.table.Deletions(ctx, i, rows)
}

// morsels prunes the row groups of a file by their statistics and cuts big ones where streams would go idle.
func (p *plan) morsels(f *openFile, pf *parquet.File) (out []morsel) {
	n := pf.NumRowGroups()
	keep := vector.FullBitmap(n)
	f.stats = &groupStats{p, f, n, f.projection.RowGroupStats()}
	p.predicate.Prune(f.stats, keep)
	f.certain = make([]vector.Bitmap, len(p.conjuncts))
	for i, c := range p.conjuncts {
		if c.predicate != nil {
			f.certain[i] = c.predicate.Certain(f.stats)
		}
	}
	f.groups, f.groupRows = make([]groupPlan, n), make([]int64, n)
	p.counters.rowGroups.Add(int64(n))
	parts := int64(1)
	if kept := keep.Count(n) + p.queue.left(); kept > 0 {
		parts = int64(min((2*p.streams+kept-1)/kept, p.streams))
	}
	for g := range n {
		rows := pf.RowGroupRows(g)
		f.groupRows[g] = rows
		if !keep.Get(g) {
			p.counters.rowGroupsSkipped.Add(1)
			continue
		}
		step := max(p.src.opts.MorselRows, (rows+parts-1)/parts)
		for from := int64(0); from < rows; from += step {
			out = append(out, morsel{f, g, from, min(rows, from+step)})
			f.groups[g].dicts.morsels++
		}
	}
	return out
}

// groupStats are the statistics of a file's row groups by table column.
type groupStats struct {
	p    *plan
	f    *openFile
	n    int
	data skipping.Stats
}

func (s *groupStats) Len() int { return s.n }

func (s *groupStats) Column(col int) *skipping.ColumnStats {
	k, ok := s.p.slotOf[col]
	switch {
	case !ok:
		return nil
	case s.p.slots[k].projected < 0:
		return constantStats(s.f.constants[k], s.n)
	}
	return s.data.Column(s.p.slots[k].projected)
}

// constantStats are the statistics of n units that hold one value.
func constantStats(v types.Value, n int) *skipping.ColumnStats {
	c := &skipping.ColumnStats{NullCount: make([]int64, n), RowCount: make([]int64, n)}
	for i := range n {
		c.RowCount[i] = 1
		if !v.Valid {
			c.NullCount[i] = 1
		}
	}
	if v.Valid {
		one := vector.New(v.Type, 0)
		one.AppendValue(v)
		c.Min = &vector.Vector{Type: v.Type, Phys: one.Phys, Len: n, Codes: make([]int32, n), Dict: one}
		c.Max = c.Min
	}
	return c
}
