package logictest

import (
	"database/sql"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/featuresql/featuresql/engine"
)

var update = flag.Bool("update", false, "write docs/variables.md")

const variablesPage = "../../docs/variables.md"

// effects are the variables that something depends on, and on what statements.
var effects = map[string]string{
	"autocommit":               "0: statements are part of a transaction until COMMIT; switching it on commits",
	"character_set_client":     "the character set of statements; `SET NAMES` sets it with the next two",
	"character_set_connection": "the character set of literals",
	"character_set_results":    "the character set of results",
	"cte_max_recursion_depth":  "after how many rounds WITH RECURSIVE ends with error 3636",
	"default_storage_engine":   "read over, as ENGINE is: every table is `DELTA`",
	"error_count":              "errors of the statement before",
	"featuresql_as_of":         "every read of the session is as of this version or time; empty: of the newest ([sql.md](sql.md))",
	"featuresql_query_memory":  "bytes that a statement may hold, also as `512MiB`; 0: what the server's configuration says",
	"group_concat_max_len":     "bytes after which GROUP_CONCAT cuts its result, with a warning",
	"local_infile":             "0: LOAD DATA LOCAL is refused (3948)",
	"long_query_time":          "seconds from which on a statement is logged as slow",
	"max_connections":          "shows `--max-connections`; SET does not change it",
	"max_execution_time":       "milliseconds after which a SELECT ends with error 3024; 0: never",
	"max_prepared_stmt_count":  "how many statements may be prepared in the whole server (1461)",
	"require_secure_transport": "ON: connections without TLS are refused (`--require-tls`)",
	"secure_file_priv":         "a folder that does not exist: nothing reads the server's files but LOAD DATA within `--file-dir`",
	"sql_mode":                 "strictness, ONLY_FULL_GROUP_BY, ANSI_QUOTES and others; some modes are refused ([mysql-differences.md](mysql-differences.md))",
	"sql_select_limit":         "how many rows a SELECT without LIMIT returns",
	"time_zone":                "the zone in which TIMESTAMP values are shown and times are read; offsets and names of the IANA database",
	"transaction_read_only":    "the session's transactions refuse writes (1792)",
	"version":                  "the version of MySQL that clients take the server for",
	"version_comment":          "the version of featuresql",
	"warning_count":            "warnings of the statement before",
}

// changing are variables whose value depends on the machine, the build or the moment.
var changing = []string{"hostname", "version_comment", "version_compile_os", "version_compile_machine", "system_time_zone", "port", "socket", "pid_file", "datadir",
	"server_uuid", "tmpdir", "max_connections", "timestamp", "pseudo_thread_id"}

type variable struct{ name, value, settable string }

// TestVariablesGenerated: docs/variables.md lists what SHOW VARIABLES shows, and what SET takes.
func TestVariablesGenerated(t *testing.T) {
	db := serve(t, engine.Options{})
	found := variables(t, db)
	want := variablesDoc(found)
	if *update {
		noError(t, os.WriteFile(variablesPage, []byte(want), 0o600))
	}
	got, err := os.ReadFile(variablesPage)
	noError(t, err)
	if string(got) != want {
		t.Errorf("%s is stale: make docs", variablesPage)
	}
	for name := range effects {
		if !slices.ContainsFunc(found, func(v variable) bool { return v.name == name }) {
			t.Errorf("SHOW VARIABLES does not show %s", name)
		}
	}
}

// variables are those of SHOW VARIABLES, with the SET statements that they take: each is set to the value that it has.
func variables(t *testing.T, db *sql.DB) []variable {
	t.Helper()
	conn, err := db.Conn(t.Context())
	noError(t, err)
	defer conn.Close()
	rows, err := conn.QueryContext(t.Context(), "SHOW VARIABLES")
	noError(t, err)
	var out []variable
	for rows.Next() {
		var v variable
		noError(t, rows.Scan(&v.name, &v.value))
		out = append(out, v)
	}
	noError(t, rows.Err())
	for i, v := range out {
		var scopes []string
		for _, scope := range []string{"session", "global"} {
			if v.name == "character_set_connection" && scope == "global" { // it would change collation_connection for the tests to come
				scopes = append(scopes, scope)
				continue
			}
			_, err := conn.ExecContext(t.Context(), fmt.Sprintf("SET %s %s = @@%s.%s", scope, v.name, scope, v.name))
			if err == nil {
				scopes = append(scopes, scope)
			}
		}
		if out[i].settable = strings.Join(scopes, ", "); len(scopes) == 0 {
			out[i].settable = "no"
		}
	}
	slices.SortFunc(out, func(a, b variable) int { return strings.Compare(a.name, b.name) })
	return out
}

func variablesDoc(found []variable) string {
	var known, others strings.Builder
	for _, v := range found {
		value := "–"
		switch {
		case slices.Contains(changing, v.name):
		case len(v.value) > 60:
			value = "`" + strings.ReplaceAll(v.value, ",", "`, `") + "`"
		case v.value != "":
			value = "`" + v.value + "`"
		}
		if effect, ok := effects[v.name]; ok {
			fmt.Fprintf(&known, "| `%s` | %s | %s | %s |\n", v.name, value, v.settable, effect)
			continue
		}
		fmt.Fprintf(&others, "| `%s` | %s | %s |\n", v.name, value, v.settable)
	}
	return `# System variables

Every variable that SHOW VARIABLES shows: its value in a new session of a new server (– for none, or one that depends on the machine), and with which scopes SET takes it.
SET of any other is error 1193, SET of one that cannot be set error 1238 or 1229.

<!-- Generated by make docs from what a server answers. Do not edit. -->

## With an effect

| variable | default | settable | |
|---|---|---|---|
` + known.String() + `
## Without an effect

Clients and tools ask for these, or set them; nothing in featuresql depends on their values.

| variable | default | settable |
|---|---|---|
` + others.String()
}
