package exec

import "sync"

// Reads gathers the scans of a statement, so that others can see how far it is and what it has read. The zero value is ready; a nil one
// gathers nothing. Safe for concurrent use.
type Reads struct {
	mu    sync.Mutex
	scans []Scan
}

func (r *Reads) add(s Scan) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.scans = append(r.scans, s)
}

// Stats returns the sum of what the scans have done so far.
func (r *Reads) Stats() ScanStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sum()
}

// Take returns the sum of what the scans did, and forgets them.
func (r *Reads) Take() ScanStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	sum := r.sum()
	clear(r.scans)
	r.scans = r.scans[:0]
	return sum
}

func (r *Reads) sum() ScanStats {
	var sum ScanStats
	for _, s := range r.scans {
		sum.add(s.Stats())
	}
	return sum
}

func (s *ScanStats) add(o ScanStats) {
	s.Files += o.Files
	s.FilesSkipped += o.FilesSkipped
	s.FilesOpened += o.FilesOpened
	s.RowGroups += o.RowGroups
	s.RowGroupsSkipped += o.RowGroupsSkipped
	s.Pages += o.Pages
	s.PagesSkipped += o.PagesSkipped
	s.BytesRead += o.BytesRead
	s.RowsRead += o.RowsRead
	s.LateFiles += o.LateFiles
	s.LateRowGroups += o.LateRowGroups
	s.LateRows += o.LateRows
}
