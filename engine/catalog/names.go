package catalog

import (
	"regexp"
	"strings"
)

// namedError is an error whose message calls tables by their names in SQL.
type namedError struct {
	msg string
	err error
}

func (e *namedError) Error() string { return e.msg }
func (e *namedError) Unwrap() error { return e.err }

// tablePath is the place of a table below the warehouse: one folder, or a database and a table. Files and the folders
// of a table (its log, its partitions) are not part of it.
var tablePath = regexp.MustCompile(`^[^/\s:,;"']+(/[^_/\s:,;."'=][^/\s:,;."'=]*)?`)

// NameTables returns err with the URLs of the warehouse's tables replaced by database.table: the layers below know no
// other name, and clients need not know where a table lies.
func (s *Session) NameTables(err error) error {
	if err == nil {
		return nil
	}
	root := strings.TrimSuffix(s.provider.store.URL(), "/") + "/"
	parts := strings.Split(err.Error(), root)
	if len(parts) == 1 {
		return err
	}
	for i, p := range parts[1:] {
		at := tablePath.FindString(p)
		db, table, inDatabase := strings.Cut(at, "/")
		if !inDatabase {
			db, table = DefaultDatabase, at
		}
		if at != "" {
			parts[i+1] = db + "." + table + p[len(at):]
		}
	}
	return &namedError{strings.Join(parts, ""), err}
}
