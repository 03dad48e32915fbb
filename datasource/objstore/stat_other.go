//go:build !linux

package objstore

// stat describes the object of a key, ErrNotFound.
func (l *Local) stat(key string) (Object, error) { return l.walk(key) }
