package scan

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/featuresql/featuresql/datasource/parquet"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/vector"
	"github.com/featuresql/featuresql/skipping"
)

// slot is a table column that a scan reads, for its output or its filter.
type slot struct {
	column    int // position in Table.Columns
	projected int // position in the projection; -1: a partition column
}

// conjunct is a part of the filter that rows are tested with.
type conjunct struct {
	expr      expr.Expr           // over slots
	slots     []int               // that it reads, ascending
	predicate *skipping.Predicate // of the conjunct alone; nil: not to be decided by statistics
}

// plan is a planned read. It implements exec.Scan.
type plan struct {
	src       *Source
	spec      exec.ScanSpec
	slots     []slot
	slotOf    map[int]int // by table column
	output    []int       // slots, in output order
	conjuncts []conjunct
	fields    []parquet.Field // of the projection
	predicate *skipping.Predicate
	queue     queue
	streams   int
	late      late
	counters  counters
}

// counters are the fields of exec.ScanStats.
type counters struct {
	files, filesSkipped, filesOpened, rowGroups, rowGroupsSkipped, pages, pagesSkipped, bytesRead, rowsRead,
	lateFiles, lateRowGroups, lateRows atomic.Int64
}

// Scan implements exec.Source. It fails only if ctx is done; a filter that cannot be evaluated fails when it meets a row.
func (s *Source) Scan(ctx context.Context, spec exec.ScanSpec) (exec.Scan, error) {
	p := &plan{src: s, spec: spec, slotOf: map[int]int{}, predicate: skipping.CompileEnv(spec.Filter, spec.Env)}
	if s.opts.NoSkipping {
		p.predicate = skipping.Compile(nil)
	}
	keep := vector.FullBitmap(s.table.Files.Len())
	if s.only != nil {
		keep = s.only.Clone()
	}
	n := keep.Count(s.table.Files.Len())
	s.table.Files.Prune(p.predicate, keep)
	conjuncts, err := p.decidePartitions(ctx, expr.Conjuncts(spec.Filter), keep)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(conjuncts, func(a, b expr.Expr) int { return cmp.Compare(cost(a), cost(b)) })
	for _, e := range conjuncts {
		c := conjunct{expr: p.overSlots(e)}
		if !s.opts.NoSkipping {
			c.predicate = skipping.CompileEnv(e, spec.Env)
		}
		c.slots = expr.Columns(c.expr)
		p.conjuncts = append(p.conjuncts, c)
	}
	for _, c := range spec.Columns {
		p.output = append(p.output, p.slot(c))
	}
	if s.opts.NoSkipping {
		p.spec.Late = nil
	}
	for _, f := range p.spec.Late {
		var slots []int
		for _, c := range f.Columns() {
			slots = append(slots, p.slot(c))
		}
		p.late.slots = append(p.late.slots, slots)
	}
	left := spec.Limit
	for i := range keep.Ones() {
		p.queue.files = append(p.queue.files, int32(i))
		if spec.Limit > 0 && len(conjuncts) == 0 && len(spec.Late) == 0 && !s.opts.NoSkipping {
			if left -= max(0, s.table.Files.NumRecords(i)-s.table.Files.DeletedRows(i)); left <= 0 {
				break
			}
		}
	}
	p.counters.files.Store(int64(n))
	p.counters.filesSkipped.Store(int64(n - len(p.queue.files)))
	return p, nil
}

// cost orders conjuncts: first what is fast and cannot fail, comparisons of a column with constants, numbers
// before strings; then everything else in the order of the query, so that no row is evaluated that it would have spared.
func cost(e expr.Expr) int {
	c, ok := e.(*expr.Call)
	if !ok {
		return 2
	}
	switch c.Name {
	case "=", "<>", "<", "<=", ">", ">=", "<=>", "in", "isnull":
	default:
		return 2
	}
	n := 0
	for _, a := range c.Args {
		switch a := a.(type) {
		case *expr.Column:
			if a.Typ.IsBytes() {
				n = 1
			}
		case *expr.Literal:
		default:
			return 2
		}
	}
	return n
}

