package action

import "encoding/json"

// Version is the number of a version of a table, from 0.
type Version int64

// Action is one line of a commit: at most one field is set. All nil: an action of a kind unknown here.
type Action struct {
	Add                *Add
	Remove             *Remove
	Metadata           *Metadata
	Protocol           *Protocol
	CommitInfo         *CommitInfo
	Txn                *Txn
	DomainMetadata     *DomainMetadata
	CDC                *CDC
	CheckpointMetadata *CheckpointMetadata
	Sidecar            *Sidecar
}

// IsUnknown reports whether a is of a kind that this package does not know.
func (a *Action) IsUnknown() bool { return *a == Action{} }

// Add puts a logical file into the table (PROTOCOL.md, Add File and Remove File).
type Add struct {
	Path                    string             // as in the log: percent-encoded, relative to the table or absolute
	PartitionValues         map[string]*string // by physical name; nil: NULL
	Size                    int64              // bytes
	ModificationTime        int64              // milliseconds since 1970
	DataChange              bool
	Stats                   string // JSON text; empty: none
	Tags                    map[string]*string
	DeletionVector          *DeletionVectorDescriptor
	BaseRowID               *int64
	DefaultRowCommitVersion *int64
	ClusteringProvider      string
}

// Remove takes a logical file out of the table.
type Remove struct {
	Path                    string
	DeletionTimestamp       *int64 // milliseconds since 1970
	DataChange              bool
	ExtendedFileMetadata    *bool
	PartitionValues         map[string]*string
	Size                    *int64
	Stats                   string
	Tags                    map[string]*string
	DeletionVector          *DeletionVectorDescriptor
	BaseRowID               *int64
	DefaultRowCommitVersion *int64
}

// RemoveOf returns the action that removes the logical file of a at the given time (milliseconds since 1970), with
// all that is known of it.
func RemoveOf(a *Add, deletionTimestampMS int64, dataChange bool) *Remove {
	extended, size := true, a.Size
	return &Remove{
		Path: a.Path, DeletionTimestamp: &deletionTimestampMS, DataChange: dataChange, ExtendedFileMetadata: &extended,
		PartitionValues: a.PartitionValues, Size: &size, Tags: a.Tags, DeletionVector: a.DeletionVector,
		BaseRowID: a.BaseRowID, DefaultRowCommitVersion: a.DefaultRowCommitVersion,
	}
}

// Format names the encoding of the data files.
type Format struct {
	Provider string
	Options  map[string]string
}

// Metadata is the table's metadata, replaced as a whole (PROTOCOL.md, Change Metadata).
type Metadata struct {
	ID               string
	Name             *string
	Description      *string
	Format           Format
	SchemaString     string
	PartitionColumns []string
	Configuration    map[string]string
	CreatedTime      *int64 // milliseconds since 1970
}

// Protocol says what a client must understand (PROTOCOL.md, Protocol Evolution).
type Protocol struct {
	MinReader      int
	MinWriter      int
	ReaderFeatures []string // nil: absent
	WriterFeatures []string
}

// Txn records how far an application came.
type Txn struct {
	AppID       string
	Version     int64
	LastUpdated *int64 // milliseconds since 1970
}

// DomainMetadata is the configuration of one metadata domain.
type DomainMetadata struct {
	Domain        string
	Configuration string
	Removed       bool
}

// CDC adds a change data file.
type CDC struct {
	Path            string
	PartitionValues map[string]*string
	Size            int64
	DataChange      bool
	Tags            map[string]*string
}

// CheckpointMetadata describes a V2 checkpoint.
type CheckpointMetadata struct {
	Version Version
	Tags    map[string]*string
}

// Sidecar names a file of a V2 checkpoint that holds file actions.
type Sidecar struct {
	Path             string
	SizeInBytes      int64
	ModificationTime int64
	Tags             map[string]*string
}

// CommitInfo says who committed what. All fields are optional; Extra keeps those that have no field here.
type CommitInfo struct {
	Timestamp           *int64 // milliseconds since 1970
	InCommitTimestamp   *int64 // milliseconds since 1970
	UserID              string
	UserName            string
	Operation           string
	OperationParameters map[string]string // values that are no strings are kept as JSON text
	OperationMetrics    map[string]string
	ReadVersion         *int64
	IsolationLevel      string
	IsBlindAppend       *bool
	UserMetadata        string
	EngineInfo          string
	TxnID               string
	ClientVersion       string
	Extra               map[string]json.RawMessage
}

// DeletionVectorDescriptor says where the deletion vector of a logical file is (PROTOCOL.md, Deletion Vectors).
type DeletionVectorDescriptor struct {
	StorageType    string // "u" file by UUID, "p" file by path, "i" inline
	PathOrInlineDV string
	Offset         *int32 // bytes into the file
	SizeInBytes    int32
	Cardinality    int64 // deleted rows
}

// CorruptionError says that a file of the log is not what the protocol allows.
type CorruptionError struct {
	Path   string // key of the file, relative to the table's root
	Line   int    // line of a JSON file, from 1; 0: not known or not of one line
	Reason string
	Err    error // the cause, if any
}
