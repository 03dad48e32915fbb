// Package featuresql is the root of the module: one static binary that serves Delta Lake tables over the MySQL
// wire protocol. The packages below it, and what each may import, are listed in tidy_test.go; docs/architecture.md
// follows a read and a commit through them.
package featuresql
