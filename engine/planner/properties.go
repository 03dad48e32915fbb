package planner

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/featuresql/featuresql/datasource/delta/action"
	"github.com/featuresql/featuresql/datasource/delta/checkpoint"
	"github.com/featuresql/featuresql/datasource/delta/schema"
	"github.com/featuresql/featuresql/datasource/delta/write"
	"github.com/featuresql/featuresql/engine/catalog"
)

// PropertyError says that a table property has a value that cannot be used, or cannot be set.
type PropertyError struct{ Name, Value, Reason string }

func (e *PropertyError) Error() string {
	return fmt.Sprintf("table property %s = '%s': %s", e.Name, e.Value, e.Reason)
}

// rule returns what is allowed if a value is not, else "".
type rule func(value string) string

func oneOf(values ...string) rule {
	return func(v string) string {
		if slices.ContainsFunc(values, func(w string) bool { return strings.EqualFold(v, w) }) {
			return ""
		}
		return "must be one of " + strings.Join(values, ", ")
	}
}

func integer(least int64) rule {
	return func(v string) string {
		if n, err := strconv.ParseInt(v, 10, 32); err != nil || n < least {
			return fmt.Sprintf("must be an integer of at least %d", least)
		}
		return ""
	}
}

// interval takes what Spark calls a calendar interval, of weeks or shorter units.
func interval(v string) string {
	if _, ok := checkpoint.ParseInterval(v); !ok {
		return "must be an interval such as 'interval 30 days' or '2 weeks'; months and years are not accepted"
	}
	return ""
}

func fileSize(v string) string {
	if _, ok := write.ParseBytes(v); !ok {
		return "must be a number of bytes, or one with a unit such as '100mb'"
	}
	return ""
}

// only takes the one value that is what featuresql does anyway.
func only(value, reason string) rule {
	return func(v string) string {
		if strings.EqualFold(v, value) {
			return ""
		}
		return reason
	}
}

func never(reason string) rule { return func(string) string { return reason } }

func anything(string) string { return "" }

var boolean = oneOf("true", "false")

const (
	keptByWriters = "is kept by the writers of the table and cannot be set"
	notWritten    = "is not supported: featuresql does not write such tables"
	jsonOnly      = "is not supported: checkpoints have file statistics as JSON"
)

// deltaProperties are the properties that Delta defines, in lower case, with what they may be set to.
var deltaProperties = map[string]struct {
	name  string
	check rule
}{}

// defineProperty is called for each property of Delta.
func defineProperty(name string, check rule) {
	deltaProperties[strings.ToLower(name)] = struct {
		name  string
		check rule
	}{name, check}
}

