package feature

import (
	"encoding/json"
	"fmt"

	"github.com/featuresql/featuresql/datasource/delta/action"
)

// ClusteringDomain is the metadata domain that names the clustering columns (PROTOCOL.md, Clustered Table).
const ClusteringDomain = "delta.clustering"

// NoClustering is the configuration of ClusteringDomain for a table that is clustered by no column.
const NoClustering = `{"clusteringColumns":[],"domainName":"delta.clustering"}`

// ClusteringColumns returns the clustering columns that a table's domains name: paths of physical names.
func ClusteringColumns(domains map[string]action.DomainMetadata) ([][]string, error) {
	d, ok := domains[ClusteringDomain]
	if !ok || d.Removed {
		return nil, nil
	}
	var doc struct {
		Columns []json.RawMessage `json:"clusteringColumns"`
	}
	if err := json.Unmarshal([]byte(d.Configuration), &doc); err != nil {
		return nil, fmt.Errorf("metadata domain %s: %w", ClusteringDomain, err)
	}
	out := make([][]string, len(doc.Columns))
	for i, text := range doc.Columns {
		var name string
		if json.Unmarshal(text, &name) == nil { // as in the protocol's example
			out[i] = []string{name}
		} else if err := json.Unmarshal(text, &out[i]); err != nil || len(out[i]) == 0 { // as Spark writes them
			return nil, fmt.Errorf("metadata domain %s: %s is no column", ClusteringDomain, text)
		}
	}
	return out, nil
}
