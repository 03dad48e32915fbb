package hostsuites

import (
	"regexp"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/enginetest/queries"
	"github.com/dolthub/go-mysql-server/enginetest/scriptgen/setup"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"
	"gopkg.in/src-d/go-errors.v1"
)

// step is one statement of a suite with what the suite expects of it.
type step struct {
	query    string
	want     []sql.Row
	kind     *errors.Kind
	fails    bool // with whatever error
	runs     bool // whatever the rows are
	fresh    bool // in a new session
	bindings map[string]sqlparser.Expr
}

// script is what runs in one session: its own set-up, then steps in order.
type script struct {
	name  string
	setup []string
	steps []step
}

// suite is a list of scripts over one set-up. Scripts of a suite that only reads share its warehouse.
type suite struct {
	name    string
	setup   [][]setup.SetupScript
	reads   bool
	scripts []script
}

func queryTests(lists ...[]queries.QueryTest) []script {
	var out []script
	for _, list := range lists {
		for _, q := range list {
			if mysqlDialect(q.Dialect) && !q.SkipServerEngine {
				out = append(out, script{steps: []step{{query: q.Query, want: q.Expected, bindings: q.Bindings}}})
			}
		}
	}
	return out
}

func mysqlDialect(d string) bool { return d == "" || d == "mysql" }

func queryErrors(list []queries.QueryErrorTest) []script {
	var out []script
	for _, q := range list {
		out = append(out, script{steps: []step{{query: q.Query, kind: q.ExpectedErr, fails: true, bindings: q.Bindings}}})
	}
	return out
}

func genericErrors(list []queries.GenericErrorQueryTest) []script {
	var out []script
	for _, q := range list {
		if len(q.Bindings) == 0 {
			out = append(out, script{name: q.Name, steps: []step{{query: q.Query, fails: true}}})
		}
	}
	return out
}

func writes(lists ...[]queries.WriteQueryTest) []script {
	var out []script
	for _, list := range lists {
		for _, w := range list {
			if w.Skip || w.SkipServerEngine || !mysqlDialect(w.Dialect) {
				continue
			}
			out = append(out, script{steps: []step{{query: w.WriteQuery, want: w.ExpectedWriteResult, bindings: w.Bindings},
				{query: w.SelectQuery, want: w.ExpectedSelect}}})
		}
	}
	return out
}

func regexTests(list []queries.RegexTest) []script {
	var out []script
	for _, q := range list {
		out = append(out, script{steps: []step{{query: q.Query, want: q.Expected, kind: q.ExpectedErr, fails: q.ExpectedErr != nil}}})
	}
	return out
}

func scripts(lists ...[]queries.ScriptTest) []script {
	var out []script
	for _, list := range lists {
		for _, s := range list {
			if !mysqlDialect(s.Dialect) {
				continue
			}
			one := script{name: s.Name, setup: s.SetUpScript}
			if s.Query != "" {
				one.steps = append(one.steps, step{query: s.Query, want: s.Expected, kind: s.ExpectedErr, fails: s.ExpectedErr != nil})
			}
			for _, a := range s.Assertions {
				if !a.Skip && mysqlDialect(a.Dialect) {
					one.steps = append(one.steps, assertion(a))
				}
			}
			if !global.MatchString(one.text()) {
				out = append(out, one)
			}
		}
	}
	return out
}

// global finds scripts that set or look at the host's global variables: those are the process's, and scripts run side by
// side.
var global = regexp.MustCompile(`(?i)\bglobal\b|\bpersist\b|validate_password`)

// text is every statement of a script.
func (s script) text() string {
	all := slices.Clone(s.setup)
	for _, st := range s.steps {
		all = append(all, st.query)
	}
	return strings.Join(all, " ")
}

func assertion(a queries.ScriptTestAssertion) step {
	return step{query: a.Query, want: a.Expected, kind: a.ExpectedErr, fails: a.ExpectedErr != nil || a.ExpectedErrStr != "", fresh: a.NewSession,
		runs: a.SkipResultsCheck || a.SkipResultCheckOnServerEngine || a.Expected == nil, bindings: a.Bindings}
}

func suites() []suite {
	mydb := [][]setup.SetupScript{setup.MydbData}
	return []suite{
		{name: "queries", setup: setup.SimpleSetup, reads: true, scripts: queryTests(queries.QueryTests, queries.KeylessQueries, queries.DateParseQueries)},
		{name: "errors", setup: setup.SimpleSetup, reads: true, scripts: queryErrors(queries.ErrorQueries)},
		{name: "joins", setup: setup.SimpleSetup, reads: true, scripts: queryTests(queries.JoinQueryTests)},
		{name: "nulls", setup: setup.NullsSetup, reads: true, scripts: queryTests(queries.NullRangeTests)},
		{name: "indexes", setup: setup.ComplexIndexSetup, reads: true, scripts: queryTests(queries.ComplexIndexQueries)},
		{name: "regex", setup: setup.Mytable, reads: true, scripts: regexTests(queries.RegexTests)},
		{name: "writes", setup: setup.SimpleSetup, scripts: writes(queries.InsertQueries, queries.ReplaceQueries, queries.UpdateTests, queries.DeleteTests, queries.DeleteJoinTests)},
		{name: "write errors", setup: setup.SimpleSetup, scripts: append(genericErrors(queries.InsertErrorTests), genericErrors(queries.ReplaceErrorTests)...)},
		{name: "scripts", setup: mydb, scripts: scripts(queries.ScriptTests)},
		{name: "order and group", setup: mydb, scripts: scripts(queries.OrderByGroupByScriptTests, queries.SQLLogicJoinTests, queries.SQLLogicSubqueryTests)},
		{name: "join scripts", setup: mydb, scripts: scripts(queries.JoinScriptTests, queries.LateralJoinScriptTests, queries.DerivedTableOuterScopeVisibilityQueries)},
		{name: "insert scripts", setup: mydb, scripts: scripts(queries.InsertScripts, queries.InsertErrorScripts, queries.InsertIgnoreScripts, queries.InsertDuplicateKeyKeyless)},
		{name: "json", setup: mydb, scripts: scripts(queries.JsonScripts, queries.JSONTableScriptTests)},
		{name: "views", setup: mydb, scripts: scripts(queries.ViewScripts)},
		{name: "checks", setup: setup.ChecksSetup, scripts: scripts(queries.CreateCheckConstraintsScripts, queries.DropCheckConstraintsScripts, queries.ChecksOnInsertScripts, queries.ChecksOnUpdateScriptTests, queries.DisallowedCheckConstraintsScripts)},
		{name: "prepared", setup: mydb, scripts: scripts(queries.PreparedScriptTests)},
		{name: "aliases", setup: setup.Mytable, scripts: scripts(queries.ColumnAliasQueries)},
		{name: "numeric errors", setup: mydb, scripts: scripts(queries.NumericErrorQueries, queries.RowLimitTests)},
	}
}
