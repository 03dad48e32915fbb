package log

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/featuresql/featuresql/datasource/delta/action"
)

// Keys of the log, relative to the table's root.
const (
	// Prefix begins every key of the log.
	Prefix = "_delta_log/"
	// LastCheckpointKey is the hint to a recent checkpoint.
	LastCheckpointKey = Prefix + "_last_checkpoint"
	// SidecarPrefix begins the keys of sidecar files.
	SidecarPrefix = Prefix + "_sidecars/"
)

const versionDigits = 20

// versionKey returns the key of a file of a version with what follows the version.
func versionKey(v action.Version, rest string) string {
	return fmt.Sprintf("%s%020d%s", Prefix, v, rest)
}

// CommitKey returns the key of a commit.
func CommitKey(v action.Version) string { return versionKey(v, ".json") }

// CheckpointKey returns the key of a classic checkpoint.
func CheckpointKey(v action.Version) string { return versionKey(v, ".checkpoint.parquet") }

// V2CheckpointKey returns the key of a UUID-named checkpoint; extension is "json" or "parquet".
func V2CheckpointKey(v action.Version, uuid, extension string) string {
	return versionKey(v, ".checkpoint."+uuid+"."+extension)
}

// CompactionKey returns the key of a log compaction file.
func CompactionKey(from, to action.Version) string {
	return versionKey(from, fmt.Sprintf(".%020d.compacted.json", to))
}

// kind says what a file of the log is.
type kind uint8

const (
	other kind = iota
	commit
	classic // a checkpoint in one file, of either specification
	part    // of a multi-part checkpoint
	named   // a UUID-named checkpoint
	compaction
)

// name is a parsed key.
type name struct {
	kind    kind
	version action.Version
	to      action.Version // compaction: the last version
	part    int            // part: from 1
	parts   int
	json    bool // named: JSON rather than Parquet
}

// parseKey parses a key of the log; other for one that is none of the above.
func parseKey(key string) (n name) {
	rest, ok := strings.CutPrefix(key, Prefix)
	if !ok || len(rest) < versionDigits {
		return n
	}
	if n.version, ok = parseVersion(rest[:versionDigits]); !ok {
		return n
	}
	f := strings.Split(rest[versionDigits:], ".")
	switch {
	case len(f) == 2 && f[0] == "" && f[1] == "json":
		n.kind = commit
	case len(f) == 3 && f[1] == "checkpoint" && f[2] == "parquet":
		n.kind = classic
	case len(f) == 4 && f[1] == "checkpoint" && isUUID(f[2]) && (f[3] == "json" || f[3] == "parquet"):
		n.kind, n.json = named, f[3] == "json"
	case len(f) == 5 && f[1] == "checkpoint" && len(f[2]) == 10 && len(f[3]) == 10 && f[4] == "parquet":
		o, err1 := strconv.Atoi(f[2])
		p, err2 := strconv.Atoi(f[3])
		if err1 == nil && err2 == nil && o >= 1 && o <= p {
			n.kind, n.part, n.parts = part, o, p
		}
	case len(f) == 4 && f[2] == "compacted" && f[3] == "json":
		if to, ok := parseVersion(f[1]); ok && to > n.version {
			n.kind, n.to = compaction, to
		}
	}
	return n
}

func parseVersion(s string) (action.Version, bool) {
	if len(s) != versionDigits {
		return 0, false
	}
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return 0, false
		}
	}
	v, err := strconv.ParseInt(s, 10, 64)
	return action.Version(v), err == nil
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < 'a' || c > 'f') && (s[i] < '0' || s[i] > '9') && s[i] != '-' {
			return false
		}
	}
	return true
}

// ParseCommitKey returns the version of a commit's key.
func ParseCommitKey(key string) (v action.Version, ok bool) {
	n := parseKey(key)
	return n.version, n.kind == commit
}

// IsVersioned reports whether a key is that of a commit, checkpoint or compaction: a sign that there is a table.
func IsVersioned(key string) bool { return parseKey(key).kind != other }