// slot returns the slot of a table column, a new one if need be.
func (p *plan) slot(column int) int {
	if k, ok := p.slotOf[column]; ok {
		return k
	}
	s := slot{column: column, projected: -1}
	if c := &p.src.table.Columns[column]; !c.Partition {
		s.projected = len(p.fields)
		p.fields = append(p.fields, c.Field)
	}
	p.slots = append(p.slots, s)
	p.slotOf[column] = len(p.slots) - 1
	return len(p.slots) - 1
}

func (p *plan) overSlots(e expr.Expr) expr.Expr {
	return expr.MapColumns(e, func(c *expr.Column) expr.Expr {
		m := *c
		m.Index = p.slot(c.Index)
		return &m
	})
}

// decidePartitions clears the files for which a conjunct over partition columns alone is not true, and
// returns the conjuncts that are left for the rows.
func (p *plan) decidePartitions(ctx context.Context, all []expr.Expr, keep vector.Bitmap) (rest []expr.Expr, err error) {
	for _, e := range all {
		columns := expr.Columns(e)
		if p.src.opts.NoSkipping || len(columns) == 0 || !p.onlyPartitions(e, columns) {
			rest = append(rest, e)
			continue
		}
		decided := keep.Clone()
		switch err := p.decide(ctx, e, columns, decided); {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil: // it may fail only for files that have no row to fail on
			rest = append(rest, e)
		default:
			copy(keep, decided)
		}
	}
	return rest, nil
}

// onlyPartitions reports whether e has one value a file: no other columns, and nothing that may differ from
// row to row by itself.
func (p *plan) onlyPartitions(e expr.Expr, columns []int) bool {
	for _, c := range columns {
		if !p.src.table.Columns[c].Partition {
			return false
		}
	}
	stable := true
	expr.Walk(e, func(e expr.Expr) bool {
		switch e := e.(type) {
		case *expr.RowFunc:
			stable = false
		case *expr.Call:
			f := expr.Lookup(e.Name)
			stable = stable && (f == nil || !f.Volatile)
		}
		return stable
	})
	return stable
}

