package action

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/featuresql/featuresql/datasource/delta/jsonscan"
)

// AppendLine appends the JSON form of a and a line feed. An action of an unknown kind appends nothing.
func AppendLine(dst []byte, a *Action) []byte {
	n := len(dst)
	dst = Append(dst, a)
	if len(dst) == n {
		return dst
	}
	return append(dst, '\n')
}

// Append appends the JSON form of a, without a line feed.
func Append(dst []byte, a *Action) []byte {
	switch {
	case a.Add != nil:
		return one(dst, "add", a.Add.write)
	case a.Remove != nil:
		return one(dst, "remove", a.Remove.write)
	case a.Metadata != nil:
		return one(dst, "metaData", a.Metadata.write)
	case a.Protocol != nil:
		return one(dst, "protocol", a.Protocol.write)
	case a.CommitInfo != nil:
		return one(dst, "commitInfo", a.CommitInfo.write)
	case a.Txn != nil:
		return one(dst, "txn", a.Txn.write)
	case a.DomainMetadata != nil:
		return one(dst, "domainMetadata", a.DomainMetadata.write)
	case a.CDC != nil:
		return one(dst, "cdc", a.CDC.write)
	case a.CheckpointMetadata != nil:
		return one(dst, "checkpointMetadata", a.CheckpointMetadata.write)
	case a.Sidecar != nil:
		return one(dst, "sidecar", a.Sidecar.write)
	}
	return dst
}

// MarshalJSON implements json.Marshaler.
func (a Action) MarshalJSON() ([]byte, error) {
	if b := Append(nil, &a); b != nil {
		return b, nil
	}
	return []byte("{}"), nil
}

// UnmarshalJSON implements json.Unmarshaler by Parse.
func (a *Action) UnmarshalJSON(text []byte) (err error) {
	*a, err = Parse(string(text))
	return err
}

// object writes the members of one JSON object.
type object struct{ b []byte }

func one(dst []byte, name string, write func(*object)) []byte {
	o := object{append(jsonscan.AppendString(append(dst, '{'), name), ':', '{')}
	write(&o)
	return append(o.b, '}', '}')
}

func (o *object) key(name string) {
	if c := o.b[len(o.b)-1]; c != '{' {
		o.b = append(o.b, ',')
	}
	o.b = append(jsonscan.AppendString(o.b, name), ':')
}

func (o *object) str(name, v string) {
	o.key(name)
	o.b = jsonscan.AppendString(o.b, v)
}

func (o *object) strIf(name, v string) {
	if v != "" {
		o.str(name, v)
	}
}

func (o *object) strPtr(name string, v *string) {
	if v != nil {
		o.str(name, *v)
	}
}

func (o *object) int(name string, v int64) {
	o.key(name)
	o.b = strconv.AppendInt(o.b, v, 10)
}

func (o *object) intPtr(name string, v *int64) {
	if v != nil {
		o.int(name, *v)
	}
}

func (o *object) bool(name string, v bool) {
	o.key(name)
	o.b = strconv.AppendBool(o.b, v)
}

func (o *object) boolPtr(name string, v *bool) {
	if v != nil {
		o.bool(name, *v)
	}
}

// nested writes an object as the value of a member.
func (o *object) nested(name string, write func()) {
	o.key(name)
	o.b = append(o.b, '{')
	write()
	o.b = append(o.b, '}')
}

// values writes a map with nulls, ordered by key.
func (o *object) values(name string, m map[string]*string) {
	o.key(name)
	o.b = AppendValues(o.b, m)
}

func (o *object) valuesIf(name string, m map[string]*string) {
	if m != nil {
		o.values(name, m)
	}
}

func (o *object) strings(name string, m map[string]string) {
	o.nested(name, func() {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			o.str(k, m[k])
		}
	})
}

func (o *object) list(name string, l []string) {
	o.key(name)
	o.b = append(o.b, '[')
	for i, v := range l {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.b = jsonscan.AppendString(o.b, v)
	}
	o.b = append(o.b, ']')
}

func (o *object) dv(d *DeletionVectorDescriptor) {
	if d == nil {
		return
	}
	o.nested("deletionVector", func() {
		o.str("storageType", d.StorageType)
		o.str("pathOrInlineDv", d.PathOrInlineDV)
		if d.Offset != nil {
			o.int("offset", int64(*d.Offset))
		}
		o.int("sizeInBytes", int64(d.SizeInBytes))
		o.int("cardinality", d.Cardinality)
	})
}

