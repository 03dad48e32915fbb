package checkpoint

import (
	"github.com/featuresql/featuresql/datasource/delta/action"
)

// row is a row of a V2 checkpoint: one field is set (PROTOCOL.md, Checkpoint Schema).
type row struct {
	Txn                *txnRow                `parquet:"txn,optional"`
	Add                *addRow                `parquet:"add,optional"`
	Remove             *removeRow             `parquet:"remove,optional"`
	MetaData           *metadataRow           `parquet:"metaData,optional"`
	Protocol           *protocolRow           `parquet:"protocol,optional"`
	DomainMetadata     *domainRow             `parquet:"domainMetadata,optional"`
	CheckpointMetadata *checkpointMetadataRow `parquet:"checkpointMetadata,optional"`
	Sidecar            *sidecarRow            `parquet:"sidecar,optional"`
}

// classicRow is a row of a checkpoint of the V1 specification.
type classicRow struct {
	Txn            *txnRow      `parquet:"txn,optional"`
	Add            *addRow      `parquet:"add,optional"`
	Remove         *removeRow   `parquet:"remove,optional"`
	MetaData       *metadataRow `parquet:"metaData,optional"`
	Protocol       *protocolRow `parquet:"protocol,optional"`
	DomainMetadata *domainRow   `parquet:"domainMetadata,optional"`
}

// fileRow is a row of a sidecar file.
type fileRow struct {
	Add    *addRow    `parquet:"add,optional"`
	Remove *removeRow `parquet:"remove,optional"`
}

func (r row) classic() classicRow {
	return classicRow{r.Txn, r.Add, r.Remove, r.MetaData, r.Protocol, r.DomainMetadata}
}

func (r row) sidecar() fileRow { return fileRow{r.Add, r.Remove} }

type txnRow struct {
	AppID       string `parquet:"appId"`
	Version     int64  `parquet:"version"`
	LastUpdated *int64 `parquet:"lastUpdated,optional"`
}

type addRow struct {
	Path                    string             `parquet:"path"`
	PartitionValues         map[string]*string `parquet:"partitionValues"`
	Size                    int64              `parquet:"size"`
	ModificationTime        int64              `parquet:"modificationTime"`
	DataChange              bool               `parquet:"dataChange"`
	Stats                   *string            `parquet:"stats,optional"`
	Tags                    map[string]*string `parquet:"tags,optional"`
	DeletionVector          *dvRow             `parquet:"deletionVector,optional"`
	BaseRowID               *int64             `parquet:"baseRowId,optional"`
	DefaultRowCommitVersion *int64             `parquet:"defaultRowCommitVersion,optional"`
	ClusteringProvider      *string            `parquet:"clusteringProvider,optional"`
}

type removeRow struct {
	Path                    string             `parquet:"path"`
	DeletionTimestamp       *int64             `parquet:"deletionTimestamp,optional"`
	DataChange              bool               `parquet:"dataChange"`
	ExtendedFileMetadata    *bool              `parquet:"extendedFileMetadata,optional"`
	PartitionValues         map[string]*string `parquet:"partitionValues,optional"`
	Size                    *int64             `parquet:"size,optional"`
	DeletionVector          *dvRow             `parquet:"deletionVector,optional"`
	BaseRowID               *int64             `parquet:"baseRowId,optional"`
	DefaultRowCommitVersion *int64             `parquet:"defaultRowCommitVersion,optional"`
}

type dvRow struct {
	StorageType    string `parquet:"storageType"`
	PathOrInlineDV string `parquet:"pathOrInlineDv"`
	Offset         *int32 `parquet:"offset,optional"`
	SizeInBytes    int32  `parquet:"sizeInBytes"`
	Cardinality    int64  `parquet:"cardinality"`
}

type formatRow struct {
	Provider string            `parquet:"provider"`
	Options  map[string]string `parquet:"options"`
}

type metadataRow struct {
	ID               string            `parquet:"id"`
	Name             *string           `parquet:"name,optional"`
	Description      *string           `parquet:"description,optional"`
	Format           formatRow         `parquet:"format"`
	SchemaString     string            `parquet:"schemaString"`
	PartitionColumns []string          `parquet:"partitionColumns,list"`
	CreatedTime      *int64            `parquet:"createdTime,optional"`
	Configuration    map[string]string `parquet:"configuration"`
}

type protocolRow struct {
	MinReader      int32    `parquet:"minReaderVersion"`
	MinWriter      int32    `parquet:"minWriterVersion"`
	ReaderFeatures []string `parquet:"readerFeatures,optional,list"`
	WriterFeatures []string `parquet:"writerFeatures,optional,list"`
}

type domainRow struct {
	Domain        string `parquet:"domain"`
	Configuration string `parquet:"configuration"`
	Removed       bool   `parquet:"removed"`
}

type checkpointMetadataRow struct {
	Version int64             `parquet:"version"`
	Tags    map[string]string `parquet:"tags,optional"`
}

type sidecarRow struct {
	Path             string            `parquet:"path"`
	SizeInBytes      int64             `parquet:"sizeInBytes"`
	ModificationTime int64             `parquet:"modificationTime"`
	Tags             map[string]string `parquet:"tags,optional"`
}

func addRowOf(a *action.Add) *addRow {
	r := &addRow{
		Path: a.Path, PartitionValues: a.PartitionValues, Size: a.Size, ModificationTime: a.ModificationTime, Tags: a.Tags,
		DeletionVector: dvRowOf(a.DeletionVector), BaseRowID: a.BaseRowID, DefaultRowCommitVersion: a.DefaultRowCommitVersion,
	}
	if a.Stats != "" {
		r.Stats = &a.Stats
	}
	if a.ClusteringProvider != "" {
		r.ClusteringProvider = &a.ClusteringProvider
	}
	return r
}

func removeRowOf(r *action.Remove) *removeRow {
	return &removeRow{
		Path: r.Path, DeletionTimestamp: r.DeletionTimestamp, ExtendedFileMetadata: r.ExtendedFileMetadata, PartitionValues: r.PartitionValues,
		Size: r.Size, DeletionVector: dvRowOf(r.DeletionVector), BaseRowID: r.BaseRowID, DefaultRowCommitVersion: r.DefaultRowCommitVersion,
	}
}

func dvRowOf(d *action.DeletionVectorDescriptor) *dvRow {
	if d == nil {
		return nil
	}
	return &dvRow{d.StorageType, d.PathOrInlineDV, d.Offset, d.SizeInBytes, d.Cardinality}
}

func metadataRowOf(m *action.Metadata) *metadataRow {
	return &metadataRow{
		ID: m.ID, Name: m.Name, Description: m.Description, Format: formatRow{m.Format.Provider, m.Format.Options},
		SchemaString: m.SchemaString, PartitionColumns: m.PartitionColumns, CreatedTime: m.CreatedTime, Configuration: m.Configuration,
	}
}

func protocolRowOf(p *action.Protocol) *protocolRow {
	r := &protocolRow{MinReader: int32(p.MinReader), MinWriter: int32(p.MinWriter)}
	if p.MinReader >= 3 {
		r.ReaderFeatures = append([]string{}, p.ReaderFeatures...)
	}
	if p.MinWriter >= 7 {
		r.WriterFeatures = append([]string{}, p.WriterFeatures...)
	}
	return r
}
