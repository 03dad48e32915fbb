package write

import (
	"fmt"
	"strings"
)

// nullPartition is what Hive and Spark call the folder of a NULL partition value.
const nullPartition = "__HIVE_DEFAULT_PARTITION__"

// maxFolderName is the greatest length of a folder's name that every file system takes.
const maxFolderName = 200

const upperHex = "0123456789ABCDEF"

// escapeFolder escapes a column name or a partition value for use in the name of a folder, as Spark does:
// control characters and those that mean something to Hive or in a path become %XX; blanks and
// non-ASCII characters stay.
func escapeFolder(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c < 0x20 || c == 0x7f || strings.IndexByte(`"#%'*/:=?\{[]^`, c) >= 0 {
			b.WriteByte('%')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// encodePath percent-encodes a key relative to the table's root for the path of an action (protocol, Add File
// and Remove File: a URI as of RFC 2396).
func encodePath(key string) string {
	var b strings.Builder
	for i := range len(key) {
		c := key[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-_.~/=", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		}
	}
	return b.String()
}

// folder returns the Hive-style folder of partition values, without a slash at the end; ok is false if some name
// would be too long for a file system.
func folder(names []string, values []*string) (dir string, ok bool) {
	parts := make([]string, len(names))
	for i, name := range names {
		value := nullPartition
		if values[i] != nil {
			value = escapeFolder(*values[i])
		}
		parts[i] = escapeFolder(name) + "=" + value
		if len(parts[i]) > maxFolderName {
			return "", false
		}
	}
	return strings.Join(parts, "/"), true
}

// fileName names the n-th data file of a writer as Spark does.
func fileName(n int, id, codec string) string {
	if codec != "uncompressed" {
		codec += "."
	} else {
		codec = ""
	}
	return fmt.Sprintf("part-%05d-%s-c000.%sparquet", n, id, codec)
}