func (a *Add) write(o *object) {
	o.str("path", a.Path)
	o.values("partitionValues", a.PartitionValues)
	o.int("size", a.Size)
	o.int("modificationTime", a.ModificationTime)
	o.bool("dataChange", a.DataChange)
	o.strIf("stats", a.Stats)
	o.valuesIf("tags", a.Tags)
	o.dv(a.DeletionVector)
	o.intPtr("baseRowId", a.BaseRowID)
	o.intPtr("defaultRowCommitVersion", a.DefaultRowCommitVersion)
	o.strIf("clusteringProvider", a.ClusteringProvider)
}

func (r *Remove) write(o *object) {
	o.str("path", r.Path)
	o.intPtr("deletionTimestamp", r.DeletionTimestamp)
	o.bool("dataChange", r.DataChange)
	o.boolPtr("extendedFileMetadata", r.ExtendedFileMetadata)
	o.valuesIf("partitionValues", r.PartitionValues)
	o.intPtr("size", r.Size)
	o.strIf("stats", r.Stats)
	o.valuesIf("tags", r.Tags)
	o.dv(r.DeletionVector)
	o.intPtr("baseRowId", r.BaseRowID)
	o.intPtr("defaultRowCommitVersion", r.DefaultRowCommitVersion)
}

func (m *Metadata) write(o *object) {
	o.str("id", m.ID)
	o.strPtr("name", m.Name)
	o.strPtr("description", m.Description)
	o.nested("format", func() {
		o.str("provider", m.Format.Provider)
		o.strings("options", m.Format.Options)
	})
	o.str("schemaString", m.SchemaString)
	o.list("partitionColumns", m.PartitionColumns)
	o.strings("configuration", m.Configuration)
	o.intPtr("createdTime", m.CreatedTime)
}

func (p *Protocol) write(o *object) {
	o.int("minReaderVersion", int64(p.MinReader))
	o.int("minWriterVersion", int64(p.MinWriter))
	if p.ReaderFeatures != nil {
		o.list("readerFeatures", p.ReaderFeatures)
	}
	if p.WriterFeatures != nil {
		o.list("writerFeatures", p.WriterFeatures)
	}
}

func (t *Txn) write(o *object) {
	o.str("appId", t.AppID)
	o.int("version", t.Version)
	o.intPtr("lastUpdated", t.LastUpdated)
}

func (d *DomainMetadata) write(o *object) {
	o.str("domain", d.Domain)
	o.str("configuration", d.Configuration)
	o.bool("removed", d.Removed)
}

func (c *CDC) write(o *object) {
	o.str("path", c.Path)
	o.values("partitionValues", c.PartitionValues)
	o.int("size", c.Size)
	o.bool("dataChange", c.DataChange)
	o.valuesIf("tags", c.Tags)
}

func (c *CheckpointMetadata) write(o *object) {
	o.int("version", int64(c.Version))
	o.valuesIf("tags", c.Tags)
}

func (c *Sidecar) write(o *object) {
	o.str("path", c.Path)
	o.int("sizeInBytes", c.SizeInBytes)
	o.int("modificationTime", c.ModificationTime)
	o.valuesIf("tags", c.Tags)
}

func (c *CommitInfo) write(o *object) {
	o.intPtr("inCommitTimestamp", c.InCommitTimestamp)
	o.intPtr("timestamp", c.Timestamp)
	o.strIf("userId", c.UserID)
	o.strIf("userName", c.UserName)
	o.strIf("operation", c.Operation)
	if c.OperationParameters != nil {
		o.strings("operationParameters", c.OperationParameters)
	}
	o.intPtr("readVersion", c.ReadVersion)
	o.strIf("isolationLevel", c.IsolationLevel)
	o.boolPtr("isBlindAppend", c.IsBlindAppend)
	if c.OperationMetrics != nil {
		o.strings("operationMetrics", c.OperationMetrics)
	}
	o.strIf("userMetadata", c.UserMetadata)
	o.strIf("clientVersion", c.ClientVersion)
	o.strIf("engineInfo", c.EngineInfo)
	o.strIf("txnId", c.TxnID)
	for _, k := range slices.Sorted(maps.Keys(c.Extra)) {
		var line bytes.Buffer
		if err := json.Compact(&line, c.Extra[k]); err != nil {
			continue // what is no JSON cannot stand in a line of JSON
		}
		o.key(k)
		o.b = append(o.b, line.Bytes()...)
	}
}

// AppendValues appends a map of strings and nulls as a JSON object, ordered by key.
func AppendValues(dst []byte, m map[string]*string) []byte {
	o := object{append(dst, '{')}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if v := m[k]; v != nil {
			o.str(k, *v)
			continue
		}
		o.key(k)
		o.b = append(o.b, "null"...)
	}
	return append(o.b, '}')
}