// decide evaluates e, over partition columns, for batches of files.
func (p *plan) decide(ctx context.Context, e expr.Expr, columns []int, keep vector.Bitmap) error {
	position := map[int]int{}
	for k, c := range columns {
		position[c] = k
	}
	filter, err := expr.CompileFilter(expr.MapColumns(e, func(c *expr.Column) expr.Expr {
		m := *c
		m.Index = position[c.Index]
		return &m
	}), p.spec.Env)
	if err != nil {
		return fmt.Errorf("partition filter %s: %w", e, err)
	}
	var files []int
	flush := func() error {
		if len(files) == 0 {
			return nil
		}
		b, err := p.partitionBatch(files, columns)
		if err != nil {
			return err
		}
		sel, err := filter.Apply(b)
		if err != nil {
			return fmt.Errorf("partition filter %s: %w", e, err)
		}
		k := 0
		for i, file := range files {
			if k < len(sel) && int(sel[k]) == i {
				k++
			} else {
				keep.Clear(file)
			}
		}
		files = files[:0]
		return ctx.Err()
	}
	for i := range p.src.table.Files.Len() {
		if !keep.Get(i) {
			continue
		}
		if files = append(files, i); len(files) == vector.MaxRows {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// partitionBatch returns the partition values of some files, a row a file.
func (p *plan) partitionBatch(files, columns []int) (*vector.Batch, error) {
	b := &vector.Batch{Len: len(files)}
	for _, c := range columns {
		v := vector.New(p.src.fields[c].Type, 0)
		for _, i := range files {
			val, err := p.src.table.Files.PartitionValue(i, c)
			if err != nil {
				return nil, fmt.Errorf("table %s: %w", p.src.table.URL, err)
			}
			v.AppendValue(val)
		}
		b.Cols = append(b.Cols, v)
	}
	return b, nil
}

// Stats implements exec.Scan.
func (p *plan) Stats() exec.ScanStats {
	c := &p.counters
	return exec.ScanStats{
		Files: c.files.Load(), FilesSkipped: c.filesSkipped.Load(), FilesOpened: c.filesOpened.Load(),
		RowGroups: c.rowGroups.Load(), RowGroupsSkipped: c.rowGroupsSkipped.Load(),
		Pages: c.pages.Load(), PagesSkipped: c.pagesSkipped.Load(),
		BytesRead: c.bytesRead.Load(), RowsRead: c.rowsRead.Load(),
		LateFiles: c.lateFiles.Load(), LateRowGroups: c.lateRowGroups.Load(), LateRows: c.lateRows.Load(),
	}
}

// morselBytes is about the size of a morsel in a file of which the log does not know the number of rows.
const morselBytes = 4 << 20

// Up to how many files a scan opens before its streams, in how many morsels it then looks rows up, and up to how many
// rows one stream reads faster than several.
const (
	lookUpFiles   = 4
	lookUpMorsels = 64
	lookUpRows    = 1 << 15
)

// openFew opens the few files of a scan for n streams, and returns how many of these there is work for: one if few
// rows are read.
func (p *plan) openFew(ctx context.Context, n int) (ms []morsel, streams int, err error) {
	p.streams = 1
	for _, file := range p.queue.files {
		some, err := p.open(ctx, int(file))
		if err != nil {
			return nil, 0, err
		}
		ms = append(ms, some...)
	}
	switch {
	case n == 1 || len(ms) == 0:
		return ms, 1, nil
	case len(ms) > lookUpMorsels, len(ms) > 1 && len(p.predicate.Equalities()) == 0:
		return ms, min(n, len(ms)), nil
	}
	few, err := p.few(ctx, ms)
	switch {
	case err != nil:
		return nil, 0, err
	case few:
		return ms, 1, nil
	case len(ms) == 1 && ms[0].group >= 0:
		ms = ms[0].cut(n)
	}
	return ms, min(n, len(ms)), nil
}

// few reports whether morsels have so few rows that may match that one stream reads them faster than several.
func (p *plan) few(ctx context.Context, ms []morsel) (bool, error) {
	rows := int64(0)
	for _, m := range ms {
		if m.group < 0 {
			continue
		}
		ranges, err := p.ranges(ctx, m)
		if err != nil {
			return false, p.src.readError(m.file.path, err)
		}
		rows += rowsOf(ranges)
	}
	return rows <= lookUpRows, nil
}

// cut divides a morsel that is all there is into n.
func (m morsel) cut(n int) (out []morsel) {
	for step, from := (m.to-m.from+int64(n)-1)/int64(n), m.from; from < m.to; from += step {
		out = append(out, morsel{m.file, m.group, from, min(m.to, from+step)})
	}
	m.file.groups[m.group].dicts.morsels = len(out)
	return out
}

// Streams implements exec.Scan. There are no more streams than there may be morsels for.
func (p *plan) Streams(ctx context.Context, n int) ([]exec.Stream, error) {
	work := 0
	files := p.queue.files
	if len(files) > 0 && len(files) <= lookUpFiles {
		ms, streams, err := p.openFew(ctx, n)
		if err != nil {
			return nil, err
		}
		p.queue.prime(ms)
		work, files = streams, nil
	}
	for _, i := range files {
		rows, bytes := p.src.table.Files.NumRecords(int(i)), p.src.table.Files.Size(int(i))
		if work += 1 + int(rows/p.src.opts.MorselRows); rows < 0 {
			work += int(bytes / morselBytes)
		}
		if work >= n {
			break
		}
	}
	p.streams = max(1, min(n, work))
	out := make([]exec.Stream, p.streams)
	for i := range out {
		s, err := newStream(p)
		if err != nil {
			return nil, err
		}
		out[i] = s
	}
	return out, nil
}
