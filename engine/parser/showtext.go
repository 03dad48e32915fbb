package parser

import "strings"

// noRows makes the text of a query that has columns of these names and no rows.
func noRows(columns ...string) string {
	return "SELECT '' AS `" + strings.Join(columns, "`, '' AS `") + "` FROM dual WHERE false"
}

// otherShows are SHOW statements that the host does not know or answers otherwise, by their words after SHOW; most are about what
// featuresql does not have.
var otherShows = []struct {
	words []string
	text  string
}{
	{[]string{"open", "tables"}, noRows("Database", "Table", "In_use", "Name_locked")},
	{[]string{"profiles"}, noRows("Query_ID", "Duration", "Query")},
	{[]string{"plugins"}, "SELECT plugin_name AS `Name`, plugin_status AS `Status`, plugin_type AS `Type`, plugin_library AS `Library`," +
		" plugin_license AS `License` FROM information_schema.plugins"},
	{[]string{"profile"}, noRows("Status", "Duration")},
	{[]string{"errors"}, noRows("Level", "Code", "Message")},
	{[]string{"engine"}, noRows("Type", "Name", "Status")},
	{[]string{"storage", "engines"}, "SHOW ENGINES"},
}

// shownText returns a statement of MySQL's that the host's grammar lacks in the words of one that it has.
func (s *statement) shownText() (string, bool) {
	switch {
	case s.is(0, "describe", "desc", "explain"):
		return s.describedColumn()
	case s.is(0, "flush", "analyze") && s.is(1, "local", "no_write_to_binlog"): // there is no such log
		return s.text(0) + " " + s.src[s.at(2).start:s.at(len(s.toks)-1).start], true
	case s.is(0, "flush") && (s.is(1, "status", "hosts", "logs") || s.is(2, "logs")): // nothing of the kind is kept
		return "FLUSH TABLES", true
	case !s.is(0, "show"):
		return "", false
	case s.seq(1, "table", "status"):
		return s.shownStatus()
	case s.is(1, "count") && s.punct(2, '(') && s.punct(3, '*') && s.is(5, "warnings", "errors"):
		name := strings.TrimSuffix(strings.ToLower(s.text(5)), "s") + "_count"
		return "SELECT @@" + name + " AS `@@session." + name + "`", true
	case s.is(1, "extended"): // the hidden columns and indexes of a storage engine: there are none
		return "SHOW " + s.src[s.at(2).start:s.at(len(s.toks)-1).start], true
	}
	if s.is(1, "collation") {
		return s.shownCollation()
	}
	for _, e := range otherShows {
		if s.seq(1, e.words...) {
			return e.text, true
		}
	}
	return "", false
}

// shownCollation is SHOW COLLATION with MySQL's names of its columns.
func (s *statement) shownCollation() (string, bool) {
	rest := s.src[s.at(2).start:s.at(len(s.toks)-1).start]
	if s.is(2, "like") {
		rest = "WHERE `Collation` " + rest
	}
	return "SELECT * FROM (SELECT collation_name AS `Collation`, character_set_name AS `Charset`, id AS `Id`, is_default AS `Default`," +
		" is_compiled AS `Compiled`, sortlen AS `Sortlen`, pad_attribute AS `Pad_attribute` FROM information_schema.collations) AS c " + rest, true
}

// shownStatus is SHOW TABLE STATUS … WHERE with the name that the host has for the column Comment.
func (s *statement) shownStatus() (text string, found bool) {
	where, from := false, s.at(0).start
	for i := range s.toks {
		where = where || s.is(i, "where")
		if where && s.isName(i) && strings.EqualFold(s.name(i), "comment") {
			text, from, found = text+s.src[from:s.at(i).start]+"`Comments`", s.at(i).end, true
		}
	}
	return text + s.src[from:s.at(len(s.toks)-1).start], found
}

// describedColumn handles DESCRIBE table column and DESCRIBE table 'pattern'.
func (s *statement) describedColumn() (string, bool) {
	i := 2
	if s.punct(2, '.') {
		i = 4
	}
	k := s.at(i).kind
	if !s.isName(1) || s.is(1, "history", "detail", "extended", "format", "analyze", "select", "table") || s.at(i+1).kind != kindEOF ||
		k != kindString && (k != kindWord && k != kindQuoted || s.is(i, "as", "at")) {
		return "", false
	}
	pattern := s.text(i)
	if k != kindString {
		pattern = "'" + strings.NewReplacer(`\`, `\\`, "'", "''", "_", `\_`).Replace(s.name(i)) + "'"
	}
	return "SHOW COLUMNS FROM " + s.src[s.at(1).start:s.at(i-1).end] + " LIKE " + pattern, true
}