func init() {
	for check, names := range map[*rule][]string{
		new(boolean): {"delta.appendOnly", "delta.enableDeletionVectors", "delta.enableInCommitTimestamps", "delta.enableTypeWidening", propertyRowTracking, propertyChangeFeed,
			"delta.enableExpiredLogCleanup", "delta.enableFullRetentionRollback", "delta.randomizeFilePrefixes", "delta.autoOptimize",
			"delta.autoOptimize.optimizeWrite", "delta.ignoreProtocolDefaults"},
		ptr(interval): {"delta.logRetentionDuration", "delta.deletedFileRetentionDuration", "delta.checkpointRetentionDuration",
			"delta.sampleRetentionDuration", "delta.setTransactionRetentionDuration", "delta.dropFeatureTruncateHistory.retentionDuration"},
		new(integer(1)):  {"delta.checkpointInterval", "delta.randomPrefixLength"},
		new(integer(0)):  {"delta.dataSkippingStringPrefixLength", "delta.requireCheckpointProtectionBeforeVersion"},
		new(integer(-1)): {"delta.dataSkippingNumIndexedCols"},
		new(only("false", notWritten)): {"delta.enableChangeDataCapture", "delta.rowTrackingSuspended",
			"delta.enableIcebergCompatV1", "delta.enableIcebergCompatV2", "delta.enableIcebergCompatV3", "delta.enableVariantShredding",
			"delta.castIcebergTimeType", "delta.ignoreIcebergBucketPartition", "delta.compatibility.symlinkFormatManifest.enabled",
			"delta.enableMaterializePartitionColumnsFeature", "delta.writePartitionColumnsToParquet", "delta.universalFormat.iceberg.atomicConversion.supported"},
		new(only("", notWritten)): {"delta.universalFormat.enabledFormats", "delta.coordinatedCommits.commitCoordinator-preview",
			"delta.coordinatedCommits.commitCoordinatorConf-preview", "delta.coordinatedCommits.tableConf-preview", "delta.redirectReaderWriter-preview",
			"delta.redirectWriterOnly-preview"},
		new(never(keptByWriters)): {"delta.columnMapping.maxColumnId", "delta.inCommitTimestampEnablementVersion", "delta.inCommitTimestampEnablementTimestamp",
			propertyRowIDColumn, propertyRowVersionColumn},
		new(never("cannot be set; name the features that the table needs, as in 'delta.feature.deletionVectors' = 'supported'")): {
			"delta.minReaderVersion", "delta.minWriterVersion"},
	} {
		for _, name := range names {
			defineProperty(name, *check)
		}
	}
	defineProperty("delta.targetFileSize", fileSize)
	defineProperty("delta.parquet.compression.codec", oneOf("snappy", "zstd", "uncompressed", "none"))
	defineProperty("delta.parquet.format.version", only("1.0.0", "is not supported: data files are written in version 1.0.0"))
	defineProperty("delta.isolationLevel", oneOf("Serializable", "WriteSerializable"))
	defineProperty("delta.checkpointPolicy", oneOf("classic", "v2"))
	defineProperty("delta.columnMapping.mode", oneOf("none", "name", "id"))
	defineProperty("delta.checkpoint.writeStatsAsJson", only("true", jsonOnly))
	defineProperty("delta.checkpoint.writeStatsAsStruct", only("false", jsonOnly))
	defineProperty("delta.autoOptimize.autoCompact", oneOf("true", "false", "auto"))
	defineProperty("delta.dataSkippingStatsColumns", anything)
}

//go:fix inline
func ptr(r rule) *rule { return new(r) }

// setProperties checks the properties that a statement sets and puts them in place, in Delta's spelling. Names that do
// not begin with delta. are the user's.
func setProperties(set map[string]string, columns []schema.Field, meta *action.Metadata) error {
	for k, v := range set {
		lower := strings.ToLower(k)
		known, isKnown := deltaProperties[lower]
		switch {
		case strings.HasPrefix(lower, schema.PropertyConstraints):
			return &PropertyError{k, v, "is a constraint; use ADD CONSTRAINT … CHECK"}
		case strings.HasPrefix(lower, "delta.feature."):
			if !strings.EqualFold(v, "supported") && !strings.EqualFold(v, "enabled") {
				return &PropertyError{k, v, "must be 'supported'"}
			}
		case isKnown:
			k = known.name
			if reason := known.check(strings.TrimSpace(v)); reason != "" {
				return &PropertyError{k, v, reason}
			}
			v = strings.TrimSpace(v)
		case strings.HasPrefix(lower, "delta."):
			return &PropertyError{k, v, "is no property of Delta; names that begin with delta. are Delta's own"}
		}
		if err := columnsProperty(k, v, columns); err != nil {
			return err
		}
		meta.Configuration[k] = v
	}
	return nil
}

// columnsProperty checks the properties that list columns.
func columnsProperty(k, v string, columns []schema.Field) error {
	nested := strings.EqualFold(k, "delta.dataSkippingStatsColumns")
	if !nested && k != catalog.PrimaryKeyProperty {
		return nil
	}
	for name := range strings.SplitSeq(v, ",") {
		name = strings.TrimSpace(name)
		if whole := strings.Trim(name, "`"); whole != name {
			name = whole
		} else if nested {
			name, _, _ = strings.Cut(name, ".")
		}
		if !slices.ContainsFunc(columns, func(f schema.Field) bool { return strings.EqualFold(f.Name, name) }) {
			return &PropertyError{k, v, "names the column " + name + ", which the table does not have"}
		}
	}
	return nil
}
