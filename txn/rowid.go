package txn

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/featuresql/featuresql/datasource/delta"
	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/feature"
)

// rowTrackingDomain holds the highest row id given out (PROTOCOL.md, Row Tracking).
const rowTrackingDomain = "delta.rowTracking"

const (
	rowTrackingEnabled   = "delta.enableRowTracking"
	rowTrackingSuspended = "delta.rowTrackingSuspended"
)

// assignsRowIDs says whether a commit must give its files row ids: where row tracking is supported, be it enabled or not.
func assignsRowIDs(p *action.Protocol, m *action.Metadata) bool {
	return feature.Supported(p, feature.RowTracking) && !isTrue(m, rowTrackingSuspended)
}

// highestRowID reads the row tracking domain; -1 is none.
func highestRowID(d *action.DomainMetadata) (int64, error) {
	if d == nil || d.Removed {
		return -1, nil
	}
	c := struct {
		RowIDHighWaterMark *int64 `json:"rowIdHighWaterMark"`
	}{}
	if err := json.Unmarshal([]byte(d.Configuration), &c); err != nil {
		return 0, fmt.Errorf("metadata domain %s: %w", rowTrackingDomain, err)
	}
	if c.RowIDHighWaterMark == nil {
		return -1, nil
	}
	return *c.RowIDHighWaterMark, nil
}

// assignRowIDs gives the added files that have none a range of fresh row ids above highest, and version v as that of
// their rows; it appends the new mark. A file that was there before keeps what it has.
func assignRowIDs(actions []action.Action, table string, v delta.Version, highest int64) ([]action.Action, error) {
	version, given := int64(v), false
	for i, a := range actions {
		if a.Add == nil || a.Add.BaseRowID != nil {
			continue
		}
		var stats struct {
			NumRecords *int64 `json:"numRecords"`
		}
		if err := json.Unmarshal([]byte(a.Add.Stats), &stats); err != nil || stats.NumRecords == nil || *stats.NumRecords < 0 {
			return nil, &InvalidError{Table: table, Path: a.Add.Path, Reason: "has no numRecords statistic, which row tracking needs"}
		}
		add, first := *a.Add, highest+1
		add.BaseRowID, add.DefaultRowCommitVersion = &first, &version
		actions[i].Add = &add
		highest += *stats.NumRecords
		given = true
	}
	if given {
		actions = append(actions, action.Action{DomainMetadata: &action.DomainMetadata{
			Domain: rowTrackingDomain, Configuration: `{"rowIdHighWaterMark":` + strconv.FormatInt(highest, 10) + `}`,
		}})
	}
	return actions, nil
}

// renumbers reports whether rows that were there may get new ids: rows that are updated, or copied to another file.
func (c *changes) renumbers() bool {
	return len(c.removes) > 0 && slices.ContainsFunc(c.adds, func(a staged) bool { return !a.dead && a.BaseRowID == nil })
}

// baseRowID returns the highest row id given out in the base.
func (tx *Transaction) baseRowID() (int64, error) {
	if d, ok := tx.base.DomainMetadata()[rowTrackingDomain]; ok {
		return highestRowID(&d)
	}
	return -1, nil
}
