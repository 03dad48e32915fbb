package objstore

import (
	"fmt"
	"path/filepath"
	"strings"
)

// maxKeyBytes is the longest key of S3, GCS and Azure.
const maxKeyBytes = 1024

// reservedPrefix begins the names of temporary files; no part of a key may.
const reservedPrefix = ".featuresql-tmp-"

// CheckKey says whether key is one a store may use: parts separated by single slashes, none of them empty,
// ".", ".." or reserved for temporary files, no NUL, 1024 bytes at most. The error is ErrInvalidKey, wrapped.
func CheckKey(key string) error {
	if reason := badKey(key); reason != "" {
		return fmt.Errorf("%w %q: %s", ErrInvalidKey, key, reason)
	}
	return nil
}

func badKey(key string) string {
	switch {
	case key == "":
		return "is empty"
	case len(key) > maxKeyBytes:
		return "is longer than 1024 bytes"
	case strings.ContainsRune(key, 0):
		return "contains NUL"
	case filepath.Separator != '/' && !filepath.IsLocal(key):
		return "is not a local path"
	}
	for part := range strings.SplitSeq(key, "/") {
		switch {
		case part == "":
			return "has an empty part"
		case part == "." || part == "..":
			return "has a relative part"
		case strings.HasPrefix(part, reservedPrefix):
			return "has a part reserved for temporary files"
		}
	}
	return ""
}

// splitPrefix cuts a listing prefix into the folder to read (without the slash) and what the names in it must begin with.
func splitPrefix(prefix string) (dir, name string, err error) {
	i := strings.LastIndexByte(prefix, '/')
	if i < 0 {
		return "", prefix, nil
	}
	dir, name = prefix[:i], prefix[i+1:]
	return dir, name, CheckKey(dir)
}
