package exec

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/featuresql/featuresql/engine/types"
)

// ScanOp reads a Source.
type ScanOp struct {
	source Source
	spec   ScanSpec
	fields []Field
	mu     sync.Mutex
	scan   Scan
}

// NewScan returns an operator that reads what spec says from src. Its output is spec.Columns, then the two row
// identifier columns if spec.RowIDs is set.
func NewScan(src Source, spec ScanSpec) *ScanOp {
	all := src.Fields()
	s := &ScanOp{source: src, spec: spec}
	for _, c := range spec.Columns {
		s.fields = append(s.fields, all[c])
	}
	if spec.RowIDs {
		s.fields = append(s.fields,
			Field{Name: "_file", Type: types.Of(types.Int32)}, Field{Name: "_row", Type: types.Of(types.Int64)})
	}
	return s
}

// Source returns the table that the operator reads.
func (s *ScanOp) Source() Source { return s.source }

// Spec returns what the operator reads.
func (s *ScanOp) Spec() ScanSpec { return s.spec }

// Fields implements Operator.
func (s *ScanOp) Fields() []Field { return s.fields }

// Children implements Operator.
func (s *ScanOp) Children() []Operator { return nil }

// Plan plans the scan, once, without reading data; EXPLAIN calls it to show what is skipped.
func (s *ScanOp) Plan(ctx context.Context, q *Query) (Scan, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.scan != nil {
		return s.scan, nil
	}
	spec := s.spec
	if spec.Env == nil {
		spec.Env = q.Env
	}
	sc, err := s.source.Scan(ctx, spec)
	if err != nil {
		return nil, fmt.Errorf("plan scan: %w", err)
	}
	s.scan = sc
	return sc, nil
}

// Stats returns what the scan did so far, zero before it was planned.
func (s *ScanOp) Stats() ScanStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.scan == nil {
		return ScanStats{}
	}
	return s.scan.Stats()
}

// Open implements Operator.
func (s *ScanOp) Open(ctx context.Context, q *Query) ([]Stream, error) {
	sc, err := s.Plan(ctx, q)
	if err != nil {
		return nil, err
	}
	q.Reads.add(sc)
	return sc.Streams(ctx, q.workers())
}

// Describe implements Operator.
func (s *ScanOp) Describe() string {
	names := make([]string, len(s.fields))
	for i, f := range s.fields {
		names[i] = f.Name
	}
	d := "Scan columns: " + strings.Join(names, ", ")
	if s.spec.Filter != nil {
		d += "; filter: " + s.spec.Filter.String()
	}
	return d
}
