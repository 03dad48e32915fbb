package dml

// SetBulkRows sets how many rows an INSERT into a table with a key holds before it writes any, and returns what it was.
func SetBulkRows(n int) (before int) {
	before, bulkRows = bulkRows, n
	return before
}
