package hostsuites

import "regexp"

// absent lists what the set-up of the suites loses.
var absent = []substitution{
	{"no AUTO_INCREMENT", regexp.MustCompile(`(?i)\bauto_increment\b`), ""},
	{"keys that AUTO_INCREMENT would give", regexp.MustCompile(`(?is)INSERT INTO auto_increment_tbl .*`), "INSERT INTO auto_increment_tbl VALUES (1,11),(2,22),(3,33)"},
	{"no columns of type TIME", regexp.MustCompile("(?i)`time_col` time\\(6\\)"), "`time_col` varchar(20)"},
	{"no columns of type SET", regexp.MustCompile(`(?i)\bset\([^)]*\)`), "varchar(20)"},
	{"no UNIQUE keys", regexp.MustCompile(`(?i),\s*unique (index|key)\s*\w*\s*\(([^()]|\([0-9]+\))*\)`), ""},
	{"no UNIQUE indexes", regexp.MustCompile(`(?i)^create (unique|vector) index .*`), ""},
	{"no foreign keys", regexp.MustCompile(`(?i)^ALTER TABLE .* FOREIGN KEY .*`), ""},
}

// rules lists the refusals that the documentation names; a rule matches "code: message", a line feed and the statement.
var rules = []rule{
	{"LATERAL is refused", regexp.MustCompile(`^1235: .*LATERAL is not supported`)},
	{"UPDATE of a join is refused; MERGE does it", regexp.MustCompile(`^1235: .*UPDATE of a join`)},
	{"DELETE of several tables is refused", regexp.MustCompile(`^1235: .*DELETE of several tables`)},
	{"no AUTO_INCREMENT and generated columns", regexp.MustCompile(`^1235: .*generated or identity column`)},
	{"no UNIQUE keys", regexp.MustCompile(`^1235: .*UNIQUE`)},
	{"no foreign keys", regexp.MustCompile(`^1235: .*FOREIGN`)},
	{"no triggers and procedures", regexp.MustCompile(`^(1235|1105): .*(triggers|procedure)`)},
	{"regular expressions are RE2's", regexp.MustCompile(`error parsing regexp`)},
	{"no regular expressions over text with COLLATE", regexp.MustCompile(`^1235: .*REGEXP_LIKE of text with COLLATE`)},
	{"no columns of type TIME, SET and BIT", regexp.MustCompile(`^1235: .*columns of type (TIME|SET|BIT)`)},
	{"DEFAULT is a constant", regexp.MustCompile(`^1235: .*DEFAULT of an expression`)},
	{"DECIMAL columns have 38 digits", regexp.MustCompile(`DECIMAL of more than [0-9]+ digits`)},
	{"CHECK holds what Spark reads alike", regexp.MustCompile(`^1235: .*CHECK condition .* is not supported`)},
	{"ADD COLUMN leaves existing rows NULL", regexp.MustCompile(`^1235: .*ADD COLUMN .* NOT NULL`)},
	{"RENAME and DROP COLUMN need column mapping, other types type widening", regexp.MustCompile(`^1235: .*(while columns are found|while 'delta.enableTypeWidening')`)},
	{"ON DUPLICATE KEY UPDATE names columns of the source by VALUES", regexp.MustCompile(`^1235: .*ON DUPLICATE KEY UPDATE`)},
	{"no WITH RECURSIVE and JSON_TABLE inside correlated subqueries", regexp.MustCompile(`^1235: .*(RecursiveCte|JSONTable) inside a correlated subquery`)},
	{"no lists of values beside a subquery of several columns", regexp.MustCompile(`^1235: .*(a subquery inside|expression \()`)},
	{"ADD INDEX stands alone", regexp.MustCompile(`^1235: .*ADD INDEX together`)},
}
