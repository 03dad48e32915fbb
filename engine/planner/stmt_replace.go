package planner

import (
	"maps"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/feature"
	"github.com/featuresql/featuresql/engine/catalog"
	"github.com/featuresql/featuresql/txn"
)

// tableVersion is a version of a table without its files.
type tableVersion interface {
	Protocol() *action.Protocol
	Metadata() *action.Metadata
	DomainMetadata() map[string]action.DomainMetadata
}

// takeOver puts into a table's new metadata what outlives the old one, though the definition is another: the identity of the
// table, ids of columns that are never given again, and since when its versions have timestamps of their own.
func takeOver(old tableVersion, meta *action.Metadata) error {
	was := old.Metadata()
	meta.ID = was.ID
	keep := []string{propertyMaxColumnID, propertyRowIDColumn, propertyRowVersionColumn}
	if timestamps := "delta.enableInCommitTimestamps"; strings.EqualFold(was.Configuration[timestamps], "true") && strings.EqualFold(meta.Configuration[timestamps], "true") {
		keep = append(keep, "delta.inCommitTimestampEnablementVersion", "delta.inCommitTimestampEnablementTimestamp")
	}
	for _, k := range keep {
		if v, ok := was.Configuration[k]; ok {
			meta.Configuration[k] = v
		}
	}
	if feature.Supported(old.Protocol(), feature.Clustering) && len(meta.PartitionColumns) > 0 {
		return &UnsupportedError{What: "replacing a clustered table by a partitioned one (Delta has no table that is both)"}
	}
	return nil
}

// replaceTable puts a new definition and new data in place of a table's, in one commit that keeps its history.
func (s *statement) replaceTable(ctx *sql.Context, sess *catalog.Session, loc string, t *newTable, adds []action.Add, op string) error {
	tx, own, err := sess.Begin(ctx, loc)
	if err != nil {
		return err
	}
	return s.rt.inTransaction(ctx, tx, own, func() error { return stageReplace(tx, t, adds, op) })
}

func stageReplace(tx *txn.Transaction, t *newTable, adds []action.Add, op string) error {
	snap, err := tx.Effective()
	if err != nil {
		return err
	}
	tx.ReadAll()
	files := snap.Files()
	for i := range files.Len() {
		if err := tx.RemoveFile(files.Add(i), true); err != nil {
			return err
		}
	}
	if err := tx.SetMetadata(t.meta); err != nil {
		return err
	}
	if t.proto != snap.Protocol() {
		if err := tx.SetProtocol(t.proto); err != nil {
			return err
		}
	}
	if err := stageNoDomains(tx, snap); err != nil {
		return err
	}
	for _, a := range adds {
		if err := tx.AddFile(a); err != nil {
			return err
		}
	}
	return tx.SetOperation(op, map[string]string{}, map[string]string{})
}

// stageNoDomains removes the metadata domains, which speak of the old definition; row tracking's goes on, and a table with
// the feature clustering is clustered by no column.
func stageNoDomains(tx *txn.Transaction, snap tableVersion) error {
	domains := snap.DomainMetadata()
	for _, name := range slices.Sorted(maps.Keys(domains)) {
		d := domains[name]
		switch name {
		case "delta.rowTracking":
			continue
		case feature.ClusteringDomain:
			d.Configuration = feature.NoClustering
		default:
			d.Removed = true
		}
		if err := tx.SetDomainMetadata(d); err != nil {
			return err
		}
	}
	return nil
}
